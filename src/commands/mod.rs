//! Wiring: one file or folder per verb, each with its `Args` (what was typed) and `exec`.
//!
//! The process's environment, signals and screen enter here and nowhere below.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Exit;

pub mod ab;
mod actions;
pub mod check;
pub mod compare;
pub mod completions;
mod environment;
mod fetch;
mod formats;
pub mod import;
mod inputs;
pub mod interrupt;
pub mod man;
pub mod once;
mod outcome;
pub mod report;
pub mod run;
pub mod runs;
pub mod schema;
mod stdout;
mod stored;
pub mod target;
mod unused_flags;

pub use outcome::Failure;

/// Open-loop, constant-arrival-rate HTTP benchmarker.
#[derive(Debug, Parser)]
#[command(
    name = "steadfire",
    version,
    about = "Send HTTP requests at a constant arrival rate and report how the server copes",
    after_help = "The verb 'run' may be omitted:\n  \
        steadfire --find-max-rps                        the capacity of the built-in demo backend\n  \
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
    /// Run a load: a fixed rate, or a search for the highest rate that meets the objectives
    Run(Box<run::Args>),
    /// Compare two live targets with alternating blocks of the same load
    Ab(Box<ab::Args>),
    /// Compare stored runs: is B better, worse or the same as A?
    Compare(compare::Args),
    /// Show a stored result again: text, JSON, HTML, CSV, JUnit and more
    Report(report::Args),
    /// List, show, tag and remove stored runs
    Runs(runs::Args),
    /// Validate a profile without sending anything; --explain shows what would be sent
    Check(Box<check::Args>),
    /// Send each request of a profile once and show the exchange, with secrets hidden
    Once(Box<once::Args>),
    /// Create a profile from OpenAPI, HAR, curl, logs, Locust, vegeta or k6
    Import(import::Args),
    /// Serve the demo backend
    Target(target::Args),
    /// Print the JSON Schema of the profile file, of result.json or of a comparison
    Schema(schema::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// Print the man page
    Man(man::Args),
}

/// First words that are not a target of `run`.
const VERBS: [&str; 17] = [
    "run",
    "ab",
    "check",
    "once",
    "import",
    "completions",
    "man",
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

/// The command line as it is parsed and documented.
pub fn command() -> clap::Command {
    Cli::command()
        .mut_subcommand("ab", ab::words)
        .mut_subcommand("check", check::words)
        .mut_subcommand("once", once::words)
}

/// Parses the arguments and runs the verb.
///
/// # Errors
/// A mistake in flags or profile, a target that cannot be used, or an unexpected failure.
pub fn exec(argv: Vec<OsString>) -> Result<Exit, Failure> {
    let mut words = command();
    let parsed = words.try_get_matches_from_mut(with_verb(argv)).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((matches, cli))
    });
    let (matches, cli) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return run::foreign::explain(&error),
    };
    unused_flags::refuse(&words, &matches)?;
    match cli.verb {
        Verb::Run(words) => run::exec(&words),
        Verb::Ab(words) => ab::exec(&words),
        Verb::Compare(words) => compare::exec(&words),
        Verb::Report(words) => report::exec(&words),
        Verb::Runs(words) => runs::exec(&words),
        Verb::Check(words) => check::exec(&words),
        Verb::Once(words) => once::exec(&words),
        Verb::Import(words) => import::exec(&words),
        Verb::Target(words) => target::exec(&words).map_err(Failure::unexpected),
        Verb::Schema(words) => schema::exec(&words),
        Verb::Completions(words) => completions::exec(&words, command()),
        Verb::Man(words) => man::exec(&words, command()),
    }
}
