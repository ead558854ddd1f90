//! [`Exports`]: the files that a result becomes when asked, the same for a run and for a stored one.

use std::path::{Path, PathBuf};

use crate::commands::Failure;
use crate::commands::stored::Journal;
use crate::render::{bench, csv, hgrm, html, junit, svg};
use crate::report::Report;

/// Files to write besides.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Exports {
    /// Write the report as one page for browsers
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write tables with Locust's columns: PREFIX_stats.csv, _stats_history, _failures, _exceptions
    #[arg(long, value_name = "PREFIX", help_heading = "Output")]
    pub csv: Option<PathBuf>,
    /// Write objectives as JUnit tests
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub junit: Option<PathBuf>,
    /// Write response times as an HdrHistogram interval log
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hlog: Option<PathBuf>,
    /// Write the percentile spectrum of response times in HdrHistogram's text form
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hgrm: Option<PathBuf>,
    /// Write the charts as a static picture
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub svg: Option<PathBuf>,
    /// Write the figures for github-action-benchmark (smaller is better; of a search, bigger)
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
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Failure::unexpected(anyhow::anyhow!(faults.join("\nerror: ")))),
        }
    }
}

/// A folder that is not there yet is made: reports go where builds collect them.
fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}
