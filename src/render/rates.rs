//! A result's rates in words, the same for every format.

use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::report::Report;

/// The share of good answers from which on those of the drain are worth a sentence: a request or two are
/// under way whenever arrivals end.
const DRAIN_SHARE: f64 = 0.01;
/// Per second; below, a whole number would be another rate.
const WHOLE_FROM: f64 = 10.0;

/// `asked 200/s, sent 200/s, ended 200/s, answered well 199/s`.
pub(super) fn clause(report: &Report) -> String {
    let (rate, plan) = (&report.rate, &report.plan);
    let mean = if plan.stages.is_some() { " on average" } else { "" };
    let ended = rate.ended.map_or_else(String::new, |rate| format!("ended {}/s, ", Figures(rate)));
    format!(
        "asked {}/s{mean}, sent {}/s, {ended}answered well {}/s",
        Figures(rate.target),
        Figures(rate.achieved),
        Figures(rate.throughput_ok)
    )
}

/// What the drain brought, where that is a good part of the answers.
pub(super) fn drained(report: &Report) -> Option<String> {
    let (drained, good) = (report.rate.drain_ok, report.fates.ok);
    (drained as f64 > DRAIN_SHARE * good as f64).then(|| {
        format!(
            "{} of {} good answers came in the drain, after the last arrival, and are in no rate",
            Count(drained),
            Count(good)
        )
    })
}

/// A rate to plan for: whole, and never rounded up; a small one as it is.
pub(super) fn safe(rate: f64) -> Figures {
    Figures(if rate >= WHOLE_FROM { rate.floor() } else { rate })
}

/// A rate that is known roughly: whole, but for a small one.
pub(super) fn rough(rate: f64) -> Figures {
    Figures(if rate >= WHOLE_FROM { rate.round() } else { rate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_small_rate_to_plan_for_is_not_zero() {
        for (rate, safe_rate, rough_rate) in
            [(0.513, "0.513", "0.513"), (9.7, "9.7", "9.7"), (297.8, "297", "298")]
        {
            assert_eq!(safe(rate).to_string(), safe_rate);
            assert_eq!(rough(rate).to_string(), rough_rate);
        }
    }

    #[test]
    fn what_the_drain_brought_is_told_apart() {
        let mut report = example::report(example::GOOD);
        assert_eq!(clause(&report), "asked 200/s, sent 200/s, ended 200/s, answered well 200/s");
        assert_eq!(drained(&report), None);
        report.rate.ended = None;
        assert_eq!(clause(&report), "asked 200/s, sent 200/s, answered well 200/s");
        report.rate.drain_ok = 1_200;
        let told = drained(&report).expect("a fifth");
        assert!(told.starts_with("1,200 of 6,000 good answers came in the drain"), "{told}");
    }
}
