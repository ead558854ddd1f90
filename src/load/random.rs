//! Seeded randomness that stays the same across versions and platforms: a run repeats from its seed.
//!
//! `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of pseudo-random numbers; cheap to create, so every slot can own one.
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The stream that `seed` names.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream of slot `index` under `seed`: the same whichever worker sends the slot.
    pub fn for_slot(seed: u64, index: u64) -> Self {
        let mut outer = Self::new(seed ^ index.wrapping_mul(GOLDEN_GAMMA));
        Self::new(outer.next_u64())
    }

    /// The stream of a step of the flow that slot `index` starts; the first has the slot's own.
    pub fn for_step(seed: u64, index: u64, step: u64) -> Self {
        Self::for_slot(seed.wrapping_add(step.wrapping_mul(0xD134_2543_DE82_EF95)), index)
    }

    /// The stream of the pause before a step.
    pub fn for_pause(seed: u64, index: u64, step: u64) -> Self {
        Self::for_step(!seed, index, step)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..bound by multiply-shift; `bound` of zero gives zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        // The high half of a 128-bit product fits 64 bits.
        (wide >> 64) as u64
    }

    /// Exponentially distributed with mean 1.
    pub fn exponential(&mut self) -> f64 {
        // 1 − u lies in (0, 1], so the logarithm is finite.
        -(1.0 - self.unit()).ln()
    }

    /// Log-normally distributed with mean 1 and coefficient of variation `cv`.
    pub fn lognormal(&mut self, cv: f64) -> f64 {
        let variance = cv.mul_add(cv, 1.0).ln();
        variance.sqrt().mul_add(self.normal(), -variance / 2.0).exp()
    }

    /// Standard normal (Box and Muller, A Note on the Generation of Random Normal Deviates, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_sequence_comes_out() {
        let mut stream = SplitMix64::new(1_234_567);
        assert_eq!(stream.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(stream.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn below_stays_below_and_reaches_everything() {
        let mut stream = SplitMix64::new(7);
        let mut seen = [0_u32; 3];
        for _ in 0..3000 {
            seen[usize::try_from(stream.below(3)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&n| (900..1100).contains(&n)), "{seen:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn distributions_have_mean_one_and_their_variation() {
        let check = |draw: fn(&mut SplitMix64) -> f64, cv: f64| {
            let mut stream = SplitMix64::new(11);
            let draws: Vec<f64> = (0..200_000).map(|_| draw(&mut stream)).collect();
            let mean = draws.iter().sum::<f64>() / 2e5;
            let spread = (draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 2e5).sqrt();
            assert!((mean - 1.0).abs() < 0.01 && (spread - cv).abs() < 0.02, "{mean} {spread}");
        };
        check(SplitMix64::exponential, 1.0);
        check(|stream| stream.lognormal(0.5), 0.5);
    }
}
