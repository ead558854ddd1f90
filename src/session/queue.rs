//! [`Queued`]: an observer on a thread of its own, so that a slow one holds nobody up.
//!
//! Bound: 64 events wait; what comes on top of that is dropped, counted, and reported when the
//! observer is taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use crate::session::event::{Observer, RunEvent};

/// Events that wait at most. There is about one a second, of some hundred kilobytes at most where samples
/// are asked for: a disk may be away for a minute.
const EVENTS_MAX: usize = 64;

/// An observer that is handed events on its own thread.
pub struct Queued<O> {
    events: SyncSender<RunEvent>,
    dropped: Arc<AtomicU64>,
    thread: JoinHandle<O>,
}

impl<O: Observer + Send + 'static> Queued<O> {
    /// Hands events to `observer` on a thread of this name.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(name: &str, mut observer: O) -> std::io::Result<Self> {
        let (events, queue) = sync_channel::<RunEvent>(EVENTS_MAX);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Ok(event) = queue.recv() {
                observer.observe(&event);
            }
            observer
        })?;
        Ok(Self { events, dropped: Arc::default(), thread })
    }

    /// Waits until everything queued was observed; the observer, and how many events it was not handed.
    /// `None` if it has panicked, which its thread has printed.
    pub fn finish(self) -> Option<(O, u64)> {
        drop(self.events);
        let dropped = self.dropped.load(Ordering::Relaxed);
        self.thread.join().ok().map(|observer| (observer, dropped))
    }
}

impl<O> Observer for Queued<O> {
    fn observe(&mut self, event: &RunEvent) {
        match self.events.try_send(event.clone()) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Waits for leave before its first event, and counts.
    struct Slow {
        leave: Receiver<()>,
        seen: usize,
    }

    impl Observer for Slow {
        fn observe(&mut self, _: &RunEvent) {
            if self.seen == 0 {
                let _ = self.leave.recv();
            }
            self.seen += 1;
        }
    }

    #[test]
    fn a_slow_observer_holds_nobody_up_and_what_it_missed_is_counted() {
        let (go, leave) = channel();
        let mut queued = Queued::start("slow", Slow { leave, seen: 0 }).unwrap();
        let sent = 3 * EVENTS_MAX;
        for _ in 0..sent {
            queued.observe(&RunEvent::Note(String::new()));
        }
        go.send(()).unwrap();
        let (slow, dropped) = queued.finish().unwrap();
        assert_eq!(slow.seen as u64 + dropped, sent as u64, "each was seen or counted");
        assert!((EVENTS_MAX..=EVENTS_MAX + 1).contains(&slow.seen), "{}", slow.seen);
    }
}
