//! `docs/cli.md` lists every verb and flag as clap knows them; `STEADFIRE_BLESS=1` writes the page anew.
//!
//! What stands above the marker is written by hand, what follows it is generated.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Command};
use steadfire::commands::command;

use super::source::{read, repository};

const PAGE: &str = "docs/cli.md";
const BEGIN: &str =
    "<!-- Generated from here on: STEADFIRE_BLESS=1 cargo nextest run cli_page -->\n";
/// The verb whose flags others take as well; they are listed once.
const SHARED: &str = "run";

#[test]
fn the_page_lists_what_the_program_takes() {
    let page = read(PAGE).expect("the page is UTF-8");
    let by_hand = page.split_once(BEGIN).map_or(page.as_str(), |(above, _)| above);
    let made = format!("{by_hand}{BEGIN}{}", reference(&built()));
    #[expect(clippy::disallowed_methods, reason = "only whoever changes the command line sets it")]
    let bless = std::env::var("STEADFIRE_BLESS").is_ok();
    if bless {
        fs::write(repository().join(PAGE), &made).expect("the page can be written");
    }
    let page = read(PAGE).expect("the page is UTF-8");
    assert_eq!(made, page, "{PAGE} differs; STEADFIRE_BLESS=1 accepts it");
}

/// Every long flag and alias of every verb.
pub(super) fn long_flags() -> BTreeSet<String> {
    fn collect(command: &Command, flags: &mut BTreeSet<String>) {
        for argument in command.get_arguments() {
            let aliases = argument.get_visible_aliases().unwrap_or_default();
            flags.extend(
                argument.get_long().into_iter().chain(aliases).map(|name| format!("--{name}")),
            );
        }
        command.get_subcommands().for_each(|verb| collect(verb, flags));
    }
    let mut flags = BTreeSet::new();
    collect(&built(), &mut flags);
    flags
}

fn built() -> Command {
    let mut command = command();
    command.build();
    command
}

fn reference(program: &Command) -> String {
    let mut out = String::from("\n## Verbs\n\n| verb | does |\n|---|---|\n");
    let mut verbs: Vec<&Command> =
        program.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
    verbs.sort_by_key(|verb| (verb.get_name() != SHARED, verb.get_name()));
    for verb in &verbs {
        let name = verb.get_name();
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        row(&mut out, &format!("[`{name}`](#steadfire-{name})"), &about);
    }
    let shared = program.find_subcommand(SHARED);
    for verb in verbs {
        let shared = shared.filter(|_| verb.get_name() != SHARED);
        section(&mut out, verb, &format!("steadfire {}", verb.get_name()), shared);
    }
    out
}

/// A verb's chapter, and those of the verbs below it.
fn section(out: &mut String, verb: &Command, name: &str, shared: Option<&Command>) {
    let level = "#".repeat(name.split(' ').count());
    let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string);
    let usage = verb.clone().render_usage().to_string();
    let usage =
        usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>().join(" ");
    let about = about.unwrap_or_default();
    let about = about.trim_end();
    let stop = if about.ends_with(['.', '?']) { "" } else { "." };
    write!(out, "\n{level} {name}\n\n{}{stop}\n\n```text\n{usage}\n```\n", escaped(about))
        .expect(NO_FAULT);
    let listed: Vec<&Arg> = verb.get_arguments().filter(|argument| is_listed(argument)).collect();
    let (of_shared, own): (Vec<&Arg>, Vec<&Arg>) =
        listed.into_iter().partition(|argument| shared.is_some_and(|shared| has(shared, argument)));
    for heading in headings(&own) {
        let title = heading.unwrap_or(if own.iter().any(|one| !one.is_positional()) {
            "Arguments and flags"
        } else {
            "Arguments"
        });
        write!(out, "\n**{title}**\n\n| flag | meaning |\n|---|---|\n").expect(NO_FAULT);
        for argument in own.iter().filter(|argument| argument.get_help_heading() == heading) {
            row(out, &spelling(argument), &meaning(argument));
        }
    }
    if !of_shared.is_empty() {
        let names: Vec<String> =
            of_shared.iter().map(|argument| short_spelling(argument)).collect();
        write!(
            out,
            "\nThe following mean what they mean for [`{SHARED}`](#steadfire-{SHARED}): {}.\n",
            names.join(", ")
        )
        .expect(NO_FAULT);
    }
    if let Some(after) = verb.get_after_help() {
        write!(out, "\n```text\n{after}\n```\n").expect(NO_FAULT);
    }
    for below in verb.get_subcommands().filter(|below| below.get_name() != "help") {
        section(out, below, &format!("{name} {}", below.get_name()), shared);
    }
}

const NO_FAULT: &str = "writing to a String cannot fail";

fn is_listed(argument: &Arg) -> bool {
    !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
}

/// Whether the command has this very argument: same name, help and default.
fn has(command: &Command, argument: &Arg) -> bool {
    command.get_arguments().any(|other| {
        is_listed(other)
            && other.get_id() == argument.get_id()
            && spelling(other) == spelling(argument)
            && meaning(other) == meaning(argument)
    })
}

/// The headings in their order, arguments without one first.
fn headings<'c>(arguments: &[&'c Arg]) -> Vec<Option<&'c str>> {
    let mut found: Vec<Option<&str>> = Vec::new();
    for argument in arguments {
        let heading = argument.get_help_heading();
        if !found.contains(&heading) {
            found.push(heading);
        }
    }
    found.sort_by_key(Option::is_some);
    found
}

/// `` `-r`, `--rate RATE` ``, aliases included; of a positional argument its name.
fn spelling(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default().join(" ");
    let value = match argument.get_num_args() {
        _ if !argument.get_action().takes_values() => String::new(),
        Some(range) if range.min_values() == 0 => format!("[={values}]"),
        _ => format!(" {values}"),
    };
    if argument.is_positional() {
        return code(&values);
    }
    let short = argument.get_short().map(|short| code(&format!("-{short}")));
    let long = argument.get_long().map(|long| code(&format!("--{long}{value}")));
    let aliases = argument.get_visible_aliases().unwrap_or_default();
    let aliases = aliases.into_iter().map(|alias| code(&format!("--{alias}")));
    short.into_iter().chain(long).chain(aliases).collect::<Vec<_>>().join(", ")
}

fn short_spelling(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => code(&format!("--{long}")),
        None => code(&argument.get_value_names().unwrap_or_default().join(" ")),
    }
}

/// The help with its default and its possible values.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    if !argument.get_action().takes_values() {
        return text;
    }
    let values = argument.get_possible_values();
    let values: Vec<String> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| {
            let help = value.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}{help}", value.get_name())
        })
        .collect();
    if !values.is_empty() {
        write!(text, " [possible values: {}]", values.join(", ")).expect(NO_FAULT);
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() {
        write!(text, " [default: {}]", defaults.join(" ")).expect(NO_FAULT);
    }
    text
}

fn row(out: &mut String, left: &str, right: &str) {
    let right = right.split_whitespace().collect::<Vec<_>>().join(" ");
    writeln!(out, "| {} | {} |", left.replace('|', "\\|"), escaped(&right).replace('|', "\\|"))
        .expect(NO_FAULT);
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    text.replace('*', "\\*").replace('<', "\\<")
}

#[test]
fn a_flag_is_shown_with_its_short_form_value_aliases_default_and_choices() {
    let argument = Arg::new("rate").short('r').long("rate").visible_alias("rps").value_name("A|B");
    let argument = argument.value_parser(["x", "y"]).default_value("x").help("Speed,\n in <1*");
    let command = Command::new("verb").arg(argument);
    let mut out = String::new();
    section(&mut out, &command, "steadfire verb", None);
    let row =
        r"| `-r`, `--rate A\|B`, `--rps` | Speed, in \<1\* [possible values: x, y] [default: x] |";
    assert!(out.contains(row), "{out}");
}

#[test]
fn what_another_verb_has_too_is_named_and_not_listed_again() {
    let flag = |help: &'static str| Arg::new("rate").long("rate").help(help);
    let shared = Command::new("run").arg(flag("Speed"));
    let of = |help| {
        let mut out = String::new();
        section(&mut out, &Command::new("ab").arg(flag(help)), "steadfire ab", Some(&shared));
        out
    };
    assert!(
        !of("Speed").contains("| `--rate") && of("Speed").contains("#steadfire-run): `--rate`.")
    );
    assert!(of("Speed of both").contains("| `--rate"));
}
