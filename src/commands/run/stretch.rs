//! [`Stretch`]: a leg that has run on a session, with what the machine went through meanwhile. A fixed-rate
//! run is one, and so is each trial of a search and each block that is compared.

use std::time::Duration;

use crate::analysis::findings::Silence;
use crate::analysis::standstill::Standstills;
use crate::analysis::words::counted;
use crate::commands::interrupt::Urgency;
use crate::commands::run::Session;
use crate::commands::run::course::Course;
use crate::commands::run::output::Output;
use crate::commands::run::verdict::Measurement;
use crate::commands::{Failure, clock};
use crate::engine::leg::{Flow, Leg, LegOutcome, Steerable};
use crate::live::{self, End, Keys, Orders};
use crate::load::schedule::{Horizon, Schedule};
use crate::load::steering::Change;
use crate::machine::snapshot::Snapshot;
use crate::measure::generator::Strain;
use crate::measure::monitored::Monitored;
use crate::measure::summary::Summary;
use crate::measure::window::Interval;
use crate::report::segment::{SegmentReport, Steered};
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
    /// Its parts, if it was steered by hand.
    pub(super) segments: Vec<SegmentReport>,
    /// What was done by hand, in order.
    pub(super) orders: Vec<String>,
    silence: Option<Silence>,
    standstills: Standstills,
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
        let steerable = match self.keys {
            Keys::Everything => Steerable::Yes,
            Keys::StopAndMark => Steerable::No,
        };
        let given = schedule.stages.is_some()
            || schedule.trace.is_some()
            || !self.plan.flows.list.is_empty();
        let rate = (!given).then_some(schedule.rate);
        let mut orders = Orders::new(rate.filter(|_| steerable == Steerable::Yes));
        self.screen.tell(|state| state.begin(beginning(&label, &schedule, warmup)));
        output.begin_trial();
        let mut course = Course::new(label, &schedule, warmup, self.screen, output);
        let leg = self.leg(schedule, (warmup, drain), steerable);
        if let Some(monitors) = &self.monitors {
            monitors.begin();
        }
        let before = Snapshot::take();
        let outcome = self
            .fleet
            .run(leg, &mut |interval| {
                course.push(interval);
                match (watch(interval), self.interrupt.urgency()) {
                    (Flow::Continue, None) => {
                        self.obey(&mut orders).map_or(Flow::Continue, Flow::Turn)
                    }
                    (_, None | Some(Urgency::Drain)) => Flow::Stop,
                    (_, Some(Urgency::Now | Urgency::Quit)) => Flow::Abandon,
                }
            })
            .map_err(Failure::unexpected)?;
        let strain = Snapshot::take().since(&before);
        course.finish();
        let monitored = self.monitors.as_ref().map(|monitors| {
            let from = outcome.start_ns + whole_nanos(warmup);
            monitors.between(from, outcome.start_ns + outcome.end.as_nanos())
        });
        let (series, standstills) = course.into_parts();
        let silence = series.silence();
        let series = series.finish();
        let length = outcome.arrivals_end.since(Offset::ZERO + warmup);
        let summary = Summary::new(&outcome.tally, length);
        let segments = Steered {
            turns: &outcome.turns,
            parts: &outcome.parts,
            labels: orders.labels(),
            rate,
            measured: (Offset::ZERO + warmup, outcome.arrivals_end),
        }
        .segments();
        let orders = orders.labels().to_vec();
        Ok(Stretch {
            outcome,
            length,
            summary,
            series,
            monitored: monitored.unwrap_or_default(),
            segments,
            orders,
            silence,
            standstills,
            strain,
            ran_out,
        })
    }

    fn leg(
        &self,
        schedule: Schedule,
        (warmup, drain): (Duration, Duration),
        steerable: Steerable,
    ) -> Leg {
        Leg {
            schedule,
            warmup,
            drain,
            slow_after: self.plan.slo.tightest_time().unwrap_or(Duration::MAX),
            sampling: self.sampling,
            pacing: self.pacing,
            steerable,
            ordered_at: clock::now().as_duration().unsigned_abs(),
        }
    }

    /// The change that the next order comes to.
    fn obey(&self, orders: &mut Orders) -> Option<Change> {
        let change = orders.heed(self.screen.order()?)?;
        let rate = match change {
            Change::Mark => None,
            Change::Pace(pace) => Some(pace.as_per_second()),
        };
        let label = orders.labels().last()?;
        self.screen.tell(|state| state.turned(rate, label));
        Some(change)
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
            "the feeder `{feeder}` stops at its last row: {slots} of {} will be sent",
            counted(planned, "request")
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

fn beginning(label: &str, schedule: &Schedule, warmup: Duration) -> live::Leg {
    let Horizon { length, slots } = schedule.horizon;
    let end = if slots == u64::MAX { End::At(Offset::ZERO + length) } else { End::Slots(slots) };
    live::Leg { label: label.to_owned(), rate: schedule.rate.as_per_second(), warmup, end }
}

impl Stretch {
    /// Arrivals per second that were asked for on average, if that is not what was planned.
    pub(super) fn rate_steered(&self) -> Option<f64> {
        let arrivals: f64 = self.segments.iter().map(|one| one.rate * one.length() as f64).sum();
        let length: u64 = self.segments.iter().map(SegmentReport::length).sum();
        (length > 0).then(|| arrivals / length as f64)
    }

    /// What is judged, `rate_asked` per second having been asked for.
    pub(super) fn measurement(&self, rate_asked: f64) -> Measurement<'_> {
        Measurement {
            outcome: &self.outcome,
            summary: &self.summary,
            rate_asked,
            silence: self.silence.as_ref(),
            standstills: Some(&self.standstills),
            strain: self.strain,
            ran_out: self.ran_out.as_deref(),
        }
    }
}
