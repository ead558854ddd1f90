//! [`within`]: a timeout that counts the time in which this program ran.
//!
//! What had long been ready may be noticed only once a pause of this program is over, and the other side may
//! have waited for it meanwhile. Neither is the other side's slowness.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use crate::measure::pauses::Pauses;
use crate::transport::clock::monotonic_ns;

/// What comes of `future` within `limit`, and once more within as much as this program paused meanwhile;
/// `None` if it takes longer.
pub async fn within<F: Future>(
    pauses: &RefCell<Pauses>,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let began = monotonic_ns();
    let mut future = pin!(future);
    if let Ok(output) = timeout(limit, future.as_mut()).await {
        return Some(output);
    }
    let ours = pauses.borrow().within(began, monotonic_ns());
    timeout(ours, future).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_limit_is_made_longer_by_a_pause_and_by_nothing_else() {
        let ms = Duration::from_millis;
        for (paused, then, in_time) in
            [(0, ms(5), true), (200, ms(10), true), (200, ms(5_000), false)]
        {
            let pauses = RefCell::<Pauses>::default();
            pauses.borrow_mut().beat(monotonic_ns());
            let work = async {
                let resumes = monotonic_ns() + paused * 1_000_000;
                while monotonic_ns() < resumes {
                    std::hint::spin_loop();
                }
                tokio::time::sleep(then).await;
            };
            // The worker beats while it runs.
            let beats = async {
                loop {
                    tokio::time::sleep(ms(1)).await;
                    pauses.borrow_mut().beat(monotonic_ns());
                }
            };
            let done = tokio::select! {
                done = within(&pauses, ms(100), work) => done,
                () = beats => None,
            };
            assert_eq!(done.is_some(), in_time, "{paused} ms, then {then:?}");
        }
    }
}
