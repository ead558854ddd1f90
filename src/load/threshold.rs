//! k6's thresholds, `http_req_duration:p(95)<500`, as objectives. What has no equivalent is refused with what
//! to write instead, since a limit that is not judged looks like one that holds.

use crate::load::slo::{Objective, SloError};

/// The tag of the answers that response times are taken of here as well.
const GOOD_ANSWERS: &str = "expected_response:true";

/// Metric and expression of a threshold; nothing where the text names no metric.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let tags = text.find('}').unwrap_or(0);
    let (metric, expression) = text[tags..].split_once(':')?;
    Some((&text[..tags + metric.len()], expression))
}

/// The objective that `expression` on k6's `metric`, with its tags, stands for.
///
/// # Errors
/// There is none; the error says what to write instead.
pub fn objective(metric: &str, expression: &str) -> Result<Objective, SloError> {
    let expression: String = expression.split_whitespace().collect();
    let refused = |remedy: String| SloError::new(&format!("{metric}:{expression}"), remedy);
    let (name, tags) = metric.trim().split_once('{').unwrap_or((metric.trim(), ""));
    let tags: String = tags.trim_end_matches('}').split_whitespace().collect();
    if !tags.is_empty() && tags != GOOD_ANSWERS {
        return Err(refused(format!(
            "a limit on some requests stands with them in the profile: slo: {expression}"
        )));
    }
    let at = expression.find(['<', '>', '=', '!']).unwrap_or(expression.len());
    let (aggregate, condition) = expression.split_at(at);
    let number = condition.trim_start_matches(['<', '>', '=']).parse::<f64>().ok();
    let above = condition.starts_with('>').then_some(number).flatten();
    let exactly = condition.starts_with("==").then_some(number).flatten();
    let or_equal = condition.get(1..2) == Some("=");
    let share = |limit: f64| Objective::errors((limit * 1e9).round() / 1e9, or_equal);
    match (name, aggregate) {
        ("http_req_duration", "avg" | "med" | "max") => expression.parse(),
        ("http_req_duration", quantile) if quantile.starts_with("p(") => expression.parse(),
        ("http_req_duration", aggregate) => Err(refused(of_times(aggregate).to_owned())),
        ("http_req_failed", "rate") if exactly == Some(0.0) => Ok(share(0.0)),
        ("http_req_failed", "rate") if condition.starts_with('<') => expression.parse(),
        ("checks", "rate") => match above.or(exactly.filter(|share| *share >= 1.0)) {
            Some(least) if (0.0..=1.0).contains(&least) => Ok(share(1.0 - least)),
            _ => Err(refused("checks are limited from below, as checks:rate>0.95".to_owned())),
        },
        ("http_reqs", "rate") if above.is_some() => format!("rps{condition}").parse(),
        (name, aggregate) => Err(refused(remedy(name, aggregate).to_owned())),
    }
}

/// What to write instead of an aggregate of times that is no objective.
pub(super) fn of_times(aggregate: &str) -> &'static str {
    match aggregate {
        "min" => "a minimum says nothing of what users meet; limit med or p(95)",
        "count" => "the number of requests is the schedule's: --rate and --duration, or --requests",
        _ => "response times have avg, med, max and p(N), as p(95)<500",
    }
}

fn remedy(name: &str, aggregate: &str) -> &'static str {
    match (name, aggregate) {
        ("http_req_failed", _) => "write http_req_failed:rate<0.01, or errors<1%",
        (_, "count") if name != "dropped_iterations" => of_times("count"),
        ("http_reqs", _) => "write http_reqs:rate>100, or rps>100; from above --rate limits it",
        ("dropped_iterations", _) => {
            "arrivals that are not sent are shed and count as errors; write errors<1%"
        }
        ("iteration_duration", _) => "objectives are about single requests; write p(95)<500",
        (part, _) if part.starts_with("http_req_") => {
            "objectives are about the whole response time, p(95)<500; its parts are in the result"
        }
        _ => {
            "of k6's metrics http_req_duration, http_req_failed, checks and http_reqs have an equivalent"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_with_a_metric_are_read() {
        let table = [
            ("http_req_duration:p(95)<500", "p95<500ms"),
            ("http_req_duration: p(99.9) < 1500.5", "p99.9<1500.5ms"),
            ("http_req_duration{expected_response:true}:avg<200", "mean<200ms"),
            ("http_req_duration:max<2000", "max<2s"),
            ("http_req_failed:rate<0.01", "errors<1%"),
            ("http_req_failed:rate==0", "errors<=0"),
            ("checks:rate>0.95", "errors<5%"),
            ("checks:rate>=0.9", "errors<=10%"),
            ("checks:rate==1.0", "errors<=0"),
            ("http_reqs:rate>100", "rps>100"),
        ];
        for (threshold, objective) in table {
            let read: Objective = threshold.parse().unwrap();
            assert_eq!(read, objective.parse().unwrap(), "{threshold}");
        }
    }

    #[test]
    fn thresholds_without_an_equivalent_are_named_with_what_to_write() {
        let table = [
            ("rate>0.95", "checks:rate>0.95"),
            ("min<20", "limit med or p(95)"),
            ("count>100", "--requests"),
            ("http_req_duration:min<20", "limit med or p(95)"),
            ("http_req_duration:rate<20", "p(95)<500"),
            ("http_req_duration{name:list}:p(95)<500", "profile: slo: p(95)<500"),
            ("http_req_duration{a:b}:med<5", "profile: slo: med<5"),
            ("http_req_failed:rate>0.5", "errors<1%"),
            ("http_req_waiting:p(95)<500", "whole response time"),
            ("checks:rate<0.5", "checks:rate>0.95"),
            ("checks:rate>95", "checks:rate>0.95"),
            ("http_reqs:count>100", "--requests"),
            ("http_reqs:rate<100", "--rate limits it"),
            ("dropped_iterations:count<1", "errors<1%"),
            ("my_trend:p(95)<500", "have an equivalent"),
        ];
        for (threshold, words) in table {
            let refused = threshold.parse::<Objective>().unwrap_err();
            assert_eq!(refused.part, threshold);
            assert!(refused.remedy.contains(words), "{threshold}: {refused}");
        }
    }
}
