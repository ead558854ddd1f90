//! [`Stretch`]: a leg that has run on a session, with what the machine went through meanwhile. A fixed-rate
//! run is one, and so is each trial of a search and each block that is compared.

use std::time::Duration;

use crate::commands::run::Session;
use crate::commands::run::course::Course;
use crate::commands::run::output::Output;
use crate::commands::run::verdict::Measurement;
use crate::commands::{Failure, clock};
use crate::engine::leg::{Flow, Leg, LegOutcome};
use crate::load::schedule::Schedule;
use crate::machine::snapshot::Snapshot;
use crate::measure::generator::Strain;
use crate::measure::summary::Summary;
use crate::measure::window::Interval;
use crate::report::series::SeriesPoint;
use crate::time::Offset;

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
    silent_since: Option<Offset>,
    strain: Strain,
    /// The feeder whose last row ended arrivals.
    ran_out: Option<String>,
}

impl Session {
    /// Sends what is planned; arrivals end early on a signal, or when `watch` says so of an interval.
    pub(super) fn send(
        &self,
        planned: Planned,
        output: &mut Output,
        mut watch: impl FnMut(&Interval) -> Flow,
    ) -> Result<Stretch, Failure> {
        let Planned { label, mut schedule, warmup, drain } = planned;
        let ran_out = self.clip(&mut schedule);
        let mut course = Course::new(label, &schedule, warmup, self.screen, output);
        let leg = Leg {
            schedule,
            warmup,
            drain,
            slow_after: self.plan.slo.tightest_time().unwrap_or(Duration::MAX),
            pacing: self.pacing,
            ordered_at: clock::now().as_duration().unsigned_abs(),
        };
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
        let silent_since = course.series.silent_since();
        let series = course.series.finish();
        let length = outcome.arrivals_end.since(Offset::ZERO + warmup);
        let summary = Summary::new(&outcome.tally, length);
        Ok(Stretch { outcome, length, summary, series, silent_since, strain, ran_out })
    }

    /// Ends a schedule where a feeder has no more rows; says so, and which feeder it is.
    fn clip(&self, schedule: &mut Schedule) -> Option<String> {
        let (slots, feeder) = self.fleet.slots_max()?;
        let planned = schedule.slots_expected();
        schedule.horizon.slots = schedule.horizon.slots.min(slots);
        if slots >= planned {
            return None;
        }
        self.screen.warn(&format!(
            "the feeder `{feeder}` stops at its last row: {slots} of {planned} requests will be sent"
        ));
        Some(feeder)
    }

    /// Why feeders have too few rows for a whole stretch at `rate` per second; nothing if they suffice.
    pub(in crate::commands) fn short_of_rows(&self, rate: f64, length: Duration) -> Option<String> {
        let (slots, feeder) = self.fleet.slots_max()?;
        ((slots as f64) < rate * length.as_secs_f64())
            .then(|| format!("the feeder `{feeder}` has too few rows left and does not rewind"))
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
            ran_out: self.ran_out.as_deref(),
        }
    }
}
