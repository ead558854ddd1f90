//! In GitHub Actions: annotations on stderr, and a table in the job's summary.
//!
//! Stdout stays what it is elsewhere, and trouble with the summary never ends a verb.

use std::fs::OpenOptions;
use std::io::Write as _;

use crate::profile::Diagnostics;
use crate::render::actions::{Level, Place, annotation, annotations};
use crate::render::clean::{CleanComparison, CleanReport};
use crate::render::{comparison, markdown};
use crate::report::comparison::Word;

/// Tells the verdict of a run.
pub(super) fn tell_run(report: &CleanReport<'_>) {
    if active() {
        tell(&annotations(report));
        summarise(&markdown::render(report));
    }
}

/// Tells what a comparison found.
pub(super) fn tell_comparison(report: &CleanComparison<'_>) {
    if !active() {
        return;
    }
    if report.verdict.word == Word::Worse {
        tell(&annotation(Level::Error, None, "B is worse than A", &report.verdict.sentence));
    }
    summarise(&comparison::markdown(report));
}

/// Tells where a profile is wrong.
pub(super) fn tell_mistakes(mistakes: &Diagnostics) {
    if active() {
        let place = |line, column| Place { file: &mistakes.file, line, column };
        let lines = mistakes.mistakes.iter().map(|one| {
            let help = one.hint.as_deref().map_or_else(String::new, |hint| format!("\n{hint}"));
            let message = format!("{}{help}", one.message);
            annotation(Level::Error, Some(place(one.line, one.column)), "profile", &message)
        });
        tell(&lines.collect::<String>());
    }
}

fn active() -> bool {
    variable("GITHUB_ACTIONS").as_deref() == Some("true")
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn tell(text: &str) {
    // Nobody reads a closed stderr.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Adds to the summary, which other steps and other runs of this step have written to.
fn summarise(text: &str) {
    let Some(path) = variable("GITHUB_STEP_SUMMARY") else { return };
    let file = OpenOptions::new().create(true).append(true).open(path);
    if let Err(error) = file.and_then(|mut file| file.write_all(format!("{text}\n").as_bytes())) {
        tell(&format!("warning: GITHUB_STEP_SUMMARY cannot be written: {error}\n"));
    }
}
