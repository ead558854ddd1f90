//! A report as the tables that Locust writes, under its file names and columns, so that what read those
//! reads these: `PREFIX_stats.csv`, `PREFIX_stats_history.csv`, `PREFIX_failures.csv` and
//! `PREFIX_exceptions.csv`. Times are in milliseconds.
//!
//! Two columns mean what an open loop has instead: a request's count is that of its slots, sent or not, and
//! the number of users is that of requests in flight.

use crate::measure::series::SeriesPoint;
use crate::render::clean::CleanReport;
use crate::report::detail::{Detail, HistoryPoint};
use crate::report::spectrum::{Percentile, SHARES};
use crate::report::{Fates, Latency, Report, RequestReport};

const PERCENTS: [&str; SHARES.len()] =
    ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];
/// What Locust writes where there is no figure.
const NONE: &str = "N/A";

/// Each table with the end of its file name.
pub fn render(report: &CleanReport<'_>, detail: &Detail) -> [(&'static str, String); 4] {
    [
        ("_stats.csv", stats(report)),
        ("_stats_history.csv", history(report, detail)),
        ("_failures.csv", failures(report)),
        (
            "_exceptions.csv",
            table(&[["Count", "Message", "Traceback", "Nodes"].map(str::to_owned).into()]),
        ),
    ]
}

fn stats(report: &Report) -> String {
    let head = [
        "Type",
        "Name",
        "Request Count",
        "Failure Count",
        "Median Response Time",
        "Average Response Time",
        "Min Response Time",
        "Max Response Time",
        "Average Content Size",
        "Requests/s",
        "Failures/s",
    ];
    let mut rows = vec![texts(head.into_iter().chain(PERCENTS))];
    let seconds = report.duration as f64 / 1e9;
    for request in &report.requests {
        let named = [request.method.clone(), request.name.clone()];
        let figures = (&request.fates, &request.response_time, request.bytes);
        let ended = request.rate.and_then(|rate| rate.ended);
        rows.push(row(named, figures, (ended, seconds)));
    }
    let bytes = report.requests.iter().map(|request| request.bytes).sum();
    let named = [String::new(), "Aggregated".to_owned()];
    let figures = (&report.fates, &report.response_time, bytes);
    rows.push(row(named, figures, (report.rate.ended, seconds)));
    table(&rows)
}

fn row(
    named: [String; 2],
    (fates, times, bytes): (&Fates, &Latency, u64),
    (ended, seconds): (Option<f64>, f64),
) -> Vec<String> {
    let per_second = |count: u64| number(count as f64 / seconds.max(f64::MIN_POSITIVE));
    let failed = fates.planned - fates.ok;
    let mut cells: Vec<String> = named.map(harmless).into();
    cells.extend([fates.planned.to_string(), failed.to_string()]);
    cells.extend([times.p50, times.mean, times.min, times.max].map(ms));
    cells.push(number(content_size(fates, bytes)));
    // Older results do not tell how many ended in time.
    let ended = ended.map_or_else(|| per_second(fates.planned), number);
    cells.extend([ended, per_second(failed)]);
    let known = coarse(times);
    cells.extend(SHARES.map(|share| at(share, &known).unwrap_or(none())));
    cells
}

fn history(report: &Report, detail: &Detail) -> String {
    let head = ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
    let totals = [
        "Total Request Count",
        "Total Failure Count",
        "Total Median Response Time",
        "Total Average Response Time",
        "Total Min Response Time",
        "Total Max Response Time",
        "Total Average Content Size",
    ];
    let mut rows = vec![texts(head.into_iter().chain(PERCENTS).chain(totals))];
    let start = report.started_at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let (mut planned, mut failed) = (0, 0);
    for (place, point) in report.series.iter().enumerate() {
        planned += point.planned;
        failed += point.failed;
        let known = detail.history.get(place);
        let at = start.saturating_add_unsigned(point.t / 1_000_000_000);
        let seconds = point.length as f64 / 1e9;
        let per_second = |count: u64| number(count as f64 / seconds.max(f64::MIN_POSITIVE));
        let mut cells = vec![at.to_string(), point.in_flight.to_string()];
        cells.extend(texts(["", "Aggregated"]));
        cells.extend([per_second(point.ok + point.failed), per_second(point.failed)]);
        cells.extend(point_percentiles(point, known));
        cells.extend([planned.to_string(), failed.to_string()]);
        cells.extend(known.map_or_else(
            || vec![none(); 4],
            |known| {
                let total = known.total;
                [total.median, total.mean, total.min, total.max].map(ms).into()
            },
        ));
        cells.push(none());
        rows.push(cells);
    }
    table(&rows)
}

/// Those of the journal, else the three that the series has.
fn point_percentiles(point: &SeriesPoint, known: Option<&HistoryPoint>) -> [String; SHARES.len()] {
    let own = [(0.5, point.p50), (0.95, point.p95), (0.99, point.p99)];
    let own = own.map(|(share, time)| Percentile { share, time, at_least: false });
    let answered = point.ok + point.censored > 0;
    let series: &[Percentile] = if answered { &own } else { &[] };
    let known = known.map_or(series, |known| &known.percentiles);
    SHARES.map(|share| at(share, known).unwrap_or(none()))
}

fn failures(report: &Report) -> String {
    let mut rows = vec![texts(["Method", "Name", "Error", "Occurrences"])];
    for request in &report.requests {
        for (error, count) in reasons(request) {
            let cells = [request.method.clone(), request.name.clone(), error];
            let mut cells: Vec<String> = cells.map(harmless).into();
            cells.push(count.to_string());
            rows.push(cells);
        }
    }
    table(&rows)
}

/// Why slots of a request failed, and how many by each.
pub(super) fn reasons(request: &RequestReport) -> Vec<(String, u64)> {
    let fates = &request.fates;
    let bad = request.statuses.iter().filter(|(status, _)| **status >= 400);
    let mut rows: Vec<(String, u64)> =
        bad.map(|(status, count)| (format!("HTTP {status}"), *count)).collect();
    // Where a profile expects one of these, or refuses another, the ledger alone knows.
    if rows.iter().map(|(_, count)| count).sum::<u64>() != fates.bad_status {
        rows = vec![("unexpected status".to_owned(), fates.bad_status)];
    }
    rows.extend(request.errors.iter().map(|(kind, count)| (kind.replace('_', " "), *count)));
    let told = ["ok", "bad_status", "transport_error"];
    let rest = fates.named().into_iter().filter(|(name, _)| !told.contains(name));
    rows.extend(rest.map(|(name, count)| (name.replace('_', " "), count)));
    rows.retain(|(_, count)| *count > 0);
    rows
}

/// The percentiles that a distribution names.
pub(super) fn coarse(times: &Latency) -> Vec<Percentile> {
    if times.count == 0 {
        return Vec::new();
    }
    let figures = [
        (0.5, "p50", times.p50),
        (0.66, "p66", times.p66),
        (0.75, "p75", times.p75),
        (0.8, "p80", times.p80),
        (0.9, "p90", times.p90),
        (0.95, "p95", times.p95),
        (0.98, "p98", times.p98),
        (0.99, "p99", times.p99),
        (0.999, "p999", times.p999),
        (0.9999, "p9999", times.p9999),
        (1.0, "max", times.max),
    ];
    // Results of versions that did not tell them have zeros.
    let known = figures.into_iter().filter(|(_, _, time)| *time > 0 || times.p50 == 0);
    let point = |(share, name, time)| Percentile { share, time, at_least: times.bounds(name) };
    known.map(point).collect()
}

fn at(share: f64, percentiles: &[Percentile]) -> Option<String> {
    let found = percentiles.iter().find(|point| (point.share - share).abs() < 1e-9);
    found.map(|point| ms(point.time))
}

fn content_size(fates: &Fates, bytes: u64) -> f64 {
    let answered = fates.ok + fates.bad_status + fates.check_failed;
    bytes as f64 / answered.max(1) as f64
}

fn ms(ns: u64) -> String {
    number(ns as f64 / 1e6)
}

/// Three decimals at most.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn none() -> String {
    NONE.to_owned()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// A spreadsheet takes a text that begins so for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

fn table(rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        // Rows are of one length and memory takes what is written, so neither of these fails.
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn tables(report: &Report) -> [Vec<Vec<String>>; 4] {
        render(&CleanReport::new(report), &Detail::default()).map(|(_, text)| read(&text))
    }

    #[test]
    fn columns_are_those_of_locust() {
        let [stats, history, failures, exceptions] = tables(&example::report(example::FAILING));
        let percents = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%";
        let expected = [
            format!(
                "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
                 Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,{percents}"
            ),
            format!(
                "Timestamp,User Count,Type,Name,Requests/s,Failures/s,{percents},Total Request Count,\
                 Total Failure Count,Total Median Response Time,Total Average Response Time,\
                 Total Min Response Time,Total Max Response Time,Total Average Content Size"
            ),
            "Method,Name,Error,Occurrences".to_owned(),
            "Count,Message,Traceback,Nodes".to_owned(),
        ];
        for (table, head) in [stats, history, failures, exceptions].iter().zip(expected) {
            assert_eq!(table[0].join(","), head);
        }
    }

    #[test]
    fn rows_add_up_to_the_ledger() {
        let report = example::report(example::FAILING);
        let [stats, history, failures, _] = tables(&report);
        let sum = |rows: &[Vec<String>], column: usize| {
            rows.iter().map(|row| row[column].parse::<u64>().unwrap()).sum::<u64>()
        };
        let (requests, total) = stats[1..].split_at(3);
        assert_eq!(total[0][1], "Aggregated");
        assert_eq!(sum(requests, 2), report.fates.planned);
        assert_eq!(sum(total, 2), report.fates.planned);
        assert_eq!(sum(requests, 3), report.fates.planned - report.fates.ok);
        assert_eq!(sum(&failures[1..], 3), report.fates.planned - report.fates.ok);
        assert_eq!(history.len(), 31);
        assert_eq!(history[30][17], report.fates.planned.to_string());
        assert_eq!((history[1][0].as_str(), history[1][3].as_str()), ("1767323046", "Aggregated"));
        assert_eq!((history[1][6].as_str(), history[1][7].as_str()), ("64.029", "N/A"));
        assert!(failures.contains(&texts(["GET", "list interactions", "HTTP 503", "180"])));
    }

    #[test]
    fn an_older_result_has_what_it_knows() {
        let mut report = example::report(example::GOOD);
        report.response_time.p66 = 0;
        let [stats, ..] = tables(&report);
        let total = &stats[4][11..];
        assert_eq!((total[0].as_str(), total[1].as_str()), (stats[4][4].as_str(), "N/A"));
        assert!(total[10] != "N/A" && total[2] != "N/A");
    }

    #[test]
    fn a_name_is_never_a_formula() {
        let mut report = example::report(example::FAILING);
        report.requests[0].name = "=cmd|' /C calc'!A0,\"x\"\n".to_owned();
        let [stats, _, failures, _] = tables(&report);
        assert_eq!(stats[1][1], "'=cmd|' /C calc'!A0,\"x\"␊");
        assert_eq!(failures[1][1], stats[1][1]);
    }
}
