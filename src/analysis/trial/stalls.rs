//! Stalls of the target: stretches in which nothing is answered though requests wait.

use super::evidence::whole;
use super::{Limits, Point, Trial};

/// Stalls in a trial, and when most of its requests first went wrong, in seconds since its start.
///
/// A stall lasts half the limit at least (or 20 times what slots can show), and as long as 30 arrivals.
pub(super) fn count(trial: &Trial, limits: &Limits, points: &[Point]) -> (u32, f64) {
    let limit = limits.slow.map_or(1.0, |(limit, _)| limit);
    let least = (0.5 * limit).max(30.0 / trial.rate).max(0.2);
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
