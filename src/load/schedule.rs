//! [`Schedule`]: the indexed list of due instants, fixed before the first request is sent.
//!
//! Nothing that the server does moves a slot. A worker takes every n-th slot; together the workers take
//! each slot exactly once.

use std::collections::VecDeque;
use std::time::Duration;

use crate::load::random::SplitMix64;
use crate::load::rate::Rate;
use crate::load::stages::Stages;
use crate::load::steering::{Change, Pace, Turn};
use crate::load::trace::Trace;
use crate::time::Offset;

/// Standard deviations by which Poisson arrivals may pass their mean: one count in a billion passes it further.
const POISSON_Z: f64 = 6.0;

/// How arrivals are spread around the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly spaced.
    #[default]
    Constant,
    /// Independent exponential gaps, as from very many independent clients.
    Poisson,
    /// Each slot at a uniformly random place within its own gap.
    UniformJitter,
}

impl Arrivals {
    /// The name used by flags, profiles and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::UniformJitter => "uniform-jitter",
        }
    }
}

/// One arrival: the token that falls due at `due`, whatever the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Position in the schedule, from 0.
    pub index: u64,
    /// When the request is to be sent.
    pub due: Offset,
}

/// Where the schedule ends; the earlier bound holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// No slot is due at or after this.
    pub length: Duration,
    /// No more slots than this.
    pub slots: u64,
}

impl Horizon {
    /// Ends after `length`.
    pub const fn after(length: Duration) -> Self {
        Self { length, slots: u64::MAX }
    }
}

/// All due instants of a run or a trial.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Mean arrival rate, where there are no stages.
    pub rate: Rate,
    /// Rates one after the other; each stage spaces its slots from its own beginning, and the last one
    /// lasts until the horizon.
    pub stages: Option<Stages>,
    /// Due instants of a recording instead of all that.
    pub trace: Option<Trace>,
    /// Spacing.
    pub arrivals: Arrivals,
    /// Decides random spacing; unused for constant arrivals.
    pub seed: u64,
    /// Its end.
    pub horizon: Horizon,
}

impl Schedule {
    /// The slots i ≡ `worker` (mod `workers`), in order of their due instants.
    ///
    /// # Panics
    /// When `worker` is not below `workers`.
    pub fn stride(&self, worker: u64, workers: u64) -> Slots {
        assert!(worker < workers, "worker {worker} of {workers}");
        Slots {
            schedule: self.clone(),
            stretch: Stretch::steady(self.rate),
            later: self.stretches().into(),
            halted: Offset::MAX,
            next_index: worker,
            step: workers,
            poisson: PoissonClock { stream: SplitMix64::new(self.seed), index: 0, elapsed: 0.0 },
        }
    }

    /// When arrivals end: with the length, or when the slot after the last would be evenly due.
    pub fn end(&self) -> Offset {
        let slots = self.horizon.slots;
        let stretches = self.stretches();
        let last = stretches.iter().rfind(|stretch| stretch.first <= slots);
        let last = last.copied().unwrap_or_else(|| Stretch::steady(self.rate));
        last.due(slots).min(Offset::ZERO + self.horizon.length)
    }

    /// How many slots there are: exact for constant arrivals, else the mean.
    pub fn slots_expected(&self) -> u64 {
        if let Some(trace) = &self.trace {
            return trace.slots().min(self.horizon.slots);
        }
        let end = Offset::ZERO + self.horizon.length;
        let stretches = self.stretches();
        let last = stretches.iter().rfind(|stretch| stretch.start < end);
        let last = last.copied().unwrap_or_else(|| Stretch::steady(self.rate));
        let slots = last.first.saturating_add(last.rate.slots_within(end.since(last.start)));
        slots.min(self.horizon.slots)
    }

    /// More slots than this there are never, but for one case in a billion of random arrivals.
    pub fn slots_at_most(&self) -> u64 {
        let mean = self.slots_expected();
        if self.trace.is_some() || self.arrivals != Arrivals::Poisson {
            return mean;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the root of a count is a count"
        )]
        let spread = (POISSON_Z * (mean as f64).sqrt()).ceil() as u64;
        mean.saturating_add(spread).min(self.horizon.slots)
    }

    /// One for each stage.
    fn stretches(&self) -> Vec<Stretch> {
        let stages = self.stages.iter().flat_map(Stages::as_slice);
        let mut next = Stretch::steady(self.rate);
        stages
            .map(|stage| {
                let stretch = Stretch { rate: stage.rate, ..next };
                next = Stretch {
                    rate: stage.rate,
                    first: stretch.first.saturating_add(stage.slots()),
                    start: stretch.start + stage.length,
                    arrivals_before: stretch.arrivals_before + stage.arrivals_mean(),
                };
                stretch
            })
            .collect()
    }
}

/// A part of the schedule with one rate.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    rate: Rate,
    /// Index of the first evenly spaced slot.
    first: u64,
    start: Offset,
    /// Mean arrivals before the start.
    arrivals_before: f64,
}

impl Stretch {
    /// One that begins with the schedule.
    const fn steady(rate: Rate) -> Self {
        Self { rate, first: 0, start: Offset::ZERO, arrivals_before: 0.0 }
    }

    /// When slot `index` is due if slots are evenly spaced.
    fn due(&self, index: u64) -> Offset {
        let into = self.rate.due(index - self.first);
        Offset::from_nanos(self.start.as_nanos().saturating_add(into.as_nanos()))
    }
}

/// The Poisson process up to slot `index`: sums exponential gaps, in units of the mean gap.
#[derive(Clone, Debug)]
struct PoissonClock {
    stream: SplitMix64,
    index: u64,
    /// Due instant of slot `index` − 1.
    elapsed: f64,
}

impl PoissonClock {
    /// Due instant of slot `index`, in mean gaps; only moves forward.
    fn advance_to(&mut self, index: u64) -> f64 {
        while self.index <= index {
            self.elapsed += self.stream.exponential();
            self.index += 1;
        }
        self.elapsed
    }
}

/// Iterator over one worker's share of a [`Schedule`].
#[derive(Clone, Debug)]
pub struct Slots {
    schedule: Schedule,
    /// The one that slots are in; only moves forward.
    stretch: Stretch,
    later: VecDeque<Stretch>,
    /// From when on no slot is due for as long as the schedule pauses.
    halted: Offset,
    next_index: u64,
    step: u64,
    poisson: PoissonClock,
}

impl Slots {
    /// Goes on as `turn` says from its instant on. `ahead` is the slot taken last, if it is not due before.
    pub fn turn(&mut self, turn: &Turn, ahead: Option<Slot>) {
        if let Some(slot) = ahead {
            self.next_index = slot.index;
        }
        match turn.change {
            Change::Mark => {}
            Change::Pace(Pace::Paused) => self.halted = self.halted.min(turn.at),
            Change::Pace(Pace::Steady(rate)) => {
                self.halted = Offset::MAX;
                self.later.push_back(Stretch {
                    rate,
                    first: turn.first,
                    start: turn.at,
                    arrivals_before: turn.arrivals_before,
                });
            }
        }
    }

    /// Whether no turn can bring any slot more.
    pub fn are_spent(&self) -> bool {
        self.next_index >= self.schedule.horizon.slots
    }

    fn due(&mut self, index: u64) -> Offset {
        match self.schedule.arrivals {
            Arrivals::Constant => {
                self.enter(|next| index >= next.first);
                self.stretch.due(index)
            }
            Arrivals::Poisson => {
                // One process of rate 1, its time stretched by each stage's rate.
                let gaps = self.poisson.advance_to(index);
                self.enter(|next| gaps >= next.arrivals_before);
                let Stretch { rate, start, arrivals_before, .. } = self.stretch;
                // f64 keeps whole nanoseconds for 104 days; beyond that gaps lose a nanosecond or two.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates"
                )]
                let ns = ((gaps - arrivals_before) * 1e9 / rate.as_per_second()) as u64;
                (start + Duration::from_nanos(ns)).min(self.stretch_end())
            }
            Arrivals::UniformJitter => {
                self.enter(|next| index >= next.first);
                let start = self.stretch.due(index);
                let end = self.stretch.due(index.saturating_add(1)).min(self.stretch_end());
                let jitter_ns = SplitMix64::for_slot(self.schedule.seed, index)
                    .below((end.as_nanos() - start.as_nanos()).max(1));
                start + Duration::from_nanos(jitter_ns)
            }
        }
    }

    /// Moves on to the last stretch that has `begun`.
    fn enter(&mut self, begun: impl Fn(&Stretch) -> bool) {
        while let Some(next) = self.later.pop_front_if(|next| begun(next)) {
            self.stretch = next;
        }
    }

    /// When the next stretch begins.
    fn stretch_end(&self) -> Offset {
        self.later.front().map_or(Offset::MAX, |next| next.start)
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let index = self.next_index;
        if index >= self.schedule.horizon.slots {
            return None;
        }
        let due = match &self.schedule.trace {
            Some(trace) => trace.due(index)?,
            None => self.due(index),
        };
        if due.since(Offset::ZERO) >= self.schedule.horizon.length || due >= self.halted {
            return None;
        }
        self.next_index = index.checked_add(self.step)?;
        Some(Slot { index, due })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(arrivals: Arrivals, rate: u64, length: Duration) -> Schedule {
        Schedule {
            rate: Rate::per_second(rate).unwrap(),
            stages: None,
            trace: None,
            arrivals,
            seed: 42,
            horizon: Horizon::after(length),
        }
    }

    #[test]
    fn constant_slots_are_evenly_due() {
        let dues: Vec<u64> = schedule(Arrivals::Constant, 4, Duration::from_secs(1))
            .stride(0, 1)
            .map(|slot| slot.due.as_nanos())
            .collect();
        assert_eq!(dues, [0, 250_000_000, 500_000_000, 750_000_000]);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let slots: Vec<Slot> =
            schedule(Arrivals::Poisson, 1000, Duration::from_secs(50)).stride(0, 1).collect();
        assert!((49_000..51_000).contains(&slots.len()), "{} slots", slots.len());
        let gaps: Vec<f64> = slots
            .windows(2)
            .map(|pair| pair[1].due.since(pair[0].due).as_secs_f64() * 1000.0)
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let above_one = gaps.iter().filter(|&&gap| gap > 1.0).count() as f64 / gaps.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "mean gap {mean} ms");
        assert!(
            (above_one - (-1.0_f64).exp()).abs() < 0.01,
            "{above_one} of the gaps are above the mean"
        );
    }

    #[test]
    fn a_slot_limit_ends_the_schedule() {
        let mut limited = schedule(Arrivals::Poisson, 10, Duration::from_secs(1000));
        limited.horizon.slots = 7;
        assert_eq!(limited.stride(0, 1).count(), 7);
        assert_eq!(limited.slots_expected(), 7);
    }

    const KINDS: [Arrivals; 3] = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter];

    fn staged(arrivals: Arrivals, stages: &Stages) -> Schedule {
        Schedule {
            rate: stages.peak(),
            stages: Some(stages.clone()),
            trace: None,
            arrivals,
            seed: 42,
            horizon: Horizon::after(stages.length()),
        }
    }

    /// Slots due in each stage.
    fn counts(slots: &[Slot], stages: &Stages) -> Vec<u64> {
        let mut end = Offset::ZERO;
        let counted = stages.as_slice().iter().map(|stage| {
            let start = end;
            end = start + stage.length;
            slots.iter().filter(|slot| (start..end).contains(&slot.due)).count() as u64
        });
        counted.collect()
    }

    #[test]
    fn each_stage_spaces_its_slots_from_its_own_beginning() {
        let stages: Stages = "3/s:1s,4/s:500ms,1/s:100ms,2/s:1s".parse().unwrap();
        let slots = staged(Arrivals::Constant, &stages).stride(0, 1);
        let (indices, due_ms): (Vec<u64>, Vec<u64>) =
            slots.map(|slot| (slot.index, slot.due.as_nanos() / 1_000_000)).unzip();
        assert_eq!(due_ms, [0, 333, 666, 1000, 1250, 1500, 1600, 2100]);
        assert_eq!(indices, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn one_stage_is_a_steady_schedule() {
        let stages: Stages = "700/s:2500ms".parse().unwrap();
        for arrivals in KINDS {
            let steady = schedule(arrivals, 700, Duration::from_millis(2500));
            let single = staged(arrivals, &stages);
            assert!(single.stride(1, 3).eq(steady.stride(1, 3)), "{arrivals:?}");
            assert_eq!(single.slots_expected(), steady.slots_expected());
        }
    }

    #[test]
    fn poisson_arrivals_keep_each_stages_rate() {
        let stages: Stages = "1k/s:20s,4k/s:5s,500/s:40s".parse().unwrap();
        let slots: Vec<Slot> = staged(Arrivals::Poisson, &stages).stride(0, 1).collect();
        for count in counts(&slots, &stages) {
            assert!((19_500..20_500).contains(&count), "{count} of 20,000");
        }
    }

    #[test]
    fn a_horizon_within_the_stages_ends_them() {
        let mut cut = staged(Arrivals::Constant, &"10/s:1s,20/s:1s".parse().unwrap());
        for (length_ms, slots) in [(0, 0), (1000, 10), (1001, 11), (1500, 20), (3000, 50)] {
            cut.horizon = Horizon::after(Duration::from_millis(length_ms));
            assert_eq!(cut.slots_expected(), slots, "{length_ms} ms");
            assert_eq!(cut.stride(0, 1).count() as u64, slots, "{length_ms} ms");
        }
    }

    /// What all workers together send, by slot.
    fn merged(schedule: &Schedule, workers: u64) -> Vec<Slot> {
        let strides = (0..workers).flat_map(|worker| schedule.stride(worker, workers));
        let mut slots: Vec<Slot> = strides.collect();
        slots.sort_by_key(|slot| slot.index);
        slots
    }

    #[test]
    fn a_recording_is_followed_to_its_end() {
        let at = Duration::from_millis;
        let trace =
            Trace::new("log", vec![(at(0), 0), (at(5), 0), (at(5), 1), (at(90), 0)], 1.0).unwrap();
        let horizon = Horizon::after(trace.length());
        let schedule = Schedule {
            trace: Some(trace),
            horizon,
            ..schedule(Arrivals::Poisson, 10, Duration::from_secs(1))
        };
        assert_eq!(schedule.slots_expected(), 4);
        let mut slots: Vec<(u64, u64)> = (0..3)
            .flat_map(|worker| schedule.stride(worker, 3))
            .map(|slot| (slot.index, slot.due.as_nanos() / 1_000_000))
            .collect();
        slots.sort_unstable();
        assert_eq!(slots, [(0, 0), (1, 5), (2, 5), (3, 90)]);
    }

    proptest! {
        #[test]
        fn stages_are_shared_without_gap_or_double(
            parts in prop::collection::vec((1_u64..3000, 1_u64..400), 1..12),
            workers in 1_u64..6,
            kind in 0_usize..3,
        ) {
            let text: Vec<String> =
                parts.iter().map(|(rate, ms)| format!("{rate}/s:{ms}ms")).collect();
            let stages: Stages = text.join(",").parse().unwrap();
            let schedule = staged(KINDS[kind], &stages);
            let whole: Vec<Slot> = schedule.stride(0, 1).collect();
            prop_assert_eq!(&merged(&schedule, workers), &whole);
            prop_assert!(whole.windows(2).all(|pair| pair[0].due <= pair[1].due));
            prop_assert!(whole.iter().zip(0..).all(|(slot, index)| slot.index == index));
            prop_assert_eq!(schedule.slots_expected(), stages.slots());
            let exact: Vec<u64> = stages.as_slice().iter().map(|stage| stage.slots()).collect();
            let counted = counts(&whole, &stages);
            match schedule.arrivals {
                Arrivals::Constant => prop_assert_eq!(counted, exact),
                // Only the last gap may reach beyond its stage's end.
                Arrivals::UniformJitter => {
                    let inner = exact.len() - 1;
                    prop_assert_eq!(&counted[..inner], &exact[..inner]);
                    prop_assert!(exact[inner] - counted[inner] <= 1);
                }
                Arrivals::Poisson => {}
            }
        }

        #[test]
        fn strides_are_a_partition(
            rate in 1_u64..5000,
            workers in 1_u64..6,
            length_ms in 1_u64..3000,
            kind in 0_usize..3,
        ) {
            let arrivals = KINDS[kind];
            let schedule = schedule(arrivals, rate, Duration::from_millis(length_ms));
            let whole: Vec<Slot> = schedule.stride(0, 1).collect();
            prop_assert_eq!(&merged(&schedule, workers), &whole);
            prop_assert!(whole.windows(2).all(|pair| pair[0].due <= pair[1].due));
            if arrivals == Arrivals::Constant {
                prop_assert_eq!(whole.len() as u64, schedule.slots_expected());
            }
        }
    }
}
