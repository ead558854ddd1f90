//! [`Feeder`]: rows that templates are filled from; and [`Feeding`], which row each slot takes.
//!
//! The row follows from the slot's number alone: it is the how-manieth slot that uses the feeder. So rows
//! are taken without gaps, whichever requests use them, and unique ones stay so over all workers.

use std::sync::Arc;

use crate::load::greatest_common_divisor;
use crate::load::mix::Mix;
use crate::load::random::SplitMix64;
use crate::load::table::Table;

/// Index into the plan's feeders.
pub type FeederId = usize;

/// Which row follows which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they stand.
    #[default]
    Sequential,
    /// Any, each time.
    Random,
    /// Shuffled, none twice.
    Unique,
}

/// What happens when every row has been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtEnd {
    /// They are taken again.
    #[default]
    Rewind,
    /// Arrivals end.
    Stop,
}

/// Named rows; there is at least one.
#[derive(Clone, Debug)]
pub struct Feeder {
    /// Name that templates use.
    pub name: String,
    /// The rows.
    pub table: Table,
    /// Which row follows which.
    pub order: Order,
    /// What happens at the end; random rows have none.
    pub at_end: AtEnd,
}

/// What earlier legs of a run have taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Slots.
    pub slots: u64,
    /// Rows, by feeder.
    rows: Vec<u64>,
}

/// The feeders of a plan and which slots of its mix use them.
#[derive(Clone, Debug, Default)]
pub struct Feeding {
    feeders: Vec<Arc<Feeder>>,
    uses: Vec<Uses>,
    shuffles: Vec<Shuffle>,
    seed: u64,
}

impl Feeding {
    /// No feeders.
    pub const NONE: Self =
        Self { feeders: Vec::new(), uses: Vec::new(), shuffles: Vec::new(), seed: 0 };

    /// Of `feeders`, `used_by(request)` names those that a request of `mix` takes a row from.
    pub fn new<'r>(
        feeders: Vec<Arc<Feeder>>,
        mix: &Mix,
        used_by: impl Fn(usize) -> &'r [FeederId],
        seed: u64,
    ) -> Self {
        let uses = |feeder: FeederId| {
            Uses::new(
                mix.cycle().iter().map(|&request| used_by(request as usize).contains(&feeder)),
            )
        };
        let uses = (0..feeders.len()).map(uses).collect();
        let shuffles = (1..).zip(&feeders).map(|(stream, feeder): (u64, &Arc<Feeder>)| {
            Shuffle::new(feeder.table.rows(), SplitMix64::for_slot(seed, stream))
        });
        Self { uses, shuffles: shuffles.collect(), feeders, seed }
    }

    /// Of `feeders`, each used by every slot.
    pub fn sample(feeders: &[Arc<Feeder>]) -> Self {
        let all: Vec<FeederId> = (0..feeders.len()).collect();
        Self::new(feeders.to_vec(), &Mix::single(), |_| all.as_slice(), 0)
    }

    /// The row of `feeder` that slot `slot` of a leg takes.
    fn row(&self, feeder: FeederId, slot: u64, taken: &Taken) -> u64 {
        let Feeder { order, table, .. } = &*self.feeders[feeder];
        let rows = table.rows().max(1);
        let turn = taken.of(feeder) + self.uses[feeder].before(slot);
        match order {
            Order::Sequential => turn % rows,
            Order::Random => {
                // Apart from the slot's other random values, and from other feeders.
                let seed = self.seed ^ (feeder as u64 + 1).rotate_right(8);
                SplitMix64::for_slot(seed, taken.slots + slot).below(rows)
            }
            Order::Unique => self.shuffles[feeder].row(turn % rows),
        }
    }

    /// The cell of a feeder's column that slot `slot` of a leg is given.
    ///
    /// # Panics
    /// When there is no such feeder or column.
    pub fn cell(&self, (feeder, column): (FeederId, usize), slot: u64, taken: &Taken) -> &str {
        self.feeders[feeder].table.cell(self.row(feeder, slot, taken), column)
    }

    /// The feeder of this index.
    pub fn feeder(&self, feeder: FeederId) -> &Feeder {
        &self.feeders[feeder]
    }

    /// The first slot of a leg for which a feeder that stops has no row left, and that feeder.
    pub fn end(&self, taken: &Taken) -> Option<(u64, &Feeder)> {
        let ends = self.feeders.iter().enumerate().filter_map(|(at, feeder)| {
            let stops = feeder.at_end == AtEnd::Stop && feeder.order != Order::Random;
            let left = feeder.table.rows().saturating_sub(taken.of(at));
            stops.then(|| self.uses[at].slot_of(left)).flatten().map(|slot| (slot, &**feeder))
        });
        ends.min_by_key(|(slot, _)| *slot)
    }

    /// What has been taken after a leg of `slots` slots.
    #[must_use]
    pub fn after(&self, taken: &Taken, slots: u64) -> Taken {
        let rows = self.uses.iter().enumerate().map(|(at, uses)| taken.of(at) + uses.before(slots));
        Taken { slots: taken.slots.saturating_add(slots), rows: rows.collect() }
    }
}

impl Taken {
    /// Before the first leg.
    pub const NOTHING: Self = Self { slots: 0, rows: Vec::new() };

    fn of(&self, feeder: FeederId) -> u64 {
        self.rows.get(feeder).copied().unwrap_or_default()
    }
}

/// An order in which each row comes once: steps that share no divisor with the number of rows.
#[derive(Clone, Copy, Debug)]
struct Shuffle {
    rows: u64,
    start: u64,
    step: u64,
}

impl Shuffle {
    fn new(rows: u64, mut random: SplitMix64) -> Self {
        let rows = rows.max(1);
        let start = random.below(rows);
        let mut step = random.below(rows).max(1);
        while greatest_common_divisor(step, rows) != 1 {
            step = step % rows + 1;
        }
        Self { rows, start, step }
    }

    fn row(self, turn: u64) -> u64 {
        // Rows are fewer than 2³², so the product fits.
        (turn * self.step + self.start) % self.rows
    }
}

/// Bits of a word of [`Uses`].
const WORD: usize = 64;

/// Which places of a mix's cycle use a feeder, as bits, with the number of uses before each word: counting
/// those before a slot takes one look.
#[derive(Clone, Debug, Default)]
struct Uses {
    length: usize,
    words: Vec<(u64, u32)>,
    total: u64,
}

impl Uses {
    fn new(places: impl Iterator<Item = bool>) -> Self {
        let mut uses = Self::default();
        for used in places {
            if uses.length.is_multiple_of(WORD) {
                uses.words.push((0, u32::try_from(uses.total).unwrap_or(u32::MAX)));
            }
            if let (true, Some((bits, _))) = (used, uses.words.last_mut()) {
                *bits |= 1 << (uses.length % WORD);
                uses.total += 1;
            }
            uses.length += 1;
        }
        uses
    }

    /// How many slots before `slot` use it.
    fn before(&self, slot: u64) -> u64 {
        let length = (self.length as u64).max(1);
        let place = usize::try_from(slot % length).expect("below a usize");
        let within = self.words.get(place / WORD).map_or(0, |(bits, before)| {
            let earlier = bits & ((1 << (place % WORD)) - 1);
            u64::from(*before) + u64::from(earlier.count_ones())
        });
        (slot / length).saturating_mul(self.total).saturating_add(within)
    }

    /// The slot that uses it with `turn` uses before; `None` if no slot uses it.
    fn slot_of(&self, turn: u64) -> Option<u64> {
        let cycles = turn.checked_div(self.total)?;
        let turn = turn % self.total;
        let word = self.words.partition_point(|(_, before)| u64::from(*before) <= turn) - 1;
        let (mut bits, before) = self.words[word];
        for _ in u64::from(before)..turn {
            bits &= bits - 1;
        }
        let place = (word * WORD) as u64 + u64::from(bits.trailing_zeros());
        Some(cycles.saturating_mul(self.length as u64).saturating_add(place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn feeder(rows: u64, order: Order, at_end: AtEnd) -> Arc<Feeder> {
        let mut table = Table::new(vec!["id".into()]);
        for row in 0..rows {
            table.push([row.to_string().as_str()].into_iter()).unwrap();
        }
        Arc::new(Feeder { name: "f".into(), table, order, at_end })
    }

    /// Requests 0 and 2 of three use the only feeder.
    fn feeding(rows: u64, order: Order, at_end: AtEnd) -> (Feeding, Mix) {
        let mix = Mix::new(&[3, 5, 1], 7).unwrap();
        let feeders = vec![feeder(rows, order, at_end)];
        let used_by = |request: usize| if request == 1 { &[][..] } else { &[0][..] };
        (Feeding::new(feeders, &mix, used_by, 7), mix)
    }

    /// Rows of the slots that use the feeder, in order.
    fn rows(feeding: &Feeding, mix: &Mix, slots: u64, taken: &Taken) -> Vec<u64> {
        let using = (0..slots).filter(|&slot| mix.request(slot) != 1);
        using.map(|slot| feeding.row(0, slot, taken)).collect()
    }

    #[test]
    fn rows_are_taken_without_gaps_whichever_requests_use_them() {
        let (feeding, mix) = feeding(5, Order::Sequential, AtEnd::Rewind);
        let none = Taken::default();
        assert_eq!(rows(&feeding, &mix, 18, &none), [0, 1, 2, 3, 4, 0, 1, 2]);
        let later = feeding.after(&none, 9);
        assert_eq!((later.slots, rows(&feeding, &mix, 9, &later)), (9, vec![4, 0, 1, 2]));
        assert_eq!(feeding.end(&none).map(|(slot, _)| slot), None);
    }

    #[test]
    fn random_rows_follow_the_seed_and_repeat() {
        let (feeding, mix) = feeding(3, Order::Random, AtEnd::Rewind);
        let taken = Taken::default();
        let all: BTreeSet<u64> = rows(&feeding, &mix, 90, &taken).into_iter().collect();
        assert_eq!(all.len(), 3);
        assert_eq!(feeding.row(0, 17, &taken), feeding.row(0, 17, &taken));
    }

    proptest! {
        #[test]
        fn unique_rows_come_once_over_legs_until_the_end(
            rows in 1_u64..300, first_leg in 0_u64..400,
        ) {
            let (feeding, mix) = feeding(rows, Order::Unique, AtEnd::Stop);
            let none = Taken::default();
            let (end, _) = feeding.end(&none).unwrap();
            let first = first_leg.min(end);
            let mut seen = self::rows(&feeding, &mix, first, &none);
            let later = feeding.after(&none, first);
            let (rest, _) = feeding.end(&later).unwrap();
            seen.extend(self::rows(&feeding, &mix, rest, &later));
            let distinct: BTreeSet<u64> = seen.iter().copied().collect();
            prop_assert_eq!(distinct.len() as u64, rows);
            prop_assert_eq!(seen.len() as u64, rows);
            prop_assert_ne!(mix.request(end), 1, "the slot after the last row would need one");
        }

        #[test]
        fn counting_uses_and_finding_them_agree(
            places in prop::collection::vec(any::<bool>(), 1..300), slot in 0_u64..2000,
        ) {
            let uses = Uses::new(places.iter().copied());
            let plain = (0..slot)
                .filter(|at| places[usize::try_from(*at).unwrap() % places.len()])
                .count() as u64;
            prop_assert_eq!(uses.before(slot), plain);
            if places.contains(&true) {
                let found = uses.slot_of(plain).unwrap();
                prop_assert!(found >= slot && uses.before(found) == plain);
                let place = usize::try_from(found).unwrap() % places.len();
                prop_assert!(places[place]);
            }
        }
    }
}
