//! Answers of any size, whichever way they come: every byte is read, and none is taken for a timeout.
//!
//! The short form of `scripts/prove-answers`; the server is hyper's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::server::{OK, Server};
use crate::support::steadfire;

/// Around the sizes of hyper's first buffer, a TLS record, the kernel clock's buffer, and what the kernel
/// keeps for a socket.
const SIZES: [u64; 11] =
    [0, 1, 100, 8_192, 16_384, 65_535, 65_536, 65_537, 131_072, 200_000, 1_000_000];
/// So that connections are used again.
const TURNS: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http1,
    Http2,
}

/// A server whose answer to `/N` has N bytes.
struct Sized {
    addr: SocketAddr,
    tls: bool,
    _stop: oneshot::Sender<()>,
}

impl Sized {
    fn start(version: Version, tls: bool) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let acceptor = tls.then(|| acceptor(version));
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be had").block_on(async {
                let listener = TcpListener::from_std(listener).expect("it is non-blocking");
                tokio::select! {
                    () = accept(listener, version, acceptor) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { addr, tls, _stop: stop }
    }
}

fn acceptor(version: Version) -> TlsAcceptor {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".into()]).expect("a certificate can be made");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("rcgen writes PKCS 8");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("certificate and key belong together");
    config.alpn_protocols = vec![match version {
        Version::Http1 => b"http/1.1".to_vec(),
        Version::Http2 => b"h2".to_vec(),
    }];
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, version: Version, acceptor: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, version, acceptor.clone()));
    }
}

/// Serves a connection until the client goes, whose way of going is its own.
async fn serve(stream: TcpStream, version: Version, acceptor: Option<TlsAcceptor>) {
    match acceptor {
        None => speak(stream, version).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(stream, version).await;
            }
        }
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, version: Version) {
    let io = TokioIo::new(stream);
    let service = service_fn(answer);
    let _gone = match version {
        Version::Http1 => http1::Builder::new().serve_connection(io, service).await,
        Version::Http2 => {
            http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
        }
    };
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let size = request.uri().path()[1..].parse().expect("only sizes are asked for");
    Ok(Response::new(Full::new(vec![b'x'; size].into())))
}

/// Asks for every size, by each of `ways`, flags of the program.
fn all_is_read(server: &Sized, ways: &[&str]) {
    let requests: Vec<_> =
        SIZES.iter().map(|size| format!("  - {{name: 'of {size}', path: /{size}}}\n")).collect();
    let profile = format!("requests:\n{}", requests.concat());
    let scheme = if server.tls { "https" } else { "http" };
    let count = SIZES.len() as u64 * TURNS;
    for way in ways {
        let words =
            format!("p.yaml --host {scheme}://{} --json -r 100 -n {count} -k {way}", server.addr);
        let program = steadfire(&words);
        std::fs::write(program.home().join("p.yaml"), &profile).expect("a file can be written");
        let report = program.run().report();
        let errors: Vec<_> = report.requests.iter().map(|one| (&one.name, &one.errors)).collect();
        assert_eq!(report.fates.ok, count, "{way}: {:?} {errors:?}", report.fates);
        for (size, request) in SIZES.iter().zip(&report.requests) {
            assert_eq!(request.bytes, size * TURNS, "{way}: {}", request.name);
        }
    }
}

#[test]
fn answers_of_every_size_over_http_1() {
    let server = Sized::start(Version::Http1, false);
    all_is_read(
        &server,
        &[
            "",
            "--pacing relaxed",
            "--clock user",
            "--clock user --pacing relaxed",
            "--disable-keepalive",
            "--disable-keepalive --clock user",
            "-c 1",
        ],
    );
}

#[test]
fn answers_of_every_size_over_http_1_and_tls() {
    let server = Sized::start(Version::Http1, true);
    all_is_read(&server, &["", "--clock user", "--disable-keepalive", "-c 1"]);
}

#[test]
fn answers_of_every_size_over_http_2() {
    let server = Sized::start(Version::Http2, false);
    all_is_read(&server, &["--http-version 2", "--http-version 2 --clock user -c 1"]);
}

#[test]
fn answers_of_every_size_over_http_2_and_tls() {
    let server = Sized::start(Version::Http2, true);
    all_is_read(&server, &["--http-version 2", "--http-version 2 --clock user -c 1"]);
}

/// Lines in a head that are slips, and that curl and browsers overlook.
const SLIPS: [&[u8]; 6] = [
    b"x-a: one,\r\n two\r\n",
    b"x-a:\r\n\tone\r\n",
    b"x-a : one\r\n",
    b"x (a) b: one\r\n",
    b"x-a: a\x01b\r\n",
    b"x-a: caf\xe9\r\n",
];

#[test]
fn slips_in_a_head_that_curl_overlooks_are_no_errors() {
    let server = Server::answering(|received| {
        let slip = SLIPS[received.number % SLIPS.len()];
        let (line, rest) = OK.split_at("HTTP/1.1 200 OK\r\n".len());
        [line, slip, rest].concat()
    });
    let words = format!("{}/ --json -r 100 -n {}", server.url(), SLIPS.len() * 5);
    let report = steadfire(&words).run().report();
    assert_eq!(report.fates.ok, report.fates.planned, "{:?}", report.requests[0].failures);
}

#[test]
fn a_folded_value_is_one_line() {
    let answer = b"HTTP/1.1 200 OK\r\nx-a: one,\r\n\ttwo\r\ncontent-length: 2\r\n\r\nok";
    let server = Server::answering(|_| answer.to_vec());
    let once = steadfire(&format!("once {}/", server.url())).run();
    assert!(once.stdout.contains("< x-a: one, two\n"), "{}", once.stdout);
}
