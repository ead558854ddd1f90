//! [`Entries`]: the mix as it is sent, once set-up has filled the pools.

use std::sync::Arc;

use crate::engine::prepare::PrepareError;
use crate::load::flow::Flows;
use crate::load::mix::Mix;
use crate::load::plan::Plan;
use crate::load::request::{Pools, RequestTemplate};
use crate::profile::{Redistributed, empty_pools, redistribute};

/// What slots start.
pub(super) struct Entries {
    /// Single requests.
    pub(super) requests: Arc<[RequestTemplate]>,
    /// Flows, which come after them.
    pub(super) flows: Arc<Flows>,
    /// Rows of the ledger: the single requests, then the steps of flows.
    pub(super) rows: Arc<[RequestTemplate]>,
    /// Slot index → single request or flow.
    pub(super) mix: Arc<Mix>,
    /// Weights that moved.
    pub(super) redistributed: Vec<Redistributed>,
}

/// Moves the weights of requests without data, and refuses a run that lacks what it must have.
pub(super) fn settle(plan: &Plan, pools: &Pools) -> Result<Entries, PrepareError> {
    let entries = plan.requests.iter().cloned().chain(plan.flows.stand_ins()).collect();
    let (mut requests, redistributed) =
        redistribute(entries, &plan.pools, &plan.setup, pools).map_err(PrepareError::EmptyPools)?;
    let empty = empty_pools(plan.flows.steps(), &plan.pools, &plan.setup, pools);
    if !empty.is_empty() {
        return Err(PrepareError::EmptyPools(empty));
    }
    let weights: Vec<u32> = requests.iter().map(|request| request.weight).collect();
    let mix = Arc::new(match &plan.trace {
        Some(trace) => Mix::recorded(trace.requests()),
        None => Mix::new(&weights, plan.seed)?,
    });
    // A stand-in picks from no pool, so all are left, and they come last.
    let flows = Arc::new(plan.flows.clone().reclaimed(&mut requests));
    let rows = requests.iter().chain(flows.steps()).cloned().collect();
    Ok(Entries { requests: requests.into(), flows, rows, mix, redistributed })
}
