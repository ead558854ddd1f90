//! What was monitored, a small chart for each series on the time axis of the run.

use crate::analysis::words::Amount;
use crate::render::chart::timeline::{Heading, Line, Timeline};
use crate::render::chart::{Axis, Chart, events};
use crate::report::Report;

/// Series that have a chart; the table has them all.
const CHARTS_MAX: usize = 24;
const HEIGHT: f64 = 150.0;

/// A chart for each series with points.
pub(in crate::render) fn monitored(report: &Report) -> Vec<Chart> {
    order(report).into_iter().take(CHARTS_MAX).map(|place| chart(report, place)).collect()
}

/// Places of the series with points: those that turned first come first, all others as they are.
pub(in crate::render) fn order(report: &Report) -> Vec<usize> {
    let known = |place: &usize| !report.monitors[*place].points.is_empty();
    let mut places: Vec<usize> = (0..report.monitors.len()).filter(known).collect();
    places.sort_by_key(|place| {
        events::turn(report, &report.monitors[*place]).map_or(u64::MAX, |turned| turned.at)
    });
    places
}

fn chart(report: &Report, place: usize) -> Chart {
    let series = &report.monitors[place];
    let times = series.points.iter().map(|point| point.t);
    let timeline = Timeline::new(report, times, events::of_series(report, series));
    let text = |value: f64| Amount(value, &series.unit).to_string();
    let line = Line::new("s-monitor", "value", text, |point| Some(series.points[point].value));
    let heading = Heading {
        id: format!("monitor-{place}"),
        title: series.name.clone(),
        note: series.source.clone(),
        height: HEIGHT,
    };
    let values = || series.points.iter().map(|point| point.value).filter(|value| value.is_finite());
    let low = values().reduce(f64::min).unwrap_or(0.0);
    let mut chart = timeline.chart(heading, &[line], |_, high| {
        Axis::levels(if series.unit.is_empty() { "value" } else { &series.unit }, low, high)
    });
    // One line needs no key.
    chart.legend.clear();
    chart
}
