//! [`SessionError`]: why a session cannot begin, or not go on.

use std::error::Error;
use std::fmt;

/// An error, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// What was asked for cannot be done; the text says what to change.
    #[error("{0}")]
    Usage(String),
    /// The target cannot be used: unreachable, or log-in or set-up failed.
    #[error("{0}")]
    Unreachable(String),
    /// The end was requested before there was anything to report.
    #[error("interrupted before the load began")]
    Interrupted,
    /// A bug or a broken machine.
    #[error(transparent)]
    Unexpected(Box<dyn Error + Send + Sync>),
}

impl SessionError {
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(super) fn unexpected(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unexpected(Box::new(error))
    }
}
