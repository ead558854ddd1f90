//! [`Overtime`]: what follows where an exchange's time is up while something lies in its socket.
//!
//! A server is late only if this program had read all there was, and had written all there was room for.
//! So what lies there is moved first, within a bound. An answer that had arrived whole counts as one; a
//! socket that runs empty shows that the server is late; one that does not is this program's fault.

use crate::measure::fate::TransportError;
use crate::transport::io::{Backlog, Stamps};

/// Long enough to read megabytes, or for a worker that was put aside to come round; in monotonic
/// nanoseconds.
const LENGTH_NS: u64 = 20_000_000;

/// An exchange past its limit.
pub(super) struct Overtime {
    /// Bytes of the connection's life that had arrived when the time was up.
    arrived: u64,
    ends_ns: u64,
}

/// What is known of an exchange in overtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing yet: the exchange is to be polled again.
    Open,
    /// The answer had not arrived in time.
    ServerLate,
    /// It lay there, or the request did, and this program did not move it.
    Own(TransportError),
}

impl Overtime {
    /// Begins at the monotonic instant `now_ns`; `None` if nothing lies in the socket, and so the server
    /// is late.
    pub(super) fn begin(stamps: &Stamps, now_ns: u64) -> Option<Self> {
        let unread = match stamps.backlog() {
            Backlog::None => return None,
            Backlog::Unread { bytes } => bytes,
            Backlog::Unwritten => 0,
        };
        Some(Self {
            arrived: stamps.read_bytes() + unread,
            ends_ns: now_ns.saturating_add(LENGTH_NS),
        })
    }

    /// Whether all that has been read had arrived when the time was up.
    pub(super) fn was_in_time(&self, stamps: &Stamps) -> bool {
        stamps.read_bytes() <= self.arrived
    }

    /// What follows from the socket as it is at `now_ns`.
    pub(super) fn judge(&self, stamps: &Stamps, now_ns: u64) -> Judgement {
        match stamps.backlog() {
            Backlog::None => Judgement::ServerLate,
            _ if now_ns < self.ends_ns => Judgement::Open,
            Backlog::Unread { .. } => Judgement::Own(TransportError::Unread),
            Backlog::Unwritten => Judgement::Own(TransportError::Unwritten),
        }
    }
}
