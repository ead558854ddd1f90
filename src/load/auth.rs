//! [`Auth`]: how requests prove who sends them: where tokens come from, how many there are and how they
//! are kept alive.
//!
//! Whatever the kind, a request carries a *token*: an access token, a cookie, a key or encoded
//! credentials. `Debug` shows numbers only, since all of it is secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::load::plan::{Origin, SetupRequest};
use crate::load::rate::Rate;

/// Most tokens held at once, and most users.
pub const TOKENS_MAX: usize = 10_000;

/// Where tokens come from.
#[derive(Clone)]
pub enum Auth {
    /// Written down: keys and encoded credentials, one for each user; at least one. They never expire.
    Given(Vec<String>),
    /// Obtained from a server before the load, and renewed while it runs.
    Issued(Arc<Issuance>),
}

/// How tokens are obtained and renewed.
#[derive(Clone)]
pub struct Issuance {
    /// The server that issues them, if it is not the target.
    pub origin: Option<Origin>,
    /// A log-in for each user; token i belongs to user i mod their number. At least one.
    pub log_ins: Vec<SetupRequest>,
    /// Tokens held at once, 1 to [`TOKENS_MAX`]; slot i sends token i mod this.
    pub pool: usize,
    /// Log-ins and refreshes together at most; each waits for the one before.
    pub rate: Rate,
    /// The longest that filling the pool may take before the load.
    pub fill_max: Duration,
    /// Where an answer holds the token.
    pub token: TokenPlace,
    /// How long a token lives that does not say so itself.
    pub lifetime: Lifetime,
    /// Renews a token; a log-in does where there is none, or where it fails.
    pub refresh: Option<Refresh>,
}

/// Where an answer holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// At this `JSONPath` (RFC 9535) of the body.
    Json(String),
    /// In its `Set-Cookie` headers: the cookies of these names, or all where none is named.
    Cookies(Vec<String>),
}

/// How long a token lives that does not say so itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// As many seconds as the answer's body says at this `JSONPath`; nothing there means unknown.
    InAnswer(String),
    /// This long.
    Fixed(Duration),
}

/// A request that renews a token.
#[derive(Clone)]
pub struct Refresh {
    /// Carries the token; its pool 0 holds the refresh token.
    pub request: SetupRequest,
    /// `JSONPath` of the refresh token in the answers to log-in and refresh.
    pub refresh_token: Option<String>,
}

impl Auth {
    /// Tokens held at once.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Given(tokens) => tokens.len(),
            Self::Issued(issuance) => issuance.pool,
        }
    }

    /// The server that issues them, if it is not the target.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Given(_) => None,
            Self::Issued(issuance) => issuance.origin.as_ref(),
        }
    }

    /// Every exchange it may send.
    pub fn exchanges(&self) -> impl Iterator<Item = &SetupRequest> {
        let issuance = match self {
            Self::Given(_) => None,
            Self::Issued(issuance) => Some(issuance),
        };
        issuance.into_iter().flat_map(|issuance| {
            let refresh = issuance.refresh.iter().map(|refresh| &refresh.request);
            issuance.log_ins.iter().chain(refresh)
        })
    }
}

impl Issuance {
    /// How long filling the pool takes at least.
    pub fn fill_time(&self) -> Duration {
        let last = u64::try_from(self.pool).unwrap_or(u64::MAX).saturating_sub(1);
        Duration::from_nanos(self.rate.due(last).as_nanos())
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(tokens) => write!(f, "Given({} tokens)", tokens.len()),
            Self::Issued(issuance) => issuance.fmt(f),
        }
    }
}

impl fmt::Debug for Issuance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuance")
            .field("users", &self.log_ins.len())
            .field("pool", &self.pool)
            .field("rate", &self.rate)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::request::{Expect, Template};

    fn issuance(pool: usize) -> Issuance {
        let log_in = SetupRequest {
            name: "login".into(),
            method: http::Method::POST,
            path: Template::literal("/login"),
            headers: vec![(http::header::AUTHORIZATION, Template::literal("s3cret"))],
            body: Some(Template::literal("s3cret").into()),
            expect: Expect::SUCCESS,
        };
        Issuance {
            origin: None,
            log_ins: vec![log_in],
            pool,
            rate: "2/s".parse().unwrap(),
            fill_max: Duration::from_secs(1),
            token: TokenPlace::Json("$.t".into()),
            lifetime: Lifetime::Fixed(Duration::from_secs(1)),
            refresh: None,
        }
    }

    #[test]
    fn the_first_log_in_waits_for_none() {
        for (pool, seconds) in [(1, 0), (2, 500), (21, 10_000)] {
            assert_eq!(issuance(pool).fill_time(), Duration::from_millis(seconds), "{pool}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let auths = [Auth::Given(vec!["s3cret".into()]), Auth::Issued(Arc::new(issuance(1)))];
        for auth in auths {
            assert!(!format!("{auth:?}").contains("s3cret"), "{auth:?}");
        }
    }
}
