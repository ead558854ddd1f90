//! Several tests at once (Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979).

/// The level that each of several tests is to be held against, so that with probability 1 − `alpha` none
/// of them is wrong. A test with a p-value above its level is not significant.
///
/// Intervals at these levels agree with the procedure: an interval leaves out "no difference" exactly
/// where Holm's procedure rejects it.
pub fn levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut levels = vec![alpha; p_values.len()];
    let mut rejected = 0;
    for (place, &test) in order.iter().enumerate() {
        let level = alpha / (p_values.len() - rejected) as f64;
        levels[test] = level;
        // After the first test that holds, all others are held against the same level.
        if rejected == place && p_values[test] <= level {
            rejected += 1;
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_step_down_until_the_first_that_holds() {
        let table: [(&[f64], &[f64]); 4] = [
            (&[], &[]),
            (&[0.04], &[0.05]),
            (&[0.03, 0.01, 0.2], &[0.025, 0.05 / 3.0, 0.025]),
            (&[0.02, 0.03, 0.04], &[0.05 / 3.0; 3]),
        ];
        for (p_values, expected) in table {
            let found = levels(p_values, 0.05);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{p_values:?}: {found} {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_bonferroni_rejects_is_rejected(p in prop::collection::vec(0.0_f64..0.2, 1..8)) {
            let levels = levels(&p, 0.05);
            for (p_value, level) in p.iter().zip(levels) {
                prop_assert!(level >= 0.05 / p.len() as f64 && level <= 0.05);
                prop_assert!(*p_value > 0.05 / p.len() as f64 || *p_value <= level);
            }
        }
    }
}
