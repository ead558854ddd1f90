//! HTTP/2, end to end: the same ledger, times and limits as over HTTP/1.1, on fewer connections.
//!
//! The server is h2's own, so that a test decides what becomes of each stream and counts what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, Response};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use steadfire::demo::{DemoBackend, Faults, Settings, TEST_EMAIL, TEST_PASSWORD};
use steadfire::report::Report;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::server::{OK, Server};
use crate::support::{Finished, steadfire};

/// What servers offer by ALPN.
const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];
const OLD: &[&[u8]] = &[b"http/1.1"];

/// What a server does with a stream.
#[derive(Clone, Copy)]
enum Deed {
    /// Answers after this long.
    Answer(Duration),
    /// Sends the head at once and the body after this long.
    HoldBody(Duration),
    /// Resets it.
    Reset(Reason),
    /// Nothing, until the client gives it up.
    Keep,
}

/// What it has seen.
#[derive(Default)]
struct Seen {
    /// Connections that carried a stream.
    connections: AtomicUsize,
    streams: AtomicUsize,
    cancelled: AtomicUsize,
    /// The most streams open at once on one connection.
    open_max: AtomicUsize,
}

/// How it behaves.
struct Manners {
    settings: Builder,
    /// Says goodbye to a connection after this many streams.
    goodbye_after: usize,
    /// By the stream's number over all connections.
    deed: fn(usize) -> Deed,
    /// What it offers if it speaks TLS.
    alpn: Option<&'static [&'static [u8]]>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            settings: Builder::new(),
            goodbye_after: usize::MAX,
            deed: |_| Deed::Answer(Duration::ZERO),
            alpn: None,
        }
    }
}

/// A server on a thread of its own; dropping it ends the thread.
struct Http2Server {
    addr: SocketAddr,
    seen: Arc<Seen>,
    scheme: &'static str,
    _stop: oneshot::Sender<()>,
}

impl Http2Server {
    fn start(manners: Manners) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        Self::on(listener, manners)
    }

    fn on(listener: std::net::TcpListener, manners: Manners) -> Self {
        let acceptor = manners.alpn.map(acceptor);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let (manners, seen) = (Arc::new(manners), Arc::new(Seen::default()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be had").block_on(async {
                let listener = TcpListener::from_std(listener).expect("it is non-blocking");
                tokio::select! {
                    () = accept(listener, acceptor, manners, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { addr, seen, scheme, _stop: stop }
    }

    fn load(&self, flags: &str) -> String {
        let Self { scheme, addr, .. } = self;
        format!("{scheme}://{addr}/ -k -r 200 -d 1s --json --slo p50<60s,errors<100% {flags}")
    }

    fn run(&self, flags: &str) -> Report {
        let finished = steadfire(&self.load(flags)).run();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        finished.report()
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    fn streams(&self) -> usize {
        self.seen.streams.load(Ordering::Relaxed)
    }
}

fn acceptor(alpn: &'static [&'static [u8]]) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".into()]).expect("a certificate can be made");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("rcgen writes PKCS 8");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("certificate and key belong together");
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    manners: Arc<Manners>,
    seen: Arc<Seen>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (acceptor, manners, seen) = (acceptor.clone(), Arc::clone(&manners), Arc::clone(&seen));
        tokio::spawn(async move {
            match acceptor {
                None => converse(stream, &manners, &seen).await,
                Some(acceptor) => {
                    let stream = acceptor.accept(stream).await.ok()?;
                    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                        converse(stream, &manners, &seen).await
                    } else {
                        speak_http1(stream).await
                    }
                }
            }
        });
    }
}

/// One connection of HTTP/2 to its end.
async fn converse(
    io: impl AsyncRead + AsyncWrite + Unpin,
    manners: &Manners,
    seen: &Arc<Seen>,
) -> Option<()> {
    let mut connection = manners.settings.handshake::<_, Bytes>(io).await.ok()?;
    let open = Arc::new(AtomicUsize::new(0));
    let mut streams = 0;
    while let Some(stream) = connection.accept().await {
        let (_, respond) = stream.ok()?;
        streams += 1;
        if streams == 1 {
            seen.connections.fetch_add(1, Ordering::Relaxed);
        }
        if streams == manners.goodbye_after {
            connection.graceful_shutdown();
        }
        let now_open = open.fetch_add(1, Ordering::Relaxed) + 1;
        seen.open_max.fetch_max(now_open, Ordering::Relaxed);
        let deed = (manners.deed)(seen.streams.fetch_add(1, Ordering::Relaxed));
        let (open, seen) = (Arc::clone(&open), Arc::clone(seen));
        tokio::spawn(async move {
            carry_out(deed, respond, &seen, &open).await;
        });
    }
    Some(())
}

async fn carry_out(
    deed: Deed,
    mut respond: SendResponse<Bytes>,
    seen: &Seen,
    open: &AtomicUsize,
) -> Option<()> {
    let body = Bytes::from_static(b"ok");
    let (before_head, before_body) = match deed {
        Deed::Answer(delay) => (delay, Duration::ZERO),
        Deed::HoldBody(delay) => (Duration::ZERO, delay),
        Deed::Reset(reason) => {
            open.fetch_sub(1, Ordering::Relaxed);
            respond.send_reset(reason);
            return None;
        }
        Deed::Keep => {
            let reset = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            open.fetch_sub(1, Ordering::Relaxed);
            if matches!(reset, Ok(Reason::CANCEL)) {
                seen.cancelled.fetch_add(1, Ordering::Relaxed);
            }
            return None;
        }
    };
    tokio::time::sleep(before_head).await;
    let mut sending = respond.send_response(Response::new(()), false).ok()?;
    tokio::time::sleep(before_body).await;
    // Before the client can know of the end and open another.
    open.fetch_sub(1, Ordering::Relaxed);
    sending.send_data(body, false).ok()?;
    sending.send_trailers(HeaderMap::new()).ok()
}

async fn speak_http1(mut io: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut request = [0; 4096];
    while io.read(&mut request).await.ok()? > 0 {
        io.write_all(OK).await.ok()?;
        io.flush().await.ok()?;
    }
    Some(())
}

#[test]
fn prior_knowledge_carries_many_slots_on_few_connections() {
    let server = Http2Server::start(Manners::default());
    let report = server.run("--http-version 2");
    assert_eq!((report.fates.planned, report.fates.ok), (200, 200));
    assert_eq!(report.plan.way.http_version, "2");
    assert_eq!(server.streams(), 200);
    assert!((1..=4).contains(&server.connections()), "{}", server.connections());
    assert!(report.service_time.p50 >= report.first_byte.p50, "{report:?}");
}

#[test]
fn over_tls_the_version_is_what_both_sides_speak() {
    let table = [("2", BOTH, "2"), ("auto", BOTH, "2"), ("1.1", BOTH, "1.1"), ("auto", OLD, "1.1")];
    for (asked, alpn, used) in table {
        let server = Http2Server::start(Manners { alpn: Some(alpn), ..Manners::default() });
        let report = server.run(&format!("--http-version {asked}"));
        assert_eq!(report.fates.ok, 200, "{asked}");
        assert_eq!(report.plan.way.http_version, used, "{asked} of {}", alpn.len());
        assert_eq!(server.streams(), if used == "2" { 200 } else { 0 });
        assert!(report.connect.count > 0);
    }
}

#[test]
fn a_server_without_http2_is_told_before_the_load() {
    let plain = Server::answering(|_| OK.to_vec());
    let refused = |finished: Finished| finished.refused(3, &["HTTP/2", "--http-version 1.1"]);
    refused(steadfire(&format!("{}/ -d 1s --http-version 2", plain.url())).run());
    for alpn in [OLD, &[]] {
        let server = Http2Server::start(Manners { alpn: Some(alpn), ..Manners::default() });
        refused(steadfire(&server.load("--http-version 2")).run());
    }
}

#[test]
fn no_more_streams_are_open_than_the_server_allows_or_the_user() {
    let delayed =
        || Manners { deed: |_| Deed::Answer(Duration::from_millis(50)), ..Manners::default() };
    let mut settings = Builder::new();
    settings.max_concurrent_streams(3);
    let server = Http2Server::start(Manners { settings, ..delayed() });
    let report = server.run("--http-version 2");
    assert_eq!(report.fates.ok, 200);
    assert_eq!(server.seen.open_max.load(Ordering::Relaxed), 3);

    let server = Http2Server::start(delayed());
    let report = server.run("--http-version 2 --streams 5 --connections 1");
    // Twenty answers a second and stream, so half the slots are in time; the others wait and are sent.
    assert_eq!(report.fates.ok, 200);
    assert_eq!(server.seen.open_max.load(Ordering::Relaxed), 5);
    assert_eq!(server.connections(), 1);
    assert!(report.response_time.p99 > report.service_time.p99 + 500_000_000, "{report:?}");
}

#[test]
fn a_goodbye_in_mid_run_loses_no_slot() {
    let manners = Manners {
        goodbye_after: 20,
        deed: |_| Deed::Answer(Duration::from_millis(20)),
        ..Manners::default()
    };
    let server = Http2Server::start(manners);
    let report = server.run("--http-version 2");
    assert_eq!((report.fates.planned, report.fates.ok), (200, 200), "{:?}", report.requests);
    assert!(server.connections() >= 8, "{}", server.connections());
}

#[test]
fn a_stream_that_goes_wrong_is_charged_to_its_slot_alone() {
    let manners = Manners {
        deed: |number| match number % 10 {
            3 => Deed::Reset(Reason::INTERNAL_ERROR),
            7 => Deed::Keep,
            _ => Deed::Answer(Duration::ZERO),
        },
        ..Manners::default()
    };
    let server = Http2Server::start(manners);
    let report = server.run("--http-version 2 --timeout 200ms");
    let fates = &report.fates;
    assert_eq!((fates.ok, fates.transport_error, fates.timeout), (160, 20, 20), "{fates:?}");
    assert_eq!(report.requests[0].errors["reset"], 20);
    assert_eq!(server.seen.cancelled.load(Ordering::Relaxed), 20);
    assert!(server.connections() <= 4, "{}", server.connections());
}

#[test]
fn an_address_that_answers_nothing_is_asked_as_often_as_the_other() {
    let [first, second] = crate::server::pair();
    let port = first.local_addr().expect("it is bound").port();
    let _live = Http2Server::on(first, Manners::default());
    let dead = Http2Server::on(second, Manners { deed: |_| Deed::Keep, ..Manners::default() });
    let words = format!(
        "http://both.example:{port}/ --resolve both.example:{port}:127.0.0.1,127.0.0.2 --yes -r 60 -n 60 \
         --http-version 2 --timeout 300ms --json --slo p50<60s,errors<100%"
    );
    let report = steadfire(&words).run().report();
    assert_eq!((report.fates.ok, report.fates.timeout), (30, 30), "{:?}", report.fates);
    assert!(dead.streams() >= 30, "{}", dead.streams());
    let asked: Vec<_> = report.addresses.iter().map(|one| (one.requests, one.answered)).collect();
    assert_eq!(asked, [(30, 30), (30, 0)]);
}

#[test]
fn a_refused_stream_is_tried_once_more() {
    let manners = Manners {
        deed: |number| match number % 10 {
            0 => Deed::Reset(Reason::REFUSED_STREAM),
            _ => Deed::Answer(Duration::ZERO),
        },
        ..Manners::default()
    };
    let server = Http2Server::start(manners);
    let report = server.run("--http-version 2");
    assert_eq!(report.fates.ok, 200);
    assert!(server.streams() > 200, "{}", server.streams());
}

#[test]
fn a_body_that_comes_late_is_service_time_and_not_first_byte() {
    let deed = |_| Deed::HoldBody(Duration::from_millis(100));
    for alpn in [None, Some(BOTH)] {
        let server = Http2Server::start(Manners { deed, alpn, ..Manners::default() });
        let report = server.run("--http-version 2");
        assert_eq!(report.fates.ok, 200);
        assert!(report.service_time.min >= 100_000_000, "{:?}", report.service_time);
        assert!(report.first_byte.p50 < 50_000_000, "{:?}", report.first_byte);
    }
}

/// The chat-center mix over HTTP/2.
fn chat_center(backend: &DemoBackend, flags: &str) -> Report {
    let words = format!(
        "chat-center --host http://{} --json --http-version 2 {flags} \
         -e LOAD_TEST_EMAIL={TEST_EMAIL} -e LOAD_TEST_PASSWORD={TEST_PASSWORD}",
        backend.addr()
    );
    let finished = steadfire(&words).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    finished.report()
}

#[test]
fn log_in_and_set_up_go_over_http2_as_well() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let report = chat_center(&backend, "-r 100 -d 1s --slo p95<60s");
    assert_eq!((report.fates.planned, report.fates.ok), (100, 100));
}

#[test]
fn the_demo_backends_faults_end_their_own_stream() {
    let faults = Faults { reset: 0.1, truncate: 0.1, ..Faults::default() };
    let settings = Settings { faults, ..Settings::default() };
    let backend = DemoBackend::start(settings).expect("a loopback port is free");
    let report = chat_center(&backend, "-r 300 -d 1s --slo p50<60s,errors<100%");
    let fates = &report.fates;
    assert_eq!(fates.ok + fates.transport_error, 300, "{fates:?}");
    // A share of 0.2 of 300, give or take five standard deviations.
    assert!((25..=95).contains(&fates.transport_error), "{fates:?}");
    let kinds = report.requests.iter().flat_map(|request| request.errors.keys());
    assert!(kinds.into_iter().all(|kind| kind == "reset"), "{:?}", report.requests);
}

#[test]
fn headers_that_only_http1_knows_are_a_mistake() {
    let server = Http2Server::start(Manners::default());
    let program = steadfire(&server.load("--http-version 2 -H")).arg("Connection: keep-alive");
    program.run().refused(2, &["connection", "HTTP/2"]);
}
