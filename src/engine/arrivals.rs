//! [`Arrivals`]: a worker's share of the schedule, as it comes due.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::worker::Assignment;
use crate::load::mix::Mix;
use crate::load::schedule::{Slot, Slots};
use crate::time::Offset;

/// Once arrivals are over, slots that have not been taken up yet are given up when they are later than
/// the drain and than this, or than this alone if arrivals were stopped.
const LATENESS_MIN: Duration = Duration::from_secs(1);

pub(super) struct Arrivals {
    slots: std::iter::Peekable<Slots>,
    mix: Arc<Mix>,
    stop: Arc<AtomicU64>,
    warmup: Offset,
    schedule_end: Offset,
    bound: Bound,
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
    pub(super) fn new(assignment: &Assignment, worker: usize, workers: usize) -> Self {
        let leg = &assignment.leg;
        let horizon = leg.schedule.horizon;
        let bound = if horizon.length == Duration::MAX { Bound::Slots } else { Bound::Length };
        Self {
            slots: leg.schedule.stride(worker as u64, workers as u64).peekable(),
            mix: Arc::clone(&assignment.mix),
            stop: Arc::clone(&assignment.arrivals_stop),
            warmup: Offset::ZERO + leg.warmup,
            schedule_end: leg.schedule.end(),
            bound,
            taken: 0,
        }
    }

    fn stop(&self) -> Offset {
        Offset::from_nanos(self.stop.load(Ordering::Relaxed))
    }

    /// When the next slot is due; `None` once arrivals have ended.
    pub(super) fn next_due(&mut self) -> Option<Offset> {
        let stop = self.stop();
        self.slots.peek().map(|slot| slot.due).filter(|&due| due < stop)
    }

    /// When arrivals end or ended.
    pub(super) fn ended(&self) -> Offset {
        self.stop().min(self.schedule_end)
    }

    /// From when on no step of a flow is due any more: with arrivals, unless their number is what ends
    /// them. Then the flows that were started go on to their end.
    pub(super) fn steps_end(&self) -> Offset {
        match self.bound {
            Bound::Slots => self.stop(),
            Bound::Length => self.ended(),
        }
    }

    /// Whether arrivals are over and the next slot so late that it is not worth sending any more.
    pub(super) fn past_sending(&mut self, now: Offset, drain: Duration) -> bool {
        let stopped = self.stop() < self.schedule_end;
        let patience = if stopped { LATENESS_MIN } else { drain.max(LATENESS_MIN) };
        now >= self.ended() + patience && self.next_due().is_some_and(|due| now >= due + patience)
    }

    /// The next slot if it is due and so before `end`, with its entry of the mix and whether it counts.
    pub(super) fn take(&mut self, now: Offset, end: Offset) -> Option<(Slot, usize, bool)> {
        self.next_due().filter(|&due| due <= now && due < end)?;
        let slot = self.slots.next()?;
        self.taken = slot.index + 1;
        Some((slot, self.mix.request(slot.index), slot.due >= self.warmup))
    }
}
