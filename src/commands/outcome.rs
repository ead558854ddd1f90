//! [`Failure`]: an error on its way to the screen, with the exit code it means.

use std::fmt;

use crate::exit::Exit;

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit code.
    pub exit: Exit,
    message: String,
}

impl Failure {
    /// Bad flags or profile.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, message: message.to_string() }
    }

    /// The target cannot be used.
    pub fn unreachable(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Unreachable, message: message.to_string() }
    }

    /// Stopped by a signal before there was anything to report.
    pub fn interrupted(exit: Exit) -> Self {
        Self { exit, message: "stopped before the load began; nothing was measured".to_owned() }
    }

    /// A bug or a broken machine.
    pub fn unexpected(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failure, message: format!("{:#}", error.into()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
