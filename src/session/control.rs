//! [`RunControl`]: how a session under way is steered and ended, from any thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::load::control::ControlCommand;

/// A stop comes from another thread; whoever waits for one checks this often.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// Commands that may wait to be carried out; one is, every 100 ms.
const COMMANDS_MAX: usize = 16;

/// A handle to a session; clones control the same one.
#[derive(Clone, Debug, Default)]
pub struct RunControl(Arc<Mutex<Requests>>);

/// How urgently a session is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// No more arrivals; what is in flight may still be answered.
    Drain,
    /// Nothing is waited for, but everything is written.
    Now,
    /// The program ends as it is.
    Quit,
}

#[derive(Debug, Default)]
struct Requests {
    urgency: Option<Urgency>,
    commands: VecDeque<ControlCommand>,
}

impl RunControl {
    /// Ends arrivals; nothing if the end was requested before.
    pub fn stop(&self) {
        self.requests().urgency.get_or_insert(Urgency::Drain);
    }

    /// Requests the end with one more degree of urgency than before, and returns it.
    pub fn escalate(&self) -> Urgency {
        let mut requests = self.requests();
        let urgency = match requests.urgency {
            None => Urgency::Drain,
            Some(Urgency::Drain) => Urgency::Now,
            Some(Urgency::Now | Urgency::Quit) => Urgency::Quit,
        };
        requests.urgency = Some(urgency);
        urgency
    }

    /// How urgently the end was requested, if it was.
    pub fn urgency(&self) -> Option<Urgency> {
        self.requests().urgency
    }

    /// Whether the end was requested.
    pub fn is_stopping(&self) -> bool {
        self.urgency().is_some()
    }

    /// Completes once the end was requested.
    pub async fn stopped(&self) {
        while !self.is_stopping() {
            tokio::time::sleep(POLL_EVERY).await;
        }
    }

    /// Queues a command for the load under way; `false` if too many wait already, and then it is dropped.
    pub fn send(&self, command: ControlCommand) -> bool {
        let mut requests = self.requests();
        let has_room = requests.commands.len() < COMMANDS_MAX;
        if has_room {
            requests.commands.push_back(command);
        }
        has_room
    }

    pub(super) fn next_command(&self) -> Option<ControlCommand> {
        self.requests().commands.pop_front()
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_to_end_is_more_urgent_than_the_one_before() {
        let control = RunControl::default();
        assert_eq!(control.urgency(), None);
        control.stop();
        control.stop();
        assert_eq!(control.urgency(), Some(Urgency::Drain), "stopping twice is no hurry");
        let escalated = [control.escalate(), control.escalate(), control.clone().escalate()];
        assert_eq!(escalated, [Urgency::Now, Urgency::Quit, Urgency::Quit]);
    }

    #[test]
    fn commands_wait_in_order_and_in_bounded_number() {
        let control = RunControl::default();
        let mark = |number: usize| ControlCommand::Mark(number.to_string());
        let queued = (0..COMMANDS_MAX + 3).filter(|number| control.send(mark(*number))).count();
        assert_eq!(queued, COMMANDS_MAX);
        assert_eq!(control.next_command(), Some(mark(0)));
        assert!(control.send(mark(99)), "there is room again");
    }
}
