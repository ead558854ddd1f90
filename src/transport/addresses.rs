//! [`Addresses`]: which of the target's addresses has its turn, where a connection is tried, in which order,
//! and what became of the attempts.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::Duration;

use crate::load::random::SplitMix64;
use crate::measure::attempts::Attempts;
use crate::measure::fate::TransportError;
use crate::time::whole_nanos;
use crate::transport::clock::monotonic_ns;

/// An address that failed is left alone for so long. Whoever tries it again may wait for half of the connect
/// timeout.
pub const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The addresses of a route, as one dialer knows them.
pub(super) struct Addresses {
    all: RefCell<Vec<Standing>>,
    turns: Turns,
    /// Where the first round of turns begins.
    first: usize,
    /// The number of the source from which an address is first connected to.
    first_source: usize,
}

/// Rounds in which each address that does not rest has one turn.
///
/// After the first, the order within a round is drawn anew each time: requests come in an order that
/// repeats as well, and some of them would always go to the same address.
#[derive(Default)]
struct Turns {
    /// What is left of the round, the next last.
    round: RefCell<Vec<usize>>,
    /// None before the first round.
    random: RefCell<Option<SplitMix64>>,
    seed: u64,
}

/// What is known of an address.
struct Standing {
    attempts: Attempts,
    /// How often it has been tried in all.
    tried: Cell<usize>,
    /// Monotonic nanoseconds; it is tried before only if all others rest as well.
    rests_until: u64,
    /// Until when one attempt after a rest is waited for; nobody else tries it meanwhile.
    probed_until: Cell<u64>,
}

impl Standing {
    /// Whether it may have a turn. The first after a rest is an attempt, and the only one until it has told
    /// whether the address is there again: each may take half of the connect timeout.
    fn takes_turn(&self, now_ns: u64) -> bool {
        let awake = self.rests_until <= now_ns && self.probed_until.get() <= now_ns;
        if awake && self.rests_until > 0 {
            self.probed_until.set(now_ns + whole_nanos(RETRY_AFTER));
        }
        awake
    }
}

impl Addresses {
    /// Those of `all`, of which those of `failed` rest. Turns begin with the first.
    pub(super) fn new(all: &[SocketAddr], failed: &[Attempts]) -> Self {
        let rested = monotonic_ns() + whole_nanos(RETRY_AFTER);
        let rest = |address| failed.iter().any(|one| one.address == address && one.failed() > 0);
        let standing = |&address: &SocketAddr| Standing {
            attempts: Attempts::none(address),
            tried: Cell::new(0),
            rests_until: if rest(address) { rested } else { 0 },
            probed_until: Cell::new(0),
        };
        let turns = Turns::default();
        let all = RefCell::new(all.iter().map(standing).collect());
        Self { all, turns, first: 0, first_source: 0 }
    }

    /// The same where turns begin so many pairs of an address and a source further on, and rounds are
    /// arranged by `seed`.
    pub(super) fn beginning(self, pairs: usize, seed: u64) -> Self {
        let count = self.all.borrow().len().max(1);
        let turns = Turns { seed, ..self.turns };
        Self { turns, first: pairs % count, first_source: pairs / count, ..self }
    }

    /// The place of the address whose turn it is: of those that do not rest, or of all where all rest.
    pub(super) fn next(&self, now_ns: u64) -> usize {
        let all = self.all.borrow();
        if all.len() < 2 {
            return 0;
        }
        let mut round = self.turns.round.borrow_mut();
        loop {
            match round.pop() {
                Some(place) if all[place].takes_turn(now_ns) => return place,
                Some(_) => {}
                None => break,
            }
        }
        let rests =
            |place: &usize| all[*place].rests_until.max(all[*place].probed_until.get()) > now_ns;
        round.extend((0..all.len()).filter(|place| !rests(place)));
        if round.is_empty() {
            round.extend(0..all.len());
        }
        self.turns.arrange(&mut round, self.first);
        let place = round.pop().unwrap_or_default();
        all[place].takes_turn(now_ns);
        place
    }

    /// The same for a load, of which addresses have their part if something listens there: of `failed`, only
    /// those rest that were passed over.
    pub(super) fn under_load(self, failed: &[Attempts]) -> Self {
        for one in self.all.borrow_mut().iter_mut() {
            let was = failed.iter().find(|was| was.address == one.attempts.address);
            if was.is_some_and(|was| was.passed_over == 0) {
                one.rests_until = 0;
            }
        }
        self
    }

    /// Whether the address at `place` is not left alone.
    pub(super) fn is_awake(&self, place: usize, now_ns: u64) -> bool {
        self.all.borrow().get(place).is_none_or(|one| one.rests_until <= now_ns)
    }

    /// Which source, counted on beyond their number, the next attempt at an address is made from: another
    /// each time, so that all pairs come up.
    pub(super) fn source(&self, place: usize) -> usize {
        let all = self.all.borrow();
        let tried = &all[place].tried;
        self.first_source + tried.replace(tried.get() + 1)
    }

    /// The places of those to try, from `first` on; all where all rest.
    pub(super) fn order(&self, first: usize, now_ns: u64) -> Vec<usize> {
        let all = self.all.borrow();
        let places = (0..all.len()).map(|ahead| (first + ahead) % all.len());
        let (awake, resting): (Vec<_>, Vec<_>) =
            places.partition(|&place| all[place].rests_until <= now_ns);
        if awake.is_empty() { resting } else { awake }
    }

    /// Enters an attempt at an address where something listens, with the reason if it failed all the same.
    pub(super) fn record(&self, place: usize, failure: Option<TransportError>) {
        let standing = &mut self.all.borrow_mut()[place];
        standing.attempts.record(failure);
        standing.rests_until = 0;
        standing.probed_until.set(0);
    }

    /// Enters an attempt that failed, after which the next address is tried.
    pub(super) fn pass_over(&self, place: usize, failure: TransportError, now_ns: u64) {
        let standing = &mut self.all.borrow_mut()[place];
        standing.attempts.pass_over(failure);
        standing.rests_until = now_ns + whole_nanos(RETRY_AFTER);
        standing.probed_until.set(0);
    }

    /// The attempts since it was last asked.
    pub(super) fn take(&self) -> Vec<Attempts> {
        let mut all = self.all.borrow_mut();
        let take = |one: &mut Standing| {
            let none = Attempts::none(one.attempts.address);
            std::mem::replace(&mut one.attempts, none)
        };
        all.iter_mut().map(take).collect()
    }
}

impl Turns {
    /// Puts a round, whose places ascend, into the order in which it is popped.
    fn arrange(&self, round: &mut [usize], first: usize) {
        let mut begun = self.random.borrow_mut();
        let Some(random) = &mut *begun else {
            *begun = Some(SplitMix64::new(self.seed));
            round.rotate_left(round.partition_point(|&place| place < first));
            round.reverse();
            return;
        };
        for end in (1..round.len()).rev() {
            // Below `end + 1`, which is a usize.
            #[expect(clippy::cast_possible_truncation, reason = "below a usize")]
            let other = random.below(end as u64 + 1) as usize;
            round.swap(end, other);
        }
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
        addresses.pass_over(2, TransportError::ConnectRefused, 0);
        assert_eq!(addresses.order(1, 0), [1, 0]);
        assert_eq!(addresses.order(2, 0), [0, 1], "its turn is the next one's");
        let rested = whole_nanos(RETRY_AFTER);
        assert_eq!(addresses.order(2, rested), [2, 0, 1]);
        addresses.record(2, None);
        assert_eq!(addresses.order(2, rested), [2, 0, 1]);
        for place in 0..3 {
            addresses.pass_over(place, TransportError::ConnectTimeout, rested);
        }
        assert_eq!(addresses.order(0, rested), [0, 1, 2], "none is left");
        addresses.record(0, Some(TransportError::Tls));
        assert_eq!(addresses.order(0, rested), [0], "something listens there");
        let taken = addresses.take();
        assert_eq!(taken.iter().map(|one| (one.made, one.failed())).max(), Some((3, 2)));
        assert!(addresses.take().iter().all(|one| one.made == 0), "once");
    }

    #[test]
    fn each_address_that_is_awake_has_one_turn_a_round() {
        let all: Vec<_> = (1..=3).map(|last| SocketAddr::from(([127, 0, 0, last], 80))).collect();
        let addresses = Addresses::new(&all, &[]).beginning(4, 7);
        let turns =
            |count: usize| -> Vec<usize> { (0..count).map(|_| addresses.next(0)).collect() };
        let sorted = |mut round: Vec<usize>| {
            round.sort_unstable();
            round
        };
        assert_eq!(turns(3), [1, 2, 0], "the first round is in order");
        let later: Vec<_> = (0..20).map(|_| turns(3)).collect();
        assert!(later.iter().all(|round| sorted(round.clone()) == [0, 1, 2]));
        assert!(later.iter().any(|round| round != &later[0]), "later rounds are not");
        addresses.pass_over(1, TransportError::ConnectRefused, 0);
        for _ in 0..20 {
            assert_eq!(sorted(turns(2)), [0, 2], "the others share what it is spared");
        }
        assert!(addresses.is_awake(0, 0) && !addresses.is_awake(1, 0));
        let rested = whole_nanos(RETRY_AFTER);
        let woken: Vec<_> = (0..3).map(|_| addresses.next(rested)).collect();
        assert_eq!(sorted(woken), [0, 1, 2]);
        assert_eq!([0, 1, 1, 0].map(|place| addresses.source(place)), [1, 1, 2, 2]);
    }

    #[test]
    fn one_attempt_after_a_rest_tells_whether_an_address_is_there_again() {
        let all: Vec<_> = (1..=2).map(|last| SocketAddr::from(([127, 0, 0, last], 80))).collect();
        let addresses = Addresses::new(&all, &[]);
        let rested = whole_nanos(RETRY_AFTER);
        addresses.pass_over(1, TransportError::ConnectTimeout, 0);
        let turns_of_it = |now_ns| (0..20).filter(|_| addresses.next(now_ns) == 1).count();
        assert_eq!(turns_of_it(0), 0);
        assert_eq!(turns_of_it(rested), 1, "one, while it may take half of the connect timeout");
        assert_eq!(turns_of_it(rested + 1), 0);
        // Whoever had that turn went without a new connection: it is tried again.
        assert_eq!(turns_of_it(2 * rested), 1);
        addresses.record(1, None);
        assert_eq!(turns_of_it(2 * rested), 10);
    }

    #[test]
    fn what_failed_before_is_left_alone_from_the_beginning() {
        let all: Vec<_> = (1..=2).map(|last| SocketAddr::from(([127, 0, 0, last], 80))).collect();
        let mut failed = Attempts::none(all[0]);
        failed.pass_over(TransportError::ConnectTimeout);
        let addresses = Addresses::new(&all, std::slice::from_ref(&failed));
        assert_eq!(addresses.order(0, monotonic_ns()), [1]);
        assert!(addresses.take().iter().all(|one| one.made == 0), "it is counted elsewhere");
        let mut took = Attempts::none(all[1]);
        took.record(Some(TransportError::ConnectTimeout));
        let failed = [failed, took];
        let addresses = Addresses::new(&all, &failed);
        assert_eq!(addresses.order(0, monotonic_ns()), [0, 1], "none is left");
        let addresses = addresses.under_load(&failed);
        assert_eq!(addresses.order(0, monotonic_ns()), [1], "it listens");
    }
}
