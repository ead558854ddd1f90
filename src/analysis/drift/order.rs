//! Typical values and ranks.

/// The middle of `values`; 0 of none.
pub(in crate::analysis) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The mean of the middle half of `values`: hardly moved by a quarter of outliers, and more precise than the
/// median. 0 of none.
pub(super) fn midmean(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let out = sorted.len() / 4;
    let middle = &sorted[out..sorted.len() - out];
    middle.iter().sum::<f64>() / middle.len().max(1) as f64
}

/// Ranks from 1, in the order of `values`; equal ones share the mean of theirs.
pub(in crate::analysis) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let rank = before as f64 + (group.len() + 1) as f64 / 2.0;
        for place in group {
            ranks[*place] = rank;
        }
        before += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typical_values_pass_over_outliers_and_ranks_share_ties() {
        assert!((median(&[3.0, 1.0, 99.0]) - 3.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 99.0, 2.0]) - 3.0).abs() < 1e-12);
        assert!((midmean(&[1.0, 2.0, 4.0, 99.0]) - 3.0).abs() < 1e-12);
        assert!(median(&[]).abs() < 1e-12 && midmean(&[]).abs() < 1e-12);
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
    }
}
