//! Whether a sequence of equally spaced values has a trend, and how steep it is.
//!
//! Mann (Econometrica 1945) and Kendall: the sign of every pair. Its variance allows for autocorrelation
//! (Hamed & Rao, A modified Mann-Kendall trend test for autocorrelated data, 1998). The slope is the
//! median over all pairs (Theil 1950; Sen, Estimates of the Regression Coefficient Based on Kendall's Tau,
//! 1968), which also gives its interval.

use crate::analysis::drift::order::{median, ranks};

/// Lags beyond this part of the sequence are known too poorly to be used.
const LAG_SHARE: usize = 4;
/// Estimates of autocorrelation are up to this many times 1/n too low once a form has been taken out.
const LAG_BIAS: f64 = 4.0;
/// From an autocorrelation below this many times 1/√n on, lags are taken for noise. Hamed and Rao cut at
/// 1.64, which overlooks slow waves under noise: by simulation, twice as many false alarms.
const NOISE: f64 = 0.7;

/// A trend over a sequence. Slopes are per step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trend {
    /// The test's standardised sum of signs: far from zero means that there is a trend.
    pub(super) z: f64,
    /// The typical slope.
    pub(super) slope: f64,
    /// Standard error of the slope, by the half-width of Sen's interval.
    pub(super) slope_error: f64,
}

/// The trend of `values`, of which there are at least three; `inflation` is how many times the variance
/// exceeds that of independent values.
pub(super) fn trend(values: &[f64], inflation: f64) -> Trend {
    let n = values.len() as f64;
    let mut sum = 0.0;
    let mut slopes = Vec::with_capacity(values.len() * (values.len() - 1) / 2);
    for (i, early) in values.iter().enumerate() {
        for (j, late) in values.iter().enumerate().skip(i + 1) {
            sum += sign(late - early);
            slopes.push((late - early) / (j - i) as f64);
        }
    }
    slopes.sort_by(f64::total_cmp);
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - tied(values)) / 18.0 * inflation;
    let spread = variance.max(0.0).sqrt();
    // The continuity correction: the sum moves in steps of two.
    let z = if spread > 0.0 { sign(sum) * (sum.abs() - 1.0).max(0.0) / spread } else { 0.0 };
    let middle = slopes.len() as f64 / 2.0;
    let at = |place: f64| slopes[index(place, slopes.len())];
    let slope_error = (at(middle + spread / 2.0) - at(middle - spread / 2.0)) / 2.0;
    Trend { z, slope: median(&slopes), slope_error }
}

/// By how much autocorrelation of `residuals` (around whatever shape there is) inflates the variance of a
/// sum of ranks; at least 1.
pub(super) fn inflation(residuals: &[f64]) -> f64 {
    let n = residuals.len() as f64;
    let ranks = ranks(residuals);
    let mean = (n + 1.0) / 2.0;
    let centred: Vec<f64> = ranks.iter().map(|rank| rank - mean).collect();
    let power: f64 = centred.iter().map(|value| value * value).sum();
    if power <= 0.0 {
        return 1.0;
    }
    let mut excess = 0.0;
    for lag in 1..=residuals.len() / LAG_SHARE {
        let product: f64 = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum();
        let correlation = product / power + LAG_BIAS / n;
        if correlation <= NOISE / n.sqrt() {
            break;
        }
        let left = n - lag as f64;
        excess += left * (left - 1.0) * (left - 2.0) * correlation;
    }
    1.0 + 2.0 * excess / (n * (n - 1.0) * (n - 2.0))
}

fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// What groups of equal values take from the variance: Σ t(t−1)(2t+5).
fn tied(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|group| group.len() as f64)
        .map(|t| t * (t - 1.0) * (2.0 * t + 5.0))
        .sum()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the length of a slice"
)]
fn index(place: f64, length: usize) -> usize {
    place.clamp(0.0, (length - 1) as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_pairs_are_counted_and_ties_are_allowed_for() {
        // Ten values in order: S = 45, variance 125, z = 44/√125.
        let rising: Vec<f64> = (0..10).map(f64::from).collect();
        let found = trend(&rising, 1.0);
        assert!((found.z - 44.0 / 125.0_f64.sqrt()).abs() < 1e-12);
        assert!((found.slope - 1.0).abs() < 1e-12 && found.slope_error.abs() < 1e-12);
        assert!((trend(&rising, 4.0).z - found.z / 2.0).abs() < 1e-12);
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert!((trend(&falling, 1.0).z + found.z).abs() < 1e-12);
        // 1 1 2: S = 2, variance (3·2·11 − 2·1·9)/18 = 8/3.
        assert!((trend(&[1.0, 1.0, 2.0], 1.0).z - 1.0 / (8.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!(trend(&[5.0; 9], 1.0).z.abs() < 1e-12);
    }

    #[test]
    fn waves_inflate_the_variance_and_alternation_does_not() {
        let wave: Vec<f64> = (0..40).map(|i| (f64::from(i) / 4.0).sin()).collect();
        let zigzag: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
        assert!(inflation(&wave) > 2.0, "{}", inflation(&wave));
        assert!((inflation(&zigzag) - 1.0).abs() < 1e-12);
        assert!((inflation(&[3.0; 40]) - 1.0).abs() < 1e-12);
    }
}
