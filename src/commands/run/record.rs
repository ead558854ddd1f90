//! [`Record`]: what a search leaves in its folder while it goes on, and finds there when it is resumed.
//!
//! Trouble with the disk never ends a search: it is told once, and the search goes on unrecorded.

use std::path::Path;

use crate::analysis::Extent;
use crate::analysis::search::Settings;
use crate::analysis::words::counted;
use crate::commands::Failure;
use crate::commands::run::{Args, Screen, Session};
use crate::load::rate::Figures;
use crate::report::echo::PlanEcho;
use crate::report::search::{Bound, SearchReport};
use crate::report::{HoldsName, OutcomeName, Report, SeverityName};
use crate::store::StoreError;
use crate::store::folder::{RESULT, read_result};
use crate::store::trials::{Header, Reopened, SCHEMA, StoredTrial, TRIALS, TrialLog};

/// The record of one search.
pub(super) struct Record {
    log: Option<TrialLog>,
    screen: Screen,
    /// Trials of earlier sittings, in order.
    pub(super) earlier: Vec<StoredTrial>,
    /// Slots of the trials of earlier sittings, also of those that did not end, in order.
    pub(super) legs: Vec<u64>,
    /// What the earlier sittings would have reported.
    pub(super) report: Option<Report>,
}

impl Record {
    /// Of a search that shares its folder with others and cannot be resumed.
    pub(super) const fn none(screen: Screen) -> Self {
        Self { log: None, screen, earlier: Vec::new(), legs: Vec::new(), report: None }
    }

    /// Begins one in `folder`, or goes on with the one that is there.
    pub(super) fn open(
        session: &Session,
        args: &Args,
        settings: &Settings,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let header = Header {
            schema: SCHEMA.to_owned(),
            effort: args.effort.name().to_owned(),
            start: settings.start,
            max_rate: settings.max_rate,
            plan: PlanEcho::from(&*session.plan),
        };
        let screen = session.screen;
        if args.resume.is_some() {
            return Self::resume(session, &header, folder);
        }
        let log = TrialLog::create(folder, &header).inspect_err(|error| unrecorded(screen, error));
        Ok(Self { log: log.ok(), ..Self::none(screen) })
    }

    fn resume(session: &Session, asked: &Header, folder: &Path) -> Result<Self, Failure> {
        let Reopened { log, header: stored, trials: earlier, legs } =
            TrialLog::reopen(folder, &session.plan.slo).map_err(Failure::usage)?;
        let others = differences(&stored, asked, session.own_target);
        if !others.is_empty() {
            return Err(Failure::usage(format!(
                "--resume {}: it holds another search: {}; give the same flags and profile, or \
                 begin a new search without --resume",
                folder.display(),
                others.join(", ")
            )));
        }
        let found = folder.join(RESULT).exists();
        let report = if found { Some(read_result(folder).map_err(Failure::usage)?) } else { None };
        session
            .screen
            .note(&format!("{} taken over from {TRIALS}", counted(earlier.len() as u64, "trial")));
        Ok(Self { log: Some(log), screen: session.screen, earlier, legs, report })
    }

    /// Notes that a trial begins, of so many slots at most.
    pub(super) fn begin(&mut self, slots: u64) {
        self.write(|log| log.begin(slots));
    }

    /// Adds a trial.
    pub(super) fn add(&mut self, trial: &StoredTrial) {
        self.write(|log| log.append(trial));
    }

    fn write(&mut self, write: impl FnOnce(&mut TrialLog) -> Result<(), StoreError>) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = write(log) {
            unrecorded(self.screen, &error);
            self.log = None;
        }
    }

    /// Whether anything is recorded.
    pub(super) const fn is_kept(&self) -> bool {
        self.log.is_some()
    }
}

fn unrecorded(screen: Screen, error: &StoreError) {
    screen.warn(&format!("{error}; the search goes on, but cannot be resumed"));
}

/// In what the stored search is not the one that is asked for. The demo backend has another port each time.
fn differences(stored: &Header, asked: &Header, own_target: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut hold = |what: &str, stored: String, asked: String| {
        if stored != asked {
            found.push(format!("{what} was {stored} and is {asked}"));
        }
    };
    let rate = |rate| format!("{}/s", Figures(rate));
    hold("effort", stored.effort.clone(), asked.effort.clone());
    hold("first rate", rate(stored.start), rate(asked.start));
    hold("highest rate", rate(stored.max_rate), rate(asked.max_rate));
    let fields = |plan: &PlanEcho| {
        let origin = if own_target { String::new() } else { plan.origin.clone() };
        // What follows from the rate has been told.
        let plain = PlanEcho { origin, rate: 0.0, workers: 0, ..plan.clone() };
        serde_json::to_value(plain).unwrap_or_default()
    };
    let (was, is) = (fields(&stored.plan), fields(&asked.plan));
    for (name, is) in is.as_object().into_iter().flatten() {
        hold(&name.replace('_', " "), was[name].to_string(), is.to_string());
    }
    found
}

/// The report of an earlier sitting with what the search has come to since.
pub(super) fn concluded(report: Report, search: SearchReport, extent: Extent) -> Report {
    let verdict = &report.verdict;
    let invalid = verdict.findings.iter().any(|one| one.severity == SeverityName::Invalid);
    let outcome = if invalid {
        OutcomeName::Invalid
    } else if verdict.objectives.iter().any(|one| one.holds == HoldsName::No) {
        OutcomeName::Fail
    } else if extent == Extent::CutShort {
        OutcomeName::Incomplete
    } else {
        OutcomeName::Pass
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
    if *outcome == OutcomeName::Pass {
        if search.bound == Bound::BelowMinimum {
            *outcome = OutcomeName::Fail;
        } else if search.max_rps.confidence <= 0.0 {
            *outcome = OutcomeName::Incomplete;
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::store::trials::tests::header;

    #[test]
    fn another_search_is_told_by_what_differs() {
        let other = Header { effort: "thorough".to_owned(), max_rate: 500.0, ..header() };
        let mut plan = header().plan;
        plan.origin = "http://127.0.0.1:9".to_owned();
        plan.seed = "7".to_owned();
        let other = Header { plan, ..other };
        assert_eq!(differences(&header(), &header(), false), Vec::<String>::new());
        let told = differences(&header(), &other, false).join("\n");
        for part in ["effort was quick and is thorough", "highest rate", "origin", "seed"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!differences(&header(), &other, true).join("\n").contains("origin"));
    }

    #[test]
    fn an_earlier_report_is_judged_as_what_it_has_become() {
        let report = example::report(example::GOOD);
        let search = example::search_report().search.unwrap();
        let become_of = |report: &Report, extent| {
            concluded(report.clone(), search.clone(), extent).verdict.outcome
        };
        assert_eq!(become_of(&report, Extent::Whole), OutcomeName::Pass);
        assert_eq!(become_of(&report, Extent::CutShort), OutcomeName::Incomplete);
        let mut failed = report;
        failed.verdict.objectives[0].holds = HoldsName::No;
        assert_eq!(become_of(&failed, Extent::CutShort), OutcomeName::Fail);
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
            (Bound::Breach, 0.95, OutcomeName::Pass),
            (Bound::AtLeast, 0.95, OutcomeName::Pass),
            (Bound::Breach, 0.0, OutcomeName::Incomplete),
            (Bound::AtLeast, 0.0, OutcomeName::Incomplete),
            (Bound::BelowMinimum, 0.0, OutcomeName::Fail),
        ];
        for (bound, confidence, outcome) in table {
            assert_eq!(with(bound, confidence), outcome, "{bound:?}, {confidence}");
        }
        let run = with_answer(example::report(example::FAILING));
        assert_eq!(run.verdict.outcome, OutcomeName::Fail);
    }
}
