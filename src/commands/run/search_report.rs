//! A search in the words of the report and the screen.

use crate::analysis::search::{Answer, Bound, Note, TrialRecord};
use crate::analysis::trial::{
    Breach, ClientState, Judgement, Measured, Purpose, StopReason, Trial, TrialResult, Verdict,
};
use crate::load::rate::Figures;
use crate::load::slo::{Objective, Slo, quantile_name};
use crate::report::search::{self as model, SearchReport, TrialReport, TrialVerdict};
use crate::time::{Human, whole_nanos};

use std::time::Duration;

/// What a trial is for, in one word.
pub(super) const fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::WarmUp => "warm-up",
        Purpose::Climb => "climb",
        Purpose::Bisect => "bisect",
        Purpose::Confirm => "confirm",
        Purpose::Above => "above",
    }
}

/// One line about a trial that has run.
pub(super) fn line(trial: &Trial, result: &TrialResult, judgement: &Judgement) -> String {
    let verdict = match judgement.verdict {
        _ if trial.purpose == Purpose::WarmUp => "done",
        Verdict::Pass => "held",
        Verdict::Fail => "not held",
        Verdict::Undecided => "undecided",
        Verdict::Invalid => "client-bound",
    };
    let why = match (&result.client, judgement.reasons.first()) {
        (ClientState::Limited { reason }, _) => reason.clone(),
        (ClientState::Healthy, Some(breach)) => words(breach),
        (ClientState::Healthy, None) => {
            result.measured.iter().map(value).collect::<Vec<_>>().join(", ")
        }
    };
    let early = match result.stopped_early {
        Some(StopReason::BacklogRunaway | StopReason::TooManySlow | StopReason::TooManyFailed) => {
            ", stopped early"
        }
        None => "",
    };
    format!(
        "{} {}/s for {}: {verdict} ({why}{early})",
        purpose(trial.purpose),
        Figures(trial.rate),
        Human(result.length)
    )
}

fn value(measured: &Measured) -> String {
    let at_least = if measured.at_least { "≥ " } else { "" };
    let time = || Human(Duration::from_secs_f64(measured.value.max(0.0)));
    match measured.objective {
        Objective::ResponseTime { quantile, .. } => {
            format!("{} {at_least}{}", quantile_name(quantile), time())
        }
        Objective::MeanResponseTime { .. } => format!("mean {at_least}{}", time()),
        Objective::ErrorRate { .. } => format!("errors {} %", Figures(measured.value * 100.0)),
        Objective::Throughput { .. } => format!("{}/s answered", Figures(measured.value)),
    }
}

/// Which limit broke.
fn words(breach: &Breach) -> String {
    match breach {
        Breach::LatencyOver(measured) | Breach::ErrorsOver(measured) => {
            format!("{}, not {}", value(measured), measured.objective)
        }
        Breach::BacklogGrowing { per_s } => {
            format!("the backlog grew by {} requests a second", Figures(*per_s))
        }
        Breach::AchievedShort { achieved } => {
            format!("only {}/s could be sent", Figures(*achieved))
        }
    }
}

/// The search block of the report.
pub(super) fn from(answer: &Answer, slo: &Slo) -> SearchReport {
    SearchReport {
        slo: slo.to_string(),
        max_rps: model::MaxRps {
            estimate: answer.estimate,
            low: answer.low,
            high: answer.high,
            confidence: answer.confidence,
        },
        bound: match answer.bound {
            Bound::Breach => model::Bound::Breach,
            Bound::AtLeast => model::Bound::AtLeast,
            Bound::BelowMinimum => model::Bound::BelowMinimum,
        },
        breach: answer
            .limit
            .as_ref()
            .zip(answer.high)
            .map(|(breach, rate)| model::Breach { rate, reason: words(breach) }),
        trials: answer.trials.iter().map(trial).collect(),
        notes: answer.notes.iter().map(note).collect(),
        capacity: None,
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::OutOfTime => {
            "the time was over before the interval was narrow; --search-time gives more".to_owned()
        }
        Note::Unconfirmed => "the rate was held in short trials only".to_owned(),
        Note::ClientLimited { reason } => {
            format!("higher rates were more than the generator could offer: {reason}")
        }
        Note::UpperEndNoisy => {
            "the rate above never clearly failed; it was too noisy to be judged".to_owned()
        }
    }
}

fn trial(record: &TrialRecord) -> TrialReport {
    let TrialRecord { trial, judgement, figures } = record;
    let quantile = figures
        .measured
        .iter()
        .find(|measured| matches!(measured.objective, Objective::ResponseTime { .. }));
    let p95 = quantile
        .map_or(0, |measured| whole_nanos(Duration::from_secs_f64(measured.value.max(0.0))));
    TrialReport {
        rate: trial.rate,
        verdict: match judgement.verdict {
            Verdict::Pass => TrialVerdict::Pass,
            Verdict::Fail => TrialVerdict::Fail,
            Verdict::Undecided => TrialVerdict::Undecided,
            Verdict::Invalid => TrialVerdict::Invalid,
        },
        planned: figures.planned,
        p95,
        // An interval that ignores how requests follow each other would be far too narrow.
        p95_low: None,
        p95_high: None,
        p95_at_least: quantile.is_some_and(|measured| measured.at_least),
        error_rate: figures.error_rate,
        achieved: figures.achieved,
        backlog_slope: judgement.backlog_slope,
        duration: whole_nanos(figures.length),
    }
}
