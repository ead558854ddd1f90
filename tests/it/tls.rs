//! TLS: whom the client trusts, and what the connect time holds.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair, generate_simple_self_signed};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::server::OK;
use crate::support::steadfire;

/// How long the server waits before each handshake: TCP alone would be open long since.
const HESITATION: Duration = Duration::from_millis(100);

/// What a server says to each request, and how long it thinks about it.
type Word = (&'static [u8], Duration);

/// An HTTPS server on a thread of its own; dropping it ends the thread.
pub(crate) struct TlsServer {
    pub(crate) addr: SocketAddr,
    /// The certificate, which signs itself.
    pub(crate) certificate: String,
    _stop: oneshot::Sender<()>,
}

impl TlsServer {
    pub(crate) fn start() -> Self {
        Self::judging(|_| WebPkiClientVerifier::no_client_auth())
    }

    /// Lets in whoever has a certificate of `authority`.
    fn demanding(authority: &rcgen::Certificate) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).expect("rcgen makes valid authorities");
        Self::judging(move |provider| {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            verifier.build().expect("there is an authority")
        })
    }

    /// Shows this certificate.
    pub(crate) fn showing(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self::new((certificate, key), (OK, Duration::ZERO), |_| {
            WebPkiClientVerifier::no_client_auth()
        })
    }

    /// Thinks about each request for so long. The tickets that follow its handshakes come at once.
    fn thinking(time: Duration) -> Self {
        let CertifiedKey { cert, signing_key } = self_signed();
        Self::new((&cert, &signing_key), (OK, time), |_| WebPkiClientVerifier::no_client_auth())
    }

    /// Says goodbye to each request (`close_notify`) without a word of an answer.
    pub(crate) fn leaving() -> Self {
        let CertifiedKey { cert, signing_key } = self_signed();
        Self::new((&cert, &signing_key), (b"", Duration::ZERO), |_| {
            WebPkiClientVerifier::no_client_auth()
        })
    }

    fn judging(clients: impl FnOnce(Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier>) -> Self {
        let CertifiedKey { cert, signing_key } = self_signed();
        Self::new((&cert, &signing_key), (OK, Duration::ZERO), clients)
    }

    fn new(
        (cert, signing_key): (&rcgen::Certificate, &KeyPair),
        word: Word,
        clients: impl FnOnce(Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key =
            PrivateKeyDer::try_from(signing_key.serialize_der()).expect("rcgen writes PKCS 8");
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.3")
            .with_client_cert_verifier(clients(provider))
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("certificate and key belong together");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be had").block_on(async {
                let listener = TcpListener::from_std(listener).expect("it is non-blocking");
                tokio::select! {
                    () = accept(listener, TlsAcceptor::from(Arc::new(config)), word) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { addr, certificate: cert.pem(), _stop: stop }
    }

    fn load(&self, flags: &str) -> String {
        format!("https://localhost:{}/ -r 50 -d 1s --json --slo p95<60s {flags}", self.addr.port())
    }
}

fn self_signed() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()])
        .expect("a certificate can be made")
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, word: Word) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, acceptor.clone(), word));
    }
}

/// Answers whatever comes in one piece: the client's requests have no body. Without a word to say it goes.
async fn answer(stream: TcpStream, acceptor: TlsAcceptor, (word, time): Word) -> Option<()> {
    tokio::time::sleep(HESITATION).await;
    let mut stream = acceptor.accept(stream).await.ok()?;
    let mut request = [0; 4096];
    while stream.read(&mut request).await.ok()? > 0 {
        if word.is_empty() {
            return stream.shutdown().await.ok();
        }
        tokio::time::sleep(time).await;
        stream.write_all(word).await.ok()?;
        stream.flush().await.ok()?;
    }
    Some(())
}

fn store(folder: &Path, certificate: &str) {
    std::fs::write(folder.join("ca.pem"), certificate).expect("a file can be written");
}

#[test]
fn an_authority_given_by_hand_is_trusted_and_its_handshake_is_tls_time() {
    let server = TlsServer::start();
    let program = steadfire(&server.load("--cacert ca.pem"));
    store(program.home(), &server.certificate);
    let finished = program.run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let report = finished.report();
    assert_eq!((report.fates.planned, report.fates.ok), (50, 50));
    let tls = &report.tls;
    // On a busy machine the server hesitates for a while before the client knows that it is connected.
    assert!(tls.count > 0 && tls.min >= 50_000_000, "{tls:?}");
    assert_eq!(report.connect.count, tls.count);
    assert!(report.connect.p50 < tls.min, "{:?}", report.connect);
    assert!(report.service_time.p50 < tls.min, "{:?}", report.service_time);
}

#[test]
fn an_unknown_authority_is_refused_before_the_load() {
    let server = TlsServer::start();
    steadfire(&server.load("")).run().refused(3, &["TLS handshake failed"]);

    let other = TlsServer::start();
    let program = steadfire(&server.load("--cacert ca.pem"));
    store(program.home(), &other.certificate);
    program.run().refused(3, &["TLS handshake failed"]);
}

#[test]
fn the_first_byte_is_the_answers_and_not_that_of_a_ticket() {
    let server = TlsServer::thinking(Duration::from_millis(100));
    let run = steadfire(&server.load("-k --disable-keepalive")).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = run.report();
    assert!(report.first_byte.min >= 99_000_000, "{:?}", report.first_byte);
    let parts: u64 = report.phases.means().iter().sum();
    let mean = report.response_time.mean;
    assert!(parts.abs_diff(mean) <= mean / 100, "{:?} in {mean}", report.phases);
}

#[test]
fn any_certificate_will_do_if_asked() {
    let server = TlsServer::start();
    let finished = steadfire(&server.load("-k")).run();
    assert_eq!((finished.code, finished.report().fates.ok), (0, 50), "{}", finished.stderr);
}

/// A certificate with its key, both as PEM.
fn client_of(authority: &Issuer<'_, KeyPair>) -> [String; 2] {
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = CertificateParams::new(["client".to_owned()])
        .and_then(|params| params.signed_by(&key, authority))
        .expect("an authority can sign");
    [certificate.pem(), key.serialize_pem()]
}

fn authority() -> (rcgen::Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key can be made");
    let mut params = CertificateParams::new(["authority".to_owned()]).expect("it is a name");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).expect("an authority signs itself");
    (certificate, Issuer::new(params, key))
}

#[test]
fn a_server_that_wants_a_client_certificate_gets_it_and_refuses_others_before_the_load() {
    let (certificate, issuer) = authority();
    let server = TlsServer::demanding(&certificate);
    let run = |pair: Option<[String; 2]>| {
        let flags = if pair.is_some() { " --cert client.pem --key client.key" } else { "" };
        let program = steadfire(&server.load(&format!("--cacert ca.pem{flags}")));
        store(program.home(), &server.certificate);
        for (name, text) in ["client.pem", "client.key"].iter().zip(pair.iter().flatten()) {
            std::fs::write(program.home().join(name), text).expect("a file can be written");
        }
        program.run()
    };
    let finished = run(Some(client_of(&issuer)));
    assert_eq!((finished.code, finished.report().fates.ok), (0, 50), "{}", finished.stderr);
    run(None).refused(3, &["TLS handshake failed", "client certificate", "--cert"]);
    let (_, stranger) = authority();
    run(Some(client_of(&stranger))).refused(3, &["TLS handshake failed", "check --cert"]);
}
