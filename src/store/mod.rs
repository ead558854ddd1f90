//! The run folder: what a run leaves on disk, whole or not at all; and the hosts that were agreed to.
//!
//! The journal grows by one synced line per interval, so that a killed run loses at most the interval
//! that was open; `result.json` appears by a rename. An error here never ends a run: the caller decides.

pub mod catalogue;
pub mod folder;
pub mod hosts;
pub mod journal;
pub mod samples;
pub mod trials;

use std::io;
use std::path::{Path, PathBuf};

/// What could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Making a folder.
    Create,
    /// Writing a file.
    Write,
    /// Reading a file.
    Read,
    /// Removing a folder.
    Remove,
}

/// A disk error, with where it happened and what to do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {} {}: {source}; {}", verb(*action), path.display(), remedy(*action, source))]
pub struct StoreError {
    /// What could not be done.
    pub action: Action,
    /// To what.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl StoreError {
    fn at(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Write => "write",
        Action::Read => "read",
        Action::Remove => "remove",
    }
}

fn remedy(action: Action, source: &io::Error) -> &'static str {
    match (action, source.kind()) {
        (_, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            "free some space or choose another folder with --out"
        }
        (Action::Read, io::ErrorKind::NotFound) => "check the path",
        (Action::Read, io::ErrorKind::InvalidData) => {
            "it was not written by steadfire, or is damaged"
        }
        (Action::Read, io::ErrorKind::Unsupported) => "use the version of steadfire that wrote it",
        (Action::Read | Action::Remove, _) => "check its permissions",
        (Action::Create | Action::Write, _) => {
            "check its permissions or choose another folder with --out"
        }
    }
}
