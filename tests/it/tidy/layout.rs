//! The shape of a file: it opens with its purpose and stays short.

use super::assert_none;
use super::source::{Source, rust_sources};

/// A file that is longer before its tests owns more than one thing. A tighter limit was met by scattering
/// what belongs together over files of fifty lines.
const LINES_MAX: usize = 600;

#[test]
fn every_file_opens_with_its_purpose() {
    assert_none(&without_header(&rust_sources()));
}

#[test]
fn files_stay_short() {
    assert_none(&too_long(&rust_sources()));
}

fn without_header(sources: &[Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| {
        let opening = source.text.lines().next().unwrap_or_default();
        opening.strip_prefix("//!").is_none_or(|purpose| purpose.trim().is_empty())
    });
    bare.map(|source| format!("{}:1: does not open with `//!` and its purpose", source.path))
        .collect()
}

fn too_long(sources: &[Source]) -> Vec<String> {
    let long = sources.iter().map(|source| (&source.path, source.lines_before_tests()));
    long.filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| {
            format!("{path}: {lines} lines before its tests, at most {LINES_MAX} are allowed")
        })
        .collect()
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
fn the_limit_is_counted_before_the_tests() {
    let complaints = |before: usize| {
        let text = format!("{}#[cfg(test)]\nmod tests {{\n}}\n", "a();\n".repeat(before));
        too_long(&[Source::new("src/a.rs", &text)]).len()
    };
    assert_eq!((complaints(LINES_MAX), complaints(LINES_MAX + 1)), (0, 1));
}
