//! What it took to hold tokens, as a result tells it. No token, name or password is part of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::auth::AuthCounts;

/// What it took to hold tokens. These exchanges are no slots: they are in no other figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthReport {
    /// Tokens held at once, sent in turn.
    pub tokens: u64,
    /// Log-ins before the load; none for keys and credentials of the profile's own.
    pub log_ins: u64,
    /// Tokens renewed during the load; in a search, during all of it.
    pub refreshes: u64,
    /// Those of them that a 401 asked for.
    pub rejections: u64,
    /// Attempts to renew that failed.
    pub failures: u64,
}

impl From<AuthCounts> for AuthReport {
    fn from(counts: AuthCounts) -> Self {
        let AuthCounts { tokens, log_ins, refreshes, rejections, failures } = counts;
        Self { tokens, log_ins, refreshes, rejections, failures }
    }
}
