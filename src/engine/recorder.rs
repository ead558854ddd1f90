//! [`Recorder`]: a worker's own tally and current window.
//!
//! Only the worker's thread touches it; it leaves the thread by value, the window at each tick and the
//! tally at the end.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::engine::leg::Leg;
use crate::engine::seat::Job;
use crate::load::expect::Amiss;
use crate::measure::failure::Reason;
use crate::measure::flow::Milestone;
use crate::measure::sample::{Sample, SetUp};
use crate::measure::sampling::Sampling;
use crate::measure::tally::{Opening, Tally};
use crate::measure::window::{Gauges, Window};
use crate::time::Offset;
use crate::transport::clock::Clock;

/// Where a worker's samples go.
pub(super) struct Recorder {
    clock: Cell<Clock>,
    slow_after: Cell<Duration>,
    sampling: Cell<Sampling>,
    /// One more than turns: what was due before the first, between two, after the last.
    parts: RefCell<Vec<Tally>>,
    /// When arrivals were turned, in order.
    turns: RefCell<Vec<Offset>>,
    /// The number of request names.
    requests: usize,
    window: RefCell<Window>,
    /// A window that has ended and not been handed over, with its end.
    ended_window: RefCell<Option<(Offset, Window)>>,
    /// The window after the current one, with its memory.
    spare: RefCell<Option<Window>>,
    /// Whether the current window lies in the warm-up.
    warming: Cell<bool>,
}

impl Recorder {
    pub(super) fn new(requests: usize) -> Self {
        Self {
            clock: Cell::new(Clock::starting_at(0)),
            slow_after: Cell::new(Duration::MAX),
            sampling: Cell::default(),
            parts: RefCell::new(vec![Tally::new(requests)]),
            turns: RefCell::default(),
            requests,
            window: RefCell::default(),
            ended_window: RefCell::default(),
            spare: RefCell::default(),
            warming: Cell::new(false),
        }
    }

    /// Begins a leg.
    pub(super) fn begin(&self, clock: Clock, leg: &Leg) {
        self.clock.set(clock);
        self.slow_after.set(leg.slow_after);
        self.sampling.set(leg.sampling);
        self.warming.set(!leg.warmup.is_zero());
        self.window.borrow_mut().clear();
        self.ended_window.take();
    }

    /// Counts apart what is due from `at` on.
    pub(super) fn turn(&self, at: Offset) {
        self.turns.borrow_mut().push(at);
        self.parts.borrow_mut().push(Tally::new(self.requests));
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.get()
    }

    pub(super) fn slow_after(&self) -> Duration {
        self.slow_after.get()
    }

    /// Notes that a slot came due.
    pub(super) fn due(&self, measured: bool) {
        if measured || self.warming.get() {
            self.window.borrow_mut().record_due(1);
        }
    }

    /// Notes that a slot's request is on its way.
    pub(super) fn sending(&self, measured: bool) {
        if measured || self.warming.get() {
            self.window.borrow_mut().record_sent();
        }
    }

    /// Notes that nothing came of that.
    pub(super) fn not_sent(&self, measured: bool) {
        if measured || self.warming.get() {
            self.window.borrow_mut().take_back_sent();
        }
    }

    /// Enters a slot that has ended.
    pub(super) fn ended(&self, sample: &Sample, measured: bool) {
        if measured || self.warming.get() {
            let mut window = self.window.borrow_mut();
            if let Some(lag) = sample.send_lag() {
                window.record_lag(lag);
            }
            window.record_ended(sample, Some(self.slow_after.get()));
        }
        if measured {
            self.parts.borrow_mut()[self.part_of(sample)].record(sample);
            if self.sampling.get().keeps(sample) {
                self.window.borrow_mut().samples.push(*sample);
            }
        }
    }

    /// Says why a slot that has been entered failed.
    pub(super) fn explain(&self, sample: &Sample, measured: bool, reason: impl FnOnce() -> Reason) {
        if measured {
            self.parts.borrow_mut()[self.part_of(sample)].explain(sample, reason);
        }
    }

    /// Enters what was amiss with an answer; `failed` is when that made its slot fail, if it did.
    pub(super) fn amiss(&self, job: &Job, amiss: Amiss, failed: Option<Offset>) {
        if job.measured && !amiss.is_empty() {
            self.latest(|part| part.record_amiss(job.request, amiss, failed));
        }
    }

    /// Enters a redirect that is followed.
    pub(super) fn redirected(&self, request: usize, measured: bool) {
        if measured {
            self.latest(|part| part.record_redirect(request));
        }
    }

    /// Enters what became of a flow; it counts if its first step does.
    pub(super) fn flow(&self, flow: usize, milestone: Milestone, measured: bool) {
        if measured {
            self.latest(|part| part.record_flow(flow, milestone));
        }
    }

    /// Enters how long opening a connection took.
    pub(super) fn connected(&self, set_up: SetUp, opening: Opening) {
        if self.warming.get() {
            return;
        }
        self.latest(|part| part.record_connect(set_up, opening));
    }

    fn part_of(&self, sample: &Sample) -> usize {
        self.turns.borrow().partition_point(|turn| *turn <= sample.due)
    }

    /// What has no due instant of its own counts after the last turn.
    fn latest(&self, enter: impl FnOnce(&mut Tally)) {
        if let Some(part) = self.parts.borrow_mut().last_mut() {
            enter(part);
        }
    }

    /// Ends the current window at `end`: whatever happens from here on is the next one's.
    ///
    /// It may fall on a due instant, so it only changes places. The rest is for [`Self::hand_over`],
    /// before which no other window may end.
    pub(super) fn end_window(&self, end: Offset, warmup: Duration) {
        let next = self.spare.take().unwrap_or_default();
        self.ended_window.replace(Some((end, self.window.replace(next))));
        self.warming.set(end.since(Offset::ZERO) < warmup);
    }

    /// The end of a window that waits to be handed over.
    pub(super) fn ended_at(&self) -> Option<Offset> {
        self.ended_window.borrow().as_ref().map(|(end, _)| *end)
    }

    /// Hands over the window that has ended, with the levels at that time.
    pub(super) fn hand_over(&self, gauges: Gauges) -> Option<Window> {
        let (_, mut window) = self.ended_window.take()?;
        // The window after next holds about as much; to grow it would cost time just after a due instant.
        let mut spare = window.clone();
        spare.clear();
        self.spare.replace(Some(spare));
        window.gauges = gauges;
        Some(window)
    }

    /// Hands over the tallies, of each part its own.
    pub(super) fn take_parts(&self) -> Vec<Tally> {
        self.turns.borrow_mut().clear();
        self.parts.replace(vec![Tally::new(self.requests)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_after_a_window_has_ended_is_the_next_ones() {
        let recorder = Recorder::new(1);
        let at = |ms| Offset::ZERO + Duration::from_millis(ms);
        recorder.due(true);
        assert_eq!((recorder.ended_at(), recorder.hand_over(Gauges::default())), (None, None));
        recorder.end_window(at(100), Duration::ZERO);
        recorder.due(true);
        recorder.due(true);
        assert_eq!(recorder.ended_at(), Some(at(100)));
        let gauges = Gauges { in_flight: 3, ..Gauges::default() };
        let first = recorder.hand_over(gauges).expect("it has ended");
        assert_eq!((first.planned, first.gauges), (1, gauges));
        assert_eq!(recorder.ended_at(), None, "once");
        recorder.end_window(at(200), Duration::ZERO);
        let second = recorder.hand_over(Gauges::default()).expect("it has ended");
        assert_eq!((second.planned, second.gauges), (2, Gauges::default()));
    }
}
