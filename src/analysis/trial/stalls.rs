//! Stalls of the target: stretches in which nothing is answered though requests wait.

use std::time::Duration;

use super::evidence::whole;
use super::{Limits, Point, Trial};

/// Stalls in a trial, and when most of its requests first went wrong, in seconds since its start.
///
/// A stall lasts half the limit at least (or 20 times what slots can show), and as long as 30 arrivals or 30
/// typical answers take, whichever is less: shorter gaps are chance. Silence before the first answer is none: the
/// target may be busy with what an earlier trial left behind.
pub(super) fn count(
    (trial, median): (&Trial, Duration),
    limits: &Limits,
    points: &[Point],
) -> (u32, f64) {
    let limit = limits.slow.map_or(1.0, |(limit, _)| limit);
    let chance = CHANCE_GAPS * (1.0 / trial.rate).min(median.as_secs_f64());
    let least = (0.5 * limit).max(chance).max(0.2);
    // The slots at both ends of a stall have answers in them.
    let silent_min = whole((least * 10.0 - 1.0).max(2.0));
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
    (stalls, onset(points))
}

/// A gap of so many arrivals or answers is no chance.
const CHANCE_GAPS: f64 = 30.0;

/// The end of the first slot in which more than half of what was due went wrong.
fn onset(points: &[Point]) -> f64 {
    let mut overdue = 0;
    for point in points {
        let bad = point.slow + point.failed + point.overdue.saturating_sub(overdue);
        overdue = point.overdue;
        if 2 * bad > point.planned && point.planned > 0 {
            return point.at.as_secs_f64();
        }
    }
    0.0
}
