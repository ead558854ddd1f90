//! Stalls of the target: stretches in which nothing is answered though requests wait.

use std::time::Duration;

use super::evidence::whole;
use super::tuning::{SILENT_MIN, SLOT_S};
use super::{Limits, Point, Trial};

/// Number of stalls in a trial.
///
/// A stall lasts half the limit and two slots at least, and as long as 30 arrivals or 30
/// typical answers take, whichever is less: shorter gaps are chance. Silence before the first answer is none: the
/// target may be busy with what an earlier trial left behind.
pub(super) fn count((trial, median): (&Trial, Duration), limits: &Limits, points: &[Point]) -> u32 {
    let tuning = trial.test.tuning;
    let chance = tuning.stall_gaps * (1.0 / trial.rate).min(median.as_secs_f64());
    let least = (tuning.stall_limit_share * limits.limit_s()).max(chance).max(tuning.stall_min_s);
    // The slots at both ends of a stall have answers in them.
    let silent_min = whole((least / SLOT_S - 1.0).max(SILENT_MIN));
    let (mut stalls, mut silent, mut answered_before) = (0, 0, false);
    for point in points {
        let answered = point.answered_ok + point.failed > 0;
        if answered || point.unfinished == 0 {
            silent = 0;
            answered_before |= answered;
        } else if answered_before {
            silent += 1;
            stalls += u32::from(silent == silent_min);
        }
    }
    stalls
}
