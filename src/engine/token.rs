//! Renews the token before it expires, on a connection of its own and off the measured path.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::engine::fleet::TokenPort;
use crate::engine::prepare::renew_token;
use crate::load::plan::Plan;
use crate::transport::route::Route;

/// Renewal begins when this share of the token's life is left.
const MARGIN: f64 = 0.2;
/// A failed renewal is tried again after this long, up to [`ATTEMPTS_MAX`] times in a row.
const RETRY: Duration = Duration::from_secs(5);
/// Failed attempts in a row after which the token is left to expire; the answers then show 401.
const ATTEMPTS_MAX: u32 = 10;

/// Renews tokens on a thread of its own until dropped.
pub struct Renewal {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Renewal {
    /// Begins to renew; `life` tells how long a token is still valid, `None` if it says nothing of it.
    pub fn start(
        plan: Arc<Plan>,
        route: Route,
        port: TokenPort,
        token: &str,
        life: fn(&str) -> Option<Duration>,
    ) -> std::io::Result<Option<Self>> {
        let Some(first) = life(token) else { return Ok(None) };
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("token".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = renew(&plan, &route, &port, first, life) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Some(Self { stop: Some(stop), thread: Some(thread) }))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns after [`ATTEMPTS_MAX`] failures in a row, or when a new token tells no end.
async fn renew(
    plan: &Plan,
    route: &Route,
    port: &TokenPort,
    mut life: Duration,
    read_life: fn(&str) -> Option<Duration>,
) {
    let mut failures = 0;
    let mut wait = life.mul_f64(1.0 - MARGIN);
    loop {
        tokio::time::sleep(wait).await;
        let renewed = renew_token(plan, route).await.ok().flatten();
        let accepted = renewed.filter(|token| port.replace(token).is_ok());
        match accepted.as_deref().map(read_life) {
            Some(Some(next)) => {
                failures = 0;
                life = next;
                wait = life.mul_f64(1.0 - MARGIN).max(Duration::from_secs(1));
            }
            Some(None) => return,
            None => {
                failures += 1;
                if failures == ATTEMPTS_MAX {
                    return;
                }
                wait = RETRY;
            }
        }
    }
}
