//! What a search tells of a target's capacity besides the highest rate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Response times against rates, and what follows from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacitySheet {
    /// By ascending rate, for rates that were held.
    pub curve: Vec<CurveReport>,
    /// Requests per second between whose ends the objective's quantile comes to twice that of the idle target;
    /// absent if the trials leave it open. Results of earlier versions gave one figure in `knee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knee_between: Option<[f64; 2]>,
    /// Safe operating point in requests per second: the quantile at most half its limit, the rate a tenth
    /// below the interval of the highest.
    pub safe_rate: Option<f64>,
    /// Requests per second that were given as today's load.
    pub current_rate: Option<f64>,
    /// Which requests were slow, failed or unanswered at the breach, those first who were so the most beyond their
    /// part of the load; empty if none was.
    #[serde(default)]
    pub contributions: Vec<ContributionReport>,
    /// How the median follows from queueing; absent if too few rates were held or it does not fit.
    pub fit: Option<FitReport>,
}

/// One request name's part in the breach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContributionReport {
    /// Its name.
    pub request: String,
    /// Its share of all slots, 0 to 1.
    pub planned_share: f64,
    /// Its share of the slots that were slow, failed or unanswered, 0 to 1.
    pub broken_share: f64,
}

/// One rate that was held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurveReport {
    /// Requests per second.
    pub rate: f64,
    /// Median response time, in ns.
    pub p50: u64,
    /// The response time that the objective's quantile names, in ns.
    pub p95: u64,
    /// Lower end of its 95 % interval, in ns.
    pub p95_low: Option<u64>,
    /// Upper end of its 95 % interval, in ns.
    pub p95_high: Option<u64>,
}

/// The median as base + wait · rate / (capacity − rate).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FitReport {
    /// Without load, in ns.
    pub base: u64,
    /// Waiting where rate and spare capacity are equal, in ns.
    pub wait: u64,
    /// Requests per second; the upper end of the interval.
    pub capacity: f64,
    /// Largest relative error over the curve.
    pub error: f64,
}
