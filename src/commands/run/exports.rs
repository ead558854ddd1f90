//! [`Exports`]: files of a result in the forms of other tools, --csv and --junit.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::commands::Failure;
use crate::commands::run::Args;
use crate::render::{csv, junit};
use crate::report::Report;

/// Which files are wanted.
#[derive(Clone, Debug)]
pub(super) struct Exports {
    csv: Option<OsString>,
    junit: Option<PathBuf>,
}

impl Exports {
    pub(super) fn of(args: &Args) -> Self {
        Self { csv: args.csv.clone(), junit: args.junit.clone() }
    }

    /// Writes them.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        if let Some(prefix) = &self.csv {
            for (end, text) in csv::render(report) {
                let mut path = prefix.clone();
                path.push(end);
                write("--csv", Path::new(&path), &text)?;
            }
        }
        match &self.junit {
            Some(path) => write("--junit", path, &junit::render(report)),
            None => Ok(()),
        }
    }
}

/// Writes a file and, where it is missing, its folder.
fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &dyn fmt::Display| {
        Failure::unexpected(anyhow::anyhow!("{flag} {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    std::fs::write(path, text).map_err(|error| failed(&error))
}
