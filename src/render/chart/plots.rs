//! The charts of a report.

use std::ops::Range;
use std::time::Duration;

use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::render::chart::axis::nines;
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, Scale, thin};
use crate::render::csv::coarse;
use crate::report::detail::{self, HeatColumn};
use crate::report::search::{SearchReport, TrialPurpose, TrialReport, TrialVerdict};
use crate::report::series::SeriesPoint;
use crate::report::spectrum::Percentile;
use crate::report::{Metric, Report};
use crate::time::Human;

/// Shades of a heat map.
const SHADES: [&str; 8] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"];

/// Every chart that the report has data for, but for the heat map, whose data are the journal's.
pub(in crate::render) fn all(report: &Report) -> Vec<Chart> {
    let over_time = || {
        let seconds = Seconds::new(&report.series);
        [
            seconds.response_time(report),
            seconds.rate(),
            seconds.failures(),
            seconds.in_flight(),
            seconds.send_lag(),
        ]
    };
    let search = report.search.as_ref().and_then(|search| capacity(report, search));
    let timed = if report.series.is_empty() { None } else { Some(over_time()) };
    search.into_iter().chain(timed.into_iter().flatten()).chain(spectrum(report)).collect()
}

/// A series over time.
struct Seconds<'a> {
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
    fn new(points: &'a [SeriesPoint]) -> Self {
        Self { points, groups: thin::groups(points.len()) }
    }

    fn rate(&self) -> Chart {
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

    fn response_time(&self, report: &Report) -> Chart {
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

    fn failures(&self) -> Chart {
        let lines = [line("s-failed", "failed", rate, |point| {
            (point.length > 0).then(|| point.failed as f64 * 1e9 / point.length as f64)
        })];
        let note = "Every ending but a good answer, by the instant it ended.";
        self.chart("failures", ("Failures over time", note), 180.0, &lines, |_, high| {
            Axis::numbers("per second", 0.0, high)
        })
    }

    fn in_flight(&self) -> Chart {
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

    fn send_lag(&self) -> Chart {
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

fn spectrum(report: &Report) -> Option<Chart> {
    let known = |curve: &[Percentile], times| {
        if curve.is_empty() { coarse(times) } else { curve.to_vec() }
    };
    let response = known(&report.spectrum.response_time, &report.response_time);
    let service = known(&report.spectrum.service_time, &report.service_time);
    let last = response.iter().rev().find(|point| point.share < 1.0)?;
    // The largest entry stands a little beyond the last share that can be told from it.
    let high = nines(last.share) + 0.3;
    let at = |point: &Percentile| (nines(point.share).min(high), point.time as f64);
    let line = |points: &[Percentile]| vec![points.iter().map(at).collect::<Vec<_>>()];
    let bounds: Vec<Percentile> = response.iter().filter(|point| point.at_least).copied().collect();
    let exact = &response[..response.len() - bounds.len()];
    let times =
        || response.iter().chain(&service).map(|point| point.time as f64).filter(|ns| *ns > 0.0);
    let (low, most) = times().reduce(f64::min).zip(times().reduce(f64::max))?;
    let gap = response.iter().map(at).chain(service.iter().rev().map(at)).collect();
    let told = |points: &[Percentile], share: f64| {
        let found = points.iter().find(|point| (point.share - share).abs() < 1e-9);
        found.map_or("–".to_owned(), |point| bounded(point.time, point.at_least))
    };
    let row = |class, name: &str, points: &[Percentile]| HoverRow {
        class,
        name: name.to_owned(),
        values: response.iter().map(|point| told(points, point.share)).collect(),
    };
    let mut marks = vec![
        Mark::Shape("gap", if service.is_empty() { Vec::new() } else { gap }),
        Mark::Line("s-service", line(&service)),
        Mark::Line("s-response", line(exact)),
    ];
    let mut legend = vec![
        ("s-response", "response time, from due".to_owned()),
        ("s-service", "service time, from sent".to_owned()),
    ];
    if !bounds.is_empty() {
        marks.push(Mark::Line("s-response bound", line(&bounds)));
        legend.insert(0, ("s-response bound", "at least".to_owned()));
    }
    Some(Chart {
        id: "spectrum",
        title: "Percentile spectrum".to_owned(),
        note: "The gap between the curves is what coordinated omission would have hidden: a tool that \
               waits for answers before it sends again measures service time and calls it latency."
            .to_owned(),
        height: 320.0,
        x: Axis::nines(high),
        y: Axis::times("time", Scale::Log, low * 0.8, most * 1.1),
        marks,
        legend,
        hover: Hover {
            places: response.iter().map(|point| at(point).0).collect(),
            heads: response.iter().map(|point| format!("{} %", Figures(point.share * 100.0))).collect(),
            rows: vec![
                row("s-response", "response time", &response),
                row("s-service", "service time", &service),
            ],
        },
    })
}

/// Response times over time, by how many there were.
pub(in crate::render) fn heat(columns: &[HeatColumn]) -> Option<Chart> {
    let filled = |row: &usize| columns.iter().any(|column| column.answered[*row] > 0);
    let first = (0..detail::ROWS).find(filled)?;
    let last = (0..detail::ROWS).rev().find(filled)?;
    let lost = columns.iter().any(|column| column.unanswered > 0);
    // Those never answered have a row of their own above all others.
    let above = detail::row_start(last + 2);
    let high = if lost { detail::row_start(last + 4) } else { detail::row_start(last + 1) };
    let most = columns.iter().flat_map(|column| &column.answered).max().copied().unwrap_or(1);
    let mut shades: [Vec<[f64; 4]>; SHADES.len()] = std::array::from_fn(|_| Vec::new());
    let mut unanswered = Vec::new();
    for column in columns {
        let (from, to) = (column.from as f64 / 1e9, column.to as f64 / 1e9);
        for row in (first..=last).filter(|row| column.answered[*row] > 0) {
            let cell = [from, to, detail::row_start(row), detail::row_start(row + 1)];
            shades[shade(column.answered[row], most)].push(cell);
        }
        if column.unanswered > 0 {
            unanswered.push([from, to, above, high]);
        }
    }
    let mut marks: Vec<Mark> =
        SHADES.into_iter().zip(shades).map(|(class, cells)| Mark::Cells(class, cells)).collect();
    marks.push(Mark::Cells("lost", unanswered));
    let mut y = Axis::times("response time", Scale::Log, detail::row_start(first), high);
    y.ticks.retain(|(value, _)| *value <= detail::row_start(last + 1));
    let most_at = |column: &HeatColumn| {
        let row = (first..=last).max_by_key(|row| column.answered[*row]).unwrap_or(first);
        format!("{} – {}", human(detail::row_start(row)), human(detail::row_start(row + 1)))
    };
    let row = |class, name: &str, value: &dyn Fn(&HeatColumn) -> String| HoverRow {
        class,
        name: name.to_owned(),
        values: columns.iter().map(value).collect(),
    };
    let answered = |column: &HeatColumn| Count(column.answered.iter().sum()).to_string();
    let mut legend = vec![("h1", "few".to_owned()), ("h6", "many answers".to_owned())];
    if lost {
        legend.push(("lost", "some never answered".to_owned()));
    }
    Some(Chart {
        id: "heat",
        title: "Response times over time, by their number".to_owned(),
        note: "Each column is a stretch of time, each row a range of response times. Two bands are two \
               kinds of answer; a column that reaches up alone is a stall."
            .to_owned(),
        height: 300.0,
        x: Axis::elapsed(0.0, columns.last().map_or(0.0, |column| column.to as f64 / 1e9)),
        y,
        marks,
        legend,
        hover: Hover {
            places: columns.iter().map(|column| (column.from + column.to) as f64 / 2e9).collect(),
            heads: columns
                .iter()
                .map(|column| {
                    let at = |ns: u64| seconds_text(ns as f64 / 1e9);
                    format!("{} – {}", at(column.from), at(column.to))
                })
                .collect(),
            rows: vec![
                row("h6", "good answers", &answered),
                row("h6", "most of them within", &most_at),
                row("lost", "never answered", &|column| Count(column.unanswered).to_string()),
            ],
        },
    })
}

/// By ratio, since a heat map is about what is rare as well.
fn shade(count: u64, most: u64) -> usize {
    let share = (count as f64).ln() / (most as f64).ln().max(f64::MIN_POSITIVE);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let shade = (share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64).round() as usize;
    shade
}

/// Response time against rate, with the answer of a search.
fn capacity(report: &Report, search: &SearchReport) -> Option<Chart> {
    let told =
        |trial: &&TrialReport| trial.purpose != Some(TrialPurpose::Recovery) && trial.p95 > 0;
    let mut trials: Vec<&TrialReport> = search.trials.iter().filter(told).collect();
    trials.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let limit = report.verdict.objectives.iter().find(|one| one.metric == Metric::ResponseTime);
    let times = || trials.iter().map(|trial| trial.p95 as f64).chain(limit.map(|one| one.limit));
    let (low, high) = times().reduce(f64::min).zip(times().reduce(f64::max))?;
    let sheet = search.sheet.as_ref();
    let current = sheet.and_then(|sheet| sheet.current_rate);
    let fastest = trials.iter().map(|trial| trial.rate).chain(current).fold(0.0, f64::max);
    let mut marks = answer(search);
    let curve = sheet.iter().flat_map(|sheet| &sheet.curve).collect::<Vec<_>>();
    let high_of = |point: &crate::report::sheet::CurveReport| point.p95_high.unwrap_or(point.p95);
    let band = curve.iter().map(|point| (point.rate, high_of(point) as f64));
    let under =
        curve.iter().rev().map(|point| (point.rate, point.p95_low.unwrap_or(point.p95) as f64));
    marks.push(Mark::Shape("band", band.chain(under).collect()));
    marks.push(Mark::Line(
        "s-p95",
        vec![curve.iter().map(|point| (point.rate, point.p95 as f64)).collect()],
    ));
    if let Some(limit) = limit {
        marks.push(Mark::Level("limit", limit.limit, limit.objective.clone()));
    }
    for trial in &trials {
        let (class, p95) = (verdict(trial.verdict).0, trial.p95 as f64);
        if let Some(low) = trial.p95_low {
            let high = trial.p95_high.map_or(high * 1.3, |high| high as f64);
            marks.push(Mark::Whisker(class, trial.rate, (low as f64, high)));
        }
        marks.push(Mark::Dots(class, vec![(trial.rate, p95)]));
    }
    let kinds =
        [TrialVerdict::Pass, TrialVerdict::Fail, TrialVerdict::Undecided, TrialVerdict::Invalid];
    let seen = |kind: &TrialVerdict| trials.iter().any(|trial| trial.verdict == *kind);
    let row = |class, name: &str, value: &dyn Fn(&TrialReport) -> String| HoverRow {
        class,
        name: name.to_owned(),
        values: trials.iter().map(|trial| value(trial)).collect(),
    };
    Some(Chart {
        id: "capacity",
        title: "Response time against rate".to_owned(),
        note: "Each dot is a trial at one rate, with the 95 % interval of its quantile; the shaded rates \
               are the interval of the answer."
            .to_owned(),
        height: 380.0,
        x: Axis::numbers("requests per second", 0.0, fastest * 1.02),
        // Room for the labels of what stands upright.
        y: Axis::times("response time", Scale::Log, low * 0.7, high * 4.0),
        marks,
        legend: kinds.into_iter().filter(seen).map(|kind| verdict(kind)).map(|(class, name)| (class, name.to_owned())).collect(),
        hover: Hover {
            places: trials.iter().map(|trial| trial.rate).collect(),
            heads: trials.iter().map(|trial| format!("{}/s", Figures(trial.rate))).collect(),
            rows: vec![
                row("s-p95", "verdict", &|trial| verdict(trial.verdict).1.to_owned()),
                row("s-p95", "quantile", &|trial| bounded(trial.p95, trial.p95_at_least)),
                row("s-failed", "errors", &|trial| format!("{} %", Figures(trial.error_rate * 100.0))),
            ],
        },
    })
}

fn answer(search: &SearchReport) -> Vec<Mark> {
    let (max, sheet) = (&search.max_rps, search.sheet.as_ref());
    let mut marks = Vec::new();
    if max.estimate > 0.0 {
        if let Some(high) = max.high {
            marks.push(Mark::Span("answer", max.low, high));
        }
        let text = format!("highest {}/s", Figures(max.estimate));
        marks.push(Mark::Upright("answer", max.estimate, text));
    }
    let mut place = |class, rate: Option<f64>, name: &str| {
        if let Some(rate) = rate {
            marks.push(Mark::Upright(class, rate, format!("{name} {}/s", Figures(rate))));
        }
    };
    place("safe", sheet.and_then(|sheet| sheet.safe_rate), "safe");
    place("now", sheet.and_then(|sheet| sheet.current_rate), "now");
    place("breach", search.breach.as_ref().map(|breach| breach.rate), "breach");
    marks
}

/// A trial's verdict in a word or two.
pub(in crate::render) const fn verdict_name(of: TrialVerdict) -> &'static str {
    verdict(of).1
}

/// Class and name of a trial's verdict.
const fn verdict(verdict: TrialVerdict) -> (&'static str, &'static str) {
    match verdict {
        TrialVerdict::Pass => ("t-pass", "held"),
        TrialVerdict::Fail => ("t-fail", "failed"),
        TrialVerdict::Undecided => ("t-open", "undecided"),
        TrialVerdict::Invalid => ("t-void", "generator at its limit"),
    }
}

fn human(ns: f64) -> String {
    Human(Duration::from_secs_f64(ns.max(0.0) / 1e9)).to_string()
}

fn bounded(ns: u64, at_least: bool) -> String {
    let text = human(ns as f64);
    if at_least { format!("≥ {text}") } else { text }
}

fn seconds_text(seconds: f64) -> String {
    human((seconds * 10.0).round() * 1e8)
}

fn rate(value: f64) -> String {
    format!("{}/s", Figures(value))
}

fn count(value: f64) -> String {
    Figures(value).to_string()
}
