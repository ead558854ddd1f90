//! Fewer points for the same picture: of neighbours that share a place, the least and the most are drawn, so
//! that no peak is lost.

use std::ops::Range;

/// Places of a chart along its x axis at most.
const PLACES_MAX: usize = 480;

/// `len` points in groups of neighbours.
pub(super) fn groups(len: usize) -> Vec<Range<usize>> {
    let size = len.div_ceil(PLACES_MAX).max(1);
    (0..len).step_by(size).map(|start| start..(start + size).min(len)).collect()
}

/// Lines through the least and the most of each group, in their order; a group without a value breaks it.
pub(super) fn lines(
    groups: &[Range<usize>],
    at: impl Fn(usize) -> (f64, Option<f64>),
) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for group in groups {
        let known = || group.clone().filter_map(|place| at(place).1.map(|value| (place, value)));
        let least = known().min_by(|a, b| a.1.total_cmp(&b.1));
        let most = known().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((least, most)) = least.zip(most) else {
            runs.push(Vec::new());
            continue;
        };
        let run = runs.len() - 1;
        let (first, second) = if least.0 <= most.0 { (least, most) } else { (most, least) };
        runs[run].push((at(first.0).0, first.1));
        if first.0 != second.0 {
            runs[run].push((at(second.0).0, second.1));
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// The least and the most of a group.
pub(super) fn range(group: &Range<usize>, at: impl Fn(usize) -> Option<f64>) -> Option<(f64, f64)> {
    let known = || group.clone().filter_map(&at);
    known().reduce(f64::min).zip(known().reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost() {
        let value = |place: usize| if place == 1_777 { 900.0 } else { (place % 13) as f64 };
        let groups = groups(3_600);
        assert!(groups.len() <= PLACES_MAX);
        let lines = lines(&groups, |place| (place as f64, Some(value(place))));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(&(1_777.0, 900.0)) && lines[0].len() <= 2 * PLACES_MAX);
        assert!(lines[0].windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_gap_is_a_gap() {
        let groups = groups(9);
        let lines = lines(&groups, |place| (place as f64, (place % 4 != 3).then_some(1.0)));
        assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(range(&(3..4), |place| (place != 3).then_some(1.0)), None);
    }
}
