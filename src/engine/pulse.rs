//! [`Pulse`]: how a worker learns of its own pauses, by beating while it waits for anything.
//!
//! A stopped or starved process knows nothing of it until it runs again. The kernel's stamps say when bytes
//! arrived, but not when they would have where this program had to go on first.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::engine::dispatch::Dispatcher;
use crate::measure::pauses::{BEAT, Pauses};
use crate::transport::clock::monotonic_ns;

/// One worker's.
pub(super) struct Pulse {
    pauses: Rc<RefCell<Pauses>>,
    /// Wakes the task that beats, while that rests.
    resting: Cell<Option<Waker>>,
}

impl Pulse {
    pub(super) fn new(pauses: &Rc<RefCell<Pauses>>) -> Self {
        Self { pauses: Rc::clone(pauses), resting: Cell::default() }
    }

    /// Something is under way.
    pub(super) fn go_on(&self) {
        if let Some(waker) = self.resting.take() {
            self.pauses.borrow_mut().beat(monotonic_ns());
            waker.wake();
        }
    }

    /// Until something is under way again.
    async fn rest(&self) {
        self.pauses.borrow_mut().rest(monotonic_ns());
        let mut rested = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut rested, true) {
                return Poll::Ready(());
            }
            self.resting.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

/// Beats for as long as the worker lives.
pub(super) async fn beat(dispatcher: Rc<Dispatcher>) {
    let pulse = &dispatcher.pulse;
    loop {
        if dispatcher.is_at_rest() {
            pulse.rest().await;
        } else {
            pulse.pauses.borrow_mut().beat(monotonic_ns());
            tokio::time::sleep(BEAT).await;
        }
    }
}
