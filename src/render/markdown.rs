//! A report in GitHub's Markdown, for a job's summary or a pull request.
//!
//! Invariant: no value of a plan, a profile or a target can end a cell, begin markup or reach the HTML.

use std::fmt::Write as _;

use crate::analysis::words::{Count, Percent, counted};
use crate::render::clean::CleanReport;
use crate::render::text::{answer, cell, human, measured, outcome, severity, tier};
use crate::render::units::Unit;
use crate::render::{rates, verdict};
use crate::report::{Holds, Latency, Outcome, Report};

/// Requests that are listed at most, those that failed most often and then the slowest first: a job's
/// summary holds 1 MiB.
const REQUESTS_MAX: usize = 100;

/// The report: a heading with the verdict, objectives, requests, findings. Ends in a newline.
pub fn render(report: &CleanReport<'_>) -> String {
    let mut text = heading(report);
    text.push_str(&objectives(report));
    text.push_str(&requests(report));
    text.push_str(&findings(report));
    text
}

fn heading(report: &Report) -> String {
    let (word, _) = outcome(report.verdict.outcome);
    let plan = &report.plan;
    let mut text = format!(
        "### {} {word}: {} on {}\n\n",
        sign(report.verdict.outcome),
        escaped(&plan.name),
        escaped(&plan.origin)
    );
    if let Some(search) = &report.search {
        let limits = escaped(&search.slo);
        let _ = writeln!(text, "**Highest rate: {}** with {limits}\n", escaped(&answer(search)));
    }
    let grade = match report.verdict.outcome {
        Outcome::Pass | Outcome::Fail => {
            format!(" · tier **{}**", tier(report.verdict.tier))
        }
        Outcome::Invalid | Outcome::Incomplete => String::new(),
    };
    let _ = writeln!(
        text,
        "{}, over {} · error rate {}{grade}",
        rates::clause(report),
        human(report.duration),
        Percent(report.error_rate)
    );
    if let Some(drained) = rates::drained(report) {
        let _ = writeln!(text, "\n{drained}");
    }
    text
}

const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✅",
        Outcome::Fail => "❌",
        Outcome::Invalid | Outcome::Incomplete => "⚠️",
    }
}

fn objectives(report: &Report) -> String {
    let rows = report.every_objective().map(|(name, one)| {
        let holds = match verdict::holds(report, one) {
            Holds::Yes => "✅",
            Holds::No => "❌",
            Holds::NotJudged => "–",
        };
        format!("| {holds} | {} | {} |\n", escaped(&name), escaped(&measured(one)))
    });
    let rows: String = rows.collect();
    if rows.is_empty() {
        rows
    } else {
        format!("\n| | Objective | Measured |\n|---|---|--:|\n{rows}")
    }
}

fn requests(report: &Report) -> String {
    let typical = report.requests.iter().map(|request| request.response_time.p50).max();
    let unit = Unit::fitting(typical.unwrap_or(0));
    let row = |name: &str, planned, error_rate, times: &Latency| {
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} |\n",
            Count(planned),
            Percent(error_rate),
            cell(times, "p50", times.p50, unit),
            cell(times, "p95", times.p95, unit),
            cell(times, "p99", times.p99, unit),
            cell(times, "max", times.max, unit),
        )
    };
    let symbol = unit.symbol();
    let mut text = format!(
        "\n| Request | Planned | Errors | p50 {symbol} | p95 {symbol} | p99 {symbol} | max {symbol} |\n\
         |---|--:|--:|--:|--:|--:|--:|\n"
    );
    let shown = worst_first(report);
    for request in &shown {
        let (planned, name) = (request.fates.planned, escaped(&request.name));
        text.push_str(&row(&name, planned, request.error_rate, &request.response_time));
    }
    if report.requests.len() > 1 {
        let times = &report.response_time;
        text.push_str(&row("**all**", report.fates.planned, report.error_rate, times));
    }
    let left_out = report.requests.len() - shown.len();
    if left_out > 0 {
        let _ =
            writeln!(text, "\n… and {} with fewer failures", counted(left_out as u64, "request"));
    }
    text
}

/// In the order of the plan, as long as all are shown.
fn worst_first(report: &Report) -> Vec<&crate::report::RequestReport> {
    let mut requests: Vec<_> = report.requests.iter().collect();
    if requests.len() > REQUESTS_MAX {
        requests.sort_by(|a, b| {
            let slower = b.response_time.p95.cmp(&a.response_time.p95);
            b.error_rate.total_cmp(&a.error_rate).then(slower)
        });
        requests.truncate(REQUESTS_MAX);
    }
    requests
}

fn findings(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.verdict.findings {
        let start = if text.is_empty() { "\n" } else { "" };
        let (word, _) = severity(finding.severity);
        let (message, remedy) = (escaped(&finding.message), escaped(&finding.remedy));
        let _ = writeln!(text, "{start}- **{word}** {message}<br>→ {remedy}");
    }
    text
}

/// `text` as Markdown shows it unchanged, on one line.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '#' | '$' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::golden;
    use crate::report::example::{CENSORED, FAILING, GOOD, LATE, report, search_report};

    fn render(report: &Report) -> String {
        super::render(&CleanReport::new(report))
    }

    #[test]
    fn a_report_reads_as_the_golden_files_do() {
        golden::check("markdown-pass.md", &render(&report(GOOD)));
        golden::check("markdown-fail.md", &render(&report(FAILING)));
        golden::check("markdown-invalid.md", &render(&report(LATE)));
        golden::check("markdown-censored.md", &render(&report(CENSORED)));
        golden::check("markdown-search.md", &render(&search_report()));
    }

    /// Cells of a line, parted at bars that are not escaped.
    fn cells(line: &str) -> usize {
        let unescaped = line.replace("\\\\", "").replace("\\|", "");
        unescaped.matches('|').count()
    }

    #[test]
    fn no_name_can_break_out() {
        let hostile = "a|b\n| c | d |\r\n# e <script>x</script> `f` [g](h) \\| ${i}$ &amp; ![j](k)";
        let mut report = report(FAILING);
        report.requests[0].name = hostile.to_owned();
        report.plan.name = hostile.to_owned();
        report.plan.origin = format!("http://{hostile}");
        for finding in &mut report.verdict.findings {
            finding.message = hostile.to_owned();
        }
        report.verdict.objectives[0].objective = hostile.to_owned();
        let page = render(&report);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        for line in page.lines() {
            let first = line.chars().next().unwrap_or('|');
            assert!("#|-a".contains(first), "{line}");
            let bars = cells(line);
            assert!(matches!(bars, 0 | 4 | 8), "{bars} bars: {line}");
        }
        assert_eq!(escaped("a|b\n<c>_d_"), "a\\|b &lt;c&gt;\\_d\\_");
    }

    #[test]
    fn a_summary_stays_within_its_bound() {
        let mut report = report(FAILING);
        let many = (0..5_000).map(|number| {
            let mut request = report.requests[1].clone();
            request.name = format!("{number:0>200}");
            request.error_rate = f64::from(number) / 5_000.0;
            request
        });
        report.requests = many.collect();
        let page = render(&report);
        assert!(page.len() < 100_000, "{}", page.len());
        assert!(page.contains("4999 |") && page.contains("… and 4,900 requests"), "worst first");
    }
}
