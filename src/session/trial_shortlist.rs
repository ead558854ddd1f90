//! [`TrialShortlist`]: of all trials of a search, those that its report may rest on.

/// Trials that held are kept up to this many, the highest rates first.
const HELD_MAX: usize = 8;

/// What a trial's report is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialRank {
    /// The answer may rest on it.
    Confirmed,
    /// It held, for as long as it took.
    Held,
    /// It speaks against all that held its rate or more.
    Failed,
    /// It says nothing.
    Neither,
}

/// The highest confirmed trial, those that held and that no later one contradicted, by rate, and the latest
/// of the others.
#[derive(Debug)]
pub(super) struct TrialShortlist<T> {
    confirmed: Option<(f64, T)>,
    held: Vec<(f64, T)>,
    latest: Option<T>,
}

impl<T> Default for TrialShortlist<T> {
    fn default() -> Self {
        Self { confirmed: None, held: Vec::new(), latest: None }
    }
}

impl<T> TrialShortlist<T> {
    /// Takes the next trial.
    pub(super) fn add(&mut self, rank: TrialRank, rate: f64, trial: T) {
        match rank {
            TrialRank::Confirmed => {
                if self.confirmed.as_ref().is_none_or(|(highest, _)| rate > *highest) {
                    self.confirmed = Some((rate, trial));
                }
            }
            TrialRank::Held => {
                let place = self.held.partition_point(|(held, _)| *held <= rate);
                self.held.insert(place, (rate, trial));
                if self.held.len() > HELD_MAX {
                    self.held.remove(0);
                }
            }
            TrialRank::Failed => {
                self.held.retain(|(held, _)| *held < rate);
                self.latest = Some(trial);
            }
            TrialRank::Neither => self.latest = Some(trial),
        }
    }

    /// The latest trial that did not hold.
    pub(super) fn latest(&self) -> Option<&T> {
        self.latest.as_ref()
    }

    /// The confirmed trial; without one, that of the highest rate up to `estimate` that held; where there is
    /// none either, the latest.
    pub(super) fn best(&self, estimate: f64) -> Option<&T> {
        let within = || self.held.iter().rfind(|(rate, _)| *rate <= estimate);
        let held = || within().or(self.held.first());
        let rated = self.confirmed.as_ref().or_else(held);
        rated.map(|(_, trial)| trial).or(self.latest.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(script: &[(f64, TrialRank)], estimate: f64) -> Option<usize> {
        let mut kept = TrialShortlist::default();
        for (number, (rate, rank)) in script.iter().enumerate() {
            kept.add(*rank, *rate, number);
        }
        kept.best(estimate).copied()
    }

    #[test]
    fn a_report_never_rests_on_a_rate_that_failed_later() {
        use TrialRank::{Confirmed, Failed, Held, Neither};
        type Row<'a> = (&'a [(f64, TrialRank)], f64, Option<usize>);
        let table: [Row<'_>; 7] = [
            (
                &[(160.0, Held), (320.0, Failed), (226.0, Held), (231.0, Held), (221.0, Failed)],
                160.0,
                Some(0),
            ),
            (&[(160.0, Held), (226.0, Held), (320.0, Failed)], 226.0, Some(1)),
            (&[(226.0, Held), (226.0, Held), (240.0, Neither)], 226.0, Some(1)),
            (&[(226.0, Held), (240.0, Held), (240.0, Neither)], 226.0, Some(0)),
            (&[(226.0, Confirmed), (240.0, Held), (220.0, Failed)], 226.0, Some(0)),
            (&[(20.0, Held), (20.0, Failed)], 0.0, Some(1)),
            (&[], 0.0, None),
        ];
        for (script, estimate, expected) in table {
            assert_eq!(best(script, estimate), expected, "{script:?}");
        }
    }

    #[test]
    fn few_trials_are_kept() {
        let mut kept = TrialShortlist::default();
        for rate in 0..50_u32 {
            kept.add(TrialRank::Held, f64::from(rate), rate);
        }
        assert_eq!(kept.held.len(), HELD_MAX);
        assert_eq!(kept.best(46.5), Some(&46));
    }
}
