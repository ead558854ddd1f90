//! `--samples`: samples one by one in a file, while the load goes on.

use std::path::PathBuf;

use crate::analysis::words::{Count, counted};
use crate::commands::Failure;
use crate::commands::run::screen::Screen;
use crate::load::plan::Plan;
use crate::measure::sample::Sample;
use crate::measure::sampling::{Sampling, Share};
use crate::store::samples::{SampleForm, SampleLog};

/// What is kept of single requests.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct SampleArgs {
    /// Write a row for each measured request to FILE, a .csv or .jsonl file
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
    /// Write only a random sample, e.g. 1% or 0.01, chosen before the response is known
    #[arg(long, value_name = "SHARE", requires = "samples")]
    pub samples_share: Option<Share>,
    /// Maximum number of rows; the number omitted is reported
    #[arg(long, value_name = "N", requires = "samples", default_value_t = 1_000_000)]
    pub samples_max: u64,
}

impl SampleArgs {
    /// Which samples workers keep.
    pub(super) fn sampling(&self) -> Sampling {
        match (&self.samples, self.samples_share) {
            (None, _) => Sampling::None,
            (Some(_), None) => Sampling::Each,
            (Some(_), Some(share)) => Sampling::Share(share),
        }
    }

    /// Begins the file, if one is asked for.
    pub(super) fn open(&self, plan: &Plan) -> Result<Samples, Failure> {
        let Some(path) = &self.samples else { return Ok(Samples::default()) };
        let form = SampleForm::of(path).ok_or_else(|| {
            Failure::usage(format!(
                "--samples {}: the name tells the form; end it in .csv or .jsonl",
                path.display()
            ))
        })?;
        let names = plan.rows().map(|row| row.name.clone()).collect();
        let log = SampleLog::create(path, form, names, self.samples_max);
        Ok(Samples { log: Some(log.map_err(Failure::usage)?) })
    }
}

/// The file of samples, until the disk refuses one.
#[derive(Default)]
pub(super) struct Samples {
    log: Option<SampleLog>,
}

impl Samples {
    /// What follows belongs to the next trial, or to the run.
    pub(super) fn begin_trial(&mut self) {
        if let Some(log) = &mut self.log {
            log.begin_trial();
        }
    }

    /// Adds samples; trouble with the disk is told once and ends the file, not the run.
    pub(super) fn append(&mut self, samples: &[Sample], screen: Screen) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = log.append(samples) {
            screen.warn(&format!("{error}; the run goes on without its samples"));
            self.log = None;
        }
    }

    /// Ends the file and says what is in it.
    pub(super) fn close(&mut self, screen: Screen) {
        let Some(mut log) = self.log.take() else { return };
        if let Err(error) = log.flush() {
            screen.warn(&format!("{error}; the last samples are lost"));
        }
        match log.counts() {
            (written, 0) => screen.note(&format!("{} written", counted(written, "sample"))),
            (written, left_out) => screen.warn(&format!(
                "{} written and {} left out, all from the end: --samples-max is reached; a \
                 larger one takes them all, --samples-share a fair part",
                counted(written, "sample"),
                Count(left_out)
            )),
        }
    }
}
