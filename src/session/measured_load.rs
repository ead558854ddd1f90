//! [`MeasuredLoad`]: a load that was sent on a session, with what the machine went through meanwhile. A
//! fixed-rate run is one, and so is each trial of a search and each block of a comparison.

use std::time::Duration;

use crate::analysis::standstill::Standstills;
use crate::analysis::words::counted;
use crate::engine::leg::{Flow, Leg, LegOutcome, Steerable};
use crate::load::control::AppliedCommands;
use crate::load::outline::{LoadEnd, LoadOutline};
use crate::load::rate::Rate;
use crate::load::schedule::{Horizon, Schedule};
use crate::load::steering::Change;
use crate::machine::snapshot::Snapshot;
use crate::machine::wall_clock;
use crate::measure::generator::Strain;
use crate::measure::monitored::Monitored;
use crate::measure::series::SeriesPoint;
use crate::measure::silence::Silence;
use crate::measure::summary::Summary;
use crate::measure::window::Interval;
use crate::report::segment::{self, SegmentReport};
use crate::session::Session;
use crate::session::control::Urgency;
use crate::session::error::SessionError;
use crate::session::event::{Observer, RunEvent, Steered, warn};
use crate::session::interval_recorder::IntervalRecorder;
use crate::session::verdict::Measurement;
use crate::time::{Offset, whole_nanos};

/// A load that is to be sent.
pub(super) struct LoadSpec {
    /// Which part of a search or comparison it is; empty for a run.
    pub(super) label: String,
    pub(super) schedule: Schedule,
    /// The length of what is not measured at its beginning.
    pub(super) warmup: Duration,
    /// The longest wait for what is unanswered at its end.
    pub(super) drain: Duration,
    /// Whether its rate may be changed by hand.
    pub(super) steerable: Steerable,
}

/// A load and what was measured.
pub(super) struct MeasuredLoad {
    pub(super) outcome: LegOutcome,
    /// From the end of the warm-up to that of arrivals.
    pub(super) length: Duration,
    pub(super) summary: Summary,
    pub(super) series: Vec<SeriesPoint>,
    /// What monitors saw of it, without the warm-up.
    pub(super) monitored: Vec<Monitored>,
    /// Its parts, if it was steered by hand.
    pub(super) segments: Vec<SegmentReport>,
    /// The commands that were carried out, in words and in order.
    pub(super) commands: Vec<String>,
    silence: Option<Silence>,
    standstills: Standstills,
    strain: Strain,
    /// The feeder whose last row ended arrivals.
    ran_out: Option<String>,
}

/// A load under way.
struct Sending<'a> {
    session: &'a Session,
    recorder: IntervalRecorder,
    commands: AppliedCommands,
    observer: &'a mut dyn Observer,
}

impl Session {
    /// Sends a load; arrivals end early when the session is to stop, or when `watch` says so of a window.
    pub(super) fn send(
        &self,
        spec: LoadSpec,
        observer: &mut dyn Observer,
        mut watch: impl FnMut(&Interval) -> Flow,
    ) -> Result<MeasuredLoad, SessionError> {
        let LoadSpec { label, mut schedule, warmup, drain, steerable } = spec;
        let ran_out = self.clip(&mut schedule, observer);
        let rate = self.single_rate(&schedule);
        observer.observe(&RunEvent::LoadBegan(beginning(&label, &schedule, warmup)));
        let mut sending = Sending {
            session: self,
            recorder: IntervalRecorder::new(&label, &schedule, warmup),
            commands: AppliedCommands::new(rate.filter(|_| steerable == Steerable::Yes)),
            observer,
        };
        let leg = Leg { warmup, drain, steerable, ..self.leg(schedule) };
        if let Some(monitors) = &self.monitors {
            monitors.begin();
        }
        let before = Snapshot::take();
        let outcome = self
            .worker_pool
            .run(leg, &mut |window| {
                let flow = watch(window);
                sending.window(window, flow)
            })
            .map_err(SessionError::unexpected)?;
        let strain = Snapshot::take().since(&before);
        let Sending { mut recorder, commands, observer, .. } = sending;
        recorder.finish(observer);
        let (series, standstills) = recorder.into_parts();
        let silence = series.silence();
        let length = outcome.arrivals_end.since(Offset::ZERO + warmup);
        let segments = segment::Steered {
            turns: &outcome.turns,
            parts: &outcome.parts,
            labels: commands.labels(),
            rate,
            measured: (Offset::ZERO + warmup, outcome.arrivals_end),
        }
        .segments();
        Ok(MeasuredLoad {
            length,
            summary: Summary::new(&outcome.tally, length),
            series: series.finish(),
            monitored: self.monitored(&outcome, warmup),
            segments,
            commands: commands.labels().to_vec(),
            silence,
            standstills,
            strain,
            ran_out,
            outcome,
        })
    }

    fn leg(&self, schedule: Schedule) -> Leg {
        Leg {
            schedule,
            warmup: Duration::ZERO,
            drain: Duration::ZERO,
            slow_after: self.plan.slo.tightest_time().unwrap_or(Duration::MAX),
            sampling: self.options.sampling,
            pacing: self.options.pacing,
            steerable: Steerable::No,
            ordered_at: wall_clock::since_1970(),
        }
    }

    /// The rate of a schedule that has a single one, of requests.
    fn single_rate(&self, schedule: &Schedule) -> Option<Rate> {
        let is_given = schedule.stages.is_some()
            || schedule.trace.is_some()
            || !self.plan.flows.list.is_empty();
        (!is_given).then_some(schedule.rate)
    }

    fn monitored(&self, outcome: &LegOutcome, warmup: Duration) -> Vec<Monitored> {
        let Some(monitors) = &self.monitors else { return Vec::new() };
        let from = outcome.start_ns + whole_nanos(warmup);
        monitors.between(from, outcome.start_ns + outcome.end.as_nanos())
    }

    /// Ends a schedule where a feeder has no more rows; says so, and which feeder it is.
    fn clip(&self, schedule: &mut Schedule, observer: &mut dyn Observer) -> Option<String> {
        let (slots, feeder) = self.worker_pool.slots_max()?;
        let planned = schedule.slots_expected();
        schedule.horizon.slots = schedule.horizon.slots.min(slots);
        if slots >= planned {
            return None;
        }
        let text = format!(
            "the feeder `{feeder}` stops at its last row: {slots} of {} will be sent",
            counted(planned, "request")
        );
        warn(observer, text);
        Some(feeder)
    }

    /// Why feeders have too few rows for a load of this `rate` per second and `length`; nothing if they
    /// suffice.
    pub fn short_of_rows(&self, rate: f64, length: Duration) -> Option<String> {
        let (slots, feeder) = self.worker_pool.slots_max()?;
        ((slots as f64) < rate * length.as_secs_f64())
            .then(|| format!("the feeder `{feeder}` has too few rows left and does not rewind"))
    }
}

impl Sending<'_> {
    /// Takes the next window in, and decides how the load goes on, `flow` being wanted by its window.
    fn window(&mut self, window: &Interval, flow: Flow) -> Flow {
        self.recorder.push(window, self.observer);
        match (flow, self.session.control.urgency()) {
            (Flow::Continue, None) => self.steer().map_or(Flow::Continue, Flow::Turn),
            (_, None | Some(Urgency::Drain)) => Flow::Stop,
            (_, Some(Urgency::Now | Urgency::Quit)) => Flow::Abandon,
        }
    }

    /// The change that the next control command comes to.
    fn steer(&mut self) -> Option<Change> {
        let change = self.commands.apply(self.session.control.next_command()?)?;
        let rate = match change {
            Change::Mark => None,
            Change::Pace(pace) => Some(pace.as_per_second()),
        };
        let label = self.commands.labels().last()?.clone();
        self.observer.observe(&RunEvent::Steered(Steered { rate, label }));
        Some(change)
    }
}

fn beginning(label: &str, schedule: &Schedule, warmup: Duration) -> LoadOutline {
    let Horizon { length, slots } = schedule.horizon;
    let end = match slots {
        u64::MAX => LoadEnd::At(Offset::ZERO + length),
        slots => LoadEnd::Slots(slots),
    };
    let (rate, slots_max) = (schedule.rate.as_per_second(), schedule.slots_at_most());
    LoadOutline { label: label.to_owned(), rate, warmup, end, slots_max }
}

impl MeasuredLoad {
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
            by_address: &self.outcome.by_address,
            summary: &self.summary,
            rate_asked,
            silence: self.silence.as_ref(),
            standstills: Some(&self.standstills),
            strain: self.strain,
            ran_out: self.ran_out.as_deref(),
        }
    }
}
