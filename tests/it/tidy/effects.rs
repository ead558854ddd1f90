//! The core is free of effects: no runtime, clock, socket, file, print or environment.
//!
//! Tests of the core may use files; the code that ships may not.

use super::assert_none;
use super::code::{Token, children};
use super::source::{Source, rust_sources};

/// The top-level modules without effects.
const CORE: &[&str] =
    &["time", "load", "profile", "import", "measure", "analysis", "report", "render"];
/// Crates that exist to have effects, and the one clock type whose mere mention is a reading of it.
const WORDS: &[&str] =
    &["tokio", "tokio_rustls", "hyper", "hyper_util", "rustix", "socket2", "SystemTime"];
/// `root::name` pairs.
const PATHS: &[(&str, &[&str])] = &[
    ("std", &["net", "fs", "env", "process", "thread"]),
    ("Instant", &["now"]),
    ("Timestamp", &["now"]),
];
const MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

#[test]
fn the_core_has_no_effects() {
    assert_none(&effects(&rust_sources()));
}

fn effects(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        if source.module_path().first().is_some_and(|module| CORE.contains(module)) {
            let found = effects_among(&source.product_tokens());
            let found = found.iter().map(|(line, what)| (source.path.as_str(), *line, what));
            complaints.extend(
                found.map(|(path, line, what)| format!("{path}:{line}: the core uses {what}")),
            );
        }
    }
    complaints
}

fn effects_among(tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let words = tokens.iter().filter(|token| WORDS.contains(&token.text));
    let words = words.map(|token| (token.line, format!("`{}`", token.text)));
    let macros =
        tokens.windows(2).filter(|pair| MACROS.contains(&pair[0].text) && pair[1].text == "!");
    let macros = macros.map(|pair| (pair[0].line, format!("`{}!`", pair[0].text)));
    let paths = PATHS.iter().flat_map(|(root, names)| {
        let named = children(tokens, root).into_iter().filter(|token| names.contains(&token.text));
        named.map(move |token| (token.line, format!("`{root}::{}`", token.text)))
    });
    words.chain(macros).chain(paths).collect()
}

#[test]
fn each_effect_is_found() {
    let bad = [
        "use tokio::time::sleep;",
        "async fn f() { tokio::spawn(g()); }",
        "use std::net::IpAddr;",
        "use std::{\n    fmt,\n    fs::{self, File},\n};",
        "let now = std::time::Instant::now();",
        "let now = Instant::now();",
        "use std::time::{Duration, SystemTime};",
        "println!(\"x\");",
        "eprintln!(\"x\");",
        "let home = std::env::var(\"HOME\");",
        "#[cfg(test)]\nuse a;\nuse std::fs;",
    ];
    for code in bad {
        assert_eq!(effects(&[Source::new("src/load/rate.rs", code)]).len(), 1, "{code}");
    }
    let two_lines = Source::new("src/time.rs", "//! x\nuse std::fs;\n");
    assert_eq!(effects(&[two_lines]), ["src/time.rs:2: the core uses `std::fs`"]);
}

#[test]
fn harmless_code_shells_and_tests_pass() {
    let good = [
        ("src/load/rate.rs", "//! No tokio, no std::fs.\nuse std::time::{Duration, Instant};\n"),
        ("src/load/rate.rs", "const HELP: &str = \"println!\"; // Instant::now\nfn print() {}\n"),
        ("src/load/rate.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"),
        ("src/load/rate/tests.rs", "use std::fs;\n"),
        ("src/engine/pacer.rs", "use tokio::time::sleep;\n"),
    ];
    for (path, code) in good {
        assert_none(&effects(&[Source::new(path, code)]));
    }
}
