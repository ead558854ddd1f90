//! `name value` lines, as commands print them, to readings.

use crate::measure::monitored::{Reading, Reads, one_line};

/// The unit of a figure by the end of its name, as is usual in Prometheus; growth is per second.
pub(super) fn unit(name: &str, reads: Reads) -> &'static str {
    let stem = ["_total", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    match (reads, stem.ends_with("_seconds"), stem.ends_with("_bytes")) {
        (Reads::Level, true, _) => "s",
        (Reads::Level, _, true) => "B",
        (Reads::Level, ..) => "",
        (Reads::Growth, true, _) => "s/s",
        (Reads::Growth, _, true) => "B/s",
        (Reads::Growth, ..) => "/s",
    }
}

/// Lines that end in a number; the rest of them is the name, and one that ends in `_total` is a counter.
/// Other lines are passed over.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let lines = text.lines().filter_map(|line| {
        let (name, value) = line.trim().rsplit_once(|c: char| c.is_whitespace() || c == '=')?;
        let value: f64 = value.parse().ok().filter(|value: &f64| value.is_finite())?;
        let name = one_line(name.trim_end_matches([':', '=', ' ', '\t']));
        let reads = if name.ends_with("_total") { Reads::Growth } else { Reads::Level };
        let unit = unit(&name, reads);
        (!name.is_empty()).then_some(Reading { name, unit, reads, value })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_end_in_a_number_are_read() {
        let text = "queue_depth 4\nopen files: 17\nrss_bytes=1e6\njobs_total 9\n\n# a comment\nbad x\n\
                    12\nnan NaN\n\u{1b}[31mred 1\n";
        let seen: Vec<(String, &str, Reads, f64)> =
            readings(text).into_iter().map(|r| (r.name, r.unit, r.reads, r.value)).collect();
        let row = |name: &str, unit, reads, value| (name.to_owned(), unit, reads, value);
        assert_eq!(
            seen,
            [
                row("queue_depth", "", Reads::Level, 4.0),
                row("open files", "", Reads::Level, 17.0),
                row("rss_bytes", "B", Reads::Level, 1e6),
                row("jobs_total", "/s", Reads::Growth, 9.0),
                row("[31mred", "", Reads::Level, 1.0),
            ]
        );
    }

    #[test]
    fn units_follow_from_names() {
        let table = [
            ("http_request_duration_seconds_sum", Reads::Growth, "s/s"),
            ("sent_bytes_total", Reads::Growth, "B/s"),
            ("uptime_seconds", Reads::Level, "s"),
            ("http_requests_total", Reads::Growth, "/s"),
            ("depth", Reads::Level, ""),
        ];
        for (name, reads, expected) in table {
            assert_eq!(unit(name, reads), expected, "{name}");
        }
    }
}
