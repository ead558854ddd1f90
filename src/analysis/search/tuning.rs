//! The numbers that the search for the highest rate rests on, by the question they answer.
//!
//! `docs/method.md` has a table of how much a search depends on each of them, from simulation. The numbers of a
//! single trial's test are in [`TrialTuning`](crate::analysis::trial::TrialTuning).

use crate::analysis::numbers::numbers;
use crate::analysis::trial::BELIEVED_MAX;

/// Median, as a share of a distribution.
pub(super) const MEDIAN: f64 = 0.5;

/// Nominal coverage of the interval: 2.5 % of the distribution are beyond either end. `docs/method.md` has the
/// coverage that simulation found.
pub const CONFIDENCE: f64 = 0.95;

/// Lower end of the reported interval, as a share of the distribution. The width of the interval is compared with
/// the requested precision.
pub(super) const INTERVAL_LOW: f64 = 0.025;
/// Upper end of the reported interval, as a share of the distribution.
pub(super) const INTERVAL_HIGH: f64 = 0.975;

/// Log odds from which a single trial proves a failure: practically the most that a trial can have.
pub(super) const PROVEN: f64 = 0.99 * BELIEVED_MAX;

/// Number of failures at or below a rate that prove its failure.
pub(super) const PROVEN_BY: usize = 2;

/// Consecutive disturbances of the generator that are no coincidence: it cannot offer the rate.
pub(super) const DISTURBED_MAX: u32 = 4;

/// The same after the generator has been the limit before.
pub(super) const DISTURBED_LATER_MAX: u32 = 2;

/// Largest number of trials. It bounds a search whose trials report no time; others need about 30.
pub(super) const TRIALS_MAX: usize = 100;

/// Largest number of steps from a confirmed rate towards the median. Each takes as long as a confirmation.
pub(super) const CLIMBS_MAX: u32 = 2;

/// Consecutive failed confirmations after which the step down no longer doubles. The sixth step is 16 precisions,
/// half the rate at normal effort.
pub(super) const REFUTED_MAX: i32 = 6;

/// Number of times that the reduction of the cap doubles.
pub(super) const CAP_DOUBLINGS_MAX: u32 = 4;

/// Spacing of the grid of rates, as a logarithm: a thirtieth of the finest precision of the presets.
pub(super) const GRID: f64 = 0.000_5;

/// Largest number of extensions of the grid downwards, each by a factor of e.
pub(super) const EXTENSIONS_MAX: u32 = 8;

/// Lowest beginning of a grid, per second: one request in three hours.
pub(super) const RATE_BEYOND: f64 = 1e-4;

/// Relative difference within which one rate has reached another: twice the error of rounding to four figures.
pub(super) const ROUNDED: f64 = 0.001;

/// Relative difference below which two offered rates, both rounded, are equal.
pub(super) const SAME_RATE: f64 = 1e-4;

/// Difference below which two numbers are the same one, and the smallest positive share.
pub(super) const IDENTICAL: f64 = 1e-9;

/// Smallest divisor where zero is possible.
pub(super) const TINY: f64 = 1e-12;

/// Largest growth of a backlog, as a share of the rate, so that the capacity of a target without any response has
/// a logarithm.
pub(super) const GROWTH_MAX: f64 = 0.999;

/// Allowed share of slow requests if an SLO has no limit on response times: that of
/// [`Slo::standard`](crate::load::slo::Slo::standard).
pub(super) const SLOW_SHARE: f64 = 0.05;

/// Slots per second, to which the length of a trial is rounded.
pub(super) const SLOTS_PER_S: f64 = 10.0;

/// Smallest lowest rate of the settings, per second: a request in 17 minutes.
pub(super) const MIN_RATE_LEAST: f64 = 0.001;

/// First rate of a search, per second, which hardly any target fails.
pub(super) const START: f64 = 10.0;

/// Lowest rate worth trying, per second.
pub(super) const MIN_RATE: f64 = 1.0;

/// Highest rate to offer, per second: more than one machine can send.
pub(super) const MAX_RATE: f64 = 1e6;

/// Range of the precision, as a share of the rate: from ten points of the grid to what the ramp finds anyway.
pub(super) const PRECISIONS: (f64, f64) = (0.005, 0.5);

/// Precision, as a share of the rate, and times of an effort, in seconds.
///
/// The number of requests needed grows with the inverse square of the precision, and the budget with it. A
/// confirmation detects only faults that are more frequent than it is long. The time of the whole search is what
/// the slowest simulated targets need, those that stall.
pub(super) struct Preset {
    pub(super) precision: f64,
    pub(super) confirm_s: u64,
    pub(super) trial_s: u64,
    pub(super) budget_s: u64,
    pub(super) search_s: u64,
}

/// Preset of [`Effort::Quick`](super::Effort::Quick).
pub(super) const QUICK: Preset =
    Preset { precision: 0.05, confirm_s: 10, trial_s: 12, budget_s: 45, search_s: 150 };
/// Preset of [`Effort::Normal`](super::Effort::Normal).
pub(super) const NORMAL: Preset =
    Preset { precision: 0.03, confirm_s: 30, trial_s: 12, budget_s: 90, search_s: 360 };
/// Preset of [`Effort::Thorough`](super::Effort::Thorough).
pub(super) const THOROUGH: Preset =
    Preset { precision: 0.015, confirm_s: 60, trial_s: 30, budget_s: 240, search_s: 720 };

/// Log odds of 19 to 1: the boundary of a sequential test with two errors of 5 % each (Wald 1945).
const LN_19: f64 = 2.944_438_979_166_44;

numbers! {
    /// Numbers of a search.
    pub struct SearchTuning {
        // How certain must a trial be?

        /// Log odds that decide a trial: 19 to 1, an error of 5 % on either side. A step of the ramp is looked at
        /// only once, at its end, so there the sign alone counts.
        decisive = LN_19,
        /// Log odds that end the trial of the lowest rate early: 360 to 1. "No rate is sustainable" is a strong
        /// claim, and one stall among few requests does not justify it.
        decisive_lowest = 2.0 * LN_19,
        /// Log odds against a rate from which the repeated failure of a ramp step is accepted.
        repeat_believed = 2.0,
        /// Log odds for an unconfirmed rate from which it is reported if lower rates failed: more than a draw.
        held_believed = 1.0,

        // How noisy is the target?

        /// Squared variation of inter-arrival plus service times assumed before any trial: exponential services
        /// with constant arrivals, or the reverse.
        noise_prior = 1.0,
        /// Weight of that assumption, in changes of the backlog. A trial of 3 s contributes six.
        noise_prior_weight = 3.0,
        /// Largest weight of all trials so far, in changes of the backlog, so that the estimate follows a target
        /// that changes within a few trials.
        noise_weight_max = 40.0,

        // Between which two rates is the answer? (ramp)

        /// Excess over capacity that a ramp step must detect, as a share of the rate. Steps double, so the failing
        /// one exceeds capacity by 41 % in the geometric mean.
        ramp_excess = 0.25,
        /// Fewest requests in a ramp step; fewer cannot show a share of 5 %.
        ramp_requests = 10.0,
        /// Shortest ramp step, in seconds. Nine doublings lead from 10/s to 5,000/s.
        ramp_step_min_s = 1.0,
        /// Longest ramp step, in seconds; it matters below 1/s only.
        ramp_step_max_s = 10.0,
        /// Share of the throughput of a failing rate that is tried next while no rate has held. The throughput
        /// under overload is the capacity, so the next rate is a little below it.
        ramp_down_share = 0.9,
        /// Factor within which two rates are neighbouring steps: a doubling with some slack. The ramp ends when
        /// the highest rate that held and the lowest that failed are neighbours, and only steps that are
        /// neighbours of the highest enter the posterior.
        ramp_neighbours = 2.5,
        /// Requests in a repeated step. 150 of them without a slow one have log odds of −1.5 at p95 (see
        /// `dependence`).
        repeat_requests = 150.0,
        /// Shortest repeated step, in seconds, three times the step that it repeats.
        repeat_min_s = 3.0,
        /// Longest repeated step, in seconds.
        repeat_max_s = 12.0,
        /// Seconds before the first look at a repeated step, so that what spoiled the first step can pass.
        repeat_from_s = 2.0,
        /// Factor by which a repeated step is extended while it is close or recovering.
        repeat_extension = 1.3,

        // How long does a target get to settle? (head of a trial)

        /// Length of the head in median response times of the unloaded target: the requests in progress then are
        /// those of this rate.
        head_medians = 3.0,
        /// Shortest head of a ramp step, in seconds.
        ramp_head_min_s = 0.2,
        /// Longest head of a ramp step, in seconds: half a step.
        ramp_head_max_s = 0.5,
        /// Shortest head of any other trial, in seconds.
        head_min_s = 0.5,
        /// Longest head of any other trial, in seconds.
        head_max_s = 5.0,
        /// Fewest seconds after the head for which a trial is still started.
        judged_min_s = 0.5,

        // Which rate is next, and for how long? (narrowing)

        /// Tail of the posterior at whose end rates are tried and confirmed. At the median a trial is undecidable,
        /// because the rate is as likely to hold as to fail (Waeber, Frazier, Henderson 2013).
        tail = 0.15,
        /// Smallest excess that a trial must detect, in precisions. A smaller one would not change the interval.
        excess_precisions = 1.0 / 3.0,
        /// Largest excess that a narrowing trial must detect, as a share of the rate.
        excess_max = 0.2,
        /// Planned length of a trial, as requests · excess² / squared variation. Wald's test needs 2 ln 19 = 5.9
        /// in the mean; the rest allows for the low point of the backlog, which lies before the end.
        planned_requests = 8.0,
        /// Shortest trial, in seconds: a head and six lags of 0.4 s, enough to distinguish a drift from a walk.
        trial_min_s = 3.0,
        /// Shortest time before an undecided trial ends, in shortest lengths.
        undecided_least = 1.5,
        /// Longest extension of a trial that is close or recovering, in longest lengths.
        extension = 1.5,
        /// Seconds reserved for draining after a trial.
        drain_s = 2.0,

        // Has the target recovered from a failure? (recovery)

        /// Length of a recovery probe, in seconds.
        probe_s = 0.6,
        /// Rate of a recovery probe, as a share of the highest rate that the ramp held: practically no load.
        probe_share = 0.05,
        /// Lowest rate of a recovery probe, per second: about ten requests.
        probe_rate_min = 20.0,
        /// Largest median response time of a recovered target, in medians of the unloaded target.
        recovered_medians = 2.0,
        /// Excess over the unloaded median that is also accepted, as a share of the limit.
        recovered_limit_share = 0.05,
        /// Seconds after which recovery counts as slow; the search then avoids strong overload.
        recovery_usual_s = 30.0,
        /// Seconds after which the search stops waiting for recovery and ends.
        recovery_max_s = 120.0,
        /// Largest step above the highest rate that held, as a factor, once recovery was slow.
        slow_recovery_step = 1.1,
        /// Seconds after the end of the arrivals within which a trial that was refused is over; an overloaded
        /// target keeps requests waiting.
        refused_within_s = 1.0,

        // Does the target stall now and then?

        /// Shortest narrowing trial, in mean times between stalls.
        stall_periods_min = 1.5,
        /// Length of a confirmation in mean times between stalls, if there is time. If stalls come at random, one
        /// trial in twelve meets none (e^(−2.5)).
        stall_periods = 2.5,
        /// Longest confirmation because of stalls, in usual confirmations.
        stall_confirmations_max = 2.0,
        /// Factor by which stalls extend the budget for narrowing.
        stall_budget = 2.0,

        // Does the answer hold, and does a rate above it fail? (confirmation, look above, climb)

        /// Shortest confirmation, in seconds.
        confirm_min_s = 5.0,
        /// Smallest excess that a confirmation must detect, as a share of the rate.
        confirm_excess_min = 0.01,
        /// Step below a rate that failed its confirmation, in precisions; it doubles with each failure.
        refuted_step = 0.5,
        /// Rate of the look above, as a factor on the upper end of the interval, or on the answer plus a precision
        /// if that is higher.
        above_margin = 1.01,
        /// Shortest look above, in seconds.
        above_s = 6.0,
        /// Excess that the look above must detect, in precisions.
        above_excess = 0.5,
        /// Seconds added to the budget when the target turns out to hold more than before.
        change_budget_s = 40.0,
        /// Lowest upper end of the grid after that, as a factor on the rate that held.
        change_room = 1.2,
        /// Part of the logarithmic distance from the answer to the median that a climb covers.
        climb_share = 0.6,
        /// Smallest distance from the answer to the median that is worth a climb, in precisions.
        climb_gap = 0.7,

        // Is any rate sustainable?

        /// Highest rate that is tried to see whether any is sustainable, per second.
        lowest_rate = 10.0,
        /// The same as a share of the highest rate that the ramp held.
        lowest_share = 0.25,

        // How likely is each rate, given all trials? (posterior)

        /// Beginning of the grid, as a share of the highest rate that the ramp held.
        grid_below = 0.3,
        /// End of the grid, as a factor on the lowest rate that the ramp did not hold.
        grid_above = 1.7,
        /// Probability at the beginning of the grid above which the grid is extended downwards.
        grid_tail = 0.01,
        /// Slope of the prior below the highest rate that the ramp held, in log odds per unit of the logarithm: a
        /// misleading ramp is more likely to be slightly wrong than very wrong.
        prior_slope = 0.7,
        /// Range of that slope, as a logarithm of the rate.
        prior_reach = 4.0,
        /// Log odds of a growing backlog from which a failure counts as overload, and its throughput as the
        /// capacity.
        growth_believed = 0.3,
        /// Probability that throughput under overload says nothing about capacity, because overload itself lowers
        /// it.
        collapse = 0.2,
        /// Standard error of the capacity derived from a failure by errors, as a logarithm: that of 2,500 counted
        /// responses.
        errors_spread = 0.02,
        /// Additional error of that capacity, as a share of its logarithmic distance from the rate.
        errors_spread_share = 0.1,
        /// Seconds from which a weakly failed trial counts as long.
        weak_long_s = 25.0,
        /// Largest weight of a short trial that failed weakly, in log odds.
        weak_short_max = 1.5,
        /// Smallest weight of a long trial that failed weakly, in log odds: it met something rare.
        weak_long_min = 2.0,
        /// Largest distance of the highest rate below capacity, as a share. Kingman's formula (1961) is for heavy
        /// traffic and overstates the distance in light traffic.
        gap_max = 0.2,
        /// Share of the lowest rate that failed with a stall, above which a pass without a stall has little
        /// weight.
        stalled_share = 0.7,
        /// Weight of failures from before the target changed.
        stale = 0.1,

        // Which rates are beyond the generator?

        /// Share of the rate that a limited generator achieved to which the search is capped.
        cap_sent_share = 0.98,
        /// Smallest reduction of the cap after a trial that the generator limited, as a share; it doubles each
        /// time.
        cap_step_limited = 0.05,
        /// The same after a trial that was only disturbed.
        cap_step_disturbed = 0.025,
        /// Share of the cap from which an answer is attributed to the cap rather than to the target.
        at_cap_share = 0.95,

        // Which notes does the answer have?

        /// Width of the interval above which the answer has a note, in precisions.
        wide = 1.5,
        /// Factor on the estimate above which a stall may be due to overload alone.
        stalls_within = 1.5,
    }
}
