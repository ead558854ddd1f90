//! [`Addresses`]: which of the target's addresses a connection is tried at, in which order, and what became
//! of the attempts.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use crate::measure::attempts::Attempts;
use crate::measure::fate::TransportError;
use crate::time::whole_nanos;
use crate::transport::clock::monotonic_ns;

/// An address that failed is left alone for so long. Whoever tries it again may wait for half of the connect
/// timeout.
pub const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The addresses of a route, as one dialer knows them.
pub(super) struct Addresses(RefCell<Vec<Standing>>);

/// What is known of an address.
struct Standing {
    attempts: Attempts,
    /// Monotonic nanoseconds; it is tried before only if all others rest as well.
    rests_until: u64,
}

impl Addresses {
    /// In the order of `all`, of which those of `failed` rest.
    pub(super) fn new(all: &[SocketAddr], failed: &[Attempts]) -> Self {
        let rested = monotonic_ns() + whole_nanos(RETRY_AFTER);
        let rest = |address| {
            let of = failed.iter().find(|one| one.address == address);
            of.and_then(Attempts::main_failure).is_some_and(leads_elsewhere)
        };
        let standing = |&address: &SocketAddr| Standing {
            attempts: Attempts::none(address),
            rests_until: if rest(address) { rested } else { 0 },
        };
        Self(RefCell::new(all.iter().map(standing).collect()))
    }

    /// The places of those to try, from the `turn`th on; all where all rest.
    pub(super) fn order(&self, turn: usize, now_ns: u64) -> Vec<usize> {
        let all = self.0.borrow();
        let places = (0..all.len()).map(|ahead| (turn + ahead) % all.len());
        let (awake, resting): (Vec<_>, Vec<_>) =
            places.partition(|&place| all[place].rests_until <= now_ns);
        if awake.is_empty() { resting } else { awake }
    }

    /// Enters an attempt, with the reason if it failed.
    pub(super) fn record(&self, place: usize, failure: Option<TransportError>, now_ns: u64) {
        let standing = &mut self.0.borrow_mut()[place];
        standing.attempts.record(failure);
        standing.rests_until = match failure {
            Some(failure) if leads_elsewhere(failure) => now_ns + whole_nanos(RETRY_AFTER),
            _ => 0,
        };
    }

    /// The attempts since it was last asked.
    pub(super) fn take(&self) -> Vec<Attempts> {
        let mut all = self.0.borrow_mut();
        let take = |one: &mut Standing| {
            let none = Attempts::none(one.attempts.address);
            std::mem::replace(&mut one.attempts, none)
        };
        all.iter_mut().map(take).collect()
    }
}

/// Whether the next address is tried after such a failure: as browsers and curl do where nothing listens,
/// and not where something was there and refused to go on.
pub(super) const fn leads_elsewhere(failure: TransportError) -> bool {
    matches!(
        failure,
        TransportError::ConnectRefused
            | TransportError::ConnectTimeout
            | TransportError::ConnectFailed
            | TransportError::Reset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_failed_rests_and_is_tried_again() {
        let all: Vec<_> = (1..=3).map(|last| SocketAddr::from(([127, 0, 0, last], 80))).collect();
        let addresses = Addresses::new(&all, &[]);
        assert_eq!(addresses.order(1, 0), [1, 2, 0]);
        addresses.record(2, Some(TransportError::ConnectRefused), 0);
        assert_eq!(addresses.order(1, 0), [1, 0]);
        assert_eq!(addresses.order(2, 0), [0, 1], "its turn is the next one's");
        let rested = whole_nanos(RETRY_AFTER);
        assert_eq!(addresses.order(2, rested), [2, 0, 1]);
        addresses.record(2, None, rested);
        assert_eq!(addresses.order(2, rested), [2, 0, 1]);
        for place in 0..3 {
            addresses.record(place, Some(TransportError::ConnectTimeout), rested);
        }
        assert_eq!(addresses.order(0, rested), [0, 1, 2], "none is left");
        addresses.record(0, Some(TransportError::Tls), rested);
        assert_eq!(addresses.order(0, rested), [0], "something listens there");
        let taken = addresses.take();
        assert_eq!(taken.iter().map(|one| (one.made, one.failed())).max(), Some((3, 2)));
        assert!(addresses.take().iter().all(|one| one.made == 0), "once");
    }

    #[test]
    fn what_failed_before_is_left_alone_from_the_beginning() {
        let all: Vec<_> = (1..=2).map(|last| SocketAddr::from(([127, 0, 0, last], 80))).collect();
        let mut failed = Attempts::none(all[0]);
        failed.record(Some(TransportError::ConnectTimeout));
        let addresses = Addresses::new(&all, &[failed]);
        assert_eq!(addresses.order(0, monotonic_ns()), [1]);
        assert!(addresses.take().iter().all(|one| one.made == 0), "it is counted elsewhere");
    }
}
