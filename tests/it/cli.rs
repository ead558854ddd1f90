//! The command line: mistakes end before any load, with their remedy and exit code, and what was asked for
//! reaches the server and the reader.

use std::net::TcpListener;

use serde_json::Value;
use steadfire::demo::{DemoBackend, Seeding, Settings, TEST_EMAIL, TEST_PASSWORD};

use crate::server::{OK, Server};
use crate::support::{Finished, Program, steadfire};

fn answering() -> Server {
    Server::answering(|_| OK.to_vec())
}

/// The chat-center profile against `backend`, with this account.
fn chat_center(backend: &DemoBackend, email: &str, password: &str) -> Program {
    let words = format!("chat-center --host http://{} -d 1s --json", backend.addr());
    steadfire(&words).env("LOAD_TEST_EMAIL", email).env("LOAD_TEST_PASSWORD", password)
}

fn start(settings: Settings) -> DemoBackend {
    DemoBackend::start(settings).expect("a loopback port is free")
}

/// Nothing that the run said or kept holds `secret`.
#[track_caller]
pub(crate) fn assert_kept(finished: &Finished, secret: &str) {
    assert!(!finished.stdout.contains(secret) && !finished.stderr.contains(secret), "on screen");
    for (path, text) in finished.files() {
        assert!(!text.contains(secret), "in {}", path.display());
        assert!(!path.to_string_lossy().contains(secret), "in a name: {}", path.display());
    }
}

#[test]
fn missing_variables_are_named_all_at_once() {
    let finished = steadfire("chat-center --host http://127.0.0.1:9").run();
    finished.refused(2, &["LOAD_TEST_EMAIL", "LOAD_TEST_PASSWORD", "chat-center:"]);
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let backend = start(Settings::default());
    let finished = chat_center(&backend, TEST_EMAIL, "wr0ng-s3cret").run();
    finished.refused(3, &["401", "check the e-mail and password"]);
    assert_kept(&finished, "wr0ng-s3cret");
}

#[test]
fn a_target_that_is_not_there_is_told_with_its_address() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let addr = free.local_addr().expect("a bound socket has an address");
    drop(free);
    let finished = steadfire(&format!("http://{addr}/ -d 1s")).run();
    finished.refused(3, &["cannot connect", &addr.to_string(), "is the target running"]);
}

#[test]
fn an_empty_pool_says_how_to_fill_it() {
    let backend = start(Settings { seeding: Seeding::Empty, ..Settings::default() });
    let finished = chat_center(&backend, TEST_EMAIL, TEST_PASSWORD).run();
    finished.refused(3, &["interaction_ids", "seed the demo data"]);
}

#[test]
fn all_mistakes_of_a_profile_are_shown_with_their_place() {
    let profile =
        "nmae: x\nrequests:\n  - path: items\n    wieght: 5\n  - path: /${NO_SUCH_VARIABLE}\n";
    for verb in ["run", "check"] {
        let program = steadfire(&format!("{verb} bad.yaml"));
        std::fs::write(program.home().join("bad.yaml"), profile).expect("a file can be written");
        let places = ["bad.yaml:1:1", "bad.yaml:3:11", "bad.yaml:4:5", "bad.yaml:5:"];
        let shown = ["    wieght: 5", "    ^^^^^^", "did you mean `weight`?", "NO_SUCH_VARIABLE"];
        let finished = program.run();
        finished.refused(2, &[places.as_slice(), &shown].concat());
    }
}

#[test]
fn flags_of_other_tools_get_a_hint() {
    let server = answering();
    let table = [
        ("-u 100", "--users 100 --wait 1..3"),
        ("-z 10s", "--duration 30s (-d)"),
        ("-q 50", "-q means quiet"),
        ("-d {\"a\":1}", "--data"),
        ("-t 4", "--threads"),
        ("--web", "report.html"),
        ("--json out.json", "--json=FILE"),
        ("--threshold rate>0.95", "checks:rate>0.95"),
        ("--out json=out.json", "--samples out.json"),
    ];
    for (flags, hint) in table {
        steadfire(&format!("{} {flags}", server.url())).run().refused(2, &[hint]);
    }
    assert_eq!(server.connections(), 0, "nothing is sent before the words are understood");
}

#[test]
fn bad_values_name_their_flag() {
    let table = [
        ("--stages 1/s:1s,2/s", "stage 2 '2/s' is not a rate and a length"),
        ("-r 0", "--rate"),
        ("-r fast", "--rate"),
        ("-d 0s", "--duration"),
        ("-d 10", "--duration"),
        ("-n 0", "--requests"),
        ("-n 5 -d 5s", "--requests"),
        ("-c 0", "--connections"),
        ("--timeout 0s", "--timeout"),
        ("--late never", "shed-after:"),
        ("--slo p95<fast", "--slo"),
        ("--users 0", "--users"),
        ("--wait 2", "--users"),
        ("--weight nobody=3", "no request is named 'nobody'"),
        ("--tags none", "nothing is left to send"),
        ("--cacert no-such-file.pem", "no-such-file.pem"),
        ("--data a --data-file b", "--data-file"),
        ("-H nonsense", "Name: value"),
    ];
    for (flags, words) in table {
        steadfire(&format!("http://127.0.0.1:9/ {flags}")).run().refused(2, &[words]);
    }
    for (subject, words) in [
        ("no-such-profile", "there is no such file"),
        ("example.org", "http://"),
        ("http://", "host"),
        ("ftp://example.org/", "http://"),
        ("http://me:hunter2@127.0.0.1/", "not supported"),
    ] {
        let finished = steadfire(subject).run();
        finished.refused(2, &[words]);
    }
}

#[test]
fn several_mistakes_are_told_together() {
    let finished = steadfire("http://127.0.0.1:9/ -d 0s --timeout 0s --weight x=1").run();
    finished.refused(2, &["--duration", "--timeout", "--weight"]);
}

#[test]
fn without_words_there_is_a_short_help() {
    let short = steadfire("").run();
    assert_eq!((short.code, short.stderr.as_str()), (0, ""));
    assert!(short.stdout.contains("steadfire --find-max-rps"), "{}", short.stdout);
    let long = steadfire("run --help").run();
    assert!(short.stdout.lines().count() < 40 && short.stdout.len() * 3 < long.stdout.len());
}

#[test]
fn json_alone_is_one_document_that_meets_the_published_schema() {
    let server = answering();
    // A limit that no lag of a busy machine comes near.
    let words = format!("{} -r 100 -d 2s --json --slo p95<60s,errors<5%", server.url());
    let finished = steadfire(&words).run();
    let document: Value = serde_json::from_str(&finished.stdout).expect("one JSON document");
    let schema: Value =
        serde_json::from_str(&steadfire("schema result").run().stdout).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let faults: Vec<_> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(document["schema"], "steadfire.result/1");
    assert_eq!(finished.code, 0, "{}", finished.stderr);

    let report = finished.report();
    assert_eq!((report.fates.planned, report.fates.ok), (200, 200));
    assert_eq!(server.received().len(), 200);
    let stored = finished.files();
    let stored = stored.iter().find(|(path, _)| path.ends_with("result.json"));
    let (_, stored) = stored.expect("the run folder holds the result");
    assert_eq!(serde_json::from_str::<Value>(stored).expect("it is JSON"), document);
}

#[test]
fn a_reader_that_leaves_ends_nothing_loudly() {
    let server = answering();
    for words in [format!("{} -n 5", server.url()), "schema profile".into(), "run --help".into()] {
        let mut running = steadfire(&words).spawn_unread();
        drop(running.pipe.take());
        let finished = running.finish();
        assert_eq!(finished.code, 0, "{words}: {}", finished.stderr);
        assert!(!finished.stderr.contains("roken pipe"), "{words}: {}", finished.stderr);
    }
}

#[test]
fn a_number_of_requests_is_sent_to_the_last() {
    let server = answering();
    let report = steadfire(&format!("{} -r 200 -n 50 --json", server.url())).run().report();
    assert_eq!((report.fates.planned, report.fates.ok), (50, 50));
    assert_eq!(server.received().len(), 50);
}

#[test]
fn stages_follow_each_other_at_their_own_rates() {
    let server = answering();
    let words = "--stages 50/s:1s,200/s:1s --warmup 500ms --json";
    let report = steadfire(&format!("{} {words}", server.url())).run().report();
    assert_eq!((report.fates.planned, report.fates.ok), (250, 250));
    assert_eq!(server.received().len(), 25 + 250, "the warm-up has the first stage's rate");
    assert_eq!(report.plan.stages.as_deref(), Some("50/s:1s,200/s:1s"));
    assert_eq!((report.rate.target, report.plan.rate), (125.0, 125.0));
    // A point ends where its second does, to a window of 100 ms.
    let planned: Vec<u64> = report.series.iter().map(|point| point.planned).collect();
    assert!((45..=75).contains(&planned[0]), "{planned:?}");
    assert!((175..=205).contains(&planned[1]), "{planned:?}");
}

#[test]
fn stages_stand_for_rate_and_length() {
    for flags in ["-r 5", "-d 1s", "-n 5", "--users 5 --wait 1", "--find-max-rps"] {
        let words = format!("http://127.0.0.1:9/ --stages 1/s:1s {flags}");
        steadfire(&words).run().refused(2, &["--stages", "cannot be used with"]);
    }
}

#[test]
fn users_and_their_think_time_become_a_rate() {
    let server = answering();
    let finished =
        steadfire(&format!("{} --users 100 --wait 1..3 -d 1s --json", server.url())).run();
    assert!(finished.stderr.contains("Little's law"), "{}", finished.stderr);
    let report = finished.report();
    assert_eq!((report.fates.planned, report.rate.target), (50, 50.0));
}

#[test]
fn method_headers_and_body_reach_the_server() {
    let server = answering();
    let program = steadfire(&format!("{}/a/b?c=d -n 3 -r 100 -X PUT --json", server.url()));
    let finished =
        program.arg("-H").arg("X-Colour: deep red").arg("--data").arg("{\"x\": 1}").run();
    assert_eq!(finished.report().fates.ok, 3);
    for received in server.received() {
        assert_eq!(received.line, "PUT /a/b?c=d HTTP/1.1");
        assert_eq!(received.body, "{\"x\": 1}");
        let headers = received.headers.to_ascii_lowercase();
        assert!(headers.contains("x-colour: deep red\r\n"), "{headers}");
        let host = server.url().replace("http://", "host: ");
        assert!(headers.contains(&format!("{host}\r\n")), "{headers}");
    }
}

#[test]
fn a_run_folder_is_never_written_over() {
    let server = answering();
    let folder = tempfile::tempdir().unwrap();
    let words = format!("{} -n 5 --out {}", server.url(), folder.path().join("run").display());
    let first = steadfire(&words).run();
    assert_eq!(first.code, 0, "{}", first.stderr);
    let result = folder.path().join("run/result.json");
    let before = std::fs::read(&result).unwrap();
    let again = steadfire(&words).run();
    assert_ne!(again.code, 0);
    assert_eq!(std::fs::read(&result).unwrap(), before);
    assert_eq!(server.received().len(), 5, "the second one sent nothing");
}

#[test]
fn secrets_stay_out_of_everything_that_is_kept() {
    let token = "s3cret-t0ken";
    let server = answering();
    let words = format!("{}/?api_key=s3cret-query -n 5", server.url());
    let finished = steadfire(&words).arg("-H").arg(&format!("Authorization: Bearer {token}")).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(server.received().iter().all(|received| received.headers.contains(token)));
    assert!(finished.files().len() >= 2, "there is a run folder");
    assert_kept(&finished, token);

    let backend = start(Settings::default());
    let finished = chat_center(&backend, TEST_EMAIL, TEST_PASSWORD).arg("-r").arg("20").run();
    assert_eq!(finished.report().fates.ok, 20);
    assert_kept(&finished, TEST_PASSWORD);
    // Every JSON Web Token begins like this.
    assert_kept(&finished, "eyJ");
}

#[test]
fn shipped_profiles_pass_their_check() {
    for name in ["chat-center", "chat-center-read", "chat-center-analytics"] {
        let program = steadfire(&format!("check {name}"));
        let finished = program.env("LOAD_TEST_EMAIL", "a").env("LOAD_TEST_PASSWORD", "b").run();
        assert_eq!((finished.code, finished.stderr.as_str()), (0, ""));
        assert!(finished.stdout.contains("list all") || finished.stdout.contains("quality"));
    }
    let schema = steadfire("schema profile").run();
    let schema: Value = serde_json::from_str(&schema.stdout).expect("the schema is JSON");
    assert!(jsonschema::validator_for(&schema).is_ok());
}

#[test]
fn a_folder_that_holds_a_run_is_refused_before_anything_is_sent() {
    let server = answering();
    let program = steadfire(&format!("{} -n 1 --out kept", server.url()));
    std::fs::create_dir(program.home().join("kept")).expect("a folder can be made");
    std::fs::write(program.home().join("kept/result.json"), "{}").expect("a file can be written");
    program.run().refused(2, &["--out kept: it holds a run already"]);
    assert_eq!(server.connections(), 0);
}

#[test]
fn data_may_name_a_file() {
    let server = answering();
    let program = steadfire(&format!("{}/orders -n 1 --data @order.json", server.url()));
    std::fs::write(program.home().join("order.json"), "{\"sku\": 7}")
        .expect("a file can be written");
    assert_eq!(program.run().code, 0);
    let sent = server.received();
    assert!(sent.iter().any(|request| request.body == "{\"sku\": 7}"), "{sent:?}");
    steadfire(&format!("{} -n 1 --data @nowhere", server.url()))
        .run()
        .refused(2, &["--data nowhere"]);
}

#[test]
fn a_url_is_checked_as_a_profile_is() {
    let finished = steadfire("check http://127.0.0.1:9/items?key=s3cret").run();
    assert_eq!((finished.code, finished.stdout.as_str()), (0, "GET /items to 127.0.0.1:9\n"));
}

#[test]
fn a_host_whose_path_would_be_sent_twice_is_asked_about() {
    let backend = start(Settings::default());
    let words = format!("chat-center --host http://{}/api -d 1s", backend.addr());
    let account = |program: Program| {
        program.env("LOAD_TEST_EMAIL", TEST_EMAIL).env("LOAD_TEST_PASSWORD", TEST_PASSWORD)
    };
    account(steadfire(&words)).run().refused(2, &["/api/api/", "leave /api out of --host"]);
    account(steadfire(&format!("{words} --yes"))).run().refused(3, &["/api/api/"]);
}

#[test]
fn built_in_profiles_are_chosen_from_by_tag() {
    for (profile, tag) in [
        ("chat-center", "writes"),
        ("chat-center-read", "lists"),
        ("chat-center-analytics", "analytics"),
    ] {
        let words = format!(
            "check {profile} --explain -T {tag} -e LOAD_TEST_EMAIL=a -e LOAD_TEST_PASSWORD=b"
        );
        assert_eq!(steadfire(&words).run().code, 0, "{words}");
    }
}
