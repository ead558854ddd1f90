//! [`Strike`]: an exchange that ends badly on purpose; over HTTP/1.1 it is carried out on the bare socket.
//!
//! Invariant: nothing of a struck exchange reaches the client but what its [`Fault`] says.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::reply::Reply;
use super::settings::Faults;
use crate::load::random::SplitMix64;

/// An endless answer is given up after this long.
const ENDLESS_MAX: Duration = Duration::from_mins(10);
/// Bytes of the body that an endless answer sends.
const ENDLESS_BYTES: usize = 8;

/// How an exchange ends badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Status 500; the only one that is an ordinary answer.
    Error,
    /// The connection is reset.
    Reset,
    /// The connection ends half way through the body.
    Truncate,
    /// Silence after the first bytes of the body.
    Endless,
}

/// What is left to do once the HTTP layer has let go of the exchange.
#[derive(Clone, Debug)]
pub(super) struct Strike {
    fault: Fault,
    status: StatusCode,
    /// What is sent of the body.
    beginning: Bytes,
    /// What its length is said to be.
    length: usize,
}

impl Faults {
    /// What befalls the next request, if anything.
    pub(super) fn draw(&self, random: &mut SplitMix64) -> Option<Fault> {
        let mut left = random.unit();
        let shares = [
            (self.error, Fault::Error),
            (self.reset, Fault::Reset),
            (self.truncate, Fault::Truncate),
            (self.endless, Fault::Endless),
        ];
        shares.into_iter().find_map(|(share, fault)| {
            left -= share;
            (left < 0.0).then_some(fault)
        })
    }
}

impl Strike {
    pub(super) fn new(fault: Fault, reply: &Reply) -> Self {
        let sent = match fault {
            Fault::Error | Fault::Reset => 0,
            Fault::Truncate => reply.body.len() / 2,
            Fault::Endless => reply.body.len().min(ENDLESS_BYTES),
        };
        let beginning = reply.body.slice(..sent);
        Self { fault, status: reply.status, beginning, length: reply.body.len() }
    }

    pub(super) const fn fault(&self) -> Fault {
        self.fault
    }

    /// What the client gets of the body.
    pub(super) const fn beginning(&self) -> &Bytes {
        &self.beginning
    }

    /// How long the whole body would have been.
    pub(super) const fn length(&self) -> u64 {
        self.length as u64
    }

    /// Ends the connection; an endless answer ends when the client goes or after ten minutes.
    pub(super) async fn carry_out(self, mut stream: TcpStream) {
        if matches!(self.fault, Fault::Error | Fault::Reset) {
            // Closing with a zero linger sends a reset; if it can't be set the client sees a plain close.
            let _ = stream.set_zero_linger();
            return;
        }
        let mut bytes = format!(
            "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.status, self.length
        )
        .into_bytes();
        bytes.extend_from_slice(&self.beginning);
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
        if self.fault == Fault::Endless {
            let _ = timeout(ENDLESS_MAX, until_closed(&mut stream)).await;
        }
        // The client may have gone first.
        let _ = stream.shutdown().await;
    }
}

async fn until_closed(stream: &mut TcpStream) {
    let mut ignored = [0; 1_024];
    while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exchange ended on purpose: {:?}", self.fault)
    }
}

impl std::error::Error for Strike {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_their_share() {
        let faults = Faults { error: 0.1, reset: 0.2, truncate: 0.3, endless: 0.15 };
        let mut random = SplitMix64::new(11);
        let drawn: Vec<_> = (0..100_000).map(|_| faults.draw(&mut random)).collect();
        let table = [
            (Some(Fault::Error), 0.1),
            (Some(Fault::Reset), 0.2),
            (Some(Fault::Truncate), 0.3),
            (Some(Fault::Endless), 0.15),
            (None, 0.25),
        ];
        for (fault, share) in table {
            let count = drawn.iter().filter(|drawn| **drawn == fault).count();
            assert!((count as f64 / 1e5 - share).abs() < 0.005, "{fault:?}: {count}");
        }
        assert_eq!(Faults::default().draw(&mut random), None);
    }
}
