//! [`Window`]: what one worker saw in one interval, and [`Interval`], the same over all workers.
//!
//! A window counts events by the instant they happen (due, sent, ended), so within one interval the
//! three may differ; over the whole run they add up.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use crate::measure::answering::Answering;
use crate::measure::fate::{Fate, FateCounts, TransportError};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::sample::Sample;
use crate::measure::slice::Ended;
use crate::time::Offset;

/// Levels at the instant an interval closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Requests sent and unanswered.
    pub in_flight: u64,
    /// Requests due that wait for a connection.
    pub waiting: u64,
    /// Unanswered requests, sent or waiting, that are already older than the tightest limit.
    pub overdue: u64,
}

impl Gauges {
    /// The level over two workers at the same instant.
    fn beside(self, other: Self) -> Self {
        Self {
            in_flight: self.in_flight + other.in_flight,
            waiting: self.waiting + other.waiting,
            overdue: self.overdue + other.overdue,
        }
    }

    /// The peak over two instants.
    fn peak(self, other: Self) -> Self {
        Self {
            in_flight: self.in_flight.max(other.in_flight),
            waiting: self.waiting.max(other.waiting),
            overdue: self.overdue.max(other.overdue),
        }
    }
}

/// Slots of the warm-up that ended after it: they are in no figure of the load, but a target that answers them is
/// not silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Answered well.
    pub ok: u64,
    /// Of those, the ones that took longer than the tightest limit.
    pub slow: u64,
    /// Ended in any other way.
    pub failed: u64,
    /// Of those, the ones never answered.
    pub unanswered: u64,
}

impl Carried {
    fn record(&mut self, sample: &Sample, limit: Option<Duration>) {
        if sample.fate == Fate::Ok {
            self.ok += 1;
            self.slow += u64::from(limit.is_some_and(|limit| sample.response_time() > limit));
        } else {
            self.failed += 1;
            self.unanswered += u64::from(!sample.answered());
        }
    }
}

impl AddAssign for Carried {
    fn add_assign(&mut self, other: Self) {
        self.ok += other.ok;
        self.slow += other.slow;
        self.failed += other.failed;
        self.unanswered += other.unanswered;
    }
}

/// What happened within one interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Slots that came due.
    pub planned: u64,
    /// Slots that ended, by fate.
    pub fates: FateCounts,
    /// Slots of the warm-up that ended after it.
    pub carried: Carried,
    /// Broken exchanges by [`TransportError::index`].
    pub errors: [u64; TransportError::COUNT],
    /// Answers with a status that was not expected, by it.
    pub bad_statuses: BTreeMap<u16, u64>,
    /// Good answers that took longer than the tightest limit.
    pub slow: u64,
    /// Of slots that ended: good answers, and ages of those never answered.
    pub response_time: CensoredHistogram,
    /// Requests that were sent, by when they were, answered or not.
    pub sent: u64,
    /// Of slots that ended and were sent.
    pub send_lag: LatencyHistogram,
    /// Levels at the close.
    pub gauges: Gauges,
    /// When answers came, and which exchanges took long.
    pub answering: Answering,
    /// Each slot that ended, in no order, for whoever tells request names apart. No longer than what can
    /// be in flight and come due within the interval.
    pub ended: Vec<Ended>,
    /// Of those, the ones that are kept whole.
    pub samples: Vec<Sample>,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            planned: 0,
            fates: FateCounts::default(),
            carried: Carried::default(),
            errors: [0; TransportError::COUNT],
            bad_statuses: BTreeMap::new(),
            slow: 0,
            response_time: CensoredHistogram::passing(),
            sent: 0,
            send_lag: LatencyHistogram::passing(),
            gauges: Gauges::default(),
            answering: Answering::default(),
            ended: Vec::new(),
            samples: Vec::new(),
        }
    }
}

impl Window {
    /// Enters that `slots` came due.
    pub fn record_due(&mut self, slots: u64) {
        self.planned += slots;
    }

    /// Enters that a request is on its way.
    pub fn record_sent(&mut self) {
        self.sent += 1;
    }

    /// Takes one back that came to nothing; it may have counted in the window before.
    pub fn take_back_sent(&mut self) {
        self.sent = self.sent.saturating_sub(1);
    }

    /// Enters a slot that has ended and was sent `lag` after it was due.
    pub fn record_lag(&mut self, lag: Duration) {
        self.send_lag.record(lag);
    }

    /// Enters a slot that has ended; `limit` is the tightest limit on the response time, if any.
    pub fn record_ended(&mut self, sample: &Sample, limit: Option<Duration>) {
        self.fates.record(sample.fate);
        match (sample.fate, sample.status) {
            (Fate::TransportError(kind), _) => self.errors[kind.index()] += 1,
            (Fate::BadStatus, Some(status)) => *self.bad_statuses.entry(status).or_default() += 1,
            _ => {}
        }
        let time = sample.response_time();
        self.answering.record(sample);
        self.ended.push(Ended::of(sample));
        if sample.fate == Fate::Ok {
            self.response_time.answered.record(time);
            self.slow += u64::from(limit.is_some_and(|limit| time > limit));
        } else if !sample.answered() {
            self.response_time.unanswered.record(time);
        }
    }

    /// Enters a slot of the warm-up that has ended after it.
    pub fn record_carried(&mut self, sample: &Sample, limit: Option<Duration>) {
        self.carried.record(sample, limit);
        // The target that answers it does not stand still.
        self.answering.record(sample);
    }

    /// Adds another worker's window of the same interval.
    pub fn merge(&mut self, other: &Self) {
        self.add_counts(other);
        self.gauges = self.gauges.beside(other.gauges);
    }

    /// Adds the window that follows in time; gauges become their peak.
    pub fn append(&mut self, later: &Self) {
        self.add_counts(later);
        self.gauges = self.gauges.peak(later.gauges);
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.planned = 0;
        self.fates = FateCounts::default();
        self.carried = Carried::default();
        self.errors = [0; TransportError::COUNT];
        self.bad_statuses.clear();
        self.slow = 0;
        self.response_time.clear();
        self.sent = 0;
        self.send_lag.clear();
        self.gauges = Gauges::default();
        self.answering.clear();
        self.ended.clear();
        self.samples.clear();
    }

    fn add_counts(&mut self, other: &Self) {
        self.planned += other.planned;
        self.fates += &other.fates;
        self.carried += other.carried;
        for (ours, theirs) in self.errors.iter_mut().zip(other.errors) {
            *ours += theirs;
        }
        for (status, count) in &other.bad_statuses {
            *self.bad_statuses.entry(*status).or_default() += count;
        }
        self.slow += other.slow;
        self.response_time.merge(&other.response_time);
        self.sent += other.sent;
        self.send_lag.merge(&other.send_lag);
        self.answering.merge(&other.answering);
        self.ended.extend_from_slice(&other.ended);
        self.samples.extend_from_slice(&other.samples);
    }
}

/// One closed interval over all workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// When it closed.
    pub end: Offset,
    /// From its opening to its close.
    pub length: Duration,
    /// What happened within.
    pub window: Window,
}

impl Interval {
    /// Adds the interval that follows in time.
    pub fn append(&mut self, later: &Self) {
        self.end = later.end;
        self.length += later.length;
        self.window.append(&later.window);
    }

    /// Counts its instants from the end of `warmup` on.
    pub fn count_from(&mut self, warmup: Duration) {
        self.end = self.end - warmup;
        if let Some((first, last)) = &mut self.window.answering.answers {
            (*first, *last) = (*first - warmup, *last - warmup);
        }
    }

    /// When the last answer came; its end where that is not kept.
    pub fn last_answer(&self) -> Offset {
        self.window.answering.answers.map_or(self.end, |(_, last)| last.min(self.end))
    }

    /// Requests sent per second; 0 for an interval without length.
    pub fn achieved(&self) -> f64 {
        per_second(self.window.sent, self.length)
    }
}

/// `count` per second of `length`; 0 if there is no length.
pub(crate) fn per_second(count: u64, length: Duration) -> f64 {
    if length.is_zero() { 0.0 } else { count as f64 / length.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sample::Wait;

    #[test]
    fn an_answer_to_the_warm_up_that_comes_after_it_is_an_answer() {
        let (mut window, done) = (Window::default(), Offset::from_nanos(2_800_000_000));
        let sample = Sample::unsent(0, Offset::from_nanos(1_900_000_000), Fate::Ok, done);
        window.record_carried(&Sample { sent: Some(sample.due), ..sample }, None);
        assert_eq!(window.answering.answers, Some((done, done)), "no standstill until then");
        assert_eq!(window.fates.planned(), 0);
    }

    fn window(in_flight: u64) -> Window {
        let mut window = Window::default();
        window.record_due(3);
        window.record_sent();
        window.record_lag(Duration::from_micros(20));
        let sample = Sample {
            request: 0,
            due: Offset::ZERO,
            taken: Some(Offset::ZERO),
            wait: Wait::default(),
            sent: Some(Offset::ZERO),
            first_byte: None,
            done: Offset::from_nanos(2_000_000),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 0,
        };
        let limit = Some(Duration::from_millis(1));
        window.record_ended(&sample, limit);
        window.record_ended(&Sample { fate: Fate::Timeout, ..sample }, limit);
        window.record_ended(&Sample { fate: Fate::BadStatus, ..sample }, limit);
        let reset = Fate::TransportError(TransportError::Reset);
        window.record_ended(&Sample { fate: reset, ..sample }, limit);
        window.gauges = Gauges { in_flight, waiting: 1, overdue: 0 };
        window
    }

    #[test]
    fn workers_add_up_and_neighbours_keep_the_peak() {
        let mut beside = window(4);
        beside.merge(&window(7));
        assert_eq!((beside.planned, beside.sent, beside.slow), (6, 2, 2));
        assert_eq!((beside.gauges.in_flight, beside.gauges.waiting), (11, 2));
        assert_eq!((beside.response_time.answered.count(), beside.fates.planned()), (2, 8));
        assert_eq!(beside.errors[TransportError::Reset.index()], 2);
        assert_eq!(beside.bad_statuses, BTreeMap::from([(200, 2)]));

        let interval = |end_s: u64, window| Interval {
            end: Offset::from_nanos(end_s * 1_000_000_000),
            length: Duration::from_secs(1),
            window,
        };
        let mut first = interval(1, window(4));
        first.append(&interval(2, window(7)));
        assert_eq!((first.end.as_nanos(), first.length.as_secs()), (2_000_000_000, 2));
        assert_eq!((first.window.gauges.in_flight, first.window.planned), (7, 6));
        assert!((first.achieved() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn clear_leaves_nothing_behind() {
        let mut used = window(4);
        used.clear();
        assert_eq!(used, Window::default());
    }
}
