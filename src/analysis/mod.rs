//! Judgement: what the figures mean. Pure functions from measurements to verdicts with reasons.
//!
//! A measurement that the generator itself limited is `invalid`, never a pass or a failure of the target.

pub mod ab;
pub mod abort;
pub mod capacity_curve;
pub mod change_point;
pub mod collapse;
pub mod compare;
pub mod drift;
pub mod findings;
pub mod goals;
pub mod hints;
mod numbers;
pub mod onset;
pub mod search;
pub mod slo;
pub mod standstill;
pub mod stats;
pub mod trial;
pub mod warm_up;
pub mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::findings::{Finding, Severity};
use crate::analysis::slo::{Holds, ObjectiveVerdict};

/// Whether the run reached the end of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// It was stopped or lost a part before.
    CutShort,
}

/// The outcome in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OutcomeName")]
pub enum Outcome {
    /// Every objective holds.
    Pass,
    /// An objective does not hold.
    Fail,
    /// The generator was the limit.
    Invalid,
    /// Cut short.
    Incomplete,
}

impl Outcome {
    /// The outcome that follows. A limit broken in a part of a run is broken in the run. Objectives of which
    /// none could be judged leave it incomplete, as an end before its time does.
    pub fn new<'j>(
        objectives: impl IntoIterator<Item = &'j ObjectiveVerdict>,
        findings: &[Finding],
        extent: Extent,
    ) -> Self {
        let holds: Vec<Holds> = objectives.into_iter().map(|one| one.holds).collect();
        let unjudged = |holds: &Holds| *holds == Holds::NotJudged;
        if findings.iter().any(|finding| finding.severity == Severity::Invalid) {
            Self::Invalid
        } else if holds.contains(&Holds::No) {
            Self::Fail
        } else if extent == Extent::CutShort || (!holds.is_empty() && holds.iter().all(unjudged)) {
            Self::Incomplete
        } else {
            Self::Pass
        }
    }
}
