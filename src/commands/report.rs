//! The verb `report`: a stored result in any format again, one that was killed as far as its journal goes.

use crate::commands::Failure;
use crate::commands::formats::FormatArgs;
use crate::commands::stored::{self, Journal};
use crate::exit::Exit;
use crate::render::clean::CleanReport;
use crate::render::formats::Output;

/// Show a stored result again, in any format
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A result is identified by its folder or file, by a run's id or a prefix of it, by a tag, \
                  or by 'latest'.\nA run that was killed is reconstructed from its journal up to the last second."
)]
pub struct Args {
    /// Result to show
    result: String,
    #[command(flatten)]
    formats: FormatArgs,
}

/// Shows and writes it.
///
/// # Errors
/// A result that is not there or cannot be read, several under one tag, or a file that cannot be written.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    args.formats.check()?;
    let mut found = stored::find_or_rebuild(&args.result, &stored::catalogue())?;
    if found.len() > 1 {
        let count = found.len();
        return Err(Failure::usage(format!(
            "{count} runs bear the tag {:?}; name one by its id",
            args.result
        )));
    }
    let run = found.remove(0);
    let report = CleanReport::new(&run.report);
    let journal = if args.formats.use_journal() {
        Journal::read(&run.folder, &report)
    } else {
        Journal::default()
    };
    let source = journal.source(&report);
    args.formats.print(&source);
    args.formats.write(Output::StdoutOrFile, &source)?;
    args.formats.write(Output::File, &source)?;
    Ok(Exit::Ok)
}
