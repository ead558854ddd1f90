//! Monitors: what the target and its machine say of themselves while a load goes on.
//!
//! [`Watch`] looks on a thread of its own, off the measured path, with a time limit for every look and
//! bounds on all that it keeps. A look that fails is a note in the log and never an error of the run.
//! Parsers are pure functions over text beside the thin shells that fetch it.

mod command;
mod lines;
mod postgres;
mod process;
mod prometheus;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::load::monitor::Monitor;
use crate::measure::monitored::{MonitorLog, Monitored, Reading};
use crate::time::Human;
use crate::transport::clock::monotonic_ns;

/// Series in a result at most.
pub const SERIES_MAX: usize = 64;
/// A look may take this long, however often looks are wanted.
const LOOK_MAX: Duration = Duration::from_secs(3);

/// Monitors that are being looked at; dropping it ends that.
pub struct Watch {
    logs: Arc<Mutex<Vec<MonitorLog>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What a look brought, or in one line why it brought nothing.
type Look = Result<Vec<Reading>, String>;

impl Watch {
    /// Looks at each of `monitors` now and then `every` so often; `tls` is for endpoints that speak https.
    pub fn start(
        monitors: Vec<Monitor>,
        every: Duration,
        tls: Option<Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let logs = monitors.iter().map(|one| MonitorLog::new(one.kind(), one.to_string()));
        let logs = Arc::new(Mutex::new(logs.collect()));
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seen = Arc::clone(&logs);
        let thread = std::thread::Builder::new().name("monitors".to_owned()).spawn(move || {
            let looks = LocalSet::new();
            for (place, monitor) in monitors.into_iter().enumerate() {
                let (viewer, logs) = (Viewer::new(monitor, tls.clone()), Arc::clone(&seen));
                looks.spawn_local(look_on(viewer, every, logs, place));
            }
            // Sent or dropped means the same.
            let _ = runtime.block_on(looks.run_until(stopped));
        })?;
        Ok(Self { logs, stop: Some(stop), thread: Some(thread) })
    }

    /// Forgets what was seen so far: a stretch of load begins.
    pub fn begin(&self) {
        locked(&self.logs).iter_mut().for_each(MonitorLog::begin);
    }

    /// What was seen between two monotonic instants in ns, on the axis that begins with the first.
    pub fn between(&self, from_ns: u64, to_ns: u64) -> Vec<Monitored> {
        let logs = locked(&self.logs);
        let mut found: Vec<_> = logs.iter().flat_map(|log| log.between(from_ns, to_ns)).collect();
        let left_out = found.len().saturating_sub(SERIES_MAX);
        found.truncate(SERIES_MAX);
        if let Some(last) = found.last_mut().filter(|_| left_out > 0) {
            last.notes.push(format!("{left_out} more series were left out after this one"));
        }
        found
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by its thread.
            let _ = thread.join();
        }
    }
}

/// No panic can leave a log half entered that matters to anybody.
fn locked(logs: &Mutex<Vec<MonitorLog>>) -> MutexGuard<'_, Vec<MonitorLog>> {
    logs.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn look_on(
    mut viewer: Viewer,
    every: Duration,
    logs: Arc<Mutex<Vec<MonitorLog>>>,
    place: usize,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let looked = timeout(LOOK_MAX, viewer.look()).await;
        let mut logs = locked(&logs);
        match looked {
            Ok(Ok(readings)) => logs[place].record(monotonic_ns(), readings),
            Ok(Err(reason)) => logs[place].fail(&reason),
            Err(_) => logs[place].fail(&format!("no answer within {}", Human(LOOK_MAX))),
        }
    }
}

/// Whoever looks at one monitor.
enum Viewer {
    Prometheus(Box<prometheus::Viewer>),
    Process(process::Viewer),
    Command(String),
    Postgres(Box<postgres::Viewer>),
}

impl Viewer {
    fn new(monitor: Monitor, tls: Option<Arc<ClientConfig>>) -> Self {
        match monitor {
            Monitor::Prometheus { endpoint, series } => {
                Self::Prometheus(Box::new(prometheus::Viewer::new(endpoint, series, tls)))
            }
            Monitor::Process(id) => Self::Process(process::Viewer::new(id)),
            Monitor::Command(text) => Self::Command(text),
            Monitor::Postgres(database) => {
                Self::Postgres(Box::new(postgres::Viewer::new(database)))
            }
        }
    }

    async fn look(&mut self) -> Look {
        match self {
            Self::Prometheus(viewer) => viewer.look(LOOK_MAX).await,
            Self::Process(viewer) => viewer.look(),
            Self::Command(text) => command::look(text).await,
            Self::Postgres(viewer) => viewer.look().await,
        }
    }
}
