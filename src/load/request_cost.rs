//! [`RequestCost`]: how many requests slots come to at most: each step of a flow is one, and each redirect that may
//! be followed.

use crate::load::mix::{Mix, MixError};
use crate::load::plan::Plan;
use crate::load::request::RequestTemplate;

/// Requests of a mix's slots, counted from the first slot of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCost {
    /// Of the first so many slots and one more of the mix's cycle; not empty.
    sums: Box<[u64]>,
}

impl RequestCost {
    /// Of what `plan` sends.
    ///
    /// # Errors
    /// It has nothing to send.
    pub fn of(plan: &Plan) -> Result<Self, MixError> {
        let mix = match &plan.trace {
            Some(trace) => Mix::recorded(trace.requests()),
            None => Mix::new(&plan.weights(), plan.seed)?,
        };
        Ok(Self::new(plan, &mix))
    }

    /// Of `mix`, which chooses among the plan's requests and flows.
    pub fn new(plan: &Plan, mix: &Mix) -> Self {
        let once = |request: &RequestTemplate| 1 + u64::from(request.expect.redirects);
        let singles = plan.requests.iter().map(once);
        let flows = &plan.flows.list;
        let flows =
            flows.iter().map(|flow| flow.steps.iter().map(|step| once(&step.request)).sum::<u64>());
        let costs: Vec<u64> = singles.chain(flows).collect();
        let mut sum = 0_u64;
        let sums = mix.cycle().iter().map(|&entry| {
            sum += costs.get(entry as usize).copied().unwrap_or(1);
            sum
        });
        Self { sums: sums.collect() }
    }

    /// The most requests that the first `slots` slots send.
    pub fn requests(&self, slots: u64) -> u64 {
        let (length, cycle) = self.cycle();
        let begun = usize::try_from(slots % length).unwrap_or(0);
        let begun = begun.checked_sub(1).map_or(0, |last| self.sums[last]);
        (slots / length).saturating_mul(cycle).saturating_add(begun)
    }

    /// How many slots never send more than `requests`.
    pub fn slots(&self, requests: u64) -> u64 {
        let (length, cycle) = self.cycle();
        let left = requests % cycle;
        let begun = self.sums.partition_point(|sum| *sum <= left) as u64;
        (requests / cycle).saturating_mul(length).saturating_add(begun)
    }

    /// Slots and requests of the whole cycle, each at least 1.
    fn cycle(&self) -> (u64, u64) {
        let requests = self.sums.last().copied().unwrap_or(1);
        (self.sums.len().max(1) as u64, requests.max(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn slots_and_requests_are_counted_as_one_by_one(
            costs in prop::collection::vec(1_u64..9, 1..20),
            most in 0_u64..200,
        ) {
            let mut sum = 0;
            let sums = costs.iter().map(|cost| { sum += cost; sum }).collect();
            let cost = RequestCost { sums };
            let one_by_one = |slots: u64| -> u64 {
                costs.iter().cycle().take(usize::try_from(slots).unwrap()).sum()
            };
            for slots in 0..100 {
                prop_assert_eq!(cost.requests(slots), one_by_one(slots));
            }
            let slots = cost.slots(most);
            prop_assert!(one_by_one(slots) <= most && one_by_one(slots + 1) > most);
        }
    }

    #[test]
    fn without_a_bound_there_is_none() {
        let cost = RequestCost { sums: [1, 4].into() };
        assert_eq!((cost.requests(u64::MAX), cost.slots(1)), (u64::MAX, 1));
        assert!(cost.slots(u64::MAX) > u64::MAX / 3);
    }
}
