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

#[test]
fn a_line_goes_through_the_figures_of_the_result() {
    let report = example::report(example::CENSORED);
    let chart = chart(&report, "response");
    let svg = chart.svg();
    for (class, figure) in [
        ("s-p50", (|p| p.p50) as fn(&crate::report::series::SeriesPoint) -> u64),
        ("s-p95", |p| p.p95),
    ] {
        let drawn = points(&svg, class);
        assert_eq!(drawn.len(), report.series.len());
        for place in [0, 7, 29] {
            let point = &report.series[place];
            let x = LEFT + (WIDTH - LEFT - RIGHT) * (point.t as f64 / 1e9) / 30.0;
            let y = chart.y_at(figure(point) as f64);
            assert!(
                (drawn[place].0 - x).abs() < 0.06 && (drawn[place].1 - y).abs() < 0.06,
                "{class}"
            );
        }
    }
    // Higher times lie higher.
    assert!(points(&svg, "s-p95")[0].1 < points(&svg, "s-p50")[0].1);
    assert_eq!(chart.hover.rows[2].values[7], "359 ms");
    assert_eq!(chart.hover.rows[1].values[7], "≥ 5 s");
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
    for part in
        ["highest 342/s", "safe 297/s", "now 200/s", "breach 360/s", "p95 &lt; 1 s", "dot t-open"]
    {
        assert!(svg.contains(part), "no {part} in {svg}");
    }
    assert_eq!(svg.matches("<circle").count(), 5);
}

#[test]
fn heat_is_drawn_where_there_are_answers() {
    assert!(heat(&[]).is_none());
    let mut column = crate::report::detail::HeatColumn {
        from: 0,
        to: 1_000_000_000,
        answered: vec![0; crate::report::detail::ROWS],
        unanswered: 2,
    };
    column.answered[40] = 1;
    column.answered[41] = 1_000;
    let svg = heat(&[column]).unwrap().svg();
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
