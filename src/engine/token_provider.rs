//! [`TokenProvider`]: sends log-ins and refreshes, and reads tokens off the answers.
//!
//! Each exchange has a connection of its own and is no slot: nothing of it reaches the ledger.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rustls::ClientConfig;
use tokio::time::MissedTickBehavior;

use crate::engine::cookies::Cookies;
use crate::engine::keeper::Means;
use crate::engine::prepare::PrepareError;
use crate::engine::setup_client::{SetupCall, SetupClient, document, redirection, step};
use crate::engine::single::{Stage, Witness};
use crate::load::auth::{Issuance, Lifetime, TokenPlace};
use crate::load::json_text;
use crate::load::plan::Plan;
use crate::load::request::Pools;
use crate::load::set_cookie::Channel;
use crate::load::way::{HttpChoice, HttpVersion, Via, Way};
use crate::profile::select;
use crate::transport::clock::monotonic_ns;
use crate::transport::route::{Route, RouteError};
use crate::transport::single::Answer;

/// How long a token lives that has just been issued, as it says of itself.
pub type OwnLife = fn(&str) -> Option<Duration>;

/// A token, and what is known of its life.
#[derive(Clone)]
pub struct Token {
    /// What stands for `{{ token }}`.
    pub text: Arc<str>,
    /// What stands for `{{ refresh_token }}`.
    refresh: Option<String>,
    pub(super) life: Option<Duration>,
    /// Monotonic nanoseconds.
    issued_ns: u64,
}

impl Token {
    /// One that was written down and does not expire.
    pub(super) fn given(text: &str) -> Self {
        Self { text: text.into(), refresh: None, life: None, issued_ns: monotonic_ns() }
    }

    pub(super) fn age(&self) -> Duration {
        Duration::from_nanos(monotonic_ns().saturating_sub(self.issued_ns))
    }
}

/// Obtains tokens.
#[derive(Clone)]
pub struct TokenProvider {
    pub(super) issuance: Arc<Issuance>,
    /// As for the target, but to the server that issues.
    plan: Plan,
    route: Route,
    own_life: OwnLife,
    /// Of the target, to which cookies are sent.
    channel: Channel,
}

impl TokenProvider {
    /// Looks up the server that issues, if it is not the target, which `route` leads to.
    pub(super) async fn new(
        (plan, issuance): (&Plan, &Arc<Issuance>),
        route: &Route,
        tls: Option<&Arc<ClientConfig>>,
        own_life: OwnLife,
    ) -> Result<Self, RouteError> {
        let channel = plan.origin.channel();
        let (plan, route) = match &issuance.origin {
            None => (plan.clone(), route.clone()),
            Some(origin) => {
                let way = elsewhere(&plan.way);
                let route = Route::resolve(origin, &way, tls).await?;
                (Plan { origin: origin.clone(), way, ..plan.clone() }, route)
            }
        };
        Ok(Self { issuance: Arc::clone(issuance), plan, route, own_life, channel })
    }

    /// Obtains every token, one after the other at the plan's rate. `told` hears how many there are so far.
    pub(super) async fn fill(
        &self,
        told: &mut dyn FnMut(usize),
        witness: Option<Witness<'_>>,
    ) -> Result<Vec<Token>, PrepareError> {
        let issuance = &self.issuance;
        let mut tokens = Vec::with_capacity(issuance.pool);
        let mut turns = tokio::time::interval(issuance.rate.gap().max(Duration::from_nanos(1)));
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let all = async {
            for number in 0..issuance.pool {
                turns.tick().await;
                let token = self.log_in(number, witness).await?;
                outlasts(&token, issuance)?;
                tokens.push(token);
                told(tokens.len());
            }
            Ok(())
        };
        match tokio::time::timeout(issuance.fill_max, all).await {
            Ok(done) => done.map(|()| tokens),
            Err(_) => Err(PrepareError::FillTimeout {
                done: tokens.len(),
                of: issuance.pool,
                after: issuance.fill_max,
            }),
        }
    }

    /// Logs in for one of the tokens.
    async fn log_in(
        &self,
        token: usize,
        witness: Option<Witness<'_>>,
    ) -> Result<Token, PrepareError> {
        let log_ins = &self.issuance.log_ins;
        let user = token % log_ins.len();
        let request = &log_ins[user];
        let step = match log_ins.len() {
            1 => step(request),
            _ => format!("{} of user {}", step(request), user + 1),
        };
        let (stage, pools) = (Stage::LogIn, &Arc::from([]));
        self.obtain(SetupCall { request, stage, pools, token: "", step: &step }, witness).await
    }

    /// Renews a token.
    pub(super) async fn renew(
        &self,
        number: usize,
        token: &Token,
        means: Means,
    ) -> Result<Token, PrepareError> {
        let (Some(refresh), Means::Refresh) = (&self.issuance.refresh, means) else {
            return self.log_in(number, None).await;
        };
        let held = token.refresh.clone();
        let pools: Pools = Arc::from([Arc::from([held.clone().unwrap_or_default()])]);
        let (request, step) = (&refresh.request, step(&refresh.request));
        let (stage, token) = (Stage::LogIn, &token.text);
        let errand = SetupCall { request, stage, pools: &pools, token, step: &step };
        let renewed = self.obtain(errand, None).await?;
        // A server that keeps the refresh token does not repeat it (RFC 6749, section 6).
        let refresh = renewed.refresh.or(held);
        Ok(Token { refresh, ..renewed })
    }

    async fn obtain(
        &self,
        errand: SetupCall<'_>,
        witness: Option<Witness<'_>>,
    ) -> Result<Token, PrepareError> {
        let answer = SetupClient::new(&self.plan, &self.route, witness).accepted(errand).await?;
        let step = errand.step.to_owned();
        self.read(&answer).map_err(|what| PrepareError::Unusable { step, what })
    }

    /// The token in an answer, or what is wrong; the answer itself may hold secrets and is not quoted.
    fn read(&self, answer: &Answer) -> Result<Token, String> {
        let body = document(answer, json_text::read);
        let first = |path: &str| -> Result<Option<String>, String> {
            let body = body.as_ref().map_err(Clone::clone)?;
            Ok(select(path, body).map_err(|error| error.to_string())?.into_iter().next())
        };
        let (text, own_life) = match &self.issuance.token {
            TokenPlace::Json(path) => {
                let text = first(path)?.filter(|token| !token.is_empty());
                let text = text.ok_or_else(|| {
                    format!("the answer holds no token at {path}; check auth.token in the profile")
                })?;
                let life = (self.own_life)(&text);
                (text, life)
            }
            TokenPlace::Cookies(names) => self.read_cookies(answer, names)?,
        };
        if HeaderValue::from_str(&text).is_err() {
            return Err("the token holds characters that no header can carry".to_owned());
        }
        let told = || match &self.issuance.lifetime {
            Lifetime::Fixed(life) => Some(*life),
            Lifetime::InAnswer(path) => {
                let seconds = first(path).ok()??.parse::<f64>().ok()?;
                Duration::try_from_secs_f64(seconds).ok()
            }
        };
        let refresh_token =
            self.issuance.refresh.as_ref().and_then(|refresh| refresh.refresh_token.as_deref());
        Ok(Token {
            text: text.into(),
            refresh: refresh_token.and_then(|path| first(path).ok()?),
            life: own_life.or_else(told),
            issued_ns: monotonic_ns(),
        })
    }

    fn read_cookies(
        &self,
        answer: &Answer,
        names: &[String],
    ) -> Result<(String, Option<Duration>), String> {
        let cookies = Cookies::of(&answer.headers).chosen(names, self.channel);
        if cookies.is_empty() {
            if let Some(what) = redirection(answer) {
                return Err(format!("no cookie was set, and {what}"));
            }
            let wanted = if names.is_empty() { "cookie".to_owned() } else { names.join(", ") };
            return Err(format!(
                "the answer sets no {wanted} that can be sent; check auth.cookies in the profile, and \
                 note that a Secure cookie goes over https only"
            ));
        }
        let own = cookies.values().filter_map(|value| (self.own_life)(value)).min();
        Ok((cookies.header(), own.or_else(|| cookies.life())))
    }
}

/// Tokens must live for longer than it takes to renew them all.
fn outlasts(token: &Token, issuance: &Issuance) -> Result<(), PrepareError> {
    let round = issuance.fill_time();
    match token.life.filter(|life| *life < round) {
        None => Ok(()),
        Some(life) => Err(PrepareError::ShortLived { life, of: issuance.pool, round }),
    }
}

/// The way to a server beside the target: a Unix socket leads to the target alone.
fn elsewhere(way: &Way) -> Way {
    let via = match &way.via {
        Via::UnixSocket(_) => Via::Direct,
        other => other.clone(),
    };
    Way { via, http: HttpChoice::Exactly(HttpVersion::Http1), ..way.clone() }
}
