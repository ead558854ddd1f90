//! Exit codes: a public contract that scripts test for, decided in one place.

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and every threshold holds.
    Ok = 0,
    /// An unexpected failure: a bug, a full disk.
    Failure = 1,
    /// Bad flags or profile.
    Usage = 2,
    /// The target is unreachable, or log-in or set-up failed before the load.
    Unreachable = 3,
    /// The measurement is invalid: the generator could not hold the schedule; or runs that cannot be
    /// compared.
    Invalid = 4,
    /// Results were cut short.
    Incomplete = 5,
    /// A threshold failed, or a comparison found a regression.
    Threshold = 99,
    /// SIGINT, after results were written.
    Interrupted = 130,
    /// SIGTERM, after results were written.
    Terminated = 143,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
