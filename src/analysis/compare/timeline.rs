//! [`Timeline`]: what a comparison needs of one request name in one run, slice by slice.

use crate::analysis::stats::batches::Slice;
use crate::measure::histogram::LatencyHistogram;
use crate::measure::slice::RequestSlice;
use crate::time::whole_nanos;

/// Counts and times within one slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moment {
    /// Slots that ended.
    pub planned: u64,
    /// Those without a good answer.
    pub failed: u64,
    /// Response times of good answers in ns, ascending, each with its number.
    answered: Vec<(u64, u64)>,
    /// Ages of slots never answered, the same way.
    unanswered: Vec<(u64, u64)>,
}

/// A request name, or all of them, over the slices of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// In order of time.
    pub moments: Vec<Moment>,
}

/// A time in ns at a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// ns.
    pub ns: u64,
    /// Whether the truth is only known to be this or more.
    pub at_least: bool,
}

/// All times of one or several timelines, for quantiles.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// Answered times with the number of answers up to each.
    answered: Vec<(u64, u64)>,
    /// Ages with the number of unanswered slots up to each.
    unanswered: Vec<(u64, u64)>,
}

impl From<&RequestSlice> for Moment {
    fn from(slice: &RequestSlice) -> Self {
        let entries = |times: &LatencyHistogram| {
            let entries = times.entries().into_iter();
            entries.map(|(time, count)| (whole_nanos(time), count)).collect()
        };
        Self {
            planned: slice.fates.planned(),
            failed: slice.fates.failed(),
            answered: entries(&slice.response_time.answered),
            unanswered: entries(&slice.response_time.unanswered),
        }
    }
}

impl Moment {
    /// Entries of the response time above `ns`; a slot never answered lies above everything.
    fn above(&self, ns: u64) -> u64 {
        let from = self.answered.partition_point(|(time, _)| *time <= ns);
        count(&self.answered[from..]) + count(&self.unanswered)
    }
}

impl Timeline {
    /// Per slice, how many response times there are and how many of them lie above `ns`.
    pub fn above(&self, ns: u64) -> Vec<Slice> {
        let of = |moment: &Moment| Slice {
            count: count(&moment.answered) + count(&moment.unanswered),
            hits: moment.above(ns),
        };
        self.moments.iter().map(of).collect()
    }

    /// Per slice, how many slots ended and how many of them without a good answer.
    pub fn failed(&self) -> Vec<Slice> {
        let of = |moment: &Moment| Slice { count: moment.planned, hits: moment.failed };
        self.moments.iter().map(of).collect()
    }
}

impl Distribution {
    /// Of all `timelines` together.
    pub fn of<'a>(timelines: impl IntoIterator<Item = &'a Timeline>) -> Self {
        let (mut answered, mut unanswered) = (Vec::new(), Vec::new());
        for moment in timelines.into_iter().flat_map(|timeline| &timeline.moments) {
            answered.extend_from_slice(&moment.answered);
            unanswered.extend_from_slice(&moment.unanswered);
        }
        Self { answered: cumulated(answered), unanswered: cumulated(unanswered) }
    }

    /// Number of response times.
    pub fn count(&self) -> u64 {
        total(&self.answered) + total(&self.unanswered)
    }

    /// The time at rank ⌈q · count⌉; slots never answered rank behind all others.
    pub fn quantile(&self, q: f64) -> At {
        let rank = (q * self.count() as f64 - 1e-9).ceil().max(1.0);
        let answered = total(&self.answered) as f64;
        let slowest = self.answered.last().map_or(0, |(time, _)| *time);
        if rank <= answered || self.unanswered.is_empty() {
            return At { ns: at_rank(&self.answered, rank), at_least: false };
        }
        At { ns: at_rank(&self.unanswered, rank - answered).max(slowest), at_least: true }
    }
}

fn count(entries: &[(u64, u64)]) -> u64 {
    entries.iter().map(|(_, count)| count).sum()
}

/// Ascending, with the count up to each entry instead of its own.
fn cumulated(mut entries: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    entries.sort_unstable();
    let mut sum = 0;
    for (_, count) in &mut entries {
        sum += *count;
        *count = sum;
    }
    entries
}

fn total(cumulated: &[(u64, u64)]) -> u64 {
    cumulated.last().map_or(0, |(_, sum)| *sum)
}

fn at_rank(cumulated: &[(u64, u64)], rank: f64) -> u64 {
    let place = cumulated.partition_point(|(_, sum)| (*sum as f64) < rank);
    cumulated.get(place).or(cumulated.last()).map_or(0, |(time, _)| *time)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::fate::Fate;
    use crate::measure::slice::Ended;

    /// A slice of good answers that took `times`.
    pub(crate) fn moment(times: impl IntoIterator<Item = Duration>) -> Moment {
        let mut slice = RequestSlice::default();
        for time in times {
            slice.record(Ended::new(0, Fate::Ok, time));
        }
        Moment::from(&slice)
    }

    #[test]
    fn quantiles_and_exceedances_agree() {
        let ms = Duration::from_millis;
        let timeline =
            Timeline { moments: vec![moment((1..=60).map(ms)), moment((61..=100).map(ms))] };
        let all = Distribution::of([&timeline]);
        let p95 = all.quantile(0.95);
        assert!(!p95.at_least && p95.ns.abs_diff(95_000_000) < 95_000, "{p95:?}");
        let above = timeline.above(p95.ns);
        assert_eq!(above, [Slice { count: 60, hits: 0 }, Slice { count: 40, hits: 5 }]);
        assert_eq!(timeline.failed()[1], Slice { count: 40, hits: 0 });
    }

    #[test]
    fn slots_never_answered_lie_above_everything() {
        let mut slice = RequestSlice::default();
        for _ in 0..9 {
            slice.record(Ended::new(0, Fate::Ok, Duration::from_secs(2)));
        }
        slice.record(Ended::new(0, Fate::Open, Duration::from_secs(1)));
        slice.record(Ended::new(0, Fate::BadStatus, Duration::from_secs(1)));
        let timeline = Timeline { moments: vec![Moment::from(&slice)] };
        let all = Distribution::of([&timeline]);
        assert_eq!(all.count(), 10);
        assert!(all.quantile(0.95).at_least && !all.quantile(0.9).at_least);
        assert_eq!(all.quantile(0.95).ns, all.quantile(0.9).ns, "an age below the slowest answer");
        assert_eq!(timeline.above(u64::MAX)[0].hits, 1);
        assert_eq!(timeline.failed()[0], Slice { count: 11, hits: 2 });
    }

    #[test]
    fn nothing_is_no_time() {
        assert_eq!(Distribution::default().quantile(0.5), At { ns: 0, at_least: false });
    }
}
