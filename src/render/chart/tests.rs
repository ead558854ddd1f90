//! Pictures against the figures they are made of.

use super::*;
use crate::report::Report;
use crate::report::example;

fn chart(report: &Report, id: &str) -> Chart {
    all(report).into_iter().find(|chart| chart.id == id).unwrap_or_else(|| panic!("no {id}"))
}

/// The points of the path with this class.
fn points(svg: &str, class: &str) -> Vec<(f64, f64)> {
    let start = svg.find(&format!(r#"class="line {class}" d=""#)).expect(class);
    let d = svg[start..].split('"').nth(3).unwrap();
    d.split(['M', 'L'])
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (x, y) = pair.split_once(' ').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        })
        .collect()
}

/// An axis as a reader of the picture has it: where its labelled ticks stand.
#[derive(Debug)]
struct Ruler {
    /// Place and value.
    ticks: Vec<(f64, f64)>,
    log: bool,
}

impl Ruler {
    /// From the elements with the class of a tick's line; `place` finds it in their path.
    fn new(svg: &str, class: &str, place: fn(&str) -> Option<&str>) -> Self {
        let mut ticks: Vec<(f64, f64)> = Vec::new();
        for element in svg.split(&format!(r#"<path class="{class}" d="M"#)).skip(1) {
            let (path, rest) = element.split_once('"').unwrap();
            let label = rest.split_once("<text").unwrap().1;
            let label = label.split(['>', '<']).nth(1).unwrap();
            ticks.push((place(path).unwrap().parse().unwrap(), number(label)));
        }
        let [a, b] = [ticks[0], ticks[ticks.len() - 1]];
        let middle = ticks[ticks.len() / 2];
        let share = (middle.0 - a.0) / (b.0 - a.0);
        let linear = (a.1 + share * (b.1 - a.1) - middle.1).abs() < 0.01 * (b.1 - a.1).abs();
        Self { log: !linear, ticks }
    }

    fn x(svg: &str) -> Self {
        Self::new(svg, "tickmark", |path| path.split(' ').next())
    }

    fn y(svg: &str) -> Self {
        Self::new(svg, "grid", |path| path.split([' ', 'H']).nth(1))
    }

    /// What is read off at a place, and what a tenth of a unit makes of it.
    fn read(&self, place: f64) -> (f64, f64) {
        let [a, b] = [self.ticks[0], self.ticks[self.ticks.len() - 1]];
        let at = |place: f64| {
            let share = (place - a.0) / (b.0 - a.0);
            if self.log { a.1 * (b.1 / a.1).powf(share) } else { a.1 + share * (b.1 - a.1) }
        };
        (at(place), (at(place + 0.15) - at(place)).abs())
    }
}

/// A tick's label as a number; times in ns.
fn number(label: &str) -> f64 {
    let words: Vec<&str> = label.split(' ').collect();
    let value = |pair: &[&str]| {
        let unit = match pair.get(1).copied().unwrap_or("") {
            "ns" | "" => 1.0,
            "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "min" => 6e10,
            "h" => 3.6e12,
            other => panic!("{other}"),
        };
        pair[0].parse::<f64>().unwrap() * unit
    };
    words.chunks(2).map(value).sum()
}

/// Chart, class of a line, and where its figure stands in a point of the JSON.
const LINES: [(&str, &str, &str); 9] = [
    ("response", "s-p50", "p50"),
    ("response", "s-p95", "p95"),
    ("response", "s-p99", "p99"),
    ("rate", "s-asked", "planned"),
    ("rate", "s-sent", "achieved"),
    ("rate", "s-good", "ok"),
    ("failures", "s-failed", "failed"),
    ("flight", "s-flight", "in_flight"),
    ("lag", "s-lag", "send_lag_p99"),
];

#[test]
fn what_is_read_off_the_ticks_is_what_the_json_says() {
    for report in [example::report(example::CENSORED), example::watched()] {
        let json = serde_json::to_value(&report).unwrap();
        for (id, class, field) in LINES {
            let svg = chart(&report, id).svg();
            let series = json["series"].as_array().unwrap();
            agree(&svg, class, series, |point| point[field].as_f64().unwrap());
        }
        let charts = monitored(&report);
        assert_eq!(charts.len(), report.monitors.len());
        for chart in charts {
            let place: usize = chart.id.trim_start_matches("monitor-").parse().unwrap();
            let points = json["monitors"][place]["points"].as_array().unwrap();
            agree(&chart.svg(), "s-monitor", points, |point| point["value"].as_f64().unwrap());
        }
    }
}

fn agree(
    svg: &str,
    class: &str,
    series: &[serde_json::Value],
    figure: impl Fn(&serde_json::Value) -> f64,
) {
    let (x, y) = (Ruler::x(svg), Ruler::y(svg));
    let drawn = points(svg, class);
    assert_eq!(drawn.len(), series.len(), "{class}");
    for place in [0, 7, 11, 19, 29] {
        let ((at, at_error), (value, error)) = (x.read(drawn[place].0), y.read(drawn[place].1));
        let (time, figure) = (series[place]["t"].as_f64().unwrap(), figure(&series[place]));
        assert!((at - time).abs() <= at_error, "{class} at {place}: {at} is not {time}");
        assert!((value - figure).abs() <= error, "{class} at {place}: {value} is not {figure}");
    }
}

#[test]
fn a_request_name_has_its_own_figures() {
    let report = example::report(example::FAILING);
    let point = |at: u64| crate::report::detail::RequestPoint {
        t: at * 1_000_000_000,
        ok: 100,
        censored: if at == 20 { 10 } else { 0 },
        p50: 9_000_000 + at * 1_000_000,
        p95: 50_000_000,
        p99: 70_000_000,
    };
    let history = |request| RequestHistory { request, points: (1..=30).map(point).collect() };
    let charts = by_request(&report, &[history(0), history(2), history(9)]);
    assert_eq!(
        charts.iter().map(|chart| chart.id.as_str()).collect::<Vec<_>>(),
        ["response-0", "response-2"]
    );
    let svg = charts[1].svg();
    let y = Ruler::y(&svg);
    let (value, error) = y.read(points(&svg, "s-p50")[19].1);
    assert!((value - 29e6).abs() <= error, "{value}");
    assert_eq!(charts[1].title, report.requests[2].name);
    assert_eq!(charts[1].hover.rows[1].values[18..20], ["50 ms", "≥ 50 ms"]);
    assert!(by_request(&report, &[RequestHistory { request: 0, points: Vec::new() }]).is_empty());
}

#[test]
fn bounds_are_told_as_such() {
    let chart = chart(&example::report(example::CENSORED), "response");
    // Higher times lie higher.
    let svg = chart.svg();
    assert!(points(&svg, "s-p95")[0].1 < points(&svg, "s-p50")[0].1);
    assert_eq!(chart.hover.rows[2].values[7], "359 ms");
    assert_eq!(chart.hover.rows[1].values[7], "≥ 5 s");
}

#[test]
fn what_was_done_and_what_turned_stands_in_every_chart_over_time() {
    let report = example::watched();
    for id in ["response", "rate", "failures", "flight", "lag"] {
        let svg = chart(&report, id).svg();
        for part in [
            "p95 broke its limit of 1 s<",
            "queue_depth turned<",
            "rate 220/s<",
            "paused<",
            "deployed v2; resumed at 200/s<",
            "span pause",
            "span segment",
        ] {
            assert!(svg.contains(part), "{id}: no {part} in {svg}");
        }
        assert_eq!(svg.matches(r#"class="upright"#).count(), 5);
        assert!(!svg.contains("NaN"), "{svg}");
    }
    let charts = monitored(&report);
    assert_eq!(charts[0].title, "queue_depth", "what turned first comes first");
    assert!(charts[0].svg().contains("turned: 3 to "), "{}", charts[0].svg());
    assert!(!charts[1].svg().contains("turned: "));
    let onset = report.onset.unwrap();
    let event = (onset.at as f64 / 1e9, onset.turned[0].at as f64 / 1e9);
    assert_eq!(event, (18.0, 14.0));
}

#[test]
fn odd_runs_are_drawn_as_well() {
    use crate::measure::fate::{Fate, TransportError};
    let with = |fate: fn(u64) -> Fate| example::report(example::Course { fate, ..example::GOOD });
    let mut short = example::report(example::GOOD);
    short.series.truncate(1);
    let table = vec![
        ("one second", short),
        ("all time out", with(|_| Fate::Timeout)),
        ("all fail", with(|_| Fate::BadStatus)),
        ("all are refused", with(|_| Fate::TransportError(TransportError::ConnectRefused))),
        ("all are shed", with(|_| Fate::Shed)),
        ("one in a hundred", with(|i| if i == 0 { Fate::Ok } else { Fate::Timeout })),
    ];
    for (name, report) in table {
        for chart in all(&report) {
            let svg = chart.svg();
            let id = &chart.id;
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}, {id}: {svg}");
            for axis in [&chart.x, &chart.y] {
                let labels: std::collections::BTreeSet<_> =
                    axis.ticks.iter().map(|(_, label)| label).collect();
                assert_eq!(labels.len(), axis.ticks.len(), "{name}, {id}: {:?}", axis.ticks);
                assert!(labels.len() > 1, "{name}, {id}: {:?}", axis.ticks);
            }
        }
    }
    let mut short = example::report(example::GOOD);
    short.series.truncate(1);
    let drawn = points(&chart(&short, "rate").svg(), "s-sent");
    assert!(drawn.len() == 2 && drawn[1].0 - drawn[0].0 > 800.0, "{drawn:?}");
}

#[test]
fn many_labels_leave_out_those_without_room() {
    let mut report = example::watched();
    let one = report.segments[1].clone();
    report.segments = (0..400)
        .map(|at| crate::report::segment::SegmentReport {
            begin: at * 70_000_000,
            end: (at + 1) * 70_000_000,
            label: format!("a long mark of the number {at}"),
            ..one.clone()
        })
        .collect();
    let svg = chart(&report, "failures").svg();
    assert!(svg.matches(r#"class="upright turned"#).count() < 100);
    let labels = svg.matches(r#"<text class="label turned"#).count();
    assert!((2..40).contains(&labels), "{labels}");
    assert!(svg.contains(">p95 broke its limit of 1 s<"));
}

#[test]
fn the_spectrum_shows_both_times_and_what_is_only_a_bound() {
    let report = example::report(example::CENSORED);
    let svg = chart(&report, "spectrum").svg();
    let (response, service) = (points(&svg, "s-response"), points(&svg, "s-service"));
    assert!(response.len() > 10 && service.len() > 10);
    assert!(svg.contains("s-response bound") && svg.contains("area gap"));
    assert!(!chart(&example::report(example::GOOD), "spectrum").svg().contains("bound"));
}

#[test]
fn a_search_shows_its_trials_and_its_answer() {
    let svg = chart(&example::search_report(), "capacity").svg();
    for part in ["highest 342/s", "safe 297/s", "now 200/s", "breach 360/s", "p95 &lt; 1 s"] {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    // Five trials and a key of each kind, told apart by their shape too.
    for (shape, count) in [("dot t-pass", 3), ("ring t-open", 2), ("cross t-fail", 3)] {
        assert_eq!(svg.matches(shape).count(), count, "{shape}");
    }
}

#[test]
fn what_was_served_stands_beside_what_was_sent() {
    let mut report = example::search_report();
    let svg = chart(&report, "served").svg();
    let trials = &mut report.search.as_mut().unwrap().trials;
    for (shape, count) in [("dot t-pass", 2), ("ring t-open", 1), ("cross t-fail", 2)] {
        assert_eq!(svg.matches(shape).count(), count, "{shape}");
    }
    // Results of earlier versions know only what was sent.
    for trial in trials.iter_mut() {
        trial.served = None;
    }
    assert!(all(&report).iter().all(|chart| chart.id != "served"));
}

#[test]
fn heat_is_drawn_where_there_are_answers() {
    let report = example::report(example::GOOD);
    assert!(heat(&report, &[]).is_none());
    let mut column = crate::report::detail::HeatColumn {
        from: 0,
        to: 1_000_000_000,
        answered: vec![0; crate::report::detail::ROWS],
        unanswered: 2,
    };
    column.answered[40] = 1;
    column.answered[41] = 1_000;
    let svg = heat(&report, &[column]).unwrap().svg();
    assert!(
        svg.contains(r#"class="cell h7" d="M"#) && svg.contains(r#"class="cell h0" d="M"#),
        "{svg}"
    );
    assert!(svg.contains(r#"class="cell lost" d="M"#), "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

#[test]
fn labels_are_escaped_and_numbers_are_numbers() {
    let mut report = example::search_report();
    report.verdict.objectives[0].objective = "</text><script>\"'&".to_owned();
    for chart in all(&report) {
        let svg = chart.svg();
        assert!(!svg.contains("<script") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

/// The colours of a theme, by name.
fn palette(of: &str) -> Vec<(&str, &str)> {
    of.split(';').filter_map(|one| one.strip_prefix("--")?.split_once(':')).collect()
}

/// Relative luminance of `#rgb` or `#rrggbb` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let digits = &colour[1..];
    let each = digits.len() / 3;
    let channel = |place: usize| {
        let text = &digits[place * each..(place + 1) * each].repeat(3 - each);
        let value = f64::from(u8::from_str_radix(text, 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

#[test]
fn texts_and_lines_stand_out_from_the_paper_in_both_themes() {
    const TEXTS: [&str; 8] = ["ink", "soft", "faint", "blue", "orange", "teal", "red", "amber"];
    const LINES: [&str; 2] = ["pale", "deep"];
    for (theme, page) in [(LIGHT, "#f4f5f7"), (DARK, "#0e1013")] {
        let colours = palette(theme);
        let of = |name: &str| colours.iter().find(|(known, _)| *known == name).unwrap().1;
        for paper in [of("surface"), page] {
            let contrast = |name: &str| {
                let [a, b] = [of(name), paper].map(|colour| luminance(colour) + 0.05);
                a.max(b) / a.min(b)
            };
            for (names, least) in [(&TEXTS[..], 4.5), (&LINES[..], 3.0)] {
                for name in names {
                    assert!(contrast(name) >= least, "{name} on {paper}: {:.2}", contrast(name));
                }
            }
        }
    }
}
