//! [`MeasuredIo`]: a socket that notes when bytes leave and arrive.
//!
//! It sits below TLS, so a stamp is taken at the system call, not after decryption or in hyper's state
//! machine. Both instants are the kernel's where it stamps what the socket sends and receives; else the send
//! instant is read just before the write, the receive instant just after the read.

use std::cell::{Cell, OnceCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::load::plan::ReceiveClock;
use crate::transport::clock::monotonic_ns;
use crate::transport::socket::{Socket, SocketWatch};

/// A longer hold is a mistake, and ignored: nothing else runs meanwhile.
const HOLD_MAX_NS: u64 = 100_000;

/// The instants of the exchange under way, in monotonic nanoseconds; `None` before they happen.
#[derive(Debug, Default)]
pub struct Stamps {
    /// Not to be written before this.
    hold_until: Cell<u64>,
    ready: Cell<Option<u64>>,
    sent: Cell<Option<u64>>,
    last_read: Cell<Option<u64>>,
    /// Bytes read over the whole life of the connection.
    read_bytes: Cell<u64>,
    /// Whether the latest write found no room in the socket.
    write_waits: Cell<bool>,
    watch: OnceCell<SocketWatch>,
    receive_clock: Cell<ReceiveClock>,
}

/// What lies in a socket's queues although there was time to move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    /// Nothing.
    None,
    /// Bytes that have arrived and were not read.
    Unread {
        /// How many.
        bytes: u64,
    },
    /// A part of the request, although the kernel would take it.
    Unwritten,
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
    /// The exchange's instants, where nothing else shares the connection. Which read brought the answer's
    /// first byte is HTTP's to say: over TLS the socket brings other things as well, such as tickets.
    pub fn instants(&self, first_byte: Option<u64>) -> Instants {
        Instants {
            ready: self.ready.get(),
            sent: self.sent(),
            first_byte,
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
        self.last_read.set(None);
    }

    fn note_write(&self, instant: u64, written: usize) {
        if written > 0 && self.sent.get().is_none() {
            self.sent.set(Some(instant));
        }
    }

    /// Whether a part of the request waits until the peer takes more.
    pub fn is_writing(&self) -> bool {
        self.write_waits.get()
    }

    /// What lies in the socket's queues right now.
    pub fn backlog(&self) -> Backlog {
        let Some(watch) = self.watch.get() else { return Backlog::None };
        match watch.unread() {
            0 if self.write_waits.get() && watch.takes_more() => Backlog::Unwritten,
            0 => Backlog::None,
            bytes => Backlog::Unread { bytes },
        }
    }

    /// Whether the peer has closed its half of the connection, by the kernel's word.
    pub fn peer_has_closed(&self) -> bool {
        self.watch.get().is_some_and(SocketWatch::peer_has_closed)
    }

    /// Who tells when bytes arrive.
    pub fn receive_clock(&self) -> ReceiveClock {
        self.receive_clock.get()
    }

    /// Bytes read from the socket since it was opened.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes.get()
    }

    fn note_read(&self, arrived: u64, bytes: usize) {
        self.read_bytes.set(self.read_bytes.get() + bytes as u64);
        self.last_read.set(Some(arrived));
    }

    /// When the first byte was written.
    pub fn sent(&self) -> Option<u64> {
        self.sent.get()
    }

    /// When the latest bytes of the answer arrived.
    pub fn last_read(&self) -> Option<u64> {
        self.last_read.get()
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
        // Stamps are made for one connection.
        let _ = stamps.watch.set(socket.watch());
        stamps.receive_clock.set(socket.receive_clock());
        Self { socket, stamps }
    }
}

impl AsyncRead for MeasuredIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        if let Some(arrived) = ready!(self.socket.poll_read(cx, buffer))? {
            self.stamps.note_read(arrived, buffer.filled().len() - filled);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MeasuredIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    /// Writes once nothing is held any more, and notes when.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { socket, stamps } = &*self;
        socket.prepare_write(slices.iter().map(|slice| slice.len()).sum());
        let before = stamps.instant_of_write();
        let written = socket.poll_write(cx, slices);
        stamps.write_waits.set(written.is_pending());
        let written = ready!(written)?;
        stamps.note_write(socket.sent(before), written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // No kind of socket holds anything back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.shut_down())
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
            let ready = stamps.instants(None).ready.expect("noted");
            assert!(ready <= written);
            stamps.hold_until(monotonic_ns() + 90_000);
            let before = monotonic_ns();
            assert!(stamps.instant_of_write() < before + 90_000, "the rest of the request follows");
            assert_eq!(stamps.instants(None).sent, Some(written));
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
