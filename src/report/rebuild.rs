//! [`Rebuilder`]: from the header and the journal of a run that was killed to the report of what it left.
//!
//! A journal holds fates, response times and send lags. Service times, phases, statuses and kinds of errors
//! are only known to a run that ends, so they are absent here, and a finding says so.

use std::time::Duration;

use crate::analysis::goals::{self, RequestVerdict};
use crate::analysis::slo::RunFigures;
use crate::load::slo::Goals;
use crate::measure::fate::Fate;
use crate::measure::histogram::LatencyHistogram;
use crate::measure::millionths::millionths;
use crate::measure::series::SeriesBuilder;
use crate::measure::slice::Slice;
use crate::measure::summary::LatencySummary;
use crate::measure::tally::RequestTally;
use crate::measure::traffic::{Events, Traffic};
use crate::measure::window::Interval;
use crate::report::generator::GeneratorReport;
use crate::report::header::{Header, RequestHeader};
use crate::report::spectrum::Spectrum;
use crate::report::{
    ClockSource, Fates, FindingReport, Latency, Outcome, Phases, Rates, Report, RequestReport,
    SCHEMA, Severity, Tier, Verdict,
};
use crate::time::{Human, Offset, whole_nanos};

/// A report that is put together again.
#[derive(Debug)]
pub struct Rebuilder {
    header: Header,
    planned: u64,
    /// All request names together.
    total: RequestTally,
    send_lag: LatencyHistogram,
    requests: Vec<RequestTally>,
    /// When arrivals were to end.
    arrivals_end: Offset,
    end: Offset,
    series: SeriesBuilder,
}

impl Rebuilder {
    /// Begins with what was known before the load.
    pub fn new(header: Header) -> Self {
        let planned_length = Duration::from_nanos(header.plan.duration);
        Self {
            planned: 0,
            total: RequestTally::default(),
            send_lag: LatencyHistogram::default(),
            requests: vec![RequestTally::default(); header.requests.len()],
            arrivals_end: Offset::ZERO + planned_length,
            end: Offset::ZERO,
            series: SeriesBuilder::new(planned_length),
            header,
        }
    }

    /// Takes the next interval of the journal.
    pub fn push(&mut self, interval: &Interval) {
        let window = &interval.window;
        self.planned += window.planned;
        let events = Events::of(&window.fates, window.sent);
        self.total.traffic += self.traffic(events, interval.end - interval.length / 2);
        self.total.add(&window.fates, &window.response_time);
        self.send_lag.merge(&window.send_lag);
        self.end = interval.end;
        self.series.push(interval);
    }

    /// Takes the next slice of the journal.
    pub fn push_slice(&mut self, slice: &Slice) {
        for (place, part) in slice.requests.iter().enumerate().take(self.requests.len()) {
            // When the requests of a name were sent is not kept, only when they ended.
            let events = Events::of(&part.fates, 0);
            let traffic = self.traffic(events, slice.end - slice.length / 2);
            self.requests[place].traffic += traffic;
            self.requests[place].add(&part.fates, &part.response_time);
        }
    }

    /// Events of a stretch around `middle`, which tells on which side of the end of arrivals it lies: timers
    /// are not exact.
    fn traffic(&self, events: Events, middle: Offset) -> Traffic {
        if middle < self.arrivals_end {
            Traffic { within: events, ..Traffic::default() }
        } else {
            Traffic { after: events, ..Traffic::default() }
        }
    }

    /// The report; its outcome is `incomplete`.
    pub fn finish(mut self) -> Report {
        let under_way = self.planned.saturating_sub(self.total.fates.planned());
        for _ in 0..under_way {
            self.total.fates.record(Fate::Open);
        }
        // Nothing is known of their age.
        self.total.response_time.unanswered.record_zeros(under_way);
        let length = self.end.min(self.arrivals_end).since(Offset::ZERO);
        let total = self.total;
        let header = self.header;
        let rates = Rates::new(header.plan.rate, total.traffic, length);
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
                &RunFigures::of(&total, length, rates.target),
                &cut_off(self.end.since(Offset::ZERO), under_way),
            ),
            plan: header.plan,
            environment: header.environment,
            generator: GeneratorReport::default(),
            clock: ClockSource::default(),
            send_clock: ClockSource::default(),
            rate: rates,
            fates: Fates::from(&total.fates),
            error_rate: millionths(total.fates.error_rate()),
            response_time: Latency::from(&LatencySummary::from(&total.response_time)),
            service_time: Latency::default(),
            first_byte: Latency::default(),
            send_lag: Latency::from(&LatencySummary::from(&self.send_lag)),
            dispatch_lag: Latency::default(),
            connect: Latency::default(),
            reconnect: Latency::default(),
            tls: Latency::default(),
            phases: Phases::default(),
            failed_response_time: Latency::default(),
            requests: named.map(|(named, tally)| request(named, tally, length)).collect(),
            flows: None,
            addresses: Vec::new(),
            auth: None,
            segments: Vec::new(),
            series: self.series.finish(),
            spectrum: Spectrum::new(&total.response_time, &LatencyHistogram::default()),
            search: None,
            comparison: None,
            monitors: Vec::new(),
            onset: None,
        }
    }
}

fn request(named: RequestHeader, tally: &RequestTally, length: Duration) -> RequestReport {
    let judged = goals::judge(&named.goals(), &goals::figures(tally, length));
    RequestReport {
        name: named.name,
        method: named.method,
        weight: named.weight,
        profile_weight: None,
        fates: Fates::from(&tally.fates),
        rate: None,
        error_rate: millionths(tally.fates.error_rate()),
        response_time: Latency::from(&LatencySummary::from(&tally.response_time)),
        service_time: Latency::default(),
        phases: Phases::default(),
        statuses: std::collections::BTreeMap::new(),
        errors: std::collections::BTreeMap::new(),
        checks: std::collections::BTreeMap::new(),
        failures: Vec::new(),
        redirects: 0,
        repeats: 0,
        interim: 0,
        bytes: 0,
        objectives: judged.objectives.iter().map(Into::into).collect(),
        tier: judged.tier.as_ref().map(|tier| tier.tier),
    }
}

fn cut_off(length: Duration, under_way: u64) -> FindingReport {
    FindingReport {
        id: "cut_off".to_owned(),
        severity: Severity::Warning,
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
        outcome: Outcome::Incomplete,
        tier_not_judged: not_judged.map(ToString::to_string).collect(),
        tier: tier.as_ref().map_or(Tier::Critical, |tier| tier.tier),
        objectives: objectives.iter().map(Into::into).collect(),
        findings: vec![cut.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::slice::{Ended, RequestSlice};
    use crate::measure::window::Window;
    use crate::report::Kind;
    use crate::report::example;

    /// A second in which so many requests were due, all sent, and so many answered well.
    fn second(end: u64, due: u64, answered: u64) -> Interval {
        let mut window = Window { planned: due, sent: due, ..Window::default() };
        for _ in 0..answered {
            window.fates.record(Fate::Ok);
            window.response_time.answered.record(Duration::from_millis(10));
            window.send_lag.record(Duration::from_micros(20));
        }
        let end = Offset::from_nanos(end * 1_000_000_000);
        Interval { end, length: Duration::from_secs(1), window }
    }

    fn rebuilder() -> Rebuilder {
        let report = example::report(example::GOOD);
        let (plan, environment) = (example::plan(), report.environment);
        Rebuilder::new(Header::new(Kind::Run, &plan, report.started_at, environment))
    }

    #[test]
    fn the_drain_is_in_no_rate() {
        let mut rebuilder = rebuilder();
        (1..=30).for_each(|end| rebuilder.push(&second(end, 200, 100)));
        (31..=40).for_each(|end| rebuilder.push(&second(end, 0, 100)));
        let mut requests = vec![RequestSlice::default(); 3];
        (0..100).for_each(|_| requests[1].record(Ended::new(1, Fate::Ok, Duration::ZERO)));
        let slice = |end: u64| Slice {
            end: Offset::from_nanos(end * 1_000_000_000),
            length: Duration::from_secs(10),
            requests: requests.clone(),
        };
        for end in [10, 20, 30, 40] {
            rebuilder.push_slice(&slice(end));
        }
        let report = rebuilder.finish();
        let expected = Rates {
            target: 200.0,
            achieved: 200.0,
            ended: Some(100.0),
            throughput_ok: 100.0,
            drain_ok: 1_000,
        };
        assert_eq!(report.rate, expected);
        assert_eq!((report.duration, report.fates.ok), (30_000_000_000, 4_000));
        assert_eq!((report.requests[1].fates.ok, report.fates.open), (400, 2_000));
    }

    #[test]
    fn what_was_killed_before_its_end_is_as_long_as_its_journal() {
        let mut rebuilder = rebuilder();
        (1..=4).for_each(|end| rebuilder.push(&second(end, 200, 200)));
        let report = rebuilder.finish();
        assert_eq!((report.duration, report.rate.drain_ok), (4_000_000_000, 0));
        assert!((report.rate.throughput_ok - 200.0).abs() < 1e-9, "{:?}", report.rate);
    }
}
