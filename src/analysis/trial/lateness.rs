//! Disturbance of a trial by the generator's own lateness.
//!
//! A generator that holds its schedule may be late with one slot in a hundred. Of thirty slots the largest lag
//! is the 99th percentile, so one hiccup would make every short trial invalid.

use std::time::Duration;

use super::tuning::{LATE_RISK, LATE_SHARE, LATE_Z};
use crate::measure::histogram::LatencyHistogram;

/// True if the generator came late with so many slots that the trial says nothing, or paused for so long that
/// a rate which was not `held` may have failed by that alone.
///
/// `limit` is the tightest on a response time: what is due in a pause of half of it waits for the pause, and
/// then for all that was due with it.
pub fn is_disturbed(
    lags: &LatencyHistogram,
    lag_limit: Duration,
    (limit, held): (Option<Duration>, bool),
) -> bool {
    let paused = || limit.is_some_and(|limit| lags.count() > 0 && lags.max() >= limit / 2);
    is_surely_late(lags, lag_limit) || !held && paused()
}

/// True if more slots than one in a hundred were later than `limit`, beyond what chance brings once in twenty times.
fn is_surely_late(lags: &LatencyHistogram, limit: Duration) -> bool {
    let slots = lags.count();
    let needed = late_slots_needed(slots);
    // The lag of the last slot that may be late without the others proving anything.
    let rank = (slots + 1).saturating_sub(needed);
    rank > 0 && lags.quantile((rank as f64 - 0.5) / slots as f64) > limit
}

/// The fewest late slots of `slots` that chance explains with less than the [`LATE_RISK`]: the upper tail of the
/// binomial distribution.
fn late_slots_needed(slots: u64) -> u64 {
    let (slots_f, odds) = (slots as f64, LATE_SHARE / (1.0 - LATE_SHARE));
    // Of exactly `late` late slots; underflows to zero only where thousands are needed anyway.
    let mut chance = (slots_f * (-LATE_SHARE).ln_1p()).exp();
    if chance < f64::MIN_POSITIVE {
        let (mean, variance) = (slots_f * LATE_SHARE, slots_f * LATE_SHARE * (1.0 - LATE_SHARE));
        let needed = mean + LATE_Z * variance.sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of slots")]
        return needed.ceil() as u64 + 1;
    }
    let (mut late, mut tail) = (0, 1.0);
    while tail > LATE_RISK && late <= slots {
        tail -= chance;
        chance *= (slots - late) as f64 / (late + 1) as f64 * odds;
        late += 1;
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(1);

    fn lags(slots: u64, late: u64) -> LatencyHistogram {
        let mut lags = LatencyHistogram::default();
        for slot in 0..slots {
            lags.record(Duration::from_micros(if slot < late { 150_000 } else { 10 }));
        }
        lags
    }

    #[test]
    fn as_many_late_slots_are_needed_as_chance_hardly_brings() {
        // P(X >= k) of the binomial distribution with p = 0.01.
        let table = [(1, 1), (5, 1), (6, 2), (30, 2), (100, 4), (1_000, 16), (1_000_000, 10_165)];
        for (slots, needed) in table {
            assert_eq!(late_slots_needed(slots), needed, "{slots}");
        }
    }

    #[test]
    fn a_pause_disturbs_only_what_may_have_failed_by_it() {
        let limit = Some(Duration::from_millis(300));
        let disturbed = |limit, held| is_disturbed(&lags(30_000, 150), LIMIT, (limit, held));
        assert!(disturbed(limit, false));
        assert!(!disturbed(limit, true), "half a percent late, and it held");
        assert!(!disturbed(Some(Duration::from_secs(1)), false), "too short to matter");
        assert!(!disturbed(None, false));
        assert!(is_disturbed(&lags(30_000, 3_000), LIMIT, (None, true)), "late beyond chance");
    }

    #[test]
    fn one_hiccup_among_few_slots_is_no_lateness_and_many_are() {
        assert!(!is_surely_late(&lags(30, 1), LIMIT));
        assert!(is_surely_late(&lags(30, 2), LIMIT));
        assert!(!is_surely_late(&lags(1_000, 12), LIMIT));
        assert!(is_surely_late(&lags(1_000, 20), LIMIT));
        assert!(!is_surely_late(&lags(0, 0), LIMIT));
        assert!(is_surely_late(&lags(3, 3), LIMIT));
    }
}
