//! The list of stored runs.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::analysis::words::Percent;
use crate::load::rate::Figures;
use crate::render::table::shortened;
use crate::render::units::Unit;
use crate::report::{Kind, Outcome, Report};
use crate::time::Human;

/// Characters of a target; longer ones are cut.
const TARGET_MAX: usize = 40;

/// A run as far as a list tells of it.
#[derive(Clone, Debug)]
pub struct ListedRun {
    /// The name of its folder.
    pub id: String,
    /// Its folder.
    pub path: OsString,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its result; nothing if it was killed before it had one.
    pub report: Option<Report>,
}

/// One run in JSON. Times in ns.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    path: String,
    tags: &'a [String],
    kind: Option<Kind>,
    name: Option<&'a str>,
    started_at: Option<&'a str>,
    rate: Option<f64>,
    duration: Option<u64>,
    outcome: Option<Outcome>,
    p95: Option<u64>,
    error_rate: Option<f64>,
    max_rps: Option<f64>,
}

/// Indented JSON: an array with a newline at the end.
#[expect(clippy::missing_panics_doc, reason = "a list holds nothing that JSON cannot")]
pub fn json(runs: &[ListedRun]) -> String {
    let lines: Vec<Line<'_>> = runs.iter().map(Line::from).collect();
    let mut text = serde_json::to_string_pretty(&lines).expect("text and numbers");
    text.push('\n');
    text
}

/// A head and a line for each run: its name in full, so that it can be copied, when it began, where its load
/// went, and what it came to.
pub fn text(runs: &[ListedRun]) -> String {
    if runs.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let head = ["Run", "began (UTC)", "target", "what"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(runs.iter().map(row)).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths = [0, 1, 2].map(|column| widest(column).unwrap_or(0));
    let mut text = String::new();
    for [id, began, target, what] in &rows {
        let [a, b, c] = widths;
        let _ = writeln!(text, "{id:<a$}  {began:<b$}  {target:<c$}  {what}");
    }
    text
}

fn row(run: &ListedRun) -> [String; 4] {
    let tags = run.tags.iter().fold(String::new(), |tags, tag| format!("{tags}  [{tag}]"));
    let Some(report) = &run.report else {
        return [run.id.clone(), "-".to_owned(), "-".to_owned(), format!("no result{tags}")];
    };
    // To the minute, of RFC 3339.
    let began = report.started_at.chars().take(16).collect::<String>().replace('T', " ");
    let target = shortened(&report.plan.origin, TARGET_MAX);
    [run.id.clone(), began, target, format!("{}{tags}", about(report))]
}

fn about(report: &Report) -> String {
    let outcome = match report.verdict.outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Invalid => "invalid",
        Outcome::Incomplete => "incomplete",
    };
    if let Some(search) = &report.search {
        return format!("max {} RPS, {outcome}", Figures(search.max_rps.estimate));
    }
    let times = &report.response_time;
    let unit = Unit::fitting(times.p95);
    format!(
        "{}/s over {}, p95 {} {}, errors {}, {outcome}",
        Figures(report.plan.rate),
        Human(Duration::from_nanos(report.duration)),
        unit.figure(times.p95, times.bounds("p95")),
        unit.symbol(),
        Percent(report.error_rate),
    )
}

impl<'a> From<&'a ListedRun> for Line<'a> {
    fn from(run: &'a ListedRun) -> Self {
        let report = run.report.as_ref();
        Self {
            id: &run.id,
            path: run.path.to_string_lossy().into_owned(),
            tags: &run.tags,
            kind: report.map(|report| report.kind),
            name: report.map(|report| report.plan.name.as_str()),
            started_at: report.map(|report| report.started_at.as_str()),
            rate: report.map(|report| report.plan.rate),
            duration: report.map(|report| report.duration),
            outcome: report.map(|report| report.verdict.outcome),
            p95: report.map(|report| report.response_time.p95),
            error_rate: report.map(|report| report.error_rate),
            max_rps: report
                .and_then(|report| report.search.as_ref())
                .map(|search| search.max_rps.estimate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{GOOD, report, search_report};

    #[test]
    fn each_run_is_a_line_with_its_whole_name() {
        let listed = |id: &str, report| ListedRun {
            id: id.to_owned(),
            path: OsString::from(id),
            tags: vec!["baseline".to_owned()],
            report,
        };
        let long = "20260102t030405z-a-very-long-name-indeed-of-a-profile";
        let runs = [
            listed(long, Some(report(GOOD))),
            listed("s", Some(search_report())),
            listed("k", None),
        ];
        let page = text(&runs);
        let lines: Vec<&str> = page.lines().collect();
        assert!(lines[0].starts_with("Run  ") && lines[0].contains("  began (UTC)"), "{page}");
        assert!(lines[1].starts_with(long) && lines[1].contains("/s over 30 s, p95 "), "{page}");
        assert!(lines[1].contains("  http://127.0.0.1:8001/api  "), "{page}");
        assert!(lines[2].contains("max ") && lines[3].contains("no result  [baseline]"), "{page}");
        let began = |line: &str| line.find("  2026-").map(|at| line[at + 2..at + 18].to_owned());
        assert!(began(lines[1]).is_some_and(|began| began.contains(' ')), "{page}");
        let value: serde_json::Value = serde_json::from_str(&json(&runs)).unwrap();
        assert_eq!(value[0]["id"], long);
        assert!(value[2]["p95"].is_null() && value[1]["max_rps"].is_number());
        assert_eq!(text(&[]), "no runs yet\n");
    }
}
