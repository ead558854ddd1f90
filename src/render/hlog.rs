//! [`HlogWriter`]: the journal as an HdrHistogram interval log, version 1.3, which HdrHistogram's tools in
//! Java, Python and elsewhere read. Times are in nanoseconds, the column of largest ones in milliseconds.
//!
//! Lines without a tag are response times, slots never answered among them with their age; those tagged
//! `send_lag` are the generator's own.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::measure::histogram::LatencyHistogram;
use crate::measure::window::{Interval, Window};
use crate::render::clean::CleanReport;
use crate::time::Offset;

/// Lines of a kind at most, but for what rounding adds.
const LINES_MAX: u64 = 3_600;

/// Writes a log.
#[derive(Debug)]
pub struct HlogWriter {
    text: String,
    line_length: Duration,
    open: Option<Interval>,
    /// End of the latest interval, and of the leg before its own: trials of a search follow each other.
    latest: Offset,
    base: Duration,
}

impl HlogWriter {
    /// For the journal of `report`.
    pub fn new(report: &CleanReport<'_>) -> Self {
        let seconds = report.duration / 1_000_000_000;
        let mut text = format!(
            "#[Logged by steadfire {}]\n#[Histogram log format version 1.3]\n",
            report.tool.version
        );
        if let Ok(start) = report.started_at.parse::<jiff::Timestamp>() {
            let _ = writeln!(
                text,
                "#[StartTime: {}.{:03} (seconds since epoch), {start}]",
                start.as_second(),
                start.subsec_millisecond()
            );
        }
        text += "#[Untagged: response times in ns; slots never answered count with their age]\n";
        text += "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";
        Self {
            text,
            line_length: Duration::from_secs(seconds.div_ceil(LINES_MAX).max(1)),
            open: None,
            latest: Offset::ZERO,
            base: Duration::ZERO,
        }
    }

    /// Takes the next interval of the journal.
    pub fn push(&mut self, interval: &Interval) {
        if interval.end < self.latest {
            self.close();
            self.base += self.latest.since(Offset::ZERO);
        }
        self.latest = interval.end;
        let open = match &mut self.open {
            Some(open) => {
                open.append(interval);
                open
            }
            None => self.open.insert(interval.clone()),
        };
        if open.length + interval.length / 2 >= self.line_length {
            self.close();
        }
    }

    /// The whole log.
    pub fn finish(mut self) -> String {
        self.close();
        self.text
    }

    fn close(&mut self) {
        let Some(Interval { end, length, window }) = self.open.take() else { return };
        let Window { response_time, send_lag, .. } = window;
        let mut times = response_time.answered;
        times.merge(&response_time.unanswered);
        let from = (self.base + end.since(Offset::ZERO)).saturating_sub(length);
        for (tag, times) in [("", &times), ("Tag=send_lag,", &send_lag)] {
            self.line(tag, from, length, times);
        }
    }

    fn line(&mut self, tag: &str, from: Duration, length: Duration, times: &LatencyHistogram) {
        let _ = writeln!(
            self.text,
            "{tag}{:.3},{:.3},{:.3},{}",
            from.as_secs_f64(),
            length.as_secs_f64(),
            times.max().as_secs_f64() * 1e3,
            STANDARD.encode(times.to_v2_deflated())
        );
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::report::{Report, example};

    fn interval(second: u64) -> Interval {
        let mut window = Window::default();
        for ms in 1..=20 {
            window.response_time.answered.record(Duration::from_millis(ms));
            window.send_lag.record(Duration::from_micros(ms));
        }
        window.response_time.unanswered.record(Duration::from_secs(5));
        let end = Offset::from_nanos(second * 1_000_000_000);
        Interval { end, length: Duration::from_secs(1), window }
    }

    fn log(report: &Report, ends: impl IntoIterator<Item = u64>) -> String {
        let mut writer = HlogWriter::new(&CleanReport::new(report));
        for end in ends {
            writer.push(&interval(end));
        }
        writer.finish()
    }

    #[test]
    fn a_reader_finds_every_entry() {
        let text = log(&example::report(example::GOOD), 1..=3);
        let mut counts = [0_u64; 2];
        let mut starts = Vec::new();
        for entry in IntervalLogIterator::new(text.as_bytes()) {
            let LogEntry::Interval(line) = entry.unwrap() else { continue };
            let bytes = STANDARD.decode(line.encoded_histogram()).unwrap();
            let mut reader = hdrhistogram::serialization::Deserializer::new();
            let times: hdrhistogram::Histogram<u64> = reader.deserialize(&mut &bytes[..]).unwrap();
            let tagged = line.tag().is_some();
            counts[usize::from(tagged)] += times.len();
            if !tagged {
                starts.push(line.start_timestamp().as_secs_f64());
                assert!((line.max() - 5_000.0).abs() < 6.0);
            }
        }
        assert_eq!(counts, [63, 60]);
        assert_eq!(starts, [0.0, 1.0, 2.0]);
    }

    #[test]
    fn trials_follow_each_other() {
        let text = log(&example::search_report(), [1, 2, 1, 2, 3]);
        let starts: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
            .filter_map(|line| line.split(',').next())
            .collect();
        assert_eq!(starts, ["0.000", "1.000", "2.000", "3.000", "4.000"]);
    }

    #[test]
    fn a_long_run_has_longer_lines() {
        let mut report = example::report(example::GOOD);
        report.duration = 8 * 3_600 * 1_000_000_000;
        let text = log(&report, 1..=160);
        assert_eq!(text.lines().filter(|line| line.starts_with("Tag=")).count(), 20);
    }
}
