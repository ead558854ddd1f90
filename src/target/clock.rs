//! [`Clock`]: the server's time, read here and nowhere else in this module.
//!
//! Invariant: offsets count from the server's start on the monotonic clock; the wall clock is read once, for
//! the dates in bodies and tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep_until};

use crate::time::Offset;

/// Longest single sleep, so that a far instant can't overflow the timer; waits loop anyway.
const SLEEP_MAX: Duration = Duration::from_hours(1);

/// Time since the server's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    start_unix: u64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "tokens and demo data carry calendar dates")]
    pub(super) fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), start_unix: unix.as_secs() }
    }

    pub(super) fn now(&self) -> Offset {
        Offset::ZERO + self.start.elapsed()
    }

    /// Unix seconds at `now`.
    pub(super) fn unix(&self, now: Offset) -> u64 {
        self.start_unix.saturating_add(now.as_nanos() / 1_000_000_000)
    }

    /// Sleeps until `due`, or an hour if that is sooner; never wakes early, up to 1 ms late.
    pub(super) async fn sleep_until(&self, due: Offset) {
        let wait = due.since(self.now()).min(SLEEP_MAX);
        sleep_until(Instant::now() + wait).await;
    }
}
