//! [`KernelClock`] for systems whose kernel's instants cannot be read: it stamps nothing, and every socket
//! goes without.

use std::io;

use tokio::net::TcpStream;

use crate::transport::clock::{Chunk, SendStamps, StampCounts};

/// Never in use.
#[derive(Debug, Default)]
pub struct KernelClock;

impl KernelClock {
    /// Refuses.
    pub fn enable(_: &TcpStream, _: SendStamps) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Does not change that none is.
    pub fn stamp_sends(&self, _: SendStamps) {}

    /// Never.
    pub fn stamps_write_of(&self, _: usize) -> SendStamps {
        SendStamps::Off
    }

    /// Refuses.
    pub fn read(&self, _: &TcpStream, _: usize, _: impl FnOnce(&[u8])) -> io::Result<Chunk> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Does not say.
    pub fn sent(&self, _: &TcpStream, _: u64) -> Option<u64> {
        None
    }

    /// Counts nothing.
    pub fn unasked(&self) {}

    /// None.
    pub fn take_arrival_counts(&self) -> StampCounts {
        StampCounts::default()
    }

    /// None.
    pub fn take_send_counts(&self) -> StampCounts {
        StampCounts::default()
    }
}
