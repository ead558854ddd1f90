//! Flags that mean something else in other tools: a mistake with them gets a hint, not just a refusal.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::commands::Failure;
use crate::exit::Exit;

/// Prints help and version where they were asked for; else tells the mistake, with a hint where the words
/// come from another tool.
pub fn explain(error: &clap::Error) -> Result<Exit, Failure> {
    if !error.use_stderr() {
        // A closed pipe is no reason to complain.
        let _ = error.print();
        return Ok(Exit::Ok);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Ok(Exit::Usage);
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
    Err(Failure::usage(match hint(error) {
        Some(hint) => format!("{text}\n\nhint: {hint}"),
        None => text,
    }))
}

fn context(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    }
}

fn hint(error: &clap::Error) -> Option<&'static str> {
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    let flag = argument.split(['=', ' ']).next().unwrap_or_default();
    match (error.kind(), flag) {
        (ErrorKind::UnknownArgument, "-u" | "--vus") => Some(
            "there are no users here, arrivals come at a rate: give --rate 50/s, or --users 100 --wait 1..3",
        ),
        (ErrorKind::UnknownArgument, "-z") => Some("the length of a run is --duration 30s (-d)"),
        (ErrorKind::UnknownArgument, "-t") => {
            Some("a run's length is --duration (-d), threads are --threads, a timeout is --timeout")
        }
        (ErrorKind::UnknownArgument, "-R") => Some("the arrival rate is --rate 200/s (-r)"),
        (ErrorKind::UnknownArgument, "-f") => {
            Some("name the profile without a flag: steadfire run profile.yaml")
        }
        (ErrorKind::UnknownArgument, "-m") => Some("the method is -X, as in curl"),
        (ErrorKind::UnknownArgument, "--web" | "--web-ui" | "--web-port" | "--web-host") => Some(
            "there is no web view: on a terminal the run is shown while it lasts, and report.html in the run \
             folder shows it afterwards",
        ),
        (ErrorKind::UnknownArgument, "--master" | "--worker" | "--master-host" | "--processes") => {
            Some(
                "there are no master and workers: one process sends tens of thousands a second, over as \
                 many --threads as that takes",
            )
        }
        (ErrorKind::UnknownArgument, "--user-classes" | "--class-picker") => Some(
            "requests are chosen by tag (-T, -E) or name (--only), or stand in a profile of their own",
        ),
        (ErrorKind::UnknownArgument, file) if is_file(file) => {
            Some("a file follows its flag with an equals sign: --json=FILE, --markdown=FILE")
        }
        (ErrorKind::UnknownArgument, _) if flag.parse::<f64>().is_ok() => {
            Some("-q means quiet here; the arrival rate is --rate 50/s (-r)")
        }
        (ErrorKind::ValueValidation, "--duration") if value.starts_with(['{', '[', '@']) => {
            Some("-d is the length of a run here; a body is --data or --data-file")
        }
        _ => None,
    }
}

/// Whether a stray word is the name of a file for results.
fn is_file(word: &str) -> bool {
    [".json", ".md"].iter().any(|ending| word.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::commands::{Cli, with_verb};

    #[test]
    fn words_of_other_tools_get_a_hint() {
        let table = [
            ("-u 100", Some("--users")),
            ("-z 10s", Some("--duration")),
            ("http://h/ -q 50", Some("--rate")),
            ("-d {}", Some("--data")),
            ("--web", Some("report.html")),
            ("api.yaml --web-ui", Some("report.html")),
            ("api.yaml --master", Some("--threads")),
            ("api.yaml --worker --master-host=127.0.0.1", Some("--threads")),
            ("api.yaml --user-classes Heavy", Some("--only")),
            ("http://h/ --json out.json", Some("--json=FILE")),
            ("--no-such-flag", None),
        ];
        for (words, expected) in table {
            let argv = ["steadfire"].into_iter().chain(words.split(' ')).map(Into::into).collect();
            let error = Cli::try_parse_from(with_verb(argv)).expect_err(words);
            let hint = hint(&error);
            assert_eq!(hint.is_some(), expected.is_some(), "{words}: {hint:?}");
            assert!(hint.unwrap_or_default().contains(expected.unwrap_or_default()), "{words}");
        }
    }
}
