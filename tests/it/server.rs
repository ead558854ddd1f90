//! [`Server`]: an HTTP server that does to its clients what a test wants, and remembers what they sent.
//!
//! A thread per connection and blocking reads: slow, but nothing of the program under test is in it.
//! Dropping it closes everything.

use std::io::{Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// A good answer.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
/// A bad one.
pub(crate) const ERROR: &[u8] =
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\nno";

/// Reads one request without a body from `stream`; `false` if the client has gone.
pub(crate) fn asked(stream: &mut impl Read) -> bool {
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => seen.extend_from_slice(&buffer[..count]),
            _ => return false,
        }
    }
    true
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// How many came before it, on any connection.
    pub(crate) number: usize,
    /// Method, path and version.
    pub(crate) line: String,
    /// The header section.
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Received {
    /// The request's path and query.
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    received: Mutex<Vec<Received>>,
    open: Mutex<Vec<Weak<TcpStream>>>,
}

impl Shared {
    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().expect("no test panics while it holds the lock")
    }

    fn open(&self) -> MutexGuard<'_, Vec<Weak<TcpStream>>> {
        self.open.lock().expect("no test panics while it holds the lock")
    }
}

/// A running server.
pub(crate) struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Treats every connection as `serve` says; the connection closes when that returns.
    pub(crate) fn start(serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a loopback port is free"), serve)
    }

    /// The same on a listener of the test's own.
    pub(crate) fn on(listener: TcpListener, serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let addr = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared::default());
        let (serve, seen) = (Arc::new(serve), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if seen.stopping.load(Ordering::Relaxed) {
                    return;
                }
                let stream = Arc::new(stream);
                seen.open().push(Arc::downgrade(&stream));
                let peer = Peer { stream, shared: Arc::clone(&seen), buffer: Vec::new() };
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(peer));
            }
        });
        Self { addr, shared, thread: Some(thread) }
    }

    /// Answers each request with what `answer` makes of it, and keeps the connection.
    pub(crate) fn answering(answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start(answer_each(answer))
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.open().len()
    }
}

/// Listeners on 127.0.0.1 and 127.0.0.2, on one port.
pub(crate) fn pair() -> [TcpListener; 2] {
    let both = |_| {
        let first = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = first.local_addr().ok()?.port();
        Some([first, TcpListener::bind(("127.0.0.2", port)).ok()?])
    };
    (0..50).find_map(both).expect("some port is free on both addresses")
}

/// Answers each request of a connection.
pub(crate) fn answer_each(
    answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(Peer) + Send + Sync + 'static {
    move |mut peer| {
        while let Some(received) = peer.receive() {
            peer.send(&answer(&received));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if it is gone already, so much the better.
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for stream in self.shared.open().iter().filter_map(Weak::upgrade) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// The server's end of a connection.
pub(crate) struct Peer {
    stream: Arc<TcpStream>,
    shared: Arc<Shared>,
    /// Read and not yet taken.
    buffer: Vec<u8>,
}

impl Peer {
    /// The next request; `None` once the client has gone.
    pub(crate) fn receive(&mut self) -> Option<Received> {
        let head_end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).into_owned();
        let (line, headers) = head.split_once("\r\n").unwrap_or_default();
        let length = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        let end = head_end + length.unwrap_or(0_usize);
        while self.buffer.len() < end {
            self.fill()?;
        }
        let body = String::from_utf8_lossy(&self.buffer[head_end..end]).into_owned();
        self.buffer.drain(..end);
        let mut all = self.shared.received();
        let received =
            Received { number: all.len(), line: line.into(), headers: headers.into(), body };
        all.push(received.clone());
        Some(received)
    }

    fn fill(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        let count = (&*self.stream).read(&mut bytes).ok().filter(|count| *count > 0)?;
        self.buffer.extend_from_slice(&bytes[..count]);
        Some(())
    }

    /// The next `count` bytes as they are.
    pub(crate) fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill()?;
        }
        Some(self.buffer.drain(..count).collect())
    }

    /// Where the client connected from.
    pub(crate) fn client(&self) -> SocketAddr {
        self.stream.peer_addr().expect("a connected socket has a peer")
    }

    /// Carries bytes between the client and `target` until either goes.
    pub(crate) fn relay(self, target: SocketAddr) {
        let Ok(upstream) = TcpStream::connect(target) else { return };
        let (client, to) = (Arc::clone(&self.stream), upstream.try_clone());
        let up = std::thread::spawn(move || {
            let mut to = to.expect("a socket can be had twice");
            // A side that has gone ends the copy; nobody is left to be told.
            let _ = std::io::copy(&mut &*client, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut &upstream, &mut &*self.stream);
        let _ = self.stream.shutdown(Shutdown::Both);
        let _ = up.join();
    }

    /// Sends `bytes`; a client that has gone gets none.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let _ = (&*self.stream).write_all(bytes);
    }

    /// Says nothing more until the client goes.
    pub(crate) fn wait_for_close(&mut self) {
        while self.fill().is_some() {
            self.buffer.clear();
        }
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&*self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("a socket can be told to linger");
    }
}

/// What a slow server does with its time.
#[expect(clippy::disallowed_methods, reason = "the server under load is slow on purpose")]
pub(crate) fn work(time: Duration) {
    std::thread::sleep(time);
}
