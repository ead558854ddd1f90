//! The numbers that the search for the highest rate rests on, by the question they answer.
//!
//! How much a search depends on each, measured by simulation, is a table in `docs/method.md`. Numbers of a
//! single trial's test are in [`TrialTuning`](crate::analysis::trial::TrialTuning).

use crate::analysis::numbers::numbers;
use crate::analysis::trial::BELIEVED_MAX;

/// The middle of a distribution.
pub(super) const MEDIAN: f64 = 0.5;

/// Lower and upper end of the middle 95 % of a distribution: the interval that is told, and whose width is held
/// against the precision asked for.
pub(super) const INTERVAL_LOW: f64 = 0.025;
/// See [`INTERVAL_LOW`].
pub(super) const INTERVAL_HIGH: f64 = 0.975;

/// Log odds from which one trial alone proves a failure: as good as all that a trial can give.
pub(super) const PROVEN: f64 = 0.99 * BELIEVED_MAX;

/// Failures at or below a rate that prove that it fails.
pub(super) const PROVEN_BY: usize = 2;

/// Disturbances of the generator, one after the other, that are no accident: the rate is more than it can offer.
pub(super) const DISTURBED_MAX: u32 = 4;

/// The same once that has been seen.
pub(super) const DISTURBED_LATER_MAX: u32 = 2;

/// Trials at most. It bounds a search whose trials report no time; others need about 30.
pub(super) const TRIALS_MAX: usize = 100;

/// Steps from a confirmed rate towards the median at most. Each takes as long as a confirmation.
pub(super) const CLIMBS_MAX: u32 = 2;

/// Failed confirmations, one after the other, after which the step down no longer doubles. The sixth step is
/// 16 precisions, half the rate at normal effort.
pub(super) const REFUTED_MAX: i32 = 6;

/// Times that what a generator must leave doubles when it was the limit again.
pub(super) const CAP_DOUBLINGS_MAX: u32 = 4;

/// Spacing of the grid of rates, as a logarithm: a twentieth of a percent, a thirtieth of the finest precision
/// of the presets.
pub(super) const GRID: f64 = 0.000_5;

/// Times that the grid is extended downwards, each by a factor of e.
pub(super) const EXTENSIONS_MAX: u32 = 8;

/// A rate that a grid can begin at, per second: one request in three hours.
pub(super) const RATE_BEYOND: f64 = 1e-4;

/// Share of a rate that its rounding to four figures can change, twice over: rates closer than this are the same
/// for who asks whether one has been reached.
pub(super) const ROUNDED: f64 = 0.001;

/// Share of a rate below which two offered rates, both rounded, are one.
pub(super) const SAME_RATE: f64 = 1e-4;

/// The same where the very number that was offered comes back.
pub(super) const IDENTICAL: f64 = 1e-9;

/// Divisors that might be zero are this at least.
pub(super) const TINY: f64 = 1e-12;

/// Growth of a backlog, as a share of the rate, that a target without any answer is taken to have at most, so
/// that its capacity has a logarithm.
pub(super) const GROWTH_MAX: f64 = 0.999;

/// Share of requests over the limit where an SLO names no response time: that of
/// [`Slo::standard`](crate::load::slo::Slo::standard).
pub(super) const SLOW_SHARE: f64 = 0.05;

/// Tenths of a second that a trial consists of.
pub(super) const SLOTS_PER_S: f64 = 10.0;

/// Lowest rate that settings may ask for, per second: a request in a quarter of an hour.
pub(super) const MIN_RATE_LEAST: f64 = 0.001;

/// First rate of a search, per second: one that hardly any target breaks at.
pub(super) const START: f64 = 10.0;

/// Lowest rate worth trying, per second.
pub(super) const MIN_RATE: f64 = 1.0;

/// Highest rate to offer, per second: more than one machine sends.
pub(super) const MAX_RATE: f64 = 1e6;

/// Precisions that settings may ask for, as shares of a rate: ten points of the grid, and what the ramp finds
/// anyway.
pub(super) const PRECISIONS: (f64, f64) = (0.005, 0.5);

/// What an effort buys: precision as a share of the rate, and seconds.
///
/// Requests grow with the square of the precision, so each step of it costs about four times as much
/// narrowing; the budget follows that. A confirmation sees only faults that come more often than it lasts. The
/// time of the whole search is what the slowest of the simulated targets need, those that stall.
pub(super) struct Preset {
    pub(super) precision: f64,
    pub(super) confirm_s: u64,
    pub(super) trial_s: u64,
    pub(super) budget_s: u64,
    pub(super) search_s: u64,
}

/// For [`Effort::Quick`](super::Effort::Quick).
pub(super) const QUICK: Preset =
    Preset { precision: 0.05, confirm_s: 10, trial_s: 12, budget_s: 45, search_s: 150 };
/// For [`Effort::Normal`](super::Effort::Normal).
pub(super) const NORMAL: Preset =
    Preset { precision: 0.03, confirm_s: 30, trial_s: 12, budget_s: 90, search_s: 360 };
/// For [`Effort::Thorough`](super::Effort::Thorough).
pub(super) const THOROUGH: Preset =
    Preset { precision: 0.015, confirm_s: 60, trial_s: 30, budget_s: 240, search_s: 720 };

/// Log odds of 19 to 1, the usual 5 % on either side (Wald 1945: the boundary of a sequential test whose two
/// errors are 5 % each).
const LN_19: f64 = 2.944_438_979_166_44;

numbers! {
    /// The numbers of a search.
    pub struct SearchTuning {
        // How sure must a trial be?

        /// Log odds that decide a trial: 19 to 1.
        decisive = LN_19,
        /// Log odds that decide a step of the ramp: 4.5 to 1. A failure is repeated, so it may be cheaper.
        decisive_ramp = 1.5,
        /// Log odds that end the trial of the lowest rate early: 360 to 1. That no rate holds is a strong
        /// claim, and one stall among few requests is no reason for it.
        decisive_lowest = 2.0 * LN_19,
        /// Log odds against a rate from which a repeated failure of the ramp is believed.
        repeat_believed = 2.0,
        /// Log odds for a rate from which one that held is told though it was not confirmed, where lower ones
        /// failed: more than a draw.
        held_believed = 1.0,

        // How noisy is the target?

        /// Squared variation of arrivals and services, added up, before anything is known: exponential services
        /// and constant arrivals, or the other way round.
        noise_prior = 1.0,
        /// Changes of the backlog that this assumption weighs.
        noise_prior_weight = 3.0,
        /// Changes of the backlog that all trials so far weigh at most, so that a target that changes is
        /// followed within a few trials.
        noise_weight_max = 40.0,
        /// Least squared variation when the length of a trial is planned: a target like a clock needs time too.
        noise_planned_min = 0.05,

        // Which two rates does the answer lie between? (ramp)

        /// Excess over capacity, as a share of the rate, that a step of the ramp tells from none. Steps double,
        /// so the one that fails is above by half as much again in the mean.
        ramp_excess = 0.25,
        /// Requests that a step of the ramp has at least.
        ramp_requests = 10.0,
        /// Seconds of a step of the ramp, at least. Nine doublings to 5,000/s take nine of them.
        ramp_step_min_s = 1.0,
        /// Seconds of a step of the ramp, at most.
        ramp_step_max_s = 10.0,
        /// Share of what a failing rate answered that is tried next while no rate holds: a bit less than all,
        /// since that is the capacity.
        ramp_down_share = 0.9,
        /// Factor within which two rates are neighbours on the ramp: a doubling and some room. The ramp is over
        /// when the highest that held and the lowest that failed are, and only steps that close to the highest
        /// say anything of the answer.
        ramp_neighbours = 2.5,
        /// Requests of a repeated step. 150 of which none is slow prove e^(−1.5) at p95, the odds of a step.
        repeat_requests = 150.0,
        /// Seconds of a repeated step, at least; the one it repeats took one.
        repeat_min_s = 3.0,
        /// Seconds of a repeated step, at most.
        repeat_max_s = 12.0,
        /// Seconds until a repeated step is first looked at: whatever spoiled the first may go on for a second.
        repeat_from_s = 2.0,
        /// Times its length that a repeated step goes on while it is close or recovering.
        repeat_extension = 1.3,

        // How long is a target let get going? (head of a trial)

        /// Median response times of the idle target, in which the requests of the trial come to be spread as
        /// they will be.
        head_medians = 3.0,
        /// Seconds of the head of a step of the ramp, at least.
        ramp_head_min_s = 0.2,
        /// Seconds of the head of a step of the ramp, at most: half of a step.
        ramp_head_max_s = 0.5,
        /// Seconds of the head of other trials, at least.
        head_min_s = 0.5,
        /// Seconds of the head of other trials, at most.
        head_max_s = 5.0,
        /// Seconds that must be left for judging after the head, else a trial is not begun.
        judged_min_s = 0.5,

        // Which rate is tried next, and how long? (narrowing)

        /// Tail of the distribution over rates whose end is tried, and confirmed: at the median a trial cannot be
        /// decided, since its rate is as far from failing as from holding (Waeber, Frazier, Henderson 2013).
        tail = 0.15,
        /// Precisions that a trial tells an excess of at least. Finer ones would not change the interval.
        excess_precisions = 1.0 / 3.0,
        /// Excess that a trial which narrows tells from none, at most, as a share of the rate.
        excess_max = 0.2,
        /// Requests times squared excess, by squared variation, that a trial is planned with. Wald's test needs
        /// 2 ln 19 = 5.9 in the mean; the rest is for the low point lying before the end.
        planned_requests = 8.0,
        /// Seconds of a trial at least: a head, and six lags of 0.4 s, from which a drift is told from a walk.
        trial_min_s = 3.0,
        /// Times the shortest length that an undecided trial lasts at least.
        undecided_least = 1.5,
        /// Times the longest length that a trial goes on while it is close or recovering.
        extension = 1.5,

        // Is the target itself again after a failure? (recovery)

        /// Seconds of a probe.
        probe_s = 0.6,
        /// Rate of a probe, as a share of the highest that held on the ramp: load that is none.
        probe_share = 0.05,
        /// Rate of a probe at least, per second: some ten requests.
        probe_rate_min = 20.0,
        /// Idle median response times below which the target is itself again.
        recovered_medians = 2.0,
        /// Share of the limit that the median may be above the idle one, too.
        recovered_limit_share = 0.05,
        /// Seconds after which a target counts as slow to recover, and is not overloaded by much again.
        recovery_usual_s = 30.0,
        /// Seconds after which the search gives up waiting.
        recovery_max_s = 120.0,
        /// Times the highest rate that held, which are tried at most of a target that is slow to recover.
        slow_recovery_step = 1.1,
        /// Seconds within which whoever refuses does so; who is overloaded lets wait.
        refused_within_s = 1.0,

        // Do stalls come now and then?

        /// Mean distances between stalls that a trial which narrows lasts at least.
        stall_periods_min = 1.5,
        /// Mean distances between stalls that a trial and a confirmation last if there is time: one in twelve
        /// meets none then, if they come at random (e^(−2.5)).
        stall_periods = 2.5,
        /// Times the confirmation that this may take at most.
        stall_confirmations_max = 2.0,
        /// Times the budget that narrowing may take then.
        stall_budget = 2.0,

        // Does the answer hold, and nothing above it? (confirmation, look above, climb)

        /// Seconds that a confirmation must last to be one.
        confirm_min_s = 5.0,
        /// Excess that a confirmation tells from none, at least.
        confirm_excess_min = 0.01,
        /// Precisions below a rate that failed its confirmation, of the next one; doubled each time.
        refuted_step = 0.5,
        /// Share of a confirmed rate by which another must be higher to be worth a confirmation: less than a
        /// seventh of the precision at normal effort.
        better_share = 0.004,
        /// Times the interval's upper end, or the answer and a precision, at which the look above is made.
        above_margin = 1.01,
        /// Seconds of the look above, at least.
        above_s = 6.0,
        /// Precisions that the look above tells an excess of.
        above_excess = 0.5,
        /// Seconds that a target which turns out to hold more adds to the budget.
        change_budget_s = 40.0,
        /// Times the rate which then held that the grid reaches at least.
        change_room = 1.2,
        /// Part of the way from the answer to the median, in logarithms, that a climb takes.
        climb_share = 0.6,
        /// Precisions from the answer to the median below which there is nothing to climb for.
        climb_gap = 0.7,

        // Does any rate hold?

        /// Highest rate per second that is tried to see whether any holds.
        lowest_rate = 10.0,
        /// Share of the highest rate that the ramp held which is tried at most.
        lowest_share = 0.25,

        // How likely is each rate, given all trials? (posterior)

        /// Share of the highest rate that the ramp held at which the grid begins.
        grid_below = 0.3,
        /// Times the lowest rate that the ramp did not hold at which it ends.
        grid_above = 1.7,
        /// Share of the distribution that may lie at the grid's beginning, else it is extended.
        grid_tail = 0.01,
        /// Log odds against rates below half of what the ramp held: a step held there.
        prior_far_below = 1.5,
        /// Slope of the prior below what the ramp held, log odds by logarithm of the rate: an accident on the
        /// ramp is rather a small than a large one.
        prior_slope = 0.7,
        /// Logarithm of the rate over which that slope goes on.
        prior_reach = 4.0,
        /// Log odds that a failed trial weighs at least.
        fail_weight_min = 0.5,
        /// Log odds of the backlog from which a failed trial is taken for an overload, and what it answered for
        /// the capacity.
        growth_believed = 0.3,
        /// Chance that what a target answers under overload says nothing of its capacity below: collapse.
        collapse = 0.2,
        /// Error of the capacity that a failure by errors tells, as a logarithm: counting, for a start.
        errors_spread = 0.02,
        /// What is added by how far below the rate that capacity lies, as a share of the distance.
        errors_spread_share = 0.1,
        /// Seconds from which a trial that failed weakly is a long one.
        weak_long_s = 25.0,
        /// Log odds that a short trial which failed weakly weighs at most.
        weak_short_max = 1.5,
        /// Log odds that a long one weighs at least: it met something that comes rarely.
        weak_long_min = 2.0,
        /// Share of the capacity by which the highest rate may lie below it at most (Kingman 1961, whose formula
        /// for heavy traffic says nothing of light).
        gap_max = 0.2,
        /// Log odds that a trial which held weighs at least.
        pass_weight_min = 0.05,
        /// Times the lowest rate that failed with a stall, above which a trial without a stall says little.
        stalled_share = 0.7,
        /// Log odds of a trial that held where a longer one contradicts it.
        contradicted = 0.02,
        /// Times as long as a trial that held, which one must be to contradict it.
        contradicts_length = 1.5,
        /// Share of the shorter trial's time before which the longer one must not have gone wrong.
        contradicts_onset = 0.8,
        /// Times the rate that held, up to which one that failed contradicts it.
        contradicts_rate = 1.02,
        /// Weight of failures from before the target changed.
        stale = 0.1,

        // What is out of the generator's reach?

        /// Share of what a generator at its limit sent that it is trusted with.
        cap_sent_share = 0.98,
        /// Share of its rate that a generator at its limit leaves off at least, the first time.
        cap_step_limited = 0.05,
        /// The same of one that was only disturbed.
        cap_step_disturbed = 0.025,
        /// Share of the highest rate allowed from which an answer is bounded by that, not by the target.
        at_cap_share = 0.95,

        // What is said with the answer?

        /// Precisions that an interval may be wide without a note.
        wide = 1.5,
        /// Times the estimate above which overload alone may silence a target.
        stalls_within = 1.5,
        /// Seconds set aside for draining what a trial leaves.
        drain_s = 2.0,
    }
}
