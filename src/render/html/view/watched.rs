//! What was done to a run while it went on, and what was seen beside its answers.

use serde::Serialize;

use crate::analysis::words::{Amount, Count, Percent};
use crate::load::rate::Figures;
use crate::render::chart::{monitor_order, monitor_turn};
use crate::render::html::view::human;
use crate::render::html::view::tables::figure;
use crate::render::text::monitors;
use crate::report::Report;
use crate::report::monitors::MonitorReport;
use crate::report::onset::TurnedReport;
use crate::report::segment::SegmentReport;

/// Rows of each table at most.
const ROWS_MAX: usize = 200;

/// One segment of a run that was steered.
#[derive(Debug, Serialize)]
pub(super) struct SegmentRow {
    name: String,
    cells: Vec<String>,
}

/// One monitored series.
#[derive(Debug, Serialize)]
pub(super) struct MonitorRow {
    name: String,
    source: String,
    cells: Vec<String>,
    turned: String,
}

/// In order of time.
pub(super) fn segments(report: &Report) -> Vec<SegmentRow> {
    report.segments.iter().take(ROWS_MAX).map(SegmentRow::from).collect()
}

pub(super) fn segments_note(report: &Report) -> String {
    let all = report.segments.len();
    let more = if all > ROWS_MAX {
        format!(" The first {ROWS_MAX} of {}; the result has them all.", Count(all as u64))
    } else {
        String::new()
    };
    format!(
        "The run was steered by hand. Each change begins a part with a ledger of its own; the figures of \
         the whole mix them.{more}"
    )
}

impl From<&SegmentReport> for SegmentRow {
    fn from(segment: &SegmentReport) -> Self {
        let times = &segment.response_time;
        let mut cells = vec![
            if segment.begin == 0 { "0 s".to_owned() } else { human(segment.begin) },
            human(segment.length()),
            if segment.rate > 0.0 {
                Figures(segment.rate).to_string()
            } else {
                "paused".to_owned()
            },
            Figures(segment.achieved).to_string(),
            Count(segment.fates.planned).to_string(),
            if segment.fates.planned > 0 {
                Percent(segment.error_rate).to_string()
            } else {
                "–".to_owned()
            },
        ];
        let quantiles = [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)];
        cells.extend(quantiles.map(|(name, ns)| figure(times, name, ns)));
        Self { name: segment.label.clone(), cells }
    }
}

/// What happened to the response time, and what came before.
pub(super) fn onset(report: &Report) -> Option<String> {
    let onset = report.onset.as_ref().filter(|_| !report.monitors.is_empty())?;
    let first = onset.turned.first().map(|one| {
        let with_it = if one.at == onset.at { "at the same time" } else { "before it" };
        format!(
            " What turned first, {with_it}: {} at {}. That is a hint, no proof.",
            one.name,
            human(one.at)
        )
    });
    let first = first.unwrap_or_else(|| " No monitored series had turned before.".to_owned());
    Some(format!("{} {} into the run.{first}", onset.what, human(onset.at)))
}

/// Series with points; those that turned first come first.
pub(super) fn monitors(report: &Report) -> Vec<MonitorRow> {
    let shown = monitor_order(report).into_iter().take(ROWS_MAX);
    let row = |place: usize| {
        let series = &report.monitors[place];
        MonitorRow::new(series, monitor_turn(report, series))
    };
    shown.map(row).collect()
}

impl MonitorRow {
    fn new(series: &MonitorReport, turned: Option<&TurnedReport>) -> Self {
        let figures = monitors::span(series).map(|value| Amount(value, &series.unit).to_string());
        let looks = Count(series.points.len() as u64).to_string();
        let told = |(at, from, to)| {
            format!("at {}: {} to {}", human(at), Figures(from), Amount(to, &series.unit))
        };
        let before = turned.map(|one| told((one.at, one.from, one.to)) + ", before it");
        let turned = before.or_else(|| series.turned.map(|one| told((one.at, one.from, one.to))));
        Self {
            name: series.name.clone(),
            source: series.source.clone(),
            cells: figures.into_iter().chain([looks]).collect(),
            turned: turned.unwrap_or_else(|| "–".to_owned()),
        }
    }
}

/// What monitors had to say beside their values.
pub(super) fn notes(report: &Report) -> Vec<String> {
    monitors::notes(&report.monitors).take(ROWS_MAX).collect()
}
