//! The numbers that judging a trial rests on, by the question they answer.
//!
//! `docs/method.md` has a table of how much a search depends on each of them, from simulation.

use super::SLOT;
use crate::analysis::numbers::numbers;

/// Largest weight of a single trial, in log odds: 49 to 1. Anything can go wrong once, so one trial never excludes
/// a rate for good; two that agree can.
pub const BELIEVED_MAX: f64 = 3.891_820_298_110_627;

/// [`SLOT`] in seconds.
pub(super) const SLOT_S: f64 = 0.1;
const _: () = assert!(SLOT.as_millis() == 100);

/// Fewest points after the head that are judged: batch means need five, and a drift needs a few more.
pub(in crate::analysis) const POINTS_MIN: u32 = 8;

/// Response time limit used for stalls and lengths if an SLO has none, in seconds: that of
/// [`Slo::standard`](crate::load::slo::Slo::standard).
pub(super) const LIMIT_S: f64 = 1.0;

/// Standard deviations of a normal distribution in one median absolute deviation: 1 / Φ⁻¹(3/4). It turns a
/// median deviation, which outliers do not move, into an estimate of the spread (Hampel 1974).
pub(super) const SD_PER_MAD: f64 = 1.4826;

/// Fewest deviations that a variance is computed from.
pub(super) const DEVIATIONS_MIN: usize = 3;

/// Fewest levels of the backlog in which its low point is searched for.
pub(super) const WINDOW_MIN: usize = 2;

/// Fewest slots without a response in a stall; a single one can depend on where slots begin.
pub(super) const SILENT_MIN: f64 = 2.0;

/// Share of the slots that a generator may send late: the limit on lateness applies to its p99, in runs and trials
/// alike.
pub(super) const LATE_SHARE: f64 = 0.01;

/// Probability that a generator late with exactly [`LATE_SHARE`] is judged late.
pub(super) const LATE_RISK: f64 = 0.05;

/// Normal quantile that leaves [`LATE_RISK`] above it, for so many slots that the binomial distribution
/// underflows.
pub(super) const LATE_Z: f64 = 1.645;

/// Slots in a slice of response times for the interval of a quantile: half a second, so that the shortest trial
/// has six.
pub(super) const SLICE_SLOTS: u32 = 5;

/// Fewest slices for an interval: batch means need five.
pub(super) const SLICES_MIN: usize = 5;

/// Fewest response times for an interval. One of 20 is above the p95.
pub(super) const TIMES_MIN: u64 = 20;

/// Upper end of the 95 % interval of a quantile, as a share of the distribution.
pub(super) const INTERVAL_END: f64 = 0.975;

/// Difference between shares that is only rounding.
pub(super) const ROUNDING: f64 = 1e-12;

/// Smallest divisor where zero is possible, and the smallest difference in seconds: a nanosecond.
pub(super) const TINY: f64 = 1e-9;

/// More slots than any trial has, so that conversions to a count cannot overflow.
pub(super) const SLOTS_BEYOND: f64 = 1e6;

numbers! {
    /// Numbers of a trial's test.
    pub struct TrialTuning {
        // When is a trial looked at, and when may it end?

        /// Seconds between two looks at a trial. A look costs a pass over the points; a longer interval wastes
        /// half of itself per trial.
        look_every_s = 0.2,
        /// Seconds after the first look before a share may fail a trial. A burst or the tail of an earlier trial
        /// has the most weight in the first second.
        grace_s = 1.0,
        /// Log odds below which a trial is a draw at its end and is extended.
        draw = 1.0,

        // Are too many requests slow, or do too many fail?

        /// Requests that carry as much information as one independent request. Without a slow one among N
        /// independent requests the odds are e^(−N·share) at most; requests in one queue are slow together, so the
        /// exponent is divided by this. At p95 a clean pass then takes 295 requests.
        dependence = 5.0,
        /// Largest distance between a share and its limit that is distinguished, in standard errors. The normal
        /// approximation says nothing about a share's far tail; 19 to 1 is 1.64.
        deviations_max = 6.0,

        // Does the backlog grow?

        /// Longest lag over which a change of the backlog is taken, in seconds. Shorter lags measure single
        /// services, longer ones leave few changes.
        lag_max_s = 1.0,
        /// Fewest consecutive changes of the backlog in a trial; the lag is shortened to get them.
        lags_min = 6.0,
        /// Weight of the noise known before a trial, in changes of the backlog. A trial of 3 s has six of its own.
        noise_prior_changes = 3.0,
        /// Smallest squared variation of inter-arrival plus service times: that of services which vary by a tenth.
        /// Without a floor, one extra request in the queue of a perfectly regular target would be certain growth.
        noise_floor = 0.01,
        /// Variance that counting whole requests adds to the growth between two levels, in squared requests. Two
        /// uniform rounding errors have 2/12; the rest allows for choosing the lowest level.
        counting_error = 0.3,
        /// Largest squared variation that one trial may report; heavy-tailed services have about 10.
        noise_max = 20.0,
        /// Largest weight of one trial in the average noise, in changes of the backlog.
        noise_changes_max = 20.0,
        /// Share of the changes, the smallest ones, that counts once stalls are known. The largest belong to the
        /// stalls.
        usual_share = 0.8,
        /// Part of a trial, at its end, in which the low point of the backlog is searched for. Between low points
        /// a finished stall leaves no growth.
        window_share = 1.0 / 3.0,
        /// The same in mean times between stalls, once those are known: a stall and its aftermath must fit in.
        window_periods = 1.3,
        /// Largest such part of a trial.
        window_share_max = 0.67,
        /// Share of its peak below which a backlog counts as recovering.
        recovering_share = 0.7,

        // Did the target stall?

        /// Shortest stall, as a share of the limit. A shorter silence makes requests slow only on top of a queue
        /// of the same length.
        stall_limit_share = 0.5,
        /// Shortest stall in gaps between arrivals or in typical response times. In a Poisson process the chance
        /// of such a gap is e^(−30).
        stall_gaps = 30.0,
        /// Shortest stall in seconds: two slots, the resolution of the points.
        stall_min_s = 0.2,

        // Was the generator the limit?

        /// Share of the rate that must have been sent before a growing backlog can be attributed to the target;
        /// the same bar as for runs.
        sent_share = 0.99,
    }
}
