//! [`Fate`]: how a planned slot ended, and [`FateCounts`], the ledger's left-hand side.
//!
//! Every planned slot ends in exactly one fate, so the number of planned slots *is* the sum of the
//! counts; there is no second counter that could disagree.

use std::ops::AddAssign;

/// How one planned slot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Answered, and everything expected of the answer held.
    Ok,
    /// Answered with a status that was not expected.
    BadStatus,
    /// Answered with an expected status, but another check on the answer failed.
    CheckFailed,
    /// The exchange broke before an answer was complete.
    TransportError(TransportError),
    /// No complete answer within the timeout or deadline.
    Timeout,
    /// Given up before it was sent, at the in-flight cap or by the late policy.
    Shed,
    /// The run ended before it could be sent.
    Unsent,
    /// Sent, and still unanswered when the drain ended.
    Open,
}

impl Fate {
    /// The number of fates; kinds of transport error count as one.
    pub const COUNT: usize = 8;

    /// One of each, by [`Self::index`]; the transport error stands for its kind.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ok,
        Self::BadStatus,
        Self::CheckFailed,
        Self::TransportError(TransportError::Protocol),
        Self::Timeout,
        Self::Shed,
        Self::Unsent,
        Self::Open,
    ];

    /// Place in an array of [`Self::COUNT`] entries.
    pub const fn index(self) -> usize {
        match self {
            Self::Ok => 0,
            Self::BadStatus => 1,
            Self::CheckFailed => 2,
            Self::TransportError(_) => 3,
            Self::Timeout => 4,
            Self::Shed => 5,
            Self::Unsent => 6,
            Self::Open => 7,
        }
    }

    /// The stable name used in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadStatus => "bad_status",
            Self::CheckFailed => "check_failed",
            Self::TransportError(_) => "transport_error",
            Self::Timeout => "timeout",
            Self::Shed => "shed",
            Self::Unsent => "unsent",
            Self::Open => "open",
        }
    }
}

/// Why an exchange broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransportError {
    /// The name could not be resolved.
    Dns,
    /// The connection was refused.
    ConnectRefused,
    /// No connection, TLS included, within the connect timeout.
    ConnectTimeout,
    /// The connection failed for another reason, such as an unreachable network.
    ConnectFailed,
    /// The connection was reset after the request was sent.
    Reset,
    /// The connection was closed before the answer was complete.
    ClosedEarly,
    /// A kept-alive connection turned out to be closed when it was used again.
    StaleConnection,
    /// The TLS handshake failed.
    Tls,
    /// The answer breaks the protocol.
    Protocol,
    /// The target refused the stream without processing it, on one HTTP/2 connection after another.
    RefusedStream,
    /// The target took the stream, said goodbye (GOAWAY) and closed without an answer.
    GoneAway,
    /// The answer's head or its framing is larger than this program reads.
    TooLarge,
    /// The answer, or a part of it, lay unread in this machine's socket when the time was up.
    Unread,
    /// A part of the request was not written when the time was up, although the socket had room.
    Unwritten,
    /// This machine has no file descriptor or local port left.
    LocalExhausted,
    /// The proxy did not lead to the target.
    Proxy,
    /// There was nothing to send: an expression of a template failed, or gave what HTTP forbids.
    Template,
}

impl TransportError {
    /// The number of kinds.
    pub const COUNT: usize = 17;

    /// All kinds, by [`Self::index`].
    pub const ALL: [Self; Self::COUNT] = [
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectTimeout,
        Self::ConnectFailed,
        Self::Reset,
        Self::ClosedEarly,
        Self::StaleConnection,
        Self::Tls,
        Self::Protocol,
        Self::RefusedStream,
        Self::GoneAway,
        Self::TooLarge,
        Self::Unread,
        Self::Unwritten,
        Self::LocalExhausted,
        Self::Proxy,
        Self::Template,
    ];

    /// Place in an array of [`Self::COUNT`] entries.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The stable name used in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect_refused",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectFailed => "connect_failed",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed_early",
            Self::StaleConnection => "stale_connection",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::RefusedStream => "refused_stream",
            Self::GoneAway => "goaway",
            Self::TooLarge => "too_large",
            Self::Unread => "unread",
            Self::Unwritten => "unwritten",
            Self::LocalExhausted => "local_exhausted",
            Self::Proxy => "proxy",
            Self::Template => "template",
        }
    }

    /// Whether it is the generator's own: it had nothing to connect with or to send, used a connection
    /// that it should have known to be closed, or did not read what had arrived. Never charged to the
    /// target.
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::LocalExhausted
                | Self::StaleConnection
                | Self::Template
                | Self::TooLarge
                | Self::Unread
                | Self::Unwritten
        )
    }

    /// Whether it means that the time was up before the answer was whole, whatever part of it had come.
    pub const fn is_overtime(self) -> bool {
        matches!(self, Self::Unread | Self::Unwritten)
    }

    /// Whether it strikes before the target has been spoken to: at its name, on the way, in the trust in
    /// it, or for want of means of this machine. It tells nothing of the target, least of all that it
    /// is gone.
    pub const fn is_before_target(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::ConnectFailed
                | Self::Tls
                | Self::LocalExhausted
                | Self::Proxy
                | Self::Template
        )
    }

    /// What happened, in one line for people.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Dns => "the host name could not be resolved",
            Self::ConnectRefused => "the connection was refused",
            Self::ConnectTimeout => "no connection within the connect timeout",
            Self::ConnectFailed => "the connection could not be made",
            Self::Reset => "the target reset the connection",
            Self::ClosedEarly => "the target closed the connection before the answer was complete",
            Self::StaleConnection => "a kept connection had been closed by the target",
            Self::Tls => "the TLS handshake failed",
            Self::Protocol => "the answer is not valid HTTP",
            Self::RefusedStream => "the target refused the stream unprocessed, twice",
            Self::GoneAway => {
                "the target said goodbye (GOAWAY) and closed without answering a stream it had taken"
            }
            Self::TooLarge => {
                "the answer's head or framing is larger than this program reads (head: 300 kB and 1,000 \
                 fields; chunk extensions and trailers over HTTP/1.1: 16 kB each, and 100 trailers)"
            }
            Self::Unread => "the answer lay unread in this machine's socket",
            Self::Unwritten => "the request was not written although the socket had room",
            Self::LocalExhausted => "this machine ran out of file descriptors or local ports",
            Self::Proxy => "the proxy did not lead to the target",
            Self::Template => "a template of the profile could not be filled",
        }
    }
}

/// How many slots met each fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FateCounts([u64; Fate::COUNT]);

impl FateCounts {
    /// Counts in the order of [`Fate::ALL`].
    pub const fn from_array(counts: [u64; Fate::COUNT]) -> Self {
        Self(counts)
    }

    /// Counts in the order of [`Fate::ALL`].
    pub const fn as_array(&self) -> &[u64; Fate::COUNT] {
        &self.0
    }

    /// Counts one slot.
    pub fn record(&mut self, fate: Fate) {
        self.0[fate.index()] += 1;
    }

    /// Slots with `fate`; kinds of transport error are not told apart.
    pub const fn of(&self, fate: Fate) -> u64 {
        self.0[fate.index()]
    }

    /// All slots.
    pub fn planned(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Slots with a good answer.
    pub const fn ok(&self) -> u64 {
        self.of(Fate::Ok)
    }

    /// Every slot without a good answer.
    pub fn failed(&self) -> u64 {
        self.planned() - self.ok()
    }

    /// Share of planned slots without a good answer, 0 to 1; 0 if nothing was planned.
    pub fn error_rate(&self) -> f64 {
        match self.planned() {
            0 => 0.0,
            planned => self.failed() as f64 / planned as f64,
        }
    }
}

impl AddAssign<&Self> for FateCounts {
    fn add_assign(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_match_the_lists_and_names_are_distinct() {
        for (place, fate) in Fate::ALL.into_iter().enumerate() {
            assert_eq!(fate.index(), place, "{fate:?}");
        }
        for (place, kind) in TransportError::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), place, "{kind:?}");
        }
        let mut names: Vec<_> = Fate::ALL.iter().map(|fate| fate.name()).collect();
        names.extend(TransportError::ALL.iter().map(|kind| kind.name()));
        let total = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), total);
    }

    #[test]
    fn error_rate_counts_every_fate_but_ok() {
        let mut counts = FateCounts::default();
        assert!(counts.error_rate().abs() < f64::EPSILON);
        for fate in Fate::ALL {
            counts.record(fate);
        }
        assert_eq!((counts.planned(), counts.failed()), (8, 7));
        assert!((counts.error_rate() - 7.0 / 8.0).abs() < 1e-12);
    }
}
