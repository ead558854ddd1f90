//! [`Mix`]: which request a slot sends, by the slot's index alone.
//!
//! Shares are exact: every run of W consecutive slots, W the reduced sum of weights, holds each request
//! exactly its weight's number of times, also when the server is overloaded.

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
    /// Spreads each request as evenly as its weight allows, starting at a place that `seed` decides.
    ///
    /// Smooth weighted round robin: each turn every request gains its weight, the richest is chosen and
    /// pays the sum.
    pub fn new(weights: &[u32], seed: u64) -> Result<Self, MixError> {
        let length = cycle_length(weights)?;
        let divisor = weights.iter().copied().map(u64::from).sum::<u64>() / length;
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let shares: Vec<i64> =
            weights.iter().map(|&weight| whole(u64::from(weight) / divisor)).collect();
        let total = whole(length);
        let mut credit = vec![0_i64; shares.len()];
        let mut cycle = Vec::new();
        for _ in 0..length {
            let mut richest = 0;
            for (request, share) in shares.iter().enumerate() {
                credit[request] += share;
                if credit[request] > credit[richest] {
                    richest = request;
                }
            }
            credit[richest] -= total;
            cycle.push(u32::try_from(richest).unwrap_or(u32::MAX));
        }
        let turn = usize::try_from(SplitMix64::new(seed).below(length)).unwrap_or(0);
        cycle.rotate_left(turn);
        Ok(Self { cycle: cycle.into() })
    }

    /// The requests of a recording, in its order; behind its end it begins again.
    pub fn recorded(requests: &[u32]) -> Self {
        Self { cycle: requests.into() }
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
        fn a_request_never_strays_two_slots_from_its_share(
            weights in prop::collection::vec(1_u32..40, 1..12), seed: u64,
        ) {
            let mix = Mix::new(&weights, seed).unwrap();
            let total = f64::from(weights.iter().sum::<u32>());
            let mut counts = vec![0.0_f64; weights.len()];
            for slot in 0..500_u32 {
                counts[mix.request(u64::from(slot))] += 1.0;
                for (request, &weight) in weights.iter().enumerate() {
                    let share = f64::from(slot + 1) * f64::from(weight) / total;
                    prop_assert!((counts[request] - share).abs() < weights.len() as f64);
                }
            }
        }
    }
}
