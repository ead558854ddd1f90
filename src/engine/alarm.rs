//! [`Alarm`]: one carrier's timeout, which most exchanges never touch.
//!
//! Successive exchanges have later and later limits, so the timer is moved only when it goes off too
//! early or would go off too late, and it is asked only once it has gone off.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::transport::clock::monotonic_ns;

pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
    /// When it goes off, in monotonic nanoseconds.
    at_ns: u64,
    /// Whether it will wake the task.
    armed: bool,
}

impl Alarm {
    /// An alarm that goes off after `time` unless it is moved.
    pub(super) fn new(time: Duration) -> Self {
        let at_ns = monotonic_ns().saturating_add(crate::time::whole_nanos(time));
        Self { sleep: Box::pin(tokio::time::sleep(time)), at_ns, armed: false }
    }

    /// Makes sure that it goes off at `limit_ns` at the latest.
    pub(super) fn at_latest(&mut self, limit_ns: u64) {
        if self.at_ns > limit_ns {
            self.set(limit_ns, monotonic_ns());
        }
    }

    /// Whether `limit_ns` has passed; else the task is woken when it has.
    pub(super) fn poll_past(&mut self, cx: &mut Context<'_>, limit_ns: u64) -> bool {
        while !self.armed || self.sleep.is_elapsed() {
            if self.sleep.as_mut().poll(cx).is_pending() {
                self.armed = true;
                return false;
            }
            let now = monotonic_ns();
            if now >= limit_ns {
                return true;
            }
            self.set(limit_ns, now);
        }
        false
    }

    fn set(&mut self, at_ns: u64, now_ns: u64) {
        let left = Duration::from_nanos(at_ns.saturating_sub(now_ns));
        self.sleep.as_mut().reset(Instant::now() + left);
        self.at_ns = at_ns;
        self.armed = false;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    async fn gone_off(alarm: &mut Alarm, limit_ns: u64) {
        poll_fn(|cx| if alarm.poll_past(cx, limit_ns) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn it_goes_off_at_each_limit_earlier_or_later_than_it_was_set() {
        let mut alarm = Alarm::new(Duration::from_millis(20));
        for ms in [5, 1, 40, 3] {
            let limit_ns = monotonic_ns() + ms * 1_000_000;
            alarm.at_latest(limit_ns);
            gone_off(&mut alarm, limit_ns).await;
            assert!(monotonic_ns() >= limit_ns, "{ms}");
        }
    }
}
