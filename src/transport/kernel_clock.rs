//! [`KernelClock`]: the kernel's instants of what a TCP socket receives and, where they are asked for, of
//! what it sends.
//!
//! The kernel stamps each segment as it arrives (`SO_TIMESTAMPING`), so the time this program takes to wake
//! up is not charged to the server. A read that returns several segments carries the last one's stamp. A
//! segment that leaves is stamped as it is handed to the network device; that stamp waits in the socket's
//! error queue, and is there when the write returns unless something on the way queues what is sent.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, RecvMsg, TimestampingFlag, recvmsg, setsockopt, sockopt,
};
use tokio::net::TcpStream;

use crate::transport::clock::{Chunk, SendStamps, StampCounts, nanoseconds};
use crate::transport::wall_clock::{Mapped, OFFSET_TOLERANCE_NS, WallClock};

/// Largest read; a copy out of this buffer costs less than clearing hyper's before each read.
const READ_BYTES_MAX: usize = 64 * 1024;
/// A longer write may be several segments, of which the kernel stamps the last.
const STAMPED_WRITE_BYTES_MAX: usize = 1_200;

/// One worker's reader of stamps.
#[derive(Debug)]
pub struct KernelClock {
    buffer: RefCell<Box<[u8]>>,
    wall: WallClock,
    sends: Cell<SendStamps>,
    arrival_counts: Cell<StampCounts>,
    send_counts: Cell<StampCounts>,
}

/// Room for an `SCM_TIMESTAMPING` message (a header of 16 bytes and three timespecs) and the description of
/// an entry of the error queue (a header, 16 bytes and an address).
#[repr(align(8))]
struct Control([u8; 128]);

impl Default for KernelClock {
    fn default() -> Self {
        Self {
            buffer: RefCell::new(vec![0; READ_BYTES_MAX].into_boxed_slice()),
            wall: WallClock::default(),
            sends: Cell::new(SendStamps::Off),
            arrival_counts: Cell::default(),
            send_counts: Cell::default(),
        }
    }
}

impl KernelClock {
    /// Asks the kernel to stamp what `stream` receives, and what it sends if `sends` says so.
    pub fn enable(stream: &TcpStream, sends: SendStamps) -> io::Result<()> {
        let arrivals = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE
            | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
        let flags = match sends {
            SendStamps::Off => arrivals,
            SendStamps::On => {
                arrivals
                    | TimestampingFlag::SOF_TIMESTAMPING_TX_SOFTWARE
                    | TimestampingFlag::SOF_TIMESTAMPING_OPT_TSONLY
            }
        };
        Ok(setsockopt(stream, sockopt::Timestamping, &flags)?)
    }

    /// Whether sends are to be stamped from now on.
    pub fn stamp_sends(&self, sends: SendStamps) {
        self.sends.set(sends);
    }

    /// Whether a write of `bytes` is to be stamped.
    pub fn stamps_write_of(&self, bytes: usize) -> SendStamps {
        if bytes <= STAMPED_WRITE_BYTES_MAX { self.sends.get() } else { SendStamps::Off }
    }

    /// Reads at most `bytes_max` bytes, or as many as fit the clock's own buffer, and hands them to `take`.
    /// Zero bytes mean that the peer has closed.
    pub fn read(
        &self,
        stream: &TcpStream,
        bytes_max: usize,
        take: impl FnOnce(&[u8]),
    ) -> io::Result<Chunk> {
        let mut buffer = self.buffer.borrow_mut();
        let room = bytes_max.min(buffer.len());
        let mut control = Control([0; 128]);
        let mut slices = [IoSliceMut::new(&mut buffer[..room])];
        let message = recvmsg::<()>(
            stream.as_raw_fd(),
            &mut slices,
            Some(&mut control.0),
            MsgFlags::empty(),
        )?;
        let bytes = message.bytes;
        let Mapped { now, stamped } = self.wall.map(stamp_of(&message));
        count(&self.arrival_counts, stamped.is_some());
        take(&buffer[..bytes]);
        let drained = 0 < bytes && bytes < room;
        Ok(Chunk { bytes, arrived: stamped.unwrap_or(now), drained })
    }

    /// When the kernel handed to the network what was written just now, from the monotonic instant `before`
    /// on; `None` if it does not say.
    ///
    /// A stamp that comes late would keep its socket ready for nothing, so after the first of those no
    /// further ones are asked for.
    pub fn sent(&self, stream: &TcpStream, before: u64) -> Option<u64> {
        let mut control = Control([0; 128]);
        let message = recvmsg::<()>(
            stream.as_raw_fd(),
            &mut [],
            Some(&mut control.0),
            MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
        );
        let stamp = message.ok().as_ref().and_then(stamp_of);
        if stamp.is_none() {
            self.sends.set(SendStamps::Off);
        }
        let earliest = before.saturating_sub(OFFSET_TOLERANCE_NS.unsigned_abs());
        let sent = self.wall.map(stamp).stamped.filter(|&sent| sent >= earliest);
        count(&self.send_counts, sent.is_some());
        sent.map(|sent| sent.max(before))
    }

    /// Notes a request whose sending the kernel was not asked to stamp.
    pub fn unasked(&self) {
        count(&self.send_counts, false);
    }

    /// How arrivals were stamped since it was last asked.
    pub fn take_arrival_counts(&self) -> StampCounts {
        self.arrival_counts.take()
    }

    /// The same of sends.
    pub fn take_send_counts(&self) -> StampCounts {
        self.send_counts.take()
    }
}

fn stamp_of(message: &RecvMsg<'_, '_, ()>) -> Option<u64> {
    message.cmsgs().ok().into_iter().flatten().find_map(|part| match part {
        ControlMessageOwned::ScmTimestampsns(stamps) => {
            Some(nanoseconds(stamps.system.tv_sec(), stamps.system.tv_nsec()))
        }
        _ => None,
    })
}

fn count(counts: &Cell<StampCounts>, by_kernel: bool) {
    let mut changed = counts.get();
    if by_kernel {
        changed.kernel += 1;
    } else {
        changed.user += 1;
    }
    counts.set(changed);
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use super::*;
    use crate::transport::clock::monotonic_ns;

    async fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().unwrap().0)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_kernel_stamps_what_a_socket_receives() {
        let (stream, mut peer) = pair().await;
        KernelClock::enable(&stream, SendStamps::Off).unwrap();
        let clock = KernelClock::default();
        // The kernel begins to stamp a moment after the first socket asks.
        let mut stamped = StampCounts::default();
        for _ in 0..1000 {
            let before = monotonic_ns();
            peer.write_all(b"hello").unwrap();
            let after = monotonic_ns();
            tokio::time::sleep(Duration::from_millis(2)).await;
            stream.readable().await.unwrap();
            let mut seen = Vec::new();
            let Chunk { bytes, arrived, drained } =
                clock.read(&stream, 100, |data| seen.extend_from_slice(data)).unwrap();
            assert_eq!((bytes, seen.as_slice(), drained), (5, b"hello".as_slice(), true));
            stamped = clock.take_arrival_counts();
            if stamped.kernel == 1 {
                let tolerance = OFFSET_TOLERANCE_NS.unsigned_abs();
                assert!((before - tolerance..=after + tolerance).contains(&arrived));
                break;
            }
        }
        assert_eq!(stamped, StampCounts { kernel: 1, user: 0 });
        let blocked = clock.read(&stream, 100, |_| {}).unwrap_err();
        assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
        drop(peer);
        stream.readable().await.unwrap();
        assert_eq!(clock.read(&stream, 100, |_| {}).unwrap().bytes, 0);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_socket_is_empty_only_if_it_gave_less_than_it_was_asked_for() {
        let (stream, mut peer) = pair().await;
        let clock = KernelClock::default();
        let lengths = [READ_BYTES_MAX - 1, READ_BYTES_MAX, READ_BYTES_MAX + 1, 3 * READ_BYTES_MAX];
        for length in lengths {
            let writer = std::thread::spawn(move || {
                peer.write_all(&vec![7; length]).unwrap();
                peer
            });
            let mut left = length;
            while left > 0 {
                stream.readable().await.unwrap();
                let read = stream.try_io(tokio::io::Interest::READABLE, || {
                    // More room than one read of the clock takes.
                    clock.read(&stream, 1 << 20, |_| {})
                });
                let Ok(chunk) = read else { continue };
                assert!(!chunk.drained || chunk.bytes < READ_BYTES_MAX, "{chunk:?} of {length}");
                left -= chunk.bytes;
            }
            peer = writer.join().unwrap();
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_kernel_stamps_what_a_socket_sends() {
        let (stream, mut peer) = pair().await;
        KernelClock::enable(&stream, SendStamps::On).unwrap();
        let clock = KernelClock::default();
        clock.stamp_sends(SendStamps::On);
        for _ in 0..3 {
            let before = monotonic_ns();
            assert_eq!(stream.try_write(b"hello").unwrap(), 5);
            let sent = clock.sent(&stream, before).expect("stamped");
            assert!((before..=monotonic_ns()).contains(&sent));
            peer.read_exact(&mut [0; 5]).unwrap();
        }
        assert_eq!(clock.take_send_counts(), StampCounts { kernel: 3, user: 0 });
        assert_eq!(clock.stamps_write_of(100), SendStamps::On);
        assert_eq!(clock.stamps_write_of(100_000), SendStamps::Off);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn where_no_stamp_comes_none_is_asked_for_again() {
        let (stream, _peer) = pair().await;
        let clock = KernelClock::default();
        clock.stamp_sends(SendStamps::On);
        assert_eq!(clock.sent(&stream, monotonic_ns()), None);
        assert_eq!(clock.stamps_write_of(100), SendStamps::Off);
        assert_eq!(clock.take_send_counts(), StampCounts { kernel: 0, user: 1 });
    }
}
