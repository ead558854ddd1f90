//! [`Socket`]: what the bytes of one connection go over, and [`SocketWatch`], which sees what lies in its
//! queues.
//!
//! A socket is taken for empty, or for full, only on the kernel's word: that it would block, or that it
//! returned less than it was asked for. Whether a caller had room for more says nothing about the socket.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use socket2::SockRef;
use tokio::io::ReadBuf;
use tokio::net::{TcpStream, UnixStream};

use crate::load::plan::ReceiveClock;
use crate::transport::clock::monotonic_ns;
use crate::transport::kernel_clock::KernelClock;
use crate::transport::stamped::StampedStream;

/// What bytes go over. Shared, so that a [`SocketWatch`] can look while HTTP holds the socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP, by this program's clock.
    Tcp(Rc<TcpStream>),
    /// TCP, by the kernel's.
    Stamped(StampedStream),
    /// A Unix socket; the kernel stamps none of its data.
    Unix(Rc<UnixStream>),
}

impl Socket {
    /// A connected TCP socket; `clock` is left unused where the kernel does not stamp.
    pub fn tcp(stream: TcpStream, clock: Option<&Rc<KernelClock>>) -> Self {
        let stream = Rc::new(stream);
        match clock.and_then(|clock| StampedStream::new(&stream, clock)) {
            Some(stamped) => Self::Stamped(stamped),
            None => Self::Tcp(stream),
        }
    }

    /// A connected Unix socket.
    pub fn unix(stream: UnixStream) -> Self {
        Self::Unix(Rc::new(stream))
    }

    /// Who tells when bytes arrive.
    pub(super) fn receive_clock(&self) -> ReceiveClock {
        match self {
            Self::Stamped(_) => ReceiveClock::Kernel,
            Self::Tcp(_) | Self::Unix(_) => ReceiveClock::User,
        }
    }

    /// Looks at its queues from elsewhere.
    pub(super) fn watch(&self) -> SocketWatch {
        match self {
            Self::Tcp(stream) => SocketWatch::Tcp(Rc::downgrade(stream)),
            Self::Stamped(stream) => SocketWatch::Tcp(Rc::downgrade(stream.stream())),
            Self::Unix(stream) => SocketWatch::Unix(Rc::downgrade(stream)),
        }
    }

    /// Reads what has arrived, with the monotonic instant in nanoseconds; `None` for the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<u64>>> {
        match self {
            Self::Stamped(stream) => stream.poll_read(cx, buffer),
            Self::Tcp(stream) => {
                poll_read_by(cx, |cx| stream.poll_read_ready(cx), || stream.try_read_buf(buffer))
            }
            Self::Unix(stream) => {
                poll_read_by(cx, |cx| stream.poll_read_ready(cx), || stream.try_read_buf(buffer))
            }
        }
    }

    /// Writes some of `slices`: the number of bytes.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Stamped(stream) => poll_write_tcp(stream.stream(), cx, slices),
            Self::Tcp(stream) => poll_write_tcp(stream, cx, slices),
            Self::Unix(stream) => poll_by(
                cx,
                |cx| stream.poll_write_ready(cx),
                || match slices {
                    [one] => stream.try_write(one),
                    several => stream.try_write_vectored(several),
                },
            ),
        }
    }

    /// Says that no more bytes follow.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        let ended = match self {
            Self::Stamped(stream) => SockRef::from(&**stream.stream()).shutdown(Shutdown::Write),
            Self::Tcp(stream) => SockRef::from(&**stream).shutdown(Shutdown::Write),
            Self::Unix(stream) => SockRef::from(&**stream).shutdown(Shutdown::Write),
        };
        match ended {
            // The peer is gone already.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    /// About to write `bytes`.
    pub(super) fn prepare_write(&self, bytes: usize) {
        if let Self::Stamped(stream) = self {
            stream.prepare_write(bytes);
        }
    }

    /// The instant of a write that was begun at `before` and has just been made.
    pub(super) fn sent(&self, before: u64) -> u64 {
        match self {
            Self::Stamped(stream) => stream.sent(before).unwrap_or(before),
            Self::Tcp(_) | Self::Unix(_) => before,
        }
    }
}

fn poll_write_tcp(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    slices: &[io::IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    poll_by(
        cx,
        |cx| stream.poll_write_ready(cx),
        || match slices {
            [one] => stream.try_write(one),
            several => stream.try_write_vectored(several),
        },
    )
}

/// Tries `once` as often as the socket is said to be ready, until it does not block.
fn poll_by<T>(
    cx: &mut Context<'_>,
    poll_ready: impl Fn(&mut Context<'_>) -> Poll<io::Result<()>>,
    mut once: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        ready!(poll_ready(cx))?;
        match once() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

/// Reads by `once`, and the clock after it.
fn poll_read_by(
    cx: &mut Context<'_>,
    poll_ready: impl Fn(&mut Context<'_>) -> Poll<io::Result<()>>,
    once: impl FnMut() -> io::Result<usize>,
) -> Poll<io::Result<Option<u64>>> {
    let bytes = ready!(poll_by(cx, poll_ready, once))?;
    Poll::Ready(Ok((bytes > 0).then(monotonic_ns)))
}

/// What tells of the peer's end, also behind bytes that are still unread; broken connections tell unasked.
#[cfg(target_os = "linux")]
const PEER_CLOSED: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const PEER_CLOSED: PollFlags = PollFlags::empty();

/// A look at a socket's queues that does not keep it open.
#[derive(Debug, Default)]
pub enum SocketWatch {
    /// There is no socket.
    #[default]
    None,
    /// TCP.
    Tcp(Weak<TcpStream>),
    /// A Unix socket.
    Unix(Weak<UnixStream>),
}

impl SocketWatch {
    /// Bytes that have arrived and have not been read; zero once the socket is closed.
    pub(super) fn unread(&self) -> u64 {
        self.look(|socket| ioctl_fionread(socket).unwrap_or(0)).unwrap_or(0)
    }

    /// Whether the kernel would take more to send.
    pub(super) fn takes_more(&self) -> bool {
        let now = Timespec::default();
        let takes = |socket: BorrowedFd<'_>| {
            let mut asked = [PollFd::new(&socket, PollFlags::OUT)];
            poll(&mut asked, Some(&now)).is_ok() && asked[0].revents() == PollFlags::OUT
        };
        self.look(takes).unwrap_or(false)
    }

    /// Whether the peer has closed its half, or the connection is broken; false once the socket is closed.
    pub(super) fn peer_has_closed(&self) -> bool {
        let now = Timespec::default();
        let closed = |socket: BorrowedFd<'_>| {
            let mut asked = [PollFd::new(&socket, PEER_CLOSED)];
            poll(&mut asked, Some(&now)).is_ok_and(|events| events > 0)
        };
        self.look(closed).unwrap_or(false)
    }

    fn look<T>(&self, at: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        match self {
            Self::None => None,
            Self::Tcp(stream) => stream.upgrade().map(|stream| at(stream.as_fd())),
            Self::Unix(stream) => stream.upgrade().map(|stream| at(stream.as_fd())),
        }
    }
}

#[cfg(test)]
mod tests;
