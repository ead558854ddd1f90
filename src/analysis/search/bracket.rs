//! [`Bracket`]: which rates held and which did not.
//!
//! Invariant: every held rate lies below every failed one, for a new verdict drops what contradicts it.

use crate::analysis::trial::{ClientState, Judgement, Trial};

/// What a search knows about rates.
#[derive(Clone, Debug, Default)]
pub(super) struct Bracket {
    held: Vec<f64>,
    failed: Vec<Failure>,
}

/// A rate that the target did not hold, or that the generator did not reach.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) trial: Trial,
    pub(super) judgement: Judgement,
    /// Good answers per second that came nevertheless.
    pub(super) goodput: f64,
    pub(super) client: ClientState,
}

impl Bracket {
    /// The highest rate that held, per second.
    pub(super) fn low(&self) -> Option<f64> {
        self.held.iter().copied().reduce(f64::max)
    }

    /// The lowest rate that did not.
    pub(super) fn high(&self) -> Option<&Failure> {
        self.failed.iter().min_by(|a, b| a.trial.rate.total_cmp(&b.trial.rate))
    }

    pub(super) fn hold(&mut self, rate: f64) {
        self.failed.retain(|failure| failure.trial.rate > rate);
        self.held.push(rate);
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.held.retain(|&rate| rate < failure.trial.rate);
        self.failed.push(failure);
    }
}

impl Failure {
    /// Whether the target, not the generator, was the limit.
    pub(super) fn is_breach(&self) -> bool {
        self.client == ClientState::Healthy
    }
}
