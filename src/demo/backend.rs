//! [`DemoBackend`]: a demo backend inside this process, on a thread and a loopback port of its own.
//!
//! Invariant: it listens before `start` returns, and is gone (or given up on) when it is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::server::{GRACE, listen, serve};
use super::settings::Settings;

/// A thread that hasn't ended this long after it was told to is left behind.
const JOIN_MAX: Duration = Duration::from_secs(GRACE.as_secs() + 2);

/// A running demo backend; dropping it stops it.
#[derive(Debug)]
pub struct DemoBackend {
    addr: SocketAddr,
    /// Dropping it tells the server to stop.
    stop: Option<oneshot::Sender<()>>,
    /// Closed when the server has ended.
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl DemoBackend {
    /// Starts on a free port of 127.0.0.1. An error if `settings` can't be, or no socket or thread can be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        settings.check().map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), settings.accept_backlog)?;
        let addr = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (ending, ended) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("demo-backend".to_owned()).spawn(move || {
            let _ending = ending;
            runtime.block_on(async {
                let stopped = async {
                    // Sent or dropped means the same.
                    let _ = stopped.await;
                };
                if let Ok(listener) = TcpListener::from_std(listener) {
                    // Settings were checked, so only missing randomness is left: clients get no connection.
                    let _ = serve(listener, settings, stopped).await;
                }
            });
        })?;
        Ok(Self { addr, stop: Some(stop), ended, thread: Some(thread) })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops it: open exchanges have 5 s to finish.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for DemoBackend {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Nothing is ever sent: the wait ends when the thread drops its end, or by the clock.
        let left = self.ended.recv_timeout(JOIN_MAX) == Err(mpsc::RecvTimeoutError::Timeout);
        if let Some(thread) = self.thread.take().filter(|_| !left) {
            // A panic of the server has been printed already; a second one here would abort.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
