//! [`Gate`]: keeps a connection's wake-ups of itself from waking its task.
//!
//! The two halves of a hyper connection wake each other through the one task that polls both. Such a
//! wake-up is served on the spot, by going round; only one from outside wakes the task.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

const POLLING: u8 = 1;
const WOKEN: u8 = 2;

/// A connection that has woken itself this often in one go lets others run first.
const ROUNDS_MAX: usize = 16;

struct State {
    bits: AtomicU8,
    task: Mutex<Waker>,
}

impl State {
    fn wake_task(&self) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.bits.fetch_or(WOKEN, Ordering::AcqRel) & POLLING == 0 {
            self.wake_task();
        }
    }
}

/// What one poll of everything behind the gate came to.
pub(super) enum Round<T> {
    /// There is a result.
    Done(T),
    /// There is none, and whatever was woken before the given poll has been served by it.
    Waiting,
}

/// A task's waker as seen from behind the gate.
pub(super) struct Gate {
    state: Arc<State>,
    waker: Waker,
}

impl Gate {
    pub(super) fn new() -> Self {
        let state =
            Arc::new(State { bits: AtomicU8::new(0), task: Mutex::new(Waker::noop().clone()) });
        Self { waker: Waker::from(Arc::clone(&state)), state }
    }

    /// Polls what is behind the gate by `round` until it has a result or nothing in it is awake.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut round: impl FnMut(&mut Context<'_>, &Self) -> Round<T>,
    ) -> Poll<T> {
        {
            let mut task = self.state.task.lock().unwrap_or_else(PoisonError::into_inner);
            task.clone_from(cx.waker());
        }
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..ROUNDS_MAX {
            self.serve();
            if let Round::Done(result) = round(&mut inner, self) {
                self.state.bits.store(0, Ordering::Release);
                return Poll::Ready(result);
            }
            if self.state.bits.swap(0, Ordering::AcqRel) & WOKEN == 0 {
                return Poll::Pending;
            }
        }
        self.state.wake_task();
        Poll::Pending
    }

    /// What has been woken so far is about to be polled.
    pub(super) fn serve(&self) {
        self.state.bits.store(POLLING, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn a_wake_up_from_within_goes_round_and_one_from_outside_wakes_the_task() {
        let (count, waker) = task();
        let cx = Context::from_waker(&waker);
        let gate = Gate::new();
        let mut rounds = 0;
        let mut kept = None;
        let polled: Poll<()> = gate.poll(&cx, |cx, _| {
            rounds += 1;
            if rounds < 3 {
                cx.waker().wake_by_ref();
            }
            kept = Some(cx.waker().clone());
            Round::Waiting
        });
        assert!(polled.is_pending());
        assert_eq!((rounds, count.0.load(Ordering::Relaxed)), (3, 0));
        kept.expect("a waker").wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_is_served_within_a_round_needs_no_other() {
        let (count, waker) = task();
        let gate = Gate::new();
        let mut rounds = 0;
        let polled: Poll<()> = gate.poll(&Context::from_waker(&waker), |cx, gate| {
            rounds += 1;
            cx.waker().wake_by_ref();
            gate.serve();
            Round::Waiting
        });
        assert!(polled.is_pending());
        assert_eq!((rounds, count.0.load(Ordering::Relaxed)), (1, 0));
    }

    #[test]
    fn one_that_is_always_awake_lets_others_run() {
        let (count, waker) = task();
        let polled: Poll<()> = Gate::new().poll(&Context::from_waker(&waker), |cx, _| {
            cx.waker().wake_by_ref();
            Round::Waiting
        });
        assert!(polled.is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        let ready = Gate::new().poll(&Context::from_waker(&waker), |_, _| Round::Done(7));
        assert_eq!(ready, Poll::Ready(7));
    }
}
