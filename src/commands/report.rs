//! The verb `report`: a stored result in any format again, one that was killed as far as its journal goes.

use std::ffi::OsString;

use crate::commands::Failure;
use crate::commands::exports::{Exports, Printed, form_parser};
use crate::commands::stored::{self, Journal};
use crate::exit::Exit;
use crate::render::text::Form;

/// Show a stored result again, in any format
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A result is identified by its folder or file, by a run's id or a prefix of it, by a tag, \
                  or by 'latest'.\nA run that was killed is reconstructed from its journal up to the last second."
)]
pub struct Args {
    /// Result to show
    result: String,
    /// Print the result as JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    json: Option<OsString>,
    /// Print the result as Markdown, for a pull request, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    markdown: Option<OsString>,
    /// Form of the text summary, as for run
    #[arg(long, value_name = "FORM", value_parser = form_parser(), default_value = "full", help_heading = "Output")]
    summary: Form,
    #[command(flatten)]
    exports: Exports,
}

/// Shows and writes it.
///
/// # Errors
/// A result that is not there or cannot be read, several under one tag, or a file that cannot be written.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let printed =
        Printed { json: args.json.clone(), markdown: args.markdown.clone(), form: args.summary };
    printed.check()?;
    let mut found = stored::find_or_rebuild(&args.result, &stored::catalogue())?;
    if found.len() > 1 {
        let count = found.len();
        return Err(Failure::usage(format!(
            "{count} runs bear the tag {:?}; name one by its id",
            args.result
        )));
    }
    let run = found.remove(0);
    let report = &run.report;
    printed.print(report);
    printed.write(report)?;
    args.exports.write(report, &Journal::read(&run.folder, report))?;
    Ok(Exit::Ok)
}
