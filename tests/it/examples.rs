//! The examples of `examples/` run and print what they promise.

use std::path::Path;
use std::process::Command;

/// What an example prints.
fn output(name: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_steadfire")).parent().expect("it is in a folder");
    let example = programs.join("examples").join(name);
    let run = Command::new(&example).output();
    let run = run.unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo build --examples` makes it", example.display())
    });
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("UTF-8")
}

#[test]
fn a_fixed_rate_is_sent_and_reported() {
    let text = output("fixed_rate");
    assert!(text.contains("200 planned") && text.contains("Result: "), "{text}");
}

#[test]
fn an_observer_follows_and_stops_a_load() {
    let text = output("observer");
    let stopped = text.find("too slow: no more arrivals");
    assert!(stopped.is_some() && text.contains(" answered well"), "{text}");
    let seconds = text.matches(" planned, ").count();
    assert!((1..20).contains(&seconds), "it ended long before its 20 s: {text}");
}

#[test]
fn a_search_finds_what_a_server_holds() {
    let text = output("find_max");
    assert!(text.contains("/s for ") && text.contains("highest rate: "), "{text}");
}
