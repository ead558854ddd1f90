//! [`Clock`]: the server's time, read here and nowhere else in this module.
//!
//! Invariant: offsets count from the server's start on the monotonic clock; the wall clock is read once, for
//! the dates in bodies and tokens.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::time::Offset;

/// Longest single sleep, so that a far instant can't overflow the timer; waits loop anyway.
const SLEEP_MAX: Duration = Duration::from_hours(1);
/// tokio's wheel turns by the millisecond and may be a second one late, so a fine timer ends the wait.
const WHEEL: Duration = Duration::from_millis(2);
/// Fine timers at a time, each a file descriptor.
const FINE_MAX: usize = 64;

/// Time since the server's start.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: Instant,
    start_unix: u64,
    fine: Arc<Semaphore>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "tokens and demo data carry calendar dates")]
    pub(super) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let fine = Arc::new(Semaphore::new(FINE_MAX));
        Self { start: Instant::now(), start_unix: unix.as_secs(), fine }
    }

    pub(super) fn now(&self) -> Offset {
        Offset::ZERO + self.start.elapsed()
    }

    /// Unix seconds at `now`.
    pub(super) fn unix(&self, now: Offset) -> u64 {
        self.start_unix.saturating_add(now.as_nanos() / 1_000_000_000)
    }

    /// Sleeps until `due`, or an hour if that is sooner. Never wakes early; late by one wake-up, or up to 1 ms
    /// where there is no fine timer to be had.
    pub(super) async fn sleep_until(&self, due: Offset) {
        let wait = due.since(self.now()).min(SLEEP_MAX);
        if let Some(coarse) = wait.checked_sub(WHEEL) {
            sleep(coarse).await;
        }
        if self.sleep_finely(due).await.is_none() {
            sleep(due.since(self.now()).min(SLEEP_MAX)).await;
        }
    }

    /// `None` if no fine timer came free in time. A crowd lines up for them, and once the first have woken the
    /// rest goes through, since by then it is due as well.
    async fn sleep_finely(&self, due: Offset) -> Option<()> {
        let left = || due.since(self.now()).min(WHEEL);
        let _permit = timeout(left(), self.fine.acquire()).await.ok()?.ok()?;
        let left = left();
        if left.is_zero() { Some(()) } else { expire(left).await.ok() }
    }
}

/// Returns after `wait`, by a timer that is exact to one wake-up.
#[cfg(target_os = "linux")]
async fn expire(wait: Duration) -> io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    let nanos = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX).max(1);
    let at = |nanos| Timespec { tv_sec: nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 };
    let timer =
        timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let setting = Itimerspec { it_interval: at(0), it_value: at(nanos) };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &setting)?;
    #[expect(
        deprecated,
        reason = "an OwnedFd stays open and the same by itself, which is what the successor asks an unsafe block to vouch for"
    )]
    let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
    timer.readable().await.map(drop)
}

#[cfg(not(target_os = "linux"))]
async fn expire(_: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn nobody_wakes_early_however_many_wait() {
        let clock = Clock::start();
        let mut sleepers = tokio::task::JoinSet::new();
        for sleeper in 0..2 * FINE_MAX as u64 {
            let clock = clock.clone();
            sleepers.spawn(async move {
                let due = Offset::from_nanos(sleeper * 50_000);
                clock.sleep_until(due).await;
                clock.now() >= due
            });
        }
        assert!(sleepers.join_all().await.into_iter().all(|in_time| in_time));
        assert_eq!(clock.fine.available_permits(), FINE_MAX);
    }
}
