//! [`Noise`]: by how much a quantile differs between runs of one build, which no single run can show.

use crate::analysis::compare::quantile::QuantileEstimate;

/// Differences between runs from which on the noise is estimated: five runs of one build, or two groups
/// of three.
const DIFFERENCES_MIN: usize = 4;

/// What a server's capacity is assumed to differ by from run to run.
const CAPACITY_JITTER: f64 = 0.02;

/// The spread between runs of one build, as a standard deviation of the logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// The spread beyond what happens within runs.
    pub tau: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a noise comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Stored runs, this many.
    History(usize),
    /// Too few of them, so it is assumed.
    Assumed,
    /// The differences themselves: each is between two blocks of load side by side.
    Pairs,
}

impl Noise {
    /// What is assumed of the quantile `q` of `runs` without a history: 5 %, and 8 % from p99 on.
    ///
    /// More on a busy server. Close to capacity, a slightly smaller capacity makes times much longer, by
    /// 1/(1 − utilisation), and neighbours depend on each other for about the square of that many requests;
    /// so the root of the variance's inflation tells how far the jitter of the capacity is amplified.
    pub fn assumed(q: f64, runs: &[QuantileEstimate]) -> Self {
        let base = if q < 0.98 { 0.05 } else { 0.08 };
        let inflations = runs.iter().map(|run| run.inflation).sum::<f64>();
        let inflation = inflations / runs.len().max(1) as f64;
        let tau = (CAPACITY_JITTER * inflation.sqrt()).max(base);
        Self { tau, df: f64::INFINITY, source: Source::Assumed }
    }

    /// From groups of runs, each group of one build; nothing if they are too few.
    ///
    /// The spread between runs holds what happens within them too, which is counted elsewhere and taken
    /// off (the moment estimator of `DerSimonian` and Laird 1986), but never more than half of it.
    pub fn from_history(groups: &[Vec<QuantileEstimate>]) -> Option<Self> {
        let (mut squares, mut within, mut differences, mut runs) = (0.0, 0.0, 0, 0);
        for group in groups.iter().filter(|group| group.len() > 1) {
            let mean = group.iter().map(|run| run.ln).sum::<f64>() / group.len() as f64;
            squares += group.iter().map(|run| (run.ln - mean).powi(2)).sum::<f64>();
            within += group.iter().map(|run| run.error.powi(2)).sum::<f64>();
            differences += group.len() - 1;
            runs += group.len();
        }
        if differences < DIFFERENCES_MIN {
            return None;
        }
        let spread = squares / differences as f64;
        let own = (spread - within / runs as f64).max(spread / 2.0);
        Some(Self { tau: own.sqrt(), df: differences as f64, source: Source::History(runs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ln: f64, error: f64) -> QuantileEstimate {
        QuantileEstimate { ln, error, df: 20.0, inflation: 1.0, at_least: false }
    }

    #[test]
    fn the_spread_within_runs_is_taken_off_once() {
        let lns = [1.00, 1.02, 0.98, 1.02, 0.98];
        let group = |error| lns.iter().map(|&ln| run(ln, error)).collect::<Vec<_>>();
        let clean = Noise::from_history(&[group(0.0)]).unwrap();
        assert!((clean.tau - 0.02).abs() < 1e-9 && clean.source == Source::History(5));
        let noisy = Noise::from_history(&[group(0.01)]).unwrap();
        assert!((noisy.tau.powi(2) - (0.000_4 - 0.000_1)).abs() < 1e-9, "{noisy:?}");
        let drowned = Noise::from_history(&[group(0.1)]).unwrap();
        assert!((drowned.tau.powi(2) - 0.000_2).abs() < 1e-9, "{drowned:?}");
    }

    #[test]
    fn builds_may_differ_and_few_runs_say_nothing() {
        let group = |at: f64| vec![run(at, 0.0), run(at + 0.02, 0.0), run(at + 0.04, 0.0)];
        let noise = Noise::from_history(&[group(1.0), group(5.0)]).unwrap();
        assert!((noise.tau - 0.02).abs() < 1e-9 && noise.df.to_bits() == 4.0_f64.to_bits());
        assert_eq!(Noise::from_history(&[group(1.0), vec![run(0.0, 0.0)]]), None);
    }

    #[test]
    fn more_is_assumed_of_a_busy_server() {
        let assumed = |q, inflation| {
            Noise::assumed(q, &[QuantileEstimate { inflation, ..run(0.0, 0.01) }]).tau
        };
        for (q, inflation, tau) in [(0.95, 1.0, 0.05), (0.99, 1.0, 0.08), (0.95, 36.0, 0.12)] {
            assert!((assumed(q, inflation) - tau).abs() < 1e-12, "{q} {inflation}");
        }
    }
}
