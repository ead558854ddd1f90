//! [`Summary`]: a run's totals, and [`LatencySummary`], a distribution in a dozen figures.
//!
//! Verdicts and reports are made from these; every rate here is derived from the ledger, never counted
//! apart from it.

use std::time::Duration;

use crate::measure::fate::TransportError;
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram, Quantile};
use crate::measure::sample::Phase;
use crate::measure::tally::{RequestTally, Tally};
use crate::measure::window::per_second;

/// A distribution in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// Entries, censored ones included.
    pub count: u64,
    /// Entries that were never answered.
    pub censored: u64,
    /// Smallest.
    pub min: Quantile,
    /// Arithmetic mean.
    pub mean: Quantile,
    /// Median.
    pub p50: Quantile,
    /// 66th percentile.
    pub p66: Quantile,
    /// 75th percentile.
    pub p75: Quantile,
    /// 80th percentile.
    pub p80: Quantile,
    /// 90th percentile.
    pub p90: Quantile,
    /// 95th percentile.
    pub p95: Quantile,
    /// 98th percentile.
    pub p98: Quantile,
    /// 99th percentile.
    pub p99: Quantile,
    /// 99.9th percentile.
    pub p999: Quantile,
    /// 99.99th percentile.
    pub p9999: Quantile,
    /// Largest.
    pub max: Quantile,
}

impl From<&CensoredHistogram> for LatencySummary {
    fn from(times: &CensoredHistogram) -> Self {
        Self {
            count: times.count(),
            censored: times.unanswered.count(),
            min: times.min(),
            mean: times.mean(),
            p50: times.quantile(0.5),
            p66: times.quantile(0.66),
            p75: times.quantile(0.75),
            p80: times.quantile(0.8),
            p90: times.quantile(0.9),
            p95: times.quantile(0.95),
            p98: times.quantile(0.98),
            p99: times.quantile(0.99),
            p999: times.quantile(0.999),
            p9999: times.quantile(0.9999),
            max: times.max(),
        }
    }
}

impl From<&LatencyHistogram> for LatencySummary {
    fn from(times: &LatencyHistogram) -> Self {
        let at = |q| Quantile::exact(times.quantile(q));
        Self {
            count: times.count(),
            censored: 0,
            min: Quantile::exact(times.min()),
            mean: Quantile::exact(times.mean()),
            p50: at(0.5),
            p66: at(0.66),
            p75: at(0.75),
            p80: at(0.8),
            p90: at(0.9),
            p95: at(0.95),
            p98: at(0.98),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: Quantile::exact(times.max()),
        }
    }
}

/// A run's totals.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Length of the measurement, for rates; the drain does not count.
    pub length: Duration,
    /// Fates, errors, statuses, response and service times of all request names together.
    pub total: RequestTally,
    /// Of failures that came with an answer or a part of one.
    pub failed_response_time: LatencySummary,
    /// From sent to first byte.
    pub first_byte: LatencySummary,
    /// From due to sent.
    pub send_lag: LatencySummary,
    /// From due to taken up by a worker; no entries if that was not recorded.
    pub dispatch_lag: LatencySummary,
    /// Times to open a connection, those after a timeout apart.
    pub connect: LatencySummary,
    /// Times to open connections in place of those given up at a timeout.
    pub reconnect: LatencySummary,
    /// Times to set up TLS.
    pub tls: LatencySummary,
}

impl Summary {
    /// The totals of `tally` over a measurement of `length`.
    pub fn new(tally: &Tally, length: Duration) -> Self {
        let total = tally.all_requests();
        Self {
            length,
            first_byte: (&total.phase(Phase::FirstByte)).into(),
            total,
            failed_response_time: tally.failed_response_time().into(),
            send_lag: tally.send_lag().into(),
            dispatch_lag: tally.dispatch_lag().into(),
            connect: tally.connect().into(),
            reconnect: tally.reconnect().into(),
            tls: tally.tls().into(),
        }
    }

    /// Requests sent per second while requests came due.
    pub fn achieved(&self) -> f64 {
        per_second(self.total.traffic.within.sent, self.length)
    }

    /// Requests per second that ended meanwhile, well or not.
    pub fn ended(&self) -> f64 {
        per_second(self.total.traffic.within.ended, self.length)
    }

    /// Good answers per second meanwhile: what the target served. Those of the drain are left out.
    pub fn throughput_ok(&self) -> f64 {
        per_second(self.total.traffic.within.good, self.length)
    }

    /// Share of planned slots without a good answer, 0 to 1.
    pub fn error_rate(&self) -> f64 {
        self.total.fates.error_rate()
    }

    /// Exchanges that broke with `kind`.
    pub const fn errors(&self, kind: TransportError) -> u64 {
        self.total.errors[kind.index()]
    }

    /// Answers with `status` where another was expected.
    pub fn bad_answers(&self, status: u16) -> u64 {
        self.total.bad_statuses.get(&status).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;
    use crate::measure::sample::{Sample, Wait};
    use crate::time::Offset;

    #[test]
    fn rates_come_from_the_ledger() {
        let mut tally = Tally::new(1);
        let at = Offset::from_nanos;
        let ok = Sample {
            taken: None,
            wait: Wait::default(),
            request: 0,
            due: at(0),
            sent: Some(at(10)),
            first_byte: Some(at(20)),
            done: at(30),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 5,
        };
        for _ in 0..6 {
            tally.record(&ok);
        }
        tally.record(&Sample { fate: Fate::BadStatus, status: Some(429), ..ok });
        tally.record(&Sample {
            fate: Fate::Shed,
            sent: None,
            first_byte: None,
            status: None,
            ..ok
        });
        let summary = Summary::new(&tally, Duration::from_secs(2));
        assert!((summary.achieved() - 3.5).abs() < 1e-12);
        assert!((summary.throughput_ok() - 3.0).abs() < 1e-12);
        assert!((summary.error_rate() - 0.25).abs() < 1e-12);
        let bad = (summary.bad_answers(429), summary.bad_answers(200));
        assert_eq!((bad, summary.total.bytes), ((1, 0), 40));
        let times = LatencySummary::from(&summary.total.response_time);
        assert_eq!((times.count, times.censored), (7, 1));
        assert!(times.p90.at_least && !times.p50.at_least);
    }
}
