//! A block: a stretch of load on a session that already stands, one of many that are to be compared.

use std::time::Duration;

use crate::analysis::ab::{Block, Figures};
use crate::analysis::compare::comparison::Metric;
use crate::analysis::findings::Finding;
use crate::commands::Failure;
use crate::commands::interrupt::Interrupt;
use crate::commands::run::output::Output;
use crate::commands::run::stretch::{Planned, Stretch};
use crate::commands::run::verdict::{self, Measurement};
use crate::commands::run::{Args, Screen, Session, subject};
use crate::engine::leg::{Flow, LegOutcome};
use crate::exit::Exit;
use crate::load::plan::Plan;
use crate::load::schedule::{Horizon, Schedule};
use crate::measure::generator::Strain;
use crate::measure::summary::Summary;
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;
use crate::report::Report;
use crate::report::series::SeriesPoint;
use crate::time::whole_nanos;

/// A block that has run.
pub(in crate::commands) struct Ran {
    outcome: LegOutcome,
    length: Duration,
    series: Vec<SeriesPoint>,
    /// What there is to say about it.
    pub(in crate::commands) findings: Vec<Finding>,
}

impl Session {
    /// A session on what `args` name, without a demo backend of its own, for so many blocks at most.
    pub(in crate::commands) fn on(
        args: &Args,
        interrupt: Interrupt,
        screen: Screen,
        blocks: usize,
    ) -> Result<Self, Failure> {
        Self::begin(args, (subject::read(args)?, None), interrupt, screen, blocks as u64)
    }

    /// What it sends.
    pub(in crate::commands) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The exit code of a signal, if one has come.
    pub(in crate::commands) fn interrupted(&self) -> Option<Exit> {
        self.interrupt.requested()
    }

    /// When it was set up, RFC 3339 in UTC.
    pub(in crate::commands) fn started_at(&self) -> String {
        self.started_at.to_string()
    }

    /// Sends a block at the plan's rate for its duration, after a head as long as its warm-up that is left
    /// out. The same `seed` makes the same arrivals.
    pub(in crate::commands) fn block(
        &self,
        label: &str,
        seed: u64,
        output: &mut Output,
    ) -> Result<Ran, Failure> {
        let plan = &self.plan;
        let schedule = Schedule {
            rate: plan.slot_rate(plan.rate),
            stages: None,
            trace: None,
            arrivals: plan.arrivals,
            seed,
            horizon: Horizon::after(plan.warmup + plan.duration),
        };
        let planned = Planned {
            label: label.to_owned(),
            schedule,
            warmup: plan.warmup,
            drain: plan.limits.drain,
        };
        let stretch = self.send(planned, output, |_| Flow::Continue)?;
        let measurement = stretch.measurement(plan.rate_asked());
        let generator = verdict::generator(self, measurement);
        let findings = verdict::findings(self, plan, measurement, generator);
        let Stretch { outcome, length, series, .. } = stretch;
        Ok(Ran { outcome, length, series, findings })
    }

    /// The report over `ran`, all blocks of this session that count; there is at least one.
    pub(in crate::commands) fn blocks_report(&self, ran: Vec<Ran>) -> Option<Report> {
        let whole = ran.into_iter().reduce(Ran::joined)?;
        let summary = Summary::new(&whole.outcome.tally, whole.length);
        let measurement = Measurement {
            outcome: &whole.outcome,
            summary: &summary,
            rate_asked: self.plan.rate_asked(),
            silence: None,
            standstills: None,
            strain: Strain::default(),
            ran_out: None,
        };
        Some(verdict::report(
            self,
            &self.plan,
            measurement,
            whole.series,
            (None, verdict::extent(self)),
        ))
    }
}

impl Ran {
    /// What a comparison needs of it; `plan` names the requests.
    pub(in crate::commands) fn figures(&self, plan: &Plan) -> Block {
        let tally = &self.outcome.tally;
        let named = plan.rows().zip(tally.requests());
        Block {
            total: figures(&tally.all_requests(), self.length),
            requests: named
                .map(|(request, tally)| (request.name.clone(), figures(tally, self.length)))
                .collect(),
        }
    }

    /// Length of the measurement.
    pub(in crate::commands) const fn length(&self) -> Duration {
        self.length
    }

    /// Both blocks as one, as if they had followed each other without a gap.
    fn joined(mut self, later: Self) -> Self {
        let (outcome, more) = (&mut self.outcome, later.outcome);
        outcome.tally.merge(&more.tally);
        outcome.connections_peak = outcome.connections_peak.max(more.connections_peak);
        outcome.stamps += more.stamps;
        outcome.workers = more.workers;
        outcome.stopped |= more.stopped;
        let shift = whole_nanos(self.length);
        self.series.extend(
            later.series.into_iter().map(|point| SeriesPoint { t: point.t + shift, ..point }),
        );
        self.length += later.length;
        self.findings = later.findings;
        self
    }
}

fn figures(tally: &RequestTally, length: Duration) -> Figures {
    Figures {
        times: Metric::TIMES.map(|metric| tally.response_time.quantile(metric.quantile())),
        planned: tally.fates.planned(),
        failed: tally.fates.failed(),
        throughput: per_second(tally.traffic.within.good, length),
    }
}
