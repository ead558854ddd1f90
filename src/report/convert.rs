//! From what was measured and judged to what the contract calls it.
//!
//! Types of the core may change freely; the contract's names stand in this module's parent.

use std::time::Duration;

use crate::analysis::findings::Finding;
use crate::analysis::slo::{MeasuredValue, ObjectiveVerdict};
use crate::load::slo::Objective;
use crate::measure::fate::FateCounts;
use crate::measure::histogram::Quantile;
use crate::measure::millionths::millionths;
use crate::measure::summary::LatencySummary;
use crate::measure::traffic::Traffic;
use crate::measure::window::per_second;
use crate::report::{Fates, FindingReport, Latency, Metric, ObjectiveReport, Rates};
use crate::time::whole_nanos;

impl From<&FateCounts> for Fates {
    fn from(counts: &FateCounts) -> Self {
        let [ok, bad_status, check_failed, transport_error, timeout, shed, unsent, open] =
            *counts.as_array();
        Self {
            planned: counts.planned(),
            ok,
            bad_status,
            check_failed,
            transport_error,
            timeout,
            shed,
            unsent,
            open,
        }
    }
}

impl Rates {
    /// Those of a measurement of `length` that was asked for `target` per second.
    pub fn new(target: f64, traffic: Traffic, length: Duration) -> Self {
        let rate = |count| millionths(per_second(count, length));
        Self {
            target: millionths(target),
            achieved: rate(traffic.within.sent),
            ended: Some(rate(traffic.within.ended)),
            throughput_ok: rate(traffic.within.good),
            drain_ok: traffic.after.good,
        }
    }
}

impl From<&LatencySummary> for Latency {
    fn from(summary: &LatencySummary) -> Self {
        let ns = |quantile: Quantile| whole_nanos(quantile.value);
        let figures = [
            ("min", summary.min),
            ("mean", summary.mean),
            ("p50", summary.p50),
            ("p66", summary.p66),
            ("p75", summary.p75),
            ("p80", summary.p80),
            ("p90", summary.p90),
            ("p95", summary.p95),
            ("p98", summary.p98),
            ("p99", summary.p99),
            ("p999", summary.p999),
            ("p9999", summary.p9999),
            ("max", summary.max),
        ];
        let bounds = figures.iter().filter(|(_, quantile)| quantile.at_least);
        Self {
            count: summary.count,
            min: ns(summary.min),
            mean: ns(summary.mean),
            p50: ns(summary.p50),
            p66: ns(summary.p66),
            p75: ns(summary.p75),
            p80: ns(summary.p80),
            p90: ns(summary.p90),
            p95: ns(summary.p95),
            p98: ns(summary.p98),
            p99: ns(summary.p99),
            p999: ns(summary.p999),
            p9999: ns(summary.p9999),
            max: ns(summary.max),
            censored: summary.censored,
            at_least: bounds.map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

impl From<&Finding> for FindingReport {
    fn from(finding: &Finding) -> Self {
        Self {
            id: finding.cause.id().to_owned(),
            severity: finding.severity,
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

impl From<&ObjectiveVerdict> for ObjectiveReport {
    fn from(judged: &ObjectiveVerdict) -> Self {
        let (metric, limit) = match judged.objective.as_written() {
            Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. } => {
                (Metric::ResponseTime, whole_nanos(limit) as f64)
            }
            Objective::ErrorRate { limit, .. } => (Metric::ErrorRate, limit),
            Objective::Throughput { limit, .. } => (Metric::Throughput, limit),
        };
        let (measured, at_least) = match judged.measured {
            MeasuredValue::Time(time) => (Some(whole_nanos(time.value) as f64), time.at_least),
            MeasuredValue::Share(figure) | MeasuredValue::PerSecond(figure) => {
                (Some(figure), false)
            }
            MeasuredValue::Nothing => (None, false),
        };
        Self {
            objective: judged.objective.to_string(),
            metric,
            limit: millionths(limit),
            measured: measured.map(millionths),
            at_least,
            holds: judged.holds,
            why: judged.why_not_judged().map(str::to_owned),
        }
    }
}
