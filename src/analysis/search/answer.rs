//! [`Answer`]: what a search found, how sure it is, and every trial behind it.
//!
//! Invariant: the estimate is a rate that was offered and held, never an interpolation.

use super::Search;
use crate::analysis::trial::{
    Breach, ClientState, Judgement, Purpose, Trial, TrialResult, Verdict,
};

/// The highest rate found, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What kind of answer it is.
    pub bound: Bound,
    /// Requests per second that were held, confirmed unless a note says otherwise; 0 where none was.
    pub estimate: f64,
    /// Lower end of the interval: the estimate, less what its trial cannot tell apart.
    pub low: f64,
    /// Upper end: the lowest rate that failed; `None` where none did.
    pub high: Option<f64>,
    /// How often such an interval contains the true rate, 0 to 1: [`COVERAGE`] for a confirmed breach,
    /// else 0.
    pub confidence: f64,
    /// What the rate above broke first.
    pub limit: Option<Breach>,
    /// Every trial in order.
    pub trials: Vec<TrialRecord>,
    /// What the reader must know besides.
    pub notes: Vec<Note>,
}

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The target held the estimate and broke the SLO at the upper end.
    Breach,
    /// The target held the estimate; higher rates were out of the generator's or the settings' reach.
    AtLeast,
    /// Not even the lowest rate was held.
    BelowMinimum,
}

/// One trial with its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRecord {
    /// What was run.
    pub trial: Trial,
    /// What it says.
    pub judgement: Judgement,
    /// What it rests on.
    pub figures: TrialResult,
}

/// What an answer's reader must know besides the numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The time was over before the bracket was narrow.
    OutOfTime,
    /// The estimate was held in a short trial only.
    Unconfirmed,
    /// Higher rates were more than the generator could offer.
    ClientLimited {
        /// For people: which resource ran out.
        reason: String,
    },
    /// The rate above never clearly failed; it was too noisy to be judged.
    UpperEndNoisy,
}

/// Share of intervals that contained the true rate in simulated searches: queues with exponential and
/// log-normal service between 200/s and 7,000/s. Around 50/s it was 0.87, with a 1 s stall every 20 s 0.46.
pub const COVERAGE: f64 = 0.9;

impl Answer {
    pub(super) fn of(search: &Search) -> Self {
        let high = search.bracket.high();
        let client = high.map(|failure| &failure.client);
        let confirmed = search.confirmed();
        let held = confirmed.map(|trial| trial.rate).or(search.bracket.low());
        let bound = match (held, client) {
            (None, Some(_)) => Bound::BelowMinimum,
            (Some(_), Some(ClientState::Healthy)) => Bound::Breach,
            // Broken off before a trial failed: nothing is ruled out, even if nothing was held.
            _ => Bound::AtLeast,
        };
        let estimate = held.unwrap_or(0.0);
        let doubt = confirmed.map_or(0.0, |trial| trial.resolution());
        let certain = confirmed.is_some() && bound == Bound::Breach;
        Self {
            bound,
            estimate,
            low: estimate * (1.0 - doubt),
            high: high.map(|failure| failure.trial.rate),
            confidence: if certain { COVERAGE } else { 0.0 },
            limit: high.and_then(|failure| failure.judgement.reasons.first().copied()),
            trials: search.trials.clone(),
            notes: notes(search, held),
        }
    }
}

fn notes(search: &Search, held: Option<f64>) -> Vec<Note> {
    let high = search.bracket.high();
    let settled = match (held, high) {
        (Some(low), Some(high)) => high.trial.rate <= low * (1.0 + search.gap_allowed(low)),
        (Some(low), None) => low >= search.settings.max_rate,
        (None, Some(high)) => {
            high.trial.purpose == Purpose::WarmUp || high.trial.rate <= search.settings.min_rate
        }
        (None, None) => false,
    };
    let unconfirmed = held.is_some() && search.confirmed().is_none();
    let limited = high.and_then(|failure| match &failure.client {
        ClientState::Limited { reason } => Some(Note::ClientLimited { reason: reason.clone() }),
        ClientState::Healthy => None,
    });
    let noisy = high.is_some_and(|failure| failure.judgement.verdict == Verdict::Undecided);
    [
        (!settled).then_some(Note::OutOfTime),
        unconfirmed.then_some(Note::Unconfirmed),
        limited,
        noisy.then_some(Note::UpperEndNoisy),
    ]
    .into_iter()
    .flatten()
    .collect()
}
