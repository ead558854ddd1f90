//! [`Failure`]: an error on its way to the screen, with the exit code it means.

use std::fmt;

use crate::exit::Exit;
use crate::session::SessionError;

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

    /// A signal that came before there was anything to report.
    pub fn interrupted(exit: Exit) -> Self {
        Self { exit, message: "interrupted before the load began".to_owned() }
    }

    /// A bug or a broken machine.
    pub fn unexpected(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failure, message: told(&error.into()) }
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Usage(message) => Self { exit: Exit::Usage, message },
            SessionError::Unreachable(message) => Self { exit: Exit::Unreachable, message },
            SessionError::Interrupted => Self::interrupted(Exit::Interrupted),
            SessionError::Unexpected(error) => Self::unexpected(anyhow::Error::from_boxed(error)),
        }
    }
}

/// The error with its causes, each one time: most name their cause already.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        _ if text.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write it: {source}; choose another folder")]
    struct Telling {
        source: io::Error,
    }

    #[test]
    fn a_cause_is_told_one_time() {
        let cause = || io::Error::other("the disk is full");
        let told = |error: anyhow::Error| Failure::unexpected(error).to_string();
        let once = "cannot write it: the disk is full; choose another folder";
        assert_eq!(told(Telling { source: cause() }.into()), once);
        let silent = anyhow::Error::from(cause()).context("cannot listen");
        assert_eq!(told(silent), "cannot listen: the disk is full");
    }
}
