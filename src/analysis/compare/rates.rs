//! The changes of figures that are not times: error rate, throughput, and the highest rate.

use crate::analysis::compare::decision::{Censoring, Change};
use crate::analysis::compare::quantile::FigureChange;
use crate::analysis::compare::timeline::Timeline;
use crate::analysis::stats::batches::{Share, Slice};
use crate::analysis::stats::{normal, student};

/// Without a single error in N slots, at most 3/N fail with 95 % certainty (Hanley and Lippman-Hand 1983);
/// slots depend on each other, so that N counts as a fifth.
pub(in crate::analysis) const NONE_SEEN: f64 = 3.0 * 5.0;
/// What a target's capacity differs by from run to run, as a standard deviation of the logarithm.
const CAPACITY_TAU: f64 = 0.01;
/// The share of what was asked for from which on missing answers mean that capacity was reached. Less is
/// under way when arrivals end.
const SHORT: f64 = 0.02;

/// What the target served, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServedRate {
    /// Requests asked for.
    pub asked: f64,
    /// Good answers.
    pub good: f64,
}

impl ServedRate {
    /// The mean of several runs.
    pub fn mean(runs: impl ExactSizeIterator<Item = Self>) -> Self {
        let count = runs.len().max(1) as f64;
        let sum = runs.fold(Self::default(), |sum, one| Self {
            asked: sum.asked + one.asked,
            good: sum.good + one.good,
        });
        Self { asked: sum.asked / count, good: sum.good / count }
    }

    /// The noise of the logarithm besides that of the error rate: at capacity, the target decides.
    fn tau(self, failed: f64) -> f64 {
        let short = self.good < self.asked * (1.0 - failed) * (1.0 - SHORT);
        if short { CAPACITY_TAU } else { 0.0 }
    }
}

/// The answer of a search for the highest rate, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxRate {
    /// The best single figure.
    pub estimate: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end; nothing if no rate was seen to fail.
    pub high: Option<f64>,
    /// How sure it is that the interval holds the truth.
    pub confidence: f64,
}

/// The difference of the error rates, 0 to 1.
pub fn errors(a: &[&Timeline], b: &[&Timeline]) -> Option<FigureChange> {
    let (a, b) = (failed(a)?, failed(b)?);
    let parts = [(a.error.powi(2), a.df), (b.error.powi(2), b.df)];
    // Both shares lie between 0 and their bound, and so does their difference.
    let most = NONE_SEEN / a.count.min(b.count) as f64;
    let change = Change {
        estimate: b.share - a.share,
        error: a.error.hypot(b.error),
        df: student::welch_satterthwaite(&parts),
        second_p: None,
        known: Censoring::Exactly,
        unseen: (a.share.max(b.share) <= 0.0).then_some(most),
    };
    Some(FigureChange { a: a.share, b: b.share, change })
}

/// The ratio of good answers per second.
pub fn throughput(
    a: (&[&Timeline], ServedRate),
    b: (&[&Timeline], ServedRate),
) -> Option<FigureChange> {
    let errors = errors(a.0, b.0)?;
    let (a, b) = (a.1, b.1);
    if a.good <= 0.0 || b.good <= 0.0 || errors.a.max(errors.b) >= 1.0 {
        return None;
    }
    let capacity = a.tau(errors.a).hypot(b.tau(errors.b));
    let change = Change {
        estimate: (b.good / a.good).ln(),
        error: (errors.change.error / (1.0 - errors.a.max(errors.b))).hypot(capacity),
        unseen: None,
        ..errors.change
    };
    Some(FigureChange { a: a.good, b: b.good, change })
}

/// The ratio of the highest rates, each side the mean of its searches.
pub fn max_rate(a: &[MaxRate], b: &[MaxRate]) -> Option<FigureChange> {
    let (of_a, of_b) = (Highest::over(a)?, Highest::over(b)?);
    let change = Change {
        estimate: of_b.ln - of_a.ln,
        error: (of_a.variance + of_b.variance).sqrt(),
        df: f64::INFINITY,
        second_p: None,
        known: Censoring::from_bounds(of_a.at_least, of_b.at_least),
        unseen: None,
    };
    Some(FigureChange { a: of_a.ln.exp(), b: of_b.ln.exp(), change })
}

struct Highest {
    ln: f64,
    variance: f64,
    at_least: bool,
}

impl Highest {
    fn over(searches: &[MaxRate]) -> Option<Self> {
        if searches.is_empty() || searches.iter().any(|one| one.estimate <= 0.0) {
            return None;
        }
        let count = searches.len() as f64;
        let variance = |one: &MaxRate| {
            let width = (one.high.unwrap_or(one.estimate) / one.low.max(f64::MIN_POSITIVE)).ln();
            let reach = 2.0 * normal::quantile(f64::midpoint(1.0, one.confidence.min(0.999)));
            let own = if reach > 0.0 { width / reach } else { 0.0 };
            own.powi(2) + CAPACITY_TAU.powi(2)
        };
        Some(Self {
            ln: searches.iter().map(|one| one.estimate.ln()).sum::<f64>() / count,
            variance: searches.iter().map(variance).sum::<f64>() / count.powi(2),
            at_least: searches.iter().any(|one| one.high.is_none()),
        })
    }
}

/// The error rate over all runs of a side, never better known than if no error had been seen.
fn failed(runs: &[&Timeline]) -> Option<Share> {
    let slices: Vec<Vec<Slice>> = runs.iter().map(|run| run.failed()).collect();
    let share = Share::over_runs(&slices.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    let none_seen = NONE_SEEN / share.count as f64 / normal::quantile(0.975);
    Some(Share { error: share.error.max(none_seen), ..share })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analysis::compare::timeline::Moment;
    use crate::measure::fate::Fate;
    use crate::measure::slice::{Ended, RequestSlice};

    fn timeline(failed: u64) -> Timeline {
        let mut slice = RequestSlice::default();
        for slot in 0..200 {
            let fate = if slot < failed { Fate::BadStatus } else { Fate::Ok };
            slice.record(Ended::new(0, fate, Duration::from_millis(3)));
        }
        Timeline { moments: vec![Moment::from(&slice); 60] }
    }

    #[test]
    fn errors_are_a_difference_and_throughput_follows() {
        let (none, some) = (timeline(0), timeline(4));
        let found = errors(&[&none], &[&some]).unwrap();
        assert!((found.change.estimate - 0.02).abs() < 1e-12);
        let bound = 15.0 / 12_000.0 / 1.96;
        assert!((0.99..2.0).contains(&(found.change.error / (bound * 2.0_f64.sqrt()))));
        let served = |good| ServedRate { asked: 200.0, good };
        let rates = throughput((&[&none], served(200.0)), (&[&some], served(196.0))).unwrap();
        assert!(
            (rates.b - 196.0).abs() < 1e-9 && (rates.change.estimate - 0.98_f64.ln()).abs() < 1e-9
        );
        // All was answered well in the end, half of it in the drain.
        let late = throughput((&[&none], served(200.0)), (&[&none], served(100.0))).unwrap();
        assert!((late.change.estimate - 0.5_f64.ln()).abs() < 1e-9);
        assert!(late.change.error > CAPACITY_TAU && rates.change.error < CAPACITY_TAU);
        assert_eq!(errors(&[&Timeline::default()], &[&some]), None);
        assert_eq!(found.change.unseen, None);
        assert_eq!(errors(&[&none], &[&none]).unwrap().change.unseen, Some(15.0 / 12_000.0));
    }

    #[test]
    fn a_search_without_a_breach_is_a_lower_bound() {
        let at = |estimate: f64, high| MaxRate {
            estimate,
            low: estimate * 0.98,
            high,
            confidence: 0.95,
        };
        let exact = max_rate(&[at(1000.0, Some(1020.0))], &[at(1100.0, Some(1122.0))]).unwrap();
        assert!((exact.change.estimate - 1.1_f64.ln()).abs() < 1e-9);
        assert!((0.015..0.03).contains(&exact.change.error), "{exact:?}");
        let open = max_rate(&[at(1000.0, Some(1020.0))], &[at(1100.0, None)]).unwrap();
        assert_eq!(open.change.known, Censoring::AtLeast);
        assert_eq!(max_rate(&[at(1000.0, None)], &[at(0.0, None)]), None);
    }
}
