//! [`Recorder`]: a worker's own tally and current window.
//!
//! Only the worker's thread touches it; it leaves the thread by value, the window at each tick and the
//! tally at the end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use crate::engine::leg::Leg;
use crate::engine::seat::Job;
use crate::load::expect::Amiss;
use crate::load::plan::ReceiveClock;
use crate::measure::failure::Reason;
use crate::measure::fate::Fate;
use crate::measure::flow::Milestone;
use crate::measure::late::Wakes;
use crate::measure::pauses::Pauses;
use crate::measure::sample::{Sample, SetUp};
use crate::measure::sampling::Sampling;
use crate::measure::tally::{Opening, Tally};
use crate::measure::traffic::Span;
use crate::measure::window::{Gauges, Window};
use crate::time::Offset;
use crate::transport::clock::Clock;

/// Longer bodies may not fit into a socket's buffer: whoever does not read holds the sender up. The window
/// that Linux begins with.
const BUFFERED_MAX: u64 = 64 * 1024;

/// Where a worker's samples go.
pub(super) struct Recorder {
    clock: Cell<Clock>,
    slow_after: Cell<Duration>,
    sampling: Cell<Sampling>,
    /// The measured part of the leg, as far as it is known yet.
    span: Cell<Span>,
    /// What a slot may take from its due instant.
    deadline: Option<Duration>,
    /// Pauses of this worker that are still felt.
    wakes: RefCell<Wakes>,
    /// Pauses of this worker while something was under way.
    pauses: Rc<RefCell<Pauses>>,
    /// Who tells when its answers arrive.
    receive_clock: Cell<ReceiveClock>,
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
            span: Cell::new(Span::ALL),
            deadline: None,
            wakes: RefCell::default(),
            pauses: Rc::default(),
            receive_clock: Cell::default(),
            parts: RefCell::new(vec![Tally::new(requests)]),
            turns: RefCell::default(),
            requests,
            window: RefCell::default(),
            ended_window: RefCell::default(),
            spare: RefCell::default(),
            warming: Cell::new(false),
        }
    }

    /// The same where slots have a deadline.
    pub(super) fn with_deadline(self, deadline: Option<Duration>) -> Self {
        Self { deadline, ..self }
    }

    /// The same with what is known of the worker's pauses.
    pub(super) fn with_pauses(self, pauses: Rc<RefCell<Pauses>>) -> Self {
        Self { pauses, ..self }
    }

    /// Learns who tells when answers arrive.
    pub(super) fn arrivals_by(&self, clock: ReceiveClock) {
        self.receive_clock.set(clock);
    }

    /// Begins a leg.
    pub(super) fn begin(&self, clock: Clock, leg: &Leg) {
        self.clock.set(clock);
        self.slow_after.set(leg.slow_after);
        self.sampling.set(leg.sampling);
        self.wakes.borrow_mut().clear();
        self.span.set(Span { begin: Offset::ZERO + leg.warmup, end: leg.schedule.end() });
        self.warming.set(!leg.warmup.is_zero());
        self.window.borrow_mut().clear();
        self.ended_window.take();
    }

    /// Counts apart what is due from `at` on.
    pub(super) fn turn(&self, at: Offset) {
        self.turns.borrow_mut().push(at);
        self.parts.borrow_mut().push(Tally::new(self.requests));
    }

    /// Learns when arrivals end or ended, as things stand: turns, a stop, and steps of flows that come due
    /// late all move it.
    pub(super) fn arrivals_end(&self, end: Offset) {
        let span = self.span.get();
        if end > span.end {
            self.parts.borrow_mut().iter_mut().for_each(Tally::prolong);
        }
        self.span.set(Span { end, ..span });
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

    /// Notes when a slot was taken up.
    pub(super) fn took_up(&self, due: Offset, taken: Offset) {
        self.wakes.borrow_mut().took_up(due, taken);
    }

    /// Notes that the late policy gives up a slot to which this worker came late.
    pub(super) fn shed_late(&self, request: usize, measured: bool) {
        if measured {
            self.latest(|part| part.record_lost_late(request));
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
        } else {
            self.window.borrow_mut().record_carried(sample, Some(self.slow_after.get()));
        }
        let part = &mut self.parts.borrow_mut()[self.part_of(sample)];
        if measured {
            let wake = self.wakes.borrow().delay(sample.due);
            let lag = sample.dispatch_lag().unwrap_or_default().max(wake);
            let delay = lag + self.paused(sample);
            part.record_within(sample, self.span.get(), delay);
            if self.lost_late(sample, delay) {
                part.record_lost_late(sample.request);
            }
            if self.sampling.get().keeps(sample) {
                self.window.borrow_mut().samples.push(*sample);
            }
        } else {
            part.record_carried(sample, self.span.get());
        }
    }

    /// Says why a slot that has been entered failed.
    pub(super) fn explain(&self, sample: &Sample, measured: bool, reason: impl FnOnce() -> Reason) {
        if measured {
            self.parts.borrow_mut()[self.part_of(sample)].explain(sample, reason);
        }
    }

    /// How much of a slot's time, beside its lag, may be pauses of this worker's: while it waited for a
    /// connection, which goes on only when this program does; and while it waited for its answer, where
    /// the kernel does not say when that arrived, or its length made the server wait to be read.
    fn paused(&self, sample: &Sample) -> Duration {
        let (clock, pauses) = (self.clock.get(), self.pauses.borrow());
        let within = |begin, end| pauses.within(clock.monotonic(begin), clock.monotonic(end));
        let Some(taken) = sample.taken else { return Duration::ZERO };
        let Some(sent) = sample.sent else { return within(taken, sample.done) };
        let stamped = self.receive_clock.get() == ReceiveClock::Kernel;
        let waited = !sample.wait.total().is_zero();
        let begin = if waited { taken } else { sent };
        let end = if stamped && sample.bytes <= BUFFERED_MAX { sent } else { sample.done };
        if begin < end { within(begin, end) } else { Duration::ZERO }
    }

    /// Whether a slot missed its deadline of which the generator had left it no half.
    fn lost_late(&self, sample: &Sample, delay: Duration) -> bool {
        let missed = |deadline| sample.response_time() >= deadline && 2 * delay >= deadline;
        sample.fate == Fate::Timeout && self.deadline.is_some_and(missed)
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

    /// Enters a request that is sent once more.
    pub(super) fn repeated(&self, request: usize, measured: bool) {
        if measured {
            self.latest(|part| part.record_repeat(request));
        }
    }

    /// Enters so many interim answers to a request.
    pub(super) fn interim(&self, request: usize, count: u32, measured: bool) {
        if measured && count > 0 {
            self.latest(|part| part.record_interim(request, count));
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
    use crate::engine::Pacing;
    use crate::engine::leg::Steerable;
    use crate::load::rate::Rate;
    use crate::load::schedule::{Arrivals, Horizon, Schedule};
    use crate::measure::sample::Wait;
    use crate::measure::traffic::Events;

    fn seconds(seconds: u64) -> Offset {
        Offset::ZERO + Duration::from_secs(seconds)
    }

    /// A warm-up of a second and a measurement of two.
    fn leg() -> Leg {
        Leg {
            schedule: Schedule {
                rate: Rate::per_second(1).unwrap(),
                stages: None,
                trace: None,
                arrivals: Arrivals::Constant,
                seed: 1,
                horizon: Horizon::after(Duration::from_secs(3)),
            },
            warmup: Duration::from_secs(1),
            drain: Duration::ZERO,
            slow_after: Duration::MAX,
            sampling: Sampling::default(),
            pacing: Pacing::Precise,
            steerable: Steerable::No,
            ordered_at: Duration::ZERO,
        }
    }

    /// A good answer to a slot due then, sent at once.
    fn answered(due: Offset, done: Offset) -> Sample {
        Sample {
            taken: Some(due),
            wait: Wait::default(),
            sent: Some(due),
            ..Sample::unsent(0, due, Fate::Ok, done)
        }
    }

    #[test]
    fn rates_are_those_of_the_measured_span() {
        let recorder = Recorder::new(1);
        recorder.begin(Clock::starting_at(0), &leg());
        recorder.ended(&answered(seconds(0), seconds(0)), false);
        recorder.ended(&answered(seconds(0), seconds(1)), false);
        recorder.ended(&answered(seconds(1), seconds(2)), true);
        recorder.ended(&answered(seconds(2), seconds(4)), true);
        let part = recorder.take_parts().remove(0).all_requests();
        assert_eq!(part.fates.ok(), 2, "slots of the warm-up are in no ledger");
        assert_eq!(part.traffic.within, Events { sent: 2, ended: 2, good: 2 });
        assert_eq!(part.traffic.after, Events { sent: 0, ended: 1, good: 1 });
    }

    #[test]
    fn an_answer_to_the_warm_up_that_comes_after_it_is_no_silence() {
        let recorder = Recorder::new(1);
        recorder.begin(Clock::starting_at(0), &leg());
        recorder.ended(&answered(seconds(0), seconds(0)), false);
        recorder.end_window(seconds(1), leg().warmup);
        let warming = recorder.hand_over(Gauges::default()).expect("it has ended");
        recorder.ended(&answered(seconds(0), seconds(2)), false);
        recorder.ended(&answered(seconds(1), seconds(2)), true);
        recorder.end_window(seconds(2), leg().warmup);
        let measured = recorder.hand_over(Gauges::default()).expect("it has ended");
        let counts =
            |window: &Window| (window.fates.ok(), window.carried.ok, window.carried.failed);
        assert_eq!([counts(&warming), counts(&measured)], [(1, 0, 0), (1, 1, 0)]);
    }

    #[test]
    fn a_slot_on_time_in_the_wake_of_a_pause_is_spared_it() {
        let recorder = Recorder::new(1);
        recorder.begin(Clock::starting_at(0), &leg());
        let (pause, ms) = (seconds(1), Duration::from_millis);
        recorder.took_up(pause, pause + ms(150));
        for due in [pause + ms(200), pause + ms(2_000)] {
            recorder.took_up(due, due);
            recorder.ended(&answered(due, due + ms(120)), true);
        }
        let part = recorder.take_parts().remove(0).all_requests();
        assert_eq!(part.fates.ok(), 2);
        assert!(part.late.spares_quantile(&part.response_time, 0.5, ms(100)));
        assert!(!part.late.spares_quantile(&part.response_time, 1.0, ms(100)));
    }

    #[test]
    fn a_pause_is_ours_while_a_slot_waits_and_where_its_answer_shows_it_late() {
        use ReceiveClock::{Kernel, User};
        let ms = Duration::from_millis;
        let at = |millis| seconds(1) + ms(millis);
        // From 20 to 120 ms and from 200 to 300 ms after a slot was due, its worker stood still.
        let pauses = Rc::<RefCell<Pauses>>::default();
        for beat in [0, 20, 120, 140, 160, 180, 200, 300, 320] {
            pauses.borrow_mut().beat(at(beat).as_nanos());
        }
        let waited = |bytes| Sample {
            taken: Some(at(0)),
            wait: Wait::within(ms(150), SetUp::default()),
            sent: Some(at(150)),
            bytes,
            ..Sample::unsent(0, at(0), Fate::Ok, at(310))
        };
        let idle = |bytes| Sample { wait: Wait::default(), sent: Some(at(0)), ..waited(bytes) };
        let table = [
            (Kernel, idle(2), 0),
            (Kernel, idle(BUFFERED_MAX + 1), 200),
            (User, idle(2), 200),
            (Kernel, waited(2), 100),
            (User, waited(2), 200),
            (Kernel, Sample::unsent(0, at(0), Fate::Unsent, at(310)), 0),
            (Kernel, Sample { sent: None, fate: Fate::Timeout, ..waited(0) }, 200),
        ];
        for (clock, sample, expected) in table {
            let recorder = Recorder::new(1).with_pauses(Rc::clone(&pauses));
            recorder.begin(Clock::starting_at(0), &leg());
            recorder.arrivals_by(clock);
            assert_eq!(recorder.paused(&sample), ms(expected), "{clock:?}: {sample:?}");
        }
    }

    #[test]
    fn a_deadline_that_a_pause_used_up_was_not_missed_by_the_target() {
        let ms = Duration::from_millis;
        for (late, lost) in [(0, 0), (40, 0), (60, 1)] {
            let recorder = Recorder::new(1).with_deadline(Some(ms(100)));
            recorder.begin(Clock::starting_at(0), &leg());
            let sent = seconds(1) + ms(late);
            let missed = answered(sent, seconds(1) + ms(100));
            let missed = Sample { due: seconds(1), fate: Fate::Timeout, ..missed };
            recorder.ended(&missed, true);
            let part = recorder.take_parts().remove(0).all_requests();
            assert_eq!((part.fates.of(Fate::Timeout), part.own_errors()), (1, lost), "{late}");
        }
    }

    #[test]
    fn what_ended_before_the_last_step_of_a_flow_ended_in_time() {
        let recorder = Recorder::new(1);
        recorder.begin(Clock::starting_at(0), &leg());
        recorder.ended(&answered(seconds(2), seconds(4)), true);
        recorder.arrivals_end(seconds(5));
        recorder.ended(&answered(seconds(5), seconds(6)), true);
        let traffic = recorder.take_parts().remove(0).all_requests().traffic;
        assert_eq!((traffic.within.good, traffic.after.good), (1, 1));
    }

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
