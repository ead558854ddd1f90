//! Findings advise only flags that there are.
//!
//! Held against the help of the real binary.

use std::collections::BTreeSet;
use std::process::Command;

use super::assert_none;
use super::source::{Source, rust_sources};

fn help_of(verb: &str) -> String {
    let told = Command::new(env!("CARGO_BIN_EXE_steadfire"))
        .args([verb, "--help"])
        .output()
        .expect("the binary starts");
    assert!(told.status.success(), "{verb} --help ended with {}", told.status);
    String::from_utf8(told.stdout).expect("the help is UTF-8")
}

/// Programs whose flags findings advise as well.
const OTHERS: [&str; 1] = ["uvicorn"];

#[test]
fn findings_advise_only_flags_that_there_are() {
    let help: String = ["run", "ab", "compare"].map(help_of).concat();
    let sources = rust_sources();
    let judging = sources.iter().filter(|source| {
        let path = &source.path;
        path.starts_with("src/analysis/") || path == "src/measure/fate.rs"
    });
    let judging: Vec<&Source> = judging.filter(|source| !source.is_test()).collect();
    assert!(judging.iter().any(|source| source.text.contains("--find-max-rps")), "they advise");
    assert_none(&judging.into_iter().flat_map(|source| unknown(&help, source)).collect::<Vec<_>>());
}

/// Flags in a file's sentences that the help lacks.
fn unknown(help: &str, source: &Source) -> Vec<String> {
    let known = long_flags(help);
    let lines = source.text.lines().take(source.lines_before_tests());
    let said = lines.filter(|line| !line.trim_start().starts_with("//"));
    let ours = |line: &str| {
        OTHERS
            .iter()
            .fold(line.to_owned(), |line, other| line.replace(&format!("{other} --"), other))
    };
    let said: Vec<String> = said.map(ours).collect();
    let flags = said.iter().flat_map(|line| long_flags(line));
    let unknown = flags.filter(|flag| !known.contains(flag));
    unknown
        .map(|flag| format!("{}: {flag} is no flag of a command that judges", source.path))
        .collect()
}

/// Every `--word` that is not the tail of a longer word or dash.
pub(super) fn long_flags(text: &str) -> BTreeSet<&str> {
    let flag_at = |at: usize| {
        let before = text[..at].chars().next_back();
        let name = &text[at + 2..];
        let end =
            name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(name.len());
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        let named = name.starts_with(|c: char| c.is_ascii_lowercase());
        (begins && named).then(|| &text[at..at + 2 + end])
    };
    text.match_indices("--").filter_map(|(at, _)| flag_at(at)).collect()
}

#[test]
fn long_flags_are_read_out_of_help_and_tables() {
    let help = "  -r, --rate <RATE>  [aliases: --rps, --qps]\n      --json[=<FILE>]\n  a -- b --- c x--y ---z";
    assert_eq!(long_flags(help), BTreeSet::from(["--json", "--qps", "--rate", "--rps"]));
    assert_eq!(long_flags("| `--http-version`, `-k/--insecure` |").len(), 2);
}

#[test]
fn advice_that_does_not_exist_is_named() {
    let said = |line: &str| unknown("--rate", &Source::new("src/a.rs", line)).len();
    assert_eq!(said("\"use --rate\""), 0);
    assert_eq!(said("\"use --speed\""), 1);
    assert_eq!(said("\"use uvicorn --workers\"") + said("// --speed"), 0);
}
