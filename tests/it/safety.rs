//! Nobody is loaded by accident: a foreign host needs a yes, and --max-total-requests is never passed.

use crate::server::{OK, Server};
use crate::support::{Program, steadfire};

fn answering() -> Server {
    Server::answering(|_| OK.to_vec())
}

/// A run through a proxy on this machine to a host that is none of ours.
fn foreign(proxy: &Server, flags: &str, state: &std::path::Path) -> Program {
    let words = format!("http://shop.example/ -x {} -n 5 {flags}", proxy.url());
    steadfire(&words).env("XDG_STATE_HOME", &state.to_string_lossy())
}

#[test]
fn a_foreign_host_needs_a_yes_once() {
    let proxy = answering();
    let state = tempfile::tempdir().expect("a temporary folder can be made");
    let refused = foreign(&proxy, "", state.path()).run();
    let words = ["first load on shop.example:80", "5 requests, 50/s", "give --yes"];
    refused.refused(2, &words);
    foreign(&proxy, "--find-max-rps --max-rate 20", state.path().join("x").as_path()).run();
    assert_eq!(proxy.connections(), 0, "nothing is sent before");
    let agreed = foreign(&proxy, "--yes", state.path()).run();
    assert_eq!(agreed.code, 0, "{}", agreed.stderr);
    assert!(agreed.stderr.contains("first load on shop.example:80"), "{}", agreed.stderr);
    let again = foreign(&proxy, "", state.path()).run();
    assert_eq!(again.code, 0, "it is remembered: {}", again.stderr);
    assert!(!again.stderr.contains("first load"), "{}", again.stderr);
    // Beside a tunnel that it is asked for each time, through which nothing is sent.
    let received = proxy.received();
    assert_eq!(received.iter().filter(|one| one.line.starts_with("GET")).count(), 10);
}

#[test]
fn this_machine_needs_no_yes() {
    let server = answering();
    for url in [server.url(), server.url().replace("127.0.0.1", "localhost")] {
        let finished = steadfire(&format!("{url} -n 2")).run();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        assert!(!finished.stderr.contains("first load"), "{}", finished.stderr);
    }
}

#[test]
fn a_plan_past_the_bound_is_refused_beforehand() {
    let server = answering();
    let table = [
        ("-r 100 -d 10s --max-total-requests 999", "1,000 are planned"),
        ("-r 100 -d 9s --warmup 2s --max-total-requests 1000", "1,100 are planned"),
        ("--stages 10/s:1s,20/s:1s --max-total-requests 29", "30 are planned"),
        ("--find-max-rps --max-total-requests 3", "no trial was sent"),
    ];
    for (flags, words) in table {
        steadfire(&format!("{} {flags}", server.url())).run().refused(2, &[words]);
    }
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_search_ends_at_the_bound_with_what_it_has() {
    let server = answering();
    let words = format!("{} --find-max-rps --max-total-requests 100 --json", server.url());
    let finished = steadfire(&words).run();
    let search = finished.report().search.expect("it is a search");
    assert!(search.notes.iter().any(|note| note.contains("ended the search")), "{search:?}");
    assert!(!search.trials.is_empty());
    let sent = server.received().len();
    assert!((10..=100).contains(&sent), "{sent}");
}
