//! Three times, each running slower than the one before: *wall* time, *running* time (which stands still in
//! periodic stalls) and *work* time (which also stands still in freezes).
//!
//! Service is counted in work time, so a stop delays everything, also what is already in service.
//! Invariant: an instant's wall time only ever moves later, when a freeze before it becomes known.

use std::collections::VecDeque;

use crate::time::{Offset, whole_nanos};

use super::settings::Stalls;

/// An instant of work time, in nanoseconds of work since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Work(pub(super) u64);

impl Work {
    pub(super) const fn plus(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Stalls {
    /// The instant at which something ready at `now` can go out: `now` itself, or the end of the stall
    /// that covers it.
    pub fn release(&self, now: Offset) -> Offset {
        Offset::from_nanos(self.wall(self.running(now.as_nanos())))
    }

    fn running(&self, wall: u64) -> u64 {
        let (period, open) = self.period_and_open();
        (wall / period) * open + (wall % period).min(open)
    }

    /// The last wall instant with that much running time: the end of a stall, not its beginning.
    fn wall(&self, running: u64) -> u64 {
        let (period, open) = self.period_and_open();
        (running / open).saturating_mul(period).saturating_add(running % open)
    }

    fn period_and_open(&self) -> (u64, u64) {
        let period = whole_nanos(self.every).max(1);
        (period, period.saturating_sub(whole_nanos(self.hold)).max(1))
    }
}

/// Maps wall time to work time and back.
#[derive(Clone, Debug)]
pub(super) struct WorkClock {
    stalls: Option<Stalls>,
    /// Freezes not over yet, by begin; a server that has `n` requests queued can have `n` of them.
    ahead: VecDeque<Freeze>,
    /// Total length of the freezes that are over.
    over: u64,
}

#[derive(Clone, Copy, Debug)]
struct Freeze {
    begin: Work,
    nanos: u64,
}

impl WorkClock {
    pub(super) const fn new(stalls: Option<Stalls>) -> Self {
        Self { stalls, ahead: VecDeque::new(), over: 0 }
    }

    /// The work time at `now`, which must not lie before an earlier call's; forgets freezes that are over.
    pub(super) fn work(&mut self, now: Offset) -> Work {
        let wall = now.as_nanos();
        let running = self.stalls.map_or(wall, |stalls| stalls.running(wall));
        while let Some(&Freeze { begin, nanos }) = self.ahead.front() {
            let begins_at = begin.plus(self.over);
            if running <= begins_at.0 {
                break;
            }
            if running < begins_at.plus(nanos).0 {
                return begin;
            }
            self.over = self.over.saturating_add(nanos);
            self.ahead.pop_front();
        }
        Work(running.saturating_sub(self.over))
    }

    /// Stops work for `nanos` from `begin` on. Begins must come in order; several at one instant add up.
    pub(super) fn freeze(&mut self, begin: Work, nanos: u64) {
        debug_assert!(self.ahead.back().is_none_or(|last| last.begin <= begin));
        self.ahead.push_back(Freeze { begin, nanos });
    }

    /// The wall time at which `work` is reached, as far as freezes are known. What is reached at the very
    /// instant a freeze begins is not delayed by it: one worker's log-in begins where its last request ended.
    pub(super) fn wall(&self, work: Work) -> Offset {
        let frozen = self
            .ahead
            .iter()
            .take_while(|freeze| freeze.begin < work)
            .fold(self.over, |sum, freeze| sum.saturating_add(freeze.nanos));
        let running = work.plus(frozen).0;
        Offset::from_nanos(self.stalls.map_or(running, |stalls| stalls.wall(running)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn stalls() -> Stalls {
        Stalls { every: Duration::from_secs(2), hold: Duration::from_millis(500) }
    }

    #[test]
    fn stalls_cover_the_end_of_each_period() {
        let table = [
            (0, 0),
            (1_499, 1_499),
            (1_500, 2_000),
            (1_999, 2_000),
            (2_000, 2_000),
            (7_700, 8_000),
        ];
        for (now, release) in table {
            let released = stalls().release(Offset::from_nanos(now * MS));
            assert_eq!(released, Offset::from_nanos(release * MS), "{now}");
        }
    }

    #[test]
    fn freezes_shift_what_lies_behind_them() {
        let mut clock = WorkClock::new(None);
        let work = Work;
        clock.freeze(work(10), 100);
        clock.freeze(work(20), 1_000);
        let wall = |clock: &WorkClock, at| clock.wall(work(at)).as_nanos();
        assert_eq!([wall(&clock, 10), wall(&clock, 11), wall(&clock, 20)], [10, 111, 120]);
        assert_eq!(wall(&clock, 21), 1_121);
        let seen: Vec<u64> = [5, 10, 60, 110, 115, 500, 1_120, 1_125]
            .map(|t| clock.work(Offset::from_nanos(t)).0)
            .into();
        assert_eq!(seen, [5, 10, 10, 10, 15, 20, 20, 25]);
        assert_eq!(wall(&clock, 30), 1_130);
    }

    proptest! {
        #[test]
        fn reached_work_is_never_due_later(
            every in 2_u64..1_000, hold in 1_u64..1_000, freezes in prop::collection::vec((0_u64..50, 1_u64..90), 0..8),
            at in 0_u64..2_000, step in 0_u64..500,
        ) {
            let hold = hold.min(every - 1);
            let mut clock = WorkClock::new(Some(Stalls {
                every: Duration::from_nanos(every), hold: Duration::from_nanos(hold),
            }));
            let mut begin = Work(0);
            for (gap, nanos) in freezes {
                begin = begin.plus(gap);
                clock.freeze(begin, nanos);
            }
            let early = clock.work(Offset::from_nanos(at));
            let late = clock.work(Offset::from_nanos(at + step));
            prop_assert!(early <= late && late.0 - early.0 <= step);
            let due = clock.wall(Work(late.0 + 1));
            prop_assert!(due > Offset::from_nanos(at + step), "{due:?}");
        }
    }
}
