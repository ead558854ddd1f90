//! From a measurement to a report: findings, objectives, tier, outcome, exit code.

use http::Method;

use crate::analysis::findings::{
    self, AddressFault, Cause, Evidence, Finding, Redistribution, generator_limit, gravest_first,
};
use crate::analysis::goals::{self, RequestVerdict};
use crate::analysis::onset::{self, Onset};
use crate::analysis::slo::{self, OwnFault, RunFigures};
use crate::analysis::standstill::{Presence, Standstills};
use crate::analysis::{Extent, Outcome, collapse, drift, hints, warm_up};
use crate::engine::leg::LegOutcome;
use crate::load::plan::Plan;
use crate::load::redirect::is_redirect;
use crate::load::request::RequestTemplate;
use crate::load::slo::{Objective, Slo};
use crate::measure::address_tally::AddressTally;
use crate::measure::attempts::Attempts;
use crate::measure::flow::FlowTally;
use crate::measure::generator::{Generator, Strain};
use crate::measure::monitored::Monitored;
use crate::measure::series::SeriesPoint;
use crate::measure::silence::Silence;
use crate::measure::summary::Summary;
use crate::report::build::Parts;
use crate::report::echo::Environment;
use crate::report::header::Header;
use crate::report::onset::OnsetReport;
use crate::report::search::SearchReport;
use crate::report::segment::SegmentReport;
use crate::report::{ClockSource, Kind, Report};
use crate::session::Session;
use crate::session::options::Mode;
use crate::transport::clock::StampCounts;

/// What tells that the target stood still, and when.
const STANDSTILLS: [Cause; 2] = [Cause::Standstill, Cause::Blocked];

/// What was measured.
#[derive(Clone, Copy)]
pub(super) struct Measurement<'a> {
    pub(super) outcome: &'a LegOutcome,
    /// What came of requests, by address of the target; of a search, in all its trials.
    pub(super) by_address: &'a [AddressTally],
    pub(super) summary: &'a Summary,
    pub(super) rate_asked: f64,
    pub(super) silence: Option<&'a Silence>,
    pub(super) standstills: Option<&'a Standstills>,
    /// What the machine went through meanwhile.
    pub(super) strain: Strain,
    /// The feeder whose last row ended arrivals.
    pub(super) ran_out: Option<&'a str>,
}

/// The generator's own side of a measurement.
pub(super) fn generator(session: &Session, measurement: Measurement<'_>) -> Generator {
    session.supplies.generator(measurement.outcome, measurement.strain, session.addresses.len())
}

/// Everything there is to say about a measurement, the gravest first.
pub(super) fn findings(
    session: &Session,
    plan: &Plan,
    measurement: Measurement<'_>,
    generator: Generator,
) -> Vec<Finding> {
    let Measurement { outcome, summary, rate_asked, silence, .. } = measurement;
    let redistributed: Vec<Redistribution> = session
        .redistributed
        .iter()
        .map(|moved| Redistribution { request: moved.request.clone(), pool: moved.pool.clone() })
        .collect();
    let auth = session.auth();
    let faults = own_faults(plan, measurement);
    let ours = |fault: OwnFault| {
        faults.iter().find(|(_, one)| *one == fault).map(|(objective, _)| objective.as_str())
    };
    let mut attempts = session.probed.clone();
    Attempts::merge(&mut attempts, &outcome.attempts);
    let mut found = findings::find(&Evidence {
        summary,
        tightest_limit: plan.slo.tightest_time(),
        limits: &plan.limits,
        rate_asked,
        attempts: &attempts,
        by_address: measurement.by_address,
        silent_connections: outcome.silent_connections,
        connections_peak: outcome.connections_peak,
        auth: auth.as_ref().map(|record| record.counts),
        auth_failure: auth.as_ref().and_then(|record| record.last_failure.as_deref()),
        interrupted: session.control.is_stopping(),
        silence,
        drained: outcome.end.since(outcome.arrivals_end),
        redirects_taken_for_good: redirects_taken_for_good(plan, outcome),
        redistributed: &redistributed,
        fails_by_own_errors: ours(OwnFault::Errors).is_some(),
        fails_by_lateness: ours(OwnFault::Lateness),
        generator,
    });
    found.extend(measurement.ran_out.map(findings::feeder_ended));
    let flows: Vec<_> = (0..plan.flows.list.len()).map(|place| outcome.tally.flow(place)).collect();
    let started = flows.iter().map(|flow| flow.started).sum();
    found
        .extend(findings::flows_unfinished(started, flows.iter().map(FlowTally::unfinished).sum()));
    // A generator at its limit can tell nothing of pauses.
    if generator_limit(&found).is_none() {
        let named = names(plan).zip(outcome.tally.requests());
        let presences: Vec<Presence<'_>> =
            named.map(|(name, tally)| Presence::new(name, tally)).collect();
        found.extend(measurement.standstills.and_then(|all| all.finding(&presences)));
    }
    findings::gravest_first(&mut found);
    found
}

/// The objectives, those of single requests by their name, that fail by the generator itself.
fn own_faults(plan: &Plan, measurement: Measurement<'_>) -> Vec<(String, OwnFault)> {
    let Measurement { outcome, summary, rate_asked, .. } = measurement;
    let of_run = slo::own_faults(&plan.slo, &RunFigures::new(summary, rate_asked));
    let mut faults: Vec<(String, OwnFault)> =
        of_run.into_iter().map(|(objective, fault)| (objective.to_string(), fault)).collect();
    for (row, tally) in plan.rows().zip(outcome.tally.requests()) {
        let Some(limit) = &row.goals.limit else { continue };
        let ours = slo::own_faults(limit, &goals::figures(tally, summary.length));
        let named = |(objective, fault)| (format!("{}: {objective}", row.name), fault);
        faults.extend(ours.into_iter().map(named));
    }
    faults
}

/// Redirects among the good answers of requests that neither follow nor expect any. Those that send a form's
/// sender elsewhere (POST, then 302 or 303) are how forms are answered.
fn redirects_taken_for_good(plan: &Plan, outcome: &LegOutcome) -> u64 {
    let rows = plan.rows().zip(outcome.tally.requests());
    let unasked =
        rows.filter(|(row, _)| row.expect.redirects == 0 && row.expect.statuses.is_empty());
    let counts = unasked.flat_map(|(row, tally)| {
        let statuses = tally.statuses.iter();
        statuses.filter(|(status, _)| is_redirect(**status) && !answers_a_form(row, **status))
    });
    counts.map(|(_, count)| count).sum()
}

fn answers_a_form(row: &RequestTemplate, status: u16) -> bool {
    row.method == Method::POST && matches!(status, 302 | 303)
}

/// What is known of a load beside its measurement.
pub(super) struct Judged {
    pub(super) series: Vec<SeriesPoint>,
    /// Its parts, if it was steered by hand.
    pub(super) segments: Vec<SegmentReport>,
    /// Whether it stayed as it was.
    pub(super) drift: Vec<Finding>,
    /// The search that it is the last word of.
    pub(super) search: Option<SearchReport>,
    pub(super) extent: Extent,
}

impl Session {
    /// Whether the load reached its end.
    pub(super) fn extent(&self) -> Extent {
        if self.control.is_stopping() { Extent::CutShort } else { Extent::Whole }
    }

    /// What is known of a measurement before its load.
    pub fn header(&self) -> Header {
        let kind = match self.options.mode {
            Mode::FixedRate { .. } => Kind::Run,
            Mode::Search(_) => Kind::FindMaxRps,
        };
        Header::new(kind, &self.plan, self.started_at.to_string(), environment(self))
    }
}

/// Judges a measurement and assembles its report.
pub(super) fn report(
    session: &Session,
    plan: &Plan,
    measurement: Measurement<'_>,
    judged: Judged,
) -> Report {
    let Judged { series, segments, drift, search, extent } = judged;
    let Measurement { outcome, summary, rate_asked, .. } = measurement;
    let figures = RunFigures::new(summary, rate_asked);
    let objectives = slo::judge(&plan.slo, &figures);
    let generator = generator(session, measurement);
    let mut findings = findings(session, plan, measurement, generator.clone());
    // A generator at its limit drifts by itself.
    if generator_limit(&findings).is_none() {
        let gone = findings.iter().any(|one| one.cause == Cause::TargetGone);
        // Who is gone serves nothing either.
        findings.extend(drift.into_iter().filter(|one| !gone || one.cause != Cause::Collapsed));
    }
    if !segments.is_empty() {
        let changed = segments.iter().any(|one| (one.rate - plan.rate_asked()).abs() > 1e-6);
        findings.push(findings::steered(segments.len(), changed && plan.stages.is_none()));
    }
    gravest_first(&mut findings);
    let requests: Vec<RequestVerdict> = plan
        .rows()
        .zip(outcome.tally.requests())
        .map(|(row, tally)| goals::judge(&row.goals, &goals::figures(tally, summary.length)))
        .collect();
    let all = objectives.iter().chain(requests.iter().flat_map(|request| &request.objectives));
    let verdict = Outcome::new(all, &findings, extent);
    let errors_judged =
        objectives.iter().any(|one| matches!(one.objective, Objective::ErrorRate { .. }));
    if verdict == Outcome::Fail || verdict == Outcome::Pass && !errors_judged {
        findings.extend(hints::find(&hints::Evidence {
            summary,
            requests: names(plan).zip(outcome.tally.requests()).collect(),
            objectives: &objectives,
            points: &series,
            address_told: findings
                .iter()
                .any(|one| one.cause == Cause::Address(AddressFault::Worse)),
            standstills_told: findings.iter().any(|one| STANDSTILLS.contains(&one.cause)),
            logged_in: plan.auth.is_some(),
        }));
    }
    let mut report = Report::from(Parts {
        plan,
        tally: &outcome.tally,
        summary,
        rate_asked,
        started_at: session.started_at.to_string(),
        environment: environment(session),
        generator: &generator,
        auth: session.auth().map(|record| record.counts),
        clock: clock_source(outcome.stamps.arrivals),
        send_clock: clock_source(outcome.stamps.sends),
        outcome: verdict,
        tier: &slo::tier(&plan.tiers, &figures),
        objectives: &objectives,
        requests: &requests,
        findings: &findings,
        by_address: measurement.by_address,
        series,
        segments,
        search,
    });
    session.profile_weights.tell(&mut report);
    report
}

fn names(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.rows().map(|request| request.name.as_str())
}

fn clock_source(stamps: StampCounts) -> ClockSource {
    if stamps.by_kernel() { ClockSource::Kernel } else { ClockSource::User }
}

/// Whether a run began as it went on, and stayed as it was.
pub(super) fn drift(plan: &Plan, series: &[SeriesPoint]) -> Vec<Finding> {
    let length = series.iter().filter(|point| point.planned > 0).map(SeriesPoint::span).sum();
    let start = match collapse::judge(series) {
        Some(collapse) => Some(collapse::finding(&collapse)),
        None => warm_up::finding(warm_up::judge(series)),
    };
    match drift::judge(series) {
        Some(_) if plan.stages.is_some() => vec![drift::not_judged_in_stages()],
        _ if plan.stages.is_some() => Vec::new(),
        None => start.into_iter().collect(),
        Some(judged) => {
            let drift = drift::findings(&judged, length);
            start.into_iter().chain(drift).collect()
        }
    }
}

fn environment(session: &Session) -> Environment {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    Environment {
        os: std::env::consts::OS.to_owned(),
        kernel: Some(release),
        arch: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        steadfire: env!("CARGO_PKG_VERSION").to_owned(),
        addresses: session.addresses.clone(),
    }
}

/// Adds to a report what was monitored, when the response time broke its limit, and what changed before.
pub(super) fn add_monitors(report: &mut Report, slo: &Slo, monitored: &[Monitored]) {
    report.monitors = monitored.iter().map(Into::into).collect();
    let Some(event) = onset::event(slo, &report.series) else { return };
    let onset = Onset::new(event, &report.series, monitored);
    report.verdict.findings.extend(onset.finding().as_ref().map(Into::into));
    report.onset = Some(Box::new(OnsetReport::from(&onset)));
}
