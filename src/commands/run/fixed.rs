//! A run at a fixed rate.

use std::time::Duration;

use crate::commands::Failure;
use crate::commands::run::budget::Budget;
use crate::commands::run::output::Output;
use crate::commands::run::stretch::Planned;
use crate::commands::run::verdict;
use crate::commands::run::{Args, Session};
use crate::engine::leg::Flow;
use crate::load::plan::Plan;
use crate::load::schedule::{Horizon, Schedule};
use crate::report::Report;

/// Runs the plan's one leg and judges it.
pub(super) fn run(
    session: &mut Session,
    args: &Args,
    output: &mut Output,
) -> Result<Report, Failure> {
    let plan = session.plan.clone();
    let schedule = schedule(&plan);
    let planned = Planned {
        label: String::new(),
        // Refused above if its mean were too much.
        schedule: Budget::of(args).admit(schedule.clone()).unwrap_or(schedule),
        warmup: plan.warmup,
        drain: plan.limits.drain,
    };
    let mut stretch = session.send(planned, output, |_| Flow::Continue)?;
    let series = std::mem::take(&mut stretch.series);
    let measurement = stretch.measurement(plan.rate_asked());
    Ok(verdict::run_report(session, &plan, measurement, series))
}

/// Warm-up and measurement as one schedule, so that the rate never breaks off between them.
pub(super) fn schedule(plan: &Plan) -> Schedule {
    let horizon = match plan.slots {
        None => Horizon::after(plan.warmup + plan.duration),
        Some(slots) => Horizon {
            length: Duration::MAX,
            slots: plan.rate.slots_within(plan.warmup).saturating_add(slots),
        },
    };
    let stages = plan.stages.clone().map(|stages| stages.warmed_up(plan.warmup));
    Schedule {
        rate: plan.rate,
        stages,
        trace: plan.trace.clone(),
        arrivals: plan.arrivals,
        seed: plan.seed,
        horizon,
    }
}
