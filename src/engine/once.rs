//! One exchange of each kind, kept whole, for a look before the load.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::journeys::redirect;
use crate::engine::prepare::{PrepareError, Ready, Surroundings, feeding, prepare};
use crate::engine::prepared::{Prepared, RenderError, Turn, Unsendable};
use crate::engine::ruling::inspected;
use crate::engine::setup_client::SetupClient;
use crate::engine::single::{Sent, Single, Stage, Witness};
use crate::load::auth::{Auth, Issuance};
use crate::load::expect::Expect;
use crate::load::extract::{Gathered, GatheredPool, Ring, Target};
use crate::load::mix::Mix;
use crate::load::plan::{Origin, Plan};
use crate::load::redirect::{Redirection, is_redirect};
use crate::load::request::{Pools, RequestTemplate};
use crate::transport::exchange::Outgoing;

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
    let plan = &with_one_log_in(plan);
    let Surroundings { tls, own_life, filled, .. } = surroundings;
    let show = RefCell::new(show);
    let witness = |single| show.borrow_mut()(single);
    let surroundings = Surroundings { tls, own_life, filled, witness: Some(&witness) };
    let ready = prepare(plan, surroundings).await?;
    let client = SetupClient::new(plan, &ready.route, None);
    let tokens: Vec<Arc<str>> = ready.tokens.iter().map(|one| Arc::clone(&one.text)).collect();
    let of = |slot: usize| tokens.get(slot % tokens.len().max(1)).cloned().unwrap_or_default();
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
            let outgoing = prepared.request(row, &turn);
            let outgoing = outgoing.map_err(|why| unsendable(request, why, &plan.origin))?;
            let single = last_hop(&client, request, outgoing, &of(row), &witness).await;
            left.take(row, &request.expect, &single);
            witness(single);
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

/// Sends a request and follows its redirects as far as the profile has it; all exchanges but the last, which
/// is judged, are shown.
async fn last_hop(
    client: &SetupClient<'_>,
    request: &RequestTemplate,
    mut outgoing: Outgoing,
    token: &str,
    witness: Witness<'_>,
) -> Single {
    let (of_request, expect) = ((&*request.name, Stage::Mix), &request.expect);
    let mut followed = 0;
    loop {
        let (sent, outcome) = (Sent::of(&outgoing), client.fetch(outgoing.clone()).await);
        let onward = match &outcome {
            Ok(answer) if expect.redirects > 0 && is_redirect(answer.status) => {
                let (method, uri) = (&sent.method, &sent.uri);
                let (status, headers) = (answer.status, &answer.headers);
                let from = Redirection { method, uri, status, headers };
                from.onward(&client.plan.origin, followed, expect.redirects)
            }
            _ => return Single::new(of_request, sent, outcome, expect, token),
        };
        let hop = Single::new(of_request, sent, outcome, &Expect::SUCCESS, token);
        match onward {
            Ok(onward) => redirect(&mut outgoing, &onward),
            Err(trouble) => {
                return Single { complaint: Some(trouble.name().to_owned()), ..hop };
            }
        }
        witness(hop);
        followed += 1;
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

/// The requests that these slots would send if they were due `now`, since 1970. Pools hold their own name
/// in capitals, flows' variables VARIABLE, and the token is called TOKEN.
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
    let most = plan.flows.list.iter().map(|flow| flow.variables).max().unwrap_or(0);
    let variables = vec![Some("VARIABLE".to_owned()); most];
    let gathered = Gathered { variables: &variables, pools: &pools };
    let rendered = |(slot, request): &(u64, usize)| {
        let turn = Turn { due: now, gathered, ..Turn::rehearsed(*slot) };
        let outgoing = prepared.request(*request, &turn);
        let unsendable = |why| unsendable(&rows[*request], why, &plan.origin);
        outgoing.map(|one| Sent::of(&one)).map_err(unsendable)
    };
    slots.iter().map(rendered).collect()
}

/// The plan with a single log-in, which suffices for a look.
fn with_one_log_in(plan: &Plan) -> Plan {
    let auth = plan.auth.clone().map(|auth| match auth {
        Auth::Issued(issuance) => {
            Auth::Issued(Arc::new(Issuance { pool: 1, ..(*issuance).clone() }))
        }
        given @ Auth::Given(_) => given,
    });
    Plan { auth, ..plan.clone() }
}

fn unsendable(request: &RequestTemplate, why: Unsendable, origin: &Origin) -> PrepareError {
    match why {
        Unsendable::Forbidden => {
            RenderError { request: request.name.clone(), part: "template" }.into()
        }
        Unsendable::Elsewhere(link) => PrepareError::Unusable {
            step: request.name.clone(),
            what: format!("its path is the link '{link}', which is not on {}", origin.authority),
        },
    }
}
