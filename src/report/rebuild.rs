//! [`Rebuilder`]: from the header and the journal of a run that was killed to the report of what it left.
//!
//! A journal holds fates, response times and send lags. Service times, phases, statuses and kinds of errors
//! are only known to a run that ends, so they are absent here, and a finding says so.

use std::time::Duration;

use crate::analysis::goals::{self, RequestVerdict};
use crate::analysis::slo::{RunFigures, Spared};
use crate::load::slo::Goals;
use crate::measure::fate::{Fate, FateCounts};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::slice::{RequestSlice, Slice};
use crate::measure::summary::LatencySummary;
use crate::measure::tally::RequestTally;
use crate::measure::window::{Interval, per_second};
use crate::report::generator::GeneratorReport;
use crate::report::header::{Header, RequestHeader};
use crate::report::series::SeriesBuilder;
use crate::report::spectrum::Spectrum;
use crate::report::{
    ClockSource, Fates, FindingReport, Latency, OutcomeName, Phases, Rates, Report, RequestReport,
    SCHEMA, SeverityName, TierName, Verdict, millionths,
};
use crate::time::{Human, Offset, whole_nanos};

/// A report that is put together again.
#[derive(Debug)]
pub struct Rebuilder {
    header: Header,
    planned: u64,
    sent: u64,
    fates: FateCounts,
    response_time: CensoredHistogram,
    send_lag: LatencyHistogram,
    requests: Vec<RequestSlice>,
    end: Offset,
    series: SeriesBuilder,
}

impl Rebuilder {
    /// Begins with what was known before the load.
    pub fn new(header: Header) -> Self {
        let planned_length = Duration::from_nanos(header.plan.duration);
        Self {
            planned: 0,
            sent: 0,
            fates: FateCounts::default(),
            response_time: CensoredHistogram::default(),
            send_lag: LatencyHistogram::default(),
            requests: vec![RequestSlice::default(); header.requests.len()],
            end: Offset::ZERO,
            series: SeriesBuilder::new(planned_length),
            header,
        }
    }

    /// Takes the next interval of the journal.
    pub fn push(&mut self, interval: &Interval) {
        let window = &interval.window;
        self.planned += window.planned;
        self.sent += window.sent;
        self.fates += &window.fates;
        self.response_time.merge(&window.response_time);
        self.send_lag.merge(&window.send_lag);
        self.end = interval.end;
        self.series.push(interval);
    }

    /// Takes the next slice of the journal.
    pub fn push_slice(&mut self, slice: &Slice) {
        for (whole, part) in self.requests.iter_mut().zip(&slice.requests) {
            whole.merge(part);
        }
    }

    /// The report; its outcome is `incomplete`.
    pub fn finish(mut self) -> Report {
        let under_way = self.planned.saturating_sub(self.fates.planned());
        for _ in 0..under_way {
            self.fates.record(Fate::Open);
        }
        // Nothing is known of their age.
        self.response_time.unanswered.record_zeros(under_way);
        let length = self.end.since(Offset::ZERO);
        let header = self.header;
        let rates = Rates {
            target: header.plan.rate,
            achieved: millionths(per_second(self.sent, length)),
            throughput_ok: millionths(per_second(self.fates.ok(), length)),
        };
        let named = header.requests.into_iter().zip(&self.requests);
        Report {
            schema: SCHEMA.to_owned(),
            tool: header.tool,
            kind: header.kind,
            started_at: header.started_at,
            duration: whole_nanos(length),
            verdict: verdict(
                &Goals::read(
                    Some(&header.plan.slo),
                    Some([&header.plan.tier_excellent, &header.plan.tier_acceptable]),
                ),
                &RunFigures {
                    response_time: &self.response_time,
                    error_rate: self.fates.error_rate(),
                    throughput_ok: rates.throughput_ok,
                    rate_asked: rates.target,
                    left_out: 0,
                    spared: Spared {
                        error_rate: self.fates.error_rate(),
                        throughput_ok: rates.throughput_ok,
                        unanswered: 0,
                    },
                },
                &cut_off(length, under_way),
            ),
            plan: header.plan,
            environment: header.environment,
            generator: GeneratorReport::default(),
            clock: ClockSource::default(),
            send_clock: ClockSource::default(),
            rate: rates,
            fates: Fates::from(&self.fates),
            error_rate: millionths(self.fates.error_rate()),
            response_time: Latency::from(&LatencySummary::from(&self.response_time)),
            service_time: Latency::default(),
            first_byte: Latency::default(),
            send_lag: Latency::from(&LatencySummary::from(&self.send_lag)),
            dispatch_lag: Latency::default(),
            connect: Latency::default(),
            reconnect: Latency::default(),
            tls: Latency::default(),
            phases: Phases::default(),
            failed_response_time: Latency::default(),
            requests: named.map(|(named, slice)| request(named, slice, length)).collect(),
            flows: None,
            auth: None,
            segments: Vec::new(),
            series: self.series.finish(),
            spectrum: Spectrum::new(&self.response_time, &LatencyHistogram::default()),
            search: None,
            comparison: None,
            monitors: Vec::new(),
            onset: None,
        }
    }
}

fn request(named: RequestHeader, slice: &RequestSlice, length: Duration) -> RequestReport {
    let tally = RequestTally::of(slice.fates, slice.response_time.clone());
    let judged = goals::judge(&named.goals(), &goals::figures(&tally, length));
    RequestReport {
        name: named.name,
        method: named.method,
        weight: named.weight,
        fates: Fates::from(&slice.fates),
        error_rate: millionths(slice.fates.error_rate()),
        response_time: Latency::from(&LatencySummary::from(&slice.response_time)),
        service_time: Latency::default(),
        phases: Phases::default(),
        statuses: std::collections::BTreeMap::new(),
        errors: std::collections::BTreeMap::new(),
        checks: std::collections::BTreeMap::new(),
        failures: Vec::new(),
        redirects: 0,
        bytes: 0,
        objectives: judged.objectives.iter().map(Into::into).collect(),
        tier: judged.tier.as_ref().map(|tier| tier.tier.into()),
    }
}

fn cut_off(length: Duration, under_way: u64) -> FindingReport {
    FindingReport {
        id: "cut_off".to_owned(),
        severity: SeverityName::Warning,
        message: format!(
            "the run ended without a result and was put together from its journal, {} of it; {under_way} \
             slots under way count as open, under no request's name; service times, phases, statuses and \
             kinds of errors are lost",
            Human(length)
        ),
        remedy: "measure again to the end; Ctrl-C ends a run early with all its figures".to_owned(),
    }
}

fn verdict(goals: &Goals, figures: &RunFigures<'_>, cut: &FindingReport) -> Verdict {
    let RequestVerdict { objectives, tier } = goals::judge(goals, figures);
    let not_judged = tier.iter().flat_map(|tier| &tier.not_judged);
    Verdict {
        outcome: OutcomeName::Incomplete,
        tier_not_judged: not_judged.map(ToString::to_string).collect(),
        tier: tier.as_ref().map_or(TierName::Critical, |tier| tier.tier.into()),
        objectives: objectives.iter().map(Into::into).collect(),
        findings: vec![cut.clone()],
    }
}
