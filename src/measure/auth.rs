//! [`AuthCounts`]: what it took to hold tokens. Their exchanges are no slots, so they stand apart from the
//! ledger and from every measured time.

/// What it took to hold tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuthCounts {
    /// Tokens held at once.
    pub tokens: u64,
    /// Log-ins before the load.
    pub log_ins: u64,
    /// Tokens renewed while the load ran.
    pub refreshes: u64,
    /// Those of them that a 401 asked for.
    pub rejections: u64,
    /// Attempts to renew that failed; the old token was kept.
    pub failures: u64,
}
