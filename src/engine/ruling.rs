//! What follows from an answer: its slot's fate, what is taken from it, or a redirect to follow.
//!
//! The answer's last byte has been stamped by then, so none of this is in a measured time.

use std::rc::Rc;

use http::{Method, Uri};

use crate::engine::dispatch::Dispatcher;
use crate::engine::journeys::{Hop, Unfilled};
use crate::engine::kept::{Keeper, Kept};
use crate::engine::seat::{Job, Seat};
use crate::load::expect::{Amiss, Expect, Inspection, Reads, Trouble};
use crate::load::redirect::{self, Redirection};
use crate::measure::fate::{Fate, TransportError};
use crate::measure::sample::Sample;
use crate::time::Offset;
use crate::transport::exchange::Outgoing;
use crate::transport::single;

/// What follows from an answer.
pub(super) enum Ruling {
    /// The slot has ended.
    Ended(Fate),
    /// It goes on to where a redirect leads.
    Follow(Job),
}

/// An answer that needs more than a look at its status.
pub(super) struct Case {
    method: Method,
    uri: Uri,
    pub(super) keeper: Keeper,
}

/// An answer and the exchange that brought it.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) body_bytes: u64,
    /// When its request was given to a connection.
    pub(super) began: Offset,
    /// The exchange by itself, its fate being open.
    pub(super) sample: Sample,
}

/// By the status alone.
pub(super) fn by_status(expect: &Expect, status: u16) -> Fate {
    if expect.accepts(status) { Fate::Ok } else { Fate::BadStatus }
}

/// What looking at an answer gives that is kept whole.
pub(super) fn inspected(expect: &Expect, answer: &single::Answer) -> Inspection {
    let kept = Kept::of(&answer.headers, &answer.body);
    kept.show(answer.body.len() as u64, |answer| expect.inspect(answer))
}

impl Dispatcher {
    /// What must be kept of the answer to `outgoing`; nothing where the status alone decides.
    pub(super) fn case(&self, expect: &Expect, job: &Job, outgoing: &Outgoing) -> Option<Case> {
        let cookies = job.journey.is_some_and(|id| self.journeys.wants_cookies(id));
        if expect.is_plain() && !cookies {
            return None;
        }
        let needed = if cookies { Reads::Headers } else { Reads::Nothing };
        Some(Case {
            method: outgoing.method().clone(),
            uri: outgoing.uri().clone(),
            keeper: Keeper::new(expect.reads().max(needed)),
        })
    }

    /// Looks into an answer.
    pub(super) fn rule(&self, expect: &Expect, job: &Job, case: Case, answer: &Received) -> Ruling {
        let Case { method, uri, keeper } = case;
        let kept = keeper.into_kept();
        if let Some(id) = job.journey.filter(|&id| self.journeys.wants_cookies(id)) {
            self.journeys.keep_cookies(id, &kept.headers, uri.path(), answer.sample.done);
        }
        if expect.redirects > 0 && redirect::is_redirect(answer.status) {
            return match self.next_hop(expect, job, (&method, &uri), (&kept, answer)) {
                Ok(hop) => Ruling::Follow(self.journeys.follow(job, hop)),
                Err(trouble) => {
                    self.recorder.amiss(job, Amiss::from(trouble), Some(answer.sample.done));
                    Ruling::Ended(Fate::CheckFailed)
                }
            };
        }
        if !expect.accepts(answer.status) {
            return Ruling::Ended(Fate::BadStatus);
        }
        let inspection = kept.show(answer.body_bytes, |answer| expect.inspect(answer));
        let failed = inspection.failed.then_some(answer.sample.done);
        self.recorder.amiss(job, inspection.amiss, failed);
        let mut taken = inspection.taken;
        // A pool is not to be filled from bad answers; a flow that goes on all the same has its variables.
        taken.retain(|(target, _)| !inspection.failed || target.is_needed());
        self.journeys.store(job, taken);
        Ruling::Ended(if inspection.failed { Fate::CheckFailed } else { Fate::Ok })
    }

    fn next_hop(
        &self,
        expect: &Expect,
        job: &Job,
        (method, uri): (&Method, &Uri),
        (kept, answer): (&Kept, &Received),
    ) -> Result<Hop, Trouble> {
        let followed = self.journeys.followed(job).map_or(0, |(followed, _)| followed);
        let from = Redirection { method, uri, status: answer.status, headers: &kept.headers };
        let onward = from.onward(self.journeys.origin(), followed, expect.redirects)?;
        let Sample { sent, first_byte, wait, bytes, .. } = answer.sample;
        Ok(Hop { onward, followed: 1, began: answer.began, sent, first_byte, wait, bytes })
    }

    /// Ends a slot that has nothing to send.
    pub(super) fn unfilled(self: &Rc<Self>, seat: &Seat, job: &Job, why: Unfilled) {
        let fate = Fate::TransportError(TransportError::Template);
        let trouble = match why {
            Unfilled::Yet => Some(Trouble::NothingToFill),
            Unfilled::Never => None,
            Unfilled::Elsewhere => Some(Trouble::LinkElsewhere),
        };
        if let Some(trouble) = trouble {
            self.recorder.amiss(job, Amiss::from(trouble), None);
        }
        let now = self.recorder.clock().now().max(job.due);
        self.carried(seat, job, &job.unsent(fate, now));
    }
}
