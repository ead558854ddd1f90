//! [`KernelClock`] for systems where the kernel's receive instants cannot be read: it stamps nothing, and
//! every socket goes without.

use std::io;

use tokio::net::TcpStream;

use crate::transport::clock::StampCounts;

/// Never in use.
#[derive(Debug, Default)]
pub struct KernelClock;

impl KernelClock {
    /// Refuses.
    pub fn enable(_: &TcpStream) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Refuses.
    pub fn read(&self, _: &TcpStream, _: usize, _: impl FnOnce(&[u8])) -> io::Result<(usize, u64)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// None.
    pub fn take_counts(&self) -> StampCounts {
        StampCounts::default()
    }
}
