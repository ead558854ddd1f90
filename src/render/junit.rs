//! A report for whatever collects test results: each objective is a test, and so is the measurement itself.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::render::clean::CleanReport;
use crate::render::text;
use crate::report::search::{Bound, SearchReport};
use crate::report::{Holds, ObjectiveReport, Outcome, Report, Severity};

/// JUnit's XML.
pub fn render(report: &CleanReport<'_>) -> String {
    let mut suite = TestSuite::new(report.plan.name.as_str());
    suite.set_time(Duration::from_nanos(report.duration));
    suite.add_test_case(measurement(report));
    suite.add_test_cases(report.search.as_ref().map(|search| found(report, search)));
    suite.add_test_cases(report.every_objective().map(|(name, one)| objective(report, &name, one)));
    suite.add_property(("target", report.plan.origin.as_str()));
    suite.add_property(("rate", report.rate.target.to_string().as_str()));
    suite.add_property(("started_at", report.started_at.as_str()));
    suite.set_system_out(text::render(report, text::Form::Full, crate::render::Style::Plain));
    let mut document = quick_junit::Report::new("steadfire");
    document.add_test_suite(suite);
    document.to_string().unwrap_or_default()
}

/// Whether what was measured can be trusted and is whole.
fn measurement(report: &Report) -> TestCase {
    let status = match report.verdict.outcome {
        Outcome::Pass | Outcome::Fail => TestCaseStatus::success(),
        Outcome::Invalid => {
            let findings = report.verdict.findings.iter();
            let reasons: Vec<String> = findings
                .filter(|finding| finding.severity == Severity::Invalid)
                .map(|finding| format!("{}; {}", finding.message, finding.remedy))
                .collect();
            broken(NonSuccessKind::Error, "the generator was the limit", &reasons.join("\n"))
        }
        Outcome::Incomplete => {
            broken(NonSuccessKind::Error, text::incompleteness(report), "measure again to the end")
        }
    };
    case(report, "the generator held the schedule to the end", status)
}

/// Whether a search found a rate that meets the limits.
fn found(report: &Report, search: &SearchReport) -> TestCase {
    let status = if search.bound == Bound::BelowMinimum {
        broken(NonSuccessKind::Failure, &text::nothing_held(search), &search.slo)
    } else {
        TestCaseStatus::success()
    };
    let mut case = case(report, "a rate meets the limits", status);
    case.set_system_out(text::answer(search));
    case
}

fn objective(report: &Report, name: &str, one: &ObjectiveReport) -> TestCase {
    let measured = format!("measured {}", text::measured(one));
    let status = match one.holds {
        _ if report.verdict.outcome == Outcome::Invalid => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message("nothing is said of the target");
            skipped
        }
        Holds::Yes => TestCaseStatus::success(),
        Holds::No => broken(NonSuccessKind::Failure, &measured, name),
        Holds::NotJudged => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(text::unjudged(one).unwrap_or_default());
            skipped
        }
    };
    let mut case = case(report, name, status);
    case.set_system_out(measured);
    case
}

fn broken(kind: NonSuccessKind, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(description);
    status
}

fn case(report: &Report, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(report.plan.name.as_str());
    case.set_time(Duration::from_nanos(report.duration));
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn render(report: &Report) -> String {
        super::render(&CleanReport::new(report))
    }

    #[test]
    fn objectives_are_tests() {
        let text = render(&example::report(example::CENSORED));
        assert!(text.contains(r#"<testsuite name="chat-center" tests="3" "#), "{text}");
        assert!(text.contains(r#"failures="2""#) && text.contains(r#"errors="0""#), "{text}");
        assert!(text.contains(r#"name="p95 &lt; 1 s""#), "{text}");
        assert!(text.contains(r#"<failure message="measured ≥ "#), "{text}");
    }

    #[test]
    fn a_measurement_that_says_nothing_is_an_error() {
        let text = render(&example::report(example::LATE));
        assert!(text.contains(r#"<error message="the generator was the limit""#), "{text}");
        assert!(text.contains(r#"skipped="2""#), "{text}");
        let fine = render(&example::report(example::GOOD));
        assert!(!fine.contains("<failure") && !fine.contains("<error"), "{fine}");
    }

    #[test]
    fn a_search_that_held_no_rate_fails_a_test_of_its_own() {
        let mut report = example::search_report();
        assert!(!render(&report).contains("<failure"));
        let search = report.search.as_mut().expect("it is a search");
        search.bound = Bound::BelowMinimum;
        search.max_rps.high = Some(10.0);
        let text = render(&report);
        assert!(
            text.contains(r#"<failure message="no rate down to 10/s meets the limits""#),
            "{text}"
        );
        report.verdict.outcome = Outcome::Incomplete;
        report.search.as_mut().expect("it is a search").max_rps.confidence = 0.0;
        assert!(render(&report).contains(r#"<error message="no rate was confirmed""#));
    }

    #[test]
    fn what_is_not_judged_is_skipped_with_its_reason() {
        let mut report = example::report(example::GOOD);
        report.verdict.objectives[0].holds = Holds::NotJudged;
        report.verdict.objectives[0].why = Some("none was due".to_owned());
        let text = render(&report);
        assert!(text.contains(r#"<skipped message="not judged: none was due""#), "{text}");
        assert!(text.contains(r#"skipped="1""#) && text.contains(r#"failures="0""#), "{text}");
    }

    #[test]
    fn hostile_names_stay_text() {
        let mut report = example::report(example::FAILING);
        report.plan.name = "</testsuite><script>\0\u{1b}".to_owned();
        report.requests[0].name = "]]><x>\0".to_owned();
        let text = render(&report);
        assert!(!text.contains("<script") && !text.contains("<x>"), "{text}");
        assert!(!text.contains(['\0', '\u{1b}']), "{text}");
    }
}
