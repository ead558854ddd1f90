//! [`LatencyHistogram`], and [`CensoredHistogram`] for times of which some are only known to be "at
//! least": the two forms in which times are kept.
//!
//! All histograms share the same fixed bounds (1 ns to 1 h, three significant digits), so merging is
//! exact. Slots that were never answered rank behind every answered one: overload cannot improve a number.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};

use crate::time::whole_nanos;

/// One hour; longer times are recorded as this.
const MAX_NS: u64 = 3_600_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Entries up to which times are kept as a list, for less work and memory. Counting a longer list at once
/// would hold up a worker.
const LIST_MAX: usize = 1024;
/// The same for times that are soon merged into others: a tenth of a second at 100,000/s, in half of a
/// histogram's memory.
const PASSING_LIST_MAX: usize = 16 * 1024;

/// Bounds and precision of every histogram.
static SCALE: LazyLock<Histogram<u64>> = LazyLock::new(empty_counts);

/// A distribution of times, exact to 0.1 %.
///
/// A few entries are a list; more are a histogram of about 270 kB, of which the operating system provides
/// only the pages that are touched. Figures do not depend on which it is.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    entries: Entries,
    list_max: usize,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { entries: Entries::default(), list_max: LIST_MAX }
    }
}

#[derive(Clone, Debug)]
enum Entries {
    /// In nanoseconds, at most an hour, in any order.
    Few(Vec<u64>),
    Many(Box<Histogram<u64>>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
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
    /// For times that are soon merged into another histogram.
    pub fn passing() -> Self {
        Self { list_max: PASSING_LIST_MAX, ..Self::default() }
    }

    /// Records one time; more than an hour is recorded as an hour.
    pub fn record(&mut self, time: Duration) {
        let ns = whole_nanos(time).min(MAX_NS);
        match &mut self.entries {
            Entries::Few(times) if times.len() < self.list_max => times.push(ns),
            Entries::Few(_) => self.many().saturating_record(ns),
            Entries::Many(counts) => counts.saturating_record(ns),
        }
    }

    /// Records `count` times of zero length.
    pub fn record_zeros(&mut self, count: u64) {
        if count > 0 {
            self.many().saturating_record_n(0, count);
        }
    }

    /// Adds every entry of `other`.
    #[expect(clippy::missing_panics_doc, reason = "bounds are the same by construction")]
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.entries, &other.entries) {
            (Entries::Few(ours), Entries::Few(theirs))
                if ours.len() + theirs.len() <= self.list_max =>
            {
                ours.extend_from_slice(theirs);
            }
            (_, Entries::Few(theirs)) => {
                let ours = self.many();
                for &ns in theirs {
                    ours.saturating_record(ns);
                }
            }
            (_, Entries::Many(theirs)) => {
                self.many().add(&**theirs).expect("all histograms have the same bounds");
            }
        }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        match &mut self.entries {
            Entries::Few(times) => times.clear(),
            Entries::Many(_) => self.entries = Entries::default(),
        }
    }

    /// Number of entries.
    pub fn count(&self) -> u64 {
        match &self.entries {
            Entries::Few(times) => times.len() as u64,
            Entries::Many(counts) => counts.len(),
        }
    }

    /// Number of entries of `limit` and more, to the histogram's precision.
    pub fn count_from(&self, limit: Duration) -> u64 {
        let limit = SCALE.lowest_equivalent(whole_nanos(limit).min(MAX_NS));
        match &self.entries {
            Entries::Few(times) => times.iter().filter(|&&ns| ns >= limit).count() as u64,
            Entries::Many(counts) => counts.count_between(limit, MAX_NS),
        }
    }

    /// The time at or below which the share `q` (0 to 1) of the entries lies; zero if there are none.
    pub fn quantile(&self, q: f64) -> Duration {
        self.at_rank(rank(q, self.count()))
    }

    /// The smallest time; zero if there are none.
    pub fn min(&self) -> Duration {
        Duration::from_nanos(match &self.entries {
            Entries::Few(times) => times.iter().min().map_or(0, |&ns| SCALE.lowest_equivalent(ns)),
            Entries::Many(counts) => counts.min(),
        })
    }

    /// The largest time; zero if there are none.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(match &self.entries {
            Entries::Few(times) => times.iter().max().map_or(0, |&ns| highest_equivalent(ns)),
            Entries::Many(counts) => counts.max(),
        })
    }

    /// The arithmetic mean; zero if there are none.
    pub fn mean(&self) -> Duration {
        nanos(match &self.entries {
            Entries::Few(times) => {
                let sum: f64 = times.iter().map(|&ns| SCALE.median_equivalent(ns) as f64).sum();
                sum / times.len().max(1) as f64
            }
            Entries::Many(counts) => counts.mean(),
        })
    }

    /// Distinct times, rounded down to the histogram's precision, with their number of entries; ascending.
    pub fn entries(&self) -> Vec<(Duration, u64)> {
        let step = |ns: u64, count| (Duration::from_nanos(SCALE.lowest_equivalent(ns)), count);
        let counts = self.counts();
        let steps = counts.iter_recorded();
        steps.map(|at| step(at.value_iterated_to(), at.count_at_value())).collect()
    }

    /// The HDR V2 format, uncompressed.
    #[expect(clippy::missing_panics_doc, reason = "memory takes what is written")]
    pub fn to_v2(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.counts(), &mut bytes)
            .expect("writing to memory does not fail, and the counts array is far below 4 GB");
        bytes
    }

    /// The HDR V2 format, compressed, as interval logs have it.
    #[expect(clippy::missing_panics_doc, reason = "memory takes what is written")]
    pub fn to_v2_deflated(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.counts(), &mut bytes)
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
        Ok(Self { entries: Entries::Many(Box::new(counts)), ..Self::default() })
    }

    /// The `rank`-th smallest entry, from 1 on; zero if there is none.
    fn at_rank(&self, rank: u64) -> Duration {
        Duration::from_nanos(match &self.entries {
            Entries::Few(times) => {
                let mut times = times.clone();
                let place = usize::try_from(rank.saturating_sub(1)).unwrap_or(usize::MAX);
                let place = place.min(times.len().saturating_sub(1));
                if times.is_empty() {
                    0
                } else {
                    highest_equivalent(*times.select_nth_unstable(place).1)
                }
            }
            Entries::Many(counts) => {
                // Half a rank down, so that rounding up inside the library meets the rank despite float
                // noise.
                let share = (rank as f64 - 0.5).max(0.5) / counts.len().max(1) as f64;
                counts.value_at_quantile(share)
            }
        })
    }

    /// The histogram of all entries.
    fn counts(&self) -> Cow<'_, Histogram<u64>> {
        match &self.entries {
            Entries::Few(times) => Cow::Owned(counted(times)),
            Entries::Many(counts) => Cow::Borrowed(counts),
        }
    }

    /// The same, kept from here on.
    fn many(&mut self) -> &mut Histogram<u64> {
        if let Entries::Few(times) = &self.entries {
            self.entries = Entries::Many(Box::new(counted(times)));
        }
        match &mut self.entries {
            Entries::Many(counts) => counts,
            Entries::Few(_) => unreachable!("just counted"),
        }
    }
}

fn counted(times: &[u64]) -> Histogram<u64> {
    let mut counts = empty_counts();
    for &ns in times {
        counts.saturating_record(ns);
    }
    counts
}

/// As the histogram's own figures round: up, and zero stays zero.
fn highest_equivalent(ns: u64) -> u64 {
    if ns == 0 { 0 } else { SCALE.highest_equivalent(ns) }
}

impl PartialEq for LatencyHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.count() == other.count() && (self.count() == 0 || self.counts() == other.counts())
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

/// `time` rounded down to the histogram's precision, where quantiles are rounded up.
fn floor(time: Duration) -> Duration {
    Duration::from_nanos(SCALE.lowest_equivalent(whole_nanos(time)))
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

    /// For times that are soon merged into others.
    pub fn passing() -> Self {
        Self { answered: LatencyHistogram::passing(), unanswered: LatencyHistogram::passing() }
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
        let age = floor(self.unanswered.at_rank(rank - answered));
        Quantile { value: age.max(self.answered.max()), at_least: true }
    }

    /// Entries that lie above the one that quantile `q` names: so many may break a limit without breaking it
    /// at that quantile.
    pub fn count_beyond(&self, q: f64) -> u64 {
        self.count().saturating_sub(rank(q, self.count()))
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
            .into_iter()
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
    }

    #[test]
    fn a_list_and_a_histogram_count_the_same_beyond_a_limit() {
        for entries in [100, 2 * LIST_MAX as u64] {
            let times = of((1..=entries).map(|n| n * 1_000_000));
            for (limit, expected) in [(1, entries), (51, entries - 50), (4_000_000, 0)] {
                assert_eq!(times.count_from(ms(limit)), expected, "{limit} of {entries}");
            }
        }
    }

    #[test]
    fn empty_is_zero_and_takes_no_memory() {
        let empty = LatencyHistogram::default();
        assert_eq!((empty.count(), empty.quantile(0.5), empty.max()), (0, ms(0), ms(0)));
        assert_eq!(CensoredHistogram::default().quantile(0.99), Quantile::default());
        let mut used = of([5]);
        used.clear();
        assert_eq!(used, empty);
        assert_eq!((used.min(), used.max(), used.mean()), (ms(0), ms(0), ms(0)));
    }

    #[test]
    fn a_long_list_becomes_a_histogram() {
        let is_list = |times: &LatencyHistogram| matches!(times.entries, Entries::Few(_));
        let many = of((0..=LIST_MAX as u64).map(|n| n * 1000));
        assert!(!is_list(&many));
        let half = of((0..=LIST_MAX as u64 / 2).map(|n| n * 1000));
        let mut merged = half.clone();
        merged.merge(&half);
        assert!(is_list(&half) && !is_list(&merged));
        assert_eq!((many.count(), merged.count()), (LIST_MAX as u64 + 1, LIST_MAX as u64 + 2));
        let mut passing = LatencyHistogram::passing();
        (0..8).for_each(|_| passing.merge(&half));
        assert!(is_list(&passing));
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
        fn a_list_and_a_histogram_give_the_same_figures(a in times(), zeros in 0_usize..3) {
            let few = of(a.into_iter().chain(std::iter::repeat_n(0, zeros)));
            let mut many = few.clone();
            many.many();
            prop_assert_eq!(&few, &many);
            prop_assert_eq!((few.count(), few.min(), few.max()), (many.count(), many.min(), many.max()));
            prop_assert!(few.mean().abs_diff(many.mean()) <= Duration::from_nanos(1));
            for step in 0..=100 {
                let q = f64::from(step) / 100.0;
                prop_assert_eq!(few.quantile(q), many.quantile(q), "{}", q);
            }
            prop_assert_eq!(few.entries(), many.entries());
            let (mut left, mut right) = (few.clone(), many.clone());
            left.merge(&many);
            right.merge(&few);
            prop_assert_eq!(left, right);
        }

        #[test]
        fn bytes_come_back(a in times()) {
            let histogram = of(a);
            let back = LatencyHistogram::from_v2(&histogram.to_v2()).unwrap();
            prop_assert_eq!((back.min(), back.max(), back.mean()),
                (histogram.min(), histogram.max(), histogram.mean()));
            prop_assert_eq!(back.entries(), histogram.entries());
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
