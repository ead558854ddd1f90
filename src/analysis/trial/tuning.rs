//! The numbers that judging a trial rests on, by the question they answer.
//!
//! How much a search depends on each, measured by simulation, is a table in `docs/method.md`.

use super::SLOT;
use crate::analysis::numbers::numbers;

/// The odds that one trial can give, as their logarithm: 49 to 1. Anything can go wrong once, so no trial may
/// rule a rate out for good; two that agree can.
pub const BELIEVED_MAX: f64 = 3.891_820_298_110_627;

/// [`SLOT`] in seconds.
pub(super) const SLOT_S: f64 = 0.1;
const _: () = assert!(SLOT.as_millis() == 100);

/// Points after the head below which nothing is said: five are the least that batch means need, and a drift
/// needs a few steps besides.
pub(in crate::analysis) const POINTS_MIN: u32 = 8;

/// Response time limit of an SLO that names none, in seconds, for deciding what a stall is and how long a
/// trial must be. It is that of [`Slo::standard`](crate::load::slo::Slo::standard).
pub(super) const LIMIT_S: f64 = 1.0;

/// Standard deviations of a normal distribution in one median absolute deviation: 1 / Φ⁻¹(3/4). It turns a
/// median deviation, which outliers do not move, into an estimate of the spread (Hampel 1974).
pub(super) const SD_PER_MAD: f64 = 1.4826;

/// The fewest deviations whose mean square is a variance.
pub(super) const DEVIATIONS_MIN: usize = 3;

/// Levels of the backlog at a trial's end in which its low point is looked for, at least.
pub(super) const WINDOW_MIN: usize = 2;

/// Slots without an answer that are a stall at least: one may be a matter of where slots begin.
pub(super) const SILENT_MIN: f64 = 2.0;

/// Share of the slots that a generator may send late. Its p99 is held against the limit on its lateness, in
/// runs and trials alike.
pub(super) const LATE_SHARE: f64 = 0.01;

/// Chance that a generator which is late with just [`LATE_SHARE`] is called late: the usual 5 %.
pub(super) const LATE_RISK: f64 = 0.05;

/// The quantile of the normal distribution that leaves [`LATE_RISK`] above it, for trials of so many slots that
/// the binomial distribution underflows.
pub(super) const LATE_Z: f64 = 1.645;

/// Slots of a slice of response times, from which the interval of a quantile is made: half a second. It is
/// shorter than most trials by a factor of six or more, so that there are batches enough.
pub(super) const SLICE_SLOTS: u32 = 5;

/// Slices below which a quantile has no interval: batch means want five at least.
pub(super) const SLICES_MIN: usize = 5;

/// Response times below which a quantile has no interval. Of 20, one lies above the p95.
pub(super) const TIMES_MIN: u64 = 20;

/// Upper end of the 95 % interval of a quantile, as a share of the distribution: 2.5 % lie beyond either end.
pub(super) const INTERVAL_END: f64 = 0.975;

/// A share that is no more than rounding: 0 with room for floating point.
pub(super) const ROUNDING: f64 = 1e-12;

/// The same where it is divided by, or where seconds are compared: a nanosecond.
pub(super) const TINY: f64 = 1e-9;

/// More slots than any trial has, so that the conversion to a count cannot overflow.
pub(super) const SLOTS_BEYOND: f64 = 1e6;

numbers! {
    /// The numbers of a trial's test.
    pub struct TrialTuning {
        // When does a trial under way get looked at, and when may it end?

        /// Seconds between two looks. A look costs a pass over the points; every other slot loses a tenth of a
        /// second of a trial at most.
        look_every_s = 0.2,
        /// Seconds between two looks once a trial has lasted [`Self::later_s`]: one look tells little more than
        /// the last, and each is one more chance to stop at a fluctuation (repeated looks; Wald 1945).
        look_every_later_s = 0.5,
        /// Seconds after which looks become rarer. Trials without stalls end within 12.
        later_s = 10.0,
        /// Seconds that shares of slow and failed requests get beyond the first look before they fail a rate. A
        /// burst of arrivals or the tail of an earlier trial weighs most in the first second.
        grace_s = 1.0,
        /// Log odds below which a trial at its end is a draw and goes on: e to 1 is worth about nothing.
        draw = 1.0,

        // Are too many requests slow, or do too many fail?

        /// Requests that say as much as one independent one. None slow of N proves at most e^(−N·share) if
        /// they are independent; requests that wait in one queue are slow together, so the exponent is divided
        /// by this. A p95 needs 295 requests to pass decisively then.
        dependence = 5.0,
        /// Standard errors between a share and its limit that are told apart at most. Beyond, the normal
        /// distribution says nothing of a share's tail; it is past what decides (3 log odds are 1.6).
        deviations_max = 6.0,

        // Does the backlog grow?

        /// Seconds over which a change of the backlog is taken, at most. Shorter ones would measure services,
        /// not the wandering of the queue; longer ones leave few.
        lag_max_s = 1.0,
        /// Changes of the backlog, one after the other, that a trial must give: the lag is a trial's length
        /// divided by this if that is shorter. A variance from fewer than six is anything.
        lags_min = 6.0,
        /// Changes of the backlog that what is known of the noise beforehand weighs, when it is averaged with
        /// what this trial shows. A trial of 3 s gives six of its own.
        noise_prior_changes = 3.0,
        /// Least squared variation of arrivals and services. That of a service that varies by a tenth; without
        /// a floor, a target like a clock would make any growth by one request certain.
        noise_floor = 0.01,
        /// Squared requests that counting in whole numbers adds to the growth between two levels: two errors of
        /// uniform distribution have 2/12, and as much again for the choice of the lowest level.
        counting_error = 0.3,
        /// Squared variation that one trial can teach at most; services with a heavy tail have about 10.
        noise_max = 20.0,
        /// Changes of the backlog that one trial counts for at most when the noise is averaged over trials, so
        /// that the longest does not decide alone.
        noise_changes_max = 20.0,
        /// Share of the changes that counts where stalls are known: the largest are theirs, and the walk
        /// between stalls is that of the others. Stalls a search can bear at all take less than a fifth.
        usual_share = 0.8,
        /// Part of a trial, at its end, in which the low point of the backlog is looked for. From low point to
        /// low point, a stall that is over leaves no growth behind.
        window_share = 1.0 / 3.0,
        /// The same in mean distances between stalls where those are known: one stall and its aftermath must
        /// fit in.
        window_periods = 1.3,
        /// Most of a trial that the low point is looked for in: what is left must be longer than nothing.
        window_share_max = 0.67,
        /// Share of its highest level below which a backlog is on its way back.
        recovering_share = 0.7,

        // Did the target stand still?

        /// Share of the limit that a silence must last to be a stall. A shorter one makes requests slow only
        /// together with a queue as long again.
        stall_limit_share = 0.5,
        /// Gaps between arrivals, or typical answers, that a silence must last. The chance of such a gap in a
        /// Poisson process is e^(−30).
        stall_gaps = 30.0,
        /// Seconds that a silence must last: two slots, since that is what slots can show.
        stall_min_s = 0.2,

        // Was the generator or the target at its limit?

        /// Share of the rate that must have been sent before a growing backlog can be the target's. It is the
        /// bar for runs, too.
        sent_share = 0.99,
    }
}
