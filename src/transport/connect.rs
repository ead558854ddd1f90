//! [`Dialer`]: opens connections along a [`Route`] and tells how long it took and why it failed.
//!
//! One attempt per connection and address: a failure is the caller's to count, never tried again behind its
//! back. Of several addresses of a name the next one is tried, as every client does; the dialer counts
//! those that failed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UnixStream};

use crate::measure::fate::TransportError;
use crate::measure::sample::SetUp;
use crate::transport::clock::{SendStamps, Stamping, monotonic_ns};
use crate::transport::io::{MeasuredIo, Stamps};
use crate::transport::kernel_clock::KernelClock;
use crate::transport::proxy::ProxyFault;
use crate::transport::route::{Hop, Route, of_kind};
use crate::transport::socket::Socket;
use crate::transport::stream::Stream;
use crate::transport::tls;

/// The longest try of one of several addresses: many ways there and back, and short enough for the next
/// one to be tried within the connect timeout.
const ATTEMPT_MAX: Duration = Duration::from_secs(1);
/// How long an address that could not be connected to is passed over where there are others.
const PASSED_OVER_NS: u64 = 5_000_000_000;

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
}

/// An address that could not be connected to while another address of the same name could.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFailure {
    /// Which.
    pub address: SocketAddr,
    /// Why, the latest time.
    pub fault: TransportError,
    /// How often.
    pub count: u64,
}

impl Display for AddressFailure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { address, fault, .. } = self;
        write!(
            f,
            "{address}, one of the target's addresses: {}; the others are used",
            fault.explanation()
        )
    }
}

/// Why a connection could not be opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DialError {
    /// No connection to the target, or to the proxy if there is one.
    #[error("{}", .0.explanation())]
    Connect(TransportError),
    /// The proxy does not lead to the target.
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    /// The handshake with the target failed.
    #[error("{} ({})", TransportError::Tls.explanation(), .0)]
    Tls(rustls::Error),
}

impl DialError {
    /// Its kind, as it is counted.
    pub const fn fault(&self) -> TransportError {
        match self {
            Self::Connect(fault) => *fault,
            Self::Proxy(_) => TransportError::Proxy,
            Self::Tls(_) => TransportError::Tls,
        }
    }
}

/// One worker's way to the target.
pub struct Dialer {
    route: Route,
    turn: Cell<usize>,
    timeout: Duration,
    kernel_clock: Option<Rc<KernelClock>>,
    /// Addresses that could not be connected to, and until when each is passed over, in monotonic
    /// nanoseconds.
    failing: RefCell<BTreeMap<SocketAddr, (AddressFailure, u64)>>,
}

impl Dialer {
    /// `timeout` bounds connecting, proxy and TLS set-up together.
    pub fn new(route: Route, timeout: Duration) -> Self {
        let (turn, failing) = (Cell::new(0), RefCell::default());
        Self { route, turn, timeout, kernel_clock: None, failing }
    }

    /// The addresses that could not be connected to since it was last asked, where others could.
    pub fn take_address_failures(&self) -> Vec<AddressFailure> {
        let mut failing = self.failing.borrow_mut();
        let seen = failing.values_mut().filter(|(failure, _)| failure.count > 0);
        seen.map(|(failure, _)| {
            let taken = failure.clone();
            failure.count = 0;
            taken
        })
        .collect()
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

    /// Begins where the `part`th of `parts` dialers should, so that together they do not all begin with
    /// the first address.
    #[must_use]
    pub fn part(self, part: usize, parts: usize) -> Self {
        self.turn.set(part * self.route.round() / parts.max(1));
        self
    }

    /// The way it dials.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Opens one connection to the next address in turn.
    pub async fn dial(&self) -> Result<Dialed, DialError> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        tokio::time::timeout(self.timeout, self.attempt(turn))
            .await
            .map_err(|_| DialError::Connect(TransportError::ConnectTimeout))?
    }

    async fn attempt(&self, turn: usize) -> Result<Dialed, DialError> {
        let began = monotonic_ns();
        let stamps = Rc::new(Stamps::default());
        let socket =
            self.connect(turn).await.map_err(|error| DialError::Connect(connect_fault(&error)))?;
        let mut stream = Stream::Plain(MeasuredIo::new(socket, Rc::clone(&stamps)));
        if let Some(proxy) = &self.route.proxy {
            stream = proxy.pass(stream).await?;
        }
        let connected = monotonic_ns();
        let connect = Duration::from_nanos(connected - began);
        let Some(client) = &self.route.tls else {
            let set_up = SetUp { connect, tls: Duration::ZERO };
            return Ok(Dialed { stream, stamps, set_up });
        };
        let stream = client.connect(stream).await.map_err(DialError::Tls)?;
        let set_up = SetUp { connect, tls: Duration::from_nanos(monotonic_ns() - connected) };
        Ok(Dialed { stream, stamps, set_up })
    }

    async fn connect(&self, turn: usize) -> io::Result<Socket> {
        match &self.route.hop {
            Hop::Unix(path) => UnixStream::connect::<&Path>(path).await.map(Socket::unix),
            Hop::Tcp { addresses, sources } => {
                let tcp = self.connect_to_one_of(addresses, sources, turn).await?;
                Ok(Socket::tcp(tcp, self.kernel_clock.as_ref()))
            }
        }
    }

    /// Connects to the address whose turn it is or, where that cannot be had, to the next one. What no
    /// address takes is the caller's to count; an address that fails beside others is counted here.
    async fn connect_to_one_of(
        &self,
        addresses: &[SocketAddr],
        sources: &[IpAddr],
        turn: usize,
    ) -> io::Result<TcpStream> {
        // A source changes when every address has had its turn, so that all pairs come up.
        let round = turn / addresses.len();
        let source_for = |address: &SocketAddr| {
            let fitting = of_kind(sources, address).count();
            let place = round.checked_rem(fitting)?;
            of_kind(sources, address).nth(place).map(|ip| (ip, 0).into())
        };
        let first = turn % addresses.len();
        let in_turn = addresses[first..].iter().chain(&addresses[..first]);
        if addresses.len() == 1 {
            return open(addresses[0], source_for(&addresses[0])).await;
        }
        // Those that failed lately come last: where all have, they are tried all the same.
        let (doubtful, sound): (Vec<&SocketAddr>, Vec<_>) =
            in_turn.partition(|address| self.is_passed_over(address));
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in sound.into_iter().chain(doubtful) {
            let attempt = tokio::time::timeout(ATTEMPT_MAX, open(*address, source_for(address)));
            match attempt.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(tcp) => return Ok(tcp),
                // That of this machine, and the same for every address.
                Err(error) if connect_fault(&error) == TransportError::LocalExhausted => {
                    return Err(error);
                }
                Err(error) => {
                    self.note_failure(*address, connect_fault(&error));
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    fn is_passed_over(&self, address: &SocketAddr) -> bool {
        let until = self.failing.borrow().get(address).map(|(_, until)| *until);
        until.is_some_and(|until| monotonic_ns() < until)
    }

    fn note_failure(&self, address: SocketAddr, fault: TransportError) {
        let mut failing = self.failing.borrow_mut();
        let fresh = AddressFailure { address, fault, count: 0 };
        let (failure, until) = failing.entry(address).or_insert((fresh, 0));
        failure.fault = fault;
        failure.count += 1;
        *until = monotonic_ns() + PASSED_OVER_NS;
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

    /// Which of two addresses each of `dials` connections went to, for each of `workers` dialers.
    async fn places(workers: usize, dials: usize) -> Vec<Vec<u8>> {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = [1, 2].map(|last| Ipv4Addr::new(127, 0, 0, last).into()).to_vec();
        let way = Way { resolve: vec![Resolve { host: None, port, addresses }], ..Way::default() };
        let origin = Origin {
            scheme: Scheme::Http,
            host: "name.invalid".into(),
            port,
            authority: "name.invalid".into(),
            base_path: String::new(),
        };
        let route = Route::resolve(&origin, &way, None).await.unwrap();
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
    async fn a_dead_address_is_passed_over_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = [2, 1].map(|last| Ipv4Addr::new(127, 0, 0, last).into()).to_vec();
        let way = Way { resolve: vec![Resolve { host: None, port, addresses }], ..Way::default() };
        let origin = Origin {
            scheme: Scheme::Http,
            host: "name.invalid".into(),
            port,
            authority: "name.invalid".into(),
            base_path: String::new(),
        };
        let route = Route::resolve(&origin, &way, None).await.unwrap();
        let dialer = Dialer::new(route, Duration::from_secs(5));
        for _ in 0..4 {
            dialer.dial().await.expect("the other address is alive");
        }
        let failures = dialer.take_address_failures();
        // Once: afterwards it is passed over for a while.
        let expected = AddressFailure {
            address: SocketAddr::from(([127, 0, 0, 2], port)),
            fault: TransportError::ConnectRefused,
            count: 1,
        };
        assert_eq!(failures, [expected]);
        assert_eq!(dialer.take_address_failures(), []);
        drop(listener);
        let failed = dialer.dial().await.err().expect("nobody listens any more");
        assert_eq!(failed.fault(), TransportError::ConnectRefused);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn addresses_are_taken_in_turn_and_workers_begin_apart() {
        assert_eq!(places(2, 3).await, [[1, 2, 1], [2, 1, 2]]);
        assert_eq!(places(4, 1).await, [[1], [1], [2], [2]]);
    }
}
