//! [`Slice`]: what became of each request name within a stretch of time, and [`Slicer`], which makes a
//! bounded number of them.
//!
//! Workers note each slot that ends as one number, [`Ended`]; sorting by name and counting are left to
//! whoever collects.

use std::time::Duration;

use crate::measure::fate::{Fate, FateCounts};
use crate::measure::histogram::CensoredHistogram;
use crate::measure::sample::Sample;
use crate::measure::window::Interval;
use crate::time::{Offset, whole_nanos};

/// Slices a run has at most, give or take the last: ten minutes at one a second.
pub const SLICES_MAX: u32 = 600;
/// A slice lasts no less, so that it is made of whole intervals.
const LENGTH_MIN: Duration = Duration::from_secs(1);

const TIME_BITS: u32 = 42;
/// The fate, and above it whether there was an answer.
const FATE_BITS: u32 = 4;
const ANSWERED: u64 = 1 << (FATE_BITS - 1);
/// More than an hour, where histograms end.
const TIME_MAX: u64 = (1 << TIME_BITS) - 1;
const REQUEST_MAX: u64 = (1 << (u64::BITS - TIME_BITS - FATE_BITS)) - 1;

/// A slot that has ended: which request it was, its fate, whether it was answered, and its response time. One
/// machine word, since every slot leaves one behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(u64);

impl Ended {
    /// Notes a slot; the kind of a transport error is not kept. The last of 262,144 request names stands
    /// for any beyond.
    pub fn of(sample: &Sample) -> Self {
        let request = (sample.request as u64).min(REQUEST_MAX);
        let time = whole_nanos(sample.response_time()).min(TIME_MAX);
        let answered = if sample.answered() { ANSWERED } else { 0 };
        let fate = sample.fate.index() as u64 | answered;
        Self((request << FATE_BITS | fate) << TIME_BITS | time)
    }

    /// A slot of which only this is known.
    pub fn new(request: usize, fate: Fate, response_time: Duration) -> Self {
        let done = Offset::ZERO + response_time;
        Self::of(&Sample::unsent(request, Offset::ZERO, fate, done))
    }

    /// Whether an answer came, or a part of one; see [`Sample::answered`].
    pub const fn answered(self) -> bool {
        self.0 >> TIME_BITS & ANSWERED != 0
    }

    /// The request's place in the mix.
    pub const fn request(self) -> usize {
        (self.0 >> (TIME_BITS + FATE_BITS)) as usize
    }

    /// How it ended.
    pub const fn fate(self) -> Fate {
        Fate::ALL[(self.0 >> TIME_BITS) as usize & (Fate::COUNT - 1)]
    }

    /// From due to done, or to given up.
    pub const fn response_time(self) -> Duration {
        Duration::from_nanos(self.0 & TIME_MAX)
    }
}

/// What became of one request name within a slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestSlice {
    /// Slots that ended, by fate.
    pub fates: FateCounts,
    /// Of good answers, and ages of slots never answered.
    pub response_time: CensoredHistogram,
}

impl RequestSlice {
    /// Enters a slot.
    pub fn record(&mut self, ended: Ended) {
        let fate = ended.fate();
        self.fates.record(fate);
        if fate == Fate::Ok {
            self.response_time.answered.record(ended.response_time());
        } else if !ended.answered() {
            self.response_time.unanswered.record(ended.response_time());
        }
    }

    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.fates += &other.fates;
        self.response_time.merge(&other.response_time);
    }
}

/// A stretch of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// When it closed.
    pub end: Offset,
    /// From its opening to its close.
    pub length: Duration,
    /// By request name, in the order of the mix; those at the end that nothing happened to are left out.
    pub requests: Vec<RequestSlice>,
}

/// Whether more intervals follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// They do.
    Within,
    /// The run ends here.
    Last,
}

/// Makes slices from intervals.
#[derive(Debug)]
pub struct Slicer {
    length: Duration,
    open: Duration,
    requests: Vec<RequestSlice>,
}

impl Slicer {
    /// For a run that is planned to last `duration`.
    pub fn new(duration: Duration) -> Self {
        let length = (duration / SLICES_MAX).max(LENGTH_MIN);
        Self { length, open: Duration::ZERO, requests: Vec::new() }
    }

    /// Takes the slots that ended out of `interval`, and hands over the slice that this completes.
    pub fn push(&mut self, interval: &mut Interval, place: Place) -> Option<Slice> {
        for ended in std::mem::take(&mut interval.window.ended) {
            let request = ended.request();
            if self.requests.len() <= request {
                self.requests.resize_with(request + 1, RequestSlice::default);
            }
            self.requests[request].record(ended);
        }
        self.open += interval.length;
        // Timers are not exact: an interval short of a second by microseconds still completes a slice.
        if place == Place::Within && self.open + interval.length / 2 < self.length {
            return None;
        }
        let length = std::mem::take(&mut self.open);
        let requests = std::mem::take(&mut self.requests);
        Some(Slice { end: interval.end, length, requests })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::window::Window;

    fn second(end: u64, ended: Vec<Ended>) -> Interval {
        let window = Window { ended, ..Window::default() };
        let end = Offset::from_nanos(end * 1_000_000_000);
        Interval { end, length: Duration::from_micros(999_900), window }
    }

    #[test]
    fn a_short_run_has_a_slice_each_second_and_loses_none_at_its_end() {
        let mut slicer = Slicer::new(Duration::from_mins(2));
        let ok = Ended::new(1, Fate::Ok, Duration::from_millis(3));
        let lost = Ended::new(0, Fate::Timeout, Duration::from_secs(5));
        let slice = slicer.push(&mut second(1, vec![ok, lost, ok]), Place::Within).unwrap();
        assert_eq!(slice.requests.len(), 2);
        assert_eq!(slice.requests[1].fates.ok(), 2);
        assert_eq!(slice.requests[0].response_time.unanswered.count(), 1);
        let mut rest = second(2, vec![lost]);
        rest.length = Duration::from_millis(100);
        assert!(slicer.push(&mut rest, Place::Last).is_some());
        assert!(rest.window.ended.is_empty());
    }

    #[test]
    fn a_long_run_has_no_more_slices_than_a_short_one() {
        let mut slicer = Slicer::new(Duration::from_hours(1));
        let ok = Ended::new(0, Fate::Ok, Duration::from_millis(3));
        let made: Vec<Slice> = (1..=3600)
            .filter_map(|at| slicer.push(&mut second(at, vec![ok]), Place::Within))
            .collect();
        assert_eq!(made.len(), 600);
        assert!(made.iter().all(|slice| slice.requests[0].fates.ok() == 6));
    }

    proptest! {
        #[test]
        fn one_word_holds_a_slot(
            request in 0_usize..250_000,
            fate in 0..Fate::COUNT,
            ns in 0_u64..3_600_000_000_000,
        ) {
            let (fate, time) = (Fate::ALL[fate], Duration::from_nanos(ns));
            let ended = Ended::new(request, fate, time);
            prop_assert_eq!((ended.request(), ended.response_time()), (request, time));
            prop_assert_eq!(ended.fate().index(), fate.index());
        }
    }
}
