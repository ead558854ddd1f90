//! TLS client settings: rustls over aws-lc-rs, the system's certificates, or Mozilla's where it has none.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::transport::route::RouteError;
use crate::transport::stream::Stream;
use crate::transport::trust::Trusting;

/// HTTP/1.1's name in ALPN.
pub(super) const HTTP1: &[u8] = b"http/1.1";
/// HTTP/2's.
pub(super) const HTTP2: &[u8] = b"h2";

/// How far the server's certificate is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// As a browser would.
    #[default]
    Full,
    /// Not at all (`-k`): fit for test servers only.
    Off,
}

/// PEM files' contents and choices.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// Trust these authorities instead of the system's (PEM).
    pub authorities: Option<Vec<u8>>,
    /// Client certificate chain and key (PEM).
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Certificate checks.
    pub verification: Verification,
}

/// Why no TLS client can be built.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file holds nothing usable.
    #[error("{flag}: no usable PEM data ({reason}); check that the file is the right one")]
    Pem {
        /// The flag that named the file.
        flag: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// The private key is protected by a password.
    #[error(
        "--key: the private key is encrypted, and there is nobody to ask for its password; give one without: \
         openssl pkey -in KEY -out PLAIN-KEY"
    )]
    EncryptedKey,
    /// rustls refuses the combination.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Builds the client side; it offers HTTP/1.1 until the route says otherwise.
pub fn client_config(settings: &TlsSettings) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let builder = match settings.verification {
        Verification::Full => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trusting(settings, provider)?)),
        Verification::Off => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny { provider }))
        }
    };
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates("--cert", chain)?;
            let key = private_key(key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(Arc::new(config))
}

/// The client's side towards one server name.
#[derive(Clone)]
pub(super) struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// `host` is what the server's certificate must be for.
    pub(super) fn new(config: &Arc<ClientConfig>, host: &str) -> Result<Self, RouteError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| RouteError::ServerName(host.to_owned()))?;
        Ok(Self { config: Arc::clone(config), name })
    }

    /// The same, offering these protocols (ALPN, RFC 7301).
    pub(super) fn offering(self, protocols: &[&[u8]]) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self { config: Arc::new(config), ..self }
    }

    /// Shakes hands over `stream`.
    pub(super) async fn connect(&self, stream: Stream) -> Result<Stream, rustls::Error> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        match connector.connect(self.name.clone(), stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => {
                Err(cause(&error).unwrap_or_else(|| rustls::Error::General(ended(&error))))
            }
        }
    }
}

/// Whether the other side of `stream` speaks TLS: it takes up a handshake, however that ends. Nothing is known for
/// a host that no certificate could be for.
pub(super) async fn is_spoken(stream: Stream, host: &str) -> Option<bool> {
    let settings = TlsSettings { verification: Verification::Off, ..TlsSettings::default() };
    let client = TlsClient::new(&client_config(&settings).ok()?, host).ok()?;
    Some(match client.connect(stream).await {
        // What answers in another language, or goes.
        Err(rustls::Error::InvalidMessage(_) | rustls::Error::General(_)) => false,
        Ok(_) | Err(_) => true,
    })
}

/// How the stream under a handshake ended.
fn ended(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the connection was closed in the middle of it".to_owned(),
        io::ErrorKind::ConnectionReset => "the connection was reset in the middle of it".to_owned(),
        kind => kind.to_string(),
    }
}

/// What rustls said, if it was rustls that failed.
fn cause(error: &io::Error) -> Option<rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>().cloned()
}

/// The other side's alert, if that is what ended a stream.
pub(super) fn alert(error: &io::Error) -> Option<rustls::Error> {
    cause(error).filter(|cause| matches!(cause, rustls::Error::AlertReceived(_)))
}

fn certificates(flag: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match parsed {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::Pem { flag, reason: "no certificate in it".to_owned() }),
        Err(error) => Err(TlsError::Pem { flag, reason: error.to_string() }),
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let encrypted = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
    if encrypted.iter().any(|mark| pem.windows(mark.len()).any(|part| part == *mark)) {
        return Err(TlsError::EncryptedKey);
    }
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|error| TlsError::Pem { flag: "--key", reason: error.to_string() })
}

/// Trusts what `--cacert` names, or else what this machine trusts.
fn trusting(settings: &TlsSettings, provider: Arc<CryptoProvider>) -> Result<Trusting, TlsError> {
    let given = match &settings.authorities {
        Some(pem) => certificates("--cacert", pem)?,
        None => Vec::new(),
    };
    let roots = if given.is_empty() { system_roots() } else { roots(&given)? };
    let by_authority = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    Ok(Trusting { by_authority, given })
}

fn roots(given: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut store = RootCertStore::empty();
    given.iter().try_for_each(|certificate| store.add(certificate.clone()))?;
    Ok(store)
}

fn system_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

/// Checks signatures, so that the handshake costs what it always costs, but trusts every certificate.
#[derive(Debug)]
struct AcceptAny {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
