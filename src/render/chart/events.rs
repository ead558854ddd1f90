//! What stands across every chart along a run's time: what was turned by hand, when the response time broke
//! its limit, and what had turned before.

use crate::load::rate::Figures;
use crate::render::chart::Mark;
use crate::render::table::shortened;
use crate::report::Report;
use crate::report::monitors::MonitorReport;
use crate::report::onset::TurnedReport;

/// Characters of a label at most.
const LABEL_MAX: usize = 32;
/// Segments that are drawn; more would hide what they part.
const SEGMENTS_MAX: usize = 100;
/// Monitored series whose turn is drawn where others are shown.
const TURNED_MAX: usize = 3;

/// For charts of the run itself.
pub(super) fn all(report: &Report) -> Vec<Mark> {
    let mut marks = spans(report);
    marks.extend(event(report));
    if let Some(onset) = &report.onset {
        marks.extend(onset.turned.iter().take(TURNED_MAX).map(|one| {
            let label = shortened(&format!("{} turned", one.name), LABEL_MAX);
            Mark::Upright("turn", seconds(one.at), label)
        }));
    }
    marks.extend(segments(report));
    marks
}

/// For the chart of one monitored series: its own turn alone.
pub(super) fn of_series(report: &Report, series: &MonitorReport) -> Vec<Mark> {
    let mut marks = spans(report);
    marks.extend(event(report));
    marks.extend(turn(report, series).map(|turned| {
        let (from, to) = (Figures(turned.from), Figures(turned.to));
        Mark::Upright("turn", seconds(turned.at), format!("turned: {from} to {to}"))
    }));
    marks.extend(segments(report));
    marks
}

/// When the response time broke its limit.
fn event(report: &Report) -> Option<Mark> {
    let onset = report.onset.as_ref()?;
    Some(Mark::Upright("event", seconds(onset.at), shortened(&onset.what, LABEL_MAX)))
}

/// Where `series` turned before the response time did.
pub(in crate::render) fn turn<'a>(
    report: &'a Report,
    series: &MonitorReport,
) -> Option<&'a TurnedReport> {
    let turned = &report.onset.as_ref()?.turned;
    turned.iter().find(|one| one.name == series.name && one.source == series.source)
}

/// Pauses, and every second segment between them.
fn spans(report: &Report) -> Vec<Mark> {
    let shown = report.segments.iter().take(SEGMENTS_MAX).enumerate();
    let class = |place: usize, rate: f64| match (rate > 0.0, place % 2) {
        (false, _) => Some("pause"),
        (true, 1) => Some("segment"),
        (true, _) => None,
    };
    let span = |(place, one): (usize, &crate::report::segment::SegmentReport)| {
        let class = class(place, one.rate)?;
        Some(Mark::Span(class, seconds(one.begin), seconds(one.end)))
    };
    shown.filter_map(span).collect()
}

/// What began each segment but the first.
fn segments(report: &Report) -> impl Iterator<Item = Mark> {
    let turned = report.segments.iter().take(SEGMENTS_MAX).filter(|one| one.begin > 0);
    turned.map(|one| Mark::Upright("turned", seconds(one.begin), shortened(&one.label, LABEL_MAX)))
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
