//! [`Answer`]: what a search found, how sure it is, and every trial behind it.
//!
//! Invariant: the estimate is a rate that was offered and held, unless a note says that it was not.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rate_cap::CapReason;
use super::tuning::{CONFIDENCE, IDENTICAL, INTERVAL_HIGH, INTERVAL_LOW, MEDIAN};
use super::{Search, TrialRecord};
use crate::analysis::trial::{Breach, TrialPurpose, TrialVerdict};

/// The highest rate found, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Kind of answer.
    pub bound: Bound,
    /// Requests per second that were held, confirmed unless a note says otherwise; 0 where none was.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end; `None` where no rate failed.
    pub high: Option<f64>,
    /// Probability that the true rate lies within the interval, which has no upper end where no rate failed:
    /// [`CONFIDENCE`] where the estimate was confirmed, else 0.
    pub confidence: f64,
    /// Time for which the estimate was held, head included; zero where it was not confirmed.
    pub held: Duration,
    /// The lowest rate above the estimate that failed, and what it broke first.
    pub breach: Option<(f64, Breach)>,
    /// Squared variation of arrivals and services, as seen in the backlog; 1 for exponential services.
    pub noise: f64,
    /// Every trial in order.
    pub trials: Vec<TrialRecord>,
    /// Remarks that the reader must know besides.
    pub notes: Vec<Note>,
}

/// What kind of answer a search gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A higher rate was seen to fail.
    Breach,
    /// No rate within reach failed; the generator or a limit ended the search.
    AtLeast,
    /// No rate down to the lowest that was tried meets the objectives.
    BelowMinimum,
}

/// Remark that an answer's reader must know besides the numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The search ended before the rate was confirmed.
    Unconfirmed {
        /// True for want of time.
        out_of_time: bool,
    },
    /// The rate was held for long, but not through one of the stalls that others met.
    BetweenStalls,
    /// The interval is wider than asked for.
    Wide {
        /// As a share of the rate.
        width: f64,
    },
    /// Higher rates were more than the generator could offer.
    ClientLimited {
        /// For people: which resource ran out.
        reason: String,
    },
    /// The target answered nothing for a while, once or now and then.
    Stalls {
        /// Number of stalls seen.
        times: u32,
        /// Seconds of load per stall.
        every_s: f64,
    },
    /// The target held more in the end than it did before.
    Scaled,
    /// The target was slow for long after it had been overloaded.
    SlowRecovery,
    /// The target still was slow when the search gave up waiting, and ended.
    NotRecovered,
    /// The target refused everything for long after a trial, and the search ended.
    Gone {
        /// The rate of that trial.
        rate: f64,
    },
}

impl Answer {
    /// Before anything was tried.
    pub(super) fn nothing() -> Self {
        Self {
            bound: Bound::AtLeast,
            estimate: 0.0,
            low: 0.0,
            high: None,
            confidence: 0.0,
            held: Duration::ZERO,
            breach: None,
            noise: 1.0,
            trials: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn of(search: &Search) -> Self {
        let posterior = search.posterior.as_ref();
        let quantile = |p| posterior.map(|posterior| posterior.quantile(p).exp());
        let (lower, upper) = (quantile(INTERVAL_LOW), quantile(INTERVAL_HIGH));
        let estimate = search.best.or_else(|| held_so_far(search));
        let failed = search.surely_failed(estimate.unwrap_or(0.0));
        let lowest = search.hopeless.or_else(|| lowest_tried(search));
        let bound = match estimate {
            None if lowest.is_some() => Bound::BelowMinimum,
            Some(_) if failed.is_some() => Bound::Breach,
            Some(estimate) if search.high.is_some() && !at_cap(search, estimate) => Bound::Breach,
            _ => Bound::AtLeast,
        };
        let estimate = estimate.unwrap_or(0.0);
        let high = match bound {
            Bound::Breach => {
                let likely = upper.or(search.high).unwrap_or(f64::INFINITY);
                Some(failed.map_or(likely, |failed| failed.min(likely)).max(estimate))
            }
            Bound::AtLeast => None,
            Bound::BelowMinimum => lowest,
        };
        let confirming = confirming(search, estimate);
        // What was held between two stalls says nothing of how many are slow with them.
        let confirmed = confirming
            .is_some_and(|record| record.judgement.stalls > 0 || !has_stalled(search, estimate));
        Self {
            bound,
            estimate,
            low: lower
                .filter(|_| bound == Bound::Breach)
                .map_or(estimate, |low| low.min(estimate))
                .min(confirming.map_or(estimate, |record| surely_met(search, record))),
            high,
            confidence: if confirmed { CONFIDENCE } else { 0.0 },
            held: confirming.map_or(Duration::ZERO, |record| record.figures.length),
            breach: broken_at(search, search.hopeless).or_else(|| breach(search, estimate)),
            noise: search.noise.value,
            trials: search.trials.clone(),
            notes: notes(search, (bound, confirmed), estimate),
        }
    }
}

/// The highest rate that was held, where none was confirmed: nothing at or below it failed beyond doubt, and all
/// trials together do not speak against it. Where so low a rate did not hold, it must have been by more than chance.
fn held_so_far(search: &Search) -> Option<f64> {
    let failed = search.surely_failed(0.0).unwrap_or(f64::INFINITY);
    let likely =
        search.posterior.as_ref().map_or(f64::INFINITY, |found| found.quantile(MEDIAN).exp());
    let lowest = lowest_tried(search).unwrap_or(f64::INFINITY);
    let believed = |rate| if rate < lowest { 0.0 } else { -search.tuning.held_believed };
    let held = search.rated().filter(|record| {
        record.held
            && record.judgement.against() <= believed(record.trial.rate)
            && record.trial.rate < failed
            && record.trial.rate <= likely
    });
    let held = held.map(|record| record.trial.rate).reduce(f64::max);
    held.filter(|_| search.hopeless.is_none())
}

/// The lowest rate that was judged to fail, or rather so.
fn lowest_tried(search: &Search) -> Option<f64> {
    let failed = search
        .rated()
        .filter(|record| !record.held && record.judgement.verdict != TrialVerdict::Invalid);
    failed.map(|record| record.trial.rate).reduce(f64::min)
}

/// True if the answer is what keeps a search from higher rates, not what the target broke.
fn at_cap(search: &Search, estimate: f64) -> bool {
    estimate >= search.tuning.at_cap_share * search.cap.rate
}

/// First breach of the latest trial at `rate`, if it did not hold.
fn broken_at(search: &Search, rate: Option<f64>) -> Option<(f64, Breach)> {
    let rate = rate?;
    let at = |record: &&TrialRecord| !record.held && (record.trial.rate - rate).abs() < IDENTICAL;
    let reasons = &search.trials.iter().rev().find(at)?.judgement.reasons;
    Some((rate, *reasons.first()?))
}

/// The lowest failing rate above the estimate; one that failed surely rather than one that did not.
fn breach(search: &Search, estimate: f64) -> Option<(f64, Breach)> {
    let failed = |sure: bool| {
        search
            .rated()
            .filter(move |record| {
                let verdict = record.judgement.verdict;
                !record.held
                    && record.trial.rate > estimate
                    && record.ended_at >= search.changed_at
                    && (verdict == TrialVerdict::Fail
                        || !sure && verdict == TrialVerdict::Undecided)
            })
            .filter_map(|record| Some((record.trial.rate, *record.judgement.reasons.first()?)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    };
    failed(true).or_else(|| failed(false))
}

/// True if a target that was not overloaded stood still. What happens far above the estimate is no part of it.
fn has_stalled(search: &Search, estimate: f64) -> bool {
    let highest = search.tuning.stalls_within * estimate;
    let within = |record: &&TrialRecord| record.trial.rate <= highest;
    search.trials.iter().filter(within).any(|record| record.judgement.stalls > 0)
}

/// The highest rate up to that of `confirming` at which the quantile's own interval lies below its limit. Where a
/// limit is close to the tail of the idle target, the backlog tells nothing of it, and few requests little.
fn surely_met(search: &Search, confirming: &TrialRecord) -> f64 {
    let rate = confirming.trial.rate;
    if confirming.figures.leaves_its_limit_open() != Some(true) {
        return rate;
    }
    let held = || search.rated().filter(|record| record.held && record.trial.rate <= rate);
    let met = held().filter(|record| record.figures.leaves_its_limit_open() == Some(false));
    let met = met.map(|record| record.trial.rate).reduce(f64::max);
    met.or_else(|| held().map(|record| record.trial.rate).reduce(f64::min)).unwrap_or(rate)
}

/// The longest trial that held the estimate for as long as an answer must be held.
fn confirming(search: &Search, estimate: f64) -> Option<&TrialRecord> {
    let long = |record: &&TrialRecord| {
        record.held
            && matches!(record.trial.purpose, TrialPurpose::Confirm | TrialPurpose::Climb)
            && record.trial.rate >= estimate
    };
    let long = search.trials.iter().filter(long);
    long.filter(|_| search.best.is_some()).max_by_key(|record| record.figures.length)
}

fn notes(search: &Search, (bound, confirmed): (Bound, bool), estimate: f64) -> Vec<Note> {
    let mut notes = search.notes.clone();
    if estimate > 0.0 && search.best.is_none() {
        let out_of_time = search.left() < Duration::from_secs_f64(search.tuning.confirm_min_s);
        notes.push(Note::Unconfirmed { out_of_time });
    } else if estimate > 0.0 && !confirmed {
        notes.push(Note::BetweenStalls);
    }
    if let (Some(posterior), Bound::Breach) = (&search.posterior, bound) {
        let width = posterior.quantile(INTERVAL_HIGH) - posterior.quantile(INTERVAL_LOW);
        if width > search.tuning.wide * search.settings.precision {
            notes.push(Note::Wide { width: width.exp_m1() });
        }
    }
    if search.stall_rate() > 0.0 {
        let times = search.trials.iter().map(|record| record.judgement.stalls).sum();
        notes.push(Note::Stalls { times, every_s: 1.0 / search.stall_rate() });
    }
    if let CapReason::Client(reason) = &search.cap.reason
        && at_cap(search, estimate)
    {
        notes.push(Note::ClientLimited { reason: reason.clone() });
    }
    notes
}
