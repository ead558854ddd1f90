//! [`CompletedBlock`]: one of many loads on a session that are to be compared with another's.

use std::time::Duration;

use crate::analysis::ab::{Block, Figures};
use crate::analysis::compare::comparison::Metric;
use crate::analysis::findings::Finding;
use crate::engine::leg::{Flow, LegOutcome, Steerable};
use crate::load::plan::Plan;
use crate::load::schedule::Horizon;
use crate::measure::address_tally::AddressTally;
use crate::measure::generator::Strain;
use crate::measure::series::SeriesPoint;
use crate::measure::summary::Summary;
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;
use crate::report::Report;
use crate::session::Session;
use crate::session::error::SessionError;
use crate::session::event::Observer;
use crate::session::measured_load::{LoadSpec, MeasuredLoad};
use crate::session::verdict::{self, Judged, Measurement};
use crate::time::whole_nanos;

/// A block that was sent.
pub struct CompletedBlock {
    outcome: LegOutcome,
    length: Duration,
    series: Vec<SeriesPoint>,
    /// What there is to say about it, the gravest first.
    pub findings: Vec<Finding>,
}

impl Session {
    /// Sends a block at the plan's rate for its duration, after a head as long as its warm-up that is left
    /// out. The same `seed` makes the same arrivals.
    ///
    /// # Errors
    /// The machine fails the generator.
    pub fn block(
        &self,
        label: &str,
        seed: u64,
        observer: &mut dyn Observer,
    ) -> Result<CompletedBlock, SessionError> {
        let plan = &self.plan;
        let spec = LoadSpec {
            label: label.to_owned(),
            schedule: plan.steady(plan.rate, seed, Horizon::after(plan.warmup + plan.duration)),
            warmup: plan.warmup,
            drain: plan.limits.drain,
            steerable: Steerable::No,
        };
        let load = self.send(spec, observer, |_| Flow::Continue)?;
        let measurement = load.measurement(plan.rate_asked());
        let generator = verdict::generator(self, measurement);
        let findings = verdict::findings(self, plan, measurement, generator);
        let MeasuredLoad { outcome, length, series, .. } = load;
        Ok(CompletedBlock { outcome, length, series, findings })
    }

    /// The report over `blocks`, those of this session that count; nothing if there is none.
    pub fn blocks_report(&self, blocks: Vec<CompletedBlock>) -> Option<Report> {
        let whole = blocks.into_iter().reduce(CompletedBlock::joined)?;
        let summary = Summary::new(&whole.outcome.tally, whole.length);
        let measurement = Measurement {
            outcome: &whole.outcome,
            by_address: &whole.outcome.by_address,
            summary: &summary,
            rate_asked: self.plan.rate_asked(),
            silence: None,
            standstills: None,
            strain: Strain::default(),
            ran_out: None,
        };
        let judged = Judged {
            series: whole.series,
            segments: Vec::new(),
            drift: Vec::new(),
            search: None,
            extent: self.extent(),
        };
        Some(verdict::report(self, &self.plan, measurement, judged))
    }
}

impl CompletedBlock {
    /// What a comparison needs of it; `plan` names the requests.
    pub fn figures(&self, plan: &Plan) -> Block {
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
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// Both blocks as one, as if they had followed each other without a gap.
    fn joined(mut self, later: Self) -> Self {
        let (outcome, more) = (&mut self.outcome, later.outcome);
        outcome.tally.merge(&more.tally);
        AddressTally::merge(&mut outcome.by_address, &more.by_address);
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
