//! The numbers of the search are named and explained in one place: no other file of it has a bare one.

use super::assert_none;
use super::source::{Source, rust_sources};

/// Folders whose results rest on numbers that somebody chose.
const FOLDERS: [&str; 2] = ["src/analysis/search", "src/analysis/trial"];

/// Nothing, all, twice and half need no reason.
const PLAIN: [&str; 4] = ["0.0", "0.5", "1.0", "2.0"];

#[test]
fn the_numbers_of_the_search_have_names() {
    let sources = rust_sources();
    let within = |path: &str| FOLDERS.iter().any(|folder| path.starts_with(folder));
    let of_the_search = sources.iter().filter(|source| within(&source.path) && !source.is_test());
    assert_none(&of_the_search.flat_map(bare).collect::<Vec<_>>());
}

/// Fractions in the product's code that stand outside a file of tuning.
fn bare(source: &Source) -> Vec<String> {
    if source.path.ends_with("/tuning.rs") {
        return Vec::new();
    }
    let lines = source.code.lines().take(source.lines_before_tests()).enumerate();
    let found = lines.flat_map(|(at, line)| fractions(line).into_iter().map(move |one| (at, one)));
    found
        .filter(|(_, one)| !PLAIN.contains(&one.trim_end_matches("_f64")))
        .map(|(at, one)| format!("{}:{}: name and explain {one} in tuning.rs", source.path, at + 1))
        .collect()
}

/// The literals of a line that only a floating-point number can be.
fn fractions(line: &str) -> Vec<&str> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let words = line.split(|c: char| !part(c));
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .filter(|word| {
            let mut parts = word.split('.').skip(1);
            let fraction =
                parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
            let exponent = word.contains('e') && !word.starts_with("0x");
            fraction || exponent || word.ends_with("f64")
        })
        .collect()
}

#[test]
fn a_bare_number_is_named_with_its_place() {
    let complaints = |path: &str, text: &str| bare(&Source::new(path, text)).len();
    let path = "src/analysis/search/steps.rs";
    for text in ["a < 0.7 * b\n", "a.max(1e-9)\n", "5_f64\n", "(1.25e3)\n", "x(0.30, 1.0)\n"] {
        assert_eq!(complaints(path, text), 1, "{text}");
        assert_eq!(complaints("src/analysis/search/tuning.rs", text), 0, "{text}");
        assert_eq!(complaints(path, &format!("#[cfg(test)]\nmod tests {{\n{text}}}\n")), 0);
    }
    for text in ["a = 0.5 * b + 1.0 - 2.0_f64\n", "b.0.1\n", "0..8\n", "// 0.7\n", "a[3]\n"] {
        assert_eq!(complaints(path, text), 0, "{text}");
    }
}
