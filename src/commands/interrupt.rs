//! SIGINT and SIGTERM: the first ends arrivals and everything is written; the second quits at once.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::commands::run;
use crate::exit::Exit;

/// Signals come to a thread of their own; whoever waits for one looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether, and by which signal, the run was asked to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    code: Arc<AtomicU8>,
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
            if self.code.swap(exit as u8, Ordering::Relaxed) != 0 {
                quit(i32::from(exit as u8));
            }
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
