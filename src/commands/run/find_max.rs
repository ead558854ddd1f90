//! The search for the highest rate that holds: drives `analysis::search` with real trials.
//!
//! The search decides, this file only offers rates and reports what came of them.

use std::time::Duration;

use crate::analysis::findings::generator_limit;
use crate::analysis::search::{Search, Settings, Step};
use crate::analysis::sheet::Broken;
use crate::analysis::slo::{self, Measured as Figure, RunFigures};
use crate::analysis::trial::{
    ClientState, Judgement, Measured, Point, Purpose, Spread, Trial, TrialResult, Verdict, Watch,
    judge,
};
use crate::commands::Failure;
use crate::commands::run::budget::Budget;
use crate::commands::run::kept::{Kept, Standing};
use crate::commands::run::output::Output;
use crate::commands::run::search_report::{self, Failed};
use crate::commands::run::stretch::{Planned, Stretch};
use crate::commands::run::verdict::{self, Measurement};
use crate::commands::run::{Args, Session};
use crate::engine::leg::Flow;
use crate::load::plan::Plan;
use crate::load::rate::Rate;
use crate::load::schedule::{Horizon, Schedule};
use crate::measure::summary::Summary;
use crate::measure::window::Interval;
use crate::report::Report;
use crate::report::search::SearchReport;
use crate::time::Offset;

/// Longest wait for unanswered requests between two trials: what a queue within the limits needs many
/// times over.
const DRAIN_MAX: Duration = Duration::from_secs(12);

/// A trial that has run, whole.
struct Ran {
    trial: Trial,
    stretch: Stretch,
}

impl Session {
    /// Searches for the highest rate of the session's target.
    pub(in crate::commands) fn search(
        &mut self,
        args: &Args,
        output: &mut Output,
    ) -> Result<Report, Failure> {
        run(self, args, output)
    }
}

/// Searches until there is an answer, and reports it with the trial it rests on.
pub(super) fn run(
    session: &mut Session,
    args: &Args,
    output: &mut Output,
) -> Result<Report, Failure> {
    let mut search = Search::new(settings(session, args));
    let mut kept = Kept::default();
    let mut failed = Vec::new();
    let mut budget = Budget::of(args);
    let mut spent = None;
    let answer = loop {
        let trial = match search.next() {
            Step::Done(answer) => break answer,
            Step::Trial(trial) => trial,
        };
        let Some(schedule) = budget.admit(schedule(&session.plan, &trial)?) else {
            spent = Some(budget.note());
            break search.conclude();
        };
        let (ran, result) = offer(session, (&trial, schedule.clone()), output)?;
        budget.spend(&schedule, ran.stretch.outcome.arrivals_end);
        let judgement = judge(&trial, &result, &session.plan.slo);
        if trial.purpose != Purpose::Recovery {
            session.screen.note(&search_report::line(&trial, &result, &judgement));
            if judgement.verdict == Verdict::Fail {
                failed.push(Failed { rate: trial.rate, requests: broken(session, &ran) });
            }
            kept.add(standing(&trial, &judgement), trial.rate, ran);
        }
        if session.interrupt.requested().is_some() {
            break search.conclude();
        }
        search.observe(result);
    };
    let ran = kept.best(answer.estimate).ok_or_else(|| match &spent {
        Some(note) => Failure::usage(format!("no trial was sent: {note}")),
        None => Failure::unexpected(anyhow::anyhow!("the search ended before its first trial")),
    })?;
    let current_rate = args.current_rate.map(Rate::as_per_second);
    let asked = search_report::Asked { effort: args.effort, current_rate };
    let mut search = search_report::from(&answer, &session.plan.slo, asked, &failed);
    search.notes.extend(spent);
    Ok(report(session, search, ran))
}

/// What a trial's report is good for. What held to the end of a confirmation is what the answer rests on.
fn standing(trial: &Trial, judgement: &Judgement) -> Standing {
    let confirms = matches!(trial.purpose, Purpose::Confirm | Purpose::Climb);
    match judgement.verdict {
        _ if confirms && judgement.held() => Standing::Confirmed,
        Verdict::Pass => Standing::Held,
        Verdict::Fail => Standing::Failed,
        Verdict::Undecided if judgement.held() => Standing::Held,
        Verdict::Undecided | Verdict::Invalid => Standing::Neither,
    }
}

/// Who was slow, failed or unanswered in a trial.
fn broken(session: &Session, ran: &Ran) -> Vec<Broken> {
    let limit = session.plan.slo.tightest_time().unwrap_or(Duration::MAX);
    let requests = session.plan.requests.iter().zip(ran.stretch.outcome.tally.requests());
    requests
        .map(|(template, tally)| {
            let entries = tally.response_time.answered.entries();
            let slow = entries.iter().filter(|(time, _)| *time >= limit).map(|(_, count)| count);
            let planned = tally.fates.planned();
            Broken {
                request: template.name.clone(),
                planned,
                broken: planned - tally.fates.ok() + slow.sum::<u64>(),
            }
        })
        .collect()
}

fn settings(session: &Session, args: &Args) -> Settings {
    let standard = Settings::new(session.plan.slo.clone(), args.effort);
    Settings {
        start: args.rate.map_or(standard.start, Rate::as_per_second),
        max_rate: args.max_rate.map_or(standard.max_rate, Rate::as_per_second),
        search_time: args.search_time.unwrap_or(standard.search_time),
        ..standard
    }
}

/// What is sent in a trial, if nothing ends it sooner.
fn schedule(plan: &Plan, trial: &Trial) -> Result<Schedule, Failure> {
    Ok(Schedule {
        rate: Rate::from_per_second(trial.rate).map_err(Failure::unexpected)?,
        stages: None,
        arrivals: plan.arrivals,
        seed: plan.seed,
        horizon: Horizon::after(trial.duration()),
    })
}

/// Offers one rate and measures what comes of it.
fn offer(
    session: &Session,
    (trial, schedule): (&Trial, Schedule),
    output: &mut Output,
) -> Result<(Ran, TrialResult), Failure> {
    let plan = &session.plan;
    let planned = Planned {
        label: format!("{} {}", search_report::purpose(trial.purpose), schedule.rate),
        schedule,
        warmup: trial.head,
        drain: plan.limits.drain.min(DRAIN_MAX),
    };
    let mut watch = Watch::new(trial, &plan.slo);
    let mut spread = Spread::default();
    let mut points = Vec::new();
    let mut ended = None;
    let stretch = session.send(planned, output, |interval| {
        let point = point(interval);
        points.push(point);
        if point.at > trial.head {
            spread.push(&interval.window.response_time);
        }
        ended = ended.or_else(|| watch.observe(&point));
        if ended.is_some() { Flow::Stop } else { Flow::Continue }
    })?;
    let Stretch { outcome, summary, length, .. } = &stretch;
    // What drains afterwards is no part of the trial's course.
    points.retain(|point| point.at <= outcome.arrivals_end.since(Offset::ZERO));
    let client = client_state(session, stretch.measurement(trial.rate));
    let result = TrialResult {
        points,
        length: *length,
        took: outcome.end.since(Offset::ZERO),
        planned: summary.total.fates.planned(),
        ok: summary.total.fates.ok(),
        error_rate: summary.error_rate(),
        measured: measured(plan, summary, trial.rate),
        achieved: summary.achieved(),
        send_lag_p99: summary.send_lag.p99.value,
        median: summary.total.response_time.quantile(0.5).value,
        interval: search_report::quantile(&plan.slo).and_then(|quantile| spread.of(quantile)),
        client,
    };
    Ok((Ran { trial: *trial, stretch }, result))
}

fn point(interval: &Interval) -> Point {
    let window = &interval.window;
    Point {
        at: interval.end.since(Offset::ZERO),
        planned: window.planned,
        answered_ok: window.fates.ok(),
        slow: window.slow,
        failed: window.fates.failed(),
        unanswered: window.fates.unanswered(),
        unfinished: window.gauges.in_flight + window.gauges.waiting,
        overdue: window.gauges.overdue,
    }
}

fn measured(plan: &Plan, summary: &Summary, rate: f64) -> Vec<Measured> {
    let judged = slo::judge(&plan.slo, &RunFigures::new(summary, rate));
    judged
        .into_iter()
        .map(|one| {
            let (value, at_least) = match one.measured {
                Figure::Time(quantile) => (quantile.value.as_secs_f64(), quantile.at_least),
                Figure::Share(value) | Figure::PerSecond(value) => (value, false),
                // Known from below only: it never meets a limit on a time.
                Figure::Nothing => (0.0, true),
            };
            Measured { objective: one.objective, value, at_least }
        })
        .collect()
}

/// Whether the generator was the limit of a trial, by the same rules as in a run.
fn client_state(session: &Session, measurement: Measurement<'_>) -> ClientState {
    let generator = verdict::generator(session, measurement);
    let findings = verdict::findings(session, &session.plan, measurement, generator);
    match generator_limit(&findings) {
        Some(reason) => ClientState::Limited { reason },
        None => ClientState::Healthy,
    }
}

fn report(session: &Session, search: SearchReport, ran: Ran) -> Report {
    let Ran { trial, mut stretch } = ran;
    let plan = Plan {
        rate: Rate::from_per_second(trial.rate).unwrap_or(session.plan.rate),
        warmup: trial.head,
        duration: stretch.length,
        ..(*session.plan).clone()
    };
    let series = std::mem::take(&mut stretch.series);
    let measurement = stretch.measurement(trial.rate);
    verdict::report(session, &plan, measurement, series, Some(search))
}
