//! The interval of a quantile by way of the share below it (Woodruff, Confidence Intervals for Medians and
//! Other Position Measures, 1952).

/// A quantile with its interval, in the unit of the distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileInterval {
    /// The quantile.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The quantile `p` of a distribution given by its `quantile` function, and those at `p` ∓ `reach`, where
/// `reach` is t times the standard error of the share above it.
pub fn interval(quantile: impl Fn(f64) -> f64, p: f64, reach: f64) -> QuantileInterval {
    QuantileInterval {
        estimate: quantile(p),
        low: quantile((p - reach).max(0.0)),
        high: quantile((p + reach).min(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_an_exponential_distribution_it_follows_the_quantile_function() {
        let exponential = |p: f64| -(1.0 - p).ln();
        let found = interval(exponential, 0.95, 0.01);
        assert!((found.estimate - 20.0_f64.ln()).abs() < 1e-9);
        assert!((found.low - (1.0 / 0.06_f64).ln()).abs() < 1e-9);
        assert!((found.high - (1.0 / 0.04_f64).ln()).abs() < 1e-9);
    }

    #[test]
    fn a_reach_beyond_the_distribution_ends_at_its_ends() {
        let found = interval(|p| p, 0.99, 0.05);
        assert!((found.low - 0.94).abs() < 1e-12 && (found.high - 1.0).abs() < 1e-12);
    }
}
