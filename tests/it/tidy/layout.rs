//! The shape of a file: it opens with its purpose and stays short.

use super::assert_none;
use super::source::{Source, rust_sources};

/// Beyond this a file needs a reason in [`LONG_FILES`].
const SOFT_LINES: usize = 400;
/// Beyond this no reason helps. Tests answer to this limit alone: a long table is easy to read.
const HARD_LINES: usize = 600;
/// Files longer than [`SOFT_LINES`] before their tests, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

#[test]
fn every_file_opens_with_its_purpose() {
    assert_none(&without_header(&rust_sources()));
}

#[test]
fn files_stay_short() {
    assert_none(&too_long(&rust_sources(), LONG_FILES));
}

fn without_header(sources: &[Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| {
        let opening = source.text.lines().next().unwrap_or_default();
        opening.strip_prefix("//!").is_none_or(|purpose| purpose.trim().is_empty())
    });
    bare.map(|source| format!("{}:1: does not open with `//!` and its purpose", source.path))
        .collect()
}

fn too_long(sources: &[Source], excepted: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let path = &source.path;
        let listed = excepted.iter().any(|(long, _)| long == path);
        let limit = if listed || source.is_test() { HARD_LINES } else { SOFT_LINES };
        let lines = source.lines_before_tests();
        if lines > limit {
            complaints.push(format!(
                "{path}: {lines} lines before its tests, at most {limit} are allowed"
            ));
        }
        if listed && lines <= SOFT_LINES {
            complaints.push(format!("{path}: is short again, take it off the list"));
        }
    }
    let gone =
        excepted.iter().filter(|(long, _)| sources.iter().all(|source| source.path != *long));
    complaints.extend(gone.map(|(long, _)| format!("{long}: is listed as long but not there")));
    complaints
}

#[test]
fn a_missing_or_empty_header_is_named() {
    let bare = |text: &str| without_header(&[Source::new("src/a.rs", text)]).len();
    assert_eq!(bare("//! Owns a.\nfn a() {}\n"), 0);
    for text in ["", "fn a() {}\n", "\n//! Owns a.\n", "//!\n", "// Owns a.\n", "/// Owns a.\n"] {
        assert_eq!(bare(text), 1, "{text:?}");
    }
}

#[test]
fn the_limits_are_counted_before_the_tests() {
    let file = |path: &str, before: usize| {
        Source::new(path, &format!("{}#[cfg(test)]\nmod tests {{\n}}\n", "a();\n".repeat(before)))
    };
    let complaints = |path: &str, before: usize, excepted: &[(&str, &str)]| {
        too_long(&[file(path, before)], excepted).len()
    };
    let listed = [("src/a.rs", "one table")];
    assert_eq!(complaints("src/a.rs", 400, &[]), 0);
    assert_eq!(complaints("src/a.rs", 401, &[]), 1);
    assert_eq!(complaints("src/a.rs", 401, &listed), 0);
    assert_eq!(complaints("src/a.rs", 600, &listed), 0);
    assert_eq!(complaints("src/a.rs", 601, &listed), 1);
    assert_eq!(complaints("src/a.rs", 400, &listed), 1, "no longer an exception");
    assert_eq!(complaints("src/b.rs", 1, &listed), 1, "the listed file is gone");
    assert_eq!(complaints("tests/it/a.rs", 600, &[]), 0);
    assert_eq!(complaints("tests/it/a.rs", 601, &[]), 1);
}
