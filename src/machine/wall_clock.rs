//! The wall clock: when a run began, and whether a token is still valid. Nothing measured depends on it.

/// Now.
#[expect(clippy::disallowed_methods, reason = "wall-clock time enters here")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Since 1970.
pub fn since_1970() -> std::time::Duration {
    now().as_duration().unsigned_abs()
}
