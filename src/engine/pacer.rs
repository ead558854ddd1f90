//! [`Pacer`]: sleeps until a due instant, to the microsecond where the machine allows.
//!
//! tokio's timer is a wheel of 1 ms and would send in bursts. An absolute timerfd wakes the worker a lead
//! ahead of the due instant; the rest is spent polling I/O. The lead is learnt from the worker's own
//! wake-ups. The clock decides, never the timer: a wake-up too early just goes round again.

use std::io;
use std::time::Duration;

use crate::engine::leg::Pacing;
use crate::time::Offset;
use crate::transport::clock::Clock;

/// The shortest and longest lead: below, a wake-up is never that punctual; above, the spin would burn more
/// than the punctuality is worth.
const LEAD_MIN_NS: u64 = 5_000;
const LEAD_MAX_NS: u64 = 200_000;
/// A start that suits an idle virtual CPU (wake-ups 40 to 60 µs late).
const LEAD_START_NS: u64 = 60_000;
/// The lead covers this share of wake-ups.
const LEAD_QUANTILE: f64 = 0.9;
/// How far one wake-up moves the lead.
const LEAD_STEP_NS: f64 = 2_000.0;
/// Spinning pays only when the lead is a small part of the gap between sends: a thread that never sleeps
/// is put aside by the scheduler just when it matters.
const GAP_PER_LEAD_MIN: u32 = 3;

/// With relaxed pacing wake-ups lie at least this far apart: slots due in between share one. Most of what
/// a request costs at 20,000/s is setting the timer and waking, not the request.
const RELAXED_STEP: Duration = Duration::from_millis(1);
/// The same where precise pacing cannot poll: waking more often than a wake-up takes to arrive would buy no
/// punctuality. The learnt lead says how long that is, up to this.
const PRECISE_STEP_MAX: Duration = Duration::from_micros(100);

/// How early to wake, learnt by stochastic approximation of a quantile of wake-up lateness
/// (Robbins and Monro, A Stochastic Approximation Method, 1951).
#[derive(Clone, Copy, Debug)]
struct Lead {
    ns: f64,
}

impl Lead {
    fn observe(&mut self, lateness: Duration) {
        let late = lateness.as_nanos() as f64 > self.ns;
        self.ns += LEAD_STEP_NS * if late { LEAD_QUANTILE } else { LEAD_QUANTILE - 1.0 };
        self.ns = self.ns.clamp(LEAD_MIN_NS as f64, LEAD_MAX_NS as f64);
    }

    fn length(self) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let ns = self.ns as u64;
        Duration::from_nanos(ns)
    }
}

/// One worker's waiting.
#[derive(Debug)]
pub(super) struct Pacer {
    timer: Timer,
    clock: Clock,
    pacing: Pacing,
    gap: Duration,
    lead: Lead,
    /// When the latest sleep ended.
    woken: Offset,
}

impl Pacer {
    /// A pacer at rest.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            clock: Clock::starting_at(0),
            pacing: Pacing::Relaxed,
            gap: Duration::MAX,
            lead: Lead { ns: LEAD_START_NS as f64 },
            woken: Offset::ZERO,
        })
    }

    /// Begins a schedule whose sends on this worker lie `gap` apart; what was learnt of wake-ups stays.
    pub(super) fn begin(&mut self, clock: Clock, pacing: Pacing, gap: Duration) {
        self.clock = clock;
        self.pacing = pacing;
        self.gap = gap;
        self.woken = Offset::ZERO;
    }

    /// Returns once `due` has come; I/O goes on meanwhile.
    pub(super) async fn wait_until(&mut self, due: Offset) {
        let wake = self.wake_for(due);
        if self.clock.now() >= due {
            // Nor may a worker that is just too slow for its rate keep its connections from running.
            tokio::task::yield_now().await;
        }
        while self.clock.now() < wake {
            self.timer.sleep_until(self.clock.monotonic(wake)).await;
            let now = self.clock.now();
            if now >= wake {
                self.lead.observe(now.since(wake));
                self.woken = now;
            }
        }
        // Bounded by the lead, and every turn polls I/O.
        while self.clock.now() < due {
            tokio::task::yield_now().await;
        }
    }

    /// When to wake for a slot: a lead ahead where polling pays, else no sooner than a step after the
    /// latest wake-up.
    fn wake_for(&self, due: Offset) -> Offset {
        let lead = self.lead.length();
        match self.pacing {
            Pacing::Precise if self.gap >= lead * GAP_PER_LEAD_MIN => due - lead,
            Pacing::Precise => due.max(self.woken + lead.min(PRECISE_STEP_MAX)),
            Pacing::Relaxed => due.max(self.woken + RELAXED_STEP),
        }
    }
}

/// An absolute timer on the monotonic clock.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Timer {
    fd: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
}

#[cfg(target_os = "linux")]
impl Timer {
    fn new() -> io::Result<Self> {
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
    async fn sleep_until(&self, monotonic_ns: u64) {
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
struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as with timerfd")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn sleep_until(&self, monotonic_ns: u64) {
        const WHEEL: Duration = Duration::from_millis(2);
        let left = Duration::from_nanos(
            monotonic_ns.saturating_sub(crate::transport::clock::monotonic_ns()),
        );
        match left.checked_sub(WHEEL) {
            Some(rest) if !rest.is_zero() => tokio::time::sleep(rest).await,
            _ => tokio::task::yield_now().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::clock::monotonic_ns;

    #[test]
    fn the_lead_settles_at_its_quantile_of_wake_ups() {
        let mut stream = crate::load::random::SplitMix64::new(3);
        let mut lead = Lead { ns: LEAD_START_NS as f64 };
        for _ in 0..5000 {
            // Wake-ups between 0 and 100 µs late: the 90 % quantile lies at 90 µs.
            lead.observe(Duration::from_nanos(stream.below(100_000)));
        }
        assert!((80_000.0..100_000.0).contains(&lead.ns), "{lead:?}");
    }

    #[test]
    fn the_lead_stays_within_its_bounds() {
        let mut lead = Lead { ns: LEAD_START_NS as f64 };
        for _ in 0..1000 {
            lead.observe(Duration::from_secs(1));
        }
        assert_eq!(lead.length(), Duration::from_nanos(LEAD_MAX_NS));
        for _ in 0..10_000 {
            lead.observe(Duration::ZERO);
        }
        assert_eq!(lead.length(), Duration::from_nanos(LEAD_MIN_NS));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_wait_never_ends_early() {
        let mut pacer = Pacer::new().unwrap();
        let clock = Clock::starting_at(monotonic_ns());
        for (pacing, gap) in [
            (Pacing::Precise, Duration::from_millis(2)),
            (Pacing::Relaxed, Duration::from_micros(50)),
        ] {
            pacer.begin(clock, pacing, gap);
            for step in 1..20_u32 {
                let due = clock.now() + gap * step / 4;
                pacer.wait_until(due).await;
                assert!(clock.now() >= due);
            }
        }
        pacer.wait_until(Offset::ZERO).await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_worker_that_is_always_late_still_lets_others_run() {
        let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = ran.clone();
        tokio::spawn(async move { seen.store(true, std::sync::atomic::Ordering::Relaxed) });
        let mut pacer = Pacer::new().unwrap();
        pacer.begin(Clock::starting_at(monotonic_ns()), Pacing::Precise, Duration::from_nanos(1));
        pacer.wait_until(Offset::ZERO).await;
        assert!(ran.load(std::sync::atomic::Ordering::Relaxed));
    }
}
