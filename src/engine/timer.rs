//! [`Timer`]: an absolute timer on the monotonic clock, of the system where it has one.
//!
//! It may go off early, never silently late: the caller looks at the clock.

use std::io;

/// An absolute timer on the monotonic clock.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Timer {
    fd: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "an OwnedFd stays open and the same by itself, which is what the successor asks an unsafe block to vouch for"
        )]
        let fd = tokio::io::unix::AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)?;
        Ok(Self { fd })
    }

    /// Returns at `monotonic_ns`, or before: the caller looks at the clock.
    pub(super) async fn sleep_until(&self, monotonic_ns: u64) {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let at = |ns: u64| Timespec {
            tv_sec: i64::try_from(ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(ns % 1_000_000_000).unwrap_or(0),
        };
        let setting = Itimerspec { it_interval: at(0), it_value: at(monotonic_ns.max(1)) };
        timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &setting)
            .expect("an owned timerfd accepts any positive time");
        // Setting the timer forgets an earlier expiry, and each expiry is a new edge for epoll: clearing
        // the readiness without reading saves a system call per slot.
        if let Ok(mut ready) = self.fd.readable().await {
            ready.clear_ready();
        }
    }
}

/// Where there is no timerfd: tokio's wheel up to its granularity before the instant, then polling.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as with timerfd")]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn sleep_until(&self, monotonic_ns: u64) {
        const WHEEL: std::time::Duration = std::time::Duration::from_millis(2);
        let left = std::time::Duration::from_nanos(
            monotonic_ns.saturating_sub(crate::transport::clock::monotonic_ns()),
        );
        match left.checked_sub(WHEEL) {
            Some(rest) if !rest.is_zero() => tokio::time::sleep(rest).await,
            _ => tokio::task::yield_now().await,
        }
    }
}
