//! [`Dialer`]: opens connections along a [`Route`] and tells how long it took and why it failed.
//!
//! One attempt per connection and address: where the target has several, the next is tried within the same
//! connect timeout, and the failure of each is counted; a connection that fails is the caller's to count,
//! never tried again behind its back.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::measure::attempts::Attempts;
use crate::measure::failure::Reason;
use crate::measure::fate::TransportError;
use crate::measure::pauses::Pauses;
use crate::measure::sample::SetUp;
pub use crate::transport::addresses::RETRY_AFTER;
use crate::transport::addresses::{Addresses, leads_elsewhere};
use crate::transport::clock::{SendStamps, Stamping, monotonic_ns};
use crate::transport::io::{MeasuredIo, Stamps};
use crate::transport::kernel_clock::KernelClock;
use crate::transport::patience;
use crate::transport::proxy::{PROXY_CREDENTIALS, ProxyFault};
use crate::transport::reason;
use crate::transport::route::{Hop, Route, of_kind};
use crate::transport::socket::Socket;
use crate::transport::stream::Stream;
use crate::transport::tls;

/// Longest wait for a server's word after a connection that was opened as a probe.
const FAREWELL: Duration = Duration::from_secs(1);

/// A fresh connection.
pub struct Dialed {
    /// Ready for the first request.
    pub stream: Stream,
    /// Its instants.
    pub stamps: Rc<Stamps>,
    /// How long it took: from the first packet to a byte stream to the target, and the TLS handshake.
    pub set_up: SetUp,
    /// Which of the route's addresses it leads to; 0 for a Unix socket.
    pub place: usize,
}

/// Why a connection could not be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DialError {
    /// No connection to the target, or to the proxy if there is one.
    #[error("{}{}", .fault.explanation(), aside(.system.as_deref()))]
    Connect {
        /// Its kind.
        fault: TransportError,
        /// The system's own words, where the kind does not say it all.
        system: Option<String>,
    },
    /// Something took the connection, and was not ready for the first request within the connect timeout.
    #[error("{}", TransportError::ConnectTimeout.explanation())]
    SetUp,
    /// The proxy does not lead to the target.
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    /// The handshake with the target failed.
    #[error("{} ({})", TransportError::Tls.explanation(), reason::of_tls(.0).words())]
    Tls(rustls::Error),
}

fn aside(words: Option<&str>) -> String {
    words.map(|words| format!(" ({words})")).unwrap_or_default()
}

impl From<TransportError> for DialError {
    fn from(fault: TransportError) -> Self {
        Self::Connect { fault, system: None }
    }
}

impl From<&io::Error> for DialError {
    fn from(error: &io::Error) -> Self {
        use TransportError::{ConnectFailed, LocalExhausted};
        let fault = connect_fault(error);
        let telling = matches!(fault, ConnectFailed | LocalExhausted);
        Self::Connect { fault, system: telling.then(|| error.to_string()) }
    }
}

impl DialError {
    /// Its kind, as it is counted.
    pub const fn fault(&self) -> TransportError {
        match self {
            Self::Connect { fault, .. } => *fault,
            Self::SetUp => TransportError::ConnectTimeout,
            Self::Proxy(_) => TransportError::Proxy,
            Self::Tls(_) => TransportError::Tls,
        }
    }

    /// What exactly went wrong.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Tls(error) | Self::Proxy(ProxyFault::Tls(error)) => reason::of_tls(error),
            Self::Connect { system: Some(system), .. } => Reason::new(system),
            Self::Proxy(ProxyFault::Status(407)) => {
                Reason::new(&self.to_string()).with_remedy(PROXY_CREDENTIALS)
            }
            Self::Connect { .. } | Self::SetUp | Self::Proxy(_) => Reason::new(&self.to_string()),
        }
    }

    /// Whether the next address is tried after it: not where something was there.
    pub(crate) const fn leads_elsewhere(&self) -> bool {
        match self {
            Self::Connect { fault, .. } => leads_elsewhere(*fault),
            Self::SetUp | Self::Proxy(_) | Self::Tls(_) => false,
        }
    }
}

/// One worker's way to the target.
pub struct Dialer {
    route: Route,
    addresses: Addresses,
    /// Whether something has taken a connection.
    reached: Cell<bool>,
    timeout: Duration,
    kernel_clock: Option<Rc<KernelClock>>,
    pauses: Rc<RefCell<Pauses>>,
}

impl Dialer {
    /// `timeout` bounds connecting, proxy and TLS set-up together, without this program's pauses.
    pub fn new(route: Route, timeout: Duration) -> Self {
        let addresses = Addresses::new(route.tcp().0, &route.failed);
        let (reached, pauses) = (Cell::new(false), Rc::default());
        Self { route, addresses, reached, timeout, kernel_clock: None, pauses }
    }

    /// The same, with connections whose arrivals are stamped by `clock` where they can be.
    #[must_use]
    pub fn with_kernel_clock(self, clock: Rc<KernelClock>) -> Self {
        Self { kernel_clock: Some(clock), ..self }
    }

    /// Whether the kernel is to stamp sends from now on; nothing without a kernel clock.
    pub fn stamp_sends(&self, sends: SendStamps) {
        if let Some(clock) = &self.kernel_clock {
            clock.stamp_sends(sends);
        }
    }

    /// How sends and arrivals were stamped since it was last asked; nothing without a kernel clock.
    pub fn take_stamps(&self) -> Stamping {
        self.kernel_clock.as_ref().map_or_else(Stamping::default, |clock| Stamping {
            sends: clock.take_send_counts(),
            arrivals: clock.take_arrival_counts(),
        })
    }

    /// Begins where the `part`th of `parts` dialers of a load should, so that together they do not all begin
    /// with the first address.
    #[must_use]
    pub fn part(self, part: usize, parts: usize) -> Self {
        let pairs = part * self.route.round() / parts.max(1);
        let addresses = self.addresses.under_load(&self.route.failed);
        let addresses = addresses.beginning(pairs, part as u64);
        Self { addresses, ..self }
    }

    /// Pauses of the thread that it dials on, for whoever notices them to enter.
    pub fn pauses(&self) -> &Rc<RefCell<Pauses>> {
        &self.pauses
    }

    /// The way it dials.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What became of attempts, by address, since it was last asked; nothing for a Unix socket.
    pub fn take_attempts(&self) -> Vec<Attempts> {
        self.addresses.take()
    }

    /// How many addresses there are to connect to; 1 for a Unix socket.
    pub fn places(&self) -> usize {
        self.route.tcp().0.len().max(1)
    }

    /// The place of the address whose turn it is at `now_ns`, on the monotonic clock: each has one a round
    /// unless it failed lately.
    pub fn next_place(&self, now_ns: u64) -> usize {
        self.addresses.next(now_ns)
    }

    /// Whether the address at `place` has not failed lately.
    pub fn is_awake(&self, place: usize, now_ns: u64) -> bool {
        self.addresses.is_awake(place, now_ns)
    }

    /// Why a dial that is given up has come to nothing.
    pub(crate) fn given_up(&self) -> DialError {
        if self.reached.get() { DialError::SetUp } else { TransportError::ConnectTimeout.into() }
    }

    /// Opens one connection, to the next address in turn or, where that fails, to one after it.
    pub async fn dial(&self) -> Result<Dialed, DialError> {
        self.dial_at(self.next_place(monotonic_ns())).await
    }

    /// Opens one connection, to the address at `first` or, where that fails or did so lately, to one after
    /// it.
    pub async fn dial_at(&self, first: usize) -> Result<Dialed, DialError> {
        let began = monotonic_ns();
        let (socket, place) = self.connect(first, began).await?;
        self.reached.set(true);
        let dialed = patience::within(&self.pauses, self.left(began), self.set_up(socket, began))
            .await
            .unwrap_or(Err(DialError::SetUp));
        let Some(place) = place else { return dialed };
        let failure = dialed.as_ref().err().map(DialError::fault);
        self.addresses.record(place, failure);
        Ok(Dialed { place, ..dialed? })
    }

    /// What is left of the timeout of a dial that began then.
    fn left(&self, began: u64) -> Duration {
        let now = monotonic_ns();
        let paused = self.pauses.borrow().within(began, now);
        (self.timeout + paused).saturating_sub(Duration::from_nanos(now - began))
    }

    /// A socket, and the place of the address that it leads to.
    async fn connect(
        &self,
        first: usize,
        began: u64,
    ) -> Result<(Socket, Option<usize>), DialError> {
        if let Hop::Unix(path) = &self.route.hop {
            let stream = self.in_time(self.timeout, UnixStream::connect::<&Path>(path)).await?;
            return Ok((Socket::unix(stream), None));
        }
        let order = self.addresses.order(first, began);
        let mut failure = DialError::from(TransportError::ConnectFailed);
        for (tried, &place) in order.iter().enumerate() {
            let left = self.left(began);
            // The next one is to be reached within the timeout as well.
            let limit = if tried + 1 < order.len() { left / 2 } else { left };
            failure = match self.in_time(limit, self.open(place)).await {
                Ok(tcp) => {
                    return Ok((Socket::tcp(tcp, self.kernel_clock.as_ref()), Some(place)));
                }
                Err(failure) => failure,
            };
            if !failure.leads_elsewhere() {
                break;
            }
            self.addresses.pass_over(place, failure.fault(), monotonic_ns());
        }
        Err(failure)
    }

    /// What comes of `connecting` within `limit`.
    async fn in_time<T>(
        &self,
        limit: Duration,
        connecting: impl Future<Output = io::Result<T>>,
    ) -> Result<T, DialError> {
        match patience::within(&self.pauses, limit, connecting).await {
            Some(connected) => connected.map_err(|error| DialError::from(&error)),
            None => Err(TransportError::ConnectTimeout.into()),
        }
    }

    async fn open(&self, place: usize) -> io::Result<TcpStream> {
        let (addresses, sources) = self.route.tcp();
        let address = addresses[place];
        let fitting = of_kind(sources, &address).count();
        let source = self.addresses.source(place).checked_rem(fitting);
        let source = source.and_then(|place| of_kind(sources, &address).nth(place));
        open(address, source.map(|ip| (ip, 0).into())).await
    }

    /// Passes the proxy and sets TLS up, where there is either.
    async fn set_up(&self, socket: Socket, began: u64) -> Result<Dialed, DialError> {
        let stamps = Rc::new(Stamps::default());
        let mut stream = Stream::Plain(MeasuredIo::new(socket, Rc::clone(&stamps)));
        if let Some(proxy) = &self.route.proxy {
            stream = proxy.pass(stream).await?;
        }
        let connected = monotonic_ns();
        let connect = Duration::from_nanos(connected - began);
        let Some(client) = &self.route.tls else {
            let set_up = SetUp { connect, tls: Duration::ZERO };
            return Ok(Dialed { stream, stamps, set_up, place: 0 });
        };
        let stream = client.connect(stream).await.map_err(DialError::Tls)?;
        let set_up = SetUp { connect, tls: Duration::from_nanos(monotonic_ns() - connected) };
        Ok(Dialed { stream, stamps, set_up, place: 0 })
    }

    /// Opens a connection and closes it again, and so tells whether the target takes connections, and how
    /// long that takes.
    ///
    /// A TLS 1.3 server judges the client's certificate when the handshake is already over for the client.
    /// Its refusal comes before it closes in turn, so that is waited for.
    pub async fn probe(&self) -> Result<SetUp, DialError> {
        let Dialed { stream, set_up, .. } = self.dial().await?;
        let Stream::Tls(mut stream) = stream else { return Ok(set_up) };
        let farewell = async {
            stream.shutdown().await?;
            let mut unread = [0; 1024];
            while stream.read(&mut unread).await? > 0 {}
            Ok::<_, io::Error>(())
        };
        // A server that says nothing, or just goes, has not refused.
        let Ok(Err(error)) = tokio::time::timeout(FAREWELL, farewell).await else {
            return Ok(set_up);
        };
        match tls::alert(&error) {
            Some(alert) => Err(DialError::Tls(alert)),
            None => Ok(set_up),
        }
    }
}

async fn open(address: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    // Requests are written whole; Nagle's algorithm would only hold them back.
    socket.set_nodelay(true)?;
    if let Some(source) = source {
        #[cfg(target_os = "linux")]
        share_ports(&socket)?;
        socket.bind(source)?;
    }
    socket.connect(address).await
}

/// Leaves the choice of the port to the connect: chosen at the bind, it would be taken for every
/// destination.
#[cfg(target_os = "linux")]
fn share_ports(socket: &TcpSocket) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    Ok(setsockopt(socket, sockopt::IpBindAddressNoPort, &true)?)
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

#[cfg(test)]
impl Dialed {
    /// A connection to a test's listener.
    pub(super) async fn to(listener: &tokio::net::TcpListener) -> Self {
        use crate::load::plan::{Origin, Scheme};
        let port = listener.local_addr().unwrap().port();
        let origin = Origin {
            scheme: Scheme::Http,
            host: "127.0.0.1".into(),
            port,
            authority: format!("127.0.0.1:{port}"),
            base_path: String::new(),
        };
        let route = Route::resolve(&origin, &crate::load::way::Way::default(), None).await.unwrap();
        Dialer::new(route, Duration::from_secs(5)).dial().await.unwrap()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::load::plan::{Origin, Scheme};
    use crate::load::way::{Resolve, Way};

    /// The way to a name that stands for 127.0.0.1 and 127.0.0.2.
    async fn route_to(port: u16) -> Route {
        let addresses = [1, 2].map(|last| Ipv4Addr::new(127, 0, 0, last).into()).to_vec();
        let way = Way { resolve: vec![Resolve { host: None, port, addresses }], ..Way::default() };
        let origin = Origin {
            scheme: Scheme::Http,
            host: "name.invalid".into(),
            port,
            authority: "name.invalid".into(),
            base_path: String::new(),
        };
        Route::resolve(&origin, &way, None).await.unwrap()
    }

    /// Which of two addresses each of `dials` connections went to, for each of `workers` dialers.
    async fn places(workers: usize, dials: usize) -> Vec<Vec<u8>> {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let route = route_to(listener.local_addr().unwrap().port()).await;
        let mut all = Vec::new();
        for worker in 0..workers {
            let dialer = Dialer::new(route.clone(), Duration::from_secs(5)).part(worker, workers);
            let mut places = Vec::new();
            for _ in 0..dials {
                dialer.dial().await.unwrap();
                let (accepted, _) = listener.accept().unwrap();
                let SocketAddr::V4(local) = accepted.local_addr().unwrap() else { panic!() };
                places.push(local.ip().octets()[3]);
            }
            all.push(places);
        }
        all
    }

    #[tokio::test(flavor = "current_thread")]
    async fn where_an_address_refuses_the_next_is_dialed_and_the_failure_counts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = Dialer::new(route_to(port).await, Duration::from_secs(5));
        for _ in 0..4 {
            dialer.dial().await.unwrap();
        }
        let attempts = dialer.take_attempts();
        let counted: Vec<_> = attempts.iter().map(|one| (one.made, one.failed())).collect();
        assert_eq!(counted, [(4, 0), (1, 1)], "it is left alone after the first");
        assert_eq!(attempts[1].main_failure(), Some(TransportError::ConnectRefused));
        drop(listener);
        let refused = dialer.dial().await.err().unwrap();
        assert_eq!(refused.fault(), TransportError::ConnectRefused);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_address_that_says_nothing_leaves_time_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let silent = silent.unwrap();
        let place = SocketAddr::from(([127, 0, 0, 2], port));
        silent.bind(&place.into()).unwrap();
        silent.listen(0).unwrap();
        // Its backlog is full, so further packets are dropped.
        let _waiting = std::net::TcpStream::connect(place).unwrap();
        let dialer = Dialer::new(route_to(port).await, Duration::from_millis(200)).part(1, 2);
        dialer.dial().await.unwrap();
        let attempts = dialer.take_attempts();
        assert_eq!(attempts[1].main_failure(), Some(TransportError::ConnectTimeout));
        assert_eq!((attempts[0].made, attempts[0].failed()), (1, 0));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn addresses_are_taken_in_turn_and_workers_begin_apart() {
        assert_eq!(places(2, 2).await, [[1, 2], [2, 1]]);
        assert_eq!(places(4, 1).await, [[1], [1], [2], [2]]);
    }
}
