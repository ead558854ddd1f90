//! [`Answer`]: what a search found, how sure it is, and every trial behind it.
//!
//! Invariant: the estimate is a rate that was offered and held, unless a note says that it was not.

use std::time::Duration;

use super::{Lid, Search, TrialRecord};
use crate::analysis::trial::{Breach, Purpose, Verdict};

/// The highest rate found, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What kind of answer it is.
    pub bound: Bound,
    /// Requests per second that were held, confirmed unless a note says otherwise; 0 where none was.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end; `None` where no rate failed.
    pub high: Option<f64>,
    /// How sure it is that the interval holds the true rate, 0 to 1: [`CONFIDENCE`] for a confirmed breach,
    /// else 0.
    pub confidence: f64,
    /// How long the estimate was held, head included; zero where it was not confirmed.
    pub held: Duration,
    /// The lowest rate above the estimate that failed, and what it broke first.
    pub breach: Option<(f64, Breach)>,
    /// Squared variation of arrivals and services, as seen in the backlog; 1 for exponential services.
    pub noise: f64,
    /// Every trial in order.
    pub trials: Vec<TrialRecord>,
    /// What the reader must know besides.
    pub notes: Vec<Note>,
}

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The target held the estimate and broke the SLO above it.
    Breach,
    /// The target held the estimate; higher rates were out of the generator's or the settings' reach.
    AtLeast,
    /// Not even the lowest rate was held.
    BelowMinimum,
}

/// What an answer's reader must know besides the numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The time was over before the rate was confirmed.
    Unconfirmed,
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
    /// The target answered nothing for a while, now and then.
    Stalls {
        /// Seconds of load per stall.
        every_s: f64,
    },
    /// The target held more in the end than it did before.
    Scaled,
    /// The target was slow for long after it had been overloaded.
    SlowRecovery,
}

/// What the interval is made for: it leaves 2.5 % of the distribution on either side. How often it held the
/// truth in simulation is in `docs/method.md`.
pub const CONFIDENCE: f64 = 0.95;

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
        let (lower, upper) = (quantile(0.025), quantile(0.975));
        let estimate = search.best.or(lower).or(search.low);
        let breach = estimate.and_then(|estimate| breach(search, estimate));
        let breach =
            breach.or_else(|| if estimate.is_none() { self::breach(search, 0.0) } else { None });
        let bound = match (estimate, search.high) {
            (None, Some(_)) => Bound::BelowMinimum,
            (Some(estimate), Some(_)) if !at_lid(search, estimate) => Bound::Breach,
            _ => Bound::AtLeast,
        };
        let estimate = estimate.unwrap_or(0.0);
        let high = match bound {
            Bound::Breach => Some(upper.or(search.high).unwrap_or(estimate).max(estimate)),
            Bound::AtLeast => None,
            Bound::BelowMinimum => search.high,
        };
        let confirmed = search.best.is_some();
        Self {
            bound,
            estimate,
            low: lower.filter(|_| bound == Bound::Breach).map_or(estimate, |low| low.min(estimate)),
            high,
            confidence: if confirmed && bound == Bound::Breach { CONFIDENCE } else { 0.0 },
            held: held(search, estimate),
            breach,
            noise: search.noise.value,
            trials: search.trials.clone(),
            notes: notes(search, bound, estimate),
        }
    }
}

/// Whether the answer is what keeps a search from higher rates, not what the target broke.
fn at_lid(search: &Search, estimate: f64) -> bool {
    search.ceiling.lid != Lid::Recovery && estimate >= 0.95 * search.ceiling.rate
}

/// The lowest failing rate above the estimate; one that failed surely rather than one that did not.
fn breach(search: &Search, estimate: f64) -> Option<(f64, Breach)> {
    let failed = |sure: bool| {
        search
            .trials
            .iter()
            .filter(move |record| {
                let verdict = record.judgement.verdict;
                !record.held
                    && record.trial.purpose != Purpose::Recovery
                    && record.trial.rate > estimate
                    && record.ended_at >= search.changed_at
                    && (verdict == Verdict::Fail || !sure && verdict == Verdict::Undecided)
            })
            .filter_map(|record| Some((record.trial.rate, *record.judgement.reasons.first()?)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    };
    failed(true).or_else(|| failed(false))
}

fn held(search: &Search, estimate: f64) -> Duration {
    let long = |record: &&TrialRecord| {
        record.held
            && matches!(record.trial.purpose, Purpose::Confirm | Purpose::Climb)
            && record.trial.rate >= estimate
    };
    let longest = search.trials.iter().filter(long).map(|record| record.figures.length).max();
    longest.unwrap_or_default()
}

fn notes(search: &Search, bound: Bound, estimate: f64) -> Vec<Note> {
    let mut notes = search.notes.clone();
    if estimate > 0.0 && search.best.is_none() {
        notes.push(Note::Unconfirmed);
    }
    if let (Some(posterior), Bound::Breach) = (&search.posterior, bound) {
        let width = posterior.quantile(0.975) - posterior.quantile(0.025);
        if width > 1.5 * search.settings.precision {
            notes.push(Note::Wide { width: width.exp_m1() });
        }
    }
    if search.stall_rate() > 0.0 {
        notes.push(Note::Stalls { every_s: 1.0 / search.stall_rate() });
    }
    if let (Bound::AtLeast, Lid::Client(reason)) = (bound, &search.ceiling.lid) {
        notes.push(Note::ClientLimited { reason: reason.clone() });
    }
    notes
}
