//! [`Lanes`]: a worker's connections and waiting slots, a lane for each address of the target.
//!
//! A slot waits for connections to its own address alone, so an address that is slow or dead holds up the
//! slots that were given it and no others. Only where no further connection may be opened does any free
//! connection take any slot: that is better than none.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::engine::seat::{Job, Seat, Wanted};
use crate::engine::wait_list::WaitList;
use crate::time::Offset;

/// The lanes of a worker, by the place of their address in the route.
pub(super) struct Lanes {
    all: Box<[Lane]>,
    connections_max: usize,
    /// Slots that a connection may carry at once.
    streams: usize,
}

#[derive(Default)]
struct Lane {
    /// Idle connections; the most recently used is taken first, so that few stay warm and the rest may
    /// close.
    idle: RefCell<Vec<Rc<Seat>>>,
    waiting: RefCell<WaitList>,
    /// Open or being opened.
    connections: Cell<usize>,
    connecting: Cell<usize>,
}

impl Lane {
    /// Whether more slots wait than connections are being opened for.
    fn wants_connection(&self, streams: usize) -> bool {
        self.connecting.get() < self.waiting.borrow().connections(streams)
    }

    /// When the first slot that any connection may carry was taken up.
    fn first_taken(&self) -> Option<Offset> {
        self.waiting.borrow().first_taken()
    }

    fn pop(&self) -> Option<Job> {
        self.waiting.borrow_mut().pop()
    }
}

fn more(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

fn less(count: &Cell<usize>) {
    count.set(count.get() - 1);
}

impl Lanes {
    /// `count` lanes, of at least one, with `connections_max` connections in all, each of which carries
    /// `streams` slots at once.
    pub(super) fn new(count: usize, connections_max: usize, streams: usize) -> Self {
        let all = (0..count.max(1)).map(|_| Lane::default()).collect();
        Self { all, connections_max, streams }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    fn sum(&self, count: impl Fn(&Lane) -> usize) -> usize {
        self.all.iter().map(count).sum()
    }

    /// Connections, open or being opened.
    pub(super) fn connections(&self) -> usize {
        self.sum(|lane| lane.connections.get())
    }

    /// Connections that are being opened.
    pub(super) fn connecting(&self) -> usize {
        self.sum(|lane| lane.connecting.get())
    }

    /// Slots that wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        self.sum(|lane| lane.waiting.borrow().len())
    }

    /// Whether no other connection may be opened.
    pub(super) fn is_full(&self) -> bool {
        self.connections() >= self.connections_max
    }

    /// Whether slots may go to other lanes than their own.
    fn is_shared(&self) -> bool {
        self.all.len() > 1 && self.is_full()
    }

    /// The fewest connections that each lane may have whatever the others do; zero where there are more
    /// lanes than connections.
    fn fair_share(&self) -> usize {
        self.connections_max / self.all.len()
    }

    /// What is taken of `lane`, or of another where lanes are shared.
    fn take<T>(&self, lane: usize, take: impl Fn(&Lane) -> Option<T>) -> Option<T> {
        take(&self.all[lane]).or_else(|| {
            let shared = self.is_shared();
            shared.then(|| self.all.iter().find_map(take)).flatten()
        })
    }

    /// A connection has nothing to do.
    pub(super) fn park(&self, seat: &Rc<Seat>) {
        self.all[seat.lane.get()].idle.borrow_mut().push(Rc::clone(seat));
    }

    /// An idle connection has closed.
    pub(super) fn unpark(&self, seat: &Rc<Seat>) {
        let mut idle = self.all[seat.lane.get()].idle.borrow_mut();
        idle.retain(|other| !Rc::ptr_eq(other, seat));
    }

    /// An idle connection for a slot of `lane`.
    pub(super) fn take_idle(&self, lane: usize) -> Option<Rc<Seat>> {
        self.take(lane, |lane| lane.idle.borrow_mut().pop())
    }

    /// The connections that have been idle for too long at `now_ns`.
    pub(super) fn take_stale(&self, now_ns: u64) -> Vec<Rc<Seat>> {
        let stale = |lane: &Lane| -> Vec<_> {
            lane.idle.borrow_mut().extract_if(.., |seat| seat.has_expired(now_ns)).collect()
        };
        self.all.iter().flat_map(stale).collect()
    }

    /// A slot waits for a connection of its lane, behind all others.
    pub(super) fn wait(&self, job: Job) {
        self.all[job.lane].waiting.borrow_mut().push(job);
    }

    /// A slot that has been under way waits, before the others of its kind.
    pub(super) fn wait_again(&self, job: Job) {
        self.all[job.lane].waiting.borrow_mut().push_front(job);
    }

    /// The connection that the first slot of `lane` wants of those to be sent once more.
    pub(super) fn wanted_again(&self, lane: usize) -> Option<Wanted> {
        self.all[lane].waiting.borrow().wanted_again()
    }

    /// The first slot to be sent once more, for a connection that was opened for `lane`.
    pub(super) fn next_again(&self, lane: usize) -> Option<Job> {
        self.take(lane, |lane| lane.waiting.borrow_mut().pop_again())
    }

    /// The first slot of `lane` alone that any connection may carry.
    pub(super) fn next_own(&self, lane: usize) -> Option<Job> {
        self.all[lane].pop()
    }

    /// The next slot for a free connection of `lane`. Where lanes are shared, those without a connection
    /// take part in the wait for each, and the others come after the lane's own.
    pub(super) fn next(&self, lane: usize) -> Option<Job> {
        if !self.is_shared() {
            return self.next_own(lane);
        }
        let first = |fits: &dyn Fn(usize) -> bool| {
            let lanes = (0..self.all.len()).filter(|&lane| fits(lane));
            let first = lanes.filter_map(|lane| Some((self.all[lane].first_taken()?, lane))).min();
            first.and_then(|(_, lane)| self.all[lane].pop())
        };
        let equal = |other: usize| other == lane || self.all[other].connections.get() == 0;
        first(&equal).or_else(|| first(&|_| true))
    }

    /// The first waiting slot of a lane that is past a limit of its own, by `expired`.
    pub(super) fn pop_expired(&self, expired: impl Fn(&Job) -> bool) -> Option<Job> {
        self.all.iter().find_map(|lane| lane.waiting.borrow_mut().pop_expired(&expired))
    }

    /// How many waiting slots are so.
    pub(super) fn count_waiting(&self, is_so: impl Fn(&Job) -> bool) -> usize {
        self.sum(|lane| lane.waiting.borrow().iter().filter(|job| is_so(job)).count())
    }

    /// Takes all waiting slots.
    pub(super) fn take_waiting(&self) -> Vec<Job> {
        let lists = self.all.iter().map(|lane| lane.waiting.take());
        lists.flat_map(|list| list.iter().copied().collect::<Vec<_>>()).collect()
    }

    /// The lane for which a connection is to be opened next, if slots wait for one and it may be.
    pub(super) fn wanting(&self) -> Option<usize> {
        if self.is_full() {
            return None;
        }
        let wants = |lane: &usize| self.all[*lane].wants_connection(self.streams);
        let rank = |lane: &usize| {
            let Lane { connections, waiting, .. } = &self.all[*lane];
            (connections.get() >= self.fair_share(), waiting.borrow().earliest_taken())
        };
        (0..self.all.len()).filter(wants).min_by_key(rank)
    }

    /// Whether a connection of `lane`, which last carried a slot of lane `carried`, closes so that another
    /// may be opened for a lane with less than its share.
    pub(super) fn gives_way(&self, lane: usize, carried: usize) -> bool {
        if !self.is_shared() {
            return false;
        }
        let share = self.fair_share();
        let needs = |(place, other): (usize, &Lane)| {
            let wants = place == carried || other.wants_connection(self.streams);
            other.connections.get() < share && wants
        };
        self.all[lane].connections.get() > share && self.all.iter().enumerate().any(needs)
    }

    /// A connection for slots of `lane` is being opened.
    pub(super) fn opening(&self, lane: usize) {
        more(&self.all[lane].connections);
        more(&self.all[lane].connecting);
    }

    /// A connection that was opened for `wanted` is open, to the address of `lane`.
    pub(super) fn opened(&self, wanted: usize, lane: usize) {
        less(&self.all[wanted].connecting);
        less(&self.all[wanted].connections);
        more(&self.all[lane].connections);
    }

    /// Chooses the slot of `lane` that a connection is to be opened for.
    pub(super) fn choose(&self, lane: usize) -> Option<u64> {
        self.all[lane].waiting.borrow_mut().choose()
    }

    /// Takes this slot of `lane`, if it still waits.
    pub(super) fn take_slot(&self, lane: usize, slot: u64) -> Option<Job> {
        self.all[lane].waiting.borrow_mut().take(slot)
    }

    /// A connection for `lane` could not be opened, which a slot bears: the one that it was opened for, if it
    /// was for a single one and that still waits, or the one that has waited longest.
    pub(super) fn failed(&self, lane: usize, opened_for: Option<u64>) -> Option<Job> {
        less(&self.all[lane].connecting);
        if let Some(slot) = opened_for {
            return self.take_slot(lane, slot);
        }
        let mut waiting = self.all[lane].waiting.borrow_mut();
        waiting.pop_again().or_else(|| waiting.pop())
    }

    /// A connection of `lane` has closed or could not be opened.
    pub(super) fn closed(&self, lane: usize) {
        less(&self.all[lane].connections);
    }
}

#[cfg(test)]
mod tests;
