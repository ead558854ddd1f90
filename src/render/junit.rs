//! A report as JUnit XML, for the test views of CI systems: a suite with a case for each objective.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::render::text::measured;
use crate::report::{HoldsName, ObjectiveReport, OutcomeName, Report};

/// The document, ending in a newline.
#[expect(clippy::missing_panics_doc, reason = "writing to memory cannot fail")]
pub fn render(report: &Report) -> String {
    let mut suite = TestSuite::new(format!("{} on {}", report.plan.name, report.plan.origin));
    suite.set_time(Duration::from_nanos(report.duration));
    for one in &report.verdict.objectives {
        let mut case = TestCase::new(one.objective.as_str(), status(report, one));
        case.set_classname(report.plan.name.as_str());
        suite.add_test_case(case);
    }
    let findings = report.verdict.findings.iter();
    let findings: Vec<_> =
        findings.map(|found| format!("{}\n  {}\n", found.message, found.remedy)).collect();
    if !findings.is_empty() {
        suite.set_system_out(findings.concat());
    }
    let mut document = quick_junit::Report::new("steadfire");
    document.add_test_suite(suite);
    document.to_string().expect("writing to memory cannot fail")
}

/// An objective fails or holds; of a measurement that is none, nothing is known.
fn status(report: &Report, one: &ObjectiveReport) -> TestCaseStatus {
    let said = |kind, message: String| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message);
        status
    };
    match (report.verdict.outcome, one.holds) {
        (OutcomeName::Invalid, _) => said(
            NonSuccessKind::Error,
            "the generator was the limit; nothing is said of the target".to_owned(),
        ),
        (_, HoldsName::Yes) => TestCaseStatus::success(),
        (_, HoldsName::No | HoldsName::OutOfReach) => {
            said(NonSuccessKind::Failure, format!("measured: {}", measured(one)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tests::golden;
    use crate::report::example::{FAILING, GOOD, LATE, report};

    #[test]
    fn documents_read_as_the_golden_files_do() {
        golden::check("junit-fail.xml", &render(&report(FAILING)));
        golden::check("junit-invalid.xml", &render(&report(LATE)));
        assert!(
            render(&report(GOOD)).contains("tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"0\"")
        );
    }

    #[test]
    fn names_are_escaped() {
        let mut report = report(FAILING);
        report.plan.name = "<a & \"b\"\u{1b}>".to_owned();
        let text = render(&report);
        assert!(!text.contains("<a") && text.contains("&lt;a &amp; &quot;b&quot;"), "{text}");
    }
}
