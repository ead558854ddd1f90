//! The signed rank test of paired differences (Wilcoxon, Individual Comparisons by Ranking Methods, 1945),
//! exact.

/// The probability, without any difference between the sides, of signed ranks at least as one-sided as
/// those of `differences`. Differences of zero are left out; 1 if nothing is left.
pub(super) fn two_sided(differences: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    sizes.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the rank, so that the mean rank of a tie is a whole number.
    let mut ranks: Vec<usize> = Vec::with_capacity(sizes.len());
    for tie in sizes.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
        let rank = 2 * ranks.len() + tie.len() + 1;
        ranks.extend(tie.iter().map(|_| rank));
    }
    let positive: usize =
        ranks.iter().zip(&sizes).filter(|(_, size)| **size > 0.0).map(|(rank, _)| rank).sum();
    let total: usize = ranks.iter().sum();
    let smaller = positive.min(total - positive);
    (2.0 * lower_tail(&ranks, smaller)).min(1.0)
}

/// The probability of a sum of at most `sum` where each rank counts with probability one half.
fn lower_tail(ranks: &[usize], sum: usize) -> f64 {
    let mut chances = vec![0.0; sum + 1];
    chances[0] = 1.0;
    for rank in ranks {
        for at in (0..=sum).rev() {
            let with = at.checked_sub(*rank).map_or(0.0, |before| chances[before]);
            chances[at] = f64::midpoint(chances[at], with);
        }
    }
    chances.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Critical values of Wilcoxon's table: T = 0 for n = 6, T = 8 for n = 10 at 5 % two-sided.
    #[test]
    fn known_tables_come_out() {
        let with_negatives = |n: u32, negatives: &[u32]| {
            let signed = (1..=n).map(|size| {
                if negatives.contains(&size) { -f64::from(size) } else { f64::from(size) }
            });
            two_sided(&signed.collect::<Vec<_>>())
        };
        assert!((with_negatives(6, &[]) - 2.0 / 64.0).abs() < 1e-12);
        assert!((with_negatives(6, &[1]) - 4.0 / 64.0).abs() < 1e-12);
        assert!(with_negatives(10, &[8]) <= 0.05 && with_negatives(10, &[9]) > 0.05);
        assert!((two_sided(&[1.0, -1.0]) - 1.0).abs() < 1e-12);
        assert!((two_sided(&[0.0, 0.0]) - 1.0).abs() < 1e-12);
        // A tie: three ranks of 2, all positive.
        assert!((two_sided(&[2.0, 2.0, 2.0]) - 0.25).abs() < 1e-12);
    }
}
