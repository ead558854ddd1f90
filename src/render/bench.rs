//! A report as the input of github-action-benchmark: `customSmallerIsBetter` for a run,
//! `customBiggerIsBetter` for a search.

use serde::Serialize;

use crate::analysis::words::counted;
use crate::load::rate::Figures;
use crate::render::clean::CleanReport;
use crate::render::text;
use crate::report::Report;

/// Request names that are listed; each becomes a chart of its own.
const REQUESTS_MAX: usize = 50;

/// One chart's newest value.
#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

/// Indented JSON with a newline at the end.
pub fn render(report: &CleanReport<'_>) -> String {
    let entries = if report.search.is_some() { search(report) } else { run(report) };
    serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n"
}

fn run(report: &Report) -> Vec<Entry> {
    let name = &report.plan.name;
    let extra = format!(
        "{}/s, {}, {}",
        Figures(report.rate.target),
        counted(report.fates.planned, "slot"),
        text::outcome(report.verdict.outcome).0
    );
    let entry =
        |name: String, unit, value| Entry { name, unit, value, range: None, extra: extra.clone() };
    let times = &report.response_time;
    let figures = [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)];
    let mut entries: Vec<Entry> = figures
        .into_iter()
        .map(|(figure, ns)| entry(format!("{name}: {figure}"), "ms", ns as f64 / 1e6))
        .collect();
    entries.push(entry(format!("{name}: errors"), "%", report.error_rate * 100.0));
    let requests = report.requests.iter().take(REQUESTS_MAX);
    entries.extend(requests.map(|request| {
        let p95 = request.response_time.p95 as f64 / 1e6;
        entry(format!("{name}: {}: p95", request.name), "ms", p95)
    }));
    entries
}

fn search(report: &Report) -> Vec<Entry> {
    let Some(search) = &report.search else { return Vec::new() };
    let (name, max) = (&report.plan.name, &search.max_rps);
    let extra = format!("{}, {}", search.slo, text::outcome(report.verdict.outcome).0);
    let range = max.high.map(|high| format!("{} to {}", Figures(max.low), Figures(high)));
    let safe = search.sheet.as_ref().and_then(|sheet| sheet.safe_rate);
    let highest = Entry {
        name: format!("{name}: highest rate"),
        unit: "requests/s",
        value: max.estimate,
        range,
        extra: extra.clone(),
    };
    let safe = safe.map(|value| Entry {
        name: format!("{name}: safe rate"),
        unit: "requests/s",
        value,
        range: None,
        extra,
    });
    [highest].into_iter().chain(safe).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::example;

    fn render(report: &Report) -> String {
        super::render(&CleanReport::new(report))
    }

    #[test]
    fn each_entry_has_what_the_action_wants() {
        for (report, first, unit) in [
            (example::report(example::GOOD), "chat-center: p50", "ms"),
            (example::search_report(), "chat-center: highest rate", "requests/s"),
        ] {
            let entries: Vec<Value> = serde_json::from_str(&render(&report)).unwrap();
            assert_eq!(entries[0]["name"], first);
            assert_eq!(entries[0]["unit"], unit);
            for entry in entries {
                assert!(entry["name"].is_string() && entry["unit"].is_string(), "{entry}");
                assert!(entry["value"].as_f64().is_some_and(f64::is_finite), "{entry}");
            }
        }
        let search: Value = serde_json::from_str(&render(&example::search_report())).unwrap();
        assert_eq!(search[0]["range"], "331 to 352");
    }
}
