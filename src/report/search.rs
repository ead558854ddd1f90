//! The search for the highest rate, as a result tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::analysis::search::Bound;
pub use crate::analysis::trial::{TrialPurpose, TrialVerdict};
use crate::report::sheet::CapacitySheet;

/// A search and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchReport {
    /// What a rate had to meet.
    pub slo: String,
    /// The answer.
    pub max_rps: MaxRps,
    /// What kind of answer it is.
    pub bound: Bound,
    /// The lowest rate that was seen to fail and why, if there is one.
    pub breach: Option<Breach>,
    /// `quick`, `normal` or `thorough`; empty in results of versions that knew none.
    #[serde(default)]
    pub effort: String,
    /// How long the estimate was held, in ns; 0 if it was not confirmed. Faults rarer than that are unseen.
    #[serde(default)]
    pub held: u64,
    /// Squared variation of arrivals and services, as the backlog shows it; about 1 for exponential services.
    #[serde(default)]
    pub noise: Option<f64>,
    /// In the order they were made.
    pub trials: Vec<TrialReport>,
    /// What the trials tell besides; absent if no rate was held.
    #[serde(default)]
    pub sheet: Option<CapacitySheet>,
    /// For people.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl SearchReport {
    /// The name of the quantile that trials were judged by, the first of the objectives: `p95`, `max`.
    pub fn quantile_name(&self) -> &str {
        let objectives = self.slo.split(", ").filter_map(|objective| objective.split(' ').next());
        let is_quantile = |name: &&str| {
            *name == "max" || name.strip_prefix('p').is_some_and(|q| q.parse::<f64>().is_ok())
        };
        objectives.into_iter().find(is_quantile).unwrap_or("p95")
    }
}

/// The highest rate that meets the objectives, in requests per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MaxRps {
    /// The best single figure; 0 if even the lowest rate tried fails.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval; absent if no rate was seen to fail.
    pub high: Option<f64>,
    /// How sure it is that the interval holds the truth, 0 to 1.
    pub confidence: f64,
}

/// A rate that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Breach {
    /// Requests per second.
    pub rate: f64,
    /// Which limit broke, in words.
    pub reason: String,
}

/// One rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialReport {
    /// Requests per second asked for.
    pub rate: f64,
    /// What the search wanted to learn.
    #[serde(default)]
    pub purpose: Option<TrialPurpose>,
    /// What it came to.
    pub verdict: TrialVerdict,
    /// Slots.
    pub planned: u64,
    /// The response time that the objective's quantile names, in ns.
    pub p95: u64,
    /// Lower end of its confidence interval, in ns; absent if none was computed.
    pub p95_low: Option<u64>,
    /// Upper end of its confidence interval, in ns; absent if none was computed or if slots never answered
    /// leave it open.
    pub p95_high: Option<u64>,
    /// Whether `p95` is a lower bound.
    #[serde(default)]
    pub p95_at_least: bool,
    /// Share of slots without a good answer.
    pub error_rate: f64,
    /// Requests per second sent.
    pub achieved: f64,
    /// Good answers per second that ended while the load went on; absent in results of versions that did not
    /// count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<f64>,
    /// Growth of the number of unanswered requests, per second.
    pub backlog_slope: f64,
    /// ns.
    pub duration: u64,
}
