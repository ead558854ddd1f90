//! The change of a quantile between two sides of one or several runs each.
//!
//! Two questions that must agree: whether the shares above the pooled quantile differ (their errors from
//! batches of slices), and whether the interval of the ratio, by Woodruff in each run, leaves out 1. The
//! interval also holds what runs of one build differ by among themselves, which no single run can show.

use crate::analysis::compare::decision::{Censoring, Change};
use crate::analysis::compare::noise::Noise;
use crate::analysis::compare::timeline::{At, Distribution, Timeline};
use crate::analysis::stats::batches::{Share, Slice};
use crate::analysis::stats::{student, woodruff};

/// Histograms tell times apart by a thousandth, so that no logarithm is better known than this.
const RESOLUTION: f64 = 0.000_5;
/// Woodruff's interval is taken at this two-sided level and made a standard error again.
const LEVEL: f64 = 0.05;

/// A run's quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantileEstimate {
    /// Natural logarithm of its ns.
    pub ln: f64,
    /// Standard error of that, from within the run.
    pub error: f64,
    /// Degrees of freedom of the error.
    pub df: f64,
    /// By how much dependence within the run widens the variance, 1 or more.
    pub inflation: f64,
    /// Whether the truth is only known to be this or more.
    pub at_least: bool,
}

impl QuantileEstimate {
    /// The quantile `q` of `timeline`; nothing if no response time was recorded.
    pub fn new(timeline: &Timeline, q: f64) -> Option<Self> {
        let all = Distribution::of([timeline]);
        let found = all.quantile(q);
        let share = Share::over(&timeline.above(found.ns))?;
        let t = student::quantile(1.0 - LEVEL / 2.0, share.df);
        let ends = woodruff::interval(|q| ln(all.quantile(q)), q, t * share.error);
        let error = ((ends.high - ends.low) / (2.0 * t)).max(RESOLUTION);
        Some(Self {
            ln: ends.estimate,
            error,
            df: share.df,
            inflation: share.inflation(),
            at_least: found.at_least,
        })
    }
}

/// The mean over the runs of a side.
struct Mean {
    ln: f64,
    variance: f64,
    df: f64,
    at_least: bool,
}

impl Mean {
    fn over(runs: &[QuantileEstimate]) -> Self {
        let count = runs.len() as f64;
        let parts: Vec<(f64, f64)> =
            runs.iter().map(|run| ((run.error / count).powi(2), run.df)).collect();
        Self {
            ln: runs.iter().map(|run| run.ln).sum::<f64>() / count,
            variance: parts.iter().map(|(variance, _)| variance).sum(),
            df: student::welch_satterthwaite(&parts),
            at_least: runs.iter().any(|run| run.at_least),
        }
    }
}

/// A change and the figures it is between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureChange {
    /// A's figure: ns, a share, or per second.
    pub a: f64,
    /// B's.
    pub b: f64,
    /// From A to B.
    pub change: Change,
}

/// The change of the quantile `q` from the runs `a` to the runs `b`. Nothing if a run has no times.
pub fn change(a: &[&Timeline], b: &[&Timeline], q: f64, noise: &Noise) -> Option<FigureChange> {
    let locate = |runs: &[&Timeline]| -> Option<Vec<QuantileEstimate>> {
        runs.iter().map(|timeline| QuantileEstimate::new(timeline, q)).collect()
    };
    let (of_a, of_b) = (Mean::over(&locate(a)?), Mean::over(&locate(b)?));
    let within = of_a.variance + of_b.variance;
    let between = noise.tau.powi(2) * (1.0 / a.len() as f64 + 1.0 / b.len() as f64);
    let parts = [(of_a.variance, of_a.df), (of_b.variance, of_b.df), (between, noise.df)];
    let estimate = of_b.ln - of_a.ln;
    let change = Change {
        estimate,
        error: (within + between).sqrt(),
        df: student::welch_satterthwaite(&parts),
        second_p: Some(exceedance_p(a, b, q, estimate)?),
        known: Censoring::from_bounds(of_a.at_least, of_b.at_least),
        unseen: None,
    };
    Some(FigureChange { a: of_a.ln.exp(), b: of_b.ln.exp(), change })
}

/// The p-value of "as many lie above the pooled quantile on both sides". 1 where the shares differ against
/// the `estimate`.
///
/// Noise between runs is left to the interval: it is known of times, and a share says nothing of how far
/// beyond the quantile a time lies. Where many times are equal, those at the quantile itself decide, so they
/// count once with those above and once with those below.
fn exceedance_p(a: &[&Timeline], b: &[&Timeline], q: f64, estimate: f64) -> Option<f64> {
    let pooled = Distribution::of(a.iter().chain(b).copied()).quantile(q).ns;
    let p_above = |ns: u64| {
        let (a, b) = (above(a, ns)?, above(b, ns)?);
        let difference = b.share - a.share;
        if difference * estimate <= 0.0 {
            return Some(1.0);
        }
        let (of_a, of_b) = (a.error.powi(2), b.error.powi(2));
        let df = student::welch_satterthwaite(&[(of_a, a.df), (of_b, b.df)]);
        Some(student::two_sided(difference / (of_a + of_b).sqrt(), df))
    };
    Some(p_above(pooled)?.min(p_above(pooled.saturating_sub(1))?))
}

/// The share above `ns` over the runs of a side.
fn above(runs: &[&Timeline], ns: u64) -> Option<Share> {
    let slices: Vec<Vec<Slice>> = runs.iter().map(|run| run.above(ns)).collect();
    Share::over_runs(&slices.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn ln(at: At) -> f64 {
    (at.ns.max(1) as f64).ln()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analysis::compare::timeline::tests::moment;

    fn constant(ms: u64) -> Timeline {
        Timeline { moments: vec![moment(vec![Duration::from_millis(ms); 100]); 60] }
    }

    #[test]
    fn times_that_are_all_equal_can_be_told_apart() {
        let (a, b) = (constant(10), constant(15));
        let noise = Noise::assumed(0.95, &[]);
        let found = change(&[&a], &[&b], 0.95, &noise).unwrap();
        assert!((found.change.estimate - 1.5_f64.ln()).abs() < 0.002);
        assert!(found.change.second_p.unwrap() < 1e-6, "{found:?}");
        let same = change(&[&a], &[&a], 0.95, &noise).unwrap();
        assert!(same.change.estimate.abs() < 1e-12 && same.change.second_p == Some(1.0));
    }

    #[test]
    fn more_runs_of_a_side_make_it_better_known() {
        let (a, b) = (constant(10), constant(11));
        let noise =
            Noise { tau: 0.04, df: 9.0, source: crate::analysis::compare::noise::Source::Assumed };
        let error =
            |a: &[&Timeline], b: &[&Timeline]| change(a, b, 0.5, &noise).unwrap().change.error;
        let (one, four) = (error(&[&a], &[&b]), error(&[&a; 4], &[&b; 4]));
        assert!((one - 0.04 * 2.0_f64.sqrt()).abs() < 0.001 && (four - one / 2.0).abs() < 0.001);
        assert_eq!(change(&[&Timeline::default()], &[&b], 0.5, &noise), None);
    }
}
