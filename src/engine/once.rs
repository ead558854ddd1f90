//! One exchange of each kind, kept whole, for a look before the load.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use crate::engine::desk::Desk;
use crate::engine::prepare::{PrepareError, Ready, Surroundings, feeding, prepare, route_of};
use crate::engine::prepared::{Prepared, RenderError, Turn, setup_outgoing};
use crate::load::answer::{self as answered, Body};
use crate::load::auth::Auth;
use crate::load::expect::{Expect, Inspection};
use crate::load::extract::{Gathered, GatheredPool, Ring, Target};
use crate::load::mix::Mix;
use crate::load::plan::{Plan, SetupRequest};
use crate::load::request::{Pools, RequestTemplate};
use crate::transport::exchange::Outgoing;
use crate::transport::single::{Answer, SingleError};

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
    /// The token that it may have carried, which is not to be shown; empty where there is none.
    pub token: Arc<str>,
}

/// Sends the log-in, the set-up requests and each request of the mix one time, and hands over each exchange
/// as it is done; `now` since 1970 for timestamps.
///
/// # Errors
/// The target cannot be reached, or log-in or set-up fails; the log-in has been handed over by then.
pub async fn once(
    plan: &Plan,
    surroundings: Surroundings<'_>,
    now: Duration,
    show: &mut dyn FnMut(Single),
) -> Result<(), PrepareError> {
    let (plan, route) = route_of(plan, surroundings.tls).await?;
    let plan = &plan;
    let desk = Desk::new(plan, &route);
    if let Some(login) = plan.auth.as_ref().and_then(log_in) {
        show(exchange_of(&desk, login, Stage::LogIn, (&Arc::from([]), "")).await?);
    }
    let ready = prepare(plan, surroundings).await?;
    let tokens: Vec<Arc<str>> = ready.tokens.iter().map(|one| Arc::clone(&one.text)).collect();
    let of = |slot: usize| tokens.get(slot % tokens.len().max(1)).cloned().unwrap_or_default();
    for setup in &plan.setup {
        let filled = (&ready.pools, &*of(0));
        let single = exchange_of(&desk, setup, Stage::SetUp, filled).await?;
        show(Single { token: of(0), ..single });
    }
    let sources = (Arc::clone(&ready.pools), Arc::clone(&ready.feeding));
    let prepared = Prepared::new(&ready.rows, plan, sources, &tokens)?;
    let mut left = Left::new(&ready);
    let mut rows: Vec<usize> = (0..ready.rows.len()).collect();
    // Twice, since later answers may bring what an earlier request is filled with.
    for _ in 0..2 {
        let mut unfilled = Vec::new();
        for row in rows {
            let request = &ready.rows[row];
            let gathered = left.gathered(row);
            let turn = Turn { due: now, gathered, ..Turn::rehearsed(row as u64) };
            if !prepared.is_filled_by(row, gathered) {
                unfilled.push(row);
                continue;
            }
            let outgoing = prepared.request(row, &turn).ok_or_else(|| unsendable(request))?;
            let expect = &request.expect;
            let single = exchange(&desk, (&request.name, Stage::Mix), outgoing, expect).await;
            left.take(row, expect, &single);
            show(Single { token: of(row), ..single });
        }
        rows = unfilled;
    }
    match rows.first() {
        None => Ok(()),
        Some(row) => Err(PrepareError::Unusable {
            step: ready.rows[*row].name.clone(),
            what: "no answer brought what it is filled with".to_owned(),
        }),
    }
}

/// What answers have left for later requests.
struct Left {
    pools: Vec<Ring>,
    /// Of each flow.
    variables: Vec<Vec<Option<String>>>,
    /// The flow that a row is a step of.
    flows: Vec<Option<usize>>,
}

impl Left {
    fn new(ready: &Ready) -> Self {
        let list = &ready.flows.list;
        let steps =
            list.iter().enumerate().flat_map(|(flow, one)| vec![Some(flow); one.steps.len()]);
        Self {
            pools: ready.flows.gathered.iter().map(|pool| pool.begun(&ready.pools)).collect(),
            variables: list.iter().map(|flow| vec![None; flow.variables]).collect(),
            flows: vec![None; ready.requests.len()].into_iter().chain(steps).collect(),
        }
    }

    fn gathered(&self, row: usize) -> Gathered<'_> {
        let variables = self.flows[row].map_or(&[][..], |flow| &self.variables[flow]);
        Gathered { variables, pools: &self.pools }
    }

    fn take(&mut self, row: usize, expect: &Expect, single: &Single) {
        let Ok(answer) = &single.outcome else { return };
        for (target, values) in inspected(expect, answer).taken {
            match target {
                Target::Pool(pool) => values.into_iter().for_each(|one| self.pools[pool].push(one)),
                Target::Variable(number) => {
                    if let Some(flow) = self.flows[row] {
                        self.variables[flow][number] = values.into_iter().next();
                    }
                }
            }
        }
    }
}

fn inspected(expect: &Expect, answer: &Answer) -> Inspection {
    let body = Body::Whole(&answer.body);
    expect.inspect(&answered::Answer::new(answer.body.len() as u64, &answer.headers, body))
}

/// The requests that these slots would send if they were due `now`, since 1970. Pools hold their own name
/// in capitals, and the token is called TOKEN.
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
    let mix = Mix::new(&plan.weights(), plan.seed)?;
    let feeding = Arc::new(feeding(plan, &plan.requests, &mix));
    let rows: Vec<RequestTemplate> = plan.rows().cloned().collect();
    let prepared = Prepared::new(&rows, plan, (pools, feeding), &["TOKEN".into()])?;
    let named = |pool: &GatheredPool| {
        let mut ring = Ring::new(1);
        ring.push(pool.name.to_ascii_uppercase());
        ring
    };
    let pools: Vec<Ring> = plan.flows.gathered.iter().map(named).collect();
    let gathered = Gathered { variables: &[], pools: &pools };
    let rendered = |(slot, request): &(u64, usize)| {
        let turn = Turn { due: now, gathered, ..Turn::rehearsed(*slot) };
        let outgoing = prepared.request(*request, &turn);
        outgoing.map(|one| sent(&one)).ok_or_else(|| unsendable(&rows[*request]))
    };
    Ok(slots.iter().map(rendered).collect::<Result<_, _>>()?)
}

/// The first user's log-in, where the target itself issues tokens.
fn log_in(auth: &Auth) -> Option<&SetupRequest> {
    match auth {
        Auth::Issued(issuance) if issuance.origin.is_none() => issuance.log_ins.first(),
        _ => None,
    }
}

fn unsendable(request: &RequestTemplate) -> RenderError {
    RenderError { request: request.name.clone(), part: "template" }
}

async fn exchange_of(
    desk: &Desk<'_>,
    request: &SetupRequest,
    stage: Stage,
    (pools, token): (&Pools, &str),
) -> Result<Single, PrepareError> {
    let outgoing = setup_outgoing(request, desk.plan, Arc::clone(pools), token)?;
    Ok(exchange(desk, (&request.name, stage), outgoing, &request.expect).await)
}

async fn exchange(
    desk: &Desk<'_>,
    (name, stage): (&str, Stage),
    outgoing: Outgoing,
    expect: &Expect,
) -> Single {
    let sent = sent(&outgoing);
    let outcome = desk.fetch(outgoing).await;
    let complaint = match &outcome {
        Ok(answer) => complaint(expect, answer),
        Err(error) => Some(error.to_string()),
    };
    Single { name: name.to_owned(), stage, sent, outcome, complaint, token: Arc::default() }
}

fn complaint(expect: &Expect, answer: &Answer) -> Option<String> {
    if !expect.accepts(answer.status) {
        return Some(match expect.statuses.as_slice() {
            [] => format!("status {}, expected 200 to 399", answer.status),
            statuses => format!("status {}, expected {}", answer.status, listed(statuses)),
        });
    }
    let inspection = inspected(expect, answer);
    let failed: Vec<String> =
        inspection.amiss.places().map(|place| expect.name_of(place)).collect();
    inspection.failed.then(|| format!("failed: {}", failed.join(", ")))
}

fn listed(statuses: &[RangeInclusive<u16>]) -> String {
    let one = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}"),
    };
    statuses.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn sent(outgoing: &Outgoing) -> Sent {
    let (head, body) = outgoing.clone().into_parts();
    let body = body.into_inner().unwrap_or_default();
    Sent { method: head.method, uri: head.uri, headers: head.headers, body }
}
