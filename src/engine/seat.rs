//! [`Job`], a slot on its way, and [`Seat`], where the dispatcher hands one to the task that carries it.
//!
//! A seat carries one slot at a time, so a slot is assigned, carried, or neither, and never twice.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use crate::engine::journeys::JourneyId;
use crate::load::schedule::Slot;
use crate::measure::fate::Fate;
use crate::measure::sample::Sample;
use crate::time::Offset;
use crate::transport::io::Stamps;

/// Which connections a slot may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any.
    Any,
    /// One that has carried nothing, since another closed on it.
    Fresh,
    /// Another session than that of this number, which refused it.
    OtherThan(u64),
}

/// A slot on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) slot: u64,
    pub(super) due: Offset,
    pub(super) request: usize,
    /// Whether it counts, or belongs to the warm-up.
    pub(super) measured: bool,
    /// When the worker took it up, which may be a head start before it is due.
    pub(super) taken: Offset,
    /// Whether no connection was free then.
    pub(super) waited: bool,
    /// Whether a connection is being opened for it.
    pub(super) dialed: bool,
    /// Anything but [`Wanted::Any`] once a connection has given it back.
    pub(super) wanted: Wanted,
    /// The flow or redirect it is part of.
    pub(super) journey: Option<JourneyId>,
    /// The place of the target's address that it was given.
    pub(super) lane: usize,
}

impl Job {
    /// A slot that is taken up now for this row of the ledger.
    pub(super) const fn new(slot: Slot, request: usize, measured: bool, taken: Offset) -> Self {
        let Slot { index: slot, due } = slot;
        Self {
            slot,
            due,
            request,
            measured,
            taken,
            waited: false,
            dialed: false,
            wanted: Wanted::Any,
            journey: None,
            lane: 0,
        }
    }

    /// When the worker took it up; a head start does not count.
    pub(super) fn taken_up(&self) -> Offset {
        self.taken.max(self.due)
    }

    /// Whether it has been under way before, so that it may not go out once more.
    pub(super) fn is_repeated(&self) -> bool {
        self.wanted != Wanted::Any
    }

    /// How long it had waited for a connection when one took it at `began`.
    pub(super) fn waited(&self, began: Offset) -> Duration {
        if self.waited { began.since(self.taken_up()) } else { Duration::ZERO }
    }

    /// What is known of it if it ends now and no byte of it was sent.
    pub(super) fn unsent(&self, fate: Fate, now: Offset) -> Sample {
        let unsent = Sample::unsent(self.request, self.due, fate, now);
        Sample { taken: Some(self.taken_up()), ..unsent }
    }
}

/// The place of an HTTP/1.1 connection, or of a slot on a session, at the dispatcher: how its task is given
/// work.
#[derive(Default)]
pub(super) struct Seat {
    /// The slot that its connection was opened for.
    pub(super) opened_for: Cell<Option<u64>>,
    /// Work that its task has not begun yet.
    pub(super) assigned: Cell<Option<Job>>,
    /// What it is carrying, and since when.
    pub(super) carrying: Cell<Option<(Job, Offset)>>,
    /// Set when it is to close.
    pub(super) dismissed: Cell<bool>,
    /// Wakes its task.
    pub(super) waker: OnceCell<Waker>,
    /// When it must no longer be used unless it has carried something by then, in monotonic nanoseconds.
    pub(super) expires: Cell<u64>,
    /// Whether the server has answered on it.
    pub(super) answered: Cell<bool>,
    /// What its link notes of the exchange under way; unset as long as it is being opened.
    pub(super) stamps: OnceCell<Rc<Stamps>>,
    /// The place of the target's address that its connection leads to; while that is being opened, of the
    /// one it is opened for.
    pub(super) lane: Cell<usize>,
}

impl Seat {
    /// One of a connection to the address at place `lane`.
    pub(super) fn to(lane: usize) -> Self {
        Self { lane: Cell::new(lane), ..Self::default() }
    }

    /// Whether nothing has come on it since the request was sent whole, not even a part of an answer that broke
    /// off. A target that still takes in a request is not silent.
    pub(super) fn is_silent(&self) -> bool {
        let began = |stamps: &Rc<Stamps>| stamps.last_read().is_some() || stamps.is_writing();
        !self.answered.get() && !self.stamps.get().is_some_and(began)
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Whether it has been idle for too long at `now_ns`.
    pub(super) fn has_expired(&self, now_ns: u64) -> bool {
        now_ns >= self.expires.get()
    }

    pub(super) fn dismiss(&self) {
        self.dismissed.set(true);
        self.wake();
    }
}
