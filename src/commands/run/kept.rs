//! [`Kept`]: of all trials of a search, those that its report may rest on.

use crate::analysis::trial::Verdict;

/// Trials that held are kept up to this many, the highest rates first.
const HELD_MAX: usize = 8;

/// Trials that held and that no later one contradicted, by rate, and the latest of the others.
#[derive(Debug)]
pub(super) struct Kept<T> {
    held: Vec<(f64, T)>,
    latest: Option<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { held: Vec::new(), latest: None }
    }
}

impl<T> Kept<T> {
    /// Takes the next trial. One that fails speaks against all that held its rate or more.
    pub(super) fn add(&mut self, verdict: Verdict, rate: f64, trial: T) {
        if verdict == Verdict::Pass {
            let place = self.held.partition_point(|(held, _)| *held <= rate);
            self.held.insert(place, (rate, trial));
            if self.held.len() > HELD_MAX {
                self.held.remove(0);
            }
            return;
        }
        if verdict == Verdict::Fail {
            self.held.retain(|(held, _)| *held < rate);
        }
        self.latest = Some(trial);
    }

    /// The trial of the highest rate up to `estimate` that held; where there is none, the latest.
    pub(super) fn best(mut self, estimate: f64) -> Option<T> {
        while self.held.len() > 1 && self.held.last().is_some_and(|(rate, _)| *rate > estimate) {
            self.held.pop();
        }
        self.held.pop().map(|(_, trial)| trial).or(self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(script: &[(f64, Verdict)], estimate: f64) -> Option<usize> {
        let mut kept = Kept::default();
        for (number, (rate, verdict)) in script.iter().enumerate() {
            kept.add(*verdict, *rate, number);
        }
        kept.best(estimate)
    }

    #[test]
    fn a_report_never_rests_on_a_rate_that_failed_later() {
        use Verdict::{Fail, Invalid, Pass, Undecided};
        type Row<'a> = (&'a [(f64, Verdict)], f64, Option<usize>);
        let table: [Row<'_>; 6] = [
            (
                &[(160.0, Pass), (320.0, Fail), (226.0, Pass), (231.0, Pass), (221.0, Fail)],
                160.0,
                Some(0),
            ),
            (&[(160.0, Pass), (226.0, Pass), (320.0, Fail)], 226.0, Some(1)),
            (&[(226.0, Pass), (226.0, Pass), (240.0, Undecided)], 226.0, Some(1)),
            (&[(226.0, Pass), (240.0, Pass), (240.0, Invalid)], 226.0, Some(0)),
            (&[(20.0, Pass), (20.0, Fail)], 0.0, Some(1)),
            (&[], 0.0, None),
        ];
        for (script, estimate, expected) in table {
            assert_eq!(best(script, estimate), expected, "{script:?}");
        }
    }

    #[test]
    fn few_trials_are_kept() {
        let mut kept = Kept::default();
        for rate in 0..50_u32 {
            kept.add(Verdict::Pass, f64::from(rate), rate);
        }
        assert_eq!(kept.held.len(), HELD_MAX);
        assert_eq!(kept.best(46.5), Some(46));
    }
}
