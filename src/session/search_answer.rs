//! The verdict of a search: that of the trial it rests on, as far as the answer bears it out.

use crate::analysis::Extent;
use crate::report::search::{Bound, SearchReport};
use crate::report::{Holds, Outcome, Report, Severity};

/// The report of an earlier sitting with what the search has come to since.
pub(super) fn concluded(report: Report, search: SearchReport, extent: Extent) -> Report {
    let verdict = &report.verdict;
    let invalid = verdict.findings.iter().any(|one| one.severity == Severity::Invalid);
    let outcome = if invalid {
        Outcome::Invalid
    } else if verdict.objectives.iter().any(|one| one.holds == Holds::No) {
        Outcome::Fail
    } else if extent == Extent::CutShort {
        Outcome::Incomplete
    } else {
        Outcome::Pass
    };
    let mut report = Report { search: Some(search), ..report };
    report.verdict.outcome = outcome;
    if extent == Extent::Whole {
        report.verdict.findings.retain(|finding| finding.id != "interrupted");
    }
    with_answer(report)
}

/// The report of a search with the verdict that its answer allows, whatever the trial that it shows came to: no
/// pass without a rate that was confirmed, and none where no rate is held.
pub(super) fn with_answer(mut report: Report) -> Report {
    let Some(search) = &report.search else { return report };
    let outcome = &mut report.verdict.outcome;
    if *outcome == Outcome::Pass {
        if search.bound == Bound::BelowMinimum {
            *outcome = Outcome::Fail;
        } else if search.max_rps.confidence <= 0.0 {
            *outcome = Outcome::Incomplete;
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn an_earlier_report_is_judged_as_what_it_has_become() {
        let report = example::report(example::GOOD);
        let search = example::search_report().search.unwrap();
        let become_of = |report: &Report, extent| {
            concluded(report.clone(), search.clone(), extent).verdict.outcome
        };
        assert_eq!(become_of(&report, Extent::Whole), Outcome::Pass);
        assert_eq!(become_of(&report, Extent::CutShort), Outcome::Incomplete);
        let mut failed = report;
        failed.verdict.objectives[0].holds = Holds::No;
        assert_eq!(become_of(&failed, Extent::CutShort), Outcome::Fail);
    }

    #[test]
    fn no_search_passes_without_a_rate_that_was_confirmed() {
        let with = |bound, confidence| {
            let mut report = example::search_report();
            let search = report.search.as_mut().expect("it is a search");
            search.bound = bound;
            search.max_rps.confidence = confidence;
            with_answer(report).verdict.outcome
        };
        let table = [
            (Bound::Breach, 0.95, Outcome::Pass),
            (Bound::AtLeast, 0.95, Outcome::Pass),
            (Bound::Breach, 0.0, Outcome::Incomplete),
            (Bound::AtLeast, 0.0, Outcome::Incomplete),
            (Bound::BelowMinimum, 0.0, Outcome::Fail),
        ];
        for (bound, confidence, outcome) in table {
            assert_eq!(with(bound, confidence), outcome, "{bound:?}, {confidence}");
        }
        let run = with_answer(example::report(example::FAILING));
        assert_eq!(run.verdict.outcome, Outcome::Fail);
    }
}
