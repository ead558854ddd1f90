//! [`Printed`] and [`Exports`]: what a result becomes on stdout and in files when asked, the same for a run
//! and for a stored one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser as _;

use crate::commands::stored::Journal;
use crate::commands::{Failure, stdout};
use crate::render::text::{self, Form};
use crate::render::{bench, csv, hgrm, html, json, junit, markdown, svg};
use crate::report::Report;

/// The file name that means stdout.
const STDOUT: &str = "-";

/// What is printed, and the forms that can be printed or written.
#[derive(Clone, Debug)]
pub(super) struct Printed {
    pub(super) json: Option<OsString>,
    pub(super) markdown: Option<OsString>,
    /// Of the text that is printed otherwise.
    pub(super) form: Form,
}

impl Printed {
    /// Ends what cannot be done, before any load.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let printed = |file: &Option<OsString>| file.as_deref().is_some_and(|file| file == STDOUT);
        if printed(&self.json) && printed(&self.markdown) {
            return Err(Failure::usage(
                "--json and --markdown: only one can be printed; write the other to a file, as \
                 --markdown=report.md",
            ));
        }
        Ok(())
    }

    /// Prints the result.
    pub(super) fn print(&self, report: &Report) {
        let wanted = |file: &Option<OsString>| file.as_deref().is_some_and(|file| file == STDOUT);
        stdout::print(&if wanted(&self.json) {
            json::render(report)
        } else if wanted(&self.markdown) {
            markdown::render(report)
        } else {
            text::render(report, self.form, stdout::style())
        });
    }

    /// Writes the forms that go to files.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        type Render = fn(&Report) -> String;
        let forms = [
            ("--json", &self.json, json::render as Render),
            ("--markdown", &self.markdown, markdown::render),
        ];
        for (flag, file, render) in forms {
            let Some(path) = file.as_deref().filter(|file| *file != STDOUT).map(Path::new) else {
                continue;
            };
            write(path, &render(report)).map_err(|error| {
                Failure::unexpected(anyhow::anyhow!("{flag} {}: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}

/// The words of --summary.
pub(super) fn form_parser() -> impl clap::builder::TypedValueParser<Value = Form> {
    clap::builder::PossibleValuesParser::new(Form::ALL.map(Form::name))
        .map(|name| Form::ALL.into_iter().find(|form| form.name() == name).unwrap_or_default())
}

/// Files to write besides.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Exports {
    /// Write the report as a self-contained HTML page
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write `PREFIX_stats.csv`, `_stats_history.csv`, `_failures.csv` and `_exceptions.csv`.
    #[arg(
        long,
        value_name = "PREFIX",
        help_heading = "Output",
        help = "Write tables with Locust's columns: PREFIX_stats.csv, _stats_history, _failures, _exceptions"
    )]
    pub csv: Option<PathBuf>,
    /// Write the objectives as JUnit tests
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// Write response times as an HdrHistogram interval log
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hlog: Option<PathBuf>,
    /// Write the percentile spectrum of response times in HdrHistogram's text form
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hgrm: Option<PathBuf>,
    /// Write the charts as a static SVG picture
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub svg: Option<PathBuf>,
    /// Write the figures for github-action-benchmark (smaller is better; for a search, bigger is better)
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub bench_json: Option<PathBuf>,
}

impl Exports {
    /// Writes what was asked for, and says what could not be written; all others are.
    pub(super) fn write(&self, report: &Report, journal: &Journal) -> Result<(), Failure> {
        let mut files = Vec::new();
        let mut add = |flag, path: &Option<PathBuf>, content: &dyn Fn() -> String| {
            if let Some(path) = path {
                files.push((flag, path.clone(), content()));
            }
        };
        add("--html", &self.html, &|| html::render(report, &journal.detail));
        add("--junit", &self.junit, &|| junit::render(report));
        add("--hgrm", &self.hgrm, &|| hgrm::render(report));
        add("--svg", &self.svg, &|| svg::render(report));
        add("--bench-json", &self.bench_json, &|| bench::render(report));
        let mut faults = Vec::new();
        match (&self.hlog, &journal.hlog) {
            (Some(path), Some(log)) => files.push(("--hlog", path.clone(), log.clone())),
            (Some(path), None) => faults.push(format!(
                "--hlog {}: there is no journal beside the result; name the run's folder",
                path.display()
            )),
            (None, _) => {}
        }
        if let Some(prefix) = &self.csv {
            for (end, content) in csv::render(report, &journal.detail) {
                let mut path = prefix.clone().into_os_string();
                path.push(end);
                files.push(("--csv", path.into(), content));
            }
        }
        faults.extend(files.iter().filter_map(|(flag, path, content)| {
            let fault = write(path, content).err()?;
            Some(format!("{flag} {}: {fault}", path.display()))
        }));
        if faults.is_empty() {
            return Ok(());
        }
        Err(Failure::unexpected(anyhow::anyhow!(faults.join("\nerror: "))))
    }
}

/// A folder that is not there yet is made: reports go where builds collect them.
fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}
