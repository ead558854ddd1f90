//! SIGINT and SIGTERM: the first ends arrivals, a second the wait for what is under way, and both write all
//! that was measured; a third quits at once.
//!
//! Some programs send a signal to a process and to its group, so that it comes twice within a moment: what
//! comes within a second of a signal is the same one.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use crate::commands::run;
use crate::exit::Exit;

/// Signals come to a thread of their own; whoever waits for one looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A signal that comes sooner after another is the same one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Whether, and by which signal, the run was asked to end, and how urgently.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    code: Arc<AtomicU8>,
    count: Arc<AtomicU8>,
}

/// What signals have asked for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing.
    None,
    /// No more arrivals.
    EndArrivals,
    /// No more waiting for what is under way either.
    EndDrain,
}

/// Which of the signals that come count.
#[derive(Debug, Default)]
struct Count {
    /// When the latest one that counted came, since any fixed instant.
    latest: Option<Duration>,
    counted: u8,
}

impl Count {
    /// How many have counted, once one has come at `at`.
    fn observe(&mut self, at: Duration) -> u8 {
        if self.latest.is_none_or(|latest| at.saturating_sub(latest) >= SAME_SIGNAL) {
            self.latest = Some(at);
            self.counted = self.counted.saturating_add(1);
        }
        self.counted
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
        let began = Instant::now();
        let mut count = Count::default();
        loop {
            let exit = tokio::select! {
                _ = interrupted.recv() => Exit::Interrupted,
                _ = terminated.recv() => Exit::Terminated,
            };
            let counted = count.observe(began.elapsed());
            if counted > 2 {
                quit(i32::from(exit as u8));
            }
            if counted > self.count.swap(counted, Ordering::Relaxed) {
                self.code.store(exit as u8, Ordering::Relaxed);
            }
        }
    }

    /// What signals and keys have asked for so far.
    pub fn stage(&self) -> Stage {
        match (self.requested(), self.count.load(Ordering::Relaxed)) {
            (None, _) => Stage::None,
            (Some(_), 0 | 1) => Stage::EndArrivals,
            (Some(_), _) => Stage::EndDrain,
        }
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
        let code = Exit::Interrupted as u8;
        let _ = self.code.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The exit code the first signal asks for.
    pub fn requested(&self) -> Option<Exit> {
        match self.code.load(Ordering::Relaxed) {
            0 => None,
            code if code == Exit::Terminated as u8 => Some(Exit::Terminated),
            _ => Some(Exit::Interrupted),
        }
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
    fn signals_that_come_together_are_one() {
        let mut count = Count::default();
        let table = [(5_000, 1), (5_001, 1), (5_999, 1), (6_000, 2), (6_001, 2), (9_000, 3)];
        for (ms, counted) in table {
            assert_eq!(count.observe(Duration::from_millis(ms)), counted, "{ms}");
        }
    }

    #[test]
    fn a_key_asks_for_what_a_first_signal_does() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.stage(), Stage::None);
        interrupt.request();
        assert_eq!(
            (interrupt.stage(), interrupt.requested()),
            (Stage::EndArrivals, Some(Exit::Interrupted))
        );
        interrupt.count.store(2, Ordering::Relaxed);
        assert_eq!(interrupt.stage(), Stage::EndDrain);
    }
}
