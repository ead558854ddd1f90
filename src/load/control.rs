//! [`ControlCommand`], how a load under way is steered by hand, and [`AppliedCommands`], what such commands have
//! come to so far.

use crate::load::rate::Rate;
use crate::load::steering::{Change, Pace};

/// Faster and slower cancel each other out.
const FACTOR: f64 = 1.1;
/// Each command costs a ledger, so there is an end to them.
const COMMANDS_MAX: usize = 100;

/// A command to a load under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// The rate up by a tenth.
    Faster,
    /// The rate down to where [`Self::Faster`] would lead back from.
    Slower,
    /// No more arrivals, or again.
    PauseOrResume,
    /// A mark with this text.
    Mark(String),
}

/// Commands that were carried out.
#[derive(Clone, Debug)]
pub struct AppliedCommands {
    /// `None` where the pace has a course of its own.
    rate: Option<Rate>,
    paused: bool,
    labels: Vec<String>,
}

impl AppliedCommands {
    /// None so far, on a run at `rate`, or on one whose pace is not to be changed.
    pub const fn new(rate: Option<Rate>) -> Self {
        Self { rate, paused: false, labels: Vec::new() }
    }

    /// The change that `command` comes to; nothing if it cannot be carried out.
    pub fn apply(&mut self, command: ControlCommand) -> Option<Change> {
        if self.labels.len() == COMMANDS_MAX {
            return None;
        }
        let (change, label) = match (command, self.rate) {
            (ControlCommand::Mark(text), _) => (Change::Mark, text),
            (_, None) => return None,
            (ControlCommand::PauseOrResume, Some(rate)) => {
                self.paused = !self.paused;
                if self.paused {
                    (Change::Pace(Pace::Paused), "paused".to_owned())
                } else {
                    (Change::Pace(Pace::Steady(rate)), format!("resumed at {rate}"))
                }
            }
            // A rate is changed where it can be seen.
            (ControlCommand::Faster | ControlCommand::Slower, _) if self.paused => return None,
            (command, Some(rate)) => {
                let factor = if command == ControlCommand::Faster { FACTOR } else { 1.0 / FACTOR };
                let rate = Rate::from_per_second(rate.as_per_second() * factor).ok()?;
                self.rate = Some(rate);
                (Change::Pace(Pace::Steady(rate)), format!("rate {rate}"))
            }
        };
        self.labels.push(label);
        Some(change)
    }

    /// One for each change, in command.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_changes_with_a_label() {
        let mut applied = AppliedCommands::new(Some(Rate::per_second(200).unwrap()));
        let steady = |rate| Some(Change::Pace(Pace::Steady(Rate::from_per_second(rate).unwrap())));
        let table = [
            (ControlCommand::Faster, steady(220.0), "rate 220/s"),
            (ControlCommand::Slower, steady(200.0), "rate 200/s"),
            (ControlCommand::Mark("deployed v2".to_owned()), Some(Change::Mark), "deployed v2"),
            (ControlCommand::PauseOrResume, Some(Change::Pace(Pace::Paused)), "paused"),
            (ControlCommand::Faster, None, "paused"),
            (ControlCommand::PauseOrResume, steady(200.0), "resumed at 200/s"),
        ];
        for (command, change, label) in table {
            assert_eq!(applied.apply(command.clone()), change, "{command:?}");
            assert_eq!(applied.labels().last().map(String::as_str), Some(label));
        }
        for _ in 0..2 * COMMANDS_MAX {
            applied.apply(ControlCommand::Mark("x".to_owned()));
        }
        assert_eq!(applied.labels().len(), COMMANDS_MAX);
    }

    #[test]
    fn where_the_pace_is_given_only_marks_are_applied() {
        let mut applied = AppliedCommands::new(None);
        for command in
            [ControlCommand::Faster, ControlCommand::Slower, ControlCommand::PauseOrResume]
        {
            assert_eq!(applied.apply(command), None);
        }
        assert_eq!(applied.apply(ControlCommand::Mark("x".to_owned())), Some(Change::Mark));
    }
}
