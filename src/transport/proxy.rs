//! `ProxyHop`: what is agreed with a proxy before a connection carries requests.
//!
//! CONNECT (RFC 9110, section 9.3.6) or SOCKS5 (RFC 1928). Credentials go to the proxy and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_socks::tcp::Socks5Stream;

use crate::load::way::{Credentials, Place, Proxy, ProxyKind};
use crate::transport::reason;
use crate::transport::stream::Stream;
use crate::transport::tls::TlsClient;

/// Bound on a proxy's answer to CONNECT.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// What to do where a proxy asks for credentials (407).
pub const PROXY_CREDENTIALS: &str = "put the user name and password the proxy wants before its host: --proxy \
    http://USER:PASSWORD@HOST:PORT";

/// A proxy on the way.
pub(super) struct ProxyHop {
    /// For a proxy that is reached over TLS.
    pub(super) tls: Option<TlsClient>,
    /// Absent where the proxy is sent the requests themselves.
    pub(super) tunnel: Option<Tunnel>,
}

/// What a proxy is asked for.
pub(super) enum Tunnel {
    Connect { request: String },
    Socks5 { target: Place, credentials: Option<Credentials> },
}

/// Why a proxy does not lead to the target.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProxyFault {
    /// Its TLS handshake failed.
    #[error("the TLS handshake with the proxy failed ({})", reason::of_tls(.0).words())]
    Tls(rustls::Error),
    /// It answered CONNECT with this status.
    #[error("the proxy answered CONNECT with status {0}")]
    Status(u16),
    /// SOCKS5 has its own words.
    #[error("the proxy refused: {0}")]
    Socks(String),
    /// It closed the connection, or said what is no answer.
    #[error("the proxy gave no valid answer; is --proxy of the right kind?")]
    NoAnswer,
}

/// `Proxy-Authorization` for an HTTP proxy; hidden from `Debug`.
pub(crate) fn authorization(credentials: &Credentials) -> HeaderValue {
    let mut value = HeaderValue::from_str(&format!("Basic {}", encoded(credentials)))
        .expect("Base64 has only characters that a header may have");
    value.set_sensitive(true);
    value
}

fn encoded(credentials: &Credentials) -> String {
    STANDARD.encode(format!("{}:{}", credentials.user, credentials.password))
}

impl Tunnel {
    /// A way through `proxy` to `target`.
    pub(super) fn new(proxy: &Proxy, target: Place) -> Self {
        if proxy.kind == ProxyKind::Socks5 {
            return Self::Socks5 { target, credentials: proxy.credentials.clone() };
        }
        let authorization = proxy
            .credentials
            .as_ref()
            .map(|credentials| format!("Proxy-Authorization: Basic {}\r\n", encoded(credentials)));
        let authorization = authorization.unwrap_or_default();
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
        Self::Connect { request }
    }
}

impl ProxyHop {
    /// Turns a connection to the proxy into one that carries requests.
    pub(super) async fn pass(&self, mut stream: Stream) -> Result<Stream, ProxyFault> {
        if let Some(tls) = &self.tls {
            stream = tls.connect(stream).await.map_err(ProxyFault::Tls)?;
        }
        match &self.tunnel {
            None => Ok(stream),
            Some(Tunnel::Connect { request }) => connect(stream, request).await,
            Some(Tunnel::Socks5 { target, credentials }) => {
                socks5(stream, target, credentials.as_ref()).await
            }
        }
    }
}

/// Asks `proxy`, to which `stream` leads, for a tunnel to `target`.
pub(super) async fn open(
    stream: Stream,
    proxy: &Proxy,
    target: Place,
) -> Result<Stream, ProxyFault> {
    ProxyHop { tls: None, tunnel: Some(Tunnel::new(proxy, target)) }.pass(stream).await
}

async fn connect(mut stream: Stream, request: &str) -> Result<Stream, ProxyFault> {
    stream.write_all(request.as_bytes()).await.map_err(|_| ProxyFault::NoAnswer)?;
    stream.flush().await.map_err(|_| ProxyFault::NoAnswer)?;
    let mut answer = Vec::with_capacity(256);
    loop {
        if let Some(end) = end_of_head(&answer) {
            match status(&answer) {
                // An interim answer, whose final one follows.
                Some(100..200) => {
                    answer.drain(..end);
                    continue;
                }
                // The client speaks first, with TLS as with HTTP: whatever follows here is not the target's.
                Some(200..300) if answer.len() == end => return Ok(stream),
                Some(200..300) | None => return Err(ProxyFault::NoAnswer),
                Some(status) => return Err(ProxyFault::Status(status)),
            }
        }
        let room = ANSWER_BYTES_MAX - answer.len();
        let mut limited = (&mut stream).take(room as u64);
        let read = limited.read_buf(&mut answer).await.map_err(|_| ProxyFault::NoAnswer)?;
        if read == 0 {
            return Err(ProxyFault::NoAnswer);
        }
    }
}

/// Where the head of an HTTP/1 answer ends: after an empty line, whose CR and that of the line before may be
/// missing (RFC 9112, section 2.2).
fn end_of_head(answer: &[u8]) -> Option<usize> {
    let after_newline = |at: &usize| answer[..*at].ends_with(b"\n");
    (1..answer.len()).filter(after_newline).find_map(|at| match &answer[at..] {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    })
}

/// The status of an HTTP/1 answer.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let line = std::str::from_utf8(line).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok().filter(|status| (100..600).contains(status))
}

async fn socks5(
    stream: Stream,
    target: &Place,
    credentials: Option<&Credentials>,
) -> Result<Stream, ProxyFault> {
    let place = (target.host.as_str(), target.port);
    let opened = match credentials {
        None => Socks5Stream::connect_with_socket(stream, place).await,
        Some(Credentials { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(stream, place, user, password).await
        }
    };
    opened.map(Socks5Stream::into_inner).map_err(|error| match error {
        tokio_socks::Error::Io(_) | tokio_socks::Error::InvalidResponseVersion => {
            ProxyFault::NoAnswer
        }
        other => ProxyFault::Socks(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(credentials: Option<Credentials>) -> Proxy {
        let place = Place { host: "proxy".into(), port: 3128 };
        Proxy { kind: ProxyKind::Http, place, credentials }
    }

    #[test]
    fn connect_names_the_target_and_carries_the_credentials() {
        let target = || Place { host: "::1".into(), port: 443 };
        let Tunnel::Connect { request } = Tunnel::new(&proxy(None), target()) else { panic!() };
        assert_eq!(request, "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
        let credentials = Credentials { user: "Aladdin".into(), password: "open sesame".into() };
        let tunnel = Tunnel::new(&proxy(Some(credentials.clone())), target());
        let Tunnel::Connect { request } = tunnel else { panic!() };
        // The example of RFC 7617.
        assert!(
            request.ends_with("Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")
        );
        assert_eq!(format!("{:?}", authorization(&credentials)), "Sensitive");
    }

    #[test]
    fn a_head_ends_at_its_empty_line_with_or_without_carriage_returns() {
        let table: [(&[u8], Option<usize>); 6] = [
            (b"HTTP/1.1 200 OK\r\n\r\n", Some(19)),
            (b"HTTP/1.1 200 OK\n\n", Some(17)),
            (b"HTTP/1.1 200 OK\nVia: x\n\r\nrest", Some(25)),
            (b"HTTP/1.1 200 OK\r\nVia: x\r\n", None),
            (b"HTTP/1.1 200 OK\r\n\r", None),
            (b"", None),
        ];
        for (answer, end) in table {
            assert_eq!(end_of_head(answer), end, "{}", answer.escape_ascii());
        }
    }

    #[test]
    fn a_status_line_is_read_and_anything_else_is_none() {
        let table: [(&[u8], Option<u16>); 7] = [
            (b"HTTP/1.1 200\n\n", Some(200)),
            (b"HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            (b"HTTP/1.0 407\r\n\r\n", Some(407)),
            (b"HTTP/2 200\r\n\r\n", None),
            (b"HTTP/1.1 20000 x\r\n\r\n", None),
            (b"SSH-2.0-x\r\n\r\n", None),
            (b"\xff\r\n\r\n", None),
        ];
        for (answer, expected) in table {
            assert_eq!(status(answer), expected);
        }
    }
}
