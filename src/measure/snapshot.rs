//! [`Snapshot`]: what someone who watches a run sees, once per interval.
//!
//! Small and self-contained, so that a slow viewer may miss some and loses nothing but those.

use std::time::Duration;

use crate::measure::fate::FateCounts;
use crate::measure::histogram::Quantile;
use crate::measure::window::{Gauges, Interval, per_second};
use crate::time::Offset;

/// The state of a run at the end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Now.
    pub at: Offset,
    /// Planned end of the arrivals.
    pub end: Offset,
    /// Slots that have ended since the start.
    pub total: FateCounts,
    /// Slots that came due within the interval, per second.
    pub planned: f64,
    /// Requests sent within it, per second.
    pub achieved: f64,
    /// Good answers within it.
    pub ok: u64,
    /// Slots that ended otherwise within it.
    pub failed: u64,
    /// Levels now.
    pub gauges: Gauges,
    /// Median response time within the interval.
    pub p50: Quantile,
    /// 95th percentile of the response time within the interval.
    pub p95: Quantile,
    /// 99th percentile of the send lag within the interval.
    pub send_lag_p99: Duration,
}

impl Snapshot {
    /// At the close of `interval`, given the totals up to it.
    pub fn new(interval: &Interval, total: FateCounts, end: Offset) -> Self {
        let window = &interval.window;
        Self {
            at: interval.end,
            end,
            total,
            planned: per_second(window.planned, interval.length),
            achieved: interval.achieved(),
            ok: window.fates.ok(),
            failed: window.fates.failed(),
            gauges: window.gauges,
            p50: window.response_time.quantile(0.5),
            p95: window.response_time.quantile(0.95),
            send_lag_p99: window.send_lag.quantile(0.99),
        }
    }
}
