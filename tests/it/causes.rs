//! Each failure says what exactly broke, before the load where that can be known, else in a finding.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use steadfire::report::{Outcome, Report};

use crate::server::{ERROR, OK, Peer, Server};
use crate::support::steadfire;
use crate::tls::TlsServer;

/// Few requests, and a limit that only what is never answered misses.
const LOAD: &str = "-r 100 -n 40 --json --slo p95<60s --yes";

fn report(url: &str, flags: &str) -> Report {
    steadfire(&format!("{url} {LOAD} {flags}")).run().report()
}

fn plain_report(server: &Server) -> Report {
    report(&server.url(), "")
}

const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";

/// Reads a request and goes, with `last` as the only answer.
fn leaving(last: &'static [u8]) -> Server {
    Server::start(move |mut peer: Peer| {
        if peer.receive().is_some() {
            peer.send(last);
        }
    })
}

#[track_caller]
fn assert_found(report: &Report, id: &str, words: &[&str]) {
    let found = report.verdict.findings.iter().find(|finding| finding.id == id);
    let found = found.unwrap_or_else(|| panic!("no {id} in {:?}", report.verdict.findings));
    let text = format!("{} → {}", found.message, found.remedy);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

#[test]
fn slots_that_no_byte_came_back_for_fail_an_objective_on_times() {
    let server = leaving(b"");
    let report = report(&server.url(), "");
    assert_eq!(report.verdict.outcome, Outcome::Fail);
    assert_eq!((report.fates.planned, report.fates.transport_error), (40, 40));
    assert_eq!(report.response_time.censored, 40);
    assert_eq!(report.failed_response_time.count, 0);
    assert_found(&report, "connections_broken", &["40 of 40", "first", "https"]);
    let [failure] = &report.requests[0].failures[..] else { panic!("{:?}", report.requests) };
    assert_eq!((failure.kind.as_str(), failure.count), ("closed_early", 40));
    assert!(failure.first_seen <= failure.last_seen);
}

#[test]
fn a_goodbye_of_tls_is_no_byte_of_an_answer() {
    let server = TlsServer::leaving();
    let report = report(&format!("https://localhost:{}/", server.addr.port()), "-k");
    assert_eq!(report.response_time.censored, 40, "{:?}", report.requests[0].errors);
}

#[test]
fn what_came_in_part_stands_among_the_failed_responses() {
    let server = leaving(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf");
    let report = report(&server.url(), "");
    assert_eq!(report.failed_response_time.count, 40);
    assert_eq!(report.response_time.censored, 0);
}

#[test]
fn a_connection_that_brought_half_an_answer_was_not_silent() {
    let server = Server::start(|mut peer: Peer| {
        if peer.receive().is_some() {
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf");
            // Until the client goes.
            peer.receive();
        }
    });
    for flags in ["--timeout 200ms", "--drain 300ms"] {
        let report = report(&server.url(), flags);
        assert_eq!(report.fates.timeout + report.fates.open, 40, "{:?}", report.fates);
        let found = &report.verdict.findings;
        assert!(found.iter().all(|finding| finding.id != "never_answered"), "{found:?}");
    }
}

#[test]
fn a_tls_port_that_is_spoken_to_in_plain_is_named() {
    // The alert that OpenSSL answers with.
    let server = leaving(b"\x15\x03\x01\x00\x02\x02\x46");
    let report = report(&server.url(), "");
    assert_found(&report, "protocol", &["not valid HTTP", "40 of 40", "write https://"]);
    let failure = &report.requests[0].failures[0];
    assert_eq!(failure.kind, "protocol");
    assert!(failure.cause.as_deref().is_some_and(|cause| !cause.is_empty()), "{failure:?}");
}

#[test]
fn a_forwarding_proxy_that_wants_credentials_is_named() {
    let wanted = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    // One that opens tunnels to some ports alone says so only when it is sent the requests.
    let proxy = Server::answering(|received| {
        let tunnel = received.line.starts_with("CONNECT");
        if tunnel { FORBIDDEN.to_vec() } else { wanted.to_vec() }
    });
    let report = report("http://target.invalid/", &format!("-x http://{}", proxy.addr()));
    assert_found(&report, "proxy_credentials", &["40 of 40", "not reached", "USER:PASSWORD"]);
    // Others are told before the load, whether they were given none or the wrong ones.
    for credentials in ["", "eve:s3cret@"] {
        let proxy = Server::answering(|_| wanted.to_vec());
        let words =
            format!("http://target.invalid/ {LOAD} -x http://{credentials}{}", proxy.addr());
        let told = steadfire(&words).run().stderr;
        assert!(told.contains("status 407") && told.contains("USER:PASSWORD"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
        assert_eq!(proxy.received()[0].line, "CONNECT target.invalid:80 HTTP/1.1");
    }
    // One that wants them for tunnels alone forwards what it is sent.
    let proxy = Server::answering(|received| {
        if received.line.starts_with("CONNECT") { wanted.to_vec() } else { OK.to_vec() }
    });
    let words = format!("http://target.invalid/ {LOAD} -x http://{}", proxy.addr());
    assert_eq!(steadfire(&words).run().code, 0);
}

#[test]
fn a_tls_port_whose_server_says_so_is_named_in_its_words() {
    let told = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
    let head = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n", told.len());
    let server = Server::answering(move |_| format!("{head}{told}").into_bytes());
    let report = plain_report(&server);
    assert_found(&report, "rejected", &["40 of 40", "port that speaks TLS", "https://"]);
    let cause = report.requests[0].failures[0].cause.as_deref();
    assert!(cause.is_some_and(|cause| cause.starts_with("status 400: ")), "{cause:?}");
    // Any other 400 is the request's own.
    let server = Server::answering(|_| b"HTTP/1.1 400 No\r\ncontent-length: 2\r\n\r\nno".to_vec());
    let other = plain_report(&server);
    assert_found(&other, "rejected", &["the answer's body says"]);
}

#[test]
fn redirects_that_nobody_follows_are_told() {
    let moved = b"HTTP/1.1 301 Moved\r\nlocation: https://localhost/\r\ncontent-length: 0\r\n\r\n";
    let server = Server::answering(|_| moved.to_vec());
    let report = report(&server.url(), "");
    assert_eq!(report.fates.ok, 40);
    assert_found(&report, "redirects", &["40 of 40", "not followed", "https://", "expect"]);
    let profile = |answers: &str| format!("requests: [{{path: /, {answers}}}]\n");
    let host = server.url().replace("127.0.0.1", "localhost");
    let run = |profile: String| {
        let program = steadfire(&format!("app.yaml --host {host} {LOAD}"));
        std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
        program.run().report()
    };
    // Meant, or followed as far as one target reaches.
    let meant = run(profile("expect: {status: 301}"));
    assert!(meant.verdict.findings.iter().all(|one| one.id != "redirects"));
    let followed = run(profile("redirects: 2"));
    assert_eq!(followed.fates.check_failed, 40);
    assert_found(&followed, "redirects", &["another scheme", "40 of 40", "https://"]);
}

#[test]
fn bodies_that_are_not_read_here_are_not_the_servers_fault() {
    let brotli =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 6\r\n\r\n\x0b\x02\x80{}\x03";
    let server = Server::answering(|_| brotli.to_vec());
    let words =
        format!("app.yaml --host {} {} --slo errors<5%", server.url(), "-r 100 -n 40 --json");
    let program = steadfire(&words);
    let profile = "requests: [{path: /, expect: {json: {$.id: {exists: true}}}}]\n";
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    let report = program.run().report();
    assert_eq!(report.verdict.outcome, Outcome::Invalid);
    assert_found(&report, "unread_bodies", &["br", "not charged to the server", "Accept-Encoding"]);
    let failures = &report.requests[0].failures;
    let told = |words: &str| {
        failures.iter().any(|one| one.cause.as_deref().is_some_and(|c| c.contains(words)))
    };
    assert!(told("br-encoded") && !told("not JSON"), "{failures:?}");
}

#[test]
fn errors_are_explained_where_only_times_are_judged() {
    let server =
        Server::answering(
            |received| {
                if received.number % 5 == 0 { OK.to_vec() } else { ERROR.to_vec() }
            },
        );
    let report = report(&server.url(), "");
    assert_eq!(report.verdict.outcome, Outcome::Pass);
    assert_found(&report, "server_errors", &["5xx", "mostly 500"]);
    let failure = &report.requests[0].failures[0];
    assert_eq!(
        (failure.kind.as_str(), failure.cause.as_deref()),
        ("bad_status", Some("status 500"))
    );
    assert_eq!(failure.count, report.fates.bad_status);
}

#[test]
fn https_on_a_plain_port_is_refused_before_the_load() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    let server = Server::start(|peer: Peer| {
        peer.send(answer);
    });
    let url = format!("https://{}/", server.addr());
    steadfire(&format!("{url} {LOAD}")).run().refused(3, &["does not speak TLS", "http://"]);
}

/// A certificate that signs itself, as `change` makes it, and its key.
fn certificate(change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("localhost is a name");
    change(&mut params);
    (params.self_signed(&key).expect("it can sign itself"), key)
}

/// How a run ends against a server that shows `shown` where that very certificate is trusted.
fn with_cacert(
    (shown, key): (rcgen::Certificate, KeyPair),
    host: &str,
) -> crate::support::Finished {
    let server = TlsServer::showing(&shown, &key);
    let url = format!("https://{host}:{}/", server.addr.port());
    let program = steadfire(&format!("{url} {LOAD} --cacert ca.pem"));
    store(program.home(), &server.certificate);
    program.run()
}

fn store(folder: &Path, certificate: &str) {
    std::fs::write(folder.join("ca.pem"), certificate).expect("a file can be written");
}

#[test]
fn a_server_that_shows_the_very_certificate_that_is_given_is_trusted() {
    // What `openssl req -x509` makes: an authority by its own word.
    let authority = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    let finished = with_cacert(certificate(authority), "localhost");
    assert_eq!((finished.code, finished.report().fates.ok), (0, 40), "{}", finished.stderr);
    // But not under another name, nor out of its time.
    with_cacert(certificate(authority), "127.0.0.1")
        .refused(3, &["is not for 127.0.0.1 but for", "localhost"]);
    let expired = certificate(|params| {
        authority(params);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    with_cacert(expired, "localhost").refused(3, &["has expired", "renew it"]);
}

#[test]
fn an_encrypted_key_is_called_that() {
    let program =
        steadfire(&format!("https://localhost:1/ {LOAD} --cert client.pem --key key.pem"));
    let (shown, _) = certificate(|_| {});
    let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(program.home().join("client.pem"), shown.pem()).expect("a file can be written");
    std::fs::write(program.home().join("key.pem"), key).expect("a file can be written");
    program.run().refused(2, &["--key", "encrypted", "openssl pkey"]);
}
