//! [`KnownHosts`]: the hosts that load was sent to with the user's consent, a line each.
//!
//! A file that cannot be read knows nobody, so that the user is asked once too often rather than never.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use crate::store::{Action, StoreError};

/// More of the file is not read; it would be tens of thousands of hosts.
const BYTES_MAX: u64 = 1 << 20;

/// The file of known hosts.
#[derive(Clone, Debug)]
pub struct KnownHosts {
    path: PathBuf,
}

impl KnownHosts {
    /// Those that `path` lists; it need not exist.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whether `host` is among them.
    pub fn contains(&self, host: &str) -> bool {
        let mut text = String::new();
        let read = std::fs::File::open(&self.path)
            .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        read.is_ok() && text.lines().any(|line| line == host)
    }

    /// Adds `host`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&self, host: &str) -> Result<(), StoreError> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(StoreError::at(Action::Create, folder))?;
        }
        // In one write, so that two runs at once leave two whole lines.
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(format!("{host}\n").as_bytes()))
            .map_err(StoreError::at(Action::Write, &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_remembered_by_their_whole_name() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = KnownHosts::at(folder.path().join("state/hosts"));
        assert!(!hosts.contains("example.org:443"));
        hosts.add("example.org:443").unwrap();
        hosts.add("other.example:80").unwrap();
        assert!(hosts.contains("example.org:443") && hosts.contains("other.example:80"));
        assert!(!hosts.contains("example.org") && !hosts.contains("example.org:4430"));
    }

    #[test]
    fn a_file_that_cannot_be_read_knows_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = KnownHosts::at(folder.path().to_owned());
        assert!(!hosts.contains("example.org:443"));
        assert!(hosts.add("example.org:443").is_err());
    }
}
