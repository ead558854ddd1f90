//! [`Watch`]: looks at a running trial and ends one that cannot pass any more.
//!
//! Invariant: it acts only while things still get worse, so a stall that is over never ends a trial. What
//! it saves is the time to drain a queue that would only grow.

use std::time::Duration;

use super::{Point, Trial};
use crate::load::slo::{Objective, Slo};

/// Why a trial was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The backlog is past any that the SLO could bear, and growing.
    BacklogRunaway,
    /// More requests are slow than the whole trial may have, and the backlog grows.
    TooManySlow,
    /// More requests have failed than the whole trial may have, and they go on failing.
    TooManyFailed,
}

/// Fed with a trial's points in order, says when to stop it.
#[derive(Clone, Debug)]
pub struct Watch {
    trial: Trial,
    /// Requests that may be slow, and that may fail, for the trial still to pass.
    slow_allowed: f64,
    failed_allowed: f64,
    /// Unfinished requests that no target within its SLO leaves.
    runaway: f64,
    /// Unfinished at the end of the head: these may be slow later without being judged.
    from_head: u64,
    slow: u64,
    failed: u64,
    unfinished_max: u64,
}

impl Watch {
    /// A backlog of this many times the latency limit (or of a second, if that is longer) is a runaway.
    const RUNAWAY: f64 = 1.5;

    /// Watches one `trial`.
    pub fn new(trial: &Trial, slo: &Slo) -> Self {
        let limit = slo.tightest_time().unwrap_or_default().max(Duration::from_secs(1));
        let planned = trial.rate * trial.length.as_secs_f64();
        Self {
            trial: *trial,
            slow_allowed: planned * slow_share(slo),
            failed_allowed: planned * error_share(slo),
            runaway: trial.rate * Self::RUNAWAY * limit.as_secs_f64(),
            from_head: 0,
            slow: 0,
            failed: 0,
            unfinished_max: 0,
        }
    }

    /// Takes the next point; a reason means that the trial should end here.
    pub fn observe(&mut self, point: &Point) -> Option<StopReason> {
        let growing = point.unfinished > self.unfinished_max;
        self.unfinished_max = self.unfinished_max.max(point.unfinished);
        if growing && point.unfinished as f64 > self.runaway {
            return Some(StopReason::BacklogRunaway);
        }
        if point.at <= self.trial.head {
            self.from_head = point.unfinished;
            return None;
        }
        self.slow += point.slow;
        self.failed += point.failed;
        let beyond = |count: u64, allowed| count.saturating_sub(self.from_head) as f64 > allowed;
        if growing && beyond(self.slow + point.overdue, self.slow_allowed) {
            return Some(StopReason::TooManySlow);
        }
        (point.failed > 0 && beyond(self.failed, self.failed_allowed))
            .then_some(StopReason::TooManyFailed)
    }
}

/// The share of requests that may be over the tightest latency limit; all, where that limit is on a mean.
fn slow_share(slo: &Slo) -> f64 {
    let tightest = slo.tightest_time();
    let share = |objective: &Objective| match *objective {
        Objective::ResponseTime { quantile, limit } if Some(limit) == tightest => {
            Some(1.0 - quantile)
        }
        _ => None,
    };
    slo.objectives.iter().filter_map(share).fold(1.0, f64::min)
}

fn error_share(slo: &Slo) -> f64 {
    let share = |objective: &Objective| match *objective {
        Objective::ErrorRate { limit } => Some(limit),
        _ => None,
    };
    slo.objectives.iter().filter_map(share).fold(1.0, f64::min)
}
