//! Annotations, as GitHub Actions reads them from a step's output: one line each.

use std::fmt::Write as _;

use crate::render::clean::CleanReport;
use crate::render::text::{incompleteness, measured, nothing_held};
use crate::report::search::Bound;
use crate::report::{Holds, Outcome};

/// How much an annotation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It failed.
    Error,
    /// To be known.
    Warning,
}

/// A place in a file of the repository, from 1.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Path.
    pub file: &'a str,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One annotation, ending in a newline.
pub fn annotation(level: Level, place: Option<Place<'_>>, title: &str, message: &str) -> String {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut text = format!("::{word} ");
    if let Some(Place { file, line, column }) = place {
        let _ = write!(text, "file={},line={line},col={column},", property(file));
    }
    let _ = writeln!(text, "title={}::{}", property(title), data(message));
    text
}

/// An annotation for each objective that failed, or the one that says why nothing was judged.
pub fn annotations(report: &CleanReport<'_>) -> String {
    let (plan, verdict) = (&report.plan, &report.verdict);
    let doubtful = |title: &str| {
        let reason = verdict.findings.first().map(|finding| finding.message.as_str());
        annotation(Level::Warning, None, title, reason.unwrap_or("see the findings"))
    };
    match verdict.outcome {
        Outcome::Pass => String::new(),
        Outcome::Invalid => doubtful("the generator was the limit, nothing is said of the target"),
        Outcome::Incomplete => doubtful(incompleteness(report)),
        Outcome::Fail => {
            let found = report.search.iter().filter(|found| found.bound == Bound::BelowMinimum);
            let none =
                found.map(|found| annotation(Level::Error, None, &nothing_held(found), &found.slo));
            let failed = report.every_objective().filter(|(_, one)| one.holds == Holds::No);
            none.chain(failed.map(|(name, one)| {
                let title = format!("{}: {} does not hold", plan.name, name);
                let message = format!("measured: {}, on {}", measured(one), plan.origin);
                annotation(Level::Error, None, &title, &message)
            }))
            .collect()
        }
    }
}

/// What stands behind the last `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands behind an `=`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::report::example::{CENSORED, FAILING, GOOD, LATE, report};

    fn annotations(report: &Report) -> String {
        super::annotations(&CleanReport::new(report))
    }

    #[test]
    fn failed_objectives_become_errors() {
        assert_eq!(annotations(&report(GOOD)), "");
        assert_eq!(
            annotations(&report(FAILING)),
            "::error title=chat-center%3A errors < 5 %25 does not hold::measured: 7 %25, on \
             http://127.0.0.1:8001/api\n"
        );
        assert_eq!(annotations(&report(CENSORED)).lines().count(), 2);
        let invalid = annotations(&report(LATE));
        assert!(invalid.starts_with("::warning title=the generator was the limit%2C"), "{invalid}");
    }

    #[test]
    fn nothing_can_begin_an_annotation_of_its_own() {
        let place = Place { file: "a,b:c%.yaml", line: 3, column: 7 };
        let hostile = "x\r\n::error::y, 100 %";
        assert_eq!(
            annotation(Level::Error, Some(place), hostile, hostile),
            "::error file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=x%0D%0A%3A%3Aerror%3A%3Ay%2C 100 %25\
             ::x%0D%0A::error::y, 100 %25\n"
        );
    }
}
