//! [`ProfileWeights`]: the weights that the profile gives, for a result whose mix was sent with others since
//! requests without data gave theirs away.

use std::collections::BTreeMap;

use crate::load::plan::Plan;
use crate::report::Report;

/// Weights by name, before any was given away.
pub struct ProfileWeights {
    requests: BTreeMap<String, u32>,
    flows: BTreeMap<String, u32>,
}

impl ProfileWeights {
    /// Those of a plan that has not been set up yet.
    pub fn of(plan: &Plan) -> Self {
        let requests = plan.rows().map(|request| (request.name.clone(), request.weight));
        let flows = plan.flows.list.iter().map(|flow| (flow.name.clone(), flow.weight));
        Self { requests: requests.collect(), flows: flows.collect() }
    }

    /// Enters in `report` each weight that was another in the profile.
    pub fn tell(&self, report: &mut Report) {
        for request in &mut report.requests {
            request.profile_weight = other(&self.requests, &request.name, request.weight);
        }
        for flow in report.flows.iter_mut().flat_map(|flows| &mut flows.list) {
            flow.profile_weight = other(&self.flows, &flow.name, flow.weight);
        }
    }
}

fn other(weights: &BTreeMap<String, u32>, name: &str, sent: u32) -> Option<u32> {
    weights.get(name).copied().filter(|weight| *weight != sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn only_weights_that_were_others_are_told() {
        let mut report = example::report(example::GOOD);
        let mut weights = ProfileWeights { requests: BTreeMap::new(), flows: BTreeMap::new() };
        for request in &report.requests {
            weights.requests.insert(request.name.clone(), request.weight);
        }
        weights.tell(&mut report);
        assert!(report.requests.iter().all(|request| request.profile_weight.is_none()));
        report.requests[0].weight *= 21;
        weights.tell(&mut report);
        let own = report.requests[0].weight / 21;
        assert_eq!(report.requests[0].profile_weight, Some(own));
        assert_eq!(report.requests[1].profile_weight, None);
    }
}
