//! [`Pacer`]: returns at a due instant, to the microsecond where the machine allows.
//!
//! tokio's timer is a wheel of 1 ms and would send in bursts. An absolute timer wakes the worker a lead
//! ahead of the due instant; the rest is spent polling I/O. The lead is learnt from the worker's own
//! wake-ups. The clock decides, never the timer: a wake-up too early just goes round again.

use std::io;
use std::time::Duration;

use crate::engine::leg::Pacing;
use crate::engine::quantile_estimator::{EstimatorSettings, QuantileEstimator};
use crate::engine::timer::Timer;
use crate::time::Offset;
use crate::transport::clock::Clock;

/// The lead: nearly every wake-up is to be in time, since a late one is a late send. It starts as suits an
/// idle virtual CPU, whose wake-ups are 40 to 60 µs late. Shorter than the least, no wake-up is punctual;
/// longer than the most, polling would burn more than punctuality is worth.
const LEAD: EstimatorSettings = EstimatorSettings {
    quantile: 0.99,
    step_ns: 2_000.0,
    start_ns: 60_000.0,
    min_ns: 5_000.0,
    max_ns: 200_000.0,
};

/// Polling goes round in microseconds; a turn that took this long was a lot of I/O, or the scheduler had
/// put the thread aside.
const LONG_TURN: Duration = Duration::from_micros(500);
/// Once put aside, a worker does not poll for so many times as long. A thread that never sleeps is put
/// aside for milliseconds just when it matters, on a machine that needs its core; half a percent of the
/// time stays beyond the 99th percentile.
const PAUSE_PER_TURN: u32 = 200;

/// With relaxed pacing wake-ups lie at least this far apart: slots due in between share one. Most of what
/// a request costs at 20,000/s is setting the timer and waking, not the request.
const RELAXED_STEP: Duration = Duration::from_millis(1);
/// The same while precise pacing does not poll: waking more often than a wake-up takes to arrive would buy
/// no punctuality. The lead says how long that is, up to this.
const PRECISE_STEP_MAX: Duration = Duration::from_micros(100);

/// One worker's waiting.
#[derive(Debug)]
pub(super) struct Pacer {
    timer: Timer,
    clock: Clock,
    pacing: Pacing,
    lead: QuantileEstimator,
    /// When the latest sleep ended.
    woken: Offset,
    /// Until when polling pauses.
    paused_until: Offset,
    /// How often this thread has been put aside.
    put_aside: u64,
}

impl Pacer {
    /// A pacer at rest.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
            clock: Clock::starting_at(0),
            pacing: Pacing::Relaxed,
            lead: QuantileEstimator::new(LEAD),
            woken: Offset::ZERO,
            paused_until: Offset::ZERO,
            put_aside: 0,
        })
    }

    /// Begins a schedule on this clock; what was learnt of wake-ups stays.
    pub(super) fn begin(&mut self, clock: Clock, pacing: Pacing) {
        self.clock = clock;
        self.pacing = pacing;
        self.woken = Offset::ZERO;
        self.paused_until = Offset::ZERO;
        self.put_aside = times_put_aside();
    }

    /// Whether the worker polls until the due instant at present.
    pub(super) fn polls(&self, now: Offset) -> bool {
        self.pacing == Pacing::Precise && now >= self.paused_until
    }

    /// Returns once `due` has come; I/O goes on meanwhile.
    pub(super) async fn wait_until(&mut self, due: Offset) {
        let mut now = self.clock.now();
        if now >= due {
            // Nor may a worker that is just too slow for its rate keep its connections from running.
            tokio::task::yield_now().await;
            return;
        }
        let wake = self.wake_for(due, now);
        while now < wake {
            self.timer.sleep_until(self.clock.monotonic(wake)).await;
            now = self.clock.now();
            if now >= wake {
                self.lead.observe(now.since(wake));
                self.woken = now;
            }
        }
        // Bounded by the lead, and every turn polls I/O.
        while now < due {
            tokio::task::yield_now().await;
            let turned = self.clock.now();
            let turn = turned.since(now);
            if turn > LONG_TURN {
                self.judge_polling(turned, turn, times_put_aside());
            }
            now = turned;
        }
    }

    /// When to wake for a slot: a lead ahead while polling, else no sooner than a step after the latest
    /// wake-up.
    fn wake_for(&self, due: Offset, now: Offset) -> Offset {
        let lead = self.lead.duration();
        match self.pacing {
            Pacing::Precise if self.polls(now) => due - lead,
            Pacing::Precise => due.max(self.woken + lead.min(PRECISE_STEP_MAX)),
            Pacing::Relaxed => due.max(self.woken + RELAXED_STEP),
        }
    }

    /// After a long turn: pauses polling if the scheduler has put the thread aside meanwhile.
    fn judge_polling(&mut self, now: Offset, turn: Duration, put_aside: u64) {
        if put_aside > std::mem::replace(&mut self.put_aside, put_aside) {
            self.paused_until = now + turn * PAUSE_PER_TURN;
        }
    }
}

/// How often the scheduler has taken the processor from this thread while it was running.
#[cfg(target_os = "linux")]
fn times_put_aside() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    getrusage(UsageWho::RUSAGE_THREAD)
        .map_or(0, |usage| usage.involuntary_context_switches().unsigned_abs())
}

/// Where nobody tells, every long turn counts as one.
#[cfg(not(target_os = "linux"))]
fn times_put_aside() -> u64 {
    crate::transport::clock::monotonic_ns()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::clock::monotonic_ns;

    #[tokio::test(flavor = "current_thread")]
    async fn a_wait_never_ends_early() {
        let mut pacer = Pacer::new().unwrap();
        let clock = Clock::starting_at(monotonic_ns());
        for pacing in [Pacing::Precise, Pacing::Relaxed] {
            pacer.begin(clock, pacing);
            for step in 1..20_u32 {
                let due = clock.now() + Duration::from_micros(100) * step;
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
        pacer.begin(Clock::starting_at(monotonic_ns()), Pacing::Precise);
        pacer.wait_until(Offset::ZERO).await;
        assert!(ran.load(std::sync::atomic::Ordering::Relaxed));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_worker_that_was_put_aside_sleeps_for_a_while() {
        let at = |ms: u64| Offset::ZERO + Duration::from_millis(ms);
        let mut pacer = Pacer::new().unwrap();
        pacer.begin(Clock::starting_at(monotonic_ns()), Pacing::Precise);
        let count = pacer.put_aside;
        let turn = Duration::from_millis(3);
        pacer.judge_polling(at(1), turn, count);
        assert!(pacer.polls(at(1)), "a long turn of its own is no reason");
        assert!(pacer.wake_for(at(9), at(1)) < at(9));
        pacer.judge_polling(at(2), turn, count + 1);
        assert!(!pacer.polls(at(2)) && !pacer.polls(at(601)) && pacer.polls(at(602)));
        assert_eq!(pacer.wake_for(at(9), at(2)), at(9));
    }
}
