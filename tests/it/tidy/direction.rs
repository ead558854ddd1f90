//! Which top-level module may use which: the arrows of `docs/architecture.md` as data.
//!
//! An edge, a module or a row that is not on both sides fails.

use std::collections::BTreeSet;

use super::assert_none;
use super::code::{Token, children, heads, tokens};
use super::source::{Source, rust_sources};

/// Every top-level module, lowest first, with those it may use. Tests beside the code obey it too: one
/// that needs a higher layer belongs in `tests/it`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("lib", &[]),
    ("time", &[]),
    ("exit", &[]),
    ("load", &["time"]),
    ("profile", &["time", "load"]),
    ("import", &["load", "profile"]),
    ("measure", &["time", "load"]),
    ("analysis", &["time", "load", "measure"]),
    ("report", &["time", "load", "measure", "analysis"]),
    ("render", &["time", "load", "measure", "analysis", "report"]),
    ("live", &["time", "load", "measure", "analysis", "render"]),
    ("machine", &["measure"]),
    ("transport", &["time", "load", "measure"]),
    ("engine", &["time", "load", "profile", "measure", "machine", "transport"]),
    ("monitor", &["time", "load", "measure", "transport"]),
    ("stream", &["time", "load", "measure", "render", "transport"]),
    ("demo", &["time", "load"]),
    ("store", &["time", "load", "measure", "analysis", "report"]),
    (
        "session",
        &[
            "time",
            "load",
            "profile",
            "measure",
            "analysis",
            "report",
            "machine",
            "transport",
            "engine",
            "monitor",
        ],
    ),
    (
        "commands",
        &[
            "time",
            "exit",
            "load",
            "profile",
            "import",
            "measure",
            "analysis",
            "report",
            "render",
            "live",
            "machine",
            "transport",
            "engine",
            "monitor",
            "stream",
            "demo",
            "store",
            "session",
        ],
    ),
    ("main", &["exit", "commands"]),
];

#[test]
fn modules_use_only_what_lies_below_them() {
    assert_none(&forbidden_edges(&rust_sources()));
}

#[test]
fn the_table_lists_exactly_the_modules_there_are() {
    assert_none(&unlisted(&rust_sources()));
}

#[test]
fn the_table_itself_never_points_upwards() {
    for (at, (module, may_use)) in MAY_USE.iter().enumerate() {
        for used in *may_use {
            let below = MAY_USE[..at].iter().any(|(lower, _)| lower == used);
            assert!(below, "{module} may use {used}, which is not listed before it");
        }
    }
}

fn forbidden_edges(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let Some(&module) = source.module_path().first() else { continue };
        let Some((_, may_use)) = MAY_USE.iter().find(|(listed, _)| *listed == module) else {
            continue;
        };
        for used in top_level_names(source) {
            if used.text != "self" && used.text != module && !may_use.contains(&used.text) {
                let (path, line, name) = (&source.path, used.line, used.text);
                complaints.push(format!("{path}:{line}: `{module}` may not use `{name}`"));
            }
        }
    }
    complaints
}

/// What a file names at the crate's root: by `crate::`, by `steadfire::` as the binary does, or by
/// climbing there with `super::`.
fn top_level_names(source: &Source) -> Vec<Token<'_>> {
    let tokens = tokens(&source.code);
    let mut names = children(&tokens, "crate");
    names.extend(children(&tokens, "steadfire"));
    names.extend(reached_by_super(&tokens, &source.module_path()));
    names
}

fn reached_by_super<'a>(tokens: &[Token<'a>], module_path: &[&str]) -> Vec<Token<'a>> {
    // The roots of library and binary have nothing above them.
    if matches!(module_path, ["lib" | "main"]) {
        return Vec::new();
    }
    let is = |at: Option<usize>, text: &str| {
        at.and_then(|at| tokens.get(at)).is_some_and(|token| token.text == text)
    };
    let mut names = Vec::new();
    let mut inline_modules = Vec::new();
    let mut braces = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => {
                braces += 1;
                if is(at.checked_sub(2), "mod") {
                    inline_modules.push(braces);
                }
            }
            "}" => {
                inline_modules.pop_if(|opened| *opened == braces);
                braces = braces.saturating_sub(1);
            }
            "super" if !is(at.checked_sub(2), "super") => {
                let links = tokens[at..].chunks_exact(2);
                let climbs =
                    links.take_while(|l| l[0].text == "super" && l[1].text == "::").count();
                if climbs >= module_path.len() + inline_modules.len() {
                    names.extend(heads(&tokens[at + 2 * climbs..]));
                }
            }
            _ => {}
        }
    }
    names
}

fn unlisted(sources: &[Source]) -> Vec<String> {
    let present: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.module_path().first().copied()).collect();
    let listed: BTreeSet<&str> = MAY_USE.iter().map(|(module, _)| *module).collect();
    let new = present.difference(&listed).map(|module| format!("`{module}` is not in the table"));
    let gone = listed.difference(&present).map(|module| format!("`{module}` has no file"));
    new.chain(gone).collect()
}

#[test]
fn a_forbidden_edge_is_named_with_file_and_line() {
    let edges = |path: &str, text: &str| forbidden_edges(&[Source::new(path, text)]);
    let group = "//! x\nuse crate::{\n    time::Offset,\n    engine::Pacer,\n};\n";
    assert_eq!(
        edges("src/load/rate.rs", group),
        ["src/load/rate.rs:4: `load` may not use `engine`"]
    );
    let inline = "fn f() { crate::render::text(); }";
    assert_eq!(edges("src/report/mod.rs", inline).len(), 1);
    let binary = "fn main() { steadfire::engine::run(); }";
    assert_eq!(edges("src/main.rs", binary), ["src/main.rs:1: `main` may not use `engine`"]);
    assert_eq!(edges("src/load/rate.rs", "use crate::*;").len(), 1);
    assert_eq!(edges("src/load/rate/tests.rs", "use crate::engine::Pacer;").len(), 1);
}

#[test]
fn climbing_to_the_root_is_no_way_round() {
    let edges = |path: &str, text: &str| forbidden_edges(&[Source::new(path, text)]).len();
    assert_eq!(edges("src/time.rs", "use super::load::Rate;"), 1);
    assert_eq!(edges("src/load/rate.rs", "use super::super::{engine::Pacer, time::Offset};"), 1);
    assert_eq!(edges("src/load/rate.rs", "mod tests { use super::super::super::engine; }"), 1);
    // One step fewer stays inside the module, whatever the name.
    assert_eq!(edges("src/load/rate.rs", "use super::engine::Pacer;"), 0);
    assert_eq!(edges("src/load/mod.rs", "mod tests { use super::*; use super::engine; }"), 0);
    assert_eq!(edges("src/load/mod.rs", "mod a { } use super::engine;"), 1);
    assert_eq!(edges("src/load/rate.rs", "pub(super) fn f() {} pub(in super::super) fn g() {}"), 0);
}

#[test]
fn allowed_edges_and_mere_mentions_pass() {
    let text = "//! Unlike `crate::engine`.\nuse crate::time::Offset;\nuse super::mix::Mix;\n\
                pub(crate) const A: &str = \"crate::engine\"; // crate::engine\n\
                use crate::load::schedule;\nuse std::time::Duration;\n";
    assert_none(&forbidden_edges(&[Source::new("src/load/rate.rs", text)]));
    assert_none(&forbidden_edges(&[Source::new(
        "tests/it/run.rs",
        "use steadfire::engine::Pacer;",
    )]));
}

#[test]
fn a_new_module_and_a_stale_row_are_both_named() {
    let mut sources: Vec<Source> =
        MAY_USE.iter().map(|(module, _)| Source::new(&format!("src/{module}.rs"), "")).collect();
    assert_none(&unlisted(&sources));
    sources.retain(|source| source.path != "src/store.rs");
    sources.push(Source::new("src/cluster/mod.rs", ""));
    assert_eq!(unlisted(&sources), ["`cluster` is not in the table", "`store` has no file"]);
}
