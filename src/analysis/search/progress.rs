//! [`SearchProgress`]: a search as it closes in on its answer.

use std::time::Duration;

use crate::analysis::search::{Search, TrialRecord};
use crate::analysis::trial::{TrialPurpose, TrialVerdict};
use crate::load::slo::{Objective, quantile_name};

/// A trial as a point of rate and response time, for a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrialPoint {
    /// Arrivals per second.
    pub rate: f64,
    /// The first quantile that the objectives name, else the median.
    pub time: Duration,
    /// True if the time is only known to be this or more.
    pub at_least: bool,
    /// Share of slots without a good answer.
    pub error_rate: f64,
    /// Verdict about the rate.
    pub verdict: TrialVerdict,
    /// True if the rate was held, for what that verdict is worth.
    pub held: bool,
    /// Purpose of the trial.
    pub purpose: TrialPurpose,
}

/// Knowledge of a search so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchProgress {
    /// The name of the times, such as `p95`.
    pub quantile: String,
    /// Trials in order, without probes of recovery.
    pub points: Vec<TrialPoint>,
    /// The best guess; 0 before there is one.
    pub estimate: f64,
    /// Interval that it lies in; the upper end is open until a rate has failed.
    pub bracket: (f64, Option<f64>),
}

impl SearchProgress {
    /// Progress of `search` as of now.
    pub fn of(search: &Search) -> Self {
        let trials =
            search.trials().iter().filter(|one| one.trial.purpose != TrialPurpose::Recovery);
        let answer = search.conclude();
        let first = trials.clone().find_map(|record| quantile(record).map(|(name, ..)| name));
        Self {
            quantile: first.unwrap_or_else(|| "p50".to_owned()),
            points: trials.map(point).collect(),
            estimate: answer.estimate,
            bracket: (answer.low, answer.high),
        }
    }
}

fn point(record: &TrialRecord) -> TrialPoint {
    let figures = &record.figures;
    let (_, time, at_least) =
        quantile(record).unwrap_or_else(|| (String::new(), figures.median, false));
    TrialPoint {
        rate: record.trial.rate,
        time,
        at_least,
        error_rate: figures.error_rate,
        verdict: record.judgement.verdict,
        held: record.judgement.held(),
        purpose: record.trial.purpose,
    }
}

fn quantile(record: &TrialRecord) -> Option<(String, Duration, bool)> {
    record.figures.measured.iter().find_map(|measured| match measured.objective {
        Objective::ResponseTime { quantile, .. } => {
            let time = Duration::from_secs_f64(measured.value.max(0.0));
            Some((quantile_name(quantile), time, measured.at_least))
        }
        _ => None,
    })
}
