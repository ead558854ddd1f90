//! Response times over time: of all requests, and of one request name.

use crate::render::chart::timeline::{Heading, Line, Timeline};
use crate::render::chart::words::human;
use crate::render::chart::{Axis, Chart, Mark, Scale, events};
use crate::report::detail::{RequestHistory, RequestPoint};
use crate::report::series::SeriesPoint;
use crate::report::{Metric, Report};

/// The quantiles of a point, and how many entries they are of.
#[derive(Clone, Copy)]
struct Quantiles {
    answered: u64,
    unanswered: u64,
    p50: u64,
    p95: u64,
    p99: u64,
}

/// Of all requests; `points` are those of the series along `timeline`.
pub(super) fn of_all(report: &Report, points: &[SeriesPoint], timeline: &Timeline) -> Chart {
    let heading = Heading {
        id: "response".to_owned(),
        title: "Response time over time".to_owned(),
        note: "From the instant a request was due to its last byte. Slots never answered are in it with \
               their age, so these figures can only be too small."
            .to_owned(),
        height: 300.0,
    };
    chart(report, timeline, heading, |point| Quantiles::from(&points[point]))
}

/// Of one request name; nothing if the report does not have it.
pub(super) fn of_request(report: &Report, history: &RequestHistory) -> Option<Chart> {
    let request = report.requests.get(history.request)?;
    let times = history.points.iter().map(|point| point.t);
    let timeline = Timeline::new(report, times, events::all(report));
    let heading = Heading {
        id: format!("response-{}", history.request),
        title: request.name.clone(),
        note: String::new(),
        height: 220.0,
    };
    Some(chart(report, &timeline, heading, |point| Quantiles::from(&history.points[point])))
}

fn chart<'a>(
    report: &Report,
    timeline: &Timeline,
    heading: Heading,
    quantiles: impl Fn(usize) -> Quantiles + Copy + 'a,
) -> Chart {
    let line = |class, name, share: f64, figure: fn(&Quantiles) -> u64| {
        let value = move |point| {
            let at = quantiles(point);
            let ns = figure(&at);
            (at.answered + at.unanswered > 0 && ns > 0).then_some(ns as f64)
        };
        let bounds = Box::new(move |point| quantiles(point).bounds(share));
        Line { bounds, ..Line::new(class, name, human, value) }
    };
    let lines = [
        line("s-p99", "p99", 0.99, |at| at.p99),
        line("s-p95", "p95", 0.95, |at| at.p95),
        line("s-p50", "p50", 0.5, |at| at.p50),
    ];
    let objectives = report.verdict.objectives.iter();
    let limits: Vec<(f64, String)> = objectives
        .filter(|one| one.metric == Metric::ResponseTime)
        .map(|one| (one.limit, one.objective.clone()))
        .collect();
    let mut chart = timeline.chart(heading, &lines, |low, high| {
        let limit = limits.iter().map(|(limit, _)| *limit).fold(high, f64::max);
        let high = match (high > 0.0, limit) {
            // Nothing was answered: the limit alone has a place to stand.
            (false, limit) => {
                if limit > 0.0 {
                    limit * 1.05
                } else {
                    1e9
                }
            }
            // A limit far above the figures would press them to the floor.
            (true, limit) if limit > 20.0 * high => high,
            (true, limit) => limit * 1.05,
        };
        let scale = if low > 0.0 && high / low > 8.0 { Scale::Log } else { Scale::Linear };
        let low = if scale == Scale::Log { low * 0.8 } else { 0.0 };
        Axis::times("response time", scale, low, high)
    });
    let highest = chart.y.high();
    let shown = limits.into_iter().filter(|(limit, _)| *limit <= highest);
    chart.marks.extend(shown.map(|(limit, text)| Mark::Level("limit", limit, text)));
    chart
}

impl Quantiles {
    /// Whether the figure at `share` is only a lower bound: the unanswered rank behind all others.
    fn bounds(self, share: f64) -> bool {
        let entries = (self.answered + self.unanswered) as f64;
        (share * entries).ceil() > self.answered as f64
    }
}

impl From<&SeriesPoint> for Quantiles {
    fn from(point: &SeriesPoint) -> Self {
        let SeriesPoint { p50, p95, p99, .. } = *point;
        Self { answered: point.ok, unanswered: point.censored, p50, p95, p99 }
    }
}

impl From<&RequestPoint> for Quantiles {
    fn from(point: &RequestPoint) -> Self {
        let RequestPoint { p50, p95, p99, .. } = *point;
        Self { answered: point.ok, unanswered: point.censored, p50, p95, p99 }
    }
}
