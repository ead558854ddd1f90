//! The journal: one JSON line per interval, with the histograms themselves, so that a run can be put
//! together again from its lines.
//!
//! Where a slice of the run ends, its line also tells the request names apart. Quantiles stand beside the histograms for readers without an HDR decoder; when read back, the
//! histograms count.

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::measure::fate::{Fate, FateCounts};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::slice::{RequestSlice, Slice};
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
    /// Requests sent; lines of versions that did not tell are read as if each had ended at once.
    #[serde(default)]
    sent: Option<u64>,
    fates: Fates,
    slow: u64,
    in_flight: u64,
    waiting: u64,
    overdue: u64,
    response_time: Latency,
    send_lag: Latency,
    hdr: Blobs,
    /// The slice that ends here; its own length, since it may span several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slice: Option<SliceLine>,
}

/// What became of each request name since the slice before.
#[derive(Debug, Serialize, Deserialize)]
struct SliceLine {
    length: u64,
    requests: Vec<RequestLine>,
}

/// One request name; an absent blob is an empty histogram.
#[derive(Debug, Serialize, Deserialize)]
struct RequestLine {
    fates: Fates,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unanswered: Option<String>,
}

/// HDR V2 in base64.
#[derive(Debug, Serialize, Deserialize)]
struct Blobs {
    answered: String,
    unanswered: String,
    send_lag: String,
}

/// `interval` as a line, newline included, and the `slice` that ends with it.
#[expect(clippy::missing_panics_doc, reason = "a line holds nothing that JSON cannot")]
pub fn encode(interval: &Interval, slice: Option<&Slice>) -> String {
    let window = &interval.window;
    let line = Line {
        t: interval.end.as_nanos(),
        length: whole_nanos(interval.length),
        planned: window.planned,
        sent: Some(window.sent),
        fates: Fates::from(&window.fates),
        slow: window.slow,
        in_flight: window.gauges.in_flight,
        waiting: window.gauges.waiting,
        overdue: window.gauges.overdue,
        response_time: Latency::from(&LatencySummary::from(&window.response_time)),
        send_lag: Latency::from(&LatencySummary::from(&window.send_lag)),
        hdr: Blobs {
            answered: blob(&window.response_time.answered),
            unanswered: blob(&window.response_time.unanswered),
            send_lag: blob(&window.send_lag),
        },
        slice: slice.map(|slice| SliceLine {
            length: whole_nanos(slice.length),
            requests: slice.requests.iter().map(request_line).collect(),
        }),
    };
    let mut text = serde_json::to_string(&line).expect("a line is made of numbers and text");
    text.push('\n');
    text
}

/// The slice that ends with a line, if one does.
pub fn decode_slice(line: &str) -> io::Result<Option<Slice>> {
    /// The parts of [`Line`] that a slice needs.
    #[derive(Deserialize)]
    struct End {
        t: u64,
        slice: Option<SliceLine>,
    }
    let end: End = serde_json::from_str(line)?;
    let Some(slice) = end.slice else { return Ok(None) };
    let requests = slice.requests.iter().map(request_slice).collect::<io::Result<_>>()?;
    let length = Duration::from_nanos(slice.length);
    Ok(Some(Slice { end: Offset::from_nanos(end.t), length, requests }))
}

/// The interval that a line holds.
pub fn decode(line: &str) -> io::Result<Interval> {
    let line: Line = serde_json::from_str(line)?;
    let send_lag = histogram(&line.hdr.send_lag)?;
    Ok(Interval {
        end: Offset::from_nanos(line.t),
        length: Duration::from_nanos(line.length),
        window: Window {
            planned: line.planned,
            fates: counts(&line.fates),
            slow: line.slow,
            response_time: CensoredHistogram {
                answered: histogram(&line.hdr.answered)?,
                unanswered: histogram(&line.hdr.unanswered)?,
            },
            sent: line.sent.unwrap_or(send_lag.count()),
            send_lag,
            gauges: Gauges {
                in_flight: line.in_flight,
                waiting: line.waiting,
                overdue: line.overdue,
            },
            ..Window::default()
        },
    })
}

fn request_line(request: &RequestSlice) -> RequestLine {
    let unless_empty = |times: &LatencyHistogram| (times.count() > 0).then(|| blob(times));
    RequestLine {
        fates: Fates::from(&request.fates),
        answered: unless_empty(&request.response_time.answered),
        unanswered: unless_empty(&request.response_time.unanswered),
    }
}

fn request_slice(line: &RequestLine) -> io::Result<RequestSlice> {
    let times = |blob: &Option<String>| match blob {
        Some(blob) => histogram(blob),
        None => Ok(LatencyHistogram::default()),
    };
    let response_time = CensoredHistogram {
        answered: times(&line.answered)?,
        unanswered: times(&line.unanswered)?,
    };
    Ok(RequestSlice { fates: counts(&line.fates), response_time })
}

fn counts(fates: &Fates) -> FateCounts {
    let counts: [u64; Fate::COUNT] = fates.named().map(|(_, count)| count);
    FateCounts::from_array(counts)
}

fn blob(times: &LatencyHistogram) -> String {
    STANDARD.encode(times.to_v2())
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
    use crate::measure::slice::Ended;

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
        let line = encode(&interval, None);
        assert_eq!(line.matches('\n').count(), 1);
        let back = decode(&line).unwrap();
        assert_eq!((back.end, back.length), (interval.end, interval.length));
        let (ours, theirs) = (&interval.window, &back.window);
        assert_eq!(
            (theirs.planned, theirs.fates, theirs.gauges),
            (ours.planned, ours.fates, ours.gauges)
        );
        assert_eq!(encode(&back, None), line);
        assert_eq!(decode_slice(&line).unwrap(), None, "as in journals without slices");
    }

    #[test]
    fn a_line_holds_the_slice_that_ends_with_it() {
        let mut requests = vec![RequestSlice::default(); 2];
        for (fate, ms) in [(Fate::Ok, 3), (Fate::Ok, 4), (Fate::Open, 900)] {
            requests[1].record(Ended::new(1, fate, Duration::from_millis(ms)));
        }
        let interval = interval(7);
        let slice = Slice { end: interval.end, length: Duration::from_secs(6), requests };
        let line = encode(&interval, Some(&slice));
        assert_eq!(decode_slice(&line).unwrap(), Some(slice));
        assert_eq!(decode(&line).unwrap().window.planned, interval.window.planned);
    }

    #[test]
    fn damaged_lines_are_refused() {
        let line = encode(&interval(1), None);
        assert!(decode(&line[..line.len() / 2]).is_err());
        assert!(decode(&line.replace("\"answered\":\"", "\"answered\":\"!")).is_err());
        assert!(decode(&line.replace("\"answered\":\"", "\"answered\":\"AAAA")).is_err());
    }
}
