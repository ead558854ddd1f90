//! [`RateCap`]: the highest rate a search may offer, and what keeps it there.

use super::TrialRecord;
use super::tuning::{CAP_DOUBLINGS_MAX, SearchTuning};
use crate::analysis::trial::ClientState;

/// Highest rate that is offered, with its reason.
#[derive(Clone, Debug)]
pub(super) struct RateCap {
    /// Requests per second.
    pub(super) rate: f64,
    least: f64,
    pub(super) reason: CapReason,
    /// Number of times that it was lowered.
    lowered: u32,
    tuning: &'static SearchTuning,
}

/// Reason that keeps a search from higher rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CapReason {
    /// The settings.
    Settings,
    /// The generator; with the reason for people.
    Client(String),
}

impl RateCap {
    /// Cap at `rate`, never to be lower than `least`.
    pub(super) fn new(rate: f64, least: f64, tuning: &'static SearchTuning) -> Self {
        Self { rate, least, reason: CapReason::Settings, lowered: 0, tuning }
    }

    /// Takes a trial that the generator limited: what it sent is within its reach, a little less surely. One
    /// that keeps being disturbed needs only as much room as lets the target recover in between.
    pub(super) fn lower(&mut self, record: &TrialRecord, held: Option<f64>) {
        let (reason, sent, least_step) = match &record.figures.client {
            ClientState::Healthy => return,
            ClientState::Disturbed { reason } => {
                (reason, f64::INFINITY, self.tuning.cap_step_disturbed)
            }
            ClientState::Limited { reason } => {
                let sent = self.tuning.cap_sent_share * record.figures.achieved;
                (reason, sent, self.tuning.cap_step_limited)
            }
        };
        let step = least_step * f64::from(1 << self.lowered.min(CAP_DOUBLINGS_MAX));
        let reach = sent.min(record.trial.rate * (1.0 - step));
        self.rate = self.rate.min(reach.max(held.unwrap_or(self.least)));
        self.reason = CapReason::Client(reason.clone());
        self.lowered += 1;
    }

    /// True if the generator was the limit of a trial.
    pub(super) const fn was_lowered(&self) -> bool {
        self.lowered > 0
    }
}
