//! The journal: one JSON line per interval, with the histograms themselves, so that a run can be put
//! together again from its lines.
//!
//! Quantiles stand beside the histograms for readers without an HDR decoder; when read back, the
//! histograms count.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::measure::fate::{Fate, FateCounts};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::summary::LatencySummary;
use crate::measure::window::{Gauges, Interval, Window};
use crate::report::{Fates, Latency};
use crate::time::{Offset, whole_nanos};

/// One line. Times in ns.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    t: u64,
    length: u64,
    /// Slots that came due; `fates.planned` is the number that ended.
    planned: u64,
    fates: Fates,
    slow: u64,
    in_flight: u64,
    waiting: u64,
    overdue: u64,
    response_time: Latency,
    send_lag: Latency,
    hdr: Blobs,
}

/// HDR V2 in base64.
#[derive(Debug, Serialize, Deserialize)]
struct Blobs {
    answered: String,
    unanswered: String,
    send_lag: String,
}

/// `interval` as a line, newline included.
#[expect(clippy::missing_panics_doc, reason = "a line holds nothing that JSON cannot")]
pub fn encode(interval: &Interval) -> String {
    let window = &interval.window;
    let line = Line {
        t: interval.end.as_nanos(),
        length: whole_nanos(interval.length),
        planned: window.planned,
        fates: Fates::from(&window.fates),
        slow: window.slow,
        in_flight: window.gauges.in_flight,
        waiting: window.gauges.waiting,
        overdue: window.gauges.overdue,
        response_time: Latency::from(&LatencySummary::from(&window.response_time)),
        send_lag: Latency::from(&LatencySummary::from(&window.send_lag)),
        hdr: Blobs {
            answered: STANDARD.encode(window.response_time.answered.to_v2()),
            unanswered: STANDARD.encode(window.response_time.unanswered.to_v2()),
            send_lag: STANDARD.encode(window.send_lag.to_v2()),
        },
    };
    let mut text = serde_json::to_string(&line).expect("a line is made of numbers and text");
    text.push('\n');
    text
}

/// The interval that a line holds.
pub fn decode(line: &str) -> io::Result<Interval> {
    let line: Line = serde_json::from_str(line)?;
    let counts: [u64; Fate::COUNT] = line.fates.named().map(|(_, count)| count);
    Ok(Interval {
        end: Offset::from_nanos(line.t),
        length: Duration::from_nanos(line.length),
        window: Window {
            planned: line.planned,
            fates: FateCounts::from_array(counts),
            slow: line.slow,
            response_time: CensoredHistogram {
                answered: histogram(&line.hdr.answered)?,
                unanswered: histogram(&line.hdr.unanswered)?,
            },
            send_lag: histogram(&line.hdr.send_lag)?,
            gauges: Gauges {
                in_flight: line.in_flight,
                waiting: line.waiting,
                overdue: line.overdue,
            },
        },
    })
}

fn histogram(blob: &str) -> io::Result<LatencyHistogram> {
    let damaged = |fault: &dyn std::error::Error| {
        io::Error::new(io::ErrorKind::InvalidData, fault.to_string())
    };
    let bytes = STANDARD.decode(blob).map_err(|fault| damaged(&fault))?;
    LatencyHistogram::from_v2(&bytes).map_err(|fault| damaged(&fault))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An interval that ends at `second` with three good answers and one timeout.
    pub(crate) fn interval(second: u64) -> Interval {
        let mut window = Window { planned: 5, slow: 1, ..Window::default() };
        for fate in [Fate::Ok, Fate::Ok, Fate::Ok, Fate::Timeout] {
            window.fates.record(fate);
        }
        for ms in [3, 4, 1_500] {
            window.response_time.answered.record(Duration::from_millis(ms));
            window.send_lag.record(Duration::from_micros(ms));
        }
        window.response_time.unanswered.record(Duration::from_secs(5));
        window.gauges = Gauges { in_flight: 2, waiting: 1, overdue: 1 };
        let end = Offset::from_nanos(second * 1_000_000_000);
        Interval { end, length: Duration::from_secs(1), window }
    }

    #[test]
    fn a_line_holds_the_whole_interval() {
        let interval = interval(7);
        let line = encode(&interval);
        assert_eq!(line.matches('\n').count(), 1);
        let back = decode(&line).unwrap();
        assert_eq!((back.end, back.length), (interval.end, interval.length));
        let (ours, theirs) = (&interval.window, &back.window);
        assert_eq!(
            (theirs.planned, theirs.fates, theirs.gauges),
            (ours.planned, ours.fates, ours.gauges)
        );
        assert_eq!(encode(&back), line);
    }

    #[test]
    fn damaged_lines_are_refused() {
        let line = encode(&interval(1));
        assert!(decode(&line[..line.len() / 2]).is_err());
        assert!(decode(&line.replace("\"answered\":\"", "\"answered\":\"!")).is_err());
        assert!(decode(&line.replace("\"answered\":\"", "\"answered\":\"AAAA")).is_err());
    }
}
