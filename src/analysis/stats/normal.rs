//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// Beyond this the distribution function is 0 or 1 in a double.
const FAR: f64 = 38.0;

/// The probability of a value up to `z`.
pub fn cdf(z: f64) -> f64 {
    libm::erfc(-z / SQRT_2) / 2.0
}

/// The value below which the probability is `p`; infinite at 0 and 1.
///
/// Starts from Abramowitz and Stegun 26.2.23 (1964), which is good to 4.5 · 10⁻⁴.
pub fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p > 0.5 {
        // The lower tail keeps its digits where the upper would round to 1.
        return -quantile(1.0 - p);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let numerator = (0.010_328f64.mul_add(t, 0.802_853)).mul_add(t, 2.515_517);
    let denominator = (0.001_308f64.mul_add(t, 0.189_269)).mul_add(t, 1.432_788).mul_add(t, 1.0);
    let start = numerator / denominator - t;
    super::inverse(p, (-FAR, start, FAR), cdf, density)
}

/// The probability density at `z`.
pub fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * PI).sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tabulated_values() {
        // Abramowitz and Stegun, table 26.1 and 26.5; NIST handbook of statistical methods 1.3.6.7.1.
        for (z, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (1.644_853_626_951_472_7, 0.95),
            (1.959_963_984_540_054, 0.975),
            (2.326_347_874_040_841, 0.99),
            (-3.090_232_306_167_813_5, 0.001),
            (-4.753_424_308_822_899, 1e-6),
        ] {
            assert!((cdf(z) - p).abs() < 1e-13, "cdf({z}) = {}", cdf(z));
            assert!((quantile(p) - z).abs() < 1e-9, "quantile({p}) = {}", quantile(p));
        }
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn the_quantile_undoes_the_distribution_function(z in -8.0_f64..8.0) {
            let back = quantile(cdf(z));
            // A probability near 1 has few digits left to tell values apart.
            let lost = f64::EPSILON / density(z);
            prop_assert!((back - z).abs() < 1e-10 + 8.0 * lost, "{} {}", z, back);
        }
    }
}
