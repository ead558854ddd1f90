//! [`Record`]: what a search leaves in its folder while it goes on, and finds there when it is resumed.
//!
//! Trouble with the disk never ends a search: it is told once, and the search goes on unrecorded.

use std::path::Path;

use crate::analysis::words::counted;
use crate::commands::Failure;
use crate::commands::run::Screen;
use crate::load::rate::Figures;
use crate::report::echo::PlanEcho;
use crate::session::event::{Observer, RunEvent};
use crate::session::{EarlierSitting, SearchOptions, Session};
use crate::store::StoreError;
use crate::store::folder::{RESULT, read_result};
use crate::store::trials::{Header, ReopenedLog, SCHEMA, TRIALS, TrialLog};

/// The record of one search.
pub(super) struct Record {
    log: Option<TrialLog>,
    screen: Screen,
}

impl Record {
    /// Begins one in `folder`.
    pub(super) fn create(
        session: &Session,
        options: &SearchOptions,
        folder: &Path,
        screen: Screen,
    ) -> Self {
        let log = TrialLog::create(folder, &header(session, options))
            .inspect_err(|error| unrecorded(screen, error));
        Self { log: log.ok(), screen }
    }

    /// Goes on with the one in `folder`, and with what it has left.
    ///
    /// # Errors
    /// There is none, or it is of another search.
    pub(super) fn resume(
        session: &Session,
        options: &SearchOptions,
        folder: &Path,
        screen: Screen,
    ) -> Result<(Self, EarlierSitting), Failure> {
        let ReopenedLog { log, header: stored, trials, legs: loads } =
            TrialLog::reopen(folder, &session.plan().slo).map_err(Failure::usage)?;
        let own_target = session.options().own_target;
        let others = differences(&stored, &header(session, options), own_target);
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
        screen.note(&format!("{} taken over from {TRIALS}", counted(trials.len() as u64, "trial")));
        Ok((Self { log: Some(log), screen }, EarlierSitting { trials, loads, report }))
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

impl Observer for Record {
    fn observe(&mut self, event: &RunEvent) {
        match event {
            RunEvent::LoadBegan(outline) => self.write(|log| log.begin(outline.slots_max)),
            RunEvent::TrialEnded(ended) if !ended.interrupted => {
                self.write(|log| log.append(&ended.completed));
            }
            _ => {}
        }
    }
}

/// What tells one search from another.
fn header(session: &Session, options: &SearchOptions) -> Header {
    let settings = options.settings(session.plan());
    Header {
        schema: SCHEMA.to_owned(),
        effort: options.effort.name().to_owned(),
        start: settings.start,
        max_rate: settings.max_rate,
        plan: PlanEcho::from(session.plan()),
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

#[cfg(test)]
mod tests {
    use super::*;
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
}
