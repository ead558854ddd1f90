//! Flows, checks, extraction and redirects: what was planned, sent and received is the same number everywhere.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use steadfire::demo::{DemoBackend, Settings, TEST_EMAIL, TEST_PASSWORD};
use steadfire::report::flows::FlowReport;
use steadfire::report::search::Bound;
use steadfire::report::{Report, RequestReport};

use crate::server::{ERROR, OK, Received, Server, work};
use crate::support::{Finished, steadfire};

/// Offers a profile to a server.
fn offer(profile: &str, url: &str, flags: &str) -> Finished {
    let words = format!("profile.yaml --host {url} --slo p95<60s,errors<100% {flags}");
    let program = steadfire(&words)
        .env("LOAD_TEST_EMAIL", TEST_EMAIL)
        .env("LOAD_TEST_PASSWORD", TEST_PASSWORD);
    std::fs::write(program.home().join("profile.yaml"), profile).expect("a home can be written to");
    program.run()
}

fn measure(profile: &str, url: &str, flags: &str) -> Report {
    let finished = offer(profile, url, &format!("--json {flags}"));
    assert!([0, 99].contains(&finished.code), "{}\n{}", finished.code, finished.stderr);
    finished.report()
}

fn row<'r>(report: &'r Report, name: &str) -> &'r RequestReport {
    let found = report.requests.iter().find(|request| request.name == name);
    found.unwrap_or_else(|| panic!("no row {name}"))
}

fn flow(report: &Report) -> &FlowReport {
    let flow = &report.flows.as_ref().expect("the profile has flows").list[0];
    let ended = flow.completed + flow.unfinished + flow.ended_early.values().sum::<u64>();
    assert_eq!(flow.started, ended, "{flow:?}");
    flow
}

/// A request's planned slots, those that went well, and its failed checks.
fn counts(report: &Report, name: &str) -> (u64, u64, Vec<(String, u64)>) {
    let row = row(report, name);
    let checks = row.checks.iter().map(|(name, count)| (name.clone(), *count)).collect();
    (row.fates.planned, row.fates.ok, checks)
}

/// What the demo backend has counted, by path.
fn counted(backend: &DemoBackend) -> Vec<(String, u64)> {
    let mut stream = TcpStream::connect(backend.addr()).expect("the backend listens");
    let request = "GET /api/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the backend reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the backend answers");
    let lines = answer.lines().filter(|line| line.starts_with("http_requests_total"));
    let lines = lines.filter_map(|line| {
        let path = line.split("path=\"").nth(1)?.split('"').next()?;
        Some((path.to_owned(), line.rsplit(' ').next()?.parse().ok()?))
    });
    lines.filter(|(path, _)| path != "/api/metrics").collect()
}

/// Logs in, lists, and opens what the list holds, by a path that redirects. The cookie alone signs in.
const VISIT: &str = r#"
rate_counts: flows
flows:
  - name: visit
    cookies: true
    steps:
      - name: login
        path: /api/auth/login
        json: {email: "${LOAD_TEST_EMAIL}", password: "${LOAD_TEST_PASSWORD}"}
        expect: {status: 200, json: {$.access_token: {type: string}}}
      - name: list
        think: 10ms..50ms
        path: /api/interactions?page_size=5
        expect: {status: 200, json: {$.interactions: {type: array}}}
        extract: {id: "$.interactions[0].id"}
      - name: detail
        path: /api/interactions/{{ id }}/
        redirects: 1
        expect: {status: 200, json: {$.id: {exists: true}}}
requests:
  - name: health
    weight: 9
    path: /health
    expect: {status: 2xx, contains: healthy, header: {content-type: {contains: json}}}
"#;

#[test]
fn a_flow_logs_in_lists_and_opens_what_it_found() {
    let backend = DemoBackend::start(Settings::default());
    let backend = backend.expect("a loopback port is free");
    let url = format!("http://{}", backend.addr());
    // Their number ends the run, so that every flow comes to its end.
    let report = measure(VISIT, &url, "-r 40 -n 40 --threads 2");
    assert_eq!((report.fates.planned, report.fates.ok), (36 + 3 * 4, 48), "{report:?}");
    assert_eq!((flow(&report).started, flow(&report).completed), (4, 4));
    for step in ["visit / login", "visit / list", "visit / detail"] {
        assert_eq!(row(&report, step).fates.ok, 4, "{step}");
    }
    assert_eq!(row(&report, "visit / detail").redirects, 4);
    let received: u64 = counted(&backend).iter().map(|(_, count)| count).sum();
    assert_eq!(received, report.fates.planned + 4, "each redirect is one request more");

    let text = offer(VISIT, &url, "-r 40 -n 40").stdout;
    for told in ["visit / detail", "redirects followed: 4", "the rate counts flows: 40/s"] {
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn failed_checks_are_told_by_name() {
    let backend = DemoBackend::start(Settings::default());
    let backend = backend.expect("a loopback port is free");
    let profile = r"
requests:
  - name: wrong
    path: /health
    expect: {json: {$.status: broken, $.database: connected}, max_bytes: 5}
  - name: right
    path: /health
    expect: {json: {$.status: healthy}, min_bytes: 5}
";
    let url = format!("http://{}", backend.addr());
    let report = measure(profile, &url, "-r 100 -d 400ms");
    let failed = vec![("json $.status: equals".to_owned(), 20), ("max_bytes".to_owned(), 20)];
    assert_eq!(counts(&report, "wrong"), (20, 0, failed));
    assert_eq!(counts(&report, "right"), (20, 20, Vec::new()));
    assert_eq!(report.fates.check_failed, 20);
    let text = offer(profile, &url, "-r 100 -d 400ms").stdout;
    assert!(text.contains("[json $.status: equals]: 20"), "{text}");
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

#[test]
fn later_requests_pick_what_answers_brought() {
    let server = Server::answering(|received| {
        let body = gzipped(&format!(r#"{{"items": [{{"id": {}}}]}}"#, received.number));
        match received.path() {
            "/list" => answer("200 OK\r\ncontent-encoding: gzip\r\n", &body),
            _ => OK.to_vec(),
        }
    });
    let profile = r#"
requests:
  - {name: list, path: /list, extract: {ids: {json: "$.items[*].id", keep: 3}}}
  - {name: item, path: "/item/{{ pick(ids) }}"}
"#;
    let report = measure(profile, &server.url(), "-r 100 -d 500ms");
    let (planned, ok, amiss) = counts(&report, "item");
    // The first may be due before any list has been answered: it is not sent, and that is said.
    let unfilled = row(&report, "item").fates.shed;
    assert_eq!((planned, ok + unfilled), (25, 25));
    assert!(unfilled <= 2, "{unfilled}");
    assert_eq!(amiss.iter().map(|(_, count)| count).sum::<u64>(), unfilled);
    let items = server.received();
    let items: Vec<&Received> =
        items.iter().filter(|received| received.path().starts_with("/item/")).collect();
    assert_eq!(items.len() as u64, ok);
    let mut picked = std::collections::BTreeSet::new();
    for item in items {
        let id: usize = item.path()["/item/".len()..].parse().expect("an id is a number");
        assert!(id < item.number, "an answer brought it before");
        picked.insert(id);
    }
    assert!(picked.len() > 5, "old values make room for new ones: {picked:?}");
}

#[test]
fn redirects_are_followed_on_the_same_server_alone() {
    let to = |location: &str| answer(&format!("302 Found\r\nlocation: {location}\r\n"), b"");
    let server = Server::start(move |mut peer| {
        while let Some(received) = peer.receive() {
            match received.path() {
                "/chain" => peer.send(&to("/chain/2?x=1")),
                // The next hop needs another connection.
                "/chain/2?x=1" => {
                    let head = "303 See Other\r\nconnection: close\r\nlocation: end \"é\"\r\n";
                    return peer.send(&answer(head, b"away"));
                }
                "/loop" => peer.send(&to("/loop")),
                "/other" => peer.send(&to("http://elsewhere.invalid/")),
                _ => peer.send(OK),
            }
        }
    });
    let profile = r"
requests:
  - {name: chain, path: /chain, redirects: 2, json: {a: 1}, expect: {status: 200}}
  - {name: loop, path: /loop, redirects: 2}
  - {name: other, path: /other, redirects: 2}
  - {name: not followed, path: /chain}
";
    let report = measure(profile, &server.url(), "-r 80 -d 500ms");
    let one = |name: &str| vec![(name.to_owned(), 10)];
    assert_eq!(counts(&report, "chain"), (10, 10, Vec::new()));
    assert_eq!(counts(&report, "loop"), (10, 0, one("too many redirects")));
    assert_eq!(counts(&report, "other"), (10, 0, one("redirect to another host")));
    assert_eq!(counts(&report, "not followed"), (10, 10, Vec::new()));
    let hops = |name: &str| row(&report, name).redirects;
    assert_eq!((hops("chain"), hops("loop"), hops("other")), (20, 20, 0));
    let received = server.received();
    let end = received.iter().filter(|received| received.path() == "/chain/end%20%22%C3%A9%22");
    let lines: Vec<_> = end.map(|received| (&received.line[..4], received.body.len())).collect();
    assert_eq!(lines, vec![("GET ", 0); 10], "a 302 turns a POST into a GET");
    assert_eq!(received.len(), 10 * (3 + 3 + 1 + 1));

    let program = steadfire(&format!("once profile.yaml --host {}", server.url()));
    std::fs::write(program.home().join("profile.yaml"), profile).expect("a home can be written to");
    let told = program.run().stdout;
    for line in
        ["GET /chain/end%20%22%C3%A9%22", "✗ too many redirects", "✗ redirect to another host"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(told.contains("8 exchanges, 2 not as expected"), "{told}");
}

#[test]
fn a_flow_follows_links_on_the_same_server_alone() {
    let server = Server::answering(|received| match received.path() {
        "/pages" => answer("200 OK\r\nlink: /pages?page=2&q=a%20b\r\n", b""),
        "/pages?page=2&q=a%20b" => answer("200 OK\r\nlink: http://elsewhere.invalid/\r\n", b""),
        _ => ERROR.to_vec(),
    });
    let profile = r#"
flows:
  - name: pages
    steps:
      - {name: first, path: /pages, extract: {next: {header: link}}}
      - {name: second, path: "{{ next }}", extract: {next: {header: link}}}
      - {name: third, path: "{{ next }}"}
"#;
    let finished = offer(profile, &server.url(), "--json -r 60 -n 30 --threads 1");
    // What could not be sent is the generator's own error, and nothing else breaks the objectives.
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    let report = finished.report();
    assert_eq!(counts(&report, "pages / second"), (10, 10, Vec::new()));
    let elsewhere = ("path that leads to another server, or nowhere".to_owned(), 10);
    assert_eq!(counts(&report, "pages / third"), (10, 0, vec![elsewhere]));
    assert_eq!(row(&report, "pages / third").errors, [("template".to_owned(), 10)].into());
    assert_eq!(server.received().len(), 20);
}

#[test]
fn what_waits_for_a_value_that_no_answer_has_brought_is_the_profiles_doing() {
    let server = Server::answering(|received| match received.path() {
        "/create" => answer("201 Created\r\ncontent-type: application/json\r\n", br#"{"id": 7}"#),
        _ => OK.to_vec(),
    });
    let profile = r#"
requests:
  - {name: order, weight: 9, path: "/orders/{{ pick(ids) }}"}
  - {name: create, weight: 1, method: POST, path: /create, extract: {ids: $.id}}
"#;
    let finished = offer(profile, &server.url(), "--json -r 100 -n 40 --threads 1");
    let report = finished.report();
    let unfilled = row(&report, "order").errors.get("template").copied().unwrap_or_default();
    assert!(unfilled > 0 && unfilled < 36, "{unfilled} before the first answer");
    assert_eq!((report.fates.shed, report.fates.ok), (0, 40 - unfilled));
    assert!(matches!(finished.code, 0 | 4), "never the server's: {}", finished.stderr);
}

/// Three steps, of which the second fails at every other flow.
fn faulty(on_failure: &str) -> (Report, usize) {
    let server = Server::answering(|received| {
        let number = received.path().rsplit('/').next().and_then(|slot| slot.parse::<u64>().ok());
        match (received.path().starts_with("/two/"), number.map(|slot| slot % 2)) {
            (true, Some(1)) => ERROR.to_vec(),
            _ => OK.to_vec(),
        }
    });
    let profile = format!(
        r#"
flows:
  - name: tour
    on_failure: {on_failure}
    steps:
      - {{name: one, path: "/one/{{{{ slot }}}}"}}
      - {{name: two, path: "/two/{{{{ slot }}}}", think: 5ms}}
      - {{name: three, path: "/three/{{{{ slot }}}}"}}
"#
    );
    // The rate counts requests: twenty flows of three.
    let report = measure(&profile, &server.url(), "-r 120 -n 60 --threads 2");
    (report, server.received().len())
}

#[test]
fn a_step_that_fails_ends_its_flow_unless_told_otherwise() {
    let (report, received) = faulty("stop");
    assert_eq!((flow(&report).started, flow(&report).completed), (20, 10));
    assert_eq!(flow(&report).ended_early, [("two".to_owned(), 10)].into());
    assert_eq!(report.fates.planned, 50);
    assert_eq!(received, 50);

    let (report, received) = faulty("continue");
    assert_eq!((flow(&report).started, flow(&report).completed), (20, 20));
    assert_eq!((report.fates.planned, report.fates.bad_status), (60, 10));
    assert_eq!(received, 60);
}

#[test]
fn a_step_is_due_after_its_pause_and_waits_for_nothing_else() {
    let server = Server::answering(|_| {
        work(Duration::from_millis(20));
        OK.to_vec()
    });
    let profile = r"
flows:
  - name: tour
    steps:
      - {name: one, path: /one}
      - {name: two, path: /two, think: 150ms}
";
    let report = measure(profile, &server.url(), "-r 20 -d 1s");
    // Ten flows in a second; that of the last 170 ms is cut before its second step.
    let flow = flow(&report);
    assert_eq!((flow.started, flow.unfinished), (10, 1));
    let two = row(&report, "tour / two");
    assert_eq!((two.fates.planned, two.fates.ok), (9, 9));
    // The pause is in no time, and the step begins when it is over.
    assert!(two.response_time.min >= 20_000_000, "{:?}", two.response_time);
    assert!(two.response_time.p50 < 100_000_000, "{:?}", two.response_time);
    assert_eq!(report.fates.planned, server.received().len() as u64);
}

#[test]
fn flows_under_way_are_bounded_as_requests_are() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = r"
rate_counts: flows
flows:
  - name: tour
    steps:
      - {name: one, path: /one}
      - {name: two, path: /two, think: 10m}
";
    let report = measure(profile, &server.url(), "-r 40 -d 500ms --max-in-flight 8");
    let flow = flow(&report);
    assert_eq!((flow.started, flow.unfinished), (20, 8));
    assert_eq!(flow.ended_early, [("one".to_owned(), 12)].into());
    assert_eq!((report.fates.ok, report.fates.shed), (8, 12));
    assert_eq!(server.received().len(), 8);
}

/// A session that set-up opens, and whose mark every later request carries.
const MARKED: &str = r#"
setup:
  - name: form
    path: /form
    extract:
      csrf: {regex: 'name="csrf" value="(\w+)"'}
      session: {header: x-session}
      rooms: {json: "$..none", into: pool}
  - name: sign in
    path: /session
    form: {csrf: "{{ csrf }}"}
    extract: {session_number: /number, ids: {pointer: /number, into: pool}}
    hint: is the account locked?
requests:
  - name: item
    path: /items/{{ pick(ids) }}
    headers: {X-Csrf: "{{ csrf }}", X-Session: "{{ session | upper }}-{{ session_number }}"}
"#;

#[test]
fn what_set_up_extracts_goes_with_every_later_request() {
    let server = Server::answering(|received| match (received.path(), &*received.body) {
        ("/form", _) => {
            let form = "<input name=\"csrf\" value=\"c7\">";
            let head =
                format!("HTTP/1.1 200 OK\r\nx-session: abc\r\ncontent-length: {}", form.len());
            format!("{head}\r\n\r\n{form}").into_bytes()
        }
        ("/session", "csrf=c7") => {
            b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"number\": 19}".to_vec()
        }
        ("/session", _) => ERROR.to_vec(),
        _ => OK.to_vec(),
    });
    let report = measure(MARKED, &server.url(), "-r 100 -n 20 --threads 2");
    assert_eq!((report.fates.planned, report.fates.ok), (20, 20));
    let received = server.received();
    assert_eq!(received.len(), 22, "set-up is sent once, however many workers there are");
    for request in &received[2..] {
        assert_eq!(request.path(), "/items/19");
        for header in ["x-csrf: c7\r\n", "x-session: ABC-19\r\n"] {
            assert!(request.headers.contains(header), "{}", request.headers);
        }
    }
    let look = offer(&MARKED.replace("/number, ids", "/id, ids"), &server.url(), "-n 1");
    look.refused(3, &["sign in (POST /session): the answer holds no value for `session_number`; is the account locked?"]);
}

/// Three requests beside a single one, two of which a redirect may double.
const TOUR: &str = "
flows:
  - name: tour
    steps: [{path: /a}, {path: /b, redirects: 1}, {path: /c}]
requests: [{path: /single, redirects: 1}]
";

#[test]
fn a_bound_on_requests_counts_steps_and_redirects_also_in_a_search() {
    // 10 slots are 5 tours and 5 single requests, if every redirect comes.
    let refused = offer(TOUR, "http://127.0.0.1:9", "-n 20 -r 10 --max-total-requests 29");
    refused
        .refused(2, &["--max-total-requests 29: 30 are planned", "steps of flows and redirects"]);

    let server = Server::answering(|_| OK.to_vec());
    let flags = "--find-max-rps --effort quick -r 20 --search-time 30s --max-total-requests 400";
    let finished = offer(TOUR, &server.url(), &format!("--json {flags}"));
    // What was held until then was not held for long enough.
    assert_eq!(finished.code, 5, "{}", finished.stderr);
    let report = finished.report();
    let sent = server.received().len();
    assert!((40..=400).contains(&sent), "{sent}");
    let search = report.search.expect("a search was asked for");
    assert!(
        search.notes.iter().any(|note| note.contains("--max-total-requests 400")),
        "{search:?}"
    );
    let trial = &search.trials[0];
    // Requests, not tours: 10 slots start 5 tours and 5 single requests each second.
    assert!((trial.achieved / 20.0 - 1.0).abs() < 0.05, "{trial:?}");
    assert_eq!((trial.rate, search.bound), (20.0, Bound::AtLeast));
}
