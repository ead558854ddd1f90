//! How steep a sequence of equally spaced values is, and how much of that chance explains.
//!
//! The slope is the median over all pairs (Theil 1950; Sen, Estimates of the Regression Coefficient Based
//! on Kendall's Tau, 1968). Its error comes from what the best form leaves over, with the variance
//! inflated by the autocorrelation of that, as in Hamed & Rao (A modified Mann-Kendall trend test for
//! autocorrelated data, 1998). Their test itself counts signs and knows no sizes: a strong drift that is
//! not quite straight leaves a smooth remainder, which looks like autocorrelation and hides it.

use crate::analysis::drift::order::{median, ranks};

/// Lags beyond this part of the sequence are known too poorly to be used.
const LAG_SHARE: usize = 4;
/// Estimates of autocorrelation are too low once a form has been taken out, by so many times 1/n where waves
/// are slow.
const LAG_BIAS: f64 = 6.0;
/// From an autocorrelation below this many times 1/√n on, lags are taken for noise. Hamed and Rao cut at
/// 1.64, which overlooks slow waves under noise: by simulation, twice as many false alarms.
const NOISE: f64 = 0.7;
/// What a fitted form takes from the degrees of freedom: two levels and an instant.
const FITTED: f64 = 3.0;

/// The typical slope of `values`, of which there are at least two, per step.
pub(super) fn slope(values: &[f64]) -> f64 {
    let mut slopes = Vec::with_capacity(values.len() * (values.len() - 1) / 2);
    for (i, early) in values.iter().enumerate() {
        for (j, late) in values.iter().enumerate().skip(i + 1) {
            slopes.push((late - early) / (j - i) as f64);
        }
    }
    median(&slopes)
}

/// The standard deviation that sums over `residuals` (around a fitted form) have per square root of their
/// number: that of single ones, and more where neighbours are alike.
pub(super) fn noise(residuals: &[f64]) -> f64 {
    let squares: f64 = residuals.iter().map(|rest| rest * rest).sum();
    let variance = squares / (residuals.len() as f64 - FITTED).max(1.0);
    (variance * inflation(residuals)).sqrt()
}

/// The standard error of a slope over `length` values with this [`noise`], per step.
pub(super) fn slope_error(noise: f64, length: usize) -> f64 {
    let n = length as f64;
    noise * (12.0 / (n * (n * n - 1.0))).sqrt()
}

/// By how much autocorrelation inflates the variance of sums over `residuals`; at least 1.
fn inflation(residuals: &[f64]) -> f64 {
    let n = residuals.len() as f64;
    let mean = f64::midpoint(n, 1.0);
    let centred: Vec<f64> = ranks(residuals).iter().map(|rank| rank - mean).collect();
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
        excess += (1.0 - lag as f64 / n) * correlation;
    }
    1.0 + 2.0 * excess
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_passes_over_outliers() {
        let mut line: Vec<f64> = (0..20).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        assert!((slope(&line) - 0.5).abs() < 1e-12);
        (line[3], line[17]) = (90.0, -70.0);
        assert!((slope(&line) - 0.5).abs() < 0.05);
    }

    /// For independent errors it is that of least squares: σ √(12 / (n³ − n)).
    #[test]
    fn errors_follow_the_noise() {
        let zigzag: Vec<f64> = (0..40).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let spread = (40.0_f64 / 37.0).sqrt();
        assert!((noise(&zigzag) - spread).abs() < 1e-12);
        let error = spread * (12.0_f64 / (64_000.0 - 40.0)).sqrt();
        assert!((slope_error(noise(&zigzag), 40) - error).abs() < 1e-12);
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
