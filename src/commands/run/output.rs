//! Where results go: stdout, the run folder, a JSON file.
//!
//! Trouble with the disk never ends a run: it is told, and the results still reach the screen.

use std::path::Path;

use crate::commands::environment::{runs_folder, spare_runs_folder};
use crate::commands::exports::{Exports, Printed};
use crate::commands::run::Args;
use crate::commands::run::samples::Samples;
use crate::commands::run::screen::Screen;
use crate::commands::stored::Journal;
use crate::commands::{Failure, actions, clock};
use crate::load::plan::Plan;
use crate::measure::sample::Sample;
use crate::measure::slice::Slice;
use crate::measure::window::Interval;
use crate::render::html;
use crate::report::Report;
use crate::report::header::Header;
use crate::store::StoreError;
use crate::store::folder::{HLOG, HTML, RunFolder};
use crate::stream::Streams;

/// A folder of its own in `first` or, where that cannot be written to, in `spare`, which is said.
fn new_folder(
    first: &Path,
    spare: &Path,
    name: &str,
    screen: Screen,
) -> Result<RunFolder, StoreError> {
    let started_at = clock::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let error = match RunFolder::create(first, &started_at, name) {
        Ok(folder) => return Ok(folder),
        Err(error) => error,
    };
    let folder = RunFolder::create(spare, &started_at, name)?;
    let path = folder.path().display();
    screen.warn(&format!("{error}; this run is kept in {path}"));
    Ok(folder)
}

/// The outputs of one run.
pub(in crate::commands) struct Output {
    folder: RunFolder,
    printed: Printed,
    exports: Exports,
    /// Whether the journal has failed; told once.
    journal_broken: bool,
    streams: Streams,
    samples: Samples,
}

impl Output {
    /// Makes the run folder.
    pub(in crate::commands) fn open(
        args: &Args,
        plan: &Plan,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let printed = Printed {
            json: args.json.clone(),
            markdown: args.markdown.clone(),
            form: args.summary,
        };
        printed.check()?;
        let samples = args.samples.open(plan)?;
        let folder = match (&args.resume, &args.out) {
            (Some(path), _) => RunFolder::reopen(path),
            (None, Some(path)) => RunFolder::create_at(path),
            (None, None) => new_folder(&runs_folder(), &spare_runs_folder(), &plan.name, screen),
        };
        Ok(Self {
            folder: folder.map_err(Failure::unexpected)?,
            printed,
            exports: args.exports.clone(),
            journal_broken: false,
            streams: Streams::default(),
            samples,
        })
    }

    /// What follows belongs to the next trial of a search, or is the run.
    pub(super) fn begin_trial(&mut self) {
        self.samples.begin_trial();
    }

    /// Adds a second's samples.
    pub(super) fn keep(&mut self, samples: &[Sample], screen: Screen) {
        self.samples.append(samples, screen);
    }

    /// Says what became of the samples.
    pub(super) fn close_samples(&mut self, screen: Screen) {
        self.samples.close(screen);
    }

    /// Hands every second to `streams` as well.
    pub(super) fn stream_to(&mut self, streams: Streams) {
        self.streams = streams;
    }

    /// Hands a second to whoever follows the load from outside.
    pub(super) fn stream(&self, second: &Interval, screen: Screen) {
        self.streams.push(second);
        if let Some(trouble) = self.streams.trouble() {
            screen.warn(&trouble);
        }
    }

    /// Sends what is still to be sent.
    pub(super) fn close_streams(&mut self, screen: Screen) {
        if let Some(loss) = self.streams.close() {
            screen.warn(&loss);
        }
    }

    /// The run's folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stores what a run would report if it ended here; trouble with that is left to the end.
    pub(super) fn store_so_far(&self, report: &Report) {
        let _ = self.folder.write_result(report);
    }

    /// Stores what is known before the load, for the case that the run does not get to its end.
    pub(super) fn begin(&self, header: &Header, screen: Screen) {
        if let Err(error) = self.folder.write_header(header) {
            screen.warn(&format!("{error}; if the run is killed, nothing will tell of it"));
        }
    }

    /// Adds a second to the journal, and the slice that ends with it.
    pub(super) fn append(&mut self, interval: &Interval, slice: Option<&Slice>, screen: Screen) {
        if self.journal_broken {
            return;
        }
        if let Err(error) = self.folder.append_interval(interval, slice) {
            screen.warn(&format!("{error}; the run goes on without its journal"));
            self.journal_broken = true;
        }
    }

    /// Prints and stores the report.
    pub(super) fn finish(&self, report: &Report, screen: Screen) -> Result<(), Failure> {
        screen.clear();
        self.printed.print(report);
        actions::tell_run(report);
        let stored = self.store(report, screen);
        self.printed.write(report)?;
        stored
    }

    /// Stores the report and says where.
    pub(in crate::commands) fn store(
        &self,
        report: &Report,
        screen: Screen,
    ) -> Result<(), Failure> {
        self.folder.write_result(report).map_err(Failure::unexpected)?;
        let journal = Journal::read(self.folder.path(), report);
        let page = html::render(report, &journal.detail);
        let log = journal.hlog.as_deref().unwrap_or_default();
        for (name, content) in [(HTML, page.as_str()), (HLOG, log)] {
            if let Err(error) = self.folder.write_derived(name, content.as_bytes()) {
                screen.warn(&error.to_string());
            }
        }
        screen.note(&format!("run folder: {}", self.folder.path().display()));
        self.exports.write(report, &journal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_elsewhere_where_its_folder_cannot_be_made() {
        let temporary = tempfile::tempdir().unwrap();
        let (file, spare) = (temporary.path().join("file"), temporary.path().join("spare"));
        std::fs::write(&file, "").unwrap();
        let screen = Screen::new(true, true);
        let folder = new_folder(&file.join("runs"), &spare, "name", screen).unwrap();
        assert!(folder.path().starts_with(&spare), "{}", folder.path().display());
        assert!(new_folder(&file, &file, "name", screen).is_err());
    }
}
