//! [`Dispatcher`]: gives each due slot to an idle connection, a free stream of a session, a new connection,
//! or the wait list; past the in-flight cap it sheds. One per worker.
//!
//! Every slot that enters leaves through [`Dispatcher::finish`] exactly once, with its fate.

mod steps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::connection;
use crate::engine::journeys::Journeys;
use crate::engine::learnt::{Learning, Learnt};
use crate::engine::leg::Start;
use crate::engine::prepared::Prepared;
use crate::engine::pulse::Pulse;
use crate::engine::recorder::Recorder;
use crate::engine::seat::{Job, Seat, Wanted};
use crate::engine::session::{self, Sessions, Shared};
use crate::engine::wait_list::WaitList;
use crate::load::plan::{LatePolicy, Limits, ReceiveClock};
use crate::load::way::HttpVersion;
use crate::measure::fate::Fate;
use crate::measure::sample::{Sample, SetUp, Wait};
use crate::measure::silent_connections::SilentConnections;
use crate::measure::tally::Opening;
use crate::measure::window::Gauges;
use crate::time::{Offset, whole_nanos};
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::{DialError, Dialer};
use crate::transport::exchange::Repeatable;

/// The way of a request from the schedule to the socket takes microseconds, more where caches are cold.
/// Slots are taken up that much ahead of time and held at the socket until they are due, so the bounds
/// also say how long a worker may be held up by one.
const WAY_OUT: Learning =
    Learning { quantile: 0.9, step_ns: 500.0, start_ns: 10_000.0, min_ns: 0.0, max_ns: 40_000.0 };

/// A connection on which nothing was sent is closed after so long. A server with a thread or a process per
/// connection may wait for its request and serve nobody else meanwhile.
pub(super) const SILENT_MAX: Duration = Duration::from_millis(200);

/// One worker's slots, connections and wait list.
pub(super) struct Dispatcher {
    pub(super) recorder: Recorder,
    pub(super) dialer: Dialer,
    pub(super) limits: Limits,
    pub(super) journeys: Journeys,
    pub(super) prepared: Prepared,
    pub(super) pulse: Pulse,
    /// Of the leg under way.
    pub(super) start: RefCell<Arc<Start>>,
    seats: RefCell<BTreeMap<u64, Rc<Seat>>>,
    next_seat: Cell<u64>,
    /// HTTP/2's connections; empty for HTTP/1.1, where each has a seat of its own.
    pub(super) sessions: Sessions,
    /// Open or being opened.
    connections: Cell<usize>,
    connecting: Cell<usize>,
    /// From taking a slot up to being ready to write its request.
    way_out: Cell<Learnt>,
    /// Idle connections; the most recently used is taken first, so that few stay warm and the rest may
    /// close.
    idle: RefCell<Vec<Rc<Seat>>>,
    waiting: RefCell<WaitList>,
    in_flight: Cell<usize>,
    /// Connections closed at a timeout that have not been replaced yet.
    given_up: Cell<usize>,
    silent_connections: Cell<SilentConnections>,
    /// The most connections open at once since it was last asked for.
    connections_peak: Cell<usize>,
}

impl Dispatcher {
    /// `limits` are this worker's share.
    pub(super) fn new(
        recorder: Recorder,
        dialer: Dialer,
        limits: Limits,
        prepared: Prepared,
        journeys: Journeys,
    ) -> Rc<Self> {
        let pulse = Pulse::new(dialer.pauses());
        Rc::new(Self {
            recorder,
            dialer,
            limits,
            journeys,
            prepared,
            pulse,
            start: RefCell::default(),
            seats: RefCell::default(),
            next_seat: Cell::new(0),
            sessions: Sessions::default(),
            connections: Cell::new(0),
            connecting: Cell::new(0),
            way_out: Cell::new(Learnt::new(WAY_OUT)),
            idle: RefCell::default(),
            waiting: RefCell::default(),
            in_flight: Cell::new(0),
            given_up: Cell::new(0),
            silent_connections: Cell::default(),
            connections_peak: Cell::new(0),
        })
    }

    /// Takes up a slot that has come due.
    pub(super) fn dispatch(self: &Rc<Self>, job: Job) {
        self.assign(job);
        self.pulse.go_on();
    }

    fn assign(self: &Rc<Self>, job: Job) {
        self.recorder.due(job.measured);
        self.recorder.took_up(job.due, job.taken);
        let late = self.too_late(&job, job.taken);
        if late {
            self.recorder.shed_late(job.request, job.measured);
        }
        if late || self.outstanding() >= self.limits.in_flight {
            self.finish(&job, Fate::Shed, job.taken);
            return;
        }
        if let Some(seat) = self.take_idle(job.taken) {
            seat.assigned.set(Some(job));
            seat.wake();
            return;
        }
        if let Some(session) = self.roomiest(Wanted::Any) {
            self.in_flight.set(self.in_flight.get() + 1);
            self.carry_on(session, job);
            return;
        }
        self.waiting.borrow_mut().push(Job { waited: true, ..job });
        self.grow();
    }

    fn too_late(&self, job: &Job, now: Offset) -> bool {
        match self.limits.late {
            LatePolicy::Send => false,
            LatePolicy::ShedAfter(limit) => now.since(job.due) > limit,
        }
    }

    fn past_deadline(&self, job: &Job, now: Offset) -> bool {
        self.limits.deadline.is_some_and(|deadline| now.since(job.due) >= deadline)
    }

    /// How long before it is due a slot is best taken up. Nothing on a session, where requests share a
    /// connection and one that is held would hold up the others.
    pub(super) fn head_start(&self) -> Duration {
        match self.dialer.route().version() {
            HttpVersion::Http1 => self.way_out.get().duration(),
            HttpVersion::Http2 => Duration::ZERO,
        }
    }

    /// Enters how long a slot took from being taken up to being ready to be written.
    pub(super) fn observe_way_out(&self, time: Duration) {
        let mut way_out = self.way_out.get();
        way_out.observe(time);
        self.way_out.set(way_out);
    }

    /// Sent and unanswered, plus waiting.
    pub(super) fn outstanding(&self) -> usize {
        self.in_flight.get() + self.waiting.borrow().len()
    }

    /// An idle connection that has not been idle for too long.
    fn take_idle(&self, now: Offset) -> Option<Rc<Seat>> {
        // Connections outlive legs, so their age is not an offset.
        let now_ns = self.recorder.clock().monotonic(now);
        loop {
            let seat = self.idle.borrow_mut().pop()?;
            if !seat.has_expired(now_ns) {
                self.in_flight.set(self.in_flight.get() + 1);
                return Some(seat);
            }
            self.close_idle(&seat);
        }
    }

    /// Closes a connection that has been idle for too long.
    fn close_idle(&self, seat: &Seat) {
        if !seat.answered.get() {
            self.silent(SilentConnections { unused: 1, ..SilentConnections::default() });
        }
        seat.dismiss();
    }

    /// The session whose turn it is, if one has room for a slot that wants this.
    fn roomiest(&self, wanted: Wanted) -> Option<Rc<Shared>> {
        let Limits { streams, idle_timeout, .. } = self.limits;
        let fit = self.sessions.roomiest(streams, idle_timeout, wanted);
        // Where no other connection may be opened, any is better than none.
        let full = wanted != Wanted::Any && self.connections() >= self.limits.connections;
        fit.or_else(|| full.then(|| self.roomiest(Wanted::Any)).flatten())
    }

    /// Carries a slot that counts as in flight on a stream of its own.
    fn carry_on(self: &Rc<Self>, session: Rc<Shared>, job: Job) {
        session.occupy();
        let (number, seat) = self.new_seat();
        seat.assigned.set(Some(job));
        tokio::task::spawn_local(session::carry(Rc::clone(self), session, seat, number));
    }

    /// Gives waiting slots to sessions with room, and opens a connection if some are left for which none
    /// is being opened, and the bound allows.
    pub(super) fn grow(self: &Rc<Self>) {
        while let Some((session, job)) = self.next_on_session() {
            self.carry_on(session, job);
        }
        let each = match self.dialer.route().version() {
            HttpVersion::Http1 => 1,
            HttpVersion::Http2 => self.limits.streams,
        };
        let wanted = self.connecting.get() < self.waiting.borrow().connections(each);
        if wanted && self.connections() < self.limits.connections {
            self.open_connection();
        }
    }

    /// A waiting slot and the open session that it may take.
    fn next_on_session(&self) -> Option<(Rc<Shared>, Job)> {
        let again = self.waiting.borrow().wanted_again();
        if let Some(session) = again.and_then(|wanted| self.roomiest(wanted))
            && let Some(job) = self.next_again()
        {
            return Some((session, job));
        }
        let session = self.roomiest(Wanted::Any)?;
        Some((session, self.next_waiting()?))
    }

    /// A session is open: it begins with a slot that waits for a fresh connection, if there is one.
    pub(super) fn begin_session(self: &Rc<Self>, session: &Rc<Shared>) {
        self.sessions.add(session);
        if let Some(job) = self.next_again() {
            self.carry_on(Rc::clone(session), job);
        }
        self.grow();
    }

    /// Opens one more connection; the caller keeps to the bound.
    pub(super) fn open_connection(self: &Rc<Self>) {
        let open = self.connections() + 1;
        self.connections.set(open);
        self.connections_peak.set(self.connections_peak.get().max(open));
        self.connecting.set(self.connecting.get() + 1);
        match self.dialer.route().version() {
            HttpVersion::Http1 => {
                let (number, seat) = self.new_seat();
                tokio::task::spawn_local(connection::serve(Rc::clone(self), seat, number));
            }
            HttpVersion::Http2 => {
                tokio::task::spawn_local(session::serve(Rc::clone(self)));
            }
        }
        self.pulse.go_on();
    }

    fn new_seat(&self) -> (u64, Rc<Seat>) {
        let number = self.next_seat.get();
        self.next_seat.set(number + 1);
        let seat = Rc::new(Seat::default());
        self.seats.borrow_mut().insert(number, Rc::clone(&seat));
        (number, seat)
    }

    /// Connections that are being opened.
    pub(super) fn connecting(&self) -> usize {
        self.connecting.get()
    }

    /// Connections, open or being opened.
    pub(super) fn connections(&self) -> usize {
        self.connections.get()
    }

    /// Whether nothing is waited for.
    pub(super) fn is_at_rest(&self) -> bool {
        self.outstanding() == 0 && self.connecting() == 0
    }

    /// A connection is open, whose arrivals are told by this clock.
    pub(super) fn connected(&self, set_up: SetUp, receive_clock: ReceiveClock) {
        self.recorder.arrivals_by(receive_clock);
        self.connecting.set(self.connecting.get() - 1);
        let given_up = self.given_up.get();
        if given_up > 0 {
            self.given_up.set(given_up - 1);
            self.recorder.connected(set_up, Opening::AfterTimeout);
        } else {
            self.recorder.connected(set_up, Opening::Needed);
        }
    }

    /// A connection closes because its request was not answered in time.
    pub(super) fn gave_up(&self) {
        self.given_up.set(self.given_up.get() + 1);
    }

    /// A connection could not be opened: the slot that has waited longest bears it.
    pub(super) fn connect_failed(&self, error: &DialError) {
        self.connecting.set(self.connecting.get() - 1);
        let first = {
            let mut waiting = self.waiting.borrow_mut();
            waiting.pop_again().or_else(|| waiting.pop())
        };
        // None waits if another connection has served the slot that this one was opened for.
        if let Some(job) = first {
            let now = self.recorder.clock().now();
            let sample = job.unsent(Fate::TransportError(error.fault()), now);
            self.ended(&job, &sample);
            self.recorder.explain(&sample, job.measured, || error.reason());
        }
    }

    /// A connection has closed or could not be opened; a waiting slot may need a new one.
    pub(super) fn closed(self: &Rc<Self>) {
        self.connections.set(self.connections.get() - 1);
        self.grow();
    }

    /// A seat is empty for good.
    pub(super) fn left(&self, number: u64) {
        self.seats.borrow_mut().remove(&number);
    }

    /// The first slot that is to go out once more, for a fresh connection.
    pub(super) fn next_again(&self) -> Option<Job> {
        loop {
            let job = self.waiting.borrow_mut().pop_again()?;
            let now = self.recorder.clock().now();
            if !self.past_deadline(&job, now) {
                self.in_flight.set(self.in_flight.get() + 1);
                return Some(job);
            }
            self.finish(&job, Fate::Timeout, now);
        }
    }

    /// The longest-waiting slot that may still be sent; those that may not are given their fate.
    pub(super) fn next_waiting(&self) -> Option<Job> {
        loop {
            let job = self.waiting.borrow_mut().pop()?;
            let now = self.recorder.clock().now();
            if self.past_deadline(&job, now) {
                self.finish(&job, Fate::Timeout, now);
            } else if self.too_late(&job, now) && self.journeys.followed(&job).is_none() {
                self.finish(&job, Fate::Shed, now);
            } else {
                self.in_flight.set(self.in_flight.get() + 1);
                return Some(job);
            }
        }
    }

    /// A connection has nothing to do, since `idle_since` in monotonic nanoseconds. The server keeps it for
    /// `rest_max` if it has said so.
    pub(super) fn park(&self, seat: &Rc<Seat>, idle_since: u64, rest_max: Option<Duration>) {
        let limit = self.limits.idle_timeout;
        let limit = if seat.answered.get() { limit } else { limit.min(SILENT_MAX) };
        let limit = rest_max.map_or(limit, |rest_max| rest_max.min(limit));
        seat.expires.set(idle_since.saturating_add(whole_nanos(limit)));
        self.idle.borrow_mut().push(Rc::clone(seat));
    }

    /// An idle connection has closed.
    pub(super) fn unpark(&self, seat: &Rc<Seat>) {
        self.idle.borrow_mut().retain(|other| !Rc::ptr_eq(other, seat));
    }

    /// A connection gives up a slot that it never sent: once that goes out again on a connection of the kind
    /// `wanted`, the second time it fails.
    pub(super) fn give_back(self: &Rc<Self>, job: Job, wanted: Wanted) {
        self.in_flight.set(self.in_flight.get() - 1);
        if job.is_repeated() {
            let now = self.recorder.clock().now();
            self.finish(&job, Fate::TransportError(Repeatable::NotSent.fault()), now);
        } else {
            // From here on it waits for a connection, which is not the generator's doing.
            self.waiting.borrow_mut().push_front(Job { wanted, waited: true, ..job });
            self.grow();
        }
    }

    /// A slot that a connection carried has ended.
    pub(super) fn carried(&self, job: &Job, sample: &Sample) {
        self.in_flight.set(self.in_flight.get() - 1);
        self.ended(job, sample);
    }

    /// Ends a slot that never reached a connection.
    fn finish(&self, job: &Job, fate: Fate, now: Offset) {
        self.ended(job, &job.unsent(fate, now));
    }

    /// Once per window: closes connections idle for too long and ends waiting slots past their deadline.
    pub(super) fn sweep(&self, now: Offset) {
        self.close_stale();
        while let Some(job) = self.next_expired(now) {
            self.finish(&job, Fate::Timeout, now);
        }
    }

    fn next_expired(&self, now: Offset) -> Option<Job> {
        self.waiting.borrow_mut().pop_expired(|job| self.past_deadline(job, now))
    }

    /// Closes connections that have been idle for too long.
    pub(super) fn close_stale(&self) {
        self.sessions.sweep(self.limits.idle_timeout);
        let now_ns = monotonic_ns();
        let stale: Vec<_> =
            self.idle.borrow_mut().extract_if(.., |seat| seat.has_expired(now_ns)).collect();
        for seat in stale {
            self.close_idle(&seat);
        }
    }

    /// A slot that `seat` has carried since `began` ends without an answer. One that had spent most of its
    /// deadline waiting for a connection tells nothing of that.
    pub(super) fn unanswered(&self, seat: &Seat, job: &Job, began: Offset) {
        let alone = self.dialer.route().version() == HttpVersion::Http1;
        let cut = self.limits.deadline.is_some_and(|limit| job.waited(began) * 2 >= limit);
        if alone && job.measured && !cut && seat.is_silent() {
            self.silent(SilentConnections { unanswered: 1, ..SilentConnections::default() });
        }
    }

    fn silent(&self, more: SilentConnections) {
        let mut silent_connections = self.silent_connections.get();
        silent_connections += more;
        self.silent_connections.set(silent_connections);
    }

    /// What was never said on connections since it was last asked.
    pub(super) fn take_silent_connections(&self) -> SilentConnections {
        self.silent_connections.take()
    }

    /// Levels now.
    pub(super) fn gauges(&self, now: Offset) -> Gauges {
        let limit = self.recorder.slow_after();
        let overdue = |job: &Job| now.since(job.due) > limit;
        let seats = self.seats.borrow();
        let carried =
            seats.values().filter_map(|seat| seat.carrying.get()).filter(|(job, _)| overdue(job));
        let waiting = self.waiting.borrow();
        Gauges {
            in_flight: self.in_flight.get() as u64,
            waiting: waiting.len() as u64,
            overdue: (carried.count() + waiting.iter().filter(|job| overdue(job)).count()) as u64,
        }
    }

    /// The drain is over: waiting slots were never sent, carried ones are still open. Their connections
    /// close.
    pub(super) fn abandon(&self, now: Offset) {
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        for job in waiting.iter() {
            self.finish(job, Fate::Unsent, now);
        }
        for seat in self.seats.borrow().values() {
            // A slot assigned to a connection that has not begun it yet was not sent either.
            if let Some((job, began)) = seat.carrying.get() {
                self.unanswered(seat, &job, began);
            }
            let assigned = seat.assigned.take().map(|job| (job, None));
            let carried = seat.carrying.take().map(|(job, sent)| (job, Some(sent)));
            if let Some((job, sent)) = assigned.or(carried) {
                let fate = if sent.is_some() { Fate::Open } else { Fate::Unsent };
                let waited = sent.map(|sent| job.waited(sent)).unwrap_or_default();
                let wait = Wait::within(waited, SetUp::default());
                self.carried(&job, &Sample { wait, sent, ..job.unsent(fate, now) });
                seat.dismiss();
            }
        }
    }

    /// The most connections that were open at once; begins anew from those open now.
    pub(super) fn take_connections_peak(&self) -> usize {
        self.connections_peak.replace(self.connections())
    }
}

#[cfg(test)]
mod tests;
