//! Reads the repository for the checkers: which files there are, and of a Rust file where it stands and
//! what of it ships.

use std::fs;
use std::path::{Path, PathBuf};

use super::code::{Token, code_only, tokens};

/// One Rust file.
pub(super) struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    /// As stored.
    pub text: String,
    /// `text` with every comment, string and character literal blanked, line breaks kept.
    pub code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code_only(text) }
    }

    /// The names below `src/` that lead to this file's module: `["load", "rate"]`; empty outside `src/`.
    pub(super) fn module_path(&self) -> Vec<&str> {
        let Some(below) = self.path.strip_prefix("src/") else { return Vec::new() };
        let below = below.strip_suffix(".rs").unwrap_or(below);
        below.strip_suffix("/mod").unwrap_or(below).split('/').collect()
    }

    /// Whether the whole file is test code.
    pub(super) fn is_test(&self) -> bool {
        let module = self.module_path();
        module.is_empty() || module.contains(&"tests")
    }

    /// How many lines stand before the inline test module; all of them if there is none.
    pub(super) fn lines_before_tests(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let opens_tests = |at: &usize| {
            let after =
                lines[at + 1..].iter().find(|line| !line.starts_with("#[") && !line.is_empty());
            lines[*at] == "#[cfg(test)]"
                && after.is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
        };
        (0..lines.len()).find(opens_tests).unwrap_or(lines.len())
    }

    /// The tokens of the code that ships: none of a test file, otherwise up to the inline test module.
    pub(super) fn product_tokens(&self) -> Vec<Token<'_>> {
        let lines = if self.is_test() { 0 } else { self.lines_before_tests() };
        let mut tokens = tokens(&self.code);
        tokens.retain(|token| token.line <= lines);
        tokens
    }
}

/// Every Rust file of the library, the binary and their tests.
pub(super) fn rust_sources() -> Vec<Source> {
    let files = ["src", "tests"].into_iter().flat_map(files_below);
    files
        .filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source::new(&path, &read(&path).expect("Rust sources are UTF-8")))
        .collect()
}

/// The files below a folder of the repository, sorted; none if the folder is missing.
pub(super) fn files_below(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(repository().join(folder)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.expect("a listed entry can be read");
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let kind = entry.file_type().expect("a listed entry has a type");
        if kind.is_dir() {
            found.extend(files_below(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A file's text, or `None` if it is not text.
pub(super) fn read(path: &str) -> Option<String> {
    let bytes = fs::read(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8(bytes).ok()
}

pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn only_an_inline_test_module_ends_the_product_code() {
    let lines = |text: &str| Source::new("src/load/rate.rs", text).lines_before_tests();
    assert_eq!(lines("a();\n\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(lines("a();\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}\n"), 1);
    assert_eq!(lines("#[cfg(test)]\nmod tests;\nb();\n"), 3);
    assert_eq!(lines("#[cfg(test)]\nuse a;\nb();\n"), 3);
    assert_eq!(lines("/*\n#[cfg(test)]\nmod tests {\n*/\nb();\n"), 5);
}

#[test]
fn files_know_their_module() {
    let table: [(&str, &[&str], bool); 5] = [
        ("src/time.rs", &["time"], false),
        ("src/load/mod.rs", &["load"], false),
        ("src/load/rate.rs", &["load", "rate"], false),
        ("src/load/rate/tests.rs", &["load", "rate", "tests"], true),
        ("tests/it/main.rs", &[], true),
    ];
    for (path, module, is_test) in table {
        let source = Source::new(path, "");
        assert_eq!(source.module_path(), module, "{path}");
        assert_eq!(source.is_test(), is_test, "{path}");
    }
}
