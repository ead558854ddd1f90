//! [`RequestReport`]: what became of one request name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::failure::FailureReport;
use crate::report::{Fates, Latency, ObjectiveReport, Phases, Rates, Report, Tier};

/// One request name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestReport {
    /// Its name.
    pub name: String,
    /// Its method; empty in results of versions that did not tell.
    #[serde(default)]
    pub method: String,
    /// Its weight in the mix that was sent. Where requests without data gave their weight to others, all are
    /// scaled so that they stay whole numbers.
    pub weight: u32,
    /// Its weight in the profile, if that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_weight: Option<u32>,
    /// Its part of the ledger.
    pub fates: Fates,
    /// Its part of the rates; absent in results of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rates>,
    /// Share of its slots without a good answer.
    pub error_rate: f64,
    /// From due to last byte.
    pub response_time: Latency,
    /// From sent to last byte.
    pub service_time: Latency,
    /// Where the response time of good answers went.
    #[serde(default)]
    pub phases: Phases,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Broken exchanges by kind.
    pub errors: BTreeMap<String, u64>,
    /// Body bytes of all answers.
    pub bytes: u64,
    /// Checks that failed and values that answers did not hold, by name; an answer may fail several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, u64>,
    /// Failed slots by kind, with when and why, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureReport>,
    /// Redirects that were followed.
    #[serde(default)]
    pub redirects: u64,
    /// Requests that were sent once more, since the target had left them unprocessed.
    #[serde(default)]
    pub repeats: u64,
    /// Interim answers (100 to 199) that came before final ones.
    #[serde(default)]
    pub interim: u64,
    /// Limits of its own, and how they fared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveReport>,
    /// How good it is by bars of its own, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

impl Report {
    /// Every objective under its name: those of the run, then those of single requests, which begin with
    /// the request's.
    pub fn every_objective(&self) -> impl Iterator<Item = (String, &ObjectiveReport)> {
        let of_run = self.verdict.objectives.iter().map(|one| (one.objective.clone(), one));
        let of_requests = self.requests.iter().flat_map(|request| {
            let named = move |one: &ObjectiveReport| format!("{}: {}", request.name, one.objective);
            request.objectives.iter().map(move |one| (named(one), one))
        });
        of_run.chain(of_requests)
    }
}
