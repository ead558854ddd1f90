//! [`Timeline`]: charts along the time of a run, whatever they show of it.

use std::ops::Range;

use crate::render::chart::words::seconds_text;
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, thin};
use crate::report::Report;

/// Usual distances of neighbours that make a gap.
const GAP_STEPS: f64 = 2.5;

/// Points along a run's time, and what stands across every chart of it.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Where points lie, in seconds since the start; ascending.
    places: Vec<f64>,
    groups: Vec<Range<usize>>,
    /// Where the axis ends, the same in all charts of a report.
    until: f64,
    events: Vec<Mark>,
}

/// What a chart is.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) note: String,
    pub(super) height: f64,
}

/// What a line shows at a point.
pub(super) type Value<'a> = Box<dyn Fn(usize) -> Option<f64> + 'a>;

/// One line of a chart.
pub(super) struct Line<'a> {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) value: Value<'a>,
    /// How a value reads.
    pub(super) text: Box<dyn Fn(f64) -> String + 'a>,
    /// Whether a point's value is only a lower bound.
    pub(super) bounds: Box<dyn Fn(usize) -> bool + 'a>,
}

impl<'a> Line<'a> {
    /// A line of exact values.
    pub(super) fn new(
        class: &'static str,
        name: &'static str,
        text: impl Fn(f64) -> String + 'a,
        value: impl Fn(usize) -> Option<f64> + 'a,
    ) -> Self {
        Self {
            class,
            name,
            value: Box::new(value),
            text: Box::new(text),
            bounds: Box::new(|_| false),
        }
    }
}

impl Timeline {
    /// Of points at `times`, ns since the start.
    pub(super) fn new(
        report: &Report,
        times: impl Iterator<Item = u64>,
        events: Vec<Mark>,
    ) -> Self {
        let places: Vec<f64> = times.map(|ns| ns as f64 / 1e9).collect();
        let groups = thin::groups(places.len());
        Self { places, groups, until: until(report), events }
    }

    /// The same on an axis that ends at `until`, in seconds.
    pub(super) fn reaching(self, until: f64) -> Self {
        Self { until, ..self }
    }

    /// `lines` as a chart, with an axis for their least value above zero and their highest.
    pub(super) fn chart(
        &self,
        heading: Heading,
        lines: &[Line<'_>],
        y: impl FnOnce(f64, f64) -> Axis,
    ) -> Chart {
        let points = 0..self.places.len();
        let values = || {
            points
                .clone()
                .flat_map(|point| lines.iter().filter_map(move |line| (line.value)(point)))
        };
        let low = values().filter(|value| *value > 0.0).reduce(f64::min).unwrap_or(0.0);
        let high = values().reduce(f64::max).unwrap_or(0.0);
        let drawn = lines.iter().map(|line| {
            let at = |point: usize| (self.places[point], (line.value)(point));
            let mut runs = parted(&thin::lines(&self.groups, at), self.gap());
            // A point alone is drawn as the stretch that it stands for.
            if let ([_], Some([only])) = (self.places.as_slice(), runs.first().map(Vec::as_slice)) {
                runs = vec![vec![(0.0, only.1), *only]];
            }
            Mark::Line(line.class, runs)
        });
        let Heading { id, title, note, height } = heading;
        Chart {
            id,
            title,
            note,
            height,
            x: Axis::elapsed(0.0, self.until),
            y: y(low, high),
            marks: self.events.iter().cloned().chain(drawn).collect(),
            legend: lines.iter().map(|line| (line.class, line.name.to_owned())).collect(),
            hover: self.hover(lines),
            nothing: None,
        }
    }

    /// The distance from which on two neighbours have nothing to do with each other, as on both sides of a
    /// pause: well more than what mostly lies between them.
    fn gap(&self) -> f64 {
        let mut steps: Vec<f64> = self.places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_by(f64::total_cmp);
        let step = steps.get(steps.len() / 2).copied().unwrap_or(f64::INFINITY);
        let joined = self.groups.first().map_or(1, std::ops::Range::len);
        GAP_STEPS * step * joined as f64
    }

    fn hover(&self, lines: &[Line<'_>]) -> Hover {
        let ends = |group: &Range<usize>| (self.places[group.start], self.places[group.end - 1]);
        let head = |group: &Range<usize>| match (group.len(), ends(group)) {
            (1, (at, _)) => seconds_text(at),
            (_, (from, to)) => format!("{} – {}", seconds_text(from), seconds_text(to)),
        };
        let told = |line: &Line<'_>, group: &Range<usize>| {
            let bound = group.clone().any(|point| (line.bounds)(point));
            let sign = if bound { "≥ " } else { "" };
            match thin::range(group, |point| (line.value)(point)) {
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

/// `runs`, broken where neighbours lie further apart than `gap`.
fn parted(runs: &[Vec<(f64, f64)>], gap: f64) -> Vec<Vec<(f64, f64)>> {
    let near = |a: &(f64, f64), b: &(f64, f64)| b.0 - a.0 <= gap;
    runs.iter().flat_map(|run| run.chunk_by(near)).map(<[_]>::to_vec).collect()
}

/// Where the time of a report ends, in seconds: all its charts have the same axis.
pub(super) fn until(report: &Report) -> f64 {
    let series = report.series.last().map(|point| point.t);
    let looks = report.monitors.iter().filter_map(|series| series.points.last());
    let end = series.into_iter().chain(looks.map(|point| point.t)).max();
    end.unwrap_or(report.duration) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_pause_parts_a_line_and_a_late_look_does_not() {
        let report = example::report(example::GOOD);
        let timeline = |seconds: &[u64]| {
            let times = seconds.iter().map(|second| second * 1_000_000_000);
            Timeline::new(&report, times, Vec::new())
        };
        for (seconds, runs) in [
            (&[1, 2, 3, 7, 8, 9][..], 2),
            (&[1, 2, 4, 5, 6, 7], 1),
            (&[5], 1),
            (&[], 0),
            (&[1, 9], 1),
        ] {
            let timeline = timeline(seconds);
            let line = Line::new("a", "a", |value| value.to_string(), |_| Some(1.0));
            let heading = Heading {
                id: "a".to_owned(),
                title: String::new(),
                note: String::new(),
                height: 200.0,
            };
            let chart = timeline.chart(heading, &[line], |_, high| Axis::numbers("", 0.0, high));
            let [Mark::Line(_, drawn)] = chart.marks.as_slice() else { panic!("one line") };
            assert_eq!(drawn.len(), runs, "{seconds:?}: {drawn:?}");
        }
    }
}
