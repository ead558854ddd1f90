//! [`MeasuredIo`]: a socket that notes when bytes leave and arrive.
//!
//! It sits below TLS, so a stamp is taken at the system call, not after decryption or in hyper's state
//! machine. Both instants are the kernel's where it stamps what the socket sends and receives; else the send
//! instant is read just before the write, the receive instant just after the read.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::transport::clock::monotonic_ns;
use crate::transport::kernel_clock::KernelClock;
use crate::transport::stamped::StampedStream;

/// A longer hold is a mistake, and ignored: nothing else runs meanwhile.
const HOLD_MAX_NS: u64 = 100_000;

/// The instants of the exchange under way, in monotonic nanoseconds; `None` before they happen.
#[derive(Debug, Default)]
pub struct Stamps {
    /// Not to be written before this.
    hold_until: Cell<u64>,
    ready: Cell<Option<u64>>,
    sent: Cell<Option<u64>>,
    first_read: Cell<Option<u64>>,
    last_read: Cell<Option<u64>>,
}

/// When an exchange's request left and its answer arrived, in monotonic nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instants {
    /// When the request could have been written, but for a hold; unknown where requests share a connection.
    pub ready: Option<u64>,
    /// The write that carried the request's first byte.
    pub sent: Option<u64>,
    /// The arrival of the answer's first bytes.
    pub first_byte: Option<u64>,
    /// The arrival of its last ones, so far.
    pub last_byte: Option<u64>,
}

impl Stamps {
    /// The exchange's instants, where nothing else shares the connection.
    pub fn instants(&self) -> Instants {
        Instants {
            ready: self.ready.get(),
            sent: self.sent(),
            first_byte: self.first_read(),
            last_byte: self.last_read(),
        }
    }

    /// Forgets the latest write, so that the next one is noted.
    pub fn forget_sent(&self) {
        self.sent.set(None);
    }

    /// Holds the next request back until the monotonic instant `due_ns`, if that is microseconds ahead.
    pub fn hold_until(&self, due_ns: u64) {
        self.hold_until.set(due_ns);
    }

    /// The instant of a write that is about to be made; the end of the hold, where there is one.
    fn instant_of_write(&self) -> u64 {
        let mut now = monotonic_ns();
        if self.ready.get().is_none() {
            self.ready.set(Some(now));
            let end = self.hold_until.take();
            while now < end && end - now <= HOLD_MAX_NS {
                std::hint::spin_loop();
                now = monotonic_ns();
            }
        }
        now
    }

    /// Forgets the previous exchange.
    pub fn clear(&self) {
        self.ready.set(None);
        self.sent.set(None);
        self.first_read.set(None);
        self.last_read.set(None);
    }

    fn note_write(&self, instant: u64, written: usize) {
        if written > 0 && self.sent.get().is_none() {
            self.sent.set(Some(instant));
        }
    }

    fn note_read(&self, arrived: u64) {
        if self.first_read.get().is_none() {
            self.first_read.set(Some(arrived));
        }
        self.last_read.set(Some(arrived));
    }

    /// When the first byte was written.
    pub fn sent(&self) -> Option<u64> {
        self.sent.get()
    }

    /// When the first bytes of the answer arrived.
    pub fn first_read(&self) -> Option<u64> {
        self.first_read.get()
    }

    /// When the latest bytes of the answer arrived.
    pub fn last_read(&self) -> Option<u64> {
        self.last_read.get()
    }
}

/// What bytes go over.
#[derive(Debug)]
pub enum Socket {
    /// TCP, by this program's clock.
    Tcp(TcpStream),
    /// TCP, by the kernel's.
    Stamped(StampedStream),
    /// A Unix socket; the kernel stamps none of its data.
    Unix(UnixStream),
}

impl Socket {
    /// A connected TCP socket; `clock` is left unused where the kernel does not stamp.
    pub fn tcp(stream: TcpStream, clock: Option<&Rc<KernelClock>>) -> Self {
        match clock {
            None => Self::Tcp(stream),
            Some(clock) => StampedStream::new(stream, clock).map_or_else(Self::Tcp, Self::Stamped),
        }
    }

    /// About to write `bytes`.
    fn prepare_write(&mut self, bytes: usize) {
        if let Self::Stamped(stream) = self {
            stream.prepare_write(bytes);
        }
    }

    /// The instant of a write that was begun at `before` and has just been made.
    fn sent(&self, before: u64) -> u64 {
        match self {
            Self::Stamped(stream) => stream.sent(before).unwrap_or(before),
            Self::Tcp(_) | Self::Unix(_) => before,
        }
    }
}

/// A socket with [`Stamps`].
#[derive(Debug)]
pub struct MeasuredIo {
    socket: Socket,
    stamps: Rc<Stamps>,
}

impl MeasuredIo {
    /// Wraps a connected socket.
    pub fn new(socket: Socket, stamps: Rc<Stamps>) -> Self {
        Self { socket, stamps }
    }
}

/// Reads through tokio, and the clock after it.
fn poll_read_plain(
    stream: Pin<&mut impl AsyncRead>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<Option<u64>>> {
    let filled = buffer.filled().len();
    ready!(stream.poll_read(cx, buffer))?;
    Poll::Ready(Ok((buffer.filled().len() > filled).then(monotonic_ns)))
}

impl AsyncRead for MeasuredIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let arrived = ready!(match &mut self.socket {
            Socket::Stamped(stream) => stream.poll_read(cx, buffer),
            Socket::Tcp(stream) => poll_read_plain(Pin::new(stream), cx, buffer),
            Socket::Unix(stream) => poll_read_plain(Pin::new(stream), cx, buffer),
        })?;
        if let Some(arrived) = arrived {
            self.stamps.note_read(arrived);
        }
        Poll::Ready(Ok(()))
    }
}

impl MeasuredIo {
    /// Writes by `write`, `bytes` at the most, once the write is not held any more, and notes when.
    fn poll_write_by(
        &mut self,
        bytes: usize,
        write: impl FnOnce(Pin<&mut (dyn AsyncWrite + Unpin)>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.socket.prepare_write(bytes);
        let before = self.stamps.instant_of_write();
        let written = ready!(match &mut self.socket {
            Socket::Stamped(stream) => write(stream.stream()),
            Socket::Tcp(stream) => write(Pin::new(stream)),
            Socket::Unix(stream) => write(Pin::new(stream)),
        })?;
        self.stamps.note_write(self.socket.sent(before), written);
        Poll::Ready(Ok(written))
    }
}

impl AsyncWrite for MeasuredIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_by(bytes.len(), |socket| socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        self.poll_write_by(bytes, |socket| socket.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Neither kind of socket holds anything back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Stamped(stream) => stream.stream().poll_shutdown(cx),
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_held_until_it_is_due_and_no_later_write_is() {
        let stamps = Stamps::default();
        for ahead_ns in [0, 50, 20_000] {
            stamps.clear();
            let due = monotonic_ns() + ahead_ns;
            stamps.hold_until(due);
            let written = stamps.instant_of_write();
            assert!(written >= due, "{ahead_ns}");
            stamps.note_write(written, 10);
            let ready = stamps.instants().ready.expect("noted");
            assert!(ready <= written);
            stamps.hold_until(monotonic_ns() + 90_000);
            let before = monotonic_ns();
            assert!(stamps.instant_of_write() < before + 90_000, "the rest of the request follows");
            assert_eq!(stamps.instants().sent, Some(written));
        }
    }

    #[test]
    fn a_hold_of_more_than_a_moment_is_no_hold() {
        let stamps = Stamps::default();
        let due = monotonic_ns() + 1_000_000_000;
        stamps.hold_until(due);
        assert!(stamps.instant_of_write() < due);
    }
}
