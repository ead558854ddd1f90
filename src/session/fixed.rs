//! A run at a fixed rate: the plan's one load, sent and judged.

use std::time::Duration;

use crate::analysis::abort::{self, AbortWatch};
use crate::analysis::findings::Finding;
use crate::engine::leg::{Flow, Steerable};
use crate::report::{Outcome, Report, Severity, Verdict};
use crate::session::Session;
use crate::session::error::SessionError;
use crate::session::event::Observer;
use crate::session::measured_load::LoadSpec;
use crate::session::options::Mode;
use crate::session::verdict::{self, Judged};

impl Session {
    /// Sends the plan's load once, and judges it.
    ///
    /// # Errors
    /// The machine fails the generator.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Report, SessionError> {
        let plan = &self.plan;
        let schedule = plan.schedule();
        let spec = LoadSpec {
            label: String::new(),
            // Refused before if its mean were too much.
            schedule: self.budget.admit(schedule.clone()).unwrap_or(schedule),
            warmup: plan.warmup,
            drain: plan.limits.drain,
            steerable: if plan.is_steerable() { Steerable::Yes } else { Steerable::No },
        };
        let mut watch = self
            .abort_on_fail()
            .map(|delay| AbortWatch::new(&plan.slo, plan.warmup, delay, plan.slots_measured()));
        let mut broken = None;
        let mut load = self.send(spec, observer, |window| {
            broken = broken.or_else(|| watch.as_mut()?.observe(window));
            if broken.is_some() { Flow::Stop } else { Flow::Continue }
        })?;
        let rate_asked = load.rate_steered().unwrap_or_else(|| plan.rate_asked());
        let series = std::mem::take(&mut load.series);
        let segments = std::mem::take(&mut load.segments);
        // A run that was steered did not stay as it was.
        let drift = if segments.is_empty() { verdict::drift(plan, &series) } else { Vec::new() };
        let judged = Judged { series, segments, drift, search: None, extent: self.extent() };
        let mut report = verdict::report(self, plan, load.measurement(rate_asked), judged);
        if let Some(broken) = broken {
            tell_aborted(&mut report, &abort::finding(&broken));
        }
        verdict::add_monitors(&mut report, &plan.slo, &load.monitored);
        Ok(report)
    }

    fn abort_on_fail(&self) -> Option<Duration> {
        match self.options.mode {
            Mode::FixedRate { abort_on_fail, .. } => abort_on_fail,
            Mode::Search(_) => None,
        }
    }
}

/// Adds why the run was ended, behind what makes it invalid.
fn tell_aborted(report: &mut Report, finding: &Finding) {
    let Verdict { outcome, findings, .. } = &mut report.verdict;
    if *outcome == Outcome::Pass {
        // What was still under way has mended it: all that is certain is that the run is not whole.
        *outcome = Outcome::Incomplete;
    }
    let place = findings.iter().take_while(|one| one.severity == Severity::Invalid).count();
    findings.insert(place, finding.into());
}
