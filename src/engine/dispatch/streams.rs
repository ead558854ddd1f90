//! Slots on HTTP/2's sessions, which they share: which session takes which.

use std::rc::Rc;

use super::Dispatcher;
use crate::engine::seat::{Job, Wanted};
use crate::engine::session::{self, Shared};

impl Dispatcher {
    /// The session whose turn it is, if one has room for a slot of `lane` that wants this.
    pub(super) fn roomiest(&self, lane: usize, wanted: Wanted) -> Option<Rc<Shared>> {
        let fit = |lane, wanted| self.sessions.roomiest(&self.limits, lane, wanted);
        let fitting = fit(Some(lane), wanted);
        if fitting.is_some() || self.sessions.are_none() || !self.lanes.is_full() {
            return fitting;
        }
        // Where no other connection may be opened, any is better than none.
        fit(None, wanted).or_else(|| fit(None, Wanted::Any))
    }

    /// Carries a slot that counts as in flight on a stream of its own.
    pub(super) fn carry_on(self: &Rc<Self>, session: Rc<Shared>, job: Job) {
        session.occupy();
        let (number, seat) = self.new_seat(session.lane);
        seat.assigned.set(Some(job));
        tokio::task::spawn_local(session::carry(Rc::clone(self), session, seat, number));
    }

    /// A waiting slot and the open session that it may take.
    pub(super) fn next_on_session(&self) -> Option<(Rc<Shared>, Job)> {
        if self.sessions.are_none() || self.lanes.waiting() == 0 {
            return None;
        }
        (0..self.lanes.count()).find_map(|lane| {
            let again = self.lanes.wanted_again(lane);
            if let Some(session) = again.and_then(|wanted| self.roomiest(lane, wanted))
                && let Some(job) = self.next_again(lane)
            {
                return Some((session, job));
            }
            let session = self.sessions.roomiest(&self.limits, Some(lane), Wanted::Any)?;
            Some((session, self.next_waiting(lane)?))
        })
    }

    /// A session that was opened for `wanted` is open: it begins with a slot that waits for a fresh
    /// connection, if there is one, and takes those of that lane, even if it leads to another.
    pub(in crate::engine) fn begin_session(self: &Rc<Self>, session: &Rc<Shared>, wanted: usize) {
        self.sessions.add(session);
        if let Some(job) = self.next_again(wanted) {
            self.carry_on(Rc::clone(session), job);
        }
        while wanted != session.lane
            && session.has_room(self.limits.streams)
            && let Some(job) = self.next_own(wanted)
        {
            self.carry_on(Rc::clone(session), job);
        }
        self.grow();
    }
}
