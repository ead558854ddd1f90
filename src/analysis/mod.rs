//! Judgement: what the figures mean. Pure functions from measurements to verdicts with reasons.
//!
//! A measurement that the generator itself limited is `invalid`, never a pass or a failure of the target.

pub mod ab;
pub mod abort;
pub mod collapse;
pub mod compare;
pub mod drift;
pub mod findings;
pub mod goals;
pub mod hints;
mod numbers;
pub mod onset;
pub mod search;
pub mod settling;
pub mod sheet;
pub mod slo;
pub mod standstill;
pub mod stats;
pub mod trial;
pub mod words;

use crate::analysis::findings::{Finding, Severity};
use crate::analysis::slo::{Holds, Judged};

/// Whether the run reached the end of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// It was stopped or lost a part before.
    CutShort,
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No objective is broken, and at least one was judged, if there are any.
    Pass,
    /// An objective does not hold.
    Fail,
    /// The generator was the limit, so nothing is known of the target.
    Invalid,
    /// No objective was broken, but not all was measured, or nothing that objectives are about.
    Incomplete,
}

impl Outcome {
    /// The outcome that follows. A limit broken in a part of a run is broken in the run.
    pub fn new<'j>(
        objectives: impl IntoIterator<Item = &'j Judged>,
        findings: &[Finding],
        extent: Extent,
    ) -> Self {
        let holds: Vec<Holds> = objectives.into_iter().map(|one| one.holds).collect();
        let unjudged = |holds: &Holds| matches!(holds, Holds::NotJudged(_));
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
