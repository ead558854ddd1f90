//! A report as the four CSV files that Locust writes, with its file names and columns, for tools that read
//! those.
//!
//! Times are milliseconds; one that is only known from below stands as its bound. Locust's users have no
//! counterpart: "User Count" holds the requests in flight. Requests are all that were planned, failures all
//! that were not answered well.

use csv::Writer;

use crate::load::rate::Figures;
use crate::measure::window::per_second;
use crate::report::series::SeriesPoint;
use crate::report::{Fates, Latency, Report, RequestReport};

/// What stands where nothing is known.
const UNKNOWN: &str = "N/A";
const PERCENTILES: [&str; 11] =
    ["50%", "66%", "75%", "80%", "90%", "95%", "98%", "99%", "99.9%", "99.99%", "100%"];
const STATS: [&str; 11] = [
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
const HISTORY_BEGIN: [&str; 6] =
    ["Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"];
const HISTORY_END: [&str; 7] = [
    "Total Request Count",
    "Total Failure Count",
    "Total Median Response Time",
    "Total Average Response Time",
    "Total Min Response Time",
    "Total Max Response Time",
    "Total Average Content Size",
];

/// What is appended to the prefix of each file, and its content.
pub fn render(report: &Report) -> [(&'static str, String); 4] {
    [
        ("_stats.csv", text(&stats(report))),
        ("_stats_history.csv", text(&history(report))),
        ("_failures.csv", text(&failures(report))),
        // Exceptions of the user's own code, of which there is none.
        ("_exceptions.csv", text(&[row(["Count", "Message", "Traceback", "Nodes"])])),
    ]
}

type Row = Vec<String>;

fn row<const N: usize>(cells: [&str; N]) -> Row {
    cells.map(str::to_owned).to_vec()
}

fn text(rows: &[Row]) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("every row of a file has as many cells as its header");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("cells are UTF-8")
}

fn stats(report: &Report) -> Vec<Row> {
    let mut rows = vec![[row(STATS), row(PERCENTILES)].concat()];
    let line = |(kind, name): (&str, &str), fates: &Fates, times: &Latency, size: String| {
        let failed = fates.planned - fates.ok;
        let mut cells = row([kind, name]);
        cells.extend([fates.planned.to_string(), failed.to_string()]);
        cells.extend([times.p50, times.mean, times.min, times.max].map(|ns| time(times, ns)));
        cells.push(size);
        cells.extend([fates.planned, failed].map(|count| rate(count, report.duration)));
        cells.extend(percentiles(times).map(|ns| time(times, ns)));
        cells
    };
    rows.extend(report.requests.iter().map(|request| {
        let size = content_size(std::slice::from_ref(request));
        let name = (request.method.as_str(), request.name.as_str());
        line(name, &request.fates, &request.response_time, size)
    }));
    let size = content_size(&report.requests);
    rows.push(line(("", "Aggregated"), &report.fates, &report.response_time, size));
    rows
}

fn percentiles(times: &Latency) -> [u64; 11] {
    [
        times.p50,
        times.p66,
        times.p75,
        times.p80,
        times.p90,
        times.p95,
        times.p98,
        times.p99,
        times.p999,
        times.p9999,
        times.max,
    ]
}

fn content_size(requests: &[RequestReport]) -> String {
    let answers: u64 = requests.iter().flat_map(|request| request.statuses.values()).sum();
    let bytes: u64 = requests.iter().map(|request| request.bytes).sum();
    format!("{:.2}", bytes as f64 / answers.max(1) as f64)
}

fn time(times: &Latency, ns: u64) -> String {
    if times.count == 0 { UNKNOWN.to_owned() } else { milliseconds(ns) }
}

/// To the microsecond.
fn milliseconds(ns: u64) -> String {
    let text = format!("{:.3}", ns as f64 / 1e6);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn rate(count: u64, length_ns: u64) -> String {
    Figures(per_second(count, std::time::Duration::from_nanos(length_ns))).to_string()
}

/// The whole run, point by point; single names have no course of their own in a report.
fn history(report: &Report) -> Vec<Row> {
    let mut rows = vec![[row(HISTORY_BEGIN), row(PERCENTILES), row(HISTORY_END)].concat()];
    let start = report.started_at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let (mut planned, mut failed) = (0, 0);
    for point in &report.series {
        planned += point.planned;
        failed += point.failed;
        let second = start.saturating_add_unsigned(point.t / 1_000_000_000);
        let mut cells = vec![second.to_string(), point.in_flight.to_string()];
        cells.extend(row(["", "Aggregated"]));
        cells.extend([point.planned, point.failed].map(|count| rate(count, point.length)));
        cells.extend(course(point));
        cells.extend([planned, failed].map(|count| count.to_string()));
        cells.extend(row([UNKNOWN; 5]));
        rows.push(cells);
    }
    rows
}

/// The percentiles that a point of the series holds.
fn course(point: &SeriesPoint) -> [String; 11] {
    let known = |ns| if point.ok + point.censored == 0 { None } else { Some(ns) };
    PERCENTILES.map(|name| {
        let ns = match name {
            "50%" => known(point.p50),
            "95%" => known(point.p95),
            "99%" => known(point.p99),
            _ => None,
        };
        ns.map_or_else(|| UNKNOWN.to_owned(), milliseconds)
    })
}

/// A line for each way in which a request name failed.
fn failures(report: &Report) -> Vec<Row> {
    let mut rows = vec![row(["Method", "Name", "Error", "Occurrences"])];
    for request in &report.requests {
        for (error, count) in ways(request) {
            rows.push(row([&request.method, &request.name, &error, &count.to_string()]));
        }
    }
    rows
}

fn ways(request: &RequestReport) -> Vec<(String, u64)> {
    let broken = request.errors.iter().map(|(kind, count)| (kind.replace('_', " "), *count));
    let fates = request.fates.named().into_iter().filter_map(|(fate, count)| match fate {
        "ok" | "transport_error" => None,
        "bad_status" => Some((bad_status(request), count)),
        fate => Some((fate.replace('_', " "), count)),
    });
    fates.chain(broken).filter(|(_, count)| *count > 0).collect()
}

/// With the statuses that may be meant: which of them a request expects is not in the report.
fn bad_status(request: &RequestReport) -> String {
    let statuses = request.statuses.iter().filter(|(status, _)| !(200..300).contains(*status));
    let statuses: Vec<_> = statuses.map(|(status, count)| format!("{status}: {count}")).collect();
    format!("bad status ({})", statuses.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::golden;
    use crate::report::example::{CENSORED, FAILING, report};

    #[test]
    fn the_files_read_as_the_golden_ones_do() {
        for (end, text) in render(&report(FAILING)) {
            golden::check(&format!("locust{end}"), &text);
        }
    }

    #[test]
    fn every_row_has_the_headers_columns_and_counts_add_up() {
        for (end, text) in render(&report(CENSORED)) {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let columns = reader.headers().unwrap().len();
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert!(rows.iter().all(|row| row.len() == columns), "{end}");
            let last = rows.last().map(|row| row.iter().collect::<Vec<_>>());
            match end {
                "_stats.csv" => assert_eq!(last.unwrap()[1..4], ["Aggregated", "6000", "600"]),
                "_stats_history.csv" => assert_eq!(last.unwrap()[17..19], ["6000", "600"]),
                "_failures.csv" => {
                    let failed: u64 = rows.iter().map(|row| row[3].parse::<u64>().unwrap()).sum();
                    assert_eq!(failed, 600);
                }
                _ => assert!(rows.is_empty()),
            }
        }
    }

    #[test]
    fn names_may_hold_anything() {
        let mut report = report(FAILING);
        report.requests[0].name = "a,\"b\"\nc".to_owned();
        let [(_, text), ..] = render(&report);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let first = reader.records().next().unwrap().unwrap();
        assert_eq!(&first[1], "a,\"b\"\nc");
    }
}
