//! The verb `report`: a stored result in any format again, one that was killed as far as its journal goes.

use std::ffi::OsString;
use std::path::Path;

use crate::commands::exports::Exports;
use crate::commands::stored::{self, Journal};
use crate::commands::{Failure, stdout};
use crate::exit::Exit;
use crate::render::{json, markdown, text};

/// Show a stored result again, in any format
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A result is named by its folder or file, by a run's id or the beginning of it, by a tag, \
                  or by 'latest'.\nA run that was killed is told from its journal, up to its last second."
)]
pub struct Args {
    /// Which result
    result: String,
    /// Print it as JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    json: Option<OsString>,
    /// Print it as Markdown, for a pull request, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", help_heading = "Output")]
    markdown: Option<OsString>,
    #[command(flatten)]
    exports: Exports,
}

/// Shows and writes it.
///
/// # Errors
/// A result that is not there or cannot be read, several under one tag, or a file that cannot be written.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
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
    let forms = [
        ("--json", &args.json, json::render(report)),
        ("--markdown", &args.markdown, markdown::render(report)),
    ];
    let printed =
        forms.iter().filter(|(_, file, _)| file.as_deref().is_some_and(|file| file == "-"));
    let printed: Vec<&str> = printed.map(|(_, _, content)| content.as_str()).collect();
    match printed.as_slice() {
        [] => stdout::print(&text::render(report, text::Form::default(), stdout::style())),
        [one] => stdout::print(one),
        _ => {
            return Err(Failure::usage(
                "--json and --markdown: only one can be printed; write the other to a file, \
                 as --markdown=report.md",
            ));
        }
    }
    for (flag, file, content) in &forms {
        if let Some(file) = file.as_deref().filter(|file| *file != "-") {
            std::fs::write(file, content).map_err(|error| {
                let path = Path::new(file).display();
                Failure::unexpected(anyhow::anyhow!("{flag} {path}: {error}"))
            })?;
        }
    }
    args.exports.write(report, &Journal::read(&run.folder, report))?;
    Ok(Exit::Ok)
}
