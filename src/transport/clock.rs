//! [`Clock`]: the monotonic clock, as offsets from a run's start. The only place where the measured path
//! reads time.
//!
//! Instants are CLOCK_MONOTONIC nanoseconds, the clock that timerfd sleeps on, so a pacer and a
//! measurement never disagree.

use std::ops::AddAssign;

use rustix::time::{ClockId, clock_gettime};

use crate::time::Offset;

/// CLOCK_MONOTONIC now, in nanoseconds; always above zero.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    nanoseconds(now.tv_sec, now.tv_nsec)
}

/// A clock's seconds and nanoseconds, neither of which is ever negative, as nanoseconds.
pub(in crate::transport) const fn nanoseconds(seconds: i64, nanoseconds: i64) -> u64 {
    seconds.unsigned_abs() * 1_000_000_000 + nanoseconds.unsigned_abs()
}

/// Maps the monotonic clock to offsets from one fixed instant.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base_ns: u64,
}

impl Clock {
    /// A clock whose offset zero is the monotonic instant `base_ns`, which may lie in the future.
    pub const fn starting_at(base_ns: u64) -> Self {
        Self { base_ns }
    }

    /// Now; [`Offset::ZERO`] until the start has come.
    pub fn now(self) -> Offset {
        self.offset(monotonic_ns())
    }

    /// The offset of a monotonic instant.
    pub const fn offset(self, monotonic_ns: u64) -> Offset {
        Offset::from_nanos(monotonic_ns.saturating_sub(self.base_ns))
    }

    /// The monotonic instant of an offset, in nanoseconds.
    pub const fn monotonic(self, offset: Offset) -> u64 {
        self.base_ns.saturating_add(offset.as_nanos())
    }
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// How many bytes; none if the peer has closed.
    pub bytes: usize,
    /// When they arrived, in monotonic nanoseconds.
    pub arrived: u64,
    /// Whether the kernel returned less than it was asked for, and so has nothing left (epoll(7)).
    pub drained: bool,
}

/// Whether the kernel stamps what is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendStamps {
    /// A send's instant is that of the kernel's handing it to the network: a system call more per request.
    On,
    /// A send's instant is read just before the write.
    #[default]
    Off,
}

/// How instants were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StampCounts {
    /// By the kernel.
    pub kernel: u64,
    /// By this program, for want of a usable stamp.
    pub user: u64,
}

impl StampCounts {
    /// Whether the kernel stamped all but the odd one (0.1 %), which a step of the wall clock may cost.
    pub const fn by_kernel(self) -> bool {
        self.kernel > 0 && self.user <= self.kernel / 1000
    }
}

/// How both ends of a service time were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamping {
    /// Of requests.
    pub sends: StampCounts,
    /// Of answers.
    pub arrivals: StampCounts,
}

impl AddAssign for Stamping {
    fn add_assign(&mut self, other: Self) {
        self.sends += other.sends;
        self.arrivals += other.arrivals;
    }
}

impl AddAssign for StampCounts {
    fn add_assign(&mut self, other: Self) {
        self.kernel += other.kernel;
        self.user += other.user;
    }
}
