//! Everything that happens before the clock starts: resolve, connect, log in, run set-up, fill pools.
//!
//! Nothing here is measured. Each failure names the step, the cause and the remedy, and no message holds
//! a password or a token.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use rustls::ClientConfig;

use crate::engine::bystander::Serving;
use crate::engine::entries::{self, Entries};
use crate::engine::prepared::RenderError;
use crate::engine::probe::{Probed, probe};
use crate::engine::setup_client::SetupClient;
use crate::engine::single::Witness;
use crate::engine::token_provider::{OwnLife, Token, TokenProvider};
use crate::load::auth::Auth;
use crate::load::feeder::{FeederId, Feeding};
use crate::load::flow::Flows;
use crate::load::mix::{Mix, MixError};
use crate::load::plan::{Plan, Scheme};
use crate::load::request::{Pools, RequestTemplate, Template};
use crate::load::way::{HttpChoice, HttpVersion, Via, Way};
use crate::profile::{EmptyPool, Redistributed};
use crate::time::Human;
use crate::transport::connect::{DialError, Dialer};
use crate::transport::foresight;
use crate::transport::multiplexed::Session;
use crate::transport::route::{Route, RouteError};
use crate::transport::single::SingleError;

/// How long a server is taken to need where nothing was asked of it yet.
const QUICK_ANSWER: Duration = Duration::from_millis(1);

/// Ports on which a server that was given as `http://` most likely speaks TLS.
const TLS_PORTS: [u16; 2] = [443, 8443];

/// Why the load cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The name does not resolve.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// No connection.
    #[error("cannot connect to {place}: {cause}; {remedy}")]
    Unreachable {
        /// What was connected to.
        place: String,
        /// Why.
        cause: DialError,
        /// What to do.
        remedy: &'static str,
    },
    /// The target is given as `http://`, and its port speaks TLS.
    #[error("{authority} speaks TLS, and was given as http://; write https://{authority}")]
    TlsPort {
        /// Host and port.
        authority: String,
    },
    /// HTTP/2 was asked for, and the target does not speak it.
    #[error(
        "{authority} does not speak HTTP/2 {how}; use --http-version 1.1, or auto for what an https:// \
         target picks"
    )]
    NoHttp2 {
        /// Host and port.
        authority: String,
        /// Over what.
        how: &'static str,
    },
    /// A header that HTTP/2 does not carry.
    #[error(
        "request '{request}': the header '{header}' cannot be sent like this over HTTP/2; leave it out, or \
         use --http-version 1.1"
    )]
    ConnectionHeader {
        /// Which.
        request: String,
        /// Its name.
        header: HeaderName,
    },
    /// A set-up exchange broke.
    #[error("{step}: {cause}")]
    Broken {
        /// Which.
        step: String,
        /// Why.
        cause: SingleError,
    },
    /// A set-up exchange was answered, but not as expected.
    #[error("{step} was answered with status {status}; {remedy}")]
    Refused {
        /// Which.
        step: String,
        /// The answer's.
        status: u16,
        /// What to do.
        remedy: String,
    },
    /// An answer without what was to be taken from it.
    #[error("{step}: {what}")]
    Unusable {
        /// Which.
        step: String,
        /// What is missing.
        what: String,
    },
    /// Logging in took too long.
    #[error(
        "only {done} of {of} log-ins were done within {}; give a smaller auth.pool or a longer \
         auth.fill_timeout", Human(*.after)
    )]
    FillTimeout {
        /// Tokens obtained.
        done: usize,
        /// Tokens wanted.
        of: usize,
        /// The limit.
        after: Duration,
    },
    /// Tokens that expire before all can be renewed.
    #[error(
        "a token lives for {}, but renewing all {of} takes {} at auth.rate; give a smaller auth.pool, or \
         a higher auth.rate if the server stands it", Human(*.life), Human(*.round)
    )]
    ShortLived {
        /// Of one token.
        life: Duration,
        /// How many there are.
        of: usize,
        /// For all of them.
        round: Duration,
    },
    /// Pools that stayed empty.
    #[error("{}", list(.0))]
    EmptyPools(Vec<EmptyPool>),
    /// A request renders to something HTTP forbids.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Nothing is left to send.
    #[error(transparent)]
    Mix(#[from] MixError),
}

/// One line for each pool; which other requests need it comes last.
fn list(empty: &[EmptyPool]) -> String {
    let mut lines = Vec::new();
    for (place, first) in empty.iter().enumerate() {
        if empty[..place].iter().any(|earlier| earlier.pool == first.pool) {
            continue;
        }
        let others: Vec<_> = empty[place + 1..]
            .iter()
            .filter(|later| later.pool == first.pool)
            .map(|later| format!("'{}'", later.request))
            .collect();
        lines.push(match others.as_slice() {
            [] => first.to_string(),
            others => format!("{first} (needed by {} too)", others.join(", ")),
        });
    }
    lines.join("\nerror: ")
}

/// What workers need beyond the plan.
#[derive(Clone)]
pub struct Ready {
    /// Where to connect.
    pub route: Route,
    /// The mix's single requests, after weights of empty pools have moved.
    pub requests: Arc<[RequestTemplate]>,
    /// The mix's flows, which come after them.
    pub flows: Arc<Flows>,
    /// Rows of the ledger: the single requests, then the steps of flows.
    pub rows: Arc<[RequestTemplate]>,
    /// Slot index → single request or flow.
    pub mix: Arc<Mix>,
    /// Collected values.
    pub pools: Pools,
    /// Which row of which feeder each slot takes.
    pub feeding: Arc<Feeding>,
    /// Sent in turn; empty where requests carry none.
    pub tokens: Vec<Token>,
    /// Renews them, where they can be.
    pub provider: Option<TokenProvider>,
    /// Weights that moved, for the findings.
    pub redistributed: Vec<Redistributed>,
    /// How long an answer takes as far as is known: as long as the slowest set-up request, or else a quick one
    /// and the way there and back. Zero where the server serves one connection at a time.
    pub answer_time: Duration,
    /// Whether the server answered while a connection beside the set-up request said nothing.
    pub serving: Serving,
    /// Whether the forwarding proxy asked for credentials where it was asked for a tunnel.
    pub proxy_wants_credentials: bool,
}

/// What preparing needs beside the plan.
pub struct Surroundings<'a> {
    /// For https only.
    pub tls: Option<&'a Arc<ClientConfig>>,
    /// What a token says of its own life.
    pub own_life: OwnLife,
    /// Hears how many tokens there are, after each log-in.
    pub filled: &'a mut dyn FnMut(usize),
    /// Is shown the exchanges.
    pub witness: Option<Witness<'a>>,
}

/// Sends the plan's log-in and set-up requests and resolves what depends on their answers.
pub async fn prepare(plan: &Plan, surroundings: Surroundings<'_>) -> Result<Ready, PrepareError> {
    let (plan, Probed { route, connect_time }) = reach(plan, surroundings.tls).await?;
    let proxy_wants_credentials = proxy_wants_credentials(&plan, &route).await;
    let plan = &plan;
    let witness = surroundings.witness;
    let client = SetupClient::new(plan, &route, witness);
    let (tokens, provider) = match &plan.auth {
        None => (Vec::new(), None),
        Some(Auth::Given(texts)) => (texts.iter().map(|text| Token::given(text)).collect(), None),
        Some(Auth::Issued(issuance)) => {
            let provider = TokenProvider::new(
                (plan, issuance),
                &route,
                surroundings.tls,
                surroundings.own_life,
            );
            let provider = provider.await?;
            (provider.fill(surroundings.filled, witness).await?, Some(provider))
        }
    };
    let token = tokens.first().map(|token| Arc::clone(&token.text));
    let pools = client.fill_pools(token.as_deref().unwrap_or_default()).await?;
    let (slowest, serving) = client.seen();
    let answer_time = match serving {
        Serving::OneAtATime => Duration::ZERO,
        Serving::Several => slowest.unwrap_or(connect_time + QUICK_ANSWER),
    };
    let Entries { requests, flows, rows, mix, redistributed } = entries::settle(plan, &pools)?;
    let feeding = Arc::new(feeding(plan, &requests, &mix));
    Ok(Ready {
        route,
        requests,
        flows,
        rows,
        mix,
        pools,
        feeding,
        tokens,
        provider,
        redistributed,
        answer_time,
        serving,
        proxy_wants_credentials,
    })
}

/// Which rows the slots of a mix take.
pub(super) fn feeding(plan: &Plan, requests: &[RequestTemplate], mix: &Mix) -> Feeding {
    let single = requests.iter().map(|one| one.feeders().collect());
    // A flow takes one row for all of its steps.
    let flows = plan.flows.list.iter().map(|flow| {
        flow.steps.iter().flat_map(|step| step.request.feeders()).collect::<BTreeSet<_>>()
    });
    let used: Vec<Vec<FeederId>> =
        single.chain(flows.map(|feeders| feeders.into_iter().collect())).collect();
    Feeding::new(plan.feeders.clone(), mix, |request| &used[request], plan.seed)
}

/// The way to the target, tried, and the plan with the version of HTTP that is spoken there.
async fn reach(
    plan: &Plan,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<(Plan, Probed), PrepareError> {
    let route = Route::resolve(&plan.origin, &plan.way, tls).await?;
    // So an unreachable target is told from a failing log-in.
    let probed = probe(&route, plan.limits.connect_timeout).await;
    let Probed { route, connect_time } = probed.map_err(|cause| unreachable(plan, cause))?;
    refuse_tls_port(plan, &route).await?;
    let route = agree(plan, route).await?;
    let way = Way { http: HttpChoice::Exactly(route.version()), ..plan.way.clone() };
    let plan = Plan { way, ..plan.clone() };
    check_headers(&plan)?;
    Ok((plan, Probed { route, connect_time }))
}

/// Whether a proxy that forwards requests wants other credentials than it is given. One that wants them for
/// tunnels alone forwards all the same, so this ends no load.
async fn proxy_wants_credentials(plan: &Plan, route: &Route) -> bool {
    let Some(proxy) = plan.way.forwarding_proxy(&plan.origin) else { return false };
    let dialer = Dialer::new(route.clone(), plan.limits.connect_timeout);
    foresight::wants_credentials(&dialer, proxy, plan.way.destination(&plan.origin)).await
}

/// Ends a load of plain HTTP on a port that speaks TLS, where the port's number gives reason to ask.
async fn refuse_tls_port(plan: &Plan, route: &Route) -> Result<(), PrepareError> {
    let dialer = Dialer::new(route.clone(), plan.limits.connect_timeout);
    let direct = plan.way.forwarding_proxy(&plan.origin).is_none();
    let unencrypted = direct && plan.origin.scheme == Scheme::Http;
    if unencrypted
        && TLS_PORTS.contains(&plan.origin.port)
        && foresight::speaks_tls(&dialer, &plan.origin.host).await
    {
        return Err(PrepareError::TlsPort { authority: plan.origin.authority.clone() });
    }
    Ok(())
}

/// Settles the version of HTTP before anything is sent.
async fn agree(plan: &Plan, route: Route) -> Result<Route, PrepareError> {
    use HttpVersion::{Http1, Http2};
    let wanted = plan.way.http;
    let secure = plan.origin.scheme == Scheme::Https;
    if wanted == HttpChoice::Exactly(Http1) || wanted == HttpChoice::Auto && !secure {
        return Ok(route.speaking(Http1));
    }
    let refusal = || PrepareError::NoHttp2 {
        authority: plan.origin.authority.clone(),
        how: if secure { "over TLS" } else { "with prior knowledge" },
    };
    let patience = plan.limits.connect_timeout;
    let dialer = Dialer::new(route.clone(), patience);
    let opened = dialer.dial().await.map_err(|cause| unreachable(plan, cause))?;
    if opened.stream.negotiated() == Some(Http1) {
        return match wanted {
            HttpChoice::Auto => Ok(route.speaking(Http1)),
            HttpChoice::Exactly(_) => Err(refusal()),
        };
    }
    match tokio::time::timeout(patience, Session::open(opened)).await {
        Ok(Ok(_)) => Ok(route.speaking(Http2)),
        Ok(Err(_)) | Err(_)
            if !secure && foresight::speaks_tls(&dialer, &plan.origin.host).await =>
        {
            Err(PrepareError::TlsPort { authority: plan.origin.authority.clone() })
        }
        Ok(Err(_)) | Err(_) => Err(refusal()),
    }
}

/// HTTP/2 knows no headers about the connection, and takes the `Host` apart from the headers.
fn check_headers(plan: &Plan) -> Result<(), PrepareError> {
    if plan.way.http != HttpChoice::Exactly(HttpVersion::Http2) {
        return Ok(());
    }
    let log_ins = plan.auth.iter().filter(|auth| auth.origin().is_none()).flat_map(Auth::exchanges);
    let setup = log_ins.chain(&plan.setup);
    let setup = setup.map(|request| (&request.name, &request.headers));
    let requests = plan.rows().map(|request| (&request.name, &request.headers));
    for (request, headers) in setup.chain(requests) {
        let unfit = |(name, value): &&(HeaderName, Template)| match name.as_str() {
            "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" => {
                true
            }
            "te" => value.as_literal() != Some("trailers"),
            "host" => value.varies_by_slot(),
            _ => false,
        };
        if let Some((header, _)) = headers.iter().find(unfit) {
            let (request, header) = (request.clone(), header.clone());
            return Err(PrepareError::ConnectionHeader { request, header });
        }
    }
    Ok(())
}

fn unreachable(plan: &Plan, cause: DialError) -> PrepareError {
    let target = plan.way.destination(&plan.origin);
    let place = match (&plan.way.via, &cause) {
        (Via::Direct, _) => target.to_string(),
        (Via::UnixSocket(path), _) => format!("the Unix socket {}", path.display()),
        (Via::Proxy(proxy), DialError::Connect { .. } | DialError::SetUp) => {
            format!("the proxy {proxy}")
        }
        (Via::Proxy(proxy), _) => format!("{target} through the proxy {proxy}"),
    };
    let general = match (&plan.way.via, &cause) {
        (Via::Direct, _) => "is the target running, and is --host right?",
        (Via::UnixSocket(_), _) => "is the target running, and is --unix-socket right?",
        (_, DialError::Proxy(_)) => "is the target running, and may the proxy be used to reach it?",
        (_, DialError::Connect { .. } | DialError::SetUp | DialError::Tls(_)) => {
            "is the proxy running, and is --proxy right?"
        }
    };
    let remedy = cause.reason().remedy().unwrap_or(general);
    PrepareError::Unreachable { place, cause, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pool_is_told_once() {
        let empty = |request: &str, pool: &str| EmptyPool {
            request: request.into(),
            pool: pool.into(),
            setup: "lists".into(),
            hint: None,
        };
        let text = list(&[empty("a", "ids"), empty("b", "chats"), empty("c", "ids")]);
        assert_eq!(
            text,
            "'a' needs a value from 'ids', but 'lists' found none (needed by 'c' too)\n\
             error: 'b' needs a value from 'chats', but 'lists' found none"
        );
    }
}
