//! The verb `completions`: a script that lets a shell complete verbs, flags, built-in profiles and their tags.
//!
//! The script is made once, so it cannot know the runs that are stored.

use clap::Args as _;
use clap::builder::PossibleValuesParser;
use clap::{Command, ValueHint};
use clap_complete::Shell;

use crate::commands::{Failure, run, stdout};
use crate::exit::Exit;
use crate::profile;

/// Verbs that take the flags of `run`.
const OF_RUN: [&str; 4] = ["run", "ab", "check", "once"];
/// Tags of the built-in profiles.
const TAGS: [&str; 4] = ["lists", "detail", "analytics", "writes"];

/// Print shell completions.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "bash: steadfire completions bash > ~/.local/share/bash-completion/completions/steadfire\n\
                        zsh:  steadfire completions zsh > a folder of $fpath, as _steadfire\n\
                        fish: steadfire completions fish > ~/.config/fish/completions/steadfire.fish"
)]
pub struct Args {
    /// Shell to print completions for
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// None.
pub fn exec(args: &Args, command: Command) -> Result<Exit, Failure> {
    stdout::print(&script(args.shell, command));
    Ok(Exit::Ok)
}

fn script(shell: Shell, command: Command) -> String {
    let name = command.get_name().to_owned();
    // The verb `run` may be left out, so its flags are completed without it as well.
    let mut command = known_words(shell, run::Args::augment_args(command));
    for verb in OF_RUN {
        command = command.mut_subcommand(verb, |command| known_words(shell, command));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The command with the words that are known beforehand.
fn known_words(shell: Shell, command: Command) -> Command {
    let tags = |argument: clap::Arg| argument.value_parser(PossibleValuesParser::new(TAGS));
    let command = command.mut_arg("tags", tags).mut_arg("exclude_tags", tags);
    command.mut_arg("subject", |subject| match shell {
        // It would offer these alone, and no files.
        Shell::Zsh => subject.value_hint(ValueHint::AnyPath),
        _ => subject.value_parser(PossibleValuesParser::new(profile::builtin_names())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_run_are_completed_without_the_verb_and_built_in_names_with_it() {
        let script = script(Shell::Bash, crate::commands::command());
        let words = |case: &str| {
            let from =
                script.find(&format!("        {case})\n")).unwrap_or_else(|| panic!("no {case}"));
            let line =
                script[from..].lines().find(|line| line.contains("opts=")).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        for case in ["steadfire", "steadfire__subcmd__run"] {
            let words = words(case);
            for word in ["--find-max-rps", "--tags", "chat-center-read"] {
                assert!(words.iter().any(|one| one == word), "{case}: no {word}");
            }
        }
        assert!(script.contains("lists detail analytics writes"));
        assert!(words("steadfire").iter().any(|word| word == "compare"));
    }

    #[test]
    fn the_tags_are_those_of_the_built_in_profiles() {
        let text: String = profile::builtin_names().filter_map(profile::builtin).collect();
        let bearing = |tag: &str| text.matches(&format!("tags: [{tag}]")).count();
        let counts: Vec<usize> = TAGS.iter().map(|tag| bearing(tag)).collect();
        assert!(counts.iter().all(|count| *count > 0));
        assert_eq!(text.matches("tags: [").count(), counts.iter().sum::<usize>());
    }
}
