//! [`Sample`]: the instants of one slot, from due to done.
//!
//! Times are derived from instants in one place, so that no figure can start its clock elsewhere.

use std::time::Duration;

use crate::measure::fate::Fate;
use crate::time::Offset;

/// What is known of one slot once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index of the request in the plan's mix.
    pub request: usize,
    /// When the schedule asked for it.
    pub due: Offset,
    /// When a worker took it up; absent if none ever did.
    pub taken: Option<Offset>,
    /// What it waited for between being taken up and being sent.
    pub wait: Wait,
    /// When the first byte was written; absent if it never was.
    pub sent: Option<Offset>,
    /// When the first byte of the answer arrived.
    pub first_byte: Option<Offset>,
    /// When the last byte arrived, the error showed, or the slot was given up.
    pub done: Offset,
    /// How it ended.
    pub fate: Fate,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// Bytes of the answer's body.
    pub bytes: u64,
}

/// How long opening a connection took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetUp {
    /// The connection itself.
    pub connect: Duration,
    /// TLS on it; zero without.
    pub tls: Duration,
}

/// Waiting for a connection: for one to become free, or for one to be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// For a connection, without the parts below.
    pub connection: Duration,
    /// While the connection that carried it was being opened.
    pub connect: Duration,
    /// While TLS was being set up on it.
    pub tls: Duration,
}

impl Wait {
    /// A wait of `total` for a connection with this set-up, of which only what lies within the wait counts.
    pub fn within(total: Duration, set_up: SetUp) -> Self {
        let tls = set_up.tls.min(total);
        let connect = set_up.connect.min(total.saturating_sub(tls));
        Self { connection: total.saturating_sub(tls).saturating_sub(connect), connect, tls }
    }

    /// All of it.
    pub const fn total(self) -> Duration {
        self.connection.saturating_add(self.connect).saturating_add(self.tls)
    }
}

/// A part of the response time of an answered slot; the parts add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The generator's own lag.
    Client,
    /// Waiting for a connection to become free.
    Wait,
    /// Opening the connection.
    Connect,
    /// Setting up TLS on it.
    Tls,
    /// From sent to the first byte of the answer.
    FirstByte,
    /// From there to the last byte.
    Body,
}

impl Phase {
    /// How many there are.
    pub const COUNT: usize = 6;
    /// In the order of time.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Client, Self::Wait, Self::Connect, Self::Tls, Self::FirstByte, Self::Body];
}

impl Sample {
    /// A slot that ended at `done` without a worker having taken it up.
    pub const fn unsent(request: usize, due: Offset, fate: Fate, done: Offset) -> Self {
        let wait =
            Wait { connection: Duration::ZERO, connect: Duration::ZERO, tls: Duration::ZERO };
        Self {
            request,
            due,
            taken: None,
            wait,
            sent: None,
            first_byte: None,
            done,
            fate,
            status: None,
            bytes: 0,
        }
    }

    /// Whether an answer came, or a part of one before the exchange broke. Of all other slots nothing is
    /// known of the response time but that it exceeds their age.
    pub const fn answered(&self) -> bool {
        match self.fate {
            Fate::Ok | Fate::BadStatus | Fate::CheckFailed => true,
            Fate::TransportError(kind) => self.first_byte.is_some() && !kind.is_overtime(),
            Fate::Timeout | Fate::Shed | Fate::Unsent | Fate::Open => false,
        }
    }

    /// How long one part of the response time was.
    pub fn phase(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Client => self.dispatch_lag().unwrap_or_default(),
            Phase::Wait => self.wait.connection,
            Phase::Connect => self.wait.connect,
            Phase::Tls => self.wait.tls,
            Phase::FirstByte => self.first_byte().unwrap_or_default(),
            Phase::Body => self.first_byte.map_or(Duration::ZERO, |first| self.done.since(first)),
        }
    }

    /// The generator's own part of the send lag, without the wait for a connection; for a slot that was
    /// taken up and never sent, what it had until then.
    pub fn dispatch_lag(&self) -> Option<Duration> {
        match self.send_lag() {
            Some(lag) => Some(lag.saturating_sub(self.wait.total())),
            None => self.taken.map(|taken| taken.since(self.due)),
        }
    }

    /// From due to done; for a slot that was never answered, its age when it was given up.
    pub const fn response_time(&self) -> Duration {
        self.done.since(self.due)
    }

    /// From sent to done.
    pub fn service_time(&self) -> Option<Duration> {
        self.sent.map(|sent| self.done.since(sent))
    }

    /// From sent to the first byte of the answer.
    pub fn first_byte(&self) -> Option<Duration> {
        Some(self.first_byte?.since(self.sent?))
    }

    /// From due to sent.
    pub fn send_lag(&self) -> Option<Duration> {
        self.sent.map(|sent| sent.since(self.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::TransportError;

    #[test]
    fn response_time_starts_at_the_due_instant_however_late_the_send() {
        let at = Offset::from_nanos;
        let sample = Sample {
            request: 0,
            due: at(100),
            taken: Some(at(110)),
            wait: Wait::default(),
            sent: Some(at(400)),
            first_byte: Some(at(450)),
            done: at(500),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 2,
        };
        let ns = Duration::from_nanos;
        assert_eq!(sample.response_time(), ns(400));
        assert_eq!(sample.service_time(), Some(ns(100)));
        assert_eq!(sample.first_byte(), Some(ns(50)));
        assert_eq!(sample.send_lag(), Some(ns(300)));

        assert_eq!(sample.dispatch_lag(), Some(ns(300)));

        let unsent = Sample { sent: None, first_byte: None, fate: Fate::Shed, ..sample };
        assert_eq!(unsent.dispatch_lag(), Some(ns(10)));
        assert_eq!(
            (unsent.service_time(), unsent.send_lag(), unsent.first_byte()),
            (None, None, None)
        );
    }

    #[test]
    fn an_error_is_an_answer_only_if_a_part_of_one_came_in_time() {
        let at = Offset::from_nanos(5);
        for kind in TransportError::ALL {
            let fate = Fate::TransportError(kind);
            let silent = Sample::unsent(0, at, fate, at);
            assert!(!silent.answered(), "{kind:?}");
            let heard = Sample { first_byte: Some(at), ..silent };
            assert_eq!(heard.answered(), !kind.is_overtime(), "{kind:?}");
        }
        let timeout = Sample { first_byte: Some(at), ..Sample::unsent(0, at, Fate::Timeout, at) };
        assert!(!timeout.answered(), "late however much of it came");
    }

    #[test]
    fn phases_add_up_to_the_response_time() {
        let at = Offset::from_nanos;
        let ns = Duration::from_nanos;
        for (waited, connect, tls) in [(0, 0, 0), (250, 0, 0), (250, 40, 60), (250, 200, 90)] {
            let sample = Sample {
                request: 0,
                due: at(100),
                taken: Some(at(110)),
                wait: Wait::within(ns(waited), SetUp { connect: ns(connect), tls: ns(tls) }),
                sent: Some(at(115 + waited)),
                first_byte: Some(at(700)),
                done: at(900),
                fate: Fate::Ok,
                status: Some(200),
                bytes: 2,
            };
            let sum: Duration = Phase::ALL.iter().map(|&phase| sample.phase(phase)).sum();
            assert_eq!(sum, sample.response_time(), "{waited} {connect} {tls}");
            assert_eq!(sample.phase(Phase::Client), ns(15));
            assert_eq!(sample.wait.total(), ns(waited));
        }
    }
}
