//! [`Spectrum`]: the quantile curves of a result, in a bounded number of points.
//!
//! The points crowd towards 100 %, as those of an HdrHistogram's percentile output do, and end where a
//! further one would lie within the largest entry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::histogram::{CensoredHistogram, LatencyHistogram, Quantile};
use crate::time::whole_nanos;

/// The shares of Locust's tables.
pub const SHARES: [f64; 11] = [0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0];
/// Hundredths of what lies above, within a tenfold step towards 100 %.
const STEPS: [u64; 12] = [100, 90, 80, 70, 60, 50, 40, 34, 25, 20, 15, 12];
/// Tenfold steps at most: to 99.99999 %.
const DECADES: u32 = 7;
const BILLION: u64 = 1_000_000_000;

/// A time and the share of entries that lie at or below it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// 0 to 1.
    pub share: f64,
    /// ns.
    pub time: u64,
    /// Whether the true time is `time` or more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// The curves whose gap is what a closed loop would have hidden.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spectrum {
    /// From due to last byte, over good answers and slots never answered.
    pub response_time: Vec<Percentile>,
    /// From sent to last byte, over good answers.
    pub service_time: Vec<Percentile>,
}

impl Spectrum {
    /// The curves of both times.
    pub fn new(response_time: &CensoredHistogram, service_time: &LatencyHistogram) -> Self {
        let service = |share| Quantile::exact(service_time.quantile(share));
        Self {
            response_time: curve(response_time.count(), |share| response_time.quantile(share)),
            service_time: curve(service_time.count(), service),
        }
    }
}

/// The times at [`SHARES`]; none if there are no entries.
pub fn percentiles(times: &CensoredHistogram) -> Vec<Percentile> {
    if times.count() == 0 {
        return Vec::new();
    }
    SHARES.iter().map(|share| point(*share, times.quantile(*share))).collect()
}

fn curve(count: u64, quantile: impl Fn(f64) -> Quantile) -> Vec<Percentile> {
    if count == 0 {
        return Vec::new();
    }
    let steps = (0..DECADES)
        .flat_map(|decade| STEPS.iter().map(move |step| step * BILLION / 100 / 10_u64.pow(decade)));
    let resolved =
        steps.take_while(|above| u128::from(*above) * u128::from(count) >= BILLION.into());
    let shares = resolved.map(|above| (BILLION - above) as f64 / 1e9);
    shares.chain([1.0]).map(|share| point(share, quantile(share))).collect()
}

fn point(share: f64, quantile: Quantile) -> Percentile {
    Percentile { share, time: whole_nanos(quantile.value), at_least: quantile.at_least }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn times(answered: u64, unanswered: u64) -> CensoredHistogram {
        let mut times = CensoredHistogram::default();
        for ms in 1..=answered {
            times.answered.record(Duration::from_millis(ms));
        }
        for _ in 0..unanswered {
            times.unanswered.record(Duration::from_secs(10));
        }
        times
    }

    #[test]
    fn a_curve_rises_and_ends_where_entries_do() {
        for count in [1, 2, 10, 1_000, 20_000] {
            let times = times(count, 0);
            let curve = Spectrum::new(&times, &times.answered).response_time;
            assert!(curve.windows(2).all(|pair| pair[0].share < pair[1].share));
            assert!(curve.windows(2).all(|pair| pair[0].time <= pair[1].time));
            let last = curve[curve.len() - 1];
            assert!((last.share - 1.0).abs() < f64::EPSILON && curve.len() <= 85, "{count}");
            let before = curve.get(curve.len().wrapping_sub(2)).map_or(0.0, |point| point.share);
            assert!((1.0 - before) * count as f64 > 0.999, "{count}: {before}");
        }
        assert_eq!(Spectrum::new(&times(0, 0), &LatencyHistogram::default()), Spectrum::default());
    }

    #[test]
    fn the_usual_percentiles_are_among_the_points() {
        let times = times(20_000, 0);
        let curve = Spectrum::new(&times, &times.answered).response_time;
        for share in SHARES {
            let found = curve.iter().find(|point| (point.share - share).abs() < 1e-12);
            let found = found.unwrap_or_else(|| panic!("{share} is missing"));
            assert_eq!(found.time, whole_nanos(times.quantile(share).value));
        }
    }

    #[test]
    fn what_was_never_answered_is_a_lower_bound() {
        let found = percentiles(&times(96, 4));
        let bounds: Vec<bool> = found.iter().map(|point| point.at_least).collect();
        let expected = SHARES.map(|share| share > 0.965);
        assert_eq!(bounds, expected);
        assert_eq!(percentiles(&times(0, 0)), Vec::new());
    }
}
