//! [`Dispatcher`]: gives each due slot to an idle connection, a free stream of a session, a new connection,
//! or the wait list; past the in-flight cap it sheds. One per worker.
//!
//! Every slot that enters leaves through [`Dispatcher::finish`] exactly once, with its fate.

mod steps;
mod streams;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::connection;
use crate::engine::journeys::Journeys;
use crate::engine::lanes::Lanes;
use crate::engine::leg::Start;
use crate::engine::prepared::Prepared;
use crate::engine::pulse::Pulse;
use crate::engine::quantile_estimator::{EstimatorSettings, QuantileEstimator};
use crate::engine::recorder::Recorder;
use crate::engine::seat::{Job, Seat, Wanted};
use crate::engine::session::{self, Sessions};
use crate::load::plan::{LatePolicy, Limits};
use crate::load::way::HttpVersion;
use crate::measure::address_tally::AddressTally;
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
const WAY_OUT: EstimatorSettings = EstimatorSettings {
    quantile: 0.9,
    step_ns: 500.0,
    start_ns: 10_000.0,
    min_ns: 0.0,
    max_ns: 40_000.0,
};

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
    /// Connections, and slots that wait for one.
    pub(super) lanes: Lanes,
    /// What came of the slots that each address was sent; empty where there is one address.
    by_address: RefCell<Vec<AddressTally>>,
    /// From taking a slot up to being ready to write its request.
    way_out: Cell<QuantileEstimator>,
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
        let streams = match dialer.route().version() {
            HttpVersion::Http1 => 1,
            HttpVersion::Http2 => limits.streams,
        };
        let lanes = Lanes::new(dialer.places(), limits.connections, streams);
        let by_address = AddressTally::list(dialer.route().tcp().0);
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
            lanes,
            by_address: RefCell::new(by_address),
            way_out: Cell::new(QuantileEstimator::new(WAY_OUT)),
            in_flight: Cell::new(0),
            given_up: Cell::new(0),
            silent_connections: Cell::default(),
            connections_peak: Cell::new(0),
        })
    }

    /// Takes up a slot that has come due, for the address whose turn it is.
    pub(super) fn dispatch(self: &Rc<Self>, job: Job) {
        self.take_up(self.in_turn(job));
    }

    /// Takes up a slot or step that has come due and has been given an address.
    fn take_up(self: &Rc<Self>, job: Job) {
        self.assign(job);
        self.pulse.go_on();
    }

    /// A slot that is given the address whose turn it is.
    fn in_turn(&self, job: Job) -> Job {
        Job { lane: self.dialer.next_place(self.recorder.clock().monotonic(job.taken)), ..job }
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
        if let Some(seat) = self.take_idle(&job) {
            seat.assigned.set(Some(job));
            seat.wake();
            return;
        }
        if let Some(session) = self.roomiest(job.lane, Wanted::Any) {
            self.in_flight.set(self.in_flight.get() + 1);
            self.carry_on(session, job);
            return;
        }
        self.lanes.wait(Job { waited: true, ..job });
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
        self.in_flight.get() + self.lanes.waiting()
    }

    /// An idle connection for a slot that has not been idle for too long.
    fn take_idle(&self, job: &Job) -> Option<Rc<Seat>> {
        // Connections outlive legs, so their age is not an offset.
        let now_ns = self.recorder.clock().monotonic(job.taken);
        loop {
            let seat = self.lanes.take_idle(job.lane)?;
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

    /// Gives waiting slots to sessions with room, and opens connections if some are left for which none
    /// is being opened, and the bound allows.
    pub(super) fn grow(self: &Rc<Self>) {
        while let Some((session, job)) = self.next_on_session() {
            self.carry_on(session, job);
        }
        while let Some(lane) = self.lanes.wanting() {
            self.open_connection(lane);
        }
    }

    /// Opens one more connection, for slots of `lane`; the caller keeps to the bound.
    pub(super) fn open_connection(self: &Rc<Self>, lane: usize) {
        self.lanes.opening(lane);
        let open = self.connections();
        self.connections_peak.set(self.connections_peak.get().max(open));
        match self.dialer.route().version() {
            HttpVersion::Http1 => {
                let (number, seat) = self.new_seat(lane);
                seat.opened_for.set(self.lanes.choose(lane));
                tokio::task::spawn_local(connection::serve(Rc::clone(self), seat, number));
            }
            HttpVersion::Http2 => {
                tokio::task::spawn_local(session::serve(Rc::clone(self), lane));
            }
        }
        self.pulse.go_on();
    }

    fn new_seat(&self, lane: usize) -> (u64, Rc<Seat>) {
        let number = self.next_seat.get();
        self.next_seat.set(number + 1);
        let seat = Rc::new(Seat::to(lane));
        self.seats.borrow_mut().insert(number, Rc::clone(&seat));
        (number, seat)
    }

    /// Connections that are being opened.
    pub(super) fn connecting(&self) -> usize {
        self.lanes.connecting()
    }

    /// Connections, open or being opened.
    pub(super) fn connections(&self) -> usize {
        self.lanes.connections()
    }

    /// Whether nothing is waited for.
    pub(super) fn is_at_rest(&self) -> bool {
        self.outstanding() == 0 && self.connecting() == 0
    }

    /// A connection that was opened for `wanted` is open, to the address of `lane`.
    pub(super) fn connected(&self, set_up: SetUp, wanted: usize, lane: usize) {
        self.lanes.opened(wanted, lane);
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

    /// A connection for `lane` could not be opened: the slot that it was opened for bears it, or the one that
    /// has waited longest where it was for several.
    pub(super) fn connect_failed(&self, lane: usize, opened_for: Option<u64>, error: &DialError) {
        // None waits if another connection has served the slot that this one was opened for.
        if let Some(job) = self.lanes.failed(lane, opened_for) {
            let now = self.recorder.clock().now();
            let sample = job.unsent(Fate::TransportError(error.fault()), now);
            self.ended(&job, &sample);
            self.recorder.explain(&sample, job.measured, || error.reason());
        }
    }

    /// A connection of `lane` has closed or could not be opened; a waiting slot may need a new one.
    pub(super) fn closed(self: &Rc<Self>, lane: usize) {
        self.lanes.closed(lane);
        self.grow();
    }

    /// A seat is empty for good.
    pub(super) fn left(&self, number: u64) {
        self.seats.borrow_mut().remove(&number);
    }

    /// The first slot that is to go out once more, for a fresh connection that was opened for `lane`.
    fn next_again(&self, lane: usize) -> Option<Job> {
        self.first_in_time(|| self.lanes.next_again(lane))
    }

    /// The longest-waiting slot of `lane` alone.
    fn next_own(&self, lane: usize) -> Option<Job> {
        self.first_in_time(|| self.lanes.next_own(lane))
    }

    /// The longest-waiting slot for a connection of `lane`.
    pub(super) fn next_waiting(&self, lane: usize) -> Option<Job> {
        self.first_in_time(|| self.lanes.next(lane))
    }

    /// The slot with which the connection of `seat` begins, which was opened for lane `wanted`: its own, so
    /// that what takes long to set up holds up nobody else. Only where that has gone another way, which takes
    /// a connection that was kept, does it begin with another.
    pub(super) fn next_on_fresh(&self, seat: &Seat, wanted: usize) -> Option<Job> {
        let own = seat.opened_for.take();
        let own = own.and_then(|slot| self.first_in_time(|| self.lanes.take_slot(wanted, slot)));
        let own = own.or_else(|| self.next_again(wanted)).or_else(|| self.next_own(wanted));
        own.or_else(|| self.next_waiting(seat.lane.get()))
    }

    /// The first slot of those that `next` gives that may still be sent; the others are given their fate.
    fn first_in_time(&self, next: impl Fn() -> Option<Job>) -> Option<Job> {
        loop {
            let job = next()?;
            let now = self.recorder.clock().now();
            let under_way = job.is_repeated() || self.journeys.followed(&job).is_some();
            if self.past_deadline(&job, now) {
                self.finish(&job, Fate::Timeout, now);
            } else if self.too_late(&job, now) && !under_way {
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
        self.lanes.park(seat);
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
            self.lanes.wait_again(Job { wanted, waited: true, ..job });
            self.grow();
        }
    }

    /// A slot that the connection of `seat` carried has ended.
    pub(super) fn carried(&self, seat: &Seat, job: &Job, sample: &Sample) {
        self.in_flight.set(self.in_flight.get() - 1);
        if let Some(one) = self.by_address.borrow_mut().get_mut(seat.lane.get())
            && job.measured
        {
            one.record(sample);
        }
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
        self.lanes.pop_expired(|job| self.past_deadline(job, now))
    }

    /// Closes connections that have been idle for too long.
    pub(super) fn close_stale(&self) {
        self.sessions.sweep(self.limits.idle_timeout);
        for seat in self.lanes.take_stale(monotonic_ns()) {
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
        let waiting = self.lanes.count_waiting(overdue);
        Gauges {
            in_flight: self.in_flight.get() as u64,
            waiting: self.lanes.waiting() as u64,
            overdue: (carried.count() + waiting) as u64,
        }
    }

    /// The drain is over: waiting slots were never sent, carried ones are still open. Their connections
    /// close.
    pub(super) fn abandon(&self, now: Offset) {
        for job in self.lanes.take_waiting() {
            self.finish(&job, Fate::Unsent, now);
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
                self.carried(seat, &job, &Sample { wait, sent, ..job.unsent(fate, now) });
                seat.dismiss();
            }
        }
    }

    /// What came of the slots that each address was sent since it was last asked; nothing where there is
    /// one address.
    pub(super) fn take_by_address(&self) -> Vec<AddressTally> {
        let empty = AddressTally::list(self.dialer.route().tcp().0);
        self.by_address.replace(empty)
    }

    /// The most connections that were open at once; begins anew from those open now.
    pub(super) fn take_connections_peak(&self) -> usize {
        self.connections_peak.replace(self.connections())
    }
}

#[cfg(test)]
mod tests;
