//! SIGINT and SIGTERM: the first ends arrivals, a later one the wait for answers, and everything measured is
//! written; a third quits at once.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::session::control::{RunControl, Urgency};
use crate::time::whole_nanos;
use crate::transport::clock::monotonic_ns;

/// A signal that comes sooner after another is the same once more: GNU `timeout` and many supervisors send
/// theirs to a process and then to its group, a millisecond apart.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Which signals came, and the session that they end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    signals: Arc<Mutex<Signals>>,
    control: RunControl,
}

/// The signals so far.
#[derive(Debug, Default)]
struct Signals {
    /// What the first one asks for.
    exit: Option<Exit>,
    /// When the latest that counted came, in monotonic nanoseconds.
    latest_ns: u64,
}

impl Signals {
    /// Takes in one more; whether it counts.
    fn add(&mut self, exit: Exit, now_ns: u64) -> bool {
        let age_ns = now_ns.saturating_sub(self.latest_ns);
        if self.exit.is_some() && age_ns < whole_nanos(SAME_SIGNAL) {
            return false;
        }
        self.exit.get_or_insert(exit);
        self.latest_ns = now_ns;
        true
    }
}

impl Interrupt {
    /// Begins to listen, on a thread of its own.
    /// `before_quit` is called should a signal end the process at once.
    pub fn listen(before_quit: fn()) -> io::Result<Self> {
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
                    () = seen.watch(interrupted, terminated, before_quit) => {}
                    signal = first(fatal) => quit(128 + signal, before_quit),
                }
            });
        })?;
        Ok(interrupt)
    }

    async fn watch(&self, mut interrupted: Signal, mut terminated: Signal, before_quit: fn()) {
        loop {
            let exit = tokio::select! {
                _ = interrupted.recv() => Exit::Interrupted,
                _ = terminated.recv() => Exit::Terminated,
            };
            let counts = self.signals().add(exit, monotonic_ns());
            if counts && self.control.escalate() == Urgency::Quit {
                quit(i32::from(exit as u8), before_quit);
            }
        }
    }

    fn signals(&self) -> MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What ends and steers the session.
    pub fn control(&self) -> &RunControl {
        &self.control
    }

    /// Completes once the end was requested, with the exit code for it.
    pub async fn wait(&self) -> Exit {
        self.control.stopped().await;
        self.requested().unwrap_or(Exit::Interrupted)
    }

    /// The exit code that the first signal asks for, or the stop key.
    pub fn requested(&self) -> Option<Exit> {
        let by_hand = || self.control.is_stopping().then_some(Exit::Interrupted);
        self.signals().exit.or_else(by_hand)
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

/// Ends the program at once.
fn quit(code: i32, before: fn()) {
    before();
    #[expect(clippy::disallowed_methods, reason = "such signals quit at once, by contract")]
    std::process::exit(code);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_within_a_second_of_another_is_the_same_one() {
        let mut signals = Signals::default();
        let table = [
            (10_000, true),
            (10_001, false),
            (10_999, false),
            (11_000, true),
            (11_001, false),
            (11_999, false),
            (12_000, true),
        ];
        for (at_ms, counts) in table {
            assert_eq!(signals.add(Exit::Terminated, at_ms * 1_000_000), counts, "{at_ms}");
        }
        assert_eq!(signals.exit, Some(Exit::Terminated));
    }

    #[test]
    fn the_first_signal_decides_the_exit_code() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.requested(), None);
        interrupt.control.stop();
        assert_eq!(interrupt.requested(), Some(Exit::Interrupted), "by a key");
        interrupt.signals().add(Exit::Terminated, 0);
        interrupt.signals().add(Exit::Interrupted, 2_000_000_000);
        assert_eq!(interrupt.requested(), Some(Exit::Terminated));
    }
}
