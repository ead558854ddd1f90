//! [`Broken`]: a connection that broke under a request, and what follows from it.
//!
//! A server may close a connection between two requests at any time, and what it says of that may cross a
//! request on the way (RFC 9112, section 9.5). Such a request was not processed. If its method is
//! idempotent it may go out again (RFC 9110, section 9.2.2); if not, this program used a connection that it
//! could not be sure of. A connection that was opened for the request has no such excuse, nor has a server
//! that had the request for a while.

use std::time::Duration;

use crate::measure::fate::TransportError;
use crate::transport::exchange::{Exchange, Repeatable};

/// Longest time from the send to the end of a connection that crossed it, beside two round trips: timers
/// and a wake-up, on a machine that is busy.
const CROSSING_MAX: Duration = Duration::from_millis(100);

/// A connection that broke after the request had been sent on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) fault: TransportError,
    /// Whether the server may have taken it for idle: it was kept for this request, not opened for it.
    pub(super) kept: bool,
    /// Whether something of an answer had come.
    pub(super) heard: bool,
    /// Whether the request's method is.
    pub(super) idempotent: bool,
    /// From the send.
    pub(super) age: Duration,
    /// To the server and back.
    pub(super) round_trip: Duration,
}

impl Broken {
    pub(super) fn outcome(self) -> Exchange {
        if !self.kept || self.heard || !self.crossed() {
            Exchange::Failed(self.fault)
        } else if self.idempotent {
            Exchange::Repeatable(Repeatable::Crossed)
        } else {
            Exchange::Failed(TransportError::StaleConnection)
        }
    }

    /// Whether the connection was most likely closed before the server had read the request. One that is
    /// closed with a request unread in it is reset, however late a busy server comes to that.
    fn crossed(self) -> bool {
        match self.fault {
            TransportError::Reset => true,
            TransportError::ClosedEarly => may_have_crossed(self.age, self.round_trip),
            _ => false,
        }
    }
}

/// Whether what came so long after a send may have been under way to meet it.
pub(super) fn may_have_crossed(age: Duration, round_trip: Duration) -> bool {
    age <= CROSSING_MAX + 2 * round_trip
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_crossed_a_request_on_a_kept_connection_is_not_the_servers() {
        use TransportError::{ClosedEarly, Protocol, Reset, StaleConnection};
        let ms = Duration::from_millis;
        let base = Broken {
            fault: ClosedEarly,
            kept: true,
            heard: false,
            idempotent: true,
            age: ms(2),
            round_trip: ms(1),
        };
        let again = None;
        let table = [
            (base, again),
            (Broken { idempotent: false, ..base }, Some(StaleConnection)),
            (Broken { fault: Reset, ..base }, again),
            // The server had the request and closed in an orderly way.
            (Broken { age: ms(103), ..base }, Some(ClosedEarly)),
            (Broken { age: ms(103), round_trip: ms(2), ..base }, again),
            // It came to close the connection late, with the request unread.
            (Broken { fault: Reset, age: ms(5000), ..base }, again),
            (
                Broken { fault: Reset, age: ms(5000), idempotent: false, ..base },
                Some(StaleConnection),
            ),
            (Broken { kept: false, ..base }, Some(ClosedEarly)),
            (Broken { fault: Reset, kept: false, ..base }, Some(Reset)),
            (Broken { heard: true, ..base }, Some(ClosedEarly)),
            (Broken { fault: Protocol, ..base }, Some(Protocol)),
        ];
        for (broken, expected) in table {
            let failed = match broken.outcome() {
                Exchange::Failed(fault) => Some(fault),
                Exchange::Repeatable(Repeatable::Crossed) => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(failed, expected, "{broken:?}");
        }
    }
}
