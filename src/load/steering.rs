//! [`Steering`]: a schedule whose rate is changed while it goes on, from an exact slot on.
//!
//! Slots keep their numbers across a turn, so that the mix, the templates and everything random go on as if
//! the new rate had been planned. Without stages a turn lies where a slot is due: the stretch before it is
//! made of whole gaps.

use crate::load::rate::Rate;
use crate::load::schedule::{Horizon, Schedule};
use crate::time::Offset;

/// How arrivals go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At this rate.
    Steady(Rate),
    /// There are none, until a turn says otherwise.
    Paused,
}

impl Pace {
    /// Arrivals per second.
    pub fn as_per_second(self) -> f64 {
        match self {
            Self::Steady(rate) => rate.as_per_second(),
            Self::Paused => 0.0,
        }
    }
}

/// What begins with a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing but another count: arrivals go on as they were.
    Mark,
    /// Another pace; only where neither stages nor a recording give it.
    Pace(Pace),
}

/// The instant of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// From this instant on.
    pub at: Offset,
    /// What begins.
    pub change: Change,
    /// When arrivals end if nothing else changes.
    pub end: Offset,
    /// Evenly spaced slots before it.
    pub(super) first: u64,
    /// Mean arrivals before it.
    pub(super) arrivals_before: f64,
}

/// Finds the turns of a schedule.
#[derive(Clone, Debug)]
pub struct Steering {
    horizon: Horizon,
    pace: Course,
    at: Offset,
    first: u64,
    arrivals_before: f64,
}

#[derive(Clone, Copy, Debug)]
enum Course {
    /// By stages or a recording, to this end.
    Given(Offset),
    Pace(Pace),
}

impl Steering {
    /// Nothing has turned yet.
    pub fn new(schedule: &Schedule) -> Self {
        let pace = if schedule.stages.is_some() || schedule.trace.is_some() {
            Course::Given(schedule.end())
        } else {
            Course::Pace(Pace::Steady(schedule.rate))
        };
        Self { horizon: schedule.horizon, pace, at: Offset::ZERO, first: 0, arrivals_before: 0.0 }
    }

    /// The turn at the first slot due at `earliest` or later, no sooner than the one before.
    ///
    /// # Panics
    /// If the pace is to change where stages or a recording give it.
    pub fn turn(&mut self, earliest: Offset, change: Change) -> Turn {
        let earliest = earliest.max(self.at);
        match self.pace {
            Course::Pace(Pace::Steady(rate)) => {
                let slots = rate.slots_within(earliest.since(self.at));
                let at = later(self.at, rate.due(slots));
                self.arrivals_before += rate.as_per_second() * at.since(self.at).as_secs_f64();
                self.first = self.first.saturating_add(slots);
                self.at = at;
            }
            Course::Pace(Pace::Paused) | Course::Given(_) => self.at = earliest,
        }
        if let Change::Pace(pace) = change {
            assert!(matches!(self.pace, Course::Pace(_)), "the pace was given beforehand");
            self.pace = Course::Pace(pace);
        }
        let Self { at, first, arrivals_before, .. } = *self;
        Turn { at, change, end: self.end(), first, arrivals_before }
    }

    fn end(&self) -> Offset {
        let by_length = Offset::ZERO + self.horizon.length;
        match self.pace {
            Course::Pace(Pace::Steady(rate)) => {
                let slots = self.horizon.slots.saturating_sub(self.first);
                later(self.at, rate.due(slots)).min(by_length)
            }
            Course::Pace(Pace::Paused) => by_length,
            Course::Given(end) => end,
        }
    }
}

/// `begin` and `time` together, or the last instant there is.
fn later(begin: Offset, time: Offset) -> Offset {
    Offset::from_nanos(begin.as_nanos().saturating_add(time.as_nanos()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::load::schedule::{Arrivals, Slot};

    const KINDS: [Arrivals; 3] = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter];

    fn schedule(arrivals: Arrivals, rate: u64, horizon: Horizon) -> Schedule {
        let rate = Rate::per_second(rate).unwrap();
        Schedule { rate, stages: None, arrivals, seed: 42, trace: None, horizon }
    }

    fn ms(ms: u64) -> Offset {
        Offset::from_nanos(ms * 1_000_000)
    }

    fn steady(rate: u64) -> Change {
        Change::Pace(Pace::Steady(Rate::per_second(rate).unwrap()))
    }

    /// What one of `workers` sends if each of `turns` becomes known when all slots due before it are gone.
    fn steered(schedule: &Schedule, turns: &[Turn], (worker, workers): (u64, u64)) -> Vec<Slot> {
        let mut slots = schedule.stride(worker, workers);
        let mut next = slots.next();
        let mut sent = Vec::new();
        for turn in turns {
            while let Some(slot) = next.filter(|slot| slot.due < turn.at) {
                sent.push(slot);
                next = slots.next();
            }
            slots.turn(turn, next.take());
            next = slots.next();
        }
        sent.extend(next);
        sent.extend(slots);
        sent
    }

    fn all(schedule: &Schedule, turns: &[Turn], workers: u64) -> Vec<Slot> {
        let strides = (0..workers).flat_map(|worker| steered(schedule, turns, (worker, workers)));
        let mut slots: Vec<Slot> = strides.collect();
        slots.sort_by_key(|slot| slot.index);
        slots
    }

    #[test]
    fn a_turn_lies_where_a_slot_is_due_and_slots_go_on_from_there() {
        let schedule = schedule(Arrivals::Constant, 4, Horizon::after(Duration::from_secs(3)));
        let mut steering = Steering::new(&schedule);
        let turns = [
            steering.turn(ms(900), steady(10)),
            steering.turn(ms(1250), Change::Pace(Pace::Paused)),
            steering.turn(ms(2100), Change::Mark),
            steering.turn(ms(2150), steady(2)),
        ];
        assert_eq!(turns.map(|turn| turn.at), [ms(1000), ms(1300), ms(2100), ms(2150)]);
        assert!(turns.iter().all(|turn| turn.end == ms(3000)));
        let due: Vec<u64> =
            all(&schedule, &turns, 1).iter().map(|slot| slot.due.as_nanos() / 1_000_000).collect();
        assert_eq!(due, [0, 250, 500, 750, 1000, 1100, 1200, 2150, 2650]);
    }

    #[test]
    fn a_number_of_slots_ends_later_at_a_lower_rate_and_not_while_it_pauses() {
        let horizon = Horizon { length: Duration::MAX, slots: 100 };
        let schedule = schedule(Arrivals::Constant, 10, horizon);
        let mut steering = Steering::new(&schedule);
        let slower = steering.turn(ms(5000), steady(5));
        assert_eq!((slower.at, slower.end), (ms(5000), ms(15_000)));
        let paused = steering.turn(ms(6000), Change::Pace(Pace::Paused));
        assert!(paused.end > ms(u64::from(u32::MAX)));
        let on = steering.turn(ms(8000), steady(5));
        assert_eq!(on.end, ms(17_000));
        assert_eq!(all(&schedule, &[slower, paused, on], 3).len(), 100);
        assert_eq!(steering.turn(ms(8000), Change::Mark).at, ms(8000), "two turns at once");
    }

    proptest! {
        #[test]
        fn turned_strides_are_a_partition(
            turns in prop::collection::vec((0_u64..700, 0_u64..4, 1_u64..3000), 1..8),
            workers in 1_u64..6,
            kind in 0_usize..3,
        ) {
            let horizon = Horizon::after(Duration::from_secs(2));
            let schedule = schedule(KINDS[kind], 500, horizon);
            let mut steering = Steering::new(&schedule);
            let mut now = 0;
            let turns: Vec<Turn> = turns
                .into_iter()
                .map(|(wait, kind, rate)| {
                    now += wait;
                    let change = match kind {
                        0 => Change::Mark,
                        1 => Change::Pace(Pace::Paused),
                        _ => steady(rate),
                    };
                    steering.turn(ms(now), change)
                })
                .collect();
            let whole = all(&schedule, &turns, 1);
            prop_assert_eq!(&all(&schedule, &turns, workers), &whole);
            prop_assert!(whole.windows(2).all(|pair| pair[0].due <= pair[1].due));
            prop_assert!(whole.iter().zip(0..).all(|(slot, index)| slot.index == index));
            if schedule.arrivals == Arrivals::Constant {
                let mut pace = schedule.rate.as_per_second();
                let ends = turns.iter().skip(1).map(|turn| turn.at).chain([Offset::ZERO + horizon.length]);
                for (turn, end) in turns.iter().zip(ends) {
                    if let Change::Pace(changed) = turn.change {
                        pace = changed.as_per_second();
                    }
                    let due = whole.iter().filter(|slot| (turn.at..end).contains(&slot.due)).count();
                    let asked = pace * end.min(ms(2000)).since(turn.at).as_secs_f64();
                    prop_assert!((due as f64 - asked).abs() < 1.0 + 1e-6, "{} of {}", due, asked);
                }
            }
        }
    }
}
