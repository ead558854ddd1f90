//! SIGINT and SIGTERM: the first ends arrivals, a later one the wait for answers, and everything measured is
//! written; a third quits at once.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::commands::run;
use crate::exit::Exit;
use crate::time::whole_nanos;
use crate::transport::clock::monotonic_ns;

/// Signals come to a thread of their own; whoever waits for one looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A signal that comes sooner after another is the same once more: GNU `timeout` and many supervisors send
/// theirs to a process and then to its group, a millisecond apart.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Whether, how urgently, and by which signal the run was asked to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Mutex<Requests>>);

/// How urgently the end is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// No more arrivals; what is under way may be answered.
    Drain,
    /// Nothing is waited for, but everything is written.
    Now,
    /// The program ends as it is.
    Quit,
}

/// The requests to end so far.
#[derive(Debug, Default)]
struct Requests {
    /// What the first one asks for.
    exit: Option<Exit>,
    urgency: Option<Urgency>,
    /// When the latest that counted came, in monotonic nanoseconds.
    latest_ns: u64,
}

impl Requests {
    /// Takes in one more, and tells how urgent all of them are.
    fn add(&mut self, exit: Exit, now_ns: u64) -> Urgency {
        let same = now_ns.saturating_sub(self.latest_ns) < whole_nanos(SAME_SIGNAL);
        let urgency = match self.urgency {
            Some(urgency) if same => return urgency,
            None => Urgency::Drain,
            Some(Urgency::Drain) => Urgency::Now,
            Some(Urgency::Now | Urgency::Quit) => Urgency::Quit,
        };
        self.exit = self.exit.or(Some(exit));
        self.latest_ns = now_ns;
        self.urgency = Some(urgency);
        urgency
    }
}

impl Interrupt {
    /// Begins to listen, on a thread of its own.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        let seen = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // Both handlers stand before anything is begun that a signal should end.
        let (interrupted, terminated, fatal) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, fatal()?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = seen.watch(interrupted, terminated) => {}
                    signal = first(fatal) => quit(128 + signal),
                }
            });
        })?;
        Ok(interrupt)
    }

    async fn watch(&self, mut interrupted: Signal, mut terminated: Signal) {
        loop {
            let exit = tokio::select! {
                _ = interrupted.recv() => Exit::Interrupted,
                _ = terminated.recv() => Exit::Terminated,
            };
            let urgency = self.requests().add(exit, monotonic_ns());
            if urgency == Urgency::Quit {
                quit(i32::from(exit as u8));
            }
        }
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes once a signal has come, with the exit code it asks for.
    pub async fn wait(&self) -> Exit {
        loop {
            match self.requested() {
                Some(exit) => return exit,
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Asks for the end as a first SIGINT would; nothing if it was asked for before.
    pub fn request(&self) {
        let mut requests = self.requests();
        if requests.urgency.is_none() {
            requests.add(Exit::Interrupted, monotonic_ns());
        }
    }

    /// The exit code the first signal asks for.
    pub fn requested(&self) -> Option<Exit> {
        self.requests().exit
    }

    /// How urgently the end is asked for, if it is.
    pub fn urgency(&self) -> Option<Urgency> {
        self.requests().urgency
    }
}

/// Signals that end a program at once, to be caught where a terminal has to be given back first.
fn fatal() -> io::Result<Option<[Signal; 2]>> {
    if !io::stderr().is_terminal() {
        return Ok(None);
    }
    Ok(Some([signal(SignalKind::hangup())?, signal(SignalKind::quit())?]))
}

/// The number of the first of them that comes.
async fn first(fatal: Option<[Signal; 2]>) -> i32 {
    let Some([mut hangup, mut quit]) = fatal else { return std::future::pending().await };
    tokio::select! {
        _ = hangup.recv() => SignalKind::hangup().as_raw_value(),
        _ = quit.recv() => SignalKind::quit().as_raw_value(),
    }
}

/// Ends the program at once, with the terminal as it was.
fn quit(code: i32) {
    run::give_terminal_back();
    #[expect(clippy::disallowed_methods, reason = "such signals quit at once, by contract")]
    std::process::exit(code);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_within_a_second_of_another_is_the_same_one() {
        use Urgency::{Drain, Now, Quit};
        let mut requests = Requests::default();
        let table =
            [(10_000, Drain), (10_001, Drain), (10_999, Drain), (11_000, Now), (11_001, Now)];
        for (at_ms, urgency) in table.into_iter().chain([(11_999, Now), (12_000, Quit)]) {
            assert_eq!(requests.add(Exit::Terminated, at_ms * 1_000_000), urgency, "{at_ms}");
        }
        assert_eq!(requests.exit, Some(Exit::Terminated));
    }

    #[test]
    fn the_first_signal_decides_the_exit_code() {
        let mut requests = Requests::default();
        requests.add(Exit::Interrupted, 0);
        requests.add(Exit::Terminated, 2_000_000_000);
        assert_eq!(requests.exit, Some(Exit::Interrupted));
    }
}
