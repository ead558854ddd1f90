//! [`Share`]: a share over slices of time, with a standard error that holds though neighbouring requests
//! and neighbouring slices depend on each other.
//!
//! Batch means (Conway 1963; Alexopoulos and Seila 1998): sums over batches longer than the memory of the
//! queue are nearly independent. How long that memory is nobody says, so batches of 1, 2, 4 … slices are
//! tried and the largest error counts.

/// Fewer batches say too little about their own spread.
const BATCHES_MIN: usize = 5;

/// What was counted within one slice of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Everything of which a share is taken.
    pub count: u64,
    /// That share.
    pub hits: u64,
}

/// A share with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Hits per count, 0 to 1.
    pub share: f64,
    /// Its standard error, never less than if all were independent.
    pub error: f64,
    /// Degrees of freedom of that error.
    pub df: f64,
    /// Entries over all slices.
    pub count: u64,
}

impl Share {
    /// The share over `slices`, which follow each other in time. Nothing if they hold nothing.
    pub fn over(slices: &[Slice]) -> Option<Self> {
        Self::over_runs(&[slices])
    }

    /// The variance as a multiple of what it would be if all were independent; 1 or more.
    pub fn inflation(&self) -> f64 {
        let independent = self.share * (1.0 - self.share) / self.count as f64;
        if independent > 0.0 { self.error.powi(2) / independent } else { 1.0 }
    }

    /// The same over several runs, each a stretch of time of its own; no batch joins two of them.
    pub fn over_runs(runs: &[&[Slice]]) -> Option<Self> {
        let sum = |of: fn(&Slice) -> u64| runs.iter().copied().flatten().map(of).sum::<u64>();
        let (count, hits) = (sum(|slice| slice.count), sum(|slice| slice.hits));
        if count == 0 {
            return None;
        }
        let share = hits as f64 / count as f64;
        let slices: usize = runs.iter().map(|run| run.len()).sum();
        let independent = share * (1.0 - share) / count as f64;
        let mut largest = (independent, slices.saturating_sub(1).max(1) as f64);
        let mut size = 1;
        while runs.iter().map(|run| run.len() / size).sum::<usize>() >= BATCHES_MIN {
            let batches = runs.iter().flat_map(|run| run.chunks_exact(size));
            let (variance, df) = variance_of(batches, share, count);
            if variance > largest.0 {
                largest = (variance, df);
            }
            size *= 2;
        }
        Some(Self { share, error: largest.0.sqrt(), df: largest.1, count })
    }
}

/// The variance of the ratio `share` from the deviations of batches, and its degrees of freedom.
fn variance_of<'a>(
    batches: impl Iterator<Item = &'a [Slice]>,
    share: f64,
    count: u64,
) -> (f64, f64) {
    let (mut squares, mut number) = (0.0, 0.0);
    for batch in batches {
        let deviation: f64 = batch.iter().map(|s| s.hits as f64 - share * s.count as f64).sum();
        squares += deviation * deviation;
        number += 1.0;
    }
    let df: f64 = number - 1.0;
    (squares * number / df / (count as f64).powi(2), df)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::load::random::SplitMix64;

    fn slices(hits: &[u64]) -> Vec<Slice> {
        hits.iter().map(|&hits| Slice { count: 100, hits }).collect()
    }

    #[test]
    fn independent_hits_have_the_binomial_error() {
        let mut random = SplitMix64::new(7);
        let hits: Vec<u64> =
            (0..256).map(|_| (0..100).filter(|_| random.unit() < 0.05).count() as u64).collect();
        let share = Share::over(&slices(&hits)).unwrap();
        let binomial = (0.05_f64 * 0.95 / 25_600.0).sqrt();
        assert!((0.9..2.0).contains(&(share.error / binomial)), "{share:?}");
    }

    #[test]
    fn hits_that_come_in_long_bursts_widen_the_error() {
        // 8 of every 64 slices are bad: their sum over 64 slices is what varies least.
        let burst: Vec<u64> = (0..256).map(|at| if at % 64 < 8 { 40 } else { 0 }).collect();
        let share = Share::over(&slices(&burst)).unwrap();
        let binomial = (0.05_f64 * 0.95 / 25_600.0).sqrt();
        assert!((share.share - 0.05).abs() < 1e-12);
        assert!(share.error > 8.0 * binomial, "{share:?}");
        assert!(share.inflation() > 64.0);
    }

    #[test]
    fn few_slices_fall_back_on_independence_and_none_say_nothing() {
        let few = Share::over(&slices(&[5, 5, 5])).unwrap();
        assert!((few.error - (0.05_f64 * 0.95 / 300.0).sqrt()).abs() < 1e-12);
        assert_eq!(few.df.to_bits(), 2.0_f64.to_bits());
        assert_eq!(Share::over(&[]), None);
        assert_eq!(Share::over(&slices(&[0, 0])).unwrap().error.to_bits(), 0);
    }

    #[test]
    fn no_batch_joins_two_runs() {
        let (good, bad) = (slices(&[1; 8]), slices(&[9; 8]));
        let runs = Share::over_runs(&[&good, &bad]).unwrap();
        assert!((runs.share - 0.05).abs() < 1e-12);
        // Batches of two slices have the largest error: eight of them, four of each run.
        assert_eq!(runs.df.to_bits(), 7.0_f64.to_bits(), "{runs:?}");
    }

    proptest! {
        #[test]
        fn the_error_is_never_less_than_if_independent(
            hits in prop::collection::vec(0_u64..100, 1..80),
        ) {
            let share = Share::over(&slices(&hits)).unwrap();
            let independent = share.share * (1.0 - share.share) / share.count as f64;
            prop_assert!(share.error >= independent.sqrt() && share.df >= 1.0);
        }
    }
}
