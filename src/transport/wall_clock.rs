//! [`WallClock`]: maps the kernel's stamps, which are of the wall clock, to the monotonic one.
//!
//! Both clocks are slewed alike, so their distance changes only when the wall clock is stepped. It is read
//! again with every stamp; one that cannot be mapped for certain is not believed.

use std::cell::Cell;

use rustix::time::{ClockId, clock_gettime};

use crate::transport::clock::{monotonic_ns, nanoseconds};

/// Readings of the two clocks that differ by more than this from what they did before mean that one was
/// stepped, or that this thread was put aside between the two.
pub(super) const OFFSET_TOLERANCE_NS: i64 = 20_000;
/// How far the offset follows smaller readings, each time.
const FOLLOW_NS: i64 = 1;
/// Pairs of readings to choose the closest from.
const READINGS: usize = 5;

/// One thread's mapping.
#[derive(Debug)]
pub(super) struct WallClock {
    /// The wall clock minus the monotonic one, in nanoseconds.
    offset: Cell<i64>,
}

/// A stamp against the monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    /// The present.
    pub(super) now: u64,
    /// The stamp's instant, at most `now`; `None` if there is none that can be believed.
    pub(super) stamped: Option<u64>,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { offset: Cell::new(measured_offset()) }
    }
}

impl WallClock {
    /// Maps `stamp`, nanoseconds of the wall clock.
    pub(super) fn map(&self, stamp: Option<u64>) -> Mapped {
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
        let stamped = stamp
            .filter(|_| steady)
            .and_then(|stamp| stamp.checked_add_signed(-self.offset.get()))
            .filter(|&instant| instant <= now + OFFSET_TOLERANCE_NS.unsigned_abs())
            .map(|instant| instant.min(now));
        Mapped { now, stamped }
    }
}

/// The monotonic clock now, and how far the wall clock is ahead of it.
fn reading() -> (u64, i64) {
    let real = realtime_ns();
    let now = monotonic_ns();
    (now, real.wrapping_sub(now).cast_signed())
}

fn realtime_ns() -> u64 {
    let real = clock_gettime(ClockId::Realtime);
    nanoseconds(real.tv_sec, real.tv_nsec)
}

/// The offset by the closest of several readings: an interruption between the two clocks can only make it
/// too small.
fn measured_offset() -> i64 {
    (0..READINGS).map(|_| reading().1).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock_off_by(ns: i64) -> WallClock {
        let clock = WallClock::default();
        clock.offset.set(clock.offset.get() + ns);
        clock
    }

    #[test]
    fn a_stamp_is_mapped_to_the_monotonic_clock() {
        let clock = WallClock::default();
        let before = monotonic_ns();
        let stamp = realtime_ns();
        let instant = clock.map(Some(stamp)).stamped.expect("believed");
        let tolerance = OFFSET_TOLERANCE_NS.unsigned_abs();
        assert!(instant + tolerance >= before && instant <= monotonic_ns());
        let earlier = clock.map(Some(stamp - 1_000_000)).stamped.expect("believed");
        assert!(earlier.abs_diff(instant - 1_000_000) <= tolerance);
    }

    #[test]
    fn after_a_step_of_the_wall_clock_one_stamp_is_not_believed() {
        for step_ns in [-3_600_000_000_000, -1_000_000, 1_000_000, 3_600_000_000_000] {
            let clock = clock_off_by(step_ns);
            let before = monotonic_ns();
            let stamp = Some(realtime_ns() - 500_000);
            assert_eq!(clock.map(stamp).stamped, None, "{step_ns}: the old offset is not used");
            let instant = clock.map(stamp).stamped;
            assert!(instant.is_some_and(|instant| instant < before), "{step_ns}: the new one is");
        }
    }

    #[test]
    fn a_small_step_is_followed() {
        for step_ns in [-10_000, 10_000] {
            let clock = clock_off_by(step_ns);
            for _ in 0..12_000 {
                clock.map(Some(realtime_ns()));
            }
            let left = clock.offset.get() - measured_offset();
            assert!(left.abs() < 2_000, "{left} ns of {step_ns} are left");
        }
    }

    #[test]
    fn a_missing_stamp_and_one_from_the_future_are_not_believed() {
        let clock = WallClock::default();
        let before = monotonic_ns();
        for stamp in [None, Some(realtime_ns() + 1_000_000_000)] {
            let Mapped { now, stamped } = clock.map(stamp);
            assert_eq!(stamped, None);
            assert!((before..=monotonic_ns()).contains(&now));
        }
    }
}
