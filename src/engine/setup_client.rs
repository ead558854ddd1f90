//! [`SetupClient`]: single exchanges outside the load, for log-in and set-up, whose answers are read.
//!
//! Each has a connection of its own and is tried again once if that breaks.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use http::header::LOCATION;
use serde_json::Value;

use crate::engine::bystander::{Bystander, Serving};
use crate::engine::kept::decoded_body;
use crate::engine::prepare::PrepareError;
use crate::engine::prepared;
use crate::engine::ruling::inspected;
use crate::engine::single::{Sent, Single, Stage, Witness};
use crate::load::plain_port;
use crate::load::plan::{Plan, SetupRequest};
use crate::load::redirect::is_redirect;
use crate::load::request::Pools;
use crate::load::url_text::encoded_url;
use crate::load::way::HttpVersion;
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::Dialer;
use crate::transport::exchange::Outgoing;
use crate::transport::route::Route;
use crate::transport::single::{Answer, SingleError, fetch};

/// How often a set-up exchange that broke is tried before the run is refused.
const ATTEMPTS: u32 = 2;

/// Sends single exchanges, each on a connection of its own.
pub(super) struct SetupClient<'a> {
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
pub(super) struct SetupCall<'a> {
    pub(super) request: &'a SetupRequest,
    pub(super) stage: Stage,
    pub(super) pools: &'a Pools,
    /// Empty where there is none yet.
    pub(super) token: &'a str,
    /// What to call it in errors.
    pub(super) step: &'a str,
}

impl<'a> SetupClient<'a> {
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
    pub(super) async fn accepted(&self, errand: SetupCall<'_>) -> Result<Answer, PrepareError> {
        let SetupCall { request, stage, step, .. } = errand;
        let answer = self.send(errand).await?;
        let step = step.to_owned();
        if !request.expect.accepts(answer.status) {
            let status = answer.status;
            let remedy = if plain_port::is_told(status, &answer.body) {
                format!("{}: {}", plain_port::WORDS, plain_port::REMEDY)
            } else {
                remedy(stage, status).to_owned()
            };
            return Err(PrepareError::Refused { step, status, remedy });
        }
        let amiss = inspected(&request.expect, &answer).amiss;
        let Some(check) = amiss.places().next() else { return Ok(answer) };
        let check = request.expect.name_of(check);
        let why = amiss.troubles().map(|trouble| format!(": {}", trouble.name()));
        let redirection = redirection(&answer).map(|what| format!("; {what}")).unwrap_or_default();
        let why = why.collect::<String>();
        let what = format!("the answer fails the check `{check}`{why}{redirection}");
        Err(PrepareError::Unusable { step, what })
    }

    async fn send(&self, errand: SetupCall<'_>) -> Result<Answer, PrepareError> {
        let SetupCall { request, stage, pools, token, step } = errand;
        let mut attempt = 1;
        loop {
            let outgoing = prepared::setup_outgoing(request, self.plan, Arc::clone(pools), token)?;
            let sent = self.witness.map(|witness| (witness, Sent::of(&outgoing)));
            let outcome = self.fetch_watched(outgoing).await;
            let broke =
                matches!(outcome, Err(SingleError::Dial(_) | SingleError::Transport { .. }));
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

/// The body, decoded, as the JSON that `read` finds in it, or what is wrong; the body may hold a token and is
/// not quoted.
pub(super) fn document(
    answer: &Answer,
    read: impl FnOnce(&[u8]) -> Option<Value>,
) -> Result<Value, String> {
    let body = decoded_body(answer).map_err(|why| why.name().to_owned())?;
    let no_json = || "the answer is not JSON; check --host and the path".to_owned();
    read(&body).ok_or_else(|| redirection(answer).unwrap_or_else(no_json))
}

/// That the answer is a redirect, which says why it lacks what was looked for; its query may hold a secret.
pub(super) fn redirection(answer: &Answer) -> Option<String> {
    let location = answer.headers.get(LOCATION).filter(|_| is_redirect(answer.status))?;
    let place = encoded_url(location.as_bytes().trim_ascii());
    let place = place.split(['?', '#']).next().unwrap_or_default();
    Some(format!(
        "the answer is a redirect ({}) to {place}, which is not followed; give what it leads to: the scheme and \
         host by --host, the path in the profile",
        answer.status
    ))
}
