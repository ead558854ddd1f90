//! [`Recorder`]: a worker's own tally and current window.
//!
//! Only the worker's thread touches it; it leaves the thread by value, the window at each tick and the
//! tally at the end.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::engine::leg::Leg;
use crate::load::expect::Amiss;
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
            let part = self.turns.borrow().partition_point(|turn| *turn <= sample.due);
            self.parts.borrow_mut()[part].record(sample);
            if self.sampling.get().keeps(sample) {
                self.window.borrow_mut().samples.push(*sample);
            }
        }
    }

    /// Enters what was amiss with an answer.
    pub(super) fn amiss(&self, request: usize, amiss: Amiss, measured: bool) {
        if measured && !amiss.is_empty() {
            self.latest(|part| part.record_amiss(request, amiss));
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

    /// What has no due instant of its own counts after the last turn.
    fn latest(&self, enter: impl FnOnce(&mut Tally)) {
        if let Some(part) = self.parts.borrow_mut().last_mut() {
            enter(part);
        }
    }

    /// Hands over the window that closes at `end` and begins the next.
    pub(super) fn close_window(&self, gauges: Gauges, end: Offset, warmup: Duration) -> Window {
        let mut window = self.window.take();
        // The next window ends about as many slots.
        self.window.borrow_mut().ended.reserve(window.ended.len());
        window.gauges = gauges;
        self.warming.set(end.since(Offset::ZERO) < warmup);
        window
    }

    /// Hands over the tallies, of each part its own.
    pub(super) fn take_parts(&self) -> Vec<Tally> {
        self.turns.borrow_mut().clear();
        self.parts.replace(vec![Tally::new(self.requests)])
    }
}
