//! One exchange of each kind, kept whole, for a look before the load.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use rustls::ClientConfig;

use crate::engine::prepare::{PrepareError, feeding, prepare, route_of};
use crate::engine::prepared::{Prepared, RenderError, Turn, setup_outgoing};
use crate::load::mix::Mix;
use crate::load::plan::{Plan, SetupRequest};
use crate::load::request::{Expect, Pools, RequestTemplate};
use crate::transport::connect::Dialer;
use crate::transport::exchange::Outgoing;
use crate::transport::single::{Answer, SingleError, fetch};

/// The longest wait for one answer, where the plan's own limit is shorter.
const PATIENCE_MIN: Duration = Duration::from_secs(10);

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It obtains the token, so it holds credentials.
    LogIn,
    /// It fills pools.
    SetUp,
    /// It is one of the mix.
    Mix,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// HTTP method.
    pub method: Method,
    /// As it stands in the request.
    pub uri: Uri,
    /// As they stand in the request.
    pub headers: HeaderMap,
    /// Empty where there is none.
    pub body: Bytes,
}

/// One exchange.
#[derive(Debug)]
pub struct Single {
    /// The request's name.
    pub name: String,
    /// What it is for.
    pub stage: Stage,
    /// What was sent.
    pub sent: Sent,
    /// What came back.
    pub outcome: Result<Answer, SingleError>,
    /// What was wrong with the answer.
    pub complaint: Option<String>,
}

/// Sends the log-in, the set-up requests and each request of the mix one time, and hands over each exchange
/// as it is done. `tls` is needed for https only, `now` since 1970 for timestamps.
///
/// # Errors
/// The target cannot be reached, or log-in or set-up fails; the log-in has been handed over by then.
pub async fn once(
    plan: &Plan,
    tls: Option<&Arc<ClientConfig>>,
    now: Duration,
    show: &mut dyn FnMut(Single),
) -> Result<(), PrepareError> {
    let (plan, route) = route_of(plan, tls).await?;
    let plan = &plan;
    let desk = Desk {
        dialer: Dialer::new(route.clone(), plan.limits.connect_timeout),
        timeout: plan.limits.timeout.max(PATIENCE_MIN),
    };
    for login in plan.login.iter().map(|login| &login.request) {
        show(desk.exchange_of(login, Stage::LogIn, plan, (&Arc::from([]), "")).await?);
    }
    let ready = prepare(plan, tls).await?;
    for setup in &plan.setup {
        let filled = (&ready.pools, ready.token.as_str());
        show(desk.exchange_of(setup, Stage::SetUp, plan, filled).await?);
    }
    let sources = (Arc::clone(&ready.pools), Arc::clone(&ready.feeding));
    let prepared = Prepared::new(&ready.requests, plan, sources, &ready.token)?;
    for (at, slot) in (0..ready.requests.len()).zip(0..) {
        let request = &ready.requests[at];
        let turn = Turn { due: now, ..Turn::rehearsed(slot) };
        let outgoing = prepared.request(at, &turn).ok_or_else(|| unsendable(request))?;
        show(desk.exchange(&request.name, Stage::Mix, outgoing, &request.expect).await);
    }
    Ok(())
}

/// The requests that these slots would send if they were due `now`, since 1970. Pools hold their own name in capitals, and the token is
/// called TOKEN.
///
/// # Errors
/// A request renders to something that HTTP forbids.
pub fn preview(
    plan: &Plan,
    slots: &[(u64, usize)],
    now: Duration,
) -> Result<Vec<Sent>, PrepareError> {
    let pools: Pools = plan
        .pools
        .iter()
        .map(|pool| Arc::from([pool.name.to_ascii_uppercase()]) as Arc<[String]>)
        .collect();
    let weights: Vec<u32> = plan.requests.iter().map(|request| request.weight).collect();
    let feeding = feeding(plan, &plan.requests, &Mix::new(&weights, plan.seed)?);
    let prepared = Prepared::new(&plan.requests, plan, (pools, Arc::new(feeding)), "TOKEN")?;
    let rendered = |(slot, request): &(u64, usize)| {
        let turn = Turn { due: now, ..Turn::rehearsed(*slot) };
        let outgoing = prepared.request(*request, &turn);
        outgoing.map(|one| sent(&one)).ok_or_else(|| unsendable(&plan.requests[*request]))
    };
    Ok(slots.iter().map(rendered).collect::<Result<_, _>>()?)
}

fn unsendable(request: &RequestTemplate) -> RenderError {
    RenderError { request: request.name.clone(), part: "template" }
}

struct Desk {
    dialer: Dialer,
    timeout: Duration,
}

impl Desk {
    async fn exchange_of(
        &self,
        request: &SetupRequest,
        stage: Stage,
        plan: &Plan,
        (pools, token): (&Pools, &str),
    ) -> Result<Single, PrepareError> {
        let outgoing = setup_outgoing(request, plan, Arc::clone(pools), token)?;
        Ok(self.exchange(&request.name, stage, outgoing, &request.expect).await)
    }

    async fn exchange(
        &self,
        name: &str,
        stage: Stage,
        outgoing: Outgoing,
        expect: &Expect,
    ) -> Single {
        let sent = sent(&outgoing);
        let outcome = fetch(&self.dialer, outgoing, self.timeout).await;
        let complaint = match &outcome {
            Ok(answer) => complaint(expect, answer),
            Err(error) => Some(error.to_string()),
        };
        Single { name: name.to_owned(), stage, sent, outcome, complaint }
    }
}

fn complaint(expect: &Expect, answer: &Answer) -> Option<String> {
    if !expect.accepts(answer.status) {
        return Some(match expect.statuses.as_slice() {
            [] => format!("status {}, expected 200 to 399", answer.status),
            statuses => format!("status {}, expected {statuses:?}", answer.status),
        });
    }
    let bytes = answer.body.len() as u64;
    let most = expect.body_bytes_max.filter(|most| bytes > *most)?;
    Some(format!("{bytes} bytes, expected {most} at most"))
}

fn sent(outgoing: &Outgoing) -> Sent {
    let (head, body) = outgoing.clone().into_parts();
    let body = body.into_inner().unwrap_or_default();
    Sent { method: head.method, uri: head.uri, headers: head.headers, body }
}
