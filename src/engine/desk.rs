//! [`Desk`]: single exchanges outside the load, for log-in and set-up, whose answers are read.
//!
//! Each has a connection of its own and is tried again once if that breaks.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::bystander::{Bystander, Serving};
use crate::engine::prepare::PrepareError;
use crate::engine::prepared;
use crate::engine::ruling::inspected;
use crate::engine::single::{Sent, Single, Stage, Witness};
use crate::load::json_text;
use crate::load::plan::{Plan, SetupRequest};
use crate::load::request::Pools;
use crate::load::way::HttpVersion;
use crate::transport::clock::monotonic_ns;
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
    witness: Option<Witness<'a>>,
    /// Of the exchanges so far.
    slowest: Cell<Option<Duration>>,
    /// How the server took the first of them, once it is known.
    serving: Cell<Option<Serving>>,
}

/// Something to be sent, and what it is filled with.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) request: &'a SetupRequest,
    pub(super) stage: Stage,
    pub(super) pools: &'a Pools,
    /// Empty where there is none yet.
    pub(super) token: &'a str,
    /// What to call it in errors.
    pub(super) step: &'a str,
}

impl<'a> Desk<'a> {
    pub(super) fn new(plan: &'a Plan, route: &Route, witness: Option<Witness<'a>>) -> Self {
        Self {
            plan,
            dialer: Dialer::new(route.clone(), plan.limits.connect_timeout),
            timeout: plan.limits.timeout.max(Duration::from_secs(10)),
            witness,
            slowest: Cell::new(None),
            serving: Cell::new(None),
        }
    }

    /// Sends what has been made ready, once.
    pub(super) async fn fetch(&self, outgoing: Outgoing) -> Result<Answer, SingleError> {
        let began = monotonic_ns();
        let answer = fetch(&self.dialer, outgoing, self.timeout).await;
        let took = Duration::from_nanos(monotonic_ns() - began);
        self.slowest.set(self.slowest.get().max(Some(took)));
        answer
    }

    /// The same beside a connection that says nothing, the first time.
    async fn fetch_watched(&self, outgoing: Outgoing) -> Result<Answer, SingleError> {
        let http1 = self.dialer.route().version() == HttpVersion::Http1;
        let bystander = match self.serving.get() {
            None if http1 => Bystander::open(&self.dialer).await,
            _ => None,
        };
        // Twice as large a future would be passed around.
        let exchange = Box::pin(self.fetch(outgoing));
        let Some(bystander) = bystander else { return exchange.await };
        let (answer, serving) = bystander.beside(exchange).await;
        self.serving.set(Some(serving));
        answer
    }

    /// How long answers to set-up requests took, and how the server took a second connection.
    pub(super) fn seen(&self) -> (Option<Duration>, Serving) {
        (self.slowest.get(), self.serving.get().unwrap_or_default())
    }

    /// The answer, if it is as expected.
    pub(super) async fn accepted(&self, errand: Errand<'_>) -> Result<Answer, PrepareError> {
        let Errand { request, stage, step, .. } = errand;
        let answer = self.send(errand).await?;
        let step = step.to_owned();
        if !request.expect.accepts(answer.status) {
            let (status, remedy) = (answer.status, remedy(stage, answer.status));
            return Err(PrepareError::Refused { step, status, remedy });
        }
        let amiss = inspected(&request.expect, &answer).amiss;
        let Some(check) = amiss.places().next() else { return Ok(answer) };
        let check = request.expect.name_of(check);
        let why = amiss.troubles().map(|trouble| format!(": {}", trouble.name()));
        let what = format!("the answer fails the check `{check}`{}", why.collect::<String>());
        Err(PrepareError::Unusable { step, what })
    }

    async fn send(&self, errand: Errand<'_>) -> Result<Answer, PrepareError> {
        let Errand { request, stage, pools, token, step } = errand;
        let mut attempt = 1;
        loop {
            let outgoing = prepared::setup_outgoing(request, self.plan, Arc::clone(pools), token)?;
            let sent = self.witness.map(|witness| (witness, Sent::of(&outgoing)));
            let outcome = self.fetch_watched(outgoing).await;
            let broke = matches!(outcome, Err(SingleError::Dial(_) | SingleError::Transport(_)));
            if broke && attempt < ATTEMPTS {
                attempt += 1;
                continue;
            }
            if let Some((witness, sent)) = sent {
                let (name, expect) = ((&*request.name, stage), &request.expect);
                witness(Single::new(name, sent, outcome.clone(), expect, token));
            }
            return outcome.map_err(|cause| PrepareError::Broken { step: step.to_owned(), cause });
        }
    }
}

/// What to do about an answer with this status.
const fn remedy(stage: Stage, status: u16) -> &'static str {
    match (stage, status) {
        (Stage::LogIn, 400 | 401 | 403 | 422) => {
            "check the e-mail and password the profile logs in with"
        }
        (Stage::LogIn, 404 | 405) => "check --host and the log-in path in the profile",
        (Stage::LogIn, 429) => "the target limits log-ins; lower auth.rate, or wait and try again",
        (_, 401 | 403) => "the target does not accept the token; check auth in the profile",
        (_, 404 | 405) => "check --host and the path in the profile",
        _ => "check the target's log",
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
    json_text::read(&answer.body)
}
