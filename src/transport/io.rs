//! [`MeasuredIo`]: a TCP stream that notes when bytes leave and arrive.
//!
//! It sits below TLS, so a stamp is taken at the system call, not after decryption or in hyper's state
//! machine. The send instant is read just before the write, the receive instant just after the read.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::transport::clock::monotonic_ns;

/// The instants of the exchange under way, in monotonic nanoseconds; `None` before they happen.
#[derive(Debug, Default)]
pub struct Stamps {
    sent: Cell<Option<u64>>,
    first_read: Cell<Option<u64>>,
    last_read: Cell<Option<u64>>,
}

impl Stamps {
    /// Forgets the previous exchange.
    pub fn clear(&self) {
        self.sent.set(None);
        self.first_read.set(None);
        self.last_read.set(None);
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

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

macro_rules! either {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self {
            Socket::Tcp($stream) => $call,
            Socket::Unix($stream) => $call,
        }
    };
}

/// A socket with [`Stamps`].
#[derive(Debug)]
pub struct MeasuredIo {
    stream: Socket,
    stamps: Rc<Stamps>,
}

impl MeasuredIo {
    /// Wraps a connected stream.
    pub fn new(stream: Socket, stamps: Rc<Stamps>) -> Self {
        Self { stream, stamps }
    }

    fn note_write(&self, before: u64, written: usize) {
        if written > 0 && self.stamps.sent.get().is_none() {
            self.stamps.sent.set(Some(before));
        }
    }
}

impl AsyncRead for MeasuredIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(either!(&mut self.stream, stream => Pin::new(stream).poll_read(cx, buffer)))?;
        if buffer.filled().len() > filled {
            let now = Some(monotonic_ns());
            if self.stamps.first_read.get().is_none() {
                self.stamps.first_read.set(now);
            }
            self.stamps.last_read.set(now);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MeasuredIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let before = monotonic_ns();
        let written =
            ready!(either!(&mut self.stream, stream => Pin::new(stream).poll_write(cx, bytes)))?;
        self.note_write(before, written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let before = monotonic_ns();
        let written = ready!(
            either!(&mut self.stream, stream => Pin::new(stream).poll_write_vectored(cx, slices))
        )?;
        self.note_write(before, written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        either!(&self.stream, stream => stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.stream, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.stream, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
