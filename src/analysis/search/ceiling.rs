//! [`Ceiling`]: the highest rate a search may offer, and what keeps it there.

use super::TrialRecord;
use crate::analysis::trial::ClientState;

/// No rate above this is offered.
#[derive(Clone, Debug)]
pub(super) struct Ceiling {
    /// Per second.
    pub(super) rate: f64,
    least: f64,
    pub(super) lid: Lid,
    /// How often the generator was the limit.
    lowered: i32,
}

/// What keeps a search from higher rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lid {
    /// The settings.
    Settings,
    /// The generator; with the reason for people.
    Client(String),
    /// A target that did not recover from a higher rate.
    Recovery,
}

impl Ceiling {
    /// At `rate`, never to be lower than `least`.
    pub(super) fn new(rate: f64, least: f64) -> Self {
        Self { rate, least, lid: Lid::Settings, lowered: 0 }
    }

    /// Takes a trial that the generator limited: what it sent is within its reach, a little less surely.
    pub(super) fn lower(&mut self, record: &TrialRecord, held: Option<f64>) {
        let (ClientState::Disturbed { reason } | ClientState::Limited { reason }) =
            &record.figures.client
        else {
            return;
        };
        let rate = record.trial.rate;
        let step = 0.05 * f64::from(1 << self.lowered.min(4));
        let reach = (0.98 * record.figures.achieved).min(rate * (1.0 - step));
        self.rate = self.rate.min(reach.max(held.unwrap_or(self.least)));
        self.lid = Lid::Client(reason.clone());
        self.lowered += 1;
    }

    /// The target did not come back from a higher rate.
    pub(super) fn shut(&mut self, held: f64) {
        if held < self.rate {
            self.rate = held;
            self.lid = Lid::Recovery;
        }
    }
}
