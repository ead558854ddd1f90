//! [`Seconds`]: charts of a series over time.

use std::ops::Range;

use crate::render::chart::words::{count, human, rate, seconds_text};
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, Scale, thin};
use crate::report::series::SeriesPoint;
use crate::report::{Metric, Report};

/// A series over time.
pub(super) struct Seconds<'a> {
    points: &'a [SeriesPoint],
    groups: Vec<Range<usize>>,
}

/// One line of a chart over time: class, name, value of a point, and how it reads.
struct Line<'a> {
    class: &'static str,
    name: &'static str,
    value: Box<dyn Fn(&SeriesPoint) -> Option<f64> + 'a>,
    text: fn(f64) -> String,
    /// The share that a quantile's line is about.
    share: Option<f64>,
}

impl Line<'_> {
    /// Whether a point's figure is only a lower bound: the unanswered rank behind all others.
    fn bounds(&self, point: &SeriesPoint) -> bool {
        let entries = (point.ok + point.censored) as f64;
        self.share.is_some_and(|share| (share * entries).ceil() > point.ok as f64)
    }
}

fn line<'a>(
    class: &'static str,
    name: &'static str,
    text: fn(f64) -> String,
    value: impl Fn(&SeriesPoint) -> Option<f64> + 'a,
) -> Line<'a> {
    Line { class, name, value: Box::new(value), text, share: None }
}

impl<'a> Seconds<'a> {
    /// The charts of `points`.
    pub(super) fn new(points: &'a [SeriesPoint]) -> Self {
        Self { points, groups: thin::groups(points.len()) }
    }

    pub(super) fn rate(&self) -> Chart {
        let per_second = |count: u64, point: &SeriesPoint| {
            (point.length > 0).then(|| count as f64 * 1e9 / point.length as f64)
        };
        let lines = [
            line("s-asked", "asked", rate, move |point| per_second(point.planned, point)),
            line("s-sent", "sent", rate, |point| Some(point.achieved)),
            line("s-good", "answered well", rate, move |point| per_second(point.ok, point)),
        ];
        let title = "Rate over time";
        let note = "Asked is what the schedule wanted, whatever the target did; where sent or answered \
                    leave it, somebody could not keep up.";
        self.chart("rate", (title, note), 250.0, &lines, |_, high| {
            Axis::numbers("per second", 0.0, high)
        })
    }

    pub(super) fn response_time(&self, report: &Report) -> Chart {
        let time = |point: &SeriesPoint, ns: u64| {
            (point.ok + point.censored > 0 && ns > 0).then_some(ns as f64)
        };
        let lines = [
            Line {
                share: Some(0.99),
                ..line("s-p99", "p99", human, move |point| time(point, point.p99))
            },
            Line {
                share: Some(0.95),
                ..line("s-p95", "p95", human, move |point| time(point, point.p95))
            },
            Line {
                share: Some(0.5),
                ..line("s-p50", "p50", human, move |point| time(point, point.p50))
            },
        ];
        let limits: Vec<(f64, String)> = report
            .verdict
            .objectives
            .iter()
            .filter(|one| one.metric == Metric::ResponseTime)
            .map(|one| (one.limit, one.objective.clone()))
            .collect();
        let title = "Response time over time";
        let note = "From the instant a request was due to its last byte. Slots never answered are in it \
                    with their age, so these figures can only be too small.";
        let mut chart = self.chart("response", (title, note), 300.0, &lines, |low, high| {
            let limit = limits.iter().map(|(limit, _)| *limit).fold(high, f64::max);
            // A limit far above the figures would press them to the floor.
            let high = if limit <= 20.0 * high { limit * 1.05 } else { high };
            let scale = if high / low.max(1.0) > 8.0 { Scale::Log } else { Scale::Linear };
            let low = if scale == Scale::Log { low * 0.8 } else { 0.0 };
            Axis::times("response time", scale, low, high)
        });
        let highest = chart.y.high();
        let shown = limits.into_iter().filter(|(limit, _)| *limit <= highest);
        chart.marks.extend(shown.map(|(limit, text)| Mark::Level("limit", limit, text)));
        chart
    }

    pub(super) fn failures(&self) -> Chart {
        let lines = [line("s-failed", "failed", rate, |point| {
            (point.length > 0).then(|| point.failed as f64 * 1e9 / point.length as f64)
        })];
        let note = "Every ending but a good answer, by the instant it ended.";
        self.chart("failures", ("Failures over time", note), 180.0, &lines, |_, high| {
            Axis::numbers("per second", 0.0, high)
        })
    }

    pub(super) fn in_flight(&self) -> Chart {
        let lines = [
            line("s-flight", "in flight", count, |point| Some(point.in_flight as f64)),
            line("s-waiting", "waiting for a connection", count, |point| {
                Some(point.waiting as f64)
            }),
        ];
        let note =
            "A level that grows without end says that the target takes less than it is sent.";
        self.chart("flight", ("Unanswered requests over time", note), 180.0, &lines, |_, high| {
            Axis::numbers("requests", 0.0, high)
        })
    }

    pub(super) fn send_lag(&self) -> Chart {
        let lines = [line("s-lag", "send lag p99", human, |point| {
            (point.send_lag_p99 > 0).then_some(point.send_lag_p99 as f64)
        })];
        let note = "How late requests left, waiting for a connection included: what the generator did, \
                    or was made to do.";
        self.chart("lag", ("Send lag over time", note), 180.0, &lines, |low, high| {
            let scale = if high / low.max(1.0) > 8.0 { Scale::Log } else { Scale::Linear };
            Axis::times("p99", scale, if scale == Scale::Log { low * 0.8 } else { 0.0 }, high)
        })
    }

    fn chart(
        &self,
        id: &'static str,
        (title, note): (&str, &str),
        height: f64,
        lines: &[Line<'_>],
        y: impl FnOnce(f64, f64) -> Axis,
    ) -> Chart {
        let seconds = |point: &SeriesPoint| point.t as f64 / 1e9;
        let values = || {
            self.points.iter().flat_map(|point| lines.iter().filter_map(|line| (line.value)(point)))
        };
        let low = values().filter(|value| *value > 0.0).reduce(f64::min).unwrap_or(0.0);
        let high = values().reduce(f64::max).unwrap_or(0.0);
        let end = self.points.last().map_or(0.0, seconds);
        let marks = lines.iter().map(|line| {
            let at =
                |place: usize| (seconds(&self.points[place]), (line.value)(&self.points[place]));
            let runs = thin::lines(&self.groups, at);
            if lines.len() == 1 {
                Mark::Area(line.class, runs)
            } else {
                Mark::Line(line.class, runs)
            }
        });
        Chart {
            id,
            title: title.to_owned(),
            note: note.to_owned(),
            height,
            x: Axis::elapsed(0.0, end),
            y: y(low, high),
            marks: marks.collect(),
            legend: lines.iter().map(|line| (line.class, line.name.to_owned())).collect(),
            hover: self.hover(lines),
        }
    }

    fn hover(&self, lines: &[Line<'_>]) -> Hover {
        let ends = |group: &Range<usize>| {
            (self.points[group.start].t as f64 / 1e9, self.points[group.end - 1].t as f64 / 1e9)
        };
        let head = |group: &Range<usize>| match (group.len(), ends(group)) {
            (1, (at, _)) => seconds_text(at),
            (_, (from, to)) => format!("{} – {}", seconds_text(from), seconds_text(to)),
        };
        let told = |line: &Line<'_>, group: &Range<usize>| {
            let bound = self.points[group.clone()].iter().any(|point| line.bounds(point));
            let sign = if bound { "≥ " } else { "" };
            match thin::range(group, |place| (line.value)(&self.points[place])) {
                None => "–".to_owned(),
                Some((least, most)) if least >= most => format!("{sign}{}", (line.text)(most)),
                Some((least, most)) => {
                    format!("{} – {sign}{}", (line.text)(least), (line.text)(most))
                }
            }
        };
        Hover {
            places: self.groups.iter().map(|group| ends(group).1).collect(),
            heads: self.groups.iter().map(head).collect(),
            rows: lines
                .iter()
                .map(|line| HoverRow {
                    class: line.class,
                    name: line.name.to_owned(),
                    values: self.groups.iter().map(|group| told(line, group)).collect(),
                })
                .collect(),
        }
    }
}
