//! The series of a run over time.

use crate::measure::series::SeriesPoint;
use crate::render::chart::timeline::{Heading, Line, Timeline};
use crate::render::chart::words::{count, human, rate};
use crate::render::chart::{Axis, Chart, Mark, Scale, events, response};
use crate::report::{Outcome, Report};

/// Response time, rate, failures, requests in flight, send lag.
pub(super) fn charts(report: &Report) -> [Chart; 5] {
    let points = &whole_points(&report.series);
    let times = points.iter().map(|point| point.t);
    let timeline = Timeline::new(report, times, events::all(report));
    [
        response::of_all(report, points, &timeline),
        rates(report, points, &timeline),
        failures(points, &timeline),
        in_flight(points, &timeline),
        send_lag(points, &timeline),
    ]
}

/// The points without stubs: the rates of a few milliseconds at the end of the load or of its drain would
/// stand beside those of seconds as spikes.
pub(super) fn whole_points(series: &[SeriesPoint]) -> Vec<SeriesPoint> {
    let mut lengths: Vec<u64> = series.iter().map(|point| point.length).collect();
    lengths.sort_unstable();
    let usual = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    let stub = |point: &SeriesPoint| point.length < usual / if point.planned == 0 { 2 } else { 10 };
    series.iter().filter(|point| !stub(point)).copied().collect()
}

fn heading(id: &str, title: &str, note: &str, height: f64) -> Heading {
    Heading { id: id.to_owned(), title: title.to_owned(), note: note.to_owned(), height }
}

fn line<'a>(
    points: &'a [SeriesPoint],
    class: &'static str,
    (name, text): (&'static str, fn(f64) -> String),
    value: impl Fn(&SeriesPoint) -> Option<f64> + 'a,
) -> Line<'a> {
    Line::new(class, name, text, move |point| value(&points[point]))
}

fn rates(report: &Report, points: &[SeriesPoint], timeline: &Timeline) -> Chart {
    // A generator that was late counts slots when it comes to them, which is not when they were asked for.
    let late = report.verdict.outcome == Outcome::Invalid;
    let asked = if late { "taken up" } else { "asked" };
    let lines = [
        line(points, "s-asked", (asked, rate), |point| per_second(point.planned, point)),
        line(points, "s-sent", ("sent", rate), |point| Some(point.achieved)),
        line(points, "s-good", ("answered well", rate), |point| per_second(point.ok, point)),
    ];
    let note = if late {
        "The generator was the limit: slots count when it took them up, which was later than they were asked \
         for."
    } else {
        "Asked is what the schedule wanted, whatever the target did. Where sent stays below, the generator was \
         late; where answered does, requests pile up or are lost."
    };
    timeline.chart(heading("rate", "Rate over time", note, 250.0), &lines, |_, high| {
        Axis::numbers("per second", 0.0, high)
    })
}

fn per_second(count: u64, point: &SeriesPoint) -> Option<f64> {
    (point.length > 0).then(|| count as f64 * 1e9 / point.length as f64)
}

fn failures(points: &[SeriesPoint], timeline: &Timeline) -> Chart {
    let lines =
        [line(points, "s-failed", ("failed", rate), |point| per_second(point.failed, point))];
    let note = "Every ending but a good answer, by the instant it ended.";
    let heading = heading("failures", "Failures over time", note, 180.0);
    let blank = points.iter().all(|point| point.failed == 0);
    Chart {
        nothing: blank.then_some("No request failed."),
        ..filled(timeline.chart(heading, &lines, |_, high| Axis::numbers("per second", 0.0, high)))
    }
}

fn in_flight(points: &[SeriesPoint], timeline: &Timeline) -> Chart {
    let waiting = ("waiting for a connection", count as fn(f64) -> String);
    let lines = [
        line(points, "s-flight", ("in flight", count), |point| Some(point.in_flight as f64)),
        line(points, "s-waiting", waiting, |point| Some(point.waiting as f64)),
    ];
    let note = "A level that grows without end says that the target takes less than it is sent.";
    let heading = heading("flight", "Unanswered requests over time", note, 180.0);
    // Requests come whole, and so do the ticks of few.
    timeline.chart(heading, &lines, |_, high| Axis::numbers("requests", 0.0, high.max(5.0)))
}

fn send_lag(points: &[SeriesPoint], timeline: &Timeline) -> Chart {
    let lines = [line(points, "s-lag", ("send lag p99", human), |point| {
        (point.send_lag_p99 > 0).then_some(point.send_lag_p99 as f64)
    })];
    let note = "How late requests left, waiting for a connection included: what the generator did, or was \
                made to do.";
    let heading = heading("lag", "Send lag over time", note, 180.0);
    let chart = filled(timeline.chart(heading, &lines, |low, high| {
        let scale = if high / low.max(1.0) > 8.0 { Scale::Log } else { Scale::Linear };
        // Nothing was sent: any axis will do.
        let high = if high > 0.0 { high } else { 1e6 };
        Axis::times("p99", scale, if scale == Scale::Log { low * 0.8 } else { 0.0 }, high)
    }));
    let blank = points.iter().all(|point| point.send_lag_p99 == 0);
    Chart { nothing: blank.then_some("Nothing was sent."), ..chart }
}

/// With the only line's area filled.
fn filled(mut chart: Chart) -> Chart {
    for mark in &mut chart.marks {
        if let Mark::Line(class, runs) = mark {
            *mark = Mark::Area(class, std::mem::take(runs));
        }
    }
    chart
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_drain_has_no_point_of_its_own() {
        let mut report = example::report(example::GOOD);
        let points = report.series.len();
        let last = *report.series.last().expect("the run has points");
        let stub = |length| SeriesPoint { t: last.t + length, length, planned: 0, ..last };
        report.series.push(stub(3_000_000));
        assert_eq!(whole_points(&report.series).len(), points);
        // One that lasts is a part of the run.
        report.series.push(stub(last.length));
        assert_eq!(whole_points(&report.series).len(), points + 1);
        // And a run of milliseconds is all there is.
        assert_eq!(whole_points(&[stub(3_000_000)]).len(), 1);
    }

    #[test]
    fn a_chart_without_anything_to_see_says_so() {
        let nothing = |course| {
            let told = charts(&example::report(course)).map(|chart| chart.nothing);
            told.into_iter().flatten().collect::<Vec<_>>()
        };
        assert_eq!(nothing(example::GOOD), ["No request failed."]);
        assert!(nothing(example::FAILING).is_empty());
    }
}
