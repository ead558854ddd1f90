//! Flows as a result tells of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::plan::Plan;
use crate::measure::millionths::millionths;
use crate::measure::tally::Tally;

/// The flows of a run. Their steps stand among the requests, each by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlowsReport {
    /// What the profile's rate counts: `requests`, each step for itself, or `flows`, each entry of the mix
    /// once.
    pub rate_counts: String,
    /// Single requests and flows that were to start per second.
    pub entries_per_second: f64,
    /// Requests of an entry on average, if no flow ends early.
    pub requests_per_entry: f64,
    /// Each flow, in the order of the plan.
    pub list: Vec<FlowReport>,
}

/// One flow's name. `started` is the sum of `completed`, `unfinished` and everything in `ended_early`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowReport {
    /// Its name.
    pub name: String,
    /// Its weight in the mix that was sent.
    pub weight: u32,
    /// Its weight in the profile, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_weight: Option<u32>,
    /// Its first step came due.
    pub started: u64,
    /// Its last step has ended.
    pub completed: u64,
    /// It was under way when the run ended.
    pub unfinished: u64,
    /// A step failed and it ended there, by the step's name.
    pub ended_early: BTreeMap<String, u64>,
}

/// What there is to tell of the plan's flows; nothing if it has none.
pub(super) fn flows(plan: &Plan, tally: &Tally) -> Option<FlowsReport> {
    if plan.flows.list.is_empty() {
        return None;
    }
    let requests_per_entry = plan.steps_per_entry().mean();
    let list = plan.flows.list.iter().enumerate().map(|(place, flow)| {
        let tally = tally.flow(place);
        let prefix = format!("{} / ", flow.name);
        let ended_early = tally.ended_early.iter().filter_map(|(step, count)| {
            let name = &flow.steps.get(*step)?.request.name;
            Some((name.strip_prefix(&prefix).unwrap_or(name).to_owned(), *count))
        });
        FlowReport {
            name: flow.name.clone(),
            weight: flow.weight,
            profile_weight: None,
            started: tally.started,
            completed: tally.completed,
            unfinished: tally.unfinished(),
            ended_early: ended_early.collect(),
        }
    });
    Some(FlowsReport {
        rate_counts: plan.flows.rate_counts.name().to_owned(),
        entries_per_second: millionths(plan.rate_asked() / requests_per_entry),
        requests_per_entry: millionths(requests_per_entry),
        list: list.collect(),
    })
}
