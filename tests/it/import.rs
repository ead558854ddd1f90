//! `import`, `once` and `check --explain` as a user meets them: files, streams, exit codes, and no secret.

use std::fs::write;

use steadfire::demo::{DemoBackend, Settings, TEST_EMAIL, TEST_PASSWORD};

use crate::server::{ERROR, OK, Server};
use crate::support::{Finished, Program, steadfire};

const OPENAPI: &str = include_str!("../import/fastapi.json");

fn answering(document: &'static str) -> Server {
    Server::answering(move |_| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", document.len());
        [head.as_bytes(), document.as_bytes()].concat()
    })
}

fn with_file(words: &str, name: &str, text: &str) -> Program {
    let program = steadfire(words);
    write(program.home().join(name), text).expect("a file can be written");
    program
}

#[track_caller]
fn succeeded(program: Program) -> Finished {
    let finished = program.run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    finished
}

#[test]
fn an_openapi_document_is_read_from_the_servers_url() {
    let server = answering(OPENAPI);
    let finished = succeeded(steadfire(&format!("import openapi {}/openapi.json", server.url())));
    let host = server.url();
    assert!(finished.stdout.contains(&format!("host: \"{host}\"")));
    assert!(finished.stderr.contains("11 requests, 7 more listed with weight 0"));
    assert!(finished.stderr.contains("LOAD_TEST_PASSWORD, LOAD_TEST_USERNAME"));
    let missing = Server::answering(|_| ERROR.to_vec());
    let refused = steadfire(&format!("import openapi {}/x", missing.url())).run();
    refused.refused(3, &["status 500", "save the document"]);
}

#[test]
fn a_profile_is_written_where_there_is_none_yet_and_check_passes() {
    let program = with_file("import openapi api.json -o api.yaml", "api.json", OPENAPI);
    let home = program.home().to_owned();
    let finished = succeeded(program);
    assert_eq!(finished.stdout, "");
    let written = std::fs::read_to_string(home.join("api.yaml")).expect("it was written");
    let variables = "-e LOAD_TEST_USERNAME=a -e LOAD_TEST_PASSWORD=b";
    succeeded(with_file(&format!("check api.yaml {variables}"), "api.yaml", &written));
    let again = with_file("import openapi api.json -o api.json", "api.json", OPENAPI);
    again.run().refused(2, &["--output api.json", "remove it first"]);
}

#[test]
fn what_cannot_be_imported_names_place_cause_and_remedy() {
    with_file("import har a.har", "a.har", "{\n\"log\": }")
        .run()
        .refused(2, &["a.har: line 2, column 8: not JSON", "Save all as HAR"]);
    steadfire("import har http://127.0.0.1:9/a.har").run().refused(2, &["save it to a file"]);
    steadfire("import har missing.har").run().refused(2, &["missing.har"]);
    // Nothing comes on stdin here.
    steadfire("import curl -").run().refused(2, &["-: it holds no curl command"]);
}

#[test]
fn once_shows_each_exchange_without_its_secrets() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let words = format!("once chat-center-read --host http://{}", backend.addr());
    let program = steadfire(&words).env("LOAD_TEST_EMAIL", TEST_EMAIL);
    let finished = succeeded(program.env("LOAD_TEST_PASSWORD", TEST_PASSWORD));
    for words in [
        "log-in: login\n> POST /api/auth/login",
        "{\"email\":\"***\",\"password\":\"***\"}",
        "set-up: interactions\n> GET /api/interactions?page=1",
        "\nlist all\n> GET /api/interactions?page=",
        "> authorization: Bearer ***",
        "< 200 OK",
        "15 exchanges, all as expected",
    ] {
        assert!(finished.stdout.contains(words), "no {words:?} in:\n{}", finished.stdout);
    }
    let secrets = [TEST_EMAIL, TEST_PASSWORD, "eyJ"];
    for secret in secrets {
        assert!(!finished.stdout.contains(secret), "{secret}:\n{}", finished.stdout);
    }
}

#[test]
fn once_ends_with_99_for_a_bad_answer_and_3_for_none() {
    let server =
        Server::answering(
            |received| {
                if received.path() == "/b" { ERROR.to_vec() } else { OK.to_vec() }
            },
        );
    let profile = "requests: [{path: /a}, {path: /b}, {path: /c, weight: 0}]";
    let words = format!("once p.yaml --host {}", server.url());
    let finished = with_file(&words, "p.yaml", profile).run();
    assert_eq!(finished.code, 99, "{}", finished.stderr);
    assert!(finished.stdout.contains("✗ status 500, expected 200 to 399"), "{}", finished.stdout);
    assert!(finished.stdout.contains("2 exchanges, 1 not as expected"), "{}", finished.stdout);
    steadfire("once http://127.0.0.1:9/").run().refused(3, &["cannot connect"]);
}

#[test]
fn check_explains_what_would_be_sent_and_sends_nothing() {
    let words = "check chat-center --explain -r 100/s -d 10s --warmup 1s";
    let program = steadfire(words).env("LOAD_TEST_EMAIL", "me@example.org");
    let finished = succeeded(program.env("LOAD_TEST_PASSWORD", "pw-s3cret"));
    for words in [
        "chat-center on http://HOST",
        "100/s for 10 s, constant arrivals, seed 1",
        "before that 1 s of warm-up, 100 requests",
        "objectives: p95 < 1 s, errors < 5 %",
        "1 log-in, 2 set-up requests",
        "> authorization: Bearer ***",
        "0.010000 s",
    ] {
        assert!(finished.stdout.contains(words), "no {words:?} in:\n{}", finished.stdout);
    }
    let row = finished.stdout.lines().find(|line| line.starts_with("list all ")).expect("a row");
    assert!(row.ends_with(" 200"), "{row}");
    assert!(!finished.stdout.contains("s3cret"));
}

#[test]
fn a_log_is_replayed_at_its_own_pace() {
    let line = |at: u32, path: &str| {
        format!(
            "{{\"method\":\"GET\",\"path\":\"{path}\",\"status\":200,\"ts\":1795648517.{at:03}}}\n"
        )
    };
    let log: String =
        (0..20).map(|n| line(n * 40, if n % 4 == 0 { "/b?x=1" } else { "/a/17" })).collect();
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("run --replay log.json --speed 2 --host {} --json", server.url());
    let report = with_file(&words, "log.json", &log).run().report();
    assert_eq!((report.fates.planned, report.fates.ok), (20, 20));
    let counts: Vec<(&str, u64)> =
        report.requests.iter().map(|r| (r.name.as_str(), r.fates.planned)).collect();
    assert_eq!(counts, [("GET /b", 5), ("GET /a/{id}", 15)]);
    assert!((report.rate.target - 50.0).abs() < 0.5, "{}", report.rate.target);
    let replay = report.plan.replay.map(|replay| replay.to_string());
    assert_eq!(replay.as_deref(), Some("20 requests of log.json at 2 times its pace"));
    steadfire("run --replay log.json -r 5 --host h").run().refused(2, &["--replay"]);
}

#[test]
fn completions_and_man_pages_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let finished = succeeded(steadfire(&format!("completions {shell}")));
        assert!(finished.stdout.contains("find-max-rps"), "{shell}");
    }
    assert!(succeeded(steadfire("man")).stdout.contains(".TH steadfire"));
    assert!(succeeded(steadfire("man run")).stdout.contains("find\\-max\\-rps"));
    steadfire("man fly").run().refused(2, &["'fly' is no verb"]);
}

#[test]
fn check_explains_flows_by_their_first_steps() {
    let program = steadfire("check flow.yaml --explain -r 30 -d 10s");
    let profile = "host: http://127.0.0.1:9\nflows:\n  - name: tour\n    steps:\n      \
                   - {name: one, path: /one}\n      - {name: two, path: /two}\n\
                   requests:\n  - {name: plain, path: /plain}\n";
    std::fs::write(program.home().join("flow.yaml"), profile).expect("a profile can be written");
    let finished = program.run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    for told in ["tour (2 steps)", "plain", "tour / one", "/plain"] {
        assert!(finished.stdout.contains(told), "no {told:?} in:\n{}", finished.stdout);
    }
}
