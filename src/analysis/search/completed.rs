//! [`CompletedTrial`]: a trial with what a search needs of it, now or when it is resumed.

use crate::analysis::capacity_curve::RequestBreaches;
use crate::analysis::trial::{Trial, TrialResult};

/// A trial that was run to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletedTrial {
    /// Load that was offered.
    pub trial: Trial,
    /// Figures that were measured.
    pub result: TrialResult,
    /// Requests that were slow, failed or unanswered, by name.
    pub broken: Vec<RequestBreaches>,
    /// Slots that came due, warm-up included; feeders go on behind them.
    pub slots: u64,
}
