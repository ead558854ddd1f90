//! [`Dialer`]: opens connections to one origin and tells how long it took and why it failed.
//!
//! Names are resolved once, before the load; all addresses are kept and taken in turn.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::load::plan::{Origin, Scheme};
use crate::measure::fate::TransportError;
use crate::measure::sample::SetUp;
use crate::transport::clock::{StampCounts, monotonic_ns};
use crate::transport::io::{MeasuredIo, Socket, Stamps};
use crate::transport::kernel_clock::KernelClock;

/// Where and how to connect; shared by all workers.
#[derive(Clone)]
pub struct Route {
    addresses: Arc<[SocketAddr]>,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Why an origin cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The name does not resolve.
    #[error("the host '{host}' cannot be resolved ({reason}); check the name in --host")]
    Resolve {
        /// The name asked for.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// An https origin without TLS settings.
    #[error("the target speaks https, but no TLS was set up")]
    NoTls,
    /// A host that cannot stand in a certificate.
    #[error("'{0}' is not a valid TLS server name")]
    ServerName(String),
}

impl Route {
    /// Resolves the origin's name; `tls` is needed for https only.
    pub async fn resolve(
        origin: &Origin,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, RouteError> {
        let unresolved = |reason: String| RouteError::Resolve { host: origin.host.clone(), reason };
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((origin.host.as_str(), origin.port))
                .await
                .map_err(|error| unresolved(error.to_string()))?
                .collect();
        if addresses.is_empty() {
            return Err(unresolved("no address".to_owned()));
        }
        let tls = match (origin.scheme, tls) {
            (Scheme::Http, _) => None,
            (Scheme::Https, None) => return Err(RouteError::NoTls),
            (Scheme::Https, Some(config)) => {
                let name = ServerName::try_from(origin.host.clone())
                    .map_err(|_| RouteError::ServerName(origin.host.clone()))?;
                Some((Arc::clone(config), name))
            }
        };
        Ok(Self { addresses: addresses.into(), tls })
    }
}

impl Route {
    /// Every address of the name.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The same way to these addresses alone.
    #[must_use]
    pub fn only(&self, addresses: &[SocketAddr]) -> Self {
        Self { addresses: addresses.into(), tls: self.tls.clone() }
    }
}

/// A connected stream, plain or encrypted.
pub enum Stream {
    /// TCP.
    Plain(MeasuredIo),
    /// TLS over TCP; boxed, since its state is large.
    Tls(Box<TlsStream<MeasuredIo>>),
}

/// A fresh connection.
pub struct Dialed {
    /// Ready for the first request.
    pub stream: Stream,
    /// Its instants.
    pub stamps: Rc<Stamps>,
    /// How long it took: from the first packet to a byte stream to the origin, and the TLS handshake.
    pub set_up: SetUp,
}

/// One worker's way to the origin.
pub struct Dialer {
    route: Route,
    next_address: Cell<usize>,
    timeout: Duration,
    kernel_clock: Option<Rc<KernelClock>>,
}

impl Dialer {
    /// `timeout` bounds TCP and TLS set-up together.
    pub fn new(route: Route, timeout: Duration) -> Self {
        Self { route, next_address: Cell::new(0), timeout, kernel_clock: None }
    }

    /// The same, with connections whose arrivals are stamped by `clock` where they can be.
    #[must_use]
    pub fn with_kernel_clock(self, clock: Rc<KernelClock>) -> Self {
        Self { kernel_clock: Some(clock), ..self }
    }

    /// How arrivals were stamped since it was last asked; nothing if no kernel clock was asked for.
    pub fn take_stamp_counts(&self) -> StampCounts {
        self.kernel_clock.as_ref().map(|clock| clock.take_counts()).unwrap_or_default()
    }

    /// Opens one connection to the next address in turn.
    pub async fn dial(&self) -> Result<Dialed, TransportError> {
        let turn = self.next_address.get();
        self.next_address.set(turn.wrapping_add(1));
        let address = self.route.addresses[turn % self.route.addresses.len()];
        let attempt = self.attempt(address);
        tokio::time::timeout(self.timeout, attempt)
            .await
            .map_err(|_| TransportError::ConnectTimeout)?
    }

    async fn attempt(&self, address: SocketAddr) -> Result<Dialed, TransportError> {
        let began = monotonic_ns();
        let stamps = Rc::new(Stamps::default());
        let tcp = TcpStream::connect(address).await.map_err(|error| connect_fault(&error))?;
        // Requests are written whole; Nagle's algorithm would only hold them back.
        tcp.set_nodelay(true).map_err(|error| connect_fault(&error))?;
        let io = MeasuredIo::new(Socket::tcp(tcp, self.kernel_clock.as_ref()), Rc::clone(&stamps));
        let connected = monotonic_ns();
        let stream = match &self.route.tls {
            None => Stream::Plain(io),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream =
                    connector.connect(name.clone(), io).await.map_err(|_| TransportError::Tls)?;
                Stream::Tls(Box::new(stream))
            }
        };
        let tls = match &stream {
            Stream::Plain(_) => Duration::ZERO,
            Stream::Tls(_) => Duration::from_nanos(monotonic_ns() - connected),
        };
        let set_up = SetUp { connect: Duration::from_nanos(connected - began), tls };
        Ok(Dialed { stream, stamps, set_up })
    }
}

/// The kind of failure that an operating-system error means while connecting.
fn connect_fault(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => TransportError::ConnectRefused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => TransportError::Reset,
        io::ErrorKind::TimedOut => TransportError::ConnectTimeout,
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::OutOfMemory => {
            TransportError::LocalExhausted
        }
        _ if is_descriptor_shortage(error) => TransportError::LocalExhausted,
        _ => TransportError::ConnectFailed,
    }
}

fn is_descriptor_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.raw_os_error().is_some_and(|code| {
        [Errno::MFILE, Errno::NFILE, Errno::NOBUFS].iter().any(|errno| errno.raw_os_error() == code)
    })
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write_vectored(cx, slices),
            Self::Tls(io) => Pin::new(io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
