//! [`QuantileEstimator`]: a quantile of a stream of durations, learnt as they come and in constant memory.
//!
//! Each observation moves the estimate by a fixed step, up by the quantile's share of it if it was longer
//! and down by the rest if not, so that it follows when the load changes (Robbins and Monro, A Stochastic
//! Approximation Method, 1951).

use std::time::Duration;

/// The quantile that is estimated, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct EstimatorSettings {
    /// Share of the durations that the estimate covers, 0 to 1.
    pub(super) quantile: f64,
    /// How far one duration moves it, in nanoseconds.
    pub(super) step_ns: f64,
    /// Where it begins.
    pub(super) start_ns: f64,
    /// Least estimate.
    pub(super) min_ns: f64,
    /// Largest estimate.
    pub(super) max_ns: f64,
}

/// An estimate under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuantileEstimator {
    learning: EstimatorSettings,
    ns: f64,
}

impl QuantileEstimator {
    pub(super) const fn new(learning: EstimatorSettings) -> Self {
        Self { learning, ns: learning.start_ns }
    }

    pub(super) fn observe(&mut self, time: Duration) {
        let EstimatorSettings { quantile, step_ns, min_ns, max_ns, .. } = self.learning;
        let longer = time.as_nanos() as f64 > self.ns;
        self.ns += step_ns * if longer { quantile } else { quantile - 1.0 };
        self.ns = self.ns.clamp(min_ns, max_ns);
    }

    pub(super) fn duration(self) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let ns = self.ns as u64;
        Duration::from_nanos(ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEARNING: EstimatorSettings = EstimatorSettings {
        quantile: 0.9,
        step_ns: 2_000.0,
        start_ns: 60_000.0,
        min_ns: 5_000.0,
        max_ns: 200_000.0,
    };

    #[test]
    fn it_settles_at_its_quantile() {
        let mut stream = crate::load::random::SplitMix64::new(3);
        let mut estimator = QuantileEstimator::new(LEARNING);
        for _ in 0..5000 {
            // Between 0 and 100 µs: the 90 % quantile lies at 90 µs.
            estimator.observe(Duration::from_nanos(stream.below(100_000)));
        }
        assert!((80_000.0..100_000.0).contains(&estimator.ns), "{estimator:?}");
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut estimator = QuantileEstimator::new(LEARNING);
        for _ in 0..1000 {
            estimator.observe(Duration::from_secs(1));
        }
        assert_eq!(estimator.duration(), Duration::from_micros(200));
        for _ in 0..10_000 {
            estimator.observe(Duration::ZERO);
        }
        assert_eq!(estimator.duration(), Duration::from_micros(5));
    }
}
