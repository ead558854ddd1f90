//! From what a trial measured to the figures that the search judges.

use std::time::Duration;

use crate::analysis::capacity_curve::RequestBreaches;
use crate::analysis::goals;
use crate::analysis::slo::{self, MeasuredValue, ObjectiveVerdict, RunFigures};
use crate::analysis::trial::{ObjectiveFigure, Point, SloMiss};
use crate::load::plan::Plan;
use crate::load::request::RequestTemplate;
use crate::measure::failure::FailureKind;
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
pub(super) fn measured(plan: &Plan, summary: &Summary, rate: f64) -> Vec<ObjectiveFigure> {
    let judged = slo::judge(&plan.slo, &RunFigures::new(summary, rate));
    judged.iter().map(figure).collect()
}

fn figure(judged: &ObjectiveVerdict) -> ObjectiveFigure {
    let (value, at_least) = match judged.measured {
        MeasuredValue::Time(quantile) => (quantile.value.as_secs_f64(), quantile.at_least),
        MeasuredValue::Share(value) | MeasuredValue::PerSecond(value) => (value, false),
        // Known from below only: it never meets a limit on a time.
        MeasuredValue::Nothing => (0.0, true),
    };
    ObjectiveFigure { objective: judged.objective, value, at_least }
}

/// The limits of single requests that were not met.
pub(super) fn missed(plan: &Plan, tally: &Tally, length: Duration) -> Vec<SloMiss> {
    let rows = plan.rows().zip(tally.requests()).enumerate();
    let of_row = |(row, (request, tally)): (usize, (&RequestTemplate, &RequestTally))| {
        let figures = goals::figures(tally, length);
        let planned = tally.fates.planned();
        let objectives = goals::judge(&request.goals, &figures).objectives;
        let missed = objectives.iter().filter_map(|judged| {
            let confidence = goals::missed(judged, &figures, planned)?;
            Some(SloMiss { row, measured: figure(judged), confidence })
        });
        missed.collect::<Vec<_>>()
    };
    rows.flat_map(of_row).collect()
}

/// The kind of most failures, such as `status 429` or `timeout`; nothing if none failed.
pub(super) fn main_failure(tally: &Tally) -> Option<String> {
    let whole = tally.all_requests();
    let (kind, _) = whole.failures.all().max_by_key(|(_, failure)| failure.count)?;
    Some(match kind {
        FailureKind::Status(status) => format!("status {status}"),
        kind => kind.name().replace('_', " "),
    })
}

/// Who was slow, failed or unanswered in a trial.
pub(super) fn broken(plan: &Plan, tally: &Tally) -> Vec<RequestBreaches> {
    let limit = plan.slo.tightest_time().unwrap_or(Duration::MAX);
    let requests = plan.rows().zip(tally.requests());
    requests
        .map(|(template, tally)| {
            let entries = tally.response_time.answered.entries();
            let slow = entries.iter().filter(|(time, _)| *time >= limit).map(|(_, count)| count);
            let planned = tally.fates.planned();
            RequestBreaches {
                request: template.name.clone(),
                planned,
                broken: planned - tally.fates.ok() + slow.sum::<u64>(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::{Fate, TransportError};
    use crate::measure::sample::Sample;

    #[test]
    fn most_failures_are_named_by_their_kind() {
        let mut tally = Tally::new(1);
        assert_eq!(main_failure(&tally), None);
        let mut enter = |fate, status| {
            let sample = Sample::unsent(0, Offset::ZERO, fate, Offset::ZERO);
            tally.record(&Sample { status, ..sample });
        };
        enter(Fate::Ok, Some(200));
        enter(Fate::TransportError(TransportError::ClosedEarly), None);
        for _ in 0..2 {
            enter(Fate::BadStatus, Some(429));
        }
        assert_eq!(main_failure(&tally).as_deref(), Some("status 429"));
        let mut broken = Tally::new(1);
        let closed = Fate::TransportError(TransportError::ClosedEarly);
        broken.record(&Sample::unsent(0, Offset::ZERO, closed, Offset::ZERO));
        assert_eq!(main_failure(&broken).as_deref(), Some("closed early"));
    }
}
