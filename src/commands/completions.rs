//! The verb `completions`: a script that lets a shell complete verbs and flags.

use crate::commands::{Failure, stdout};
use crate::exit::Exit;

/// Print a shell's completions.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "bash: steadfire completions bash > ~/.local/share/bash-completion/completions/steadfire\n\
                        zsh:  steadfire completions zsh > a folder of $fpath, as _steadfire\n\
                        fish: steadfire completions fish > ~/.config/fish/completions/steadfire.fish"
)]
pub struct Args {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Prints the script.
///
/// # Errors
/// None.
pub fn exec(args: &Args, mut command: clap::Command) -> Result<Exit, Failure> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    stdout::print(&String::from_utf8_lossy(&script));
    Ok(Exit::Ok)
}
