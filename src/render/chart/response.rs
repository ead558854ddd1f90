//! Response times over time: of all requests, of one request name, and of two runs.

use crate::measure::series::SeriesPoint;
use crate::render::chart::over_time::whole_points;
use crate::render::chart::timeline::{Heading, Line, Timeline, until};
use crate::render::chart::words::human;
use crate::render::chart::{Axis, Chart, Hover, Mark, Scale, events};
use crate::report::detail::{RequestHistory, RequestPoint};
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
    let lines = [
        line(("s-p99", "p99"), 0.99, quantiles),
        line(("s-p95", "p95"), 0.95, quantiles),
        line(("s-p50", "p50"), 0.5, quantiles),
    ];
    let limits = limits(report);
    let mut chart = timeline.chart(heading, &lines, |low, high| axis(low, high, &limits));
    mark(&mut chart, limits);
    chart
}

/// Of two runs, each from its own beginning. Lines differ by their pattern as well as by colour; a run without
/// a series has none.
pub(super) fn of_both(a: &Report, b: &Report) -> Chart {
    let sides = [
        (a, whole_points(&a.series), [("a-p95", "A p95"), ("a-p50", "A p50")]),
        (b, whole_points(&b.series), [("b-p95", "B p95"), ("b-p50", "B p50")]),
    ];
    let end = until(a).max(until(b));
    let times = || {
        let points = sides.iter().flat_map(|(_, points, _)| points);
        points.flat_map(|point| [point.p50, point.p95]).filter(|ns| *ns > 0).map(|ns| ns as f64)
    };
    let low = times().reduce(f64::min).unwrap_or(0.0);
    let high = times().reduce(f64::max).unwrap_or(0.0);
    // A limit that only one of them has would stand across both.
    let limits = if limits(a) == limits(b) { limits(a) } else { Vec::new() };
    let heading = || {
        Heading {
        id: "both".to_owned(),
        title: "Response time of A and B over time".to_owned(),
        note: "Each from the beginning of its run. Slots never answered are in it with their age, so these \
               figures can only be too small."
            .to_owned(),
        height: 320.0,
    }
    };
    let [mut chart, of_b] = sides.each_ref().map(|(report, points, [p95, p50])| {
        let timeline = Timeline::new(report, points.iter().map(|point| point.t), Vec::new());
        let quantiles = |point: usize| Quantiles::from(&points[point]);
        let lines = [line(*p95, 0.95, quantiles), line(*p50, 0.5, quantiles)];
        timeline.reaching(end).chart(heading(), &lines, |_, _| axis(low, high, &limits))
    });
    // Broken lines lie over whole ones, so that equal runs show both.
    chart.marks = of_b.marks.into_iter().chain(chart.marks).collect();
    chart.legend.extend(of_b.legend);
    // The page that shows it has no script.
    chart.hover = Hover::default();
    mark(&mut chart, limits);
    chart
}

fn line<'a>(
    (class, name): (&'static str, &'static str),
    share: f64,
    quantiles: impl Fn(usize) -> Quantiles + Copy + 'a,
) -> Line<'a> {
    let value = move |point| {
        let at = quantiles(point);
        let ns = at.at(share);
        (at.answered + at.unanswered > 0 && ns > 0).then_some(ns as f64)
    };
    let bounds = Box::new(move |point| quantiles(point).bounds(share));
    Line { bounds, ..Line::new(class, name, human, value) }
}

/// The objectives on response times: their limits and texts.
fn limits(report: &Report) -> Vec<(f64, String)> {
    let objectives = report.verdict.objectives.iter();
    objectives
        .filter(|one| one.metric == Metric::ResponseTime)
        .map(|one| (one.limit, one.objective.clone()))
        .collect()
}

/// For figures from `low` to `high`.
fn axis(low: f64, high: f64, limits: &[(f64, String)]) -> Axis {
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
}

/// Draws the limits that lie on the axis.
fn mark(chart: &mut Chart, limits: Vec<(f64, String)>) {
    let highest = chart.y.high();
    let shown = limits.into_iter().filter(|(limit, _)| *limit <= highest);
    chart.marks.extend(shown.map(|(limit, text)| Mark::Level("limit", limit, text)));
}

impl Quantiles {
    /// The figure at `share`, one of the three.
    const fn at(self, share: f64) -> u64 {
        match share {
            share if share < 0.95 => self.p50,
            share if share < 0.99 => self.p95,
            _ => self.p99,
        }
    }

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
