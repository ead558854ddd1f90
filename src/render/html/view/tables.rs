//! The rows of the page's tables.

use serde::Serialize;

use crate::analysis::words::{Count, Percent, Signed};
use crate::load::rate::Figures;
use crate::render::chart::verdict_name;
use crate::render::html::view::human;
use crate::render::units::{self, Unit};
use crate::render::verdict;
use crate::report::search::TrialReport;
use crate::report::{Fates, Latency, Phases, Report, RequestReport};

/// Parts of the response time: class and name.
pub(super) const PHASES: [(&str, &str); 6] = [
    ("p0", "client"),
    ("p1", "wait"),
    ("p2", "connect"),
    ("p3", "TLS"),
    ("p4", "first byte"),
    ("p5", "body"),
];

/// What the columns of a trial are.
pub(super) const TRIAL_HEADS: [&str; 9] = [
    "verdict",
    "rate/s",
    "quantile",
    "its 95 % interval",
    "errors",
    "sent/s",
    "good/s",
    "backlog/s",
    "length",
];

/// One request name.
#[derive(Debug, Serialize)]
pub(super) struct RequestRow {
    name: String,
    why: String,
    cells: Vec<Cell>,
}

/// A text, and what it is sorted by.
#[derive(Debug, Serialize)]
pub(super) struct Cell {
    text: String,
    sort: f64,
}

/// The parts of one response time.
#[derive(Debug, Serialize)]
pub(super) struct PhaseRow {
    name: String,
    bars: Vec<Bar>,
    means: Vec<String>,
}

/// A part of a bar of 100.
#[derive(Debug, Serialize)]
struct Bar {
    class: &'static str,
    x: String,
    width: String,
}

/// One kind of time.
#[derive(Debug, Serialize)]
pub(super) struct TimesRow {
    name: &'static str,
    cells: Vec<String>,
}

impl RequestRow {
    /// One of `all` requests.
    pub(super) fn new(request: &RequestReport, all: &[RequestReport]) -> Self {
        let bad = request.fates.planned > request.fates.ok;
        Self {
            name: request.name.clone(),
            why: if bad { verdict::why(request) } else { String::new() },
            cells: figures(&Totals {
                share: f64::from(request.weight) / weights(all).max(1) as f64,
                fates: &request.fates,
                error_rate: request.error_rate,
                times: &request.response_time,
                bytes: request.bytes,
            }),
        }
    }

    /// All requests together.
    pub(super) fn total(report: &Report) -> Self {
        let requests = || report.requests.iter();
        Self {
            name: "all".to_owned(),
            why: String::new(),
            cells: figures(&Totals {
                share: 1.0,
                fates: &report.fates,
                error_rate: report.error_rate,
                times: &report.response_time,
                bytes: requests().map(|request| request.bytes).sum(),
            }),
        }
    }
}

fn weights(requests: &[RequestReport]) -> u64 {
    requests.iter().map(|request| u64::from(request.weight)).sum()
}

/// What a row tells of its requests.
struct Totals<'a> {
    /// Of the load; weights that took on those of an empty pool are large numbers, shares stay readable.
    share: f64,
    fates: &'a Fates,
    error_rate: f64,
    times: &'a Latency,
    bytes: u64,
}

fn figures(of: &Totals<'_>) -> Vec<Cell> {
    let &Totals { share, fates, error_rate, times, bytes } = of;
    let count = |count: u64| cell(Count(count).to_string(), count as f64);
    let time = |name: &str, ns: u64| cell(figure(times, name, ns), ns as f64);
    vec![
        cell(Percent((share * 1e4).round() / 1e4).to_string(), share),
        count(fates.planned),
        count(fates.ok),
        cell(Percent(error_rate).to_string(), error_rate),
        time("p50", times.p50),
        time("p95", times.p95),
        time("p99", times.p99),
        time("max", times.max),
        cell(units::bytes(bytes), bytes as f64),
    ]
}

/// One trial of a search.
pub(super) fn trial((place, trial): (usize, &TrialReport)) -> Vec<Cell> {
    let verdict = format!("{} {}", place + 1, verdict_name(trial.verdict));
    let bound = if trial.p95_at_least { "≥ " } else { "" };
    let interval = trial.p95_low.map_or("–".to_owned(), |low| {
        let high = trial.p95_high.map_or("open".to_owned(), human);
        format!("{} to {high}", human(low))
    });
    vec![
        cell(verdict, place as f64),
        cell(Figures(trial.rate).to_string(), trial.rate),
        cell(format!("{bound}{}", human(trial.p95)), trial.p95 as f64),
        cell(interval, trial.p95_low.unwrap_or(0) as f64),
        cell(Percent(trial.error_rate).to_string(), trial.error_rate),
        cell(Figures(trial.achieved).to_string(), trial.achieved),
        trial.served.map_or_else(
            || cell("–".to_owned(), 0.0),
            |served| cell(Figures(served).to_string(), served),
        ),
        cell(Signed(trial.backlog_slope).to_string(), trial.backlog_slope),
        cell(human(trial.duration), trial.duration as f64),
    ]
}

/// Where the time of each request name went, and of all.
pub(super) fn phases(report: &Report, requests: &[&RequestReport]) -> Vec<PhaseRow> {
    let unit = Unit::fitting(report.response_time.p50);
    let all = (requests.len() > 1).then_some(("all", &report.phases));
    let named = requests.iter().map(|request| (request.name.as_str(), &request.phases));
    let known = named.chain(all).filter(|(_, phases)| phases.client.count > 0);
    known.map(|(name, phases)| phase_row(name, phases, unit)).collect()
}

fn phase_row(name: &str, phases: &Phases, unit: Unit) -> PhaseRow {
    let Phases { client, wait, connect, tls, first_byte, body } = phases;
    let means = [client, wait, connect, tls, first_byte, body].map(|times| times.mean);
    let whole = means.iter().sum::<u64>().max(1) as f64;
    let mut x = 0.0;
    let bars = means.iter().zip(PHASES).map(|(mean, (class, _))| {
        let width = *mean as f64 / whole * 100.0;
        let bar = Bar { class, x: format!("{x:.2}"), width: format!("{width:.2}") };
        x += width;
        bar
    });
    PhaseRow {
        name: name.to_owned(),
        bars: bars.collect(),
        means: means.map(|mean| format!("{} {}", unit.figure(mean, false), unit.symbol())).into(),
    }
}

/// Every kind of time there is anything of.
pub(super) fn times(report: &Report) -> Vec<TimesRow> {
    let rows = [
        ("response time (from due)", &report.response_time),
        ("service time (from sent)", &report.service_time),
        ("first byte (from sent)", &report.first_byte),
        ("send lag (due to sent)", &report.send_lag),
        ("the generator's own lag", &report.dispatch_lag),
        ("connecting", &report.connect),
        ("reconnecting after timeouts", &report.reconnect),
        ("TLS set-up", &report.tls),
        ("failed responses", &report.failed_response_time),
    ];
    let known = rows.into_iter().filter(|(_, times)| times.count > 0);
    known
        .map(|(name, times)| {
            let cells = times.shown().map(|(name, ns)| figure(times, name, ns));
            TimesRow {
                name,
                cells: [Count(times.count).to_string()].into_iter().chain(cells).collect(),
            }
        })
        .collect()
}

/// A figure with its unit, or a dash where there is nothing to take it from.
pub(super) fn figure(times: &Latency, name: &str, ns: u64) -> String {
    match times.count {
        0 => "–".to_owned(),
        _ if times.bounds(name) => format!("≥ {}", human(ns)),
        _ => human(ns),
    }
}

fn cell(text: String, sort: f64) -> Cell {
    Cell { text, sort }
}
