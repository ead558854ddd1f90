//! [`Clock`]: the monotonic clock, as offsets from a run's start. The only place where the measured path
//! reads time.
//!
//! Instants are CLOCK_MONOTONIC nanoseconds, the clock that timerfd sleeps on, so a pacer and a
//! measurement never disagree.

use rustix::time::{ClockId, clock_gettime};

use crate::time::Offset;

/// CLOCK_MONOTONIC now, in nanoseconds; always above zero.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // Seconds and nanoseconds of a monotonic clock are never negative.
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
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
