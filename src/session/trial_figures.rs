//! From what a trial measured to the figures that the search judges.

use std::time::Duration;

use crate::analysis::goals;
use crate::analysis::sheet::Broken;
use crate::analysis::slo::{self, Judged, Measured as Figure, RunFigures};
use crate::analysis::trial::{Measured, Missed, Point};
use crate::load::plan::Plan;
use crate::load::request::RequestTemplate;
use crate::measure::summary::Summary;
use crate::measure::tally::{RequestTally, Tally};
use crate::measure::window::Interval;
use crate::time::Offset;

/// What an interval of 100 ms showed.
pub(super) fn point(interval: &Interval) -> Point {
    let window = &interval.window;
    Point {
        at: interval.end.since(Offset::ZERO),
        planned: window.planned,
        answered_ok: window.fates.ok() + window.carried.ok,
        slow: window.slow + window.carried.slow,
        failed: window.fates.failed() + window.carried.failed,
        unanswered: window.response_time.unanswered.count() + window.carried.unanswered,
        unfinished: window.gauges.in_flight + window.gauges.waiting,
        overdue: window.gauges.overdue,
    }
}

/// The run's objectives with their figures; `rate` is what was asked for, in requests per second.
pub(super) fn measured(plan: &Plan, summary: &Summary, rate: f64) -> Vec<Measured> {
    let judged = slo::judge(&plan.slo, &RunFigures::new(summary, rate));
    judged.iter().map(figure).collect()
}

fn figure(judged: &Judged) -> Measured {
    let (value, at_least) = match judged.measured {
        Figure::Time(quantile) => (quantile.value.as_secs_f64(), quantile.at_least),
        Figure::Share(value) | Figure::PerSecond(value) => (value, false),
        // Known from below only: it never meets a limit on a time.
        Figure::Nothing => (0.0, true),
    };
    Measured { objective: judged.objective, value, at_least }
}

/// The limits of single requests that were not met.
pub(super) fn missed(plan: &Plan, tally: &Tally, length: Duration) -> Vec<Missed> {
    let rows = plan.rows().zip(tally.requests()).enumerate();
    let of_row = |(row, (request, tally)): (usize, (&RequestTemplate, &RequestTally))| {
        let figures = goals::figures(tally, length);
        let planned = tally.fates.planned();
        let objectives = goals::judge(&request.goals, &figures).objectives;
        let missed = objectives.iter().filter_map(|judged| {
            let surety = goals::missed(judged, &figures, planned)?;
            Some(Missed { row, measured: figure(judged), surety })
        });
        missed.collect::<Vec<_>>()
    };
    rows.flat_map(of_row).collect()
}

/// Who was slow, failed or unanswered in a trial.
pub(super) fn broken(plan: &Plan, tally: &Tally) -> Vec<Broken> {
    let limit = plan.slo.tightest_time().unwrap_or(Duration::MAX);
    let requests = plan.rows().zip(tally.requests());
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
