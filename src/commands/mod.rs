//! Wiring: one file or folder per verb, each with its `Args` (what was typed) and `exec`.
//!
//! The process's environment, wall clock, signals and screen enter here and nowhere below.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Exit;

pub mod ab;
mod actions;
pub mod check;
mod clock;
pub mod compare;
mod environment;
mod exports;
pub mod interrupt;
mod outcome;
pub mod report;
pub mod run;
pub mod runs;
pub mod schema;
mod stdout;
mod stored;
pub mod target;

pub use outcome::Failure;

/// Open-loop, constant-arrival-rate HTTP benchmarker.
#[derive(Debug, Parser)]
#[command(
    name = "steadfire",
    version,
    about = "Sends HTTP requests at a constant arrival rate, whatever the server does, and tells \
             how it held up",
    after_help = "The verb 'run' may be left out:\n  \
        steadfire --find-max-rps                        the demo backend's capacity, nothing else needed\n  \
        steadfire https://example.org/ -r 100 -d 30s    a fixed rate against one URL\n  \
        steadfire profiles/chat-center.yaml --host http://127.0.0.1:8001 --find-max-rps\n\n\
        'steadfire run --help' lists every flag."
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a load: a fixed rate, or a search for the highest rate that holds
    Run(Box<run::Args>),
    /// Compare two live targets: blocks of the same load on both in turns
    Ab(Box<ab::Args>),
    /// Compare stored runs: is B better, worse or the same as A?
    Compare(compare::Args),
    /// Show a stored result again: text, JSON, HTML, CSV, JUnit and more
    Report(report::Args),
    /// List, show, tag and remove stored runs
    Runs(runs::Args),
    /// Validate a profile without sending anything
    Check(check::Args),
    /// Serve the demo backend
    Target(target::Args),
    /// Print a JSON Schema: of the profile file, of result.json or of a comparison
    Schema(schema::Args),
}

/// Words that are not a target of `run`.
const VERBS: [&str; 13] = [
    "run",
    "ab",
    "check",
    "target",
    "schema",
    "help",
    "--help",
    "-h",
    "--version",
    "-V",
    "compare",
    "report",
    "runs",
];

/// Puts the verb `run` where it was left out. Without any argument the short help is wanted.
pub fn with_verb(mut argv: Vec<OsString>) -> Vec<OsString> {
    match argv.get(1).map(|first| first.to_string_lossy().into_owned()) {
        None => argv.push("-h".into()),
        Some(first) if !VERBS.contains(&first.as_str()) => argv.insert(1, "run".into()),
        Some(_) => {}
    }
    argv
}

/// Parses the arguments and runs the verb.
///
/// # Errors
/// A mistake in flags or profile, a target that cannot be used, or an unexpected failure.
pub fn exec(argv: Vec<OsString>) -> Result<Exit, Failure> {
    let command = Cli::command().mut_subcommand("ab", ab::words);
    let parsed = command.try_get_matches_from(with_verb(argv));
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return run::foreign::explain(&error),
    };
    match cli.verb {
        Verb::Run(words) => run::exec(&words),
        Verb::Ab(words) => ab::exec(&words),
        Verb::Compare(words) => compare::exec(&words),
        Verb::Report(words) => report::exec(&words),
        Verb::Runs(words) => runs::exec(&words),
        Verb::Check(words) => check::exec(&words),
        Verb::Target(words) => target::exec(&words).map_err(Failure::unexpected),
        Verb::Schema(words) => schema::exec(&words),
    }
}
