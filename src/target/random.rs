//! A small seeded generator (`SplitMix64`) for service times and faults.
//!
//! Invariant: the same seed gives the same sequence on every platform.

/// A stream of pseudo-random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        // 1 - u lies in (0, 1], so the logarithm is finite.
        -(1.0 - self.unit()).ln()
    }

    /// Log-normal with mean 1 and coefficient of variation `cv`.
    pub(super) fn lognormal(&mut self, cv: f64) -> f64 {
        let variance = cv.mul_add(cv, 1.0).ln();
        variance.sqrt().mul_add(self.normal(), -variance / 2.0).exp()
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers_match_the_published_generator() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn distributions_have_mean_one_and_their_variation() {
        let moments = |draw: &mut dyn FnMut() -> f64| {
            let n = 200_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..n {
                let x = draw();
                sum += x;
                squares += x * x;
            }
            let mean = sum / f64::from(n);
            (mean, (squares / f64::from(n) - mean * mean).sqrt())
        };
        let mut random = Random::new(7);
        let (mean, cv) = moments(&mut || random.exponential());
        assert!((mean - 1.0).abs() < 0.01 && (cv - 1.0).abs() < 0.02, "{mean} {cv}");
        let (mean, cv) = moments(&mut || random.lognormal(0.5));
        assert!((mean - 1.0).abs() < 0.01 && (cv - 0.5).abs() < 0.02, "{mean} {cv}");
    }
}
