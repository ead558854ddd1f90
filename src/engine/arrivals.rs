//! [`Arrivals`]: a worker's share of the schedule, as it comes due.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dispatch::Dispatcher;
use crate::engine::leg::Steerable;
use crate::engine::load_control::LoadControl;
use crate::engine::worker::Assignment;
use crate::load::mix::Mix;
use crate::load::schedule::{Slot, Slots};
use crate::time::Offset;

/// Once arrivals are over, slots that have not been taken up yet are given up when they are later than
/// the drain and than this, or than this alone if arrivals were stopped.
const LATENESS_MIN: Duration = Duration::from_secs(1);

/// A worker's share of the schedule, as it comes due.
pub(super) struct Arrivals {
    slots: Slots,
    /// The slot after the last that was taken.
    next: Option<Slot>,
    mix: Arc<Mix>,
    control: Arc<LoadControl>,
    steerable: Steerable,
    /// Turns that have been taken in.
    heeded: usize,
    dispatcher: Rc<Dispatcher>,
    warmup: Offset,
    schedule_end: Offset,
    bound: Bound,
    /// When the last slot that was taken was due.
    last_due: Offset,
    /// One more than the last slot that was taken.
    pub(super) taken: u64,
}

/// What ends the schedule.
#[derive(PartialEq, Eq)]
enum Bound {
    Length,
    Slots,
}

impl Arrivals {
    pub(super) fn new(
        assignment: &Assignment,
        dispatcher: Rc<Dispatcher>,
        worker: usize,
        workers: usize,
    ) -> Self {
        let leg = &assignment.leg;
        let horizon = leg.schedule.horizon;
        let bound = if horizon.length == Duration::MAX { Bound::Slots } else { Bound::Length };
        let mut slots = leg.schedule.stride(worker as u64, workers as u64);
        Self {
            next: slots.next(),
            slots,
            mix: Arc::clone(&assignment.mix),
            control: Arc::clone(&assignment.control),
            steerable: leg.steerable,
            heeded: 0,
            dispatcher,
            warmup: Offset::ZERO + leg.warmup,
            schedule_end: leg.schedule.end(),
            bound,
            last_due: Offset::ZERO,
            taken: 0,
        }
    }

    /// Takes in the turns that have come.
    fn heed(&mut self) {
        while let Some(turn) = self.control.turn_after(self.heeded) {
            self.heeded += 1;
            self.dispatcher.recorder.turn(turn.at);
            self.schedule_end = turn.end;
            let ahead = self.next.take_if(|slot| slot.due >= turn.at);
            self.slots.turn(&turn, ahead);
            self.next = self.next.or_else(|| self.slots.next());
        }
    }

    /// When the next slot is due; `None` once arrivals have ended, or while they pause.
    pub(super) fn next_due(&mut self) -> Option<Offset> {
        self.heed();
        let stop = self.control.stop();
        self.next.map(|slot| slot.due).filter(|&due| due < stop)
    }

    /// Whether a turn may bring slots although none is left as things stand.
    pub(super) fn may_go_on(&self, now: Offset) -> bool {
        self.steerable == Steerable::Yes && !self.slots.are_spent() && now < self.ended()
    }

    /// When arrivals end or ended. Not before a slot that was taken: a number of random arrivals may last
    /// longer than its mean.
    pub(super) fn ended(&self) -> Offset {
        self.control.stop().min(self.schedule_end).max(self.last_due)
    }

    /// How long what is unanswered when arrivals have ended is waited for; `planned` unless it was said
    /// otherwise since.
    pub(super) fn drain(&self, planned: Duration) -> Duration {
        if self.control.is_abandoned() { Duration::ZERO } else { planned }
    }

    /// From when on no step of a flow is due any more: with arrivals, unless their number is what ends
    /// them. Then the flows that were started go on to their end.
    pub(super) fn steps_end(&self) -> Offset {
        match self.bound {
            Bound::Slots => self.control.stop(),
            Bound::Length => self.ended(),
        }
    }

    /// Whether arrivals are over and the next slot so late that it is not worth sending any more.
    pub(super) fn past_sending(&mut self, now: Offset, drain: Duration) -> bool {
        let patience = if self.control.is_abandoned() {
            Duration::ZERO
        } else if self.control.stop() < self.schedule_end {
            LATENESS_MIN
        } else {
            drain.max(LATENESS_MIN)
        };
        now >= self.ended() + patience && self.next_due().is_some_and(|due| now >= due + patience)
    }

    /// The next slot if it is due and so before `end`, with its entry of the mix and whether it counts.
    pub(super) fn take(&mut self, now: Offset, end: Offset) -> Option<(Slot, usize, bool)> {
        self.next_due().filter(|&due| due <= now && due < end)?;
        let slot = self.next.take()?;
        self.next = self.slots.next();
        self.taken = slot.index + 1;
        self.last_due = slot.due;
        Some((slot, self.mix.request(slot.index), slot.due >= self.warmup))
    }
}
