//! [`Desk`]: single exchanges outside the load, for log-in and set-up, whose answers are read.
//!
//! Each has a connection of its own and is tried again once if that breaks.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::prepare::PrepareError;
use crate::engine::prepared;
use crate::load::plan::{Plan, SetupRequest};
use crate::load::request::Pools;
use crate::transport::connect::Dialer;
use crate::transport::exchange::Outgoing;
use crate::transport::route::Route;
use crate::transport::single::{Answer, SingleError, fetch};

/// How often a set-up exchange that broke is tried before the run is refused.
const ATTEMPTS: u32 = 2;

/// Sends single exchanges, each on a connection of its own.
pub(super) struct Desk<'a> {
    pub(super) plan: &'a Plan,
    dialer: Dialer,
    timeout: Duration,
}

impl<'a> Desk<'a> {
    pub(super) fn new(plan: &'a Plan, route: &Route) -> Self {
        Self {
            plan,
            dialer: Dialer::new(route.clone(), plan.limits.connect_timeout),
            timeout: plan.limits.timeout.max(Duration::from_secs(10)),
        }
    }

    /// Sends what has been made ready, once.
    pub(super) async fn fetch(&self, outgoing: Outgoing) -> Result<Answer, SingleError> {
        fetch(&self.dialer, outgoing, self.timeout).await
    }

    pub(super) async fn send(
        &self,
        request: &SetupRequest,
        pools: &Pools,
        token: &str,
    ) -> Result<Answer, PrepareError> {
        let mut attempt = 1;
        loop {
            let outgoing = prepared::setup_outgoing(request, self.plan, Arc::clone(pools), token)?;
            match self.fetch(outgoing).await {
                Ok(answer) => return Ok(answer),
                Err(SingleError::Dial(_) | SingleError::Transport(_)) if attempt < ATTEMPTS => {
                    attempt += 1;
                }
                Err(cause) => {
                    return Err(PrepareError::Broken { step: step(request), cause });
                }
            }
        }
    }
}

/// What to call an exchange in errors; a query may hold a key.
pub(super) fn step(request: &SetupRequest) -> String {
    let path = request.path.as_literal().unwrap_or("…");
    let path = path.split('?').next().unwrap_or_default();
    format!("{} ({} {path})", request.name, request.method)
}

/// The body as JSON.
pub(super) fn document(answer: &Answer) -> Option<serde_json::Value> {
    // The parser's message may quote the body, and the body may hold a token.
    serde_json::from_slice(&answer.body).ok()
}
