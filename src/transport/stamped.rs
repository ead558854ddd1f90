//! [`StampedStream`]: a TCP socket whose bytes come and go with the kernel's instants.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::transport::clock::SendStamps;
use crate::transport::kernel_clock::KernelClock;

/// A connected socket that the kernel stamps.
#[derive(Debug)]
pub struct StampedStream {
    stream: TcpStream,
    clock: Rc<KernelClock>,
    /// What the kernel was last asked.
    sends: SendStamps,
}

impl StampedStream {
    /// Asks the kernel to stamp `stream`; gives it back where the kernel does not.
    pub(super) fn new(stream: TcpStream, clock: &Rc<KernelClock>) -> Result<Self, TcpStream> {
        match KernelClock::enable(&stream, SendStamps::Off) {
            Ok(()) => Ok(Self { stream, clock: Rc::clone(clock), sends: SendStamps::Off }),
            Err(_) => Err(stream),
        }
    }

    /// The socket itself.
    pub(super) fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.stream)
    }

    /// Reads what has arrived, with the instant; `None` for the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<u64>>> {
        let Self { stream, clock, .. } = self;
        let room = buffer.remaining();
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let read = stream.try_io(Interest::READABLE, || {
                clock.read(stream, room, |data| buffer.put_slice(data))
            });
            match read {
                Ok((0, _)) => return Poll::Ready(Ok(None)),
                Ok((bytes, arrived)) => {
                    if bytes < room {
                        // The socket is empty, and the next arrival is a new edge: telling tokio so saves
                        // the read that would find out.
                        let drained = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                        let _ = stream.try_io(Interest::READABLE, drained);
                    }
                    return Poll::Ready(Ok(Some(arrived)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Tells the kernel whether to stamp the next write, of `bytes`. A system call where that changes,
    /// which it does at the beginning of a leg and around long requests.
    pub(super) fn prepare_write(&mut self, bytes: usize) {
        let wanted = self.clock.stamps_write_of(bytes);
        if wanted != self.sends && KernelClock::enable(&self.stream, wanted).is_ok() {
            self.sends = wanted;
        }
    }

    /// The kernel's instant of the write that has just been made, from `before` on; `None` if it does not
    /// say. To be asked after each write, as a stamp that nobody reads takes room from what is received.
    pub(super) fn sent(&self, before: u64) -> Option<u64> {
        match self.sends {
            SendStamps::On => self.clock.sent(&self.stream, before),
            SendStamps::Off => {
                self.clock.unasked();
                None
            }
        }
    }
}
