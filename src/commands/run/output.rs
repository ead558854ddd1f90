//! Where results go: stdout, the run folder, a JSON file.
//!
//! Trouble with the disk never ends a run: it is told, and the results still reach the screen.

use std::path::Path;

use crate::commands::environment::{runs_folder, spare_runs_folder};
use crate::commands::formats::FormatArgs;
use crate::commands::run::Args;
use crate::commands::run::files::Files;
use crate::commands::run::record::Record;
use crate::commands::run::screen::Screen;
use crate::commands::stored::Journal;
use crate::commands::{Failure, actions};
use crate::load::plan::Plan;
use crate::machine::wall_clock;
use crate::render::clean::CleanReport;
use crate::render::formats::{FORMATS, Output as Destination, Source};
use crate::report::Report;
use crate::report::header::Header;
use crate::session::event::{Observer, RunEvent};
use crate::session::queue::Queued;
use crate::store::StoreError;
use crate::store::folder::RunFolder;
use crate::stream::Streams;

/// A folder of its own in `first` or, where that cannot be written to, in `spare`, which is said.
fn new_folder(
    first: &Path,
    spare: &Path,
    name: &str,
    screen: Screen,
) -> Result<RunFolder, StoreError> {
    let started_at = wall_clock::now().strftime("%Y%m%dT%H%M%SZ").to_string();
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
    formats: FormatArgs,
    /// Until they are closed.
    files: Option<Queued<Files>>,
    streams: Streams,
    /// What a search could be resumed from; absent for anything else.
    record: Option<Record>,
    screen: Screen,
}

impl Output {
    /// Ends what cannot be printed or stored, before anything is sent.
    ///
    /// # Errors
    /// Flags that exclude each other, or a folder that holds a run.
    pub(in crate::commands) fn check(args: &Args) -> Result<(), Failure> {
        args.output.formats.check()?;
        let Some(path) = &args.output.out else { return Ok(()) };
        RunFolder::refusal(path).map_or(Ok(()), |why| {
            let path = path.display();
            Err(Failure::usage(format!("--out {path}: {why}; name another folder, or remove it")))
        })
    }

    /// Makes the run folder.
    pub(in crate::commands) fn open(
        args: &Args,
        plan: &Plan,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let samples = args.output.samples.open(plan)?;
        let folder = match (&args.search.resume, &args.output.out) {
            (Some(path), _) => RunFolder::reopen(path),
            (None, Some(path)) => RunFolder::create_at(path),
            (None, None) => new_folder(&runs_folder(), &spare_runs_folder(), &plan.name, screen),
        };
        let folder = folder.map_err(Failure::unexpected)?;
        let journal = folder.journal().map_err(Failure::unexpected)?;
        let files = Files::start(journal, samples, screen).map_err(Failure::unexpected)?;
        Ok(Self {
            folder,
            formats: args.output.formats.clone(),
            files: Some(files),
            streams: Streams::default(),
            record: None,
            screen,
        })
    }

    /// Hands every second to `streams` as well.
    pub(super) fn stream_to(&mut self, streams: Streams) {
        self.streams = streams;
    }

    /// Keeps every trial of a search in `record`.
    pub(super) fn record_to(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Where it reports trouble.
    pub(in crate::commands) const fn screen(&self) -> Screen {
        self.screen
    }

    /// The run's folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stores what is known before the load, for the case that the run does not get to its end.
    pub(super) fn begin(&self, header: &Header) {
        if let Err(error) = self.folder.write_header(header) {
            self.screen.warn(&format!("{error}; if the run is killed, nothing will tell of it"));
        }
    }

    /// Sends and writes what is still to be sent and written of the load, and says what was lost.
    pub(in crate::commands) fn end_of_load(&mut self) {
        if let Some(loss) = self.streams.close() {
            self.screen.warn(&loss);
        }
        if let Some((files, dropped)) = self.files.take().and_then(Queued::finish) {
            files.close(dropped);
        }
    }

    /// Prints and stores the report.
    pub(super) fn finish(&self, report: &Report) -> Result<(), Failure> {
        self.screen.clear();
        let written = self.folder.write_result(report).map_err(Failure::unexpected);
        let clean = CleanReport::new(report);
        let journal = Journal::read(self.folder.path(), &clean);
        let source = journal.source(&clean);
        // What it comes to is the last that is read, so the folder is told before.
        let stored = written.and_then(|()| self.write_files(&source));
        self.formats.print(&source);
        actions::tell_run(&clean);
        self.formats.write(Destination::StdoutOrFile, &source)?;
        stored
    }

    /// Stores the report and says where.
    pub(in crate::commands) fn store(&self, report: &Report) -> Result<(), Failure> {
        self.folder.write_result(report).map_err(Failure::unexpected)?;
        let clean = CleanReport::new(report);
        self.write_files(&Journal::read(self.folder.path(), &clean).source(&clean))
    }

    /// Writes what the folder holds beside the result, and the formats that are files whatever is printed.
    fn write_files(&self, source: &Source<'_>) -> Result<(), Failure> {
        for format in FORMATS {
            let Some(name) = format.kept_as else { continue };
            for (_, content) in format.files(source).into_iter().flatten() {
                if let Err(error) = self.folder.write_derived(name, content.as_bytes()) {
                    self.screen.warn(&error.to_string());
                }
            }
        }
        self.screen.note(&format!("run folder: {}", self.folder.path().display()));
        self.formats.write(Destination::File, source)
    }
}

impl Observer for Output {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(files) = &mut self.files {
            files.observe(event);
        }
        match event {
            RunEvent::Interval(event) if event.measured.is_some() => {
                self.streams.push(&event.interval);
                if let Some(trouble) = self.streams.trouble() {
                    self.screen.warn(&trouble);
                }
            }
            RunEvent::Provisional(report) if self.record.as_ref().is_some_and(Record::is_kept) => {
                // Trouble with that is left to the end.
                let _ = self.folder.write_result(report);
            }
            _ => {
                if let Some(record) = &mut self.record {
                    record.observe(event);
                }
            }
        }
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
