//! [`LatencyHistogram`], and [`CensoredHistogram`] for times of which some are only known to be "at
//! least": the two forms in which times are kept.
//!
//! All histograms share the same fixed bounds (1 ns to 1 h, three significant digits), so merging is
//! exact. Slots that were never answered rank behind every answered one: overload cannot improve a number.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use crate::time::whole_nanos;

/// One hour; longer times are recorded as this.
const MAX_NS: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// A distribution of times, exact to 0.1 %.
///
/// Costs nothing until the first record, then about 270 kB, of which the operating system provides only
/// the pages that are touched.
#[derive(Clone, Debug, Default)]
pub struct LatencyHistogram {
    counts: Option<Histogram<u64>>,
}

/// Why bytes are not a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the HDR V2 format, or cut short.
    #[error("the histogram is damaged")]
    Damaged,
    /// A histogram with other bounds or precision.
    #[error("the histogram has other bounds than 1 ns to 1 h with 3 digits")]
    OtherBounds,
}

impl LatencyHistogram {
    /// Records one time; more than an hour is recorded as an hour.
    pub fn record(&mut self, time: Duration) {
        self.counts
            .get_or_insert_with(empty_counts)
            .saturating_record(whole_nanos(time).min(MAX_NS));
    }

    /// Records `count` times of zero length.
    pub fn record_zeros(&mut self, count: u64) {
        if count > 0 {
            self.counts.get_or_insert_with(empty_counts).saturating_record_n(0, count);
        }
    }

    /// Adds every entry of `other`.
    #[expect(clippy::missing_panics_doc, reason = "bounds are the same by construction")]
    pub fn merge(&mut self, other: &Self) {
        let Some(theirs) = other.recorded() else { return };
        match &mut self.counts {
            Some(ours) => ours.add(theirs).expect("all histograms have the same bounds"),
            None => self.counts = Some(theirs.clone()),
        }
    }

    /// Forgets all entries and keeps the memory.
    pub fn clear(&mut self) {
        if self.count() > 0
            && let Some(counts) = &mut self.counts
        {
            counts.reset();
        }
    }

    /// Number of entries.
    pub fn count(&self) -> u64 {
        self.counts.as_ref().map_or(0, Histogram::len)
    }

    /// The time at or below which the share `q` (0 to 1) of the entries lies; zero if there are none.
    pub fn quantile(&self, q: f64) -> Duration {
        self.at_rank(rank(q, self.count()))
    }

    /// The smallest time; zero if there are none.
    pub fn min(&self) -> Duration {
        self.recorded().map_or(Duration::ZERO, |counts| Duration::from_nanos(counts.min()))
    }

    /// The largest time; zero if there are none.
    pub fn max(&self) -> Duration {
        self.recorded().map_or(Duration::ZERO, |counts| Duration::from_nanos(counts.max()))
    }

    /// The arithmetic mean; zero if there are none.
    pub fn mean(&self) -> Duration {
        self.recorded().map_or(Duration::ZERO, |counts| nanos(counts.mean()))
    }

    /// How many entries lie above `limit`, within the histogram's precision.
    pub fn count_above(&self, limit: Duration) -> u64 {
        let Some(counts) = self.recorded() else { return 0 };
        let above = counts.next_non_equivalent(whole_nanos(limit).min(MAX_NS));
        counts.count_between(above, u64::MAX)
    }

    /// Distinct times, rounded down to the histogram's precision, with their number of entries; ascending.
    pub fn entries(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.recorded().into_iter().flat_map(|counts| {
            counts.iter_recorded().map(|step| {
                let floor = counts.lowest_equivalent(step.value_iterated_to());
                (Duration::from_nanos(floor), step.count_at_value())
            })
        })
    }

    /// The HDR V2 format, uncompressed.
    #[expect(clippy::missing_panics_doc, reason = "memory takes what is written")]
    pub fn to_v2(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let empty;
        let counts = if let Some(counts) = self.recorded() {
            counts
        } else {
            empty = empty_counts();
            &empty
        };
        V2Serializer::new()
            .serialize(counts, &mut bytes)
            .expect("writing to memory does not fail, and the counts array is far below 4 GB");
        bytes
    }

    /// Reads what [`Self::to_v2`] wrote.
    pub fn from_v2(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let counts: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes).map_err(|_| DecodeError::Damaged)?;
        let bounds = (counts.low(), counts.high(), counts.sigfig());
        if bounds != (1, MAX_NS, SIGNIFICANT_DIGITS) {
            return Err(DecodeError::OtherBounds);
        }
        Ok(Self { counts: (!counts.is_empty()).then_some(counts) })
    }

    /// The `rank`-th smallest entry, from 1 on; zero if there is none.
    fn at_rank(&self, rank: u64) -> Duration {
        let Some(counts) = self.recorded() else { return Duration::ZERO };
        // Half a rank down, so that rounding up inside the library meets the rank despite float noise.
        let share = (rank as f64 - 0.5).max(0.5) / counts.len() as f64;
        Duration::from_nanos(counts.value_at_quantile(share))
    }

    /// `time` rounded down to the histogram's precision, where quantiles are rounded up.
    fn floor(&self, time: Duration) -> Duration {
        self.recorded().map_or(time, |counts| {
            Duration::from_nanos(counts.lowest_equivalent(whole_nanos(time)))
        })
    }

    fn recorded(&self) -> Option<&Histogram<u64>> {
        self.counts.as_ref().filter(|counts| !counts.is_empty())
    }
}

impl PartialEq for LatencyHistogram {
    fn eq(&self, other: &Self) -> bool {
        match (self.recorded(), other.recorded()) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

fn empty_counts() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_NS, SIGNIFICANT_DIGITS)
        .expect("the bounds are constants that the library accepts")
}

/// The entry that quantile `q` of `count` entries names: ⌈q · count⌉, at least 1.
///
/// In integers, since 0.07 · 100 is more than 7 in binary floating point.
fn rank(q: f64, count: u64) -> u64 {
    const BILLION: u128 = 1_000_000_000;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=10⁹"
    )]
    let billionths = (q.clamp(0.0, 1.0) * 1e9).round() as u128;
    let rank = (billionths * u128::from(count)).div_ceil(BILLION);
    u64::try_from(rank).unwrap_or(count).max(1)
}

fn nanos(ns: f64) -> Duration {
    Duration::from_secs_f64(ns.max(0.0) / 1e9)
}

/// A figure of a distribution, exact or a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantile {
    /// The figure.
    pub value: Duration,
    /// Whether the truth is only known to be `value` or more.
    pub at_least: bool,
}

impl Quantile {
    /// A figure that is known.
    pub const fn exact(value: Duration) -> Self {
        Self { value, at_least: false }
    }

    /// Whether it certainly lies below `limit`; a lower bound never does.
    pub fn below(self, limit: Duration) -> bool {
        !self.at_least && self.value < limit
    }
}

/// Times of answered slots, and ages of slots that never got an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CensoredHistogram {
    /// Times that are known.
    pub answered: LatencyHistogram,
    /// Ages at which the others were given up.
    pub unanswered: LatencyHistogram,
}

impl CensoredHistogram {
    /// Adds every entry of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.answered.merge(&other.answered);
        self.unanswered.merge(&other.unanswered);
    }

    /// Forgets all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.answered.clear();
        self.unanswered.clear();
    }

    /// Number of entries of both kinds.
    pub fn count(&self) -> u64 {
        self.answered.count() + self.unanswered.count()
    }

    /// The time at or below which the share `q` (0 to 1) of all entries lies.
    ///
    /// A rank among the unanswered gives a lower bound: the age of the unanswered entry at that rank in
    /// ascending order, or the largest answered time if that is more.
    pub fn quantile(&self, q: f64) -> Quantile {
        let (answered, rank) = (self.answered.count(), rank(q, self.count()));
        if rank <= answered || self.count() == 0 {
            return Quantile::exact(self.answered.at_rank(rank));
        }
        // A bound rounded up would claim more than is known.
        let age = self.unanswered.floor(self.unanswered.at_rank(rank - answered));
        Quantile { value: age.max(self.answered.max()), at_least: true }
    }

    /// The smallest answered time; a lower bound if nothing was answered.
    pub fn min(&self) -> Quantile {
        if self.answered.count() == 0 {
            let at_least = self.unanswered.count() > 0;
            return Quantile { value: self.unanswered.min(), at_least };
        }
        Quantile::exact(self.answered.min())
    }

    /// The largest time; a lower bound if anything is unanswered.
    pub fn max(&self) -> Quantile {
        self.quantile(1.0)
    }

    /// The mean; a lower bound if anything is unanswered, for which each of those counts with its age
    /// or the answered mean, whichever is more.
    pub fn mean(&self) -> Quantile {
        let answered = self.answered.mean();
        if self.unanswered.count() == 0 {
            return Quantile::exact(answered);
        }
        let sum_unanswered: f64 = self
            .unanswered
            .entries()
            .map(|(age, count)| age.max(answered).as_secs_f64() * count as f64)
            .sum();
        let sum = answered.as_secs_f64() * self.answered.count() as f64 + sum_unanswered;
        Quantile { value: nanos(sum / self.count() as f64 * 1e9), at_least: true }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn of(times: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::default();
        for time in times {
            histogram.record(Duration::from_nanos(time));
        }
        histogram
    }

    /// Equal to the histogram's three digits.
    fn near(left: Duration, right: Duration) -> bool {
        left.abs_diff(right).as_secs_f64() <= right.as_secs_f64() * 0.0011
    }

    #[test]
    fn quantiles_of_a_known_distribution() {
        let histogram = of((1..=100).map(|n| n * 1_000_000));
        for (q, expected) in [(0.0, 1), (0.07, 7), (0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)] {
            assert!(near(histogram.quantile(q), ms(expected)), "{q}: {:?}", histogram.quantile(q));
        }
        assert!(near(histogram.mean(), Duration::from_micros(50_500)));
        assert_eq!(histogram.count_above(ms(90)), 10);
    }

    #[test]
    fn empty_is_zero_and_takes_no_memory() {
        let empty = LatencyHistogram::default();
        assert!(empty.counts.is_none());
        assert_eq!((empty.count(), empty.quantile(0.5), empty.max()), (0, ms(0), ms(0)));
        assert_eq!(CensoredHistogram::default().quantile(0.99), Quantile::default());
        let mut used = of([5]);
        used.clear();
        assert_eq!(used, empty);
        assert_eq!((used.min(), used.max(), used.mean()), (ms(0), ms(0), ms(0)));
    }

    #[test]
    fn more_than_an_hour_is_counted_as_an_hour() {
        let mut histogram = LatencyHistogram::default();
        histogram.record(Duration::from_secs(100_000));
        assert_eq!(histogram.count(), 1);
        assert!(near(histogram.max(), Duration::from_hours(1)));
    }

    #[test]
    fn a_quantile_among_the_unanswered_is_a_lower_bound() {
        let mut censored = CensoredHistogram {
            answered: of([10_000_000; 90]),
            unanswered: of((1..=10).map(|n| n * 1_000_000_000)),
        };
        assert!(!censored.quantile(0.9).at_least);
        let p95 = censored.quantile(0.95);
        assert!(p95.at_least && near(p95.value, ms(5_000)), "{p95:?}");
        assert!(p95.value <= ms(5_000), "a lower bound is rounded down: {p95:?}");
        assert!(!p95.below(Duration::from_mins(1)));

        // An age below the slowest answer says nothing better than that answer.
        censored.answered.record(Duration::from_secs(20));
        let p95 = censored.quantile(0.95);
        assert!(p95.at_least && near(p95.value, ms(20_000)), "{p95:?}");
    }

    #[test]
    fn the_mean_counts_the_unanswered_with_no_less_than_the_answered_mean() {
        let censored =
            CensoredHistogram { answered: of([100_000_000; 3]), unanswered: of([1_000_000]) };
        let mean = censored.mean();
        assert!(mean.at_least && near(mean.value, ms(100)), "{mean:?}");
        let nothing = CensoredHistogram { answered: of([]), unanswered: of([2_000_000_000]) };
        assert!(nothing.min().at_least && near(nothing.min().value, ms(2_000)));
    }

    #[test]
    fn damaged_and_foreign_bytes_are_refused() {
        let bytes = of([1, 2, 3]).to_v2();
        assert_eq!(LatencyHistogram::from_v2(&bytes[..bytes.len() / 2]), Err(DecodeError::Damaged));
        let mut other = Vec::new();
        let foreign: Histogram<u64> = Histogram::new_with_bounds(1, 1_000_000, 2).unwrap();
        V2Serializer::new().serialize(&foreign, &mut other).unwrap();
        assert_eq!(LatencyHistogram::from_v2(&other), Err(DecodeError::OtherBounds));
    }

    fn times() -> impl Strategy<Value = Vec<u64>> {
        // Over nine decades, and past the upper bound.
        prop::collection::vec((0_u32..13, 1_u64..10).prop_map(|(e, m)| m * 10_u64.pow(e)), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn merging_equals_recording_together(a in times(), b in times()) {
            let mut merged = of(a.clone());
            merged.merge(&of(b.clone()));
            prop_assert_eq!(merged, of(a.into_iter().chain(b)));
        }

        #[test]
        fn bytes_come_back(a in times()) {
            let histogram = of(a);
            let back = LatencyHistogram::from_v2(&histogram.to_v2()).unwrap();
            prop_assert_eq!((back.min(), back.max(), back.mean()),
                (histogram.min(), histogram.max(), histogram.mean()));
            prop_assert!(back.entries().eq(histogram.entries()));
        }

        #[test]
        fn quantiles_never_fall_as_q_grows(a in times(), u in times()) {
            let censored = CensoredHistogram { answered: of(a), unanswered: of(u) };
            let mut last = Quantile::default();
            for step in 0..=100 {
                let now = censored.quantile(f64::from(step) / 100.0);
                prop_assert!(now.value >= last.value && now.at_least >= last.at_least);
                last = now;
            }
        }

        #[test]
        fn losing_an_answer_never_improves_a_quantile(a in times(), age in 0_u64..10_000_000_000) {
            let whole = CensoredHistogram { answered: of(a.clone()), unanswered: of([]) };
            let lost = CensoredHistogram {
                answered: of(a.iter().skip(1).copied()),
                unanswered: of(a.first().map(|_| age)),
            };
            for q in [0.5, 0.9, 0.95, 0.99, 1.0] {
                let (before, after) = (whole.quantile(q), lost.quantile(q));
                prop_assert!(after.at_least || after.value >= before.value);
            }
        }
    }
}
