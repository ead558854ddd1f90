//! Assembles a [`Report`] from a plan, its ledger and its verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::analysis::Outcome;
use crate::analysis::findings::Finding;
use crate::analysis::goals::RequestVerdict;
use crate::analysis::slo::{ObjectiveVerdict, TierVerdict};
use crate::load::plan::Plan;
use crate::load::request::RequestTemplate;
use crate::measure::address_tally::AddressTally;
use crate::measure::auth::AuthCounts;
use crate::measure::fate::TransportError;
use crate::measure::generator::Generator;
use crate::measure::millionths::millionths;
use crate::measure::sample::Phase;
use crate::measure::series::SeriesPoint;
use crate::measure::summary::{LatencySummary, Summary};
use crate::measure::tally::{RequestTally, Tally};
use crate::measure::window::per_second;
use crate::report::auth::AuthReport;
use crate::report::echo::{Environment, PlanEcho};
use crate::report::failure::failures;
use crate::report::flows::flows;
use crate::report::generator::GeneratorReport;
use crate::report::search::SearchReport;
use crate::report::segment::SegmentReport;
use crate::report::spectrum::Spectrum;
use crate::report::{
    ClockSource, Fates, Kind, Latency, Phases, Rates, Report, RequestReport, SCHEMA, Tool, Verdict,
};
use crate::time::whole_nanos;

/// Everything a report says.
#[derive(Debug)]
pub struct Parts<'a> {
    /// What was asked for.
    pub plan: &'a Plan,
    /// The ledger, per request name of the plan.
    pub tally: &'a Tally,
    /// Its totals.
    pub summary: &'a Summary,
    /// Arrivals per second that were asked for, on average.
    pub rate_asked: f64,
    /// When the load began, RFC 3339 in UTC.
    pub started_at: String,
    /// Where it ran.
    pub environment: Environment,
    /// What the machine gave the generator.
    pub generator: &'a Generator,
    /// What it took to hold tokens; `None` where requests carry none.
    pub auth: Option<AuthCounts>,
    /// Which clock stamped the arrival of answers.
    pub clock: ClockSource,
    /// Which clock stamped requests.
    pub send_clock: ClockSource,
    /// The verdict.
    pub outcome: Outcome,
    /// The tier.
    pub tier: &'a TierVerdict,
    /// Each objective and how it fared.
    pub objectives: &'a [ObjectiveVerdict],
    /// The same for each request name.
    pub requests: &'a [RequestVerdict],
    /// Reasons to distrust or to act.
    pub findings: &'a [Finding],
    /// What came of requests, by address of the target; empty where it has one.
    pub by_address: &'a [AddressTally],
    /// The run over time.
    pub series: Vec<SeriesPoint>,
    /// Its parts, if it was steered by hand.
    pub segments: Vec<SegmentReport>,
    /// The search, if that is what this is; then the ledger is that of the rate it settled on.
    pub search: Option<SearchReport>,
}

impl From<Parts<'_>> for Report {
    fn from(parts: Parts<'_>) -> Self {
        let Parts { plan, tally, summary, .. } = parts;
        let requests = plan.rows().zip(tally.requests()).zip(parts.requests);
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool::this(),
            kind: if parts.search.is_some() { Kind::FindMaxRps } else { Kind::Run },
            started_at: parts.started_at,
            duration: whole_nanos(summary.length),
            plan: PlanEcho::from(plan),
            environment: parts.environment,
            generator: GeneratorReport::from(parts.generator),
            auth: parts.auth.map(|counts| Box::new(AuthReport::from(counts))),
            clock: parts.clock,
            send_clock: parts.send_clock,
            verdict: Verdict {
                outcome: parts.outcome,
                tier: parts.tier.tier,
                tier_not_judged: parts.tier.not_judged.iter().map(ToString::to_string).collect(),
                objectives: parts.objectives.iter().map(Into::into).collect(),
                findings: parts.findings.iter().map(Into::into).collect(),
            },
            rate: Rates::new(parts.rate_asked, summary.total.traffic, summary.length),
            fates: Fates::from(&summary.total.fates),
            error_rate: millionths(summary.error_rate()),
            response_time: latency(&summary.total.response_time),
            service_time: latency(&summary.total.service_time),
            first_byte: Latency::from(&summary.first_byte),
            send_lag: Latency::from(&summary.send_lag),
            dispatch_lag: Latency::from(&summary.dispatch_lag),
            connect: Latency::from(&summary.connect),
            reconnect: Latency::from(&summary.reconnect),
            tls: Latency::from(&summary.tls),
            phases: phases(&summary.total),
            failed_response_time: Latency::from(&summary.failed_response_time),
            requests: requests
                .map(|((template, tally), judged)| {
                    request(template, (tally, judged), summary.length)
                })
                .collect(),
            flows: flows(plan, tally),
            addresses: parts.by_address.iter().map(Into::into).collect(),
            series: parts.series,
            spectrum: Spectrum::new(&summary.total.response_time, &summary.total.service_time),
            segments: parts.segments,
            search: parts.search,
            comparison: None,
            monitors: Vec::new(),
            onset: None,
        }
    }
}

pub(super) fn latency<'a, T>(times: &'a T) -> Latency
where
    LatencySummary: From<&'a T>,
{
    Latency::from(&LatencySummary::from(times))
}

fn phases(tally: &RequestTally) -> Phases {
    let phase = |phase| latency(&tally.phase(phase));
    Phases {
        client: phase(Phase::Client),
        wait: phase(Phase::Wait),
        connect: phase(Phase::Connect),
        tls: phase(Phase::Tls),
        first_byte: phase(Phase::FirstByte),
        body: phase(Phase::Body),
    }
}

fn request(
    template: &RequestTemplate,
    (tally, judged): (&RequestTally, &RequestVerdict),
    length: Duration,
) -> RequestReport {
    let amiss = tally.amiss.iter().map(|(place, count)| (template.expect.name_of(*place), *count));
    let errors = TransportError::ALL.iter().zip(tally.errors).filter(|(_, count)| *count > 0);
    RequestReport {
        name: template.name.clone(),
        method: template.method.to_string(),
        weight: template.weight,
        profile_weight: None,
        fates: Fates::from(&tally.fates),
        rate: Some(Rates::new(per_second(tally.fates.planned(), length), tally.traffic, length)),
        error_rate: millionths(tally.fates.error_rate()),
        response_time: latency(&tally.response_time),
        service_time: latency(&tally.service_time),
        phases: phases(tally),
        statuses: tally.statuses.clone(),
        errors: errors
            .map(|(kind, count)| (kind.name().to_owned(), count))
            .collect::<BTreeMap<_, _>>(),
        bytes: tally.bytes,
        checks: amiss.collect(),
        failures: failures(&tally.failures, &template.expect),
        redirects: tally.redirects,
        repeats: tally.repeats,
        interim: tally.interim,
        objectives: judged.objectives.iter().map(Into::into).collect(),
        tier: judged.tier.as_ref().map(|tier| tier.tier),
    }
}
