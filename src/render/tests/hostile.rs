//! Names that would break out of a format, a terminal or a page do no harm in any output.

use crate::measure::exposition;
use crate::measure::fate::Fate;
use crate::measure::running::Running;
use crate::measure::slice::Ended;
use crate::measure::window::{Interval, Window};
use crate::render::formats::{FORMATS, Source};
use crate::render::{Style, actions, clean, comparison, json, otlp, protobuf, runs, text};
use crate::report::Report;
use crate::report::detail::Detail;
use crate::report::example;
use crate::time::Offset;

/// What each name holds, with more letters in a row than anybody reads.
const HOSTILE: &str = "a|b`c`\"'</script><script>alert(1)</script><img src=x onerror=alert(2)>\r\n::error::x\n\
    # HELP y\n=1+1 \u{1b}[31m \0 \u{202e}{{ 7*7 }} ]]> --> ![i](j) \\";

fn hostile() -> String {
    format!("{HOSTILE}{}", "x".repeat(10_000))
}

/// Every text that comes from a profile, a server or a monitor.
fn poisoned() -> Report {
    let (mut report, watched) = (example::report(example::FAILING), example::watched());
    (report.monitors, report.onset, report.segments) =
        (watched.monitors, watched.onset, watched.segments);
    let mut comparison = crate::report::comparison::tests::example(15);
    comparison.verdict.sentence = hostile();
    comparison.a[0].name = hostile();
    comparison.metrics[0].request = Some(hostile());
    comparison.notes.push(hostile());
    report.comparison = Some(Box::new(comparison));
    (report.plan.name, report.plan.origin) = (hostile(), hostile());
    report.environment.addresses = vec![hostile()];
    for request in &mut report.requests {
        (request.name, request.method) = (hostile(), hostile());
        request.errors.insert(hostile(), 1);
        request.checks.insert(hostile(), 1);
    }
    for one in &mut report.verdict.objectives {
        one.objective = hostile();
    }
    for finding in &mut report.verdict.findings {
        (finding.message, finding.remedy) = (hostile(), hostile());
    }
    for segment in &mut report.segments {
        segment.label = hostile();
    }
    for series in &mut report.monitors {
        (series.name, series.source, series.unit) = (hostile(), hostile(), hostile());
        series.notes.push(hostile());
    }
    report
}

/// Each output by its name.
fn outputs(report: &Report) -> Vec<(&'static str, String)> {
    let compared = report.comparison.as_ref().expect("the report has one");
    let listed = runs::ListedRun {
        id: "20260102-030405".to_owned(),
        path: "runs/20260102-030405".into(),
        tags: Vec::new(),
        report: Some(report.clone()),
    };
    let compared = &clean::CleanComparison::new(compared);
    let report = &clean::CleanReport::new(report);
    let source = Source { report, detail: &Detail::default(), hlog: Some("") };
    // JSON is for other programs and told apart.
    let formats = FORMATS.iter().filter(|format| format.flag != "json").flat_map(|format| {
        let files = format.files(&source).into_iter().flatten();
        files.map(|(end, text)| (if end.is_empty() { format.flag } else { end }, text))
    });
    let others = [
        ("text", text::render(report, text::Form::Full, Style::Plain)),
        ("text as locust", text::render(report, text::Form::Locust, Style::Plain)),
        ("actions", actions::annotations(report)),
        ("comparison", comparison::text(compared, Style::Plain)),
        ("comparison in markdown", comparison::markdown(compared)),
        ("list of runs", runs::text(&[listed])),
    ];
    formats.chain(others).collect()
}

#[test]
fn hostile_names_do_no_harm_in_any_output() {
    let report = poisoned();
    for (name, output) in outputs(&report) {
        let odd = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!output.chars().any(odd), "{name}: {output}");
        assert!(!output.contains(&"x".repeat(2_001)), "{name} is not bounded");
        match name {
            "html" | "svg" | "junit" => {
                assert!(!output.contains("<script>alert") && !output.contains("<img"), "{name}");
            }
            "markdown" | "comparison in markdown" => {
                assert!(!output.contains("<script") && !output.contains("a|b"), "{name}: {output}");
                assert!(!output.contains("![i]") && !output.contains("`c`"), "{name}: {output}");
            }
            "actions" => assert!(output.lines().all(|line| line.starts_with("::error title="))),
            "bench-json" => assert!(serde_json::from_str::<serde_json::Value>(&output).is_ok()),
            _ if name.starts_with('_') => {
                let rows = ::csv::Reader::from_reader(output.as_bytes()).into_records();
                assert!(rows.flatten().all(|row| row.iter().all(|cell| !cell.starts_with('='))));
            }
            _ => {}
        }
    }
    // Other programs read this one: it keeps every text as it is, in escapes.
    let written = json::render(&clean::CleanReport::new(&report));
    assert!(!written.contains(['\0', '\u{1b}']));
    assert_eq!(serde_json::from_str::<Report>(&written).ok(), Some(report));
}

#[test]
fn hostile_names_do_no_harm_to_whoever_follows_a_load() {
    let names = clean::names([hostile()]);
    let mut running = Running::new(1);
    let ended = vec![Ended::new(0, Fate::Ok, std::time::Duration::from_millis(3))];
    let window = Window { planned: 1, ended, ..Window::default() };
    let length = std::time::Duration::from_secs(1);
    running.observe(&Interval { end: Offset::ZERO, length, window });
    let page = crate::render::exposition::render(&running, &names);
    let read = exposition::parse(&page);
    assert_eq!(read.damaged, 0, "{page}");
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{page}");
    assert!(page.lines().all(|line| line.starts_with(['#', 's'])), "{page}");
    let frame =
        otlp::Frame { resource: &[], names: &names, start_unix_ns: 1, now_unix_ns: 2_000_000_000 };
    let request: serde_json::Value = serde_json::from_str(&otlp::render(&running, &frame)).unwrap();
    assert!(
        request["resourceMetrics"].is_array() && !protobuf::render(&running, &names).is_empty()
    );
}
