//! Tokens: log-in once however many workers share one, pools of several users, renewal apart from the load,
//! and what becomes of 401s.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use steadfire::demo::{DemoBackend, Settings, TEST_EMAIL, TEST_PASSWORD};
use steadfire::report::Report;

use crate::cli::assert_kept;
use crate::server::{ERROR, OK, Received, Server};
use crate::support::{Finished, steadfire};

const REJECTED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

fn measure(backend: &DemoBackend, flags: &str) -> Report {
    let words = format!(
        "chat-center --host http://{} --json --slo p95<60s,errors<5% {flags} \
         -e LOAD_TEST_EMAIL={TEST_EMAIL} -e LOAD_TEST_PASSWORD={TEST_PASSWORD}",
        backend.addr()
    );
    let finished = steadfire(&words).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    finished.report()
}

/// Answers to this path by the backend's own count.
fn answered(addr: SocketAddr, path: &str) -> u64 {
    let mut stream = TcpStream::connect(addr).expect("the backend listens");
    let request = "GET /api/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the backend reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the backend answers");
    let path = format!("path=\"{path}\"");
    let counts = answer
        .lines()
        .filter(|line| line.starts_with("http_requests_total") && line.contains(&path));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// A good answer with this body.
fn json(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A good answer with a body in this content encoding.
fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

/// Runs a profile against a server.
fn run(server: &Server, profile: &str, flags: &str) -> Finished {
    let program = steadfire(&format!("app.yaml --host {} --json {flags}", server.url()));
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    program.run()
}

fn finding_ids(report: &Report) -> Vec<&str> {
    report.verdict.findings.iter().map(|finding| finding.id.as_str()).collect()
}

/// Requests to this path.
fn to<'a>(received: &'a [Received], path: &str) -> Vec<&'a Received> {
    received.iter().filter(|one| one.path() == path).collect()
}

#[test]
fn all_workers_share_one_log_in() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let report = measure(&backend, "-r 100 -d 1s --threads 3");
    assert_eq!((report.fates.ok, report.plan.workers), (100, 3));
    assert_eq!(answered(backend.addr(), "/api/auth/login"), 1);
    let auth = report.auth.as_ref().expect("the profile logs in");
    assert_eq!((auth.tokens, auth.log_ins, auth.refreshes, auth.failures), (1, 1, 0, 0));
}

#[test]
fn tokens_are_renewed_before_they_expire_and_apart_from_the_load() {
    // The margin is a fifth of it, which a busy machine must not use up.
    let token_lifetime = Duration::from_secs(5);
    let settings = Settings { token_lifetime, ..Settings::default() };
    let backend = DemoBackend::start(settings).expect("a loopback port is free");
    let report = measure(&backend, "-r 100 -d 9s --threads 2");
    assert_eq!((report.fates.planned, report.fates.ok), (900, 900), "no answer is a 401");
    assert_eq!(
        (report.response_time.count, report.requests.len()),
        (900, 16),
        "no renewal is a slot"
    );
    let auth = report.auth.as_ref().expect("the profile logs in");
    assert_eq!((auth.log_ins, auth.rejections, auth.failures), (1, 0, 0));
    assert!((1..10).contains(&auth.refreshes), "{auth:?}");
    let renewed = answered(backend.addr(), "/api/auth/refresh");
    assert_eq!(answered(backend.addr(), "/api/auth/login"), 1, "renewing hashes no password");
    assert!(renewed.abs_diff(auth.refreshes) <= 1, "{renewed} {auth:?}");
}

#[test]
fn a_pool_is_filled_at_its_rate_and_its_tokens_are_sent_in_turn() {
    let server = Server::answering(|received| match received.path() {
        "/login" => json(&format!("{{\"token\":\"of-{}\"}}", received.body)),
        _ => OK.to_vec(),
    });
    let program = steadfire(&format!("app.yaml --host {} --json -r 50 -n 40", server.url()));
    let profile = "auth: {users: {file: users.csv}, login: {path: /login, body: '{{ name }}'}, \
                   token: $.token, rate: 10/s, pool: 4}\nrequests: [{path: '/{{ slot }}'}]\n";
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    std::fs::write(program.home().join("users.csv"), "name,other\nann,x\nbob,y\ncid,z\n")
        .expect("a file can be written");
    let finished = program.run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("logged in 4 of 4"), "{}", finished.stderr);
    let received = server.received();
    let (log_ins, load) = received.split_at(4);
    let bodies: Vec<&str> = log_ins.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies, ["ann", "bob", "cid", "ann"]);
    for request in load {
        let slot: usize = request.path()[1..].parse().expect("the path is the slot");
        let bearer = format!("authorization: Bearer of-{}\r\n", bodies[slot % 4]);
        assert!(request.headers.contains(&bearer), "{slot}: {}", request.headers);
    }
    let auth = finished.report().auth.expect("the profile logs in");
    assert_eq!((auth.tokens, auth.log_ins), (4, 4));
}

#[test]
fn log_in_and_set_up_are_decoded_as_the_load_is() {
    let server = Server::answering(|received| match received.path() {
        "/login" => encoded("gzip", &gzipped(b"{\"token\":\"t0ken\"}")),
        "/list" => encoded("deflate", &deflated(b"[{\"id\": 7}]")),
        _ => OK.to_vec(),
    });
    let profile = "auth: {login: {path: /login, json: {}}, token: $.token}
setup: [{name: list, path: /list, pools: {ids: '$[*].id'}}]
requests: [{path: '/{{ pick(ids) }}'}]
";
    let finished = run(&server, profile, "-r 50 -n 5");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    for request in to(&server.received(), "/7") {
        assert!(request.headers.contains("authorization: Bearer t0ken\r\n"), "{}", request.headers);
    }
    let once = steadfire(&format!("once app.yaml --host {}", server.url()));
    std::fs::write(once.home().join("app.yaml"), profile).expect("a file can be written");
    let shown = once.run().stdout;
    assert!(shown.contains("< [{\"id\": 7}]\n"), "{shown}");
}

#[test]
fn a_log_in_that_cannot_be_read_says_why() {
    let profile =
        "auth: {login: {path: /login, json: {}}, token: $.token}\nrequests: [{path: /}]\n";
    let redirect =
        b"HTTP/1.1 301 Moved\r\nlocation: https://shop.example/login?k=s3cret\r\ncontent-length: \
        0\r\n\r\n";
    let plain_port = "HTTP/1.1 400 Bad Request\r\ncontent-length: 48\r\n\r\n\
        Client sent an HTTP request to an HTTPS server.\n";
    let table: [(Vec<u8>, &[&str]); 4] = [
        (encoded("br", b"\x0b\x02\x80{}\x03"), &["br-encoded", "Accept-Encoding: identity"]),
        (encoded("zstd", b"\x28\xb5\x2f\xfd"), &["zstd-encoded", "Accept-Encoding: identity"]),
        (redirect.to_vec(), &["redirect (301) to https://shop.example/login,", "--host"]),
        (plain_port.into(), &["status 400", "port that speaks TLS", "https://"]),
    ];
    for (answer, words) in table {
        let server = Server::answering(move |_| answer.clone());
        let finished = run(&server, profile, "-r 50 -n 5");
        finished.refused(3, words);
        assert!(!finished.stderr.contains("not JSON") && !finished.stderr.contains("s3cret"));
    }
    // As OpenSSL answers on a port that speaks TLS, and as others do.
    for (answer, words) in [
        (&b"\x15\x03\x01\x00\x02\x02\x46"[..], ["not valid HTTP", "write https://"]),
        (b"", ["closed the connection", "write https://"]),
    ] {
        let server = Server::start(move |mut peer| {
            if peer.receive().is_some() {
                peer.send(answer);
            }
        });
        run(&server, profile, "-r 50 -n 5").refused(3, &words);
    }
}

#[test]
fn a_rejected_token_is_replaced_once() {
    let log_ins = AtomicUsize::new(0);
    let server = Server::answering(move |received| {
        if received.path() == "/login" {
            let number = log_ins.fetch_add(1, Ordering::Relaxed) + 1;
            return json(&format!("{{\"token\":\"t{number}\"}}"));
        }
        // The first token is revoked in mid-run.
        let revoked = received.headers.contains("Bearer t1\r\n") && received.number > 50;
        if revoked { REJECTED.to_vec() } else { OK.to_vec() }
    });
    let profile =
        "auth: {login: {path: /login, json: {}}, token: $.token}\nrequests: [{path: /}]\n";
    let finished = run(&server, profile, "-r 200 -d 2s --threads 2");
    let report = finished.report();
    assert_eq!(to(&server.received(), "/login").len(), 2);
    let auth = report.auth.as_ref().expect("the profile logs in");
    assert_eq!((auth.refreshes, auth.rejections, auth.failures), (1, 1, 0));
    assert!(report.fates.bad_status > 0, "the slots that met the 401 keep their fate");
    assert!(report.fates.ok > 250, "{:?}", report.fates);
    assert!(finding_ids(&report).iter().any(|id| ["token_rejected", "auth_storm"].contains(id)));
}

#[test]
fn a_storm_of_401s_is_a_finding_and_no_storm_of_log_ins() {
    let server = Server::answering(|received| match received.path() {
        "/login" => json("{\"token\":\"s3cret-t0ken\"}"),
        _ => REJECTED.to_vec(),
    });
    let profile = "auth: {login: {path: /login, json: {password: '${P}'}}, token: $.token}\n\
                   requests: [{path: /}]\n";
    let finished = run(&server, profile, "-r 300 -d 2s --threads 2 -e P=s3cret-pa55");
    let report = finished.report();
    assert_eq!((finished.code, report.fates.ok, report.fates.bad_status), (99, 0, 600));
    assert!(finding_ids(&report).contains(&"auth_storm"), "{:?}", finding_ids(&report));
    // At once, and a second later; a third may have begun.
    let log_ins = to(&server.received(), "/login").len();
    assert!((2..=4).contains(&log_ins), "{log_ins}");
    assert_kept(&finished, "s3cret");
}

#[test]
fn a_renewal_that_fails_is_counted_and_the_old_token_kept() {
    let log_ins = AtomicUsize::new(0);
    let server = Server::answering(move |received| match received.path() {
        "/login" if log_ins.fetch_add(1, Ordering::Relaxed) > 0 => ERROR.to_vec(),
        "/login" => json("{\"token\":\"opaque\",\"expires_in\":1}"),
        _ => OK.to_vec(),
    });
    let profile =
        "auth: {login: {path: /login, json: {}}, token: $.token}\nrequests: [{path: /}]\n";
    let report = run(&server, profile, "-r 50 -d 2500ms").report();
    assert_eq!(report.fates.ok, 125);
    let auth = report.auth.as_ref().expect("the profile logs in");
    assert!((1..=2).contains(&auth.failures) && auth.refreshes == 0, "{auth:?}");
    let finding = report.verdict.findings.iter().find(|finding| finding.id == "renewal_failed");
    let message = &finding.expect("it is told").message;
    assert!(message.contains("login (POST /login) was answered with status 500"), "{message}");
}

#[test]
fn client_credentials_go_to_the_issuer_alone_and_its_tokens_to_the_target() {
    let issuer =
        Server::answering(|_| json("{\"access_token\":\"s3cret-t0ken\",\"expires_in\":1}"));
    let target = Server::answering(|_| OK.to_vec());
    let profile = format!(
        "auth: {{oauth2: {{token_url: '{}/oauth/token', client_id: app, client_secret: '${{S}}'}}}}\n\
         requests: [{{path: /}}]\n",
        issuer.url()
    );
    let finished = run(&target, &profile, "-r 50 -d 1500ms -e S=s3cret-app");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let asked = issuer.received();
    // base64 of app:s3cret-app
    let basic = "authorization: Basic YXBwOnMzY3JldC1hcHA=\r\n";
    assert!(asked.len() >= 2, "renewed from expires_in");
    assert!(asked.iter().all(|one| one.headers.contains(basic) && one.path() == "/oauth/token"));
    assert_eq!(asked[0].body, "grant_type=client_credentials");
    let served = target.received();
    assert_eq!(served.len(), 75);
    assert!(
        served.iter().all(|one| one.headers.contains("authorization: Bearer s3cret-t0ken\r\n"))
    );
    assert_kept(&finished, "s3cret");
}

#[test]
fn cookies_keys_and_credentials_are_carried_and_kept_secret() {
    let server = Server::answering(|received| match received.path() {
        "/login" => b"HTTP/1.1 204 No Content\r\nset-cookie: sid=s3cret; Path=/; HttpOnly\r\n\
                      set-cookie: theme=dark\r\n\r\n"
            .to_vec(),
        _ => OK.to_vec(),
    });
    for (auth, line, header) in [
        (
            "{login: {path: /login, form: {p: s3cret}}, cookies: sid}",
            "GET / ",
            "cookie: sid=s3cret\r\n",
        ),
        (
            "{basic: {user: eve, password: s3cret}}",
            "GET / ",
            "authorization: Basic ZXZlOnMzY3JldA==\r\n",
        ),
        ("{api_key: {header: X-Key, value: s3cret}}", "GET / ", "x-key: s3cret\r\n"),
        ("{api_key: {query: key, value: '${K}'}}", "GET /?key=s3cret ", ""),
    ] {
        let before = server.received().len();
        let profile = format!("auth: {auth}\nrequests: [{{name: all, path: /}}]\n");
        let finished = run(&server, &profile, "-r 50 -n 5 -e K=s3cret");
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        let received = server.received().split_off(before);
        let load: Vec<_> = received.iter().filter(|one| one.path() != "/login").collect();
        assert_eq!(load.len(), 5, "{auth}");
        for request in load {
            assert!(request.line.starts_with(line), "{auth}: {}", request.line);
            assert!(request.headers.contains(header), "{auth}: {}", request.headers);
        }
        let words = format!("once app.yaml --host {} -e K=s3cret", server.url());
        let once = steadfire(&words);
        std::fs::write(once.home().join("app.yaml"), &profile).expect("a file can be written");
        let shown = once.run();
        assert_eq!(shown.code, 0, "{}", shown.stderr);
        assert!(!shown.stdout.contains("s3cret"), "{auth}: {}", shown.stdout);
        for (path, text) in finished.files() {
            let profile = path.ends_with("app.yaml");
            assert!(profile || !text.contains("s3cret"), "{auth}: {}", path.display());
        }
        assert!(
            !finished.stdout.contains("s3cret") && !finished.stderr.contains("s3cret"),
            "{auth}"
        );
    }
}

#[test]
fn tokens_that_cannot_be_kept_alive_are_refused_before_the_load() {
    let server = Server::answering(|_| json("{\"token\":\"s3cret\",\"expires_in\":3}"));
    let profile = |more: &str| {
        format!(
            "auth: {{login: {{path: '/login?key=s3cret', json: {{}}}}, token: $.token{more}}}\n\
             requests: [{{path: /}}]\n"
        )
    };
    let short = run(&server, &profile(", pool: 10"), "-n 5");
    short.refused(3, &["a token lives for 3 s, but renewing all 10 takes 4.5 s at auth.rate"]);
    let failing = Server::answering(|_| ERROR.to_vec());
    let refused = run(&failing, &profile(", users: [{n: 1}, {n: 2}]"), "-n 5");
    refused.refused(3, &["login (POST /login) of user 1 was answered with status 500"]);
    assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
    let slow = run(&server, &profile(", pool: 3, rate: 1/s, fill_timeout: 100ms"), "-n 5");
    slow.refused(2, &["3 log-ins at 1/s take 2 s, longer than `fill_timeout`, 100 ms"]);
}

#[test]
fn a_look_logs_in_once_and_shows_it_wherever_it_goes() {
    let issuer = Server::answering(|_| json("{\"access_token\":\"s3cret-t0ken\"}"));
    let target = Server::answering(|received| match received.path() {
        "/ids" => json("[7]"),
        _ => json("s3cret-t0ken"),
    });
    let profile = format!(
        "auth: {{oauth2: {{token_url: '{}/oauth/token', client_id: app, client_secret: '${{S}}'}}, \
         pool: 5}}\nsetup: [{{name: ids, path: /ids, pools: {{ids: '$[*]'}}}}]\n\
         requests: [{{path: '/{{{{ pick(ids) }}}}'}}]\n",
        issuer.url()
    );
    let program = steadfire(&format!("once app.yaml --host {} -e S=s3cret-app", target.url()));
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    let shown = program.run();
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    for words in [
        "log-in: token\n> POST /oauth/token\n",
        &format!("> host: {}\n", issuer.url().trim_start_matches("http://")),
        "< {\"access_token\":\"***\"}\n",
        "set-up: ids\n> GET /ids\n",
        "> GET /7\n",
        "3 exchanges, all as expected\n",
    ] {
        assert!(shown.stdout.contains(words), "no {words:?} in:\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("s3cret"), "{}", shown.stdout);
    assert_eq!((issuer.received().len(), target.received().len()), (1, 2));
}

#[test]
fn answers_to_log_in_and_set_up_meet_their_checks_or_end_the_run() {
    let server = Server::answering(|received| match received.path() {
        "/login" => json("{\"token\":\"t0ken\",\"role\":\"guest\"}"),
        _ => OK.to_vec(),
    });
    let table = [
        ("json: {$.role: guest}, max_bytes: 100", "header: {content-length: '2'}", ""),
        (
            "json: {$.role: admin}",
            "status: 200",
            "login (POST /login): the answer fails the check `json $.role: equals`",
        ),
        (
            "contains: admin",
            "status: 200",
            "login (POST /login): the answer fails the check `contains`",
        ),
        (
            "max_bytes: 5",
            "status: 200",
            "login (POST /login): the answer fails the check `max_bytes`",
        ),
        (
            "header: {x-role: {exists: true}}",
            "status: 200",
            "login (POST /login): the answer fails the check `header x-role: exists`",
        ),
        (
            "status: 200",
            "header: {x-a: b}",
            "list (GET /list): the answer fails the check `header x-a: equals`",
        ),
        ("status: 200", "min_bytes: 3", "list (GET /list): the answer fails the check `min_bytes`"),
    ];
    for (log_in, set_up, error) in table {
        let profile = format!(
            "auth: {{login: {{path: /login, json: {{}}, expect: {{{log_in}}}}}, token: $.token}}\n\
             setup: [{{name: list, path: /list, expect: {{{set_up}}}}}]\nrequests: [{{path: /}}]\n"
        );
        let finished = run(&server, &profile, "-n 2 -r 50");
        if error.is_empty() {
            assert_eq!(finished.code, 0, "{}", finished.stderr);
        } else {
            finished.refused(3, &[error]);
        }
    }
}
