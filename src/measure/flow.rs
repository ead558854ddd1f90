//! [`FlowTally`]: how far the flows of one name came.

use std::collections::BTreeMap;

/// Flows that were started, by how they ended. What is neither completed nor ended early was under way when
/// the run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowTally {
    /// Their first step came due.
    pub started: u64,
    /// Their last step has ended.
    pub completed: u64,
    /// A step failed and they ended there, by its place in the flow.
    pub ended_early: BTreeMap<usize, u64>,
}

/// What became of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// Its first step came due.
    Started,
    /// Its last step has ended.
    Completed,
    /// The step at this place failed, and the flow ended there.
    EndedEarly(usize),
}

impl FlowTally {
    /// Enters what became of one flow.
    pub fn record(&mut self, milestone: Milestone) {
        match milestone {
            Milestone::Started => self.started += 1,
            Milestone::Completed => self.completed += 1,
            Milestone::EndedEarly(step) => *self.ended_early.entry(step).or_default() += 1,
        }
    }

    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        for (step, count) in &other.ended_early {
            *self.ended_early.entry(*step).or_default() += count;
        }
    }

    /// Flows that were under way when the run ended.
    pub fn unfinished(&self) -> u64 {
        let ended = self.completed + self.ended_early.values().sum::<u64>();
        self.started.saturating_sub(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ended_is_unfinished() {
        let mut flows = FlowTally::default();
        let ends = [Milestone::Completed, Milestone::EndedEarly(1), Milestone::EndedEarly(1)];
        for milestone in [Milestone::Started; 5].into_iter().chain(ends) {
            flows.record(milestone);
        }
        let mut both = flows.clone();
        both.merge(&flows);
        assert_eq!((both.started, both.completed, both.unfinished()), (10, 2, 4));
        assert_eq!(both.ended_early, [(1, 4)].into());
    }
}
