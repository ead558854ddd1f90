//! [`SeriesBuilder`]: the run over time, reduced to a bounded number of points. What is judged of its course is
//! judged from them, and the result holds them as they are.
//!
//! The length of a point is fixed from the planned duration before the run; intervals are merged without
//! loss before they are reduced to figures, so a long point is as honest as a short one.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::histogram::Quantile;
use crate::measure::millionths::millionths;
use crate::measure::silence::{QuietEnd, Silence};
use crate::measure::window::Interval;
use crate::time::{Offset, whole_nanos};

/// Points a series holds at most: an hour at one a second.
pub const POINTS_MAX: usize = 3_600;

/// What happened within one point of the series. Times in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesPoint {
    /// End of the point, ns since the start.
    pub t: u64,
    /// Its length in ns.
    pub length: u64,
    /// Slots that came due.
    pub planned: u64,
    /// Good answers.
    pub ok: u64,
    /// Slots that ended otherwise.
    pub failed: u64,
    /// Requests sent per second.
    pub achieved: f64,
    /// Requests sent and unanswered, at the worst close of an interval.
    pub in_flight: u64,
    /// Requests that waited for a connection, at the worst close of an interval.
    pub waiting: u64,
    /// Median response time.
    pub p50: u64,
    /// 95th percentile of the response time.
    pub p95: u64,
    /// 99th percentile of the response time.
    pub p99: u64,
    /// Entries of these that were never answered; quantiles among them are lower bounds.
    pub censored: u64,
    /// 99th percentile of the send lag.
    pub send_lag_p99: u64,
}

impl From<&Interval> for SeriesPoint {
    fn from(interval: &Interval) -> Self {
        let window = &interval.window;
        let response = |q| whole_nanos(window.response_time.quantile(q).value);
        Self {
            t: interval.end.as_nanos(),
            length: whole_nanos(interval.length),
            planned: window.planned,
            ok: window.fates.ok(),
            failed: window.fates.failed(),
            achieved: millionths(interval.achieved()),
            in_flight: window.gauges.in_flight,
            waiting: window.gauges.waiting,
            p50: response(0.5),
            p95: response(0.95),
            p99: response(0.99),
            censored: window.response_time.unanswered.count(),
            send_lag_p99: whole_nanos(window.send_lag.quantile(0.99)),
        }
    }
}

impl SeriesPoint {
    /// The point's end, since the start of the measurement.
    pub const fn end(&self) -> Offset {
        Offset::from_nanos(self.t)
    }

    /// The point's beginning, since the start of the measurement.
    pub fn begin(&self) -> Offset {
        self.end() - self.span()
    }

    /// The point's length.
    pub const fn span(&self) -> Duration {
        Duration::from_nanos(self.length)
    }

    /// Response times p50, p95 and p99, each with whether it is only known from below: entries that were
    /// never answered rank behind all others.
    pub fn times(&self) -> [Quantile; 3] {
        let entries = (self.ok + self.censored) as f64;
        [(0.5, self.p50), (0.95, self.p95), (0.99, self.p99)].map(|(share, ns)| Quantile {
            value: Duration::from_nanos(ns),
            at_least: (share * entries).ceil() > self.ok as f64,
        })
    }
}

#[cfg(test)]
impl SeriesPoint {
    /// The point that ends with this second of a run, in which every request took `ns`. No slot is counted.
    pub(crate) fn example(second: u64, ns: u64) -> Self {
        let length = 1_000_000_000;
        Self { t: second * length, length, p50: ns, p95: ns, p99: ns, ..Self::default() }
    }
}

/// Turns intervals into a series.
#[derive(Debug)]
pub struct SeriesBuilder {
    point_length: Duration,
    open: Option<Interval>,
    points: Vec<SeriesPoint>,
    quiet: QuietEnd,
}

impl SeriesBuilder {
    /// For a run that is planned to last `duration`. Past it, everything goes into the last point.
    pub fn new(duration: Duration) -> Self {
        let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
        let point_length = Duration::from_secs(seconds.div_ceil(POINTS_MAX as u64).max(1));
        Self { point_length, open: None, points: Vec::new(), quiet: QuietEnd::default() }
    }

    /// Length of a point.
    pub const fn point_length(&self) -> Duration {
        self.point_length
    }

    /// Takes the next interval.
    pub fn push(&mut self, interval: &Interval) {
        self.quiet.observe(interval);
        let open = match &mut self.open {
            Some(open) => {
                open.append(interval);
                open
            }
            None => self.open.insert(interval.clone()),
        };
        // Timers are not exact: an interval short of a second by microseconds still completes a point.
        let full = open.length + interval.length / 2 >= self.point_length;
        if full && self.points.len() + 1 < POINTS_MAX {
            self.points.push(SeriesPoint::from(&*open));
            self.open = None;
        }
    }

    /// The stretch at the end in which nothing was answered although requests were due, if it lasted.
    pub fn silence(&self) -> Option<Silence> {
        self.quiet.silence()
    }

    /// The series so far.
    pub fn finish(self) -> Vec<SeriesPoint> {
        let mut points = self.points;
        points.extend(self.open.as_ref().map(SeriesPoint::from));
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::{Fate, FateCounts, TransportError};
    use crate::measure::window::{Gauges, Window};

    fn interval(second: u64, fate: Fate) -> Interval {
        let mut window = Window { planned: 2, ..Window::default() };
        window.fates.record(fate);
        window.fates.record(fate);
        if let Fate::TransportError(kind) = fate {
            window.errors[kind.index()] += 2;
        }
        window.response_time.answered.record(Duration::from_millis(second));
        window.record_sent();
        window.record_lag(Duration::from_micros(5));
        window.gauges = Gauges { in_flight: second, waiting: 0, overdue: 0 };
        let end = Offset::from_nanos((second + 1) * 1_000_000_000);
        // A little short, as a real timer may leave it.
        Interval { end, length: Duration::from_micros(999_900), window }
    }

    #[test]
    fn a_point_is_a_second_up_to_an_hour_and_longer_after() {
        for (seconds, length) in
            [(0, 1), (60, 1), (3_600, 1), (3_601, 2), (86_400, 24), (604_800, 168)]
        {
            let builder = SeriesBuilder::new(Duration::from_secs(seconds));
            assert_eq!(builder.point_length(), Duration::from_secs(length), "{seconds}");
        }
    }

    #[test]
    fn intervals_merge_before_they_are_reduced() {
        let mut builder = SeriesBuilder::new(Duration::from_secs(2 * POINTS_MAX as u64));
        for second in 0..5 {
            builder.push(&interval(second, Fate::Ok));
        }
        let points = builder.finish();
        assert_eq!(points.iter().map(|point| point.planned).collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(points.iter().map(|point| point.in_flight).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(points[1].t, 4_000_000_000);
        assert!(points[1].p95.abs_diff(3_000_000) < 4_000, "{}", points[1].p95);
    }

    #[test]
    fn a_run_that_overstays_keeps_its_bound_and_its_counts() {
        let mut builder = SeriesBuilder::new(Duration::from_secs(10));
        let total = POINTS_MAX as u64 + 50;
        let one = interval(1, Fate::Ok);
        for _ in 0..total {
            builder.push(&one);
        }
        let points = builder.finish();
        assert_eq!(points.len(), POINTS_MAX);
        assert_eq!(points.iter().map(|point| point.ok).sum::<u64>(), 2 * total);
    }

    #[test]
    fn silence_counts_only_at_the_end_and_if_it_lasts() {
        let mut builder = SeriesBuilder::new(Duration::from_mins(1));
        let lost = Fate::TransportError(TransportError::ConnectRefused);
        let script = [Fate::Ok, lost, lost, lost, Fate::Ok, lost, Fate::Open, Fate::Timeout];
        for (second, fate) in script.into_iter().enumerate() {
            builder.push(&interval(second as u64, fate));
            assert_eq!(builder.silence().is_some(), [3, 7].contains(&second), "{second}");
        }
        builder.push(&interval(8, lost));
        let silence = builder.silence().expect("three lost intervals since the last answer");
        assert_eq!(silence.since, Offset::from_nanos(5_000_000_000), "when the last answer was");
        let refused = silence.errors[TransportError::ConnectRefused.index()];
        assert_eq!((silence.planned, silence.timeouts, refused), (8, 2, 4));
    }

    #[test]
    fn a_silence_begins_with_the_last_answer_and_not_with_the_end_of_its_interval() {
        let mut builder = SeriesBuilder::new(Duration::from_mins(1));
        let warmup = Duration::from_secs(5);
        let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
        for second in 5..9 {
            let mut answered = interval(second, Fate::Ok);
            answered.window.answering.answers = Some((at(second * 1_000), at(second * 1_000 + 70)));
            answered.count_from(warmup);
            builder.push(&answered);
        }
        let lost = Fate::TransportError(TransportError::ConnectRefused);
        (4..8).for_each(|second| builder.push(&interval(second, lost)));
        assert_eq!(builder.silence().map(|silence| silence.since), Some(at(3_070)));
    }

    #[test]
    fn what_a_drain_waits_for_in_vain_is_no_silence() {
        let mut builder = SeriesBuilder::new(Duration::from_mins(1));
        (0..4).for_each(|second| builder.push(&interval(second, Fate::Ok)));
        for second in 4..9 {
            let mut drain = interval(second, Fate::Timeout);
            drain.window.planned = 0;
            builder.push(&drain);
        }
        assert_eq!(builder.silence(), None);
    }

    #[test]
    fn timeouts_count_from_the_last_answer_and_not_from_when_their_time_was_up() {
        let mut builder = SeriesBuilder::new(Duration::from_mins(1));
        let quiet = |second: u64| {
            let mut quiet = interval(second, Fate::Ok);
            quiet.window.fates = FateCounts::default();
            quiet
        };
        (0..4).for_each(|second| builder.push(&interval(second, Fate::Ok)));
        (4..6).for_each(|second| builder.push(&quiet(second)));
        (6..10).for_each(|second| builder.push(&interval(second, Fate::Timeout)));
        let since = builder.silence().map(|silence| silence.since);
        assert_eq!(since, Some(Offset::from_nanos(4_000_000_000)));
    }
}
