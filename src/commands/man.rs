//! The verb `man`: the man page, of the program or of one verb.

use crate::commands::{Failure, stdout};
use crate::exit::Exit;

/// Print the man page.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "steadfire man | man -l -\n\
                        steadfire man run > ~/.local/share/man/man1/steadfire-run.1")]
pub struct Args {
    /// Verb whose page is printed [default: the page of the program]
    pub verb: Option<String>,
}

/// Prints the page.
///
/// # Errors
/// A verb that is none.
pub fn exec(args: &Args, mut command: clap::Command) -> Result<Exit, Failure> {
    command.build();
    let page = match &args.verb {
        None => command,
        Some(verb) => command.find_subcommand(verb).cloned().ok_or_else(|| {
            let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
            Failure::usage(format!("'{verb}' is no verb; there are: {}", verbs.join(", ")))
        })?,
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(Failure::unexpected)?;
    stdout::print(&String::from_utf8_lossy(&text));
    Ok(Exit::Ok)
}
