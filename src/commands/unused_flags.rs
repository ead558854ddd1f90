//! Flags of `run` that have no effect on another verb: they are left out of its help, and refused.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::commands::{Failure, ab};

/// The command with the flags under these headings marked as without effect, but for those named in `used`.
pub(super) fn mark(command: Command, headings: &[&str], used: &[&str]) -> Command {
    command.mut_args(|argument| {
        let unused = argument.get_help_heading().is_some_and(|heading| headings.contains(&heading))
            && !used.contains(&argument.get_id().as_str());
        argument.hide(unused)
    })
}

/// Refuses what was typed without effect, all of it at once.
///
/// # Errors
/// A flag that the verb's help leaves out.
pub(super) fn refuse(command: &Command, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((verb, typed)) = matches.subcommand() else { return Ok(()) };
    let Some(command) = command.find_subcommand(verb) else { return Ok(()) };
    let unused = |argument: &&Arg| argument.is_hide_set() && is_typed(typed, argument);
    let mistakes: Vec<String> = command
        .get_arguments()
        .filter(unused)
        .map(|argument| {
            let why = ab::instead(argument.get_id().as_str()).filter(|_| verb == "ab");
            let why = why
                .map_or_else(|| format!("has no effect on '{verb}'; leave it out"), str::to_owned);
            format!("--{}: {why}", argument.get_long().unwrap_or_default())
        })
        .collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::usage(mistakes.join("\nerror: "))) }
}

fn is_typed(matches: &ArgMatches, argument: &Arg) -> bool {
    matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let mut command = crate::commands::command();
        let matches = command.try_get_matches_from_mut(line.split(' ')).expect(line);
        refuse(&command, &matches).err().map(|failure| failure.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_flag_without_effect_is_refused_with_its_verb() {
        let table = [
            ("steadfire once api.yaml -r 5", "--rate: has no effect on 'once'"),
            ("steadfire once api.yaml --find-max-rps", "--find-max-rps: has no effect on 'once'"),
            ("steadfire check api.yaml --explain --json", "--json: has no effect on 'check'"),
            ("steadfire check api.yaml --explain -c 3", "--connections: has no effect on 'check'"),
            ("steadfire ab --a http://a/ --b http://b/ -d 5s", "--duration: --block says"),
            ("steadfire ab --a http://a/ --b http://b/ --summary full", "--summary: "),
        ];
        for (line, expected) in table {
            assert!(refused(line).contains(expected), "{line}: {}", refused(line));
        }
        let both = refused("steadfire once api.yaml -r 5 -d 3s");
        assert!(both.contains("--rate: ") && both.contains("\nerror: --duration: "), "{both}");
    }

    #[test]
    fn flags_with_an_effect_are_taken() {
        for line in [
            "steadfire run api.yaml -r 5 --json -c 3 --find-max-rps",
            "steadfire once api.yaml -T lists --only health --seed 3 --timeout 2s -k --http-version 2",
            "steadfire check api.yaml --explain -r 5 -d 3s --slo p95<50ms --host http://h",
            "steadfire ab --a http://a/ --b http://b/ -r 5 --json --threads 1",
        ] {
            assert_eq!(refused(line), "", "{line}");
        }
    }
}
