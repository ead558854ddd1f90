//! A run at a fixed rate.

use std::time::Duration;

use crate::analysis::abort::{self, AbortWatch};
use crate::analysis::findings::Finding;
use crate::commands::Failure;
use crate::commands::run::budget::Budget;
use crate::commands::run::output::Output;
use crate::commands::run::stretch::Planned;
use crate::commands::run::verdict;
use crate::commands::run::{Args, Session, monitors};
use crate::engine::leg::Flow;
use crate::load::plan::Plan;
use crate::load::schedule::{Horizon, Schedule};
use crate::report::{OutcomeName, Report, SeverityName, Verdict};

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
        schedule: Budget::of(args, &plan)?.admit(schedule.clone()).unwrap_or(schedule),
        warmup: plan.warmup,
        drain: plan.limits.drain,
    };
    let watch = |delay| AbortWatch::new(&plan.slo, plan.warmup, delay, slots(&plan));
    let mut watch = args.abort_on_fail.map(watch);
    let mut broken = None;
    let mut stretch = session.send(planned, output, |interval| {
        broken = broken.or_else(|| watch.as_mut()?.observe(interval));
        if broken.is_some() { Flow::Stop } else { Flow::Continue }
    })?;
    let rate_asked = stretch.rate_steered().unwrap_or_else(|| plan.rate_asked());
    let series = std::mem::take(&mut stretch.series);
    let segments = std::mem::take(&mut stretch.segments);
    let measurement = stretch.measurement(rate_asked);
    let mut report = verdict::run_report(session, &plan, measurement, (series, segments));
    if let Some(broken) = broken {
        tell_aborted(&mut report, &abort::finding(&broken));
    }
    monitors::tell(&mut report, &plan.slo, &stretch.monitored);
    Ok(report)
}

/// Adds why the run was ended, behind what makes it invalid.
fn tell_aborted(report: &mut Report, finding: &Finding) {
    let Verdict { outcome, findings, .. } = &mut report.verdict;
    if *outcome == OutcomeName::Pass {
        // What was still under way has mended it: all that is certain is that the run is not whole.
        *outcome = OutcomeName::Incomplete;
    }
    let place = findings.iter().take_while(|one| one.severity == SeverityName::Invalid).count();
    findings.insert(place, finding.into());
}

/// Slots of the measurement, without the warm-up.
pub(super) fn slots(plan: &Plan) -> u64 {
    schedule(&Plan { warmup: Duration::ZERO, ..plan.clone() }).slots_expected()
}

/// Warm-up and measurement as one schedule, so that the rate never breaks off between them.
pub(super) fn schedule(plan: &Plan) -> Schedule {
    let rate = plan.slot_rate(plan.rate);
    let horizon = match plan.slots {
        None => Horizon::after(plan.warmup + plan.duration),
        Some(slots) => Horizon {
            length: Duration::MAX,
            slots: rate.slots_within(plan.warmup).saturating_add(plan.slot_count(slots)),
        },
    };
    let stages = plan.stages.as_ref().map(|stages| stages.map_rates(|rate| plan.slot_rate(rate)));
    let stages = stages.map(|stages| stages.warmed_up(plan.warmup));
    Schedule {
        rate,
        stages,
        trace: plan.trace.clone(),
        arrivals: plan.arrivals,
        seed: plan.seed,
        horizon,
    }
}
