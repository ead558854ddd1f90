//! [`Running`]: what a load has come to so far, in counters that only grow and a few levels: what is
//! streamed out while it goes on.
//!
//! Fed with whole intervals. Bounded: so many request names, so many buckets each.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::fate::{Fate, FateCounts};
use crate::measure::slice::Ended;
use crate::measure::window::{Gauges, Interval, per_second};
use crate::time::whole_nanos;

/// Request names that are told apart; the last stands for all beyond.
pub const NAMES_MAX: usize = 200;
/// Upper bounds of the buckets of response times in µs, inclusive: six to a factor of ten.
pub const BOUNDS_US: [u64; 35] = [
    100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000,
    30_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000, 750_000, 1_000_000,
    1_500_000, 2_000_000, 3_000_000, 5_000_000, 7_500_000, 10_000_000, 15_000_000, 20_000_000,
    30_000_000, 60_000_000,
];
/// One more, for what lies above all of them and for what was never answered.
pub const BUCKETS: usize = BOUNDS_US.len() + 1;

/// Native buckets are so many to a factor of two, as a power of two: 2³, the usual choice, 9 % wide.
pub const NATIVE_SCHEMA: i32 = 3;
/// The native bucket above every number: where infinity goes, and so what was never answered.
pub const NATIVE_OVERFLOW: i32 = (f64::MAX_EXP << NATIVE_SCHEMA) + 1;

/// A load so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// Slots that came due.
    pub planned: u64,
    /// Requests sent.
    pub sent: u64,
    /// By request name, in the order of the mix.
    pub requests: Vec<RunningRequest>,
    /// Levels of the latest interval.
    pub levels: Levels,
}

/// Levels of the latest interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// Slots that came due per second.
    pub planned: f64,
    /// Requests sent per second.
    pub achieved: f64,
    /// Requests under way, waiting and overdue.
    pub gauges: Gauges,
    /// Median and 99th percentile of the send lag.
    pub send_lag: [Duration; 2],
}

/// One request name so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningRequest {
    /// Slots that ended, by fate.
    pub fates: FateCounts,
    /// Response times of good answers, and slots never answered in the last: each bucket by itself.
    pub buckets: [u64; BUCKETS],
    /// The same in native buckets by index, those in use: i holds what lies up to 2^(i/8) s and above the
    /// one before. No more than 350 can be.
    pub native: BTreeMap<i32, u64>,
    /// Sum of these times, of slots never answered their ages.
    pub sum: Duration,
}

impl Default for RunningRequest {
    fn default() -> Self {
        Self {
            fates: FateCounts::default(),
            buckets: [0; BUCKETS],
            native: BTreeMap::new(),
            sum: Duration::ZERO,
        }
    }
}

impl Running {
    /// Nothing so far, of a mix of `names` request names.
    pub fn new(names: usize) -> Self {
        Self { requests: vec![RunningRequest::default(); names.min(NAMES_MAX)], ..Self::default() }
    }

    /// Adds an interval.
    pub fn observe(&mut self, interval: &Interval) {
        let window = &interval.window;
        self.planned += window.planned;
        self.sent += window.sent;
        for ended in &window.ended {
            let last = self.requests.len().saturating_sub(1);
            if let Some(request) = self.requests.get_mut(ended.request().min(last)) {
                request.record(*ended);
            }
        }
        self.levels = Levels {
            planned: per_second(window.planned, interval.length),
            achieved: interval.achieved(),
            gauges: window.gauges,
            send_lag: [0.5, 0.99].map(|q| window.send_lag.quantile(q)),
        };
    }
}

impl RunningRequest {
    fn record(&mut self, ended: Ended) {
        let (fate, time) = (ended.fate(), ended.response_time());
        self.fates.record(fate);
        if fate != Fate::Ok && ended.answered() {
            return;
        }
        let (bucket, native) = match fate {
            Fate::Ok => {
                let ns = whole_nanos(time);
                (BOUNDS_US.partition_point(|bound| bound * 1_000 < ns), native_index(time))
            }
            _ => (BUCKETS - 1, NATIVE_OVERFLOW),
        };
        self.buckets[bucket] += 1;
        *self.native.entry(native).or_default() += 1;
        self.sum += time;
    }

    /// Entries of all buckets.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

/// The native bucket of an answered time.
fn native_index(time: Duration) -> i32 {
    let steps = time.as_secs_f64().max(1e-9).log2() * f64::from(1 << NATIVE_SCHEMA);
    #[expect(clippy::cast_possible_truncation, reason = "from -240 to 100 for an hour at the most")]
    let index = steps.ceil() as i32;
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::window::Window;
    use crate::time::Offset;

    fn interval(ended: Vec<Ended>) -> Interval {
        let mut window = Window { planned: 10, ended, ..Window::default() };
        window.record_sent();
        window.record_lag(Duration::from_micros(7));
        Interval { end: Offset::ZERO, length: Duration::from_secs(2), window }
    }

    #[test]
    fn slots_fall_into_the_bucket_whose_bound_they_keep() {
        let us = Duration::from_micros;
        let ok = |request, time| Ended::new(request, Fate::Ok, time);
        let mut running = Running::new(2);
        running.observe(&interval(vec![
            ok(0, us(100)),
            ok(0, us(101)),
            ok(0, us(2_000_000)),
            ok(0, us(90_000_000)),
            Ended::new(1, Fate::Timeout, us(1_000)),
            Ended::new(1, Fate::BadStatus, us(1_000)),
        ]));
        running.observe(&interval(Vec::new()));
        let [first, second] = &running.requests[..] else { panic!("two names") };
        assert_eq!((first.buckets[0], first.buckets[1], first.buckets[BUCKETS - 1]), (1, 1, 1));
        assert_eq!(first.buckets[BOUNDS_US.partition_point(|bound| *bound < 2_000_000)], 1);
        assert_eq!((first.count(), first.fates.ok(), second.count()), (4, 4, 1));
        assert_eq!((second.buckets[BUCKETS - 1], second.fates.planned()), (1, 2));
        assert_eq!(first.native.values().sum::<u64>(), 4);
        assert_eq!(second.native, BTreeMap::from([(NATIVE_OVERFLOW, 1)]));
        assert_eq!((running.planned, running.sent), (20, 2));
        assert!((running.levels.planned - 5.0).abs() < 1e-12);
        assert_eq!(running.levels.send_lag[1].as_micros(), 7);
    }

    #[test]
    fn names_beyond_the_bound_share_the_last() {
        let mut running = Running::new(NAMES_MAX + 50);
        let ended = [NAMES_MAX - 1, NAMES_MAX, NAMES_MAX + 49];
        let ended = ended.map(|name| Ended::new(name, Fate::Ok, Duration::ZERO)).to_vec();
        running.observe(&interval(ended));
        assert_eq!(running.requests.len(), NAMES_MAX);
        assert_eq!(running.requests[NAMES_MAX - 1].count(), 3);
    }

    #[test]
    fn a_native_bucket_holds_its_upper_bound() {
        for (ms, index) in [(1_000, 0), (1_001, 1), (2_000, 8), (500, -8), (0, -239)] {
            assert_eq!(native_index(Duration::from_millis(ms)), index, "{ms}");
        }
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS_US.is_sorted_by(|a, b| a < b));
    }
}
