//! [`Stretch`]: a leg that has run on a session, with what the machine went through meanwhile. A fixed-rate
//! run is one, and so is each trial of a search and each block that is compared.

use std::time::Duration;

use crate::commands::Failure;
use crate::commands::run::Session;
use crate::commands::run::course::Course;
use crate::commands::run::output::Output;
use crate::commands::run::verdict::Measurement;
use crate::engine::leg::{Flow, Leg, LegOutcome};
use crate::load::schedule::Schedule;
use crate::machine::snapshot::Snapshot;
use crate::measure::generator::Strain;
use crate::measure::monitored::Monitored;
use crate::measure::summary::Summary;
use crate::measure::window::Interval;
use crate::report::series::SeriesPoint;
use crate::time::{Offset, whole_nanos};

/// A leg that is to be sent.
pub(super) struct Planned {
    /// For the progress line.
    pub(super) label: String,
    pub(super) schedule: Schedule,
    /// What is left out at its beginning.
    pub(super) warmup: Duration,
    /// The longest wait for what is unanswered at its end.
    pub(super) drain: Duration,
}

/// A leg and what was measured.
pub(super) struct Stretch {
    pub(super) outcome: LegOutcome,
    /// From the end of the warm-up to that of arrivals.
    pub(super) length: Duration,
    pub(super) summary: Summary,
    pub(super) series: Vec<SeriesPoint>,
    /// What monitors saw of it, without the warm-up.
    pub(super) monitored: Vec<Monitored>,
    silent_since: Option<Offset>,
    strain: Strain,
}

impl Session {
    /// Sends what is planned; arrivals end early on a signal, or when `watch` says so of an interval.
    pub(super) fn send(
        &self,
        planned: Planned,
        output: &mut Output,
        mut watch: impl FnMut(&Interval) -> Flow,
    ) -> Result<Stretch, Failure> {
        let Planned { label, schedule, warmup, drain } = planned;
        let mut course = Course::new(label, &schedule, warmup, self.screen, output);
        let leg = Leg {
            schedule,
            warmup,
            drain,
            slow_after: self.plan.slo.tightest_time().unwrap_or(Duration::MAX),
            pacing: self.pacing,
        };
        if let Some(monitors) = &self.monitors {
            monitors.begin();
        }
        let before = Snapshot::take();
        let outcome = self
            .fleet
            .run(leg, &mut |interval| {
                course.push(interval);
                match (watch(interval), self.interrupt.requested()) {
                    (Flow::Continue, None) => Flow::Continue,
                    _ => Flow::Stop,
                }
            })
            .map_err(Failure::unexpected)?;
        let strain = Snapshot::take().since(&before);
        course.finish();
        let monitored = self.monitors.as_ref().map(|monitors| {
            let from = outcome.start_ns + whole_nanos(warmup);
            monitors.between(from, outcome.start_ns + outcome.end.as_nanos())
        });
        let silent_since = course.series.silent_since();
        let series = course.series.finish();
        let length = outcome.arrivals_end.since(Offset::ZERO + warmup);
        let summary = Summary::new(&outcome.tally, length);
        let monitored = monitored.unwrap_or_default();
        Ok(Stretch { outcome, length, summary, series, monitored, silent_since, strain })
    }
}

impl Stretch {
    /// What is judged, `rate_asked` per second having been asked for.
    pub(super) fn measurement(&self, rate_asked: f64) -> Measurement<'_> {
        Measurement {
            outcome: &self.outcome,
            summary: &self.summary,
            rate_asked,
            silent_since: self.silent_since,
            strain: self.strain,
        }
    }
}
