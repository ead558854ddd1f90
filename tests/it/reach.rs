//! The ways to a target: each is gone by the check before the load and by the load alike.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::server::{OK, Peer, Received, Server, answer_each, pair, work};
use crate::support::{Finished, steadfire};
use crate::tls::TlsServer;

/// Few requests, and limits that a busy machine keeps.
const LOAD: &str = "-r 200 -n 40 --json --slo p95<60s --yes";
const PLANNED: u64 = 40;

fn ok(_: &Received) -> Vec<u8> {
    OK.to_vec()
}

fn run(words: &str) -> Finished {
    steadfire(&format!("{words} {LOAD}")).run()
}

#[track_caller]
fn assert_ok(finished: &Finished) {
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let fates = finished.report().fates;
    assert_eq!((fates.planned, fates.ok), (PLANNED, PLANNED), "{fates:?}");
}

/// Carries what comes to a Unix socket to `target`, as long as the test runs.
fn unix_relay(path: &Path, target: SocketAddr) {
    let listener = UnixListener::bind(path).expect("a socket can be made");
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || carry(&client, target));
        }
    });
}

fn carry(client: &UnixStream, target: SocketAddr) -> std::io::Result<u64> {
    let upstream = std::net::TcpStream::connect(target)?;
    let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
    std::thread::spawn(move || {
        // The client has gone, or the target: either ends it.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    std::io::copy(&mut &upstream, &mut &*client)
}

#[test]
fn a_unix_socket_leads_there_and_the_url_says_the_rest() {
    let server = Server::answering(ok);
    let program = steadfire(&format!("http://app.example:81/x?y=1 --unix-socket app.sock {LOAD}"));
    unix_relay(&program.home().join("app.sock"), server.addr());
    let finished = program.run();
    assert_ok(&finished);
    let report = finished.report();
    assert_eq!(report.plan.way.unix_socket.as_deref(), Some("app.sock"));
    assert_eq!(report.environment.addresses, ["app.sock"]);
    for received in server.received() {
        assert_eq!(received.path(), "/x?y=1");
        assert!(received.headers.contains("host: app.example:81\r\n"), "{}", received.headers);
    }
    run("http://app.example/ --unix-socket nowhere")
        .refused(3, &["cannot connect to the Unix socket nowhere", "is --unix-socket right?"]);
}

#[test]
fn log_in_goes_the_same_way_as_the_load() {
    let profile = "name: app\n\
                   host: http://app.example\n\
                   auth: { login: { path: /login, json: {} }, token: $.token }\n\
                   requests: [{ name: all, path: / }]\n";
    let server = Server::answering(|received| match received.path() {
        "/login" => b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"token\":\"t0ken\"}".to_vec(),
        _ => OK.to_vec(),
    });
    let program = steadfire(&format!("app.yaml --unix-socket app.sock {LOAD}"));
    unix_relay(&program.home().join("app.sock"), server.addr());
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    assert_ok(&program.run());
    let received = server.received();
    let (log_in, load) = received.split_first().expect("requests came");
    assert_eq!((log_in.path(), load.len() as u64), ("/login", PLANNED));
    for request in load {
        assert!(request.headers.contains("authorization: Bearer t0ken\r\n"), "{}", request.headers);
    }
}

#[test]
fn a_plain_targets_requests_go_to_the_proxy_with_their_whole_url() {
    let proxy = Server::answering(ok);
    let finished =
        run(&format!("http://target.invalid/x?y=1 -x http://eve:s3cret@{}", proxy.addr()));
    assert_ok(&finished);
    let report = finished.report();
    assert_eq!(report.plan.way.proxy, Some(format!("http://{}", proxy.addr())));
    let received = proxy.received();
    // It is asked first whether it wants other credentials.
    let (asked, received) = received.split_first().expect("requests came");
    assert_eq!(asked.line, "CONNECT target.invalid:80 HTTP/1.1");
    assert_eq!(received.len() as u64, PLANNED);
    for request in received {
        assert_eq!(request.line, "GET http://target.invalid/x?y=1 HTTP/1.1");
        assert!(request.headers.contains("host: target.invalid\r\n"), "{}", request.headers);
        let authorization = "proxy-authorization: Basic ZXZlOnMzY3JldA==\r\n";
        assert!(request.headers.contains(authorization), "{}", request.headers);
    }
    let told = [&finished.stdout, &finished.stderr].into_iter().cloned();
    for text in told.chain(finished.files().into_iter().map(|(_, text)| text)) {
        assert!(!text.contains("s3cret") && !text.contains("ZXZlOnMzY3JldA"), "{text}");
    }
}

/// How long a proxy takes to open a tunnel.
const HESITATION: Duration = Duration::from_millis(40);

/// What proxies say when a tunnel is open: an interim answer may come first, and lines may end in LF alone.
const OPENED: [&[u8]; 3] = [
    b"HTTP/1.1 200 Connection established\r\n\r\n",
    b"HTTP/1.0 200 OK\nVia: x\n\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
];

fn tunnel(mut peer: Peer, target: SocketAddr) -> Option<()> {
    let asked = peer.receive()?;
    let authorized = asked.headers.contains("Proxy-Authorization: Basic ZXZlOnMzY3JldA==\r\n");
    if asked.line != format!("CONNECT localhost:{} HTTP/1.1", target.port()) {
        peer.send(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    } else if authorized {
        work(HESITATION);
        peer.send(OPENED[asked.number % OPENED.len()]);
        peer.relay(target);
    } else {
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    }
    Some(())
}

#[test]
fn a_tls_targets_requests_go_through_a_tunnel() {
    let target = TlsServer::start();
    let to = target.addr;
    let proxy = Server::start(move |peer| {
        let _ = tunnel(peer, to);
    });
    let through = |user: &str| {
        let url = format!("https://localhost:{}/", to.port());
        let program =
            steadfire(&format!("{url} -x http://{user}{} --cacert ca.pem {LOAD}", proxy.addr()));
        let file = program.home().join("ca.pem");
        std::fs::write(file, &target.certificate).expect("a file can be written");
        program.run()
    };
    let finished = through("eve:s3cret@");
    assert_ok(&finished);
    let connect = finished.report().connect;
    assert!(connect.count > 0 && connect.min >= 40_000_000, "the tunnel counts: {connect:?}");
    through("").refused(3, &["through the proxy", "status 407", "USER:PASSWORD"]);
    let elsewhere = format!("https://elsewhere.invalid/ -x {}", proxy.addr());
    run(&elsewhere).refused(3, &["status 502", "may the proxy be used"]);
    run("http://h.invalid/ -x http://127.0.0.1:1").refused(3, &["the proxy http://127.0.0.1:1"]);
}

/// SOCKS5 without a password; every name leads to `target`.
fn socks(mut peer: Peer, target: SocketAddr) -> Option<()> {
    let greeting = peer.take(2)?;
    peer.take(usize::from(greeting[1]))?;
    peer.send(&[5, 0]);
    let asked = peer.take(5)?;
    assert_eq!(asked[..4], [5, 1, 0, 3], "CONNECT by name");
    let place = peer.take(usize::from(asked[4]) + 2)?;
    assert_eq!(place, *b"target.invalid\x00\x51");
    peer.send(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]);
    peer.relay(target);
    Some(())
}

#[test]
fn a_socks_proxy_looks_the_name_up() {
    let server = Server::answering(ok);
    let to = server.addr();
    let proxy = Server::start(move |peer| {
        let _ = socks(peer, to);
    });
    assert_ok(&run(&format!("http://target.invalid:81/ -x socks5://{}", proxy.addr())));
    assert!(server.received().iter().all(|one| one.headers.contains("host: target.invalid:81")));
}

#[test]
fn a_connection_that_takes_long_to_set_up_holds_up_its_own_request_and_no_other() {
    const SLOW: Duration = Duration::from_millis(700);
    let server = Server::answering(|_| {
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()
    });
    let to = server.addr();
    // With keep-alive the server closes after each answer, which comes to the same.
    for flags in ["--disable-keepalive", ""] {
        let count = AtomicUsize::new(0);
        let proxy = Server::start(move |peer| {
            if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(8) {
                std::thread::park_timeout(SLOW);
            }
            let _ = socks(peer, to);
        });
        let report = steadfire(&format!(
            "http://target.invalid:81/ -x socks5://{} -r 80 -n 80 --threads 1 --yes --json {flags}",
            proxy.addr()
        ))
        .run()
        .report();
        assert_eq!(report.fates.ok, 80, "{flags}");
        let [median, most] = [report.response_time.p50, report.response_time.max];
        // A tenth or more of them is slow; shared out, all would take about a tenth of that.
        assert!(median < 60_000_000, "{flags}: {median}");
        assert!(u128::from(most) >= SLOW.as_nanos(), "{flags}: {most}");
    }
}

#[test]
fn connections_take_all_addresses_of_a_name_in_turn_whichever_worker_opens_them() {
    let [first, second] = pair().map(|listener| Server::on(listener, answer_each(ok)));
    let port = first.addr().port();
    let finished = steadfire(&format!(
        "http://both.example:{port}/ --resolve both.example:{port}:127.0.0.1,127.0.0.2 \
         --threads 2 --disable-keepalive {LOAD}"
    ))
    // Not asked for with --proxy, so not gone by.
    .env("http_proxy", "http://127.0.0.1:1")
    .env("all_proxy", "http://127.0.0.1:1")
    .run();
    assert_ok(&finished);
    assert_eq!(
        finished.report().environment.addresses,
        [first.addr().to_string(), second.addr().to_string()]
    );
    let counts = [&first, &second].map(|server| server.received().len());
    assert_eq!(counts.iter().sum::<usize>() as u64, PLANNED);
    assert!(counts[0].abs_diff(counts[1]) <= 2, "{counts:?}");
    let connections = first.connections() + second.connections();
    assert!(
        connections as u64 > PLANNED,
        "one for each request and the check before: {connections}"
    );
    for received in first.received() {
        assert!(received.headers.contains("connection: close\r\n"), "{}", received.headers);
    }
}

#[test]
fn an_address_that_refuses_beside_one_that_answers_is_passed_over_and_named() {
    let server = Server::answering(ok);
    let port = server.addr().port();
    let finished = run(&format!(
        "http://both.example:{port}/ --resolve both.example:{port}:127.0.0.1,127.0.0.3 \
         --disable-keepalive"
    ));
    let report = finished.report();
    assert_eq!((finished.code, report.fates.ok), (0, PLANNED), "{}", finished.stderr);
    let dead = format!("127.0.0.3:{port}");
    let warned = format!("warning: {dead}, one of 2 addresses of the target, took no connection");
    assert!(finished.stderr.contains(&warned), "{}", finished.stderr);
    let named = report.verdict.findings.iter().find(|finding| finding.id == "address_failed");
    let named = named.expect("it stands in the result");
    assert!(named.message.contains(&format!("{dead} (1 of 1 attempts")), "{}", named.message);
}

#[test]
fn a_server_that_serves_one_connection_at_a_time_is_told_before_the_load_and_not_starved() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let host = format!("http://{}", listener.local_addr().expect("it is bound"));
    // A worker that hangs up after each answer, as gunicorn's default one does.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
            if head.any(|line| line.is_empty()) {
                let _ = (&stream).write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n[\"id\"]",
                );
            }
        }
    });
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let profile = place.path().join("one.yaml");
    let text = "setup: [{name: ids, path: /ids, pools: {id: '$[*]'}}]\n\
                requests: [{path: '/{{ pick(id) }}'}]\n";
    std::fs::write(&profile, text).expect("a file can be written");
    let words = format!("{} --host {host} -r 20 -n 20 --json", profile.display());
    let finished = steadfire(&words).run();
    let told = "this server seems to serve one connection at a time";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
    let report = finished.report();
    assert_eq!(report.fates.ok, 20, "{:?}", report.fates);
    // Behind silent connections it would be seconds.
    assert!(report.response_time.p50 < 150_000_000, "{:?}", report.response_time);
}

#[test]
fn another_place_is_connected_to_and_the_host_stays() {
    let server = Server::answering(ok);
    let rule = format!("public.example:80:127.0.0.1:{}", server.addr().port());
    let finished = run(&format!("http://public.example/ --connect-to {rule}"));
    assert_ok(&finished);
    assert_eq!(finished.report().plan.way.connect_to, [rule]);
    assert!(server.received().iter().all(|one| one.headers.contains("host: public.example\r\n")));
}

#[test]
fn source_addresses_are_taken_in_turn() {
    let seen: Arc<Mutex<BTreeMap<IpAddr, u64>>> = Arc::default();
    let clients = Arc::clone(&seen);
    let server = Server::start(move |mut peer| {
        let ip = peer.client().ip();
        while peer.receive().is_some() {
            *clients.lock().expect("nobody panics with it").entry(ip).or_default() += 1;
            peer.send(OK);
        }
    });
    assert_ok(&run(&format!(
        "{} --local-address 127.0.0.2 --local-address 127.0.0.3 --disable-keepalive",
        server.url()
    )));
    let seen = seen.lock().expect("nobody panics with it").clone();
    let expected = [2, 3].map(|last| (IpAddr::from([127, 0, 0, last]), PLANNED / 2));
    assert_eq!(seen, BTreeMap::from(expected));
}

#[test]
fn all_mistakes_are_told_at_once_and_no_password_with_them() {
    let finished = run(
        "http://h.example/ --unix-socket s -x http://eve:s3cret@p.example:1 --resolve h.example \
         --connect-to other:1:x:2 --local-address 203.0.113.9 --cert no.pem --key no.key",
    );
    assert!(!finished.stderr.contains("s3cret"), "{}", finished.stderr);
    finished.refused(
        2,
        &[
            "--unix-socket with --proxy",
            "--connect-to with --proxy",
            "--resolve 'h.example': write HOST:PORT:ADDRESS",
            "--connect-to 'other:1:x:2'",
            "--local-address 203.0.113.9",
            "--cert no.pem",
            "--key no.key",
        ],
    );
}
