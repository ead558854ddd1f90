//! [`Sessions`]: a worker's HTTP/2 connections, which slots share; and the life of one: open, carry slots
//! on its streams, close when idle or when the server wants it.
//!
//! A slot is given a stream only where limits and server have room for it, so none waits unseen inside a
//! session. A task per session, and one per slot under way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::engine::connection::{self, After, Carrier};
use crate::engine::dispatch::Dispatcher;
use crate::engine::seat::{Seat, Wanted};
use crate::load::plan::Limits;
use crate::measure::fate::TransportError;
use crate::measure::sample::SetUp;
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::DialError;
use crate::transport::exchange::Repeatable;
use crate::transport::multiplexed::{Driver, Session};
use crate::transport::patience;

/// Opens a session and keeps it going until it ends.
///
/// It is for slots of lane `wanted`, but may lead to another address.
pub(super) async fn serve(dispatcher: Rc<Dispatcher>, wanted: usize) {
    match open(&dispatcher, wanted).await {
        Ok((shared, driver)) => {
            dispatcher.begin_session(&shared, wanted);
            // Whoever comes later has not waited for the opening.
            shared.set_up.take();
            driver.await;
            dispatcher.sessions.remove(&shared);
            dispatcher.closed(shared.lane);
        }
        Err(error) => {
            dispatcher.connect_failed(wanted, None, &error);
            dispatcher.closed(wanted);
        }
    }
}

async fn open(dispatcher: &Dispatcher, wanted: usize) -> Result<(Rc<Shared>, Driver), DialError> {
    let dialed = dispatcher.dialer.dial_at(wanted).await?;
    let lane = dialed.place;
    let (set_up, receive_clock) = (dialed.set_up, dialed.stamps.receive_clock());
    let opening = Session::open(dialed);
    let limit = dispatcher.limits.connect_timeout;
    let (session, driver) = patience::within(dispatcher.dialer.pauses(), limit, opening)
        .await
        .ok_or(DialError::from(TransportError::ConnectTimeout))??;
    dispatcher.recorder.arrivals_by(receive_clock);
    dispatcher.connected(set_up, wanted, lane);
    let shared = Shared {
        number: dispatcher.sessions.next_number(),
        lane,
        session,
        set_up: Cell::new(set_up),
        load: Cell::new(0),
        idle_since: Cell::new(monotonic_ns()),
    };
    Ok((Rc::new(shared), driver))
}

/// Carries the slot assigned to `seat` on a stream of `shared`.
pub(super) async fn carry(
    dispatcher: Rc<Dispatcher>,
    shared: Rc<Shared>,
    seat: Rc<Seat>,
    number: u64,
) {
    connection::take_place(&seat).await;
    // Neither is there if the leg was over before this began.
    let mut served = shared.lane;
    if let Some(job) = seat.assigned.take() {
        served = job.lane;
        match shared.session.stream() {
            Some(stream) => {
                let set_up = shared.set_up.get();
                let mut carrier = Carrier::new(Rc::clone(&dispatcher), seat, stream, set_up);
                if let After::Repeat(job, why) = carrier.carry(job).await {
                    dispatcher.give_back(job, shared.wanted_after(why));
                }
            }
            None => dispatcher.give_back(job, Wanted::Fresh),
        }
    }
    shared.release();
    if shared.load.get() == 0 && dispatcher.lanes.gives_way(shared.lane, served) {
        shared.session.retire();
    }
    dispatcher.left(number);
    dispatcher.grow();
}

/// A session and the slots on it.
pub(super) struct Shared {
    /// Among the worker's.
    number: u64,
    /// The place of the target's address that it leads to.
    pub(super) lane: usize,
    session: Session,
    /// What the slots that waited for the opening have waited for; zero from then on.
    set_up: Cell<SetUp>,
    load: Cell<usize>,
    /// Monotonic nanoseconds.
    idle_since: Cell<u64>,
}

impl Shared {
    /// Counts one more slot on it.
    pub(super) fn occupy(&self) {
        self.load.set(self.load.get() + 1);
    }

    fn release(&self) {
        self.load.set(self.load.get() - 1);
        self.idle_since.set(monotonic_ns());
    }

    /// What a slot wants that this session has not processed.
    fn wanted_after(&self, why: Repeatable) -> Wanted {
        match why {
            Repeatable::Refused => Wanted::OtherThan(self.number),
            Repeatable::NotSent | Repeatable::Crossed | Repeatable::LeftOut => Wanted::Fresh,
        }
    }

    fn suits(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Any => true,
            Wanted::Fresh => false,
            Wanted::OtherThan(number) => self.number != number,
        }
    }

    /// Whether it takes one more slot, with `streams` at the most.
    pub(super) fn has_room(&self, streams: usize) -> bool {
        self.load.get() < streams.min(self.session.streams_max())
    }

    fn is_idle_for(&self, limit: Duration) -> bool {
        let idle = Duration::from_nanos(monotonic_ns().saturating_sub(self.idle_since.get()));
        self.load.get() == 0 && idle >= limit
    }
}

/// The open sessions of a worker.
#[derive(Default)]
pub(super) struct Sessions {
    open: RefCell<Vec<Rc<Shared>>>,
    numbers: Cell<u64>,
}

impl Sessions {
    /// Whether there is none.
    pub(super) fn are_none(&self) -> bool {
        self.open.borrow().is_empty()
    }

    /// The least loaded session, of `lane` or of any, that has room for one more slot, which wants this,
    /// within `limits`, and has not been idle for too long.
    pub(super) fn roomiest(
        &self,
        limits: &Limits,
        lane: Option<usize>,
        wanted: Wanted,
    ) -> Option<Rc<Shared>> {
        let sessions = self.open.borrow();
        let leads = |shared: &Shared| lane.is_none_or(|lane| lane == shared.lane);
        let fit = |shared: &&Rc<Shared>| {
            let fits = leads(shared) && shared.suits(wanted) && shared.has_room(limits.streams);
            fits && !shared.is_idle_for(limits.idle_timeout)
        };
        sessions.iter().filter(fit).min_by_key(|shared| shared.load.get()).cloned()
    }

    /// Closes sessions that have been idle for `limit`.
    pub(super) fn sweep(&self, limit: Duration) {
        let sessions = self.open.borrow();
        sessions.iter().filter(|one| one.is_idle_for(limit)).for_each(|one| one.session.retire());
    }

    fn next_number(&self) -> u64 {
        self.numbers.replace(self.numbers.get() + 1)
    }

    pub(super) fn add(&self, shared: &Rc<Shared>) {
        self.open.borrow_mut().push(Rc::clone(shared));
    }

    fn remove(&self, shared: &Rc<Shared>) {
        self.open.borrow_mut().retain(|other| !Rc::ptr_eq(other, shared));
    }
}
