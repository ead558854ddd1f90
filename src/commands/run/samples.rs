//! `--samples`: samples one by one in a file, while the load goes on.

use std::path::PathBuf;

use crate::commands::Failure;
use crate::load::plan::Plan;
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
    pub(super) fn open(&self, plan: &Plan) -> Result<Option<SampleLog>, Failure> {
        let Some(path) = &self.samples else { return Ok(None) };
        let form = SampleForm::of(path).ok_or_else(|| {
            Failure::usage(format!(
                "--samples {}: the name tells the form; end it in .csv or .jsonl",
                path.display()
            ))
        })?;
        let names = plan.rows().map(|row| row.name.clone()).collect();
        SampleLog::create(path, form, names, self.samples_max).map(Some).map_err(Failure::usage)
    }
}
