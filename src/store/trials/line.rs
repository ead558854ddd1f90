//! [`Line`]: one trial as it stands in the log.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::analysis::capacity_curve::RequestBreaches;
use crate::analysis::goals::Confidence;
use crate::analysis::search::CompletedTrial;
use crate::analysis::trial::{
    ClientState, ObjectiveFigure, Point, SloMiss, Test, TimeInterval, Trial, TrialPurpose,
    TrialResult, TrialTuning,
};
use crate::load::slo::Slo;
use crate::store::trials::invalid;
use crate::time::whole_nanos;

/// One trial. Times in ns, rates per second.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    rate: f64,
    purpose: TrialPurpose,
    head: u64,
    asked_length: u64,
    test: TestLine,
    length: u64,
    took: u64,
    planned: u64,
    ok: u64,
    error_rate: f64,
    /// By objective: value, and whether it is a lower bound.
    measured: Vec<(f64, bool)>,
    /// Limits of single requests that were missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    missed: Vec<MissedLine>,
    achieved: f64,
    send_lag_p99: u64,
    median: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<(u64, Option<u64>)>,
    /// Why the generator was the limit, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_limit: Option<String>,
    /// Whether that was a disturbance of a moment.
    #[serde(default)]
    client_disturbed: bool,
    /// At, planned, answered well, slow, failed, unanswered, unfinished, overdue.
    points: Vec<[u64; 8]>,
    /// Name, planned, slow or failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    broken: Vec<(String, u64, u64)>,
    /// Taken up, its head included.
    slots: u64,
}

/// A limit, its value as above, and whether chance may have had a hand in it.
#[derive(Serialize, Deserialize)]
struct MissedLine {
    row: usize,
    objective: String,
    value: f64,
    at_least: bool,
    doubtful: bool,
}

#[derive(Serialize, Deserialize)]
struct TestLine {
    excess: f64,
    decisive: f64,
    from: u64,
    pass_from: u64,
    until: u64,
    noise: f64,
    stall_rate: f64,
}

impl From<&CompletedTrial> for Line {
    fn from(stored: &CompletedTrial) -> Self {
        let CompletedTrial { trial, result, broken, slots } = stored;
        let test = trial.test;
        Self {
            rate: trial.rate,
            purpose: trial.purpose,
            head: whole_nanos(trial.head),
            asked_length: whole_nanos(trial.length),
            test: TestLine {
                excess: test.excess,
                decisive: test.decisive,
                from: whole_nanos(test.from),
                pass_from: whole_nanos(test.pass_from),
                until: whole_nanos(test.until),
                noise: test.noise,
                stall_rate: test.stall_rate,
            },
            length: whole_nanos(result.length),
            took: whole_nanos(result.took),
            planned: result.planned,
            ok: result.ok,
            error_rate: result.error_rate,
            measured: result.measured.iter().map(|one| (one.value, one.at_least)).collect(),
            missed: result.missed.iter().map(MissedLine::from).collect(),
            achieved: result.achieved,
            send_lag_p99: whole_nanos(result.send_lag_p99),
            median: whole_nanos(result.median),
            interval: result.interval.map(|i| (whole_nanos(i.low), i.high.map(whole_nanos))),
            client_limit: match &result.client {
                ClientState::Healthy => None,
                ClientState::Disturbed { reason } | ClientState::Limited { reason } => {
                    Some(reason.clone())
                }
            },
            client_disturbed: matches!(result.client, ClientState::Disturbed { .. }),
            points: result.points.iter().map(numbers).collect(),
            broken: broken.iter().map(|b| (b.request.clone(), b.planned, b.broken)).collect(),
            slots: *slots,
        }
    }
}

impl From<&SloMiss> for MissedLine {
    fn from(missed: &SloMiss) -> Self {
        let SloMiss { row, measured, confidence } = *missed;
        Self {
            row,
            objective: measured.objective.to_string(),
            value: measured.value,
            at_least: measured.at_least,
            doubtful: confidence == Confidence::Doubtful,
        }
    }
}

impl MissedLine {
    fn decoded(&self) -> io::Result<SloMiss> {
        let objective = self.objective.parse();
        let objective = objective.map_err(|_| invalid("a limit in it cannot be read"))?;
        Ok(SloMiss {
            row: self.row,
            measured: ObjectiveFigure { objective, value: self.value, at_least: self.at_least },
            confidence: if self.doubtful { Confidence::Doubtful } else { Confidence::Sure },
        })
    }
}

fn numbers(point: &Point) -> [u64; 8] {
    [
        whole_nanos(point.at),
        point.planned,
        point.answered_ok,
        point.slow,
        point.failed,
        point.unanswered,
        point.unfinished,
        point.overdue,
    ]
}

fn point(numbers: &[u64; 8]) -> Point {
    let [at, planned, answered_ok, slow, failed, unanswered, unfinished, overdue] = *numbers;
    let at = Duration::from_nanos(at);
    Point { at, planned, answered_ok, slow, failed, unanswered, unfinished, overdue }
}

pub(super) fn decode(line: Line, slo: &Slo) -> io::Result<CompletedTrial> {
    let ns = Duration::from_nanos;
    let plausible = line.rate.is_finite() && line.rate > 0.0 && line.test.excess > 0.0;
    if !plausible || line.measured.len() != slo.objectives.len() {
        return Err(invalid("a trial in it does not fit its search"));
    }
    let objectives = slo.objectives.iter().zip(&line.measured);
    let test = &line.test;
    Ok(CompletedTrial {
        trial: Trial {
            rate: line.rate,
            head: ns(line.head),
            length: ns(line.asked_length),
            purpose: line.purpose,
            test: Test {
                excess: test.excess,
                decisive: test.decisive,
                from: ns(test.from),
                pass_from: ns(test.pass_from),
                until: ns(test.until),
                noise: test.noise,
                stall_rate: test.stall_rate,
                tuning: &TrialTuning::STANDARD,
            },
        },
        result: TrialResult {
            points: line.points.iter().map(point).collect(),
            length: ns(line.length),
            took: ns(line.took),
            planned: line.planned,
            ok: line.ok,
            error_rate: line.error_rate,
            measured: objectives
                .map(|(objective, (value, at_least))| ObjectiveFigure {
                    objective: *objective,
                    value: *value,
                    at_least: *at_least,
                })
                .collect(),
            missed: line.missed.iter().map(MissedLine::decoded).collect::<io::Result<_>>()?,
            achieved: line.achieved,
            send_lag_p99: ns(line.send_lag_p99),
            median: ns(line.median),
            interval: line
                .interval
                .map(|(low, high)| TimeInterval { low: ns(low), high: high.map(ns) }),
            client: match (line.client_limit, line.client_disturbed) {
                (None, _) => ClientState::Healthy,
                (Some(reason), true) => ClientState::Disturbed { reason },
                (Some(reason), false) => ClientState::Limited { reason },
            },
        },
        broken: line
            .broken
            .into_iter()
            .map(|(request, planned, broken)| RequestBreaches { request, planned, broken })
            .collect(),
        slots: line.slots,
    })
}
