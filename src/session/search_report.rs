//! A search in the words of the report and the screen.

use crate::analysis::capacity_curve::{
    CapacityCurve, Contribution, CurvePoint, FIT_ERROR_MAX, Fit, RequestBreaches, contributions,
};
use crate::analysis::search::{Answer, Note, TrialRecord};
use crate::analysis::trial::{
    Breach, ClientState, Judgement, ObjectiveFigure, Trial, TrialResult, TrialVerdict,
};
use crate::load::plan::Plan;
use crate::load::rate::{Figures, Rate};
use crate::load::slo::{Objective, Slo, quantile_name};
use crate::measure::millionths::millionths;
use crate::report::search::{self as model, SearchReport, TrialReport};
use crate::report::sheet::{CapacitySheet, ContributionReport, CurveReport, FitReport};
use crate::session::options::SearchOptions;
use crate::time::{Human, whole_nanos};

use std::time::Duration;

/// One line about a trial that has run.
pub(super) fn line(
    plan: &Plan,
    trial: &Trial,
    result: &TrialResult,
    judgement: &Judgement,
) -> String {
    let verdict = match judgement.verdict {
        TrialVerdict::Pass => "held",
        TrialVerdict::Fail => "not held",
        TrialVerdict::Undecided if judgement.held() => "rather held",
        TrialVerdict::Undecided => "rather not held",
        TrialVerdict::Invalid => "client-bound",
    };
    let why = match (&result.client, judgement.reasons.first()) {
        (ClientState::Disturbed { reason } | ClientState::Limited { reason }, _) => reason.clone(),
        (ClientState::Healthy, Some(breach)) => words(plan, breach),
        (ClientState::Healthy, None) => {
            result.measured.iter().map(value).collect::<Vec<_>>().join(", ")
        }
    };
    let served = Figures(served(trial, result, plan).round());
    format!(
        "{} {}/s for {}, {served}/s answered well: {verdict} ({why})",
        trial.purpose.name(),
        Figures(trial.rate),
        Human(result.length)
    )
}

/// Good answers per second while the load went on. Answers are counted by requests, and rates by what the plan
/// counts.
fn served(trial: &Trial, result: &TrialResult, plan: &Plan) -> f64 {
    result.goodput(trial) / plan.requests_per_counted()
}

fn value(measured: &ObjectiveFigure) -> String {
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
fn words(plan: &Plan, breach: &Breach) -> String {
    let over = |measured: &ObjectiveFigure| {
        let holds = if measured.holds() { "on the way above" } else { "not" };
        format!("{}, {holds} {}", value(measured), measured.objective)
    };
    match breach {
        Breach::LatencyOver(measured) | Breach::ErrorsOver(measured) => over(measured),
        Breach::RequestOver(missed) => {
            let name = plan.rows().nth(missed.row).map_or("a request", |row| &row.name);
            format!("{name}: {}", over(&missed.measured))
        }
        Breach::BacklogGrowing { per_s } => {
            format!("the backlog grew by {} requests a second", Figures(*per_s))
        }
    }
}

/// A trial that failed, with its requests.
#[derive(Clone, Debug)]
pub(super) struct FailedTrial {
    pub(super) rate: f64,
    pub(super) requests: Vec<RequestBreaches>,
    /// The kind of most of its failures.
    pub(super) mostly: Option<String>,
}

/// The search block of the report.
pub(super) fn from(
    answer: &Answer,
    plan: &Plan,
    options: SearchOptions,
    failed: &[FailedTrial],
) -> SearchReport {
    let slo = &plan.slo;
    let current_rate = options.current_rate.map(Rate::as_per_second);
    let breach_rate = answer.breach.as_ref().map(|(rate, _)| *rate);
    let at_breach = failed.iter().rev().find(|one| Some(one.rate) == breach_rate);
    let requests = at_breach.map_or(&[][..], |one| &one.requests);
    SearchReport {
        slo: slo.to_string(),
        max_rps: model::MaxRps {
            estimate: answer.estimate,
            low: answer.low,
            high: answer.high,
            confidence: answer.confidence,
        },
        bound: answer.bound,
        breach: answer.breach.as_ref().map(|(rate, breach)| {
            let mostly = at_breach.and_then(|one| one.mostly.as_deref());
            let mostly = mostly.filter(|_| matches!(breach, Breach::ErrorsOver(_)));
            let mostly = mostly.map(|kind| format!(", mostly {kind}")).unwrap_or_default();
            model::Breach { rate: *rate, reason: words(plan, breach) + &mostly }
        }),
        effort: options.effort.name().to_owned(),
        held: whole_nanos(answer.held),
        noise: Some(answer.noise),
        sheet: CapacityCurve::of(answer, slo).map(|found| sheet(&found, current_rate, requests)),
        trials: answer.trials.iter().map(|one| trial(one, plan)).collect(),
        notes: answer.notes.iter().map(note).collect(),
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::Unconfirmed { out_of_time: true } => {
            "unconfirmed: the time was over before the rate was held for long; --search-time gives more"
                .to_owned()
        }
        Note::Unconfirmed { out_of_time: false } => {
            "unconfirmed: the search ended before the rate was held for long".to_owned()
        }
        Note::BetweenStalls => {
            "unconfirmed: the rate was held only between stalls that other trials met; --effort thorough holds it for longer"
                .to_owned()
        }
        Note::Wide { width } => format!(
            "wide: the interval is {} % of the rate; few requests or much noise, more time narrows it",
            Figures((width * 1000.0).round() / 10.0)
        ),
        Note::ClientLimited { reason } => {
            format!("client-limited: higher rates were more than the generator could offer: {reason}")
        }
        Note::Stalls { times: 0 | 1, .. } => {
            "stalls: once, nothing was answered for a while though requests waited".to_owned()
        }
        Note::Stalls { every_s, .. } => {
            format!("stalls: nothing was answered for a while, every {} s or so", Figures(every_s.round()))
        }
        Note::Scaled => {
            "scaled: the target held more at the end than before, as if it had grown".to_owned()
        }
        Note::SlowRecovery => {
            "slow-recovery: 30 s after an overload the target was still slower than before".to_owned()
        }
        Note::Gone { rate } => format!(
            "target-gone: for 30 s after the trial at {}/s every request failed at once, so the search ended; \
             what failed in that trial may say nothing of the rate",
            Figures(*rate)
        ),
        Note::NotRecovered => {
            "not-recovered: two minutes after an overload the target was still slower than before, so the search ended"
                .to_owned()
        }
    }
}

fn sheet(
    found: &CapacityCurve,
    current_rate: Option<f64>,
    failed: &[RequestBreaches],
) -> CapacitySheet {
    let nanos = |seconds: f64| whole_nanos(Duration::from_secs_f64(seconds.max(0.0)));
    let point = |point: &CurvePoint| CurveReport {
        rate: point.rate,
        p50: nanos(point.median),
        p95: nanos(point.quantile),
        p95_low: point.band.map(|(low, _)| nanos(low)),
        p95_high: point.band.and_then(|(_, high)| high).map(nanos),
    };
    let fits = |fit: &Fit| fit.error <= FIT_ERROR_MAX;
    CapacitySheet {
        curve: found.points.iter().map(point).collect(),
        knee_between: found.knee.map(|(low, high)| [low, high]),
        safe_rate: found.safe,
        current_rate,
        contributions: contributions(failed).into_iter().map(contribution).collect(),
        fit: found.fit.filter(fits).map(|fit| FitReport {
            base: nanos(fit.base),
            wait: nanos(fit.wait),
            capacity: fit.capacity,
            error: fit.error,
        }),
    }
}

fn contribution(one: Contribution) -> ContributionReport {
    let Contribution { request, planned_share, broken_share } = one;
    ContributionReport {
        request,
        planned_share: millionths(planned_share),
        broken_share: millionths(broken_share),
    }
}

/// The first quantile that `slo` names, 0 to 1.
pub(super) fn quantile(slo: &Slo) -> Option<f64> {
    slo.objectives.iter().find_map(|objective| match objective {
        Objective::ResponseTime { quantile, .. } => Some(*quantile),
        _ => None,
    })
}

fn trial(record: &TrialRecord, plan: &Plan) -> TrialReport {
    let TrialRecord { trial, judgement, figures, .. } = record;
    let quantile = figures
        .measured
        .iter()
        .find(|measured| matches!(measured.objective, Objective::ResponseTime { .. }));
    let p95 = quantile
        .map_or(0, |measured| whole_nanos(Duration::from_secs_f64(measured.value.max(0.0))));
    TrialReport {
        rate: trial.rate,
        purpose: Some(trial.purpose),
        verdict: judgement.verdict,
        planned: figures.planned,
        p95,
        p95_low: figures.interval.map(|interval| whole_nanos(interval.low)),
        p95_high: figures.interval.and_then(|interval| interval.high).map(whole_nanos),
        p95_at_least: quantile.is_some_and(|measured| measured.at_least),
        error_rate: figures.error_rate,
        achieved: figures.achieved,
        served: Some(served(trial, figures, plan)),
        backlog_slope: judgement.backlog_slope,
        duration: whole_nanos(figures.length),
    }
}
