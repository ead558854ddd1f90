//! [`Mix`]: which request a slot sends, by the slot's index alone.
//!
//! Shares are exact: every run of W consecutive slots, W the reduced sum of weights, holds each request
//! exactly its weight's number of times, and after any number of slots each request has been sent less
//! than one time more or less than its share, also when the server is overloaded.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::load::greatest_common_divisor;
use crate::load::random::SplitMix64;

/// The longest cycle of slots kept as a table.
pub const CYCLE_MAX: u64 = 1_000_000;

/// Why weights make no mix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// Nothing would ever be sent.
    #[error("every weight is zero; give at least one request a weight above 0")]
    Empty,
    /// The weights' reduced sum is past [`CYCLE_MAX`].
    #[error(
        "the weights add up to {0} after reduction, more than {CYCLE_MAX}; use smaller whole numbers"
    )]
    CycleTooLong(u64),
}

/// Slot index → request index.
#[derive(Clone, Debug)]
pub struct Mix {
    cycle: Box<[u32]>,
}

/// The number of slots after which a mix of `weights` repeats: their sum in smallest whole numbers.
pub fn cycle_length(weights: &[u32]) -> Result<u64, MixError> {
    let weights = || weights.iter().copied().map(u64::from);
    let divisor = weights().fold(0, greatest_common_divisor);
    if divisor == 0 {
        return Err(MixError::Empty);
    }
    let length = weights().sum::<u64>() / divisor;
    if length > CYCLE_MAX { Err(MixError::CycleTooLong(length)) } else { Ok(length) }
}

impl Mix {
    /// Assigns each slot of a cycle by Tijdeman's rule (The chairman assignment problem, Discrete
    /// Mathematics 32, 1980): with n requests, none ever strays 1 − 1/(2n − 2) slots from its share, and
    /// none can do better. `seed` decides between equals, and whether the cycle runs forwards or backwards.
    ///
    /// Of the requests whose share has grown enough to be sent once more, the one that would soonest have
    /// too few is sent. Takes the order of W log n steps.
    pub fn new(weights: &[u32], seed: u64) -> Result<Self, MixError> {
        let length = cycle_length(weights)?;
        let divisor = weights.iter().copied().map(u64::from).sum::<u64>() / length;
        let mut random = SplitMix64::new(seed);
        let mut waiting = BinaryHeap::new();
        let sent = weights.iter().filter(|&&weight| weight > 0).count() as u64;
        for (request, &weight) in (0..).zip(weights).filter(|(_, weight)| **weight > 0) {
            let weight = u64::from(weight) / divisor;
            let turn = Turn { request, weight, number: 1, tie: random.next_u64() };
            waiting.push(Reverse((turn.earliest(length, sent), turn)));
        }
        let mut ready = BinaryHeap::new();
        let mut cycle = Vec::new();
        for slot in 1..=length {
            while let Some(Reverse((_, turn))) = waiting.peek().filter(|next| next.0.0 <= slot) {
                ready.push(Reverse(Due { turn: *turn, sent }));
                waiting.pop();
            }
            // By Tijdeman's theorem there is one in every slot.
            let Some(Reverse(Due { turn, .. })) = ready.pop() else { continue };
            cycle.push(turn.request);
            let next = Turn { number: turn.number + 1, ..turn };
            if next.number <= next.weight {
                waiting.push(Reverse((next.earliest(length, sent), next)));
            }
        }
        if random.next_u64() & 1 == 1 {
            cycle.reverse();
        }
        Ok(Self { cycle: cycle.into() })
    }

    /// Of a single request.
    pub fn single() -> Self {
        Self { cycle: Box::new([0]) }
    }

    /// The requests of a recording, in its order; behind its end it begins again.
    pub fn recorded(requests: &[u32]) -> Self {
        Self { cycle: requests.into() }
    }

    /// The requests of the slots of one cycle, in order.
    pub fn cycle(&self) -> &[u32] {
        &self.cycle
    }

    /// The request that slot `index` sends.
    pub fn request(&self, index: u64) -> usize {
        let place = index % self.cycle.len() as u64;
        // Below the table's length, which is a usize.
        #[expect(clippy::cast_possible_truncation, reason = "below a usize")]
        let place = place as usize;
        self.cycle[place] as usize
    }
}

/// One of the times that a request is sent within a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    request: u32,
    /// In smallest whole numbers.
    weight: u64,
    /// From 1 to the weight.
    number: u64,
    /// Decides between equals.
    tie: u64,
}

impl Turn {
    /// The first slot, from 1, that may be this turn: weight · slot / length − (number − 1) has reached
    /// 1 / (2n − 2), where n requests are `sent`.
    fn earliest(self, length: u64, sent: u64) -> u64 {
        let span = 2 * sent.max(2) - 2;
        // Each factor is at most 2 · 10⁶ or, of the requests, 2 · 10⁴.
        (length * (1 + span * (self.number - 1))).div_ceil(span * self.weight)
    }
}

/// A turn that may be taken, ordered by when it must have been: (number − 1 / (2n − 2)) / weight.
#[derive(Clone, Copy, Debug)]
struct Due {
    turn: Turn,
    sent: u64,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        let scaled = |due: &Self| (2 * self.sent.max(2) - 2) * due.turn.number - 1;
        let ours = scaled(self) * other.turn.weight;
        let theirs = scaled(other) * self.turn.weight;
        ours.cmp(&theirs).then_with(|| self.turn.tie.cmp(&other.turn.tie))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_cycle_is_as_short_as_the_weights_allow() {
        assert_eq!(Mix::new(&[300, 100], 1).unwrap().cycle.len(), 4);
    }

    #[test]
    fn bad_weights_are_refused() {
        assert_eq!(Mix::new(&[], 0).unwrap_err(), MixError::Empty);
        assert_eq!(Mix::new(&[0, 0], 0).unwrap_err(), MixError::Empty);
        assert_eq!(Mix::new(&[1, 2_000_000], 0).unwrap_err(), MixError::CycleTooLong(2_000_001));
    }

    proptest! {
        #[test]
        fn any_cycle_of_slots_has_the_exact_shares(
            weights in prop::collection::vec(0_u32..40, 1..12),
            seed: u64,
            from in 0_u64..1_000_000,
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let mix = Mix::new(&weights, seed).unwrap();
            let total: u32 = weights.iter().sum();
            let mut counts = vec![0_u32; weights.len()];
            for slot in from..from + u64::from(total) {
                counts[mix.request(slot)] += 1;
            }
            prop_assert_eq!(counts, weights);
        }

        #[test]
        fn after_any_slot_each_request_is_within_one_of_its_share(
            weights in prop::collection::vec(0_u32..60, 1..14), seed: u64,
        ) {
            prop_assume!(weights.iter().any(|&weight| weight > 0));
            let mix = Mix::new(&weights, seed).unwrap();
            within_one(&mix, &weights);
        }
    }

    /// Over two cycles, so that the seam counts as well.
    fn within_one(mix: &Mix, weights: &[u32]) {
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        let mut counts = vec![0_u64; weights.len()];
        for slot in 0..2 * mix.cycle().len() as u64 {
            counts[mix.request(slot)] += 1;
            for (count, &weight) in counts.iter().zip(weights) {
                let (share, had) = ((slot + 1) * u64::from(weight), count * total);
                assert!(share.abs_diff(had) < total, "{weights:?}: {had} of {share} after {slot}");
            }
        }
    }

    #[test]
    fn hard_weights_and_many_of_them_stay_within_one() {
        let many: Vec<u32> = (0..200).map(|at| 1 + at * at % 37).collect();
        let powers: Vec<u32> = (0..12).map(|at| 1 << at).collect();
        for weights in [&many[..], &powers, &[1; 50], &[1000, 1], &[499, 499, 1, 1]] {
            for seed in 0..4 {
                within_one(&Mix::new(weights, seed).unwrap(), weights);
            }
        }
    }

    #[test]
    fn a_long_cycle_of_many_requests_is_made_quickly() {
        let weights: Vec<u32> = (0..10_000).map(|at| if at == 0 { 990_001 } else { 1 }).collect();
        let mix = Mix::new(&weights, 3).unwrap();
        assert_eq!(mix.cycle().len(), 1_000_000);
    }
}
