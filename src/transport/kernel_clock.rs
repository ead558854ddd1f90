//! [`KernelClock`]: reads a TCP socket together with the instant at which the kernel received the bytes.
//!
//! The kernel stamps each segment as it arrives (`SO_TIMESTAMPING`), so the time this program takes to wake
//! up is not charged to the server. A read that returns several segments carries the last one's stamp.
//! Stamps are of the wall clock; an instant that cannot be mapped to the monotonic clock is never invented.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, TimestampingFlag, recvmsg, setsockopt, sockopt,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream;

use crate::transport::clock::{StampCounts, monotonic_ns, nanoseconds};

/// Largest read; a copy out of this buffer costs less than clearing hyper's before each read.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Readings of the two clocks that differ by more than this from what they did before mean that one was
/// stepped, or that this thread was put aside between the two.
const OFFSET_TOLERANCE_NS: i64 = 20_000;
/// How far the offset follows smaller readings, each time.
const FOLLOW_NS: i64 = 1;
/// Pairs of readings to choose the closest from.
const READINGS: usize = 5;

/// One worker's reader of stamped sockets.
#[derive(Debug)]
pub struct KernelClock {
    buffer: RefCell<Box<[u8]>>,
    /// The wall clock minus the monotonic one, in nanoseconds: both are slewed alike, so that it changes only
    /// when the former is stepped.
    offset: Cell<i64>,
    counts: Cell<StampCounts>,
}

/// Room for one `SCM_TIMESTAMPING` message: a header of 16 bytes and three timespecs.
#[repr(align(8))]
struct Control([u8; 64]);

impl Default for KernelClock {
    fn default() -> Self {
        Self {
            buffer: RefCell::new(vec![0; READ_BYTES_MAX].into_boxed_slice()),
            offset: Cell::new(measured_offset()),
            counts: Cell::default(),
        }
    }
}

impl KernelClock {
    /// Asks the kernel to stamp what `stream` receives.
    pub fn enable(stream: &TcpStream) -> io::Result<()> {
        let flags = TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE
            | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
        Ok(setsockopt(stream, sockopt::Timestamping, &flags)?)
    }

    /// Reads at most `bytes_max` bytes and hands them to `take`; their number and the monotonic instant of
    /// their arrival in nanoseconds. Zero bytes mean that the peer has closed.
    pub fn read(
        &self,
        stream: &TcpStream,
        bytes_max: usize,
        take: impl FnOnce(&[u8]),
    ) -> io::Result<(usize, u64)> {
        let mut buffer = self.buffer.borrow_mut();
        let room = bytes_max.min(buffer.len());
        let mut control = Control([0; 64]);
        let mut slices = [IoSliceMut::new(&mut buffer[..room])];
        let message = recvmsg::<()>(
            stream.as_raw_fd(),
            &mut slices,
            Some(&mut control.0),
            MsgFlags::empty(),
        )?;
        let bytes = message.bytes;
        let stamp = message.cmsgs().ok().into_iter().flatten().find_map(|part| match part {
            ControlMessageOwned::ScmTimestampsns(stamps) => {
                Some(nanoseconds(stamps.system.tv_sec(), stamps.system.tv_nsec()))
            }
            _ => None,
        });
        let arrived = self.arrival(stamp);
        take(&buffer[..bytes]);
        Ok((bytes, arrived))
    }

    /// How arrivals were stamped since it was last asked.
    pub fn take_counts(&self) -> StampCounts {
        self.counts.take()
    }

    /// The monotonic instant of a stamp, or now where there is none that can be believed.
    fn arrival(&self, stamp: Option<u64>) -> u64 {
        let (now, offset) = reading();
        let known = self.offset.get();
        let steady = if (offset - known).abs() <= OFFSET_TOLERANCE_NS {
            // An interruption between the clocks only makes a reading too small, so a larger one is
            // believed at once, and smaller ones only if they stay.
            self.offset.set(offset.max(known - FOLLOW_NS));
            true
        } else {
            self.offset.set(measured_offset());
            (self.offset.get() - known).abs() <= OFFSET_TOLERANCE_NS
        };
        let arrived = stamp
            .filter(|_| steady)
            .and_then(|stamp| stamp.checked_add_signed(-self.offset.get()))
            .filter(|&arrived| arrived <= now + OFFSET_TOLERANCE_NS.unsigned_abs());
        let mut counts = self.counts.get();
        match arrived {
            Some(_) => counts.kernel += 1,
            None => counts.user += 1,
        }
        self.counts.set(counts);
        arrived.map_or(now, |arrived| arrived.min(now))
    }
}

/// The monotonic clock now, and how far the wall clock is ahead of it.
fn reading() -> (u64, i64) {
    let real = clock_gettime(ClockId::Realtime);
    let now = monotonic_ns();
    (now, nanoseconds(real.tv_sec, real.tv_nsec).wrapping_sub(now).cast_signed())
}

/// The offset by the closest of several readings: an interruption between the two clocks can only make it
/// too small.
fn measured_offset() -> i64 {
    (0..READINGS).map(|_| reading().1).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock_off_by(ns: i64) -> KernelClock {
        let clock = KernelClock::default();
        clock.offset.set(clock.offset.get() + ns);
        clock
    }

    fn realtime_ns() -> u64 {
        let real = clock_gettime(ClockId::Realtime);
        nanoseconds(real.tv_sec, real.tv_nsec)
    }

    #[test]
    fn a_stamp_is_mapped_to_the_monotonic_clock() {
        let clock = KernelClock::default();
        let before = monotonic_ns();
        let stamp = realtime_ns();
        let arrived = clock.arrival(Some(stamp));
        let tolerance = OFFSET_TOLERANCE_NS.unsigned_abs();
        assert!(arrived + tolerance >= before && arrived <= monotonic_ns());
        let earlier = clock.arrival(Some(stamp - 1_000_000));
        assert!(earlier.abs_diff(arrived - 1_000_000) <= tolerance);
        assert_eq!(clock.take_counts(), StampCounts { kernel: 2, user: 0 });
        assert_eq!(clock.take_counts(), StampCounts::default());
    }

    #[test]
    fn after_a_step_of_the_wall_clock_one_read_does_without_its_stamp() {
        for step_ns in [-3_600_000_000_000, -1_000_000, 1_000_000, 3_600_000_000_000] {
            let clock = clock_off_by(step_ns);
            let before = monotonic_ns();
            let stamp = realtime_ns() - 500_000;
            assert!(clock.arrival(Some(stamp)) >= before, "{step_ns}: the old offset is not used");
            assert_eq!(clock.take_counts(), StampCounts { kernel: 0, user: 1 });
            assert!(clock.arrival(Some(stamp)) < before, "{step_ns}: the new one is");
            assert_eq!(clock.take_counts(), StampCounts { kernel: 1, user: 0 });
        }
    }

    #[test]
    fn a_small_step_is_followed() {
        for step_ns in [-10_000, 10_000] {
            let clock = clock_off_by(step_ns);
            for _ in 0..12_000 {
                clock.arrival(Some(realtime_ns()));
            }
            let left = clock.offset.get() - measured_offset();
            assert!(left.abs() < 2_000, "{left} ns of {step_ns} are left");
        }
    }

    #[test]
    fn a_missing_stamp_and_one_from_the_future_are_not_believed() {
        let clock = KernelClock::default();
        let before = monotonic_ns();
        assert!(clock.arrival(None) >= before);
        let arrived = clock.arrival(Some(realtime_ns() + 1_000_000_000));
        assert!((before..=monotonic_ns()).contains(&arrived));
        assert_eq!(clock.take_counts(), StampCounts { kernel: 0, user: 2 });
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_kernel_stamps_what_a_socket_receives() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        KernelClock::enable(&stream).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let clock = KernelClock::default();
        // The kernel begins to stamp a moment after the first socket asks.
        let mut stamped = StampCounts::default();
        for _ in 0..1000 {
            let before = monotonic_ns();
            std::io::Write::write_all(&mut peer, b"hello").unwrap();
            let after = monotonic_ns();
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            stream.readable().await.unwrap();
            let mut seen = Vec::new();
            let (bytes, arrived) =
                clock.read(&stream, 100, |data| seen.extend_from_slice(data)).unwrap();
            assert_eq!((bytes, seen.as_slice()), (5, b"hello".as_slice()));
            stamped = clock.take_counts();
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
        assert_eq!(clock.read(&stream, 100, |_| {}).unwrap().0, 0);
    }
}
