//! [`AbortWatch`]: whether an objective is broken beyond doubt while the run still goes on.
//!
//! Beyond doubt is either of two things. Certain: so many slots have failed it that the run as a whole
//! fails it even if all the rest goes well. Evident: the figure so far lies beyond the limit by a
//! confidence bound whose error allows for neighbouring seconds that depend on each other (batch means)
//! and for a look every second.

use std::time::Duration;

use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::stats::batches::{Share, Slice};
use crate::analysis::stats::student;
use crate::analysis::words::{Part, Percent};
use crate::load::slo::{Objective, Slo};
use crate::measure::window::Interval;
use crate::time::{Human, Offset};

/// The chance of ending a run whose objective does hold, at each look.
const DOUBT: f64 = 1e-4;
/// Seconds that make evidence.
const SECONDS_MIN: usize = 10;
/// Slots beyond the limit that make evidence.
const HITS_MIN: u64 = 20;
/// Seconds that are kept apart; beyond, neighbours are joined.
const SLICES_MAX: usize = 2_048;
const SECOND: Duration = Duration::from_secs(1);
/// Timers are not exact: a second short by this is one.
const NEARLY: Duration = Duration::from_millis(50);

/// Watches the objectives of a run that can be told from shares: quantiles and the error rate.
#[derive(Debug)]
pub struct AbortWatch {
    watched: Vec<ObjectiveWatch>,
    warmup: Offset,
    /// Nothing ends the run before this.
    from: Offset,
    /// Slots of the whole measurement.
    planned: u64,
    open: Duration,
}

#[derive(Debug)]
struct ObjectiveWatch {
    objective: Objective,
    /// Share of slots that may lie beyond it.
    allowed: f64,
    slices: Vec<Slice>,
    /// Seconds that each slice stands for.
    joined: usize,
    open: Slice,
    seconds_open: usize,
}

/// An objective that is broken, and by what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BrokenObjective {
    /// Which.
    pub objective: Objective,
    /// Since the start of the measurement.
    pub at: Offset,
    /// Slots that ended beyond it, of all that have ended.
    pub beyond: Part,
    /// Share that may.
    pub allowed: f64,
}

impl AbortWatch {
    /// For a run of `planned` slots after a warm-up; nothing ends it before `delay` has passed since.
    pub fn new(slo: &Slo, warmup: Duration, delay: Duration, planned: u64) -> Self {
        let watched = slo.objectives.iter().filter_map(|objective| {
            let allowed = match objective {
                Objective::ResponseTime { quantile, .. } => 1.0 - quantile,
                Objective::ErrorRate { limit, .. } => *limit,
                Objective::MeanResponseTime { .. } | Objective::Throughput { .. } => return None,
            };
            Some(ObjectiveWatch {
                objective: *objective,
                allowed,
                slices: Vec::new(),
                joined: 1,
                open: Slice::default(),
                seconds_open: 0,
            })
        });
        let warmup = Offset::ZERO + warmup;
        Self {
            watched: watched.collect(),
            warmup,
            from: warmup + delay,
            planned,
            open: Duration::ZERO,
        }
    }

    /// Takes the next interval, on the axis that begins with the warm-up.
    pub fn observe(&mut self, interval: &Interval) -> Option<BrokenObjective> {
        if interval.end <= self.warmup {
            return None;
        }
        self.open += interval.length;
        for one in &mut self.watched {
            one.open.add(&one.slice(interval));
        }
        if self.open + NEARLY < SECOND {
            return None;
        }
        self.open = Duration::ZERO;
        let (planned, at) = (self.planned, Offset::ZERO + interval.end.since(self.warmup));
        let due = interval.end >= self.from;
        let looks = self.watched.iter_mut().map(|one| one.close_second().broken(planned));
        // Every second is entered, whether or not it decides anything.
        let found: Vec<Option<BrokenObjective>> = looks.collect();
        let found = found.into_iter().flatten().next().filter(|_| due)?;
        Some(BrokenObjective { at, ..found })
    }
}

impl ObjectiveWatch {
    /// Slots of an interval, and those beyond the limit.
    fn slice(&self, interval: &Interval) -> Slice {
        let window = &interval.window;
        match self.objective {
            Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. } => {
                let times = &window.response_time;
                Slice {
                    count: times.count(),
                    hits: times.answered.count_from(limit) + times.unanswered.count(),
                }
            }
            Objective::ErrorRate { .. } | Objective::Throughput { .. } => {
                Slice { count: window.fates.planned(), hits: window.fates.failed() }
            }
        }
    }

    fn close_second(&mut self) -> &Self {
        self.seconds_open += 1;
        if self.seconds_open == self.joined {
            self.slices.push(std::mem::take(&mut self.open));
            self.seconds_open = 0;
        }
        if self.slices.len() == SLICES_MAX {
            let pairs = self.slices.chunks_exact(2);
            self.slices = pairs
                .map(|pair| Slice {
                    count: pair[0].count + pair[1].count,
                    hits: pair[0].hits + pair[1].hits,
                })
                .collect();
            self.joined *= 2;
        }
        self
    }

    fn broken(&self, planned: u64) -> Option<BrokenObjective> {
        let share = Share::over(&self.slices)?;
        let hits = self.slices.iter().map(|slice| slice.hits).sum::<u64>();
        let certain = hits as f64 > self.allowed * planned as f64;
        let bound = share.share - student::quantile(1.0 - DOUBT, share.df) * share.error;
        let evident = self.slices.len() >= SECONDS_MIN && hits >= HITS_MIN && bound > self.allowed;
        (certain || evident).then_some(BrokenObjective {
            objective: self.objective,
            at: Offset::ZERO,
            beyond: Part { count: hits, of: share.count, things: "slots" },
            allowed: self.allowed,
        })
    }
}

impl Slice {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.hits += other.hits;
    }
}

/// Why a run was ended.
pub fn finding(broken: &BrokenObjective) -> Finding {
    let verb = match broken.objective {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. } => "took too long",
        Objective::ErrorRate { .. } | Objective::Throughput { .. } => "failed",
    };
    Finding {
        cause: Cause::Aborted,
        severity: Severity::Warning,
        message: format!(
            "ended {} into the run, since {} was broken beyond doubt: {} {verb}, where {} may",
            Human(Duration::from_secs(broken.at.since(Offset::ZERO).as_secs())),
            broken.objective,
            broken.beyond,
            Percent(broken.allowed)
        ),
        remedy:
            "leave --abort-on-fail out to see how the target goes on; the figures cover the run up \
                 to here"
                .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::random::SplitMix64;
    use crate::measure::fate::Fate;
    use crate::measure::window::Window;

    /// Tenths of seconds of 10 slots each, of which `bad(tenth)` take 2 s or fail.
    fn run(
        (slo, fate): (&str, Fate),
        (warmup, delay): (u64, u64),
        planned: u64,
        mut bad: impl FnMut(u64) -> u64,
    ) -> Option<BrokenObjective> {
        let slo = slo.parse().unwrap();
        let (warmup, delay) = (Duration::from_secs(warmup), Duration::from_secs(delay));
        let mut watch = AbortWatch::new(&slo, warmup, delay, planned);
        (1..=planned / 10 + warmup.as_secs() * 10).find_map(|tenth| {
            let mut window = Window::default();
            let beyond = bad(tenth).min(10);
            for slot in 0..10 {
                let (fate, ms) = if slot < beyond { (fate, 2_000) } else { (Fate::Ok, 10) };
                window.fates.record(fate);
                let times = &mut window.response_time;
                match fate {
                    Fate::Ok => times.answered.record(Duration::from_millis(ms)),
                    _ => times.unanswered.record(Duration::from_millis(ms)),
                }
            }
            let length = Duration::from_millis(100);
            let end = Offset::from_nanos(tenth * 100_000_000);
            watch.observe(&Interval { end, length, window })
        })
    }

    fn seconds(broken: Option<BrokenObjective>) -> Option<u64> {
        broken.map(|broken| broken.at.since(Offset::ZERO).as_secs())
    }

    #[test]
    fn a_broken_objective_ends_the_run_after_the_delay() {
        let slow = ("p95<1s", Fate::Ok);
        assert_eq!(seconds(run(slow, (0, 0), 60_000, |_| 5)), Some(10));
        assert_eq!(seconds(run(slow, (0, 30), 60_000, |_| 5)), Some(30));
        assert_eq!(seconds(run(slow, (5, 20), 60_000, |_| 5)), Some(20), "from the warm-up on");
        let lost = ("errors<5%", Fate::Timeout);
        assert_eq!(seconds(run(lost, (0, 0), 60_000, |_| 5)), Some(10));
        let found = run(lost, (0, 0), 60_000, |_| 5).unwrap();
        assert_eq!(
            finding(&found).message,
            "ended 10 s into the run, since errors < 5 % was broken beyond doubt: 500 of 1,000 slots \
             (50 %) failed, where 5 % may"
        );
    }

    #[test]
    fn what_the_rest_of_the_run_cannot_mend_is_certain() {
        // 30 of at most 29 slots within two seconds, far from evidence.
        let burst = |tenth: u64| if tenth <= 3 { 10 } else { 0 };
        assert_eq!(seconds(run(("p95<1s", Fate::Ok), (0, 0), 590, burst)), Some(1));
        assert_eq!(seconds(run(("p95<1s", Fate::Ok), (0, 0), 610, burst)), None);
        let once = |tenth: u64| u64::from(tenth == 17);
        assert_eq!(seconds(run(("errors<0", Fate::Timeout), (0, 0), 6_000, once)), Some(2));
        assert_eq!(seconds(run(("max<1s", Fate::Ok), (0, 0), 6_000, once)), Some(2));
    }

    #[test]
    fn a_stall_and_a_share_at_the_limit_end_nothing() {
        // Three seconds of every minute: 5 % in bursts, which the long run just bears.
        let stalls = |tenth: u64| if tenth % 600 < 25 { 10 } else { 0 };
        assert_eq!(run(("p95<1s", Fate::Ok), (0, 0), 60_000, stalls), None);
        for seed in 0..20 {
            let mut random = SplitMix64::new(seed);
            let mut bad = |_| (0..10).filter(|_| random.unit() < 0.045).count() as u64;
            assert_eq!(run(("p95<1s", Fate::Ok), (0, 0), 30_000, &mut bad), None, "{seed}");
        }
    }

    #[test]
    fn means_and_rates_are_left_to_the_end() {
        assert_eq!(run(("mean<1ms,rps>20", Fate::Ok), (0, 0), 6_000, |_| 10), None);
    }

    #[test]
    fn a_long_run_keeps_its_bound() {
        let slo: Slo = "errors<5%".parse().unwrap();
        let mut watch = AbortWatch::new(&slo, Duration::ZERO, Duration::ZERO, u64::MAX);
        for second in 1..=3 * SLICES_MAX as u64 {
            let mut window = Window::default();
            window.fates.record(Fate::Ok);
            let end = Offset::from_nanos(second * 1_000_000_000);
            watch.observe(&Interval { end, length: SECOND, window });
        }
        assert!(watch.watched[0].slices.len() < SLICES_MAX);
    }
}
