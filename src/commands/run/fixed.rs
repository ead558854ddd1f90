//! A run at a fixed rate.

use std::time::Duration;

use crate::commands::Failure;
use crate::commands::run::Session;
use crate::commands::run::course::Course;
use crate::commands::run::output::Output;
use crate::commands::run::verdict::{self, Measurement};
use crate::engine::leg::{Flow, Leg};
use crate::load::plan::Plan;
use crate::load::schedule::{Horizon, Schedule};
use crate::machine::snapshot::Snapshot;
use crate::measure::summary::Summary;
use crate::report::Report;
use crate::time::Offset;

/// Runs the plan's one leg and judges it.
pub(super) fn run(session: &mut Session, output: &mut Output) -> Result<Report, Failure> {
    let plan = session.plan.clone();
    let schedule = schedule(&plan);
    let leg = Leg {
        schedule: schedule.clone(),
        warmup: plan.warmup,
        drain: plan.limits.drain,
        slow_after: plan.slo.tightest_time().unwrap_or(Duration::MAX),
        pacing: session.pacing,
    };
    let mut course = Course::new(String::new(), &schedule, plan.warmup, session.screen, output);
    let before = Snapshot::take();
    let outcome = session
        .fleet
        .run(leg, &mut |window| {
            course.push(window);
            match session.interrupt.requested() {
                Some(_) => Flow::Stop,
                None => Flow::Continue,
            }
        })
        .map_err(Failure::unexpected)?;
    let strain = Snapshot::take().since(&before);
    course.finish();
    let silent_since = course.series.silent_since();
    let series = course.series.finish();
    let length = outcome.arrivals_end.since(Offset::ZERO + plan.warmup);
    let summary = Summary::new(&outcome.tally, length);
    Ok(verdict::run_report(
        session,
        &plan,
        Measurement {
            outcome: &outcome,
            summary: &summary,
            rate_asked: plan.rate_asked(),
            silent_since,
            strain,
        },
        series,
    ))
}

/// Warm-up and measurement as one schedule, so that the rate never breaks off between them.
fn schedule(plan: &Plan) -> Schedule {
    let horizon = match plan.slots {
        None => Horizon::after(plan.warmup + plan.duration),
        Some(slots) => Horizon {
            length: Duration::MAX,
            slots: plan.rate.slots_within(plan.warmup).saturating_add(slots),
        },
    };
    let stages = plan.stages.clone().map(|stages| stages.warmed_up(plan.warmup));
    Schedule { rate: plan.rate, stages, arrivals: plan.arrivals, seed: plan.seed, horizon }
}
