//! SIGINT and SIGTERM: the first ends arrivals and everything is written; the second quits at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;

/// How often [`Interrupt::wait`] looks.
const GLANCE: Duration = Duration::from_millis(50);

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
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // Without handlers the signals simply end the process, as ever.
            let _ = runtime.block_on(seen.watch());
        })?;
        Ok(interrupt)
    }

    async fn watch(&self) -> io::Result<()> {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        loop {
            let exit = tokio::select! {
                _ = interrupted.recv() => Exit::Interrupted,
                _ = terminated.recv() => Exit::Terminated,
            };
            if self.code.swap(exit as u8, Ordering::Relaxed) != 0 {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the second signal quits at once, by contract"
                )]
                std::process::exit(i32::from(exit as u8));
            }
        }
    }

    /// Waits for the first signal; it matters to people only, so a glance now and then will do.
    pub async fn wait(&self) -> Exit {
        loop {
            if let Some(exit) = self.requested() {
                return exit;
            }
            tokio::time::sleep(GLANCE).await;
        }
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
