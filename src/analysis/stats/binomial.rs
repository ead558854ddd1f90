//! Tails of counts of hits: how likely it is that chance alone brings so many.

use crate::analysis::stats::student::beta_share;

/// Probability of `hits` or more in `trials`, each a hit with probability `p`.
pub fn tail(trials: u64, p: f64, hits: u64) -> f64 {
    match hits {
        0 => 1.0,
        _ if hits > trials => 0.0,
        // DLMF 8.17.5.
        _ => beta_share(p, hits as f64, (trials - hits + 1) as f64),
    }
}

/// Probability of `hits` or more where each trial has a probability of its own (Poisson's binomial
/// distribution, by adding one trial after the other).
pub fn tail_of(probabilities: &[f64], hits: usize) -> f64 {
    let mut of = vec![0.0; probabilities.len() + 1];
    of[0] = 1.0;
    for (before, p) in probabilities.iter().enumerate() {
        for count in (0..=before).rev() {
            of[count + 1] += of[count] * p;
            of[count] *= 1.0 - p;
        }
    }
    of.iter().skip(hits).sum()
}

/// In how many ways `size` things can be chosen out of `all`: by so much a choice made after the fact is
/// less surprising than one made before.
pub fn choices(all: usize, size: usize) -> f64 {
    (0..size).map(|at| all.saturating_sub(at) as f64 / (at + 1) as f64).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_cases_are_counted_by_hand() {
        assert!((tail(3, 0.5, 2) - 0.5).abs() < 1e-12);
        assert!((tail(5, 0.1, 5) - 1e-5).abs() < 1e-15);
        assert!((tail(5, 0.1, 0) - 1.0).abs() < 1e-12 && tail(5, 0.1, 6).abs() < 1e-12);
        assert!((tail_of(&[0.5, 0.25], 1) - 0.625).abs() < 1e-12);
        assert!((tail_of(&[], 0) - 1.0).abs() < 1e-12 && tail_of(&[], 1).abs() < 1e-12);
        assert!((choices(7, 2) - 21.0).abs() < 1e-9 && choices(1, 2).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn equal_trials_have_the_binomial_tail(trials in 1_u64..40, p in 0.01_f64..0.99, hits in 0_u64..41) {
            let each = vec![p; trials as usize];
            prop_assert!((tail(trials, p, hits) - tail_of(&each, hits as usize)).abs() < 1e-9);
        }
    }
}
