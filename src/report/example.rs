//! Reports for tests, made the way real ones are: from a plan and a ledger.

use std::time::Duration;

use http::Method;

use super::Report;
use super::build::Parts;
use super::echo::Environment;
use super::search::{Bound, Breach, MaxRps, SearchReport, TrialPurpose, TrialReport, TrialVerdict};
use super::segment::SegmentReport;
use super::sheet::{CapacitySheet, ContributionReport, CurveReport};
use crate::analysis::findings::{Evidence, Redistribution, find};
use crate::analysis::goals::RequestVerdict;
use crate::analysis::onset::{self, Onset};
use crate::analysis::slo::{RunFigures, judge, tier};
use crate::analysis::{Extent, Outcome, hints};
use crate::load::flow::Flows;
use crate::load::plan::{ChosenBy, LatePolicy, Limits, Origin, Plan, ReceiveClock, Scheme};
use crate::load::rate::Rate;
use crate::load::request::{Expect, OnEmpty, RequestTemplate, Template};
use crate::load::schedule::Arrivals;
use crate::load::slo::{Goals, Slo, Tiers};
use crate::load::way::Way;
use crate::measure::auth::AuthCounts;
use crate::measure::fate::{Fate, TransportError};
use crate::measure::generator::{Generator, Strain, Supply, Tcp, Throttled, WorkerTime};
use crate::measure::monitored::Monitored;
use crate::measure::sample::{Sample, SetUp, Wait};
use crate::measure::series::SeriesBuilder;
use crate::measure::silent_connections::SilentConnections;
use crate::measure::summary::Summary;
use crate::measure::tally::{Opening, Tally};
use crate::measure::window::{Gauges, Interval, Window};
use crate::report::ClockSource;
use crate::time::Offset;
/// A plan of 200/s for 30 s over three request names.
pub(crate) fn plan() -> Plan {
    let request = |name: &str, weight| RequestTemplate {
        name: name.to_owned(),
        weight,
        group: None,
        tags: Vec::new(),
        method: Method::GET,
        path: Template::literal("/interactions"),
        headers: Vec::new(),
        body: None,
        expect: Expect::SUCCESS,
        on_empty: OnEmpty::default(),
        goals: Goals::default(),
    };
    Plan {
        name: "chat-center".to_owned(),
        profile_sha256: Some("0f".repeat(32)),
        origin: Origin {
            scheme: Scheme::Http,
            host: "127.0.0.1".to_owned(),
            port: 8001,
            authority: "127.0.0.1:8001".to_owned(),
            base_path: "/api".to_owned(),
        },
        way: Way::default(),
        requests: vec![
            request("list interactions", 60),
            request("interaction detail", 35),
            request("create draft", 5),
        ],
        flows: Flows::default(),
        auth: None,
        setup: Vec::new(),
        pools: Vec::new(),
        feeders: Vec::new(),
        rate: Rate::per_second(200).unwrap(),
        stages: None,
        trace: None,
        arrivals: Arrivals::Constant,
        seed: u64::MAX,
        warmup: Duration::from_secs(2),
        duration: Duration::from_secs(30),
        slots: None,
        limits: Limits {
            connections: 64,
            connections_by: ChosenBy::User,
            flows: 1000,
            streams: 100,
            in_flight: 1000,
            timeout: Duration::from_secs(5),
            deadline: None,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            late: LatePolicy::Send,
        },
        workers: 2,
        pin: Vec::new(),
        receive_clock: ReceiveClock::Kernel,
        slo: Slo::standard(),
        tiers: Tiers::standard(),
    }
}

/// How a run of the example plan goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// Response time of slot `i` of 100, repeated, in ms.
    pub(crate) response_ms: fn(u64) -> u64,
    /// Fate of slot `i` of 100, repeated.
    pub(crate) fate: fn(u64) -> Fate,
    /// Lag of the generator in µs.
    pub(crate) dispatch_us: u64,
}

/// Everything is well.
pub(crate) const GOOD: Course =
    Course { response_ms: |i| 10 + i, fate: |_| Fate::Ok, dispatch_us: 12 };
/// Statuses, checks and connections fail.
pub(crate) const FAILING: Course = Course {
    fate: |i| match i {
        0..3 => Fate::BadStatus,
        3..5 => Fate::CheckFailed,
        5 => Fate::TransportError(TransportError::ConnectRefused),
        6 => Fate::TransportError(TransportError::Reset),
        _ => Fate::Ok,
    },
    ..GOOD
};
/// A tenth is never answered.
pub(crate) const CENSORED: Course = Course {
    response_ms: |i| if i < 10 { 5_000 } else { 300 + i },
    fate: |i| match i {
        0..6 => Fate::Timeout,
        6..9 => Fate::Shed,
        9 => Fate::Open,
        _ => Fate::Ok,
    },
    ..GOOD
};
/// The generator is too slow.
pub(crate) const LATE: Course = Course { dispatch_us: 80_000, ..GOOD };

fn sample(course: Course, slot: u64, due: Offset) -> Sample {
    let fate = (course.fate)(slot % 100);
    let sent = (fate != Fate::Shed).then(|| due + Duration::from_micros(course.dispatch_us + 8));
    let answered = matches!(fate, Fate::Ok | Fate::BadStatus | Fate::CheckFailed);
    Sample {
        request: match slot % 20 {
            0..12 => 0,
            12..19 => 1,
            _ => 2,
        },
        due,
        taken: (fate != Fate::Unsent).then(|| due + Duration::from_micros(course.dispatch_us)),
        wait: Wait::default(),
        sent,
        first_byte: sent.filter(|_| answered).map(|at| at + Duration::from_millis(2)),
        done: due
            + Duration::from_millis((course.response_ms)(slot % 100))
            + Duration::from_micros(course.dispatch_us),
        fate,
        status: answered.then_some(if fate == Fate::BadStatus { 503 } else { 200 }),
        bytes: if answered { 1_024 } else { 0 },
    }
}

/// A machine with two workers; a late one has no time left.
fn generator(course: Course) -> Generator {
    let busy = if course.dispatch_us > 1_000 { 29_400 } else { 10_200 };
    let worker = |cpu_ms, waited_ms| WorkerTime {
        over: Duration::from_secs(30),
        cpu: Some(Duration::from_millis(cpu_ms)),
        waited: Some(Duration::from_millis(waited_ms)),
    };
    Generator {
        workers: vec![worker(busy, 150), worker(busy - 600, 90)],
        strain: Strain {
            steal_share: Some(0.002),
            idle_share: Some(0.61),
            throttled: Some(Throttled::default()),
            tcp: Some(Tcp { segments: 12_104, ..Tcp::default() }),
        },
        cpu_quota: Some(2.0),
        descriptors: Some(Supply { limit: 1_024, needed: 46 }),
        ports: Some(Supply { limit: 28_232, needed: 14 }),
        connections_unused: 0,
    }
}

/// The report of a whole run of the example plan.
pub(crate) fn report(course: Course) -> Report {
    report_with(course, &[], None)
}

fn contribution(request: &str, planned_share: f64, broken_share: f64) -> ContributionReport {
    ContributionReport { request: request.to_owned(), planned_share, broken_share }
}

/// A search that found its breach.
pub(crate) fn search_report() -> Report {
    let trial = |rate: u32, verdict, p95_ms: u64| TrialReport {
        rate: f64::from(rate),
        purpose: Some(TrialPurpose::Refine),
        verdict,
        planned: u64::from(rate) * 10,
        p95: p95_ms * 1_000_000,
        p95_low: Some(p95_ms * 900_000),
        p95_high: (p95_ms < 2_000).then_some(p95_ms * 1_100_000),
        p95_at_least: p95_ms >= 2_000,
        error_rate: if p95_ms >= 2_000 { 0.08 } else { 0.0 },
        achieved: f64::from(rate) * 0.999,
        served: Some(f64::from(rate.min(345)) * 0.998),
        backlog_slope: if p95_ms >= 2_000 { 41.5 } else { 0.1 },
        duration: 10_000_000_000,
    };
    let search = SearchReport {
        slo: "p95 < 1 s, errors < 5 %".to_owned(),
        max_rps: MaxRps { estimate: 342.0, low: 331.0, high: Some(352.0), confidence: 0.95 },
        bound: Bound::Breach,
        breach: Some(Breach { rate: 360.0, reason: "p95 ≥ 4.1 s".to_owned() }),
        effort: "normal".to_owned(),
        held: 30_000_000_000,
        noise: Some(0.9),
        sheet: Some(CapacitySheet {
            curve: vec![CurveReport {
                rate: 340.0,
                p50: 210_000_000,
                p95: 640_000_000,
                p95_low: Some(576_000_000),
                p95_high: Some(704_000_000),
            }],
            contributions: vec![
                contribution("interaction detail", 0.35, 0.82),
                contribution("list interactions", 0.6, 0.18),
            ],
            knee_between: Some([280.0, 310.0]),
            safe_rate: Some(297.0),
            current_rate: Some(200.0),
            fit: None,
        }),
        trials: vec![
            trial(50, TrialVerdict::Pass, 22),
            trial(400, TrialVerdict::Fail, 4_100),
            trial(340, TrialVerdict::Pass, 640),
            trial(350, TrialVerdict::Undecided, 980),
            trial(360, TrialVerdict::Fail, 4_100),
        ],
        notes: vec!["queueing begins near 300/s".to_owned()],
    };
    report_with(GOOD, &[], Some(search))
}

/// The ledger and the series of a whole run.
fn measured(plan: &Plan, course: Course) -> (Tally, SeriesBuilder) {
    let mut tally = Tally::new(plan.requests.len());
    let mut series = SeriesBuilder::new(plan.duration);
    for second in 0..30 {
        let mut window = Window { planned: 200, ..Window::default() };
        for slot in 0..200 {
            let due = plan.rate.due(second * 200 + slot);
            let sample = sample(course, slot, due);
            tally.record(&sample);
            window.record_ended(&sample, plan.slo.tightest_time());
            if let Some(lag) = sample.send_lag() {
                window.record_sent();
                window.record_lag(lag);
            }
        }
        window.gauges = Gauges { in_flight: 12, waiting: 0, overdue: 0 };
        let end = Offset::from_nanos((second + 1) * 1_000_000_000);
        series.push(&Interval { end, length: Duration::from_secs(1), window });
    }
    let set_up = SetUp { connect: Duration::from_micros(350), tls: Duration::ZERO };
    tally.record_connect(set_up, Opening::Needed);
    (tally, series)
}

/// The report of a run with circumstances.
pub(crate) fn report_with(
    course: Course,
    redistributed: &[Redistribution],
    search: Option<SearchReport>,
) -> Report {
    let plan = plan();
    let (tally, series) = measured(&plan, course);
    let summary = Summary::new(&tally, plan.duration);
    let rate_asked = plan.rate.as_per_second();
    let figures = RunFigures::new(&summary, rate_asked);
    let objectives = judge(&plan.slo, &figures);
    let generator = generator(course);
    let mut findings = find(&Evidence {
        summary: &summary,
        tightest_limit: plan.slo.tightest_time(),
        limits: &plan.limits,
        rate_asked,
        attempts: &[],
        by_address: &[],
        silent_connections: SilentConnections::default(),
        connections_peak: 14,
        auth: Some(AuthCounts { tokens: 1, log_ins: 1, ..AuthCounts::default() }),
        auth_failure: None,
        interrupted: false,
        silence: series.silence().as_ref(),
        drained: Duration::ZERO,
        redirects_taken_for_good: 0,
        redistributed,
        fails_by_own_errors: false,
        fails_by_lateness: None,
        generator: generator.clone(),
    });
    let series = series.finish();
    let requests = vec![RequestVerdict::default(); plan.requests.len()];
    let outcome = Outcome::new(&objectives, &findings, Extent::Whole);
    if outcome == Outcome::Fail {
        let names = plan.requests.iter().map(|request| request.name.as_str());
        findings.extend(hints::find(&hints::Evidence {
            summary: &summary,
            requests: names.zip(tally.requests()).collect(),
            objectives: &objectives,
            points: &series,
            standstills_told: false,
            address_told: false,
            logged_in: true,
        }));
    }
    Report::from(Parts {
        plan: &plan,
        tally: &tally,
        summary: &summary,
        rate_asked: plan.rate_asked(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        environment: Environment {
            os: "linux".to_owned(),
            kernel: Some("6.1".to_owned()),
            arch: "x86_64".to_owned(),
            cpus: 2,
            steadfire: "0.1.0".to_owned(),
            addresses: vec!["127.0.0.1:8001".to_owned()],
        },
        generator: &generator,
        auth: None,
        clock: ClockSource::Kernel,
        send_clock: ClockSource::Kernel,
        outcome,
        tier: &tier(&plan.tiers, &figures),
        objectives: &objectives,
        requests: &requests,
        findings: &findings,
        by_address: &[],
        series,
        segments: Vec::new(),
        search,
    })
}

/// A part of a run that was steered by hand, 200 slots in a second.
pub(crate) fn segment() -> SegmentReport {
    let mut tally = Tally::new(1);
    for slot in 0..200_u64 {
        let due = Offset::from_nanos(slot * 5_000_000);
        tally.record(&Sample {
            request: 0,
            due,
            taken: Some(due),
            wait: Wait::default(),
            sent: Some(due),
            first_byte: Some(due + Duration::from_millis(8)),
            done: due + Duration::from_millis(10),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 100,
        });
    }
    let end = Offset::from_nanos(1_000_000_000);
    SegmentReport::new("start".to_owned(), (Offset::ZERO, end), 200.0, &tally)
}

/// A run that was steered and monitored; its p95 breaks the limit 18 s into it, a queue grew before.
pub(crate) fn watched() -> Report {
    let mut report = report(GOOD);
    for point in &mut report.series[18..] {
        (point.p50, point.p95, point.p99) = (8 * point.p50, 20 * point.p95, 25 * point.p99);
    }
    let parts = [(0, 5, "start", 200.0), (5, 10, "rate 220/s", 220.0), (10, 12, "paused", 0.0)];
    let parts = parts.into_iter().chain([(12, 30, "deployed v2; resumed at 200/s", 200.0)]);
    report.segments = parts
        .map(|(begin, end, label, rate)| {
            let (begin, end) = (begin * 1_000_000_000, end * 1_000_000_000);
            SegmentReport { begin, end, rate, label: label.to_owned(), ..segment() }
        })
        .collect();
    let series = |name: &str, unit: &str, value: fn(u64) -> f64| Monitored {
        name: name.to_owned(),
        kind: "prometheus",
        source: "prometheus http://127.0.0.1:8001/api/metrics".to_owned(),
        unit: unit.to_owned(),
        points: (0..30).map(|s| (Offset::from_nanos(s * 1_000_000_000), value(s))).collect(),
        notes: Vec::new(),
    };
    let mut monitored = vec![
        series("rss", "MB", |s| 240.0 + (s % 3) as f64),
        series("requests", "/s", |s| 199.0 + (s % 2) as f64),
        series("queue_depth", "", |s| if s < 14 { 2.0 + (s % 2) as f64 } else { 40.0 + s as f64 }),
    ];
    monitored[0].notes.push("1 of 31 looks failed: timed out".to_owned());
    let event = onset::event(&Slo::standard(), &report.series).expect("the p95 breaks its limit");
    let onset = Onset::new(event, &report.series, &monitored);
    report.monitors = monitored.iter().map(Into::into).collect();
    report.verdict.findings.extend(onset.finding().as_ref().map(Into::into));
    report.onset = Some(Box::new((&onset).into()));
    report
}
