//! The page against the result it shows, and against hostile labels.

use super::*;
use crate::render::clean::CleanComparison;
use crate::report::Report;
use crate::report::detail::{HeatColumn, ROWS};
use crate::report::example;

fn page(report: &Report) -> String {
    render(&CleanReport::new(report), &Detail::default())
}

fn hover(page: &str) -> serde_json::Value {
    let begin = "<script id=\"hover\" type=\"application/json\">";
    let start = page.find(begin).expect("the block is there") + begin.len();
    let end = start + page[start..].find("</script>").expect("it ends");
    serde_json::from_str(&page[start..end]).expect("it is JSON")
}

#[test]
fn the_verdict_comes_first_with_its_reasons() {
    let table = [
        (example::report(example::GOOD), "PASS", "met every objective"),
        (example::report(example::CENSORED), "FAIL", "missed its objectives"),
        (example::report(example::LATE), "INVALID", "says nothing of the target"),
        (example::search_report(), "PASS", "The target holds 342&#x2f;s"),
    ];
    for (report, word, sentence) in table {
        let page = page(&report);
        let text = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?} in {page}"));
        assert!(text(&format!(">{word}</span>")) < text(sentence));
        assert!(text(sentence) < text("Can it be trusted?"));
        assert!(text("What to try next?") < text("<h2>Objectives</h2>"));
        for section in
            ["<h2>Requests</h2>", "<h2>Where the time went</h2>", "<h2>To repeat it</h2>"]
        {
            text(section);
        }
    }
}

#[test]
fn every_figure_of_the_tables_is_that_of_the_result() {
    let report = example::report(example::FAILING);
    let page = page(&report);
    for request in &report.requests {
        let times = &request.response_time;
        for figure in [times.p50, times.p95, times.p99, times.max] {
            assert!(page.contains(&format!("data-v=\"{figure}.0\"")), "{}: {figure}", request.name);
        }
    }
    let data = hover(&page);
    let rate = &data["rate"];
    assert_eq!(rate["heads"].as_array().map(Vec::len), Some(report.series.len()));
    assert_eq!(rate["rows"][0]["values"][7], "200/s");
    assert_eq!(data["failures"]["rows"][0]["values"][7], "14/s");
}

#[test]
fn the_start_is_told_to_the_second() {
    let mut report = example::report(example::GOOD);
    report.started_at = "2026-01-02T03:04:05.123456789Z".to_owned();
    assert!(page(&report).contains(" · 2026-01-02 03:04:05 UTC<"));
    report.started_at = "</div>".to_owned();
    assert!(page(&report).contains(" · &lt;&#x2f;div&gt;<"));
}

#[test]
fn hostile_labels_do_no_harm() {
    let mut report = example::search_report();
    let hostile =
        "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'\0\u{202e}";
    report.plan.name = hostile.to_owned();
    report.plan.origin = hostile.to_owned();
    report.verdict.objectives[0].objective = hostile.to_owned();
    report.requests[0].name = format!("{hostile}{}", "x".repeat(10_000));
    report.requests[0].errors.insert(hostile.to_owned(), 1);
    report.requests[0].fates.ok -= 1;
    report.environment.addresses = vec![hostile.to_owned()];
    if let Some(search) = &mut report.search {
        search.notes = vec![hostile.to_owned()];
        search.slo = hostile.to_owned();
    }
    let watched = example::watched();
    (report.monitors, report.onset, report.segments) =
        (watched.monitors, watched.onset, watched.segments);
    report.segments[1].label = hostile.to_owned();
    for series in &mut report.monitors {
        series.notes.push(hostile.to_owned());
        series.unit = hostile.to_owned();
        series.source = hostile.to_owned();
        series.name = hostile.to_owned();
    }
    let onset = report.onset.as_mut().unwrap();
    onset.what = hostile.to_owned();
    onset.turned[0].name = hostile.to_owned();
    let page = page(&report);
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<style").count(), 1);
    assert!(!page.contains("<img") && !page.contains(['\0', '\u{202e}']));
    assert!(!page.contains(&"x".repeat(2_001)));
    hover(&page);
}

#[test]
fn failures_are_told_by_kind_with_what_the_first_broke_on() {
    let mut report = example::report(example::FAILING);
    let failures = &mut report.requests[0].failures;
    for failure in failures.iter_mut() {
        failure.cause = Some(format!("\u{202e}<b>{failure:?}"));
    }
    let (first, kinds) = (failures[0].clone(), failures.len());
    for at in 0..100 {
        let cause = Some(format!("status {}", 400 + at));
        let rare = crate::report::failure::FailureReport { count: 1, cause, ..first.clone() };
        report.requests[0].failures.push(rare);
    }
    let page = page(&report);
    let start = page.find("<h2>Failures by kind</h2>").expect("the section is there");
    let section = &page[start..start + page[start..].find("</section>").unwrap()];
    assert_eq!(section.matches("<tr><td>").count(), 50, "{kinds} and 100 more are too many");
    assert!(section.contains("more; the result has them all"), "{section}");
    assert!(section.contains("<span class=\"cause\">\u{fffd}&lt;b&gt;FailureReport"), "{section}");
    let count = crate::analysis::words::Count(first.count);
    assert!(section.contains(&format!("<td data-h=\"count\">{count}</td>")), "{section}");
    assert!(section.contains("<td data-h=\"first seen\">"), "{section}");
    let well = self::page(&example::report(example::GOOD));
    assert!(!well.contains("Failures by kind"));
}

#[test]
fn the_policy_lets_only_the_page_s_own_script_run() {
    let page = page(&example::report(example::GOOD));
    let policy = page.lines().find(|line| line.contains("Content-Security-Policy")).unwrap();
    assert!(policy.contains("default-src 'none'"));
    assert!(policy.contains(&format!("script-src '{}'", hash(SCRIPT))), "{policy}");
    assert!(!policy.contains("unsafe"));
    for loads in ["src=", "href=", "url(", "@import", " style=", "onclick"] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(!page.contains("/*light*/") && !page.contains("/*dark*/"));
}

/// Eight hours of twenty request names and as many series as there can be.
fn day_long() -> (Report, Detail) {
    let mut report = example::report(example::CENSORED);
    let point = report.series[3];
    report.series = (1..=3_600)
        .map(|at| {
            let spike = if at % 977 == 0 { 30 } else { 1 };
            let jitter = point.p95 + at * 1_000;
            crate::measure::series::SeriesPoint {
                t: at * 8_000_000_000,
                length: 8_000_000_000,
                p95: jitter * spike,
                ..point
            }
        })
        .collect();
    let request = report.requests[0].clone();
    report.requests = (0..20)
        .map(|at| crate::report::RequestReport { name: format!("request {at}"), ..request.clone() })
        .collect();
    let column = |at: u64| HeatColumn {
        from: at * 240_000_000_000,
        to: (at + 1) * 240_000_000_000,
        answered: vec![1 + at; ROWS],
        unanswered: 1,
    };
    let series = example::watched().monitors.remove(0);
    report.monitors = (0..64)
        .map(|number| crate::report::monitors::MonitorReport {
            name: format!("series {number}"),
            points: (0..1_200)
                .map(|at| crate::report::monitors::MonitorPoint {
                    t: at * 24_000_000_000,
                    value: (at * 37 % 1_001) as f64 / 7.0,
                })
                .collect(),
            ..series.clone()
        })
        .collect();
    let slices = (1..=600).map(|at| crate::report::detail::RequestPoint {
        t: at * 48_000_000_000,
        ok: 100,
        censored: 0,
        p50: point.p50 + at * 13_000 % 99_000,
        p95: point.p95 + at * 17_000 % 99_000,
        p99: point.p99 + at * 19_000 % 99_000,
    });
    let slices: Vec<_> = slices.collect();
    let requests = (0..20)
        .map(|request| crate::report::detail::RequestHistory { request, points: slices.clone() });
    let heat = (0..120).map(column).collect();
    let detail = Detail { heat, requests: requests.collect(), ..Detail::default() };
    (report, detail)
}

#[test]
fn a_day_long_run_stays_small() {
    let (report, detail) = day_long();
    let page = render(&CleanReport::new(&report), &detail);
    assert!(page.len() < 4_000_000, "{}", page.len());
    let peak =
        crate::time::Human(std::time::Duration::from_nanos(report.series[976].p95)).to_string();
    assert!(page.contains(&peak), "the peak of {peak} is kept");
}

#[test]
fn what_was_steered_and_monitored_is_told() {
    let page = page(&example::watched());
    for text in [
        "<h2>Segments</h2>",
        "<th>what began it</th>",
        "<th class=\"text\">monitor</th>",
        r#"<td>deployed v2; resumed at 200&#x2f;s</td><td data-h="from">12 s</td><td data-h="length">18 s</td>"#,
        "<h2>What the target said of itself</h2>",
        "What turned first, before it: queue_depth at 14 s.",
        "at 14 s: 3 to ",
        "rss: 1 of 31 looks failed: timed out",
        r#"<svg class="chart" id="monitor-2""#,
    ] {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    let plain = super::tests::page(&example::report(example::GOOD));
    assert!(!plain.contains("Segments") && !plain.contains("said of itself"));
}

#[test]
fn a_comparison_gives_the_page_its_verdict() {
    for (ms, word, tone) in [(15, "WORSE", "bad"), (6, "BETTER", "good")] {
        let comparison = Some(Box::new(crate::report::comparison::tests::example(ms)));
        // B by itself meets its objectives, which is not the question.
        let page = page(&Report { comparison, ..example::report(example::GOOD) });
        assert!(page.contains(&format!(r#"<span class="pill">{word}</span>"#)), "{ms}");
        assert!(page.contains(&format!(r#"<div class="verdict {tone}">"#)), "{ms}");
        assert!(page.contains("What is worse?") && !page.contains("What failed?"), "{ms}");
    }
}

#[test]
fn what_the_generator_made_fail_is_not_judged() {
    let mut report = example::report(example::LATE);
    report.verdict.objectives[0].holds = crate::report::Holds::No;
    let page = page(&report);
    assert!(page.contains("– not judged") && !page.contains("✗"), "{page}");
    assert!(page.contains("taken up") && page.contains("No: the client was the limit"), "{page}");
}

#[test]
fn figures_that_are_bounds_are_told_as_such() {
    let page = page(&example::report(example::CENSORED));
    assert!(page.contains("never answered in time"));
}

#[test]
fn a_run_that_left_nothing_is_still_a_page() {
    let mut report = example::report(example::GOOD);
    report.series.clear();
    report.requests.clear();
    report.spectrum = crate::report::spectrum::Spectrum::default();
    report.response_time = crate::report::Latency::default();
    report.service_time = crate::report::Latency::default();
    report.phases = crate::report::Phases::default();
    assert!(page(&report).contains("</html>"));
}

/// Writes examples to look at: `cargo test --lib -- --ignored pages_to_look_at`.
#[test]
#[ignore = "writes files for the eye"]
fn pages_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    let answered = (0..ROWS).map(|row| if (50..70).contains(&row) { 1 << (row % 12) } else { 0 });
    let column = |at: u64| HeatColumn {
        from: at * 1_000_000_000,
        to: (at + 1) * 1_000_000_000,
        answered: answered.clone().collect(),
        unanswered: u64::from(at.is_multiple_of(9)),
    };
    let detail = Detail { heat: (0..30).map(column).collect(), ..Detail::default() };
    let courses = [
        ("good", example::GOOD),
        ("failing", example::FAILING),
        ("censored", example::CENSORED),
        ("late", example::LATE),
    ];
    let runs = courses.into_iter().map(|(name, course)| (name, example::report(course)));
    let others = [("search", example::search_report()), ("watched", example::watched())];
    let compared = [("worse", 15), ("open", 10), ("better", 6)].map(|(name, ms)| {
        let comparison = Some(Box::new(crate::report::comparison::tests::example(ms)));
        (name, Report { comparison, ..example::report(example::GOOD) })
    });
    let all =
        runs.chain(others).chain(compared).map(|(name, report)| (name, report, detail.clone()));
    let runs = [example::GOOD, example::CENSORED].map(example::report);
    for (name, ms) in [("compare-worse", 15), ("compare-open", 10), ("compare-better", 6)] {
        let compared = crate::report::comparison::tests::example(ms);
        let [a, b] = [0, 1].map(|side: usize| CleanReport::new(&runs[side]));
        let page = comparison::render(&CleanComparison::new(&compared), [&a, &b]);
        std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
    }
    let (long, long_detail) = day_long();
    for (name, report, detail) in all.chain([("long", long, long_detail)]) {
        std::fs::write(
            folder.join(format!("{name}.html")),
            render(&CleanReport::new(&report), &detail),
        )
        .unwrap();
        let picture = crate::render::svg::render(&CleanReport::new(&report));
        std::fs::write(folder.join(format!("{name}.svg")), picture).unwrap();
    }
}
