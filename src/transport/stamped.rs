//! [`StampedStream`]: a TCP socket whose bytes come and go with the kernel's instants.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::transport::clock::SendStamps;
use crate::transport::kernel_clock::KernelClock;

/// A connected socket that the kernel stamps.
#[derive(Debug)]
pub struct StampedStream {
    stream: Rc<TcpStream>,
    clock: Rc<KernelClock>,
    /// What the kernel was last asked.
    sends: Cell<SendStamps>,
}

impl StampedStream {
    /// Asks the kernel to stamp `stream`; `None` where it does not.
    pub(super) fn new(stream: &Rc<TcpStream>, clock: &Rc<KernelClock>) -> Option<Self> {
        KernelClock::enable(stream, SendStamps::Off).ok()?;
        let (stream, clock) = (Rc::clone(stream), Rc::clone(clock));
        Some(Self { stream, clock, sends: Cell::default() })
    }

    /// The socket itself.
    pub(super) fn stream(&self) -> &Rc<TcpStream> {
        &self.stream
    }

    /// Reads what has arrived, with the instant; `None` for the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<u64>>> {
        let Self { stream, clock, .. } = self;
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let mut read = None;
            let outcome = stream.try_io(Interest::READABLE, || {
                let room = buffer.remaining();
                let chunk = clock.read(stream, room, |data| buffer.put_slice(data))?;
                read = Some(chunk);
                if chunk.drained {
                    // The next arrival is a new edge: telling tokio that the socket is empty saves the read
                    // that would find out. Told within the same attempt, it cannot hide a later arrival.
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            match (read, outcome) {
                (Some(chunk), _) => {
                    return Poll::Ready(Ok((chunk.bytes > 0).then_some(chunk.arrived)));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                (None, _) => {}
            }
        }
    }

    /// Tells the kernel whether to stamp the next write, of `bytes`. A system call where that changes,
    /// which it does at the beginning of a leg and around long requests.
    pub(super) fn prepare_write(&self, bytes: usize) {
        let wanted = self.clock.stamps_write_of(bytes);
        if wanted != self.sends.get() && KernelClock::enable(&self.stream, wanted).is_ok() {
            self.sends.set(wanted);
        }
    }

    /// The kernel's instant of the write that has just been made, from `before` on; `None` if it does not
    /// say. To be asked after each write, as a stamp that nobody reads takes room from what is received.
    pub(super) fn sent(&self, before: u64) -> Option<u64> {
        match self.sends.get() {
            SendStamps::On => self.clock.sent(&self.stream, before),
            SendStamps::Off => {
                self.clock.unasked();
                None
            }
        }
    }
}
