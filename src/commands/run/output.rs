//! Where results go: stdout, the run folder, a JSON file.
//!
//! Trouble with the disk never ends a run: it is told, and the results still reach the screen.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::commands::run::Args;
use crate::commands::run::screen::Screen;
use crate::commands::{Failure, clock};
use crate::load::plan::Plan;
use crate::measure::slice::Slice;
use crate::measure::window::Interval;
use crate::render::{Style, json, text};
use crate::report::Report;
use crate::store::folder::RunFolder;

/// The outputs of one run.
pub(super) struct Output {
    folder: RunFolder,
    json: Option<OsString>,
    /// Whether the journal has failed; told once.
    journal_broken: bool,
}

impl Output {
    /// Makes the run folder.
    pub(super) fn open(args: &Args, plan: &Plan) -> Result<Self, Failure> {
        let folder = match &args.out {
            Some(path) => RunFolder::create_at(path),
            None => RunFolder::create(
                &runs_folder(),
                &clock::now().strftime("%Y%m%dT%H%M%SZ").to_string(),
                &plan.name,
            ),
        };
        Ok(Self {
            folder: folder.map_err(Failure::unexpected)?,
            json: args.json.clone(),
            journal_broken: false,
        })
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
        let to_stdout = self.json.as_deref().is_some_and(|file| file == "-");
        print(&if to_stdout { json::render(report) } else { text::render(report, style()) });
        let stored = self.folder.write_result(report).map_err(Failure::unexpected);
        if let Some(file) = self.json.as_deref().filter(|file| *file != "-") {
            std::fs::write(file, json::render(report)).map_err(|error| {
                Failure::unexpected(anyhow::anyhow!(
                    "--json {}: {error}",
                    Path::new(file).display()
                ))
            })?;
        }
        stored?;
        screen.note(&format!("run folder: {}", self.folder.path().display()));
        Ok(())
    }
}

/// Prints results. A closed pipe ends quietly.
fn print(text: &str) {
    let mut stdout = anstream::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Colour as the terminal and its environment want it.
fn style() -> Style {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Colour,
    }
}

/// `$XDG_STATE_HOME/steadfire/runs`, else below `~/.local/state`, else below the current folder.
fn runs_folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
    let variable = |name| std::env::var(name).ok().filter(|value| Path::new(value).is_absolute());
    let state = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."));
    state.join("steadfire/runs")
}
