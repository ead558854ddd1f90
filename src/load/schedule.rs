//! [`Schedule`]: the indexed list of due instants, fixed before the first request is sent.
//!
//! Nothing that the server does moves a slot. A worker takes every n-th slot; together the workers take
//! each slot exactly once.

use std::time::Duration;

use crate::load::random::SplitMix64;
use crate::load::rate::Rate;
use crate::time::Offset;

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
    /// Mean arrival rate.
    pub rate: Rate,
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
            next_index: worker,
            step: workers,
            poisson: PoissonClock { stream: SplitMix64::new(self.seed), index: 0, elapsed: 0.0 },
        }
    }

    /// How many slots there are: exact for constant arrivals, else the mean.
    pub fn slots_expected(&self) -> u64 {
        self.rate.slots_within(self.horizon.length).min(self.horizon.slots)
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
    next_index: u64,
    step: u64,
    poisson: PoissonClock,
}

impl Slots {
    fn due(&mut self, index: u64) -> Offset {
        let rate = self.schedule.rate;
        match self.schedule.arrivals {
            Arrivals::Constant => rate.due(index),
            Arrivals::Poisson => {
                let gaps = self.poisson.advance_to(index);
                // f64 keeps whole nanoseconds for 104 days; beyond that gaps lose a nanosecond or two.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates"
                )]
                let ns = (gaps * 1e9 / rate.as_per_second()) as u64;
                Offset::from_nanos(ns)
            }
            Arrivals::UniformJitter => {
                let (start, end) = (rate.due(index), rate.due(index.saturating_add(1)));
                let gap_ns = end.as_nanos() - start.as_nanos();
                let jitter_ns =
                    SplitMix64::for_slot(self.schedule.seed, index).below(gap_ns.max(1));
                start + Duration::from_nanos(jitter_ns)
            }
        }
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let index = self.next_index;
        if index >= self.schedule.horizon.slots {
            return None;
        }
        let due = self.due(index);
        if due.since(Offset::ZERO) >= self.schedule.horizon.length {
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

    proptest! {
        #[test]
        fn strides_are_a_partition(
            rate in 1_u64..5000,
            workers in 1_u64..6,
            length_ms in 1_u64..3000,
            kind in 0_usize..3,
        ) {
            let arrivals = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter][kind];
            let schedule = schedule(arrivals, rate, Duration::from_millis(length_ms));
            let whole: Vec<Slot> = schedule.stride(0, 1).collect();
            let mut parts: Vec<Slot> =
                (0..workers).flat_map(|worker| schedule.stride(worker, workers)).collect();
            parts.sort_by_key(|slot| slot.index);
            prop_assert_eq!(&parts, &whole);
            prop_assert!(whole.windows(2).all(|pair| pair[0].due <= pair[1].due));
            if arrivals == Arrivals::Constant {
                prop_assert_eq!(whole.len() as u64, schedule.slots_expected());
            }
        }
    }
}
