//! [`figures`]: what two results show beside each other where nobody may judge them.

use crate::analysis::compare::comparison::Metric;
use crate::analysis::compare::decision::Scale;
use crate::measure::millionths::millionths;
use crate::report::comparison::{MetricReport, Word};
use crate::report::{Latency, Report};

/// Figures of all requests together, as far as both results have them: changes without an interval.
pub fn figures(a: &Report, b: &Report) -> Vec<MetricReport> {
    let metrics =
        [Metric::MaxRps, Metric::P50, Metric::P95, Metric::P99, Metric::Errors, Metric::Throughput];
    let both = |metric| Some((metric, figure(a, metric)?, figure(b, metric)?));
    metrics.into_iter().filter_map(both).map(|(metric, a, b)| row(metric, a, b)).collect()
}

/// A result's figure: ns, a share or per second.
#[derive(Clone, Copy, Debug)]
struct Figure {
    value: f64,
    at_least: bool,
}

fn figure(report: &Report, metric: Metric) -> Option<Figure> {
    let times: &Latency = &report.response_time;
    let exactly = |value| Figure { value, at_least: false };
    let time = |ns: u64| Figure { value: ns as f64, at_least: times.bounds(metric.name()) };
    let found = match metric {
        Metric::P50 => time(times.p50),
        Metric::P95 => time(times.p95),
        Metric::P99 => time(times.p99),
        Metric::Errors => exactly(report.error_rate),
        Metric::Throughput => exactly(report.rate.throughput_ok),
        Metric::MaxRps => {
            let max = report.search.as_ref()?.max_rps;
            Figure { value: max.estimate, at_least: max.high.is_none() }
        }
    };
    (metric.quantile() <= 0.0 || times.count > 0).then_some(found)
}

fn row(metric: Metric, a: Figure, b: Figure) -> MetricReport {
    let change = match metric.scale() {
        Scale::Difference => b.value - a.value,
        Scale::Ratio if a.value > 0.0 => b.value / a.value - 1.0,
        Scale::Ratio => 0.0,
    };
    let change = millionths(change);
    MetricReport {
        metric,
        request: None,
        gating: false,
        a: millionths(a.value),
        a_at_least: a.at_least,
        b: millionths(b.value),
        b_at_least: b.at_least,
        change,
        low: change,
        high: change,
        confidence: 0.0,
        margin: 0.0,
        detectable: 0.0,
        word: Word::NotComparable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{CENSORED, GOOD, report, search_report};

    #[test]
    fn figures_stand_beside_each_other_without_a_judgement() {
        let rows = figures(&report(GOOD), &report(CENSORED));
        let names: Vec<&str> = rows.iter().map(|row| row.metric.name()).collect();
        assert_eq!(names, ["p50", "p95", "p99", "errors", "throughput"]);
        let p99 = &rows[2];
        assert!(p99.b_at_least && !p99.a_at_least && p99.b > p99.a);
        assert!(rows.iter().all(|row| row.confidence <= 0.0 && row.word == Word::NotComparable));
        let searches = figures(&search_report(), &search_report());
        assert!(searches[0].a > 0.0 && searches[0].change.abs() < 1e-9);
    }
}
