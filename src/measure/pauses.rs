//! [`Pauses`]: when a worker stood still while something was under way.
//!
//! A worker beats as long as it waits for anything. Two beats that lie too far apart show that it did not run
//! in between: it was stopped, put aside, or held up by work of its own. What came of waiting meanwhile was
//! noticed afterwards, and no timeout says anything about that time.

use std::collections::VecDeque;
use std::time::Duration;

/// From one beat to the next.
pub const BEAT: Duration = Duration::from_millis(10);
/// Two beats further apart than this, in nanoseconds, have a pause between them.
const PAUSE_FROM_NS: u64 = 30_000_000;
/// Pauses that are remembered; older ones are forgotten, and charged to the target.
const PAUSES_MAX: usize = 256;

/// One worker's latest pauses. All instants are monotonic nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The latest beat; none while nothing is under way.
    beat: Option<u64>,
    /// In the order of time.
    over: VecDeque<Pause>,
}

/// From the last beat before it to its end: no shorter than it was, and longer by a beat at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    begin: u64,
    end: u64,
}

impl Pauses {
    /// The worker runs, and something is under way.
    pub fn beat(&mut self, now: u64) {
        self.close(now);
        self.beat = Some(now);
    }

    /// The worker runs, and nothing is under way any more.
    pub fn rest(&mut self, now: u64) {
        self.close(now);
        self.beat = None;
    }

    fn close(&mut self, now: u64) {
        let Some(pause) = self.until(now) else { return };
        if self.over.len() == PAUSES_MAX {
            self.over.pop_front();
        }
        self.over.push_back(pause);
    }

    /// The pause that lies between the latest beat and `now`, if one does.
    fn until(&self, now: u64) -> Option<Pause> {
        let begin = self.beat.filter(|beat| now.saturating_sub(*beat) > PAUSE_FROM_NS)?;
        Some(Pause { begin, end: now })
    }

    /// How much of the time from `begin` to `end` was pauses, also where the worker has just come round and
    /// not beaten yet.
    pub fn within(&self, begin: u64, end: u64) -> Duration {
        let latest = self.until(end);
        let over = self.over.iter().rev().copied().take_while(|pause| pause.end > begin);
        let share = |pause: Pause| pause.end.min(end).saturating_sub(pause.begin.max(begin));
        Duration::from_nanos(latest.into_iter().chain(over).map(share).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Beats at these milliseconds.
    fn beats(at: &[u64]) -> Pauses {
        let mut pauses = Pauses::default();
        for ms in at {
            pauses.beat(ms * MS);
        }
        pauses
    }

    #[test]
    fn a_pause_is_a_beat_that_comes_too_late() {
        // From 20 to 220 ms and from 240 to 340 ms nothing ran.
        let mut pauses = beats(&[0, 10, 20, 220, 230, 240, 340, 370]);
        pauses.rest(380 * MS);
        let table = [
            (0, 20, 0),
            (0, 120, 100),
            (0, 230, 200),
            (100, 110, 10),
            (0, 400, 300),
            (230, 290, 50),
            (340, 400, 0),
            // Nobody waits any more, so nothing that follows is a pause.
            (340, 900, 0),
        ];
        for (begin, end, ms) in table {
            let expected = Duration::from_millis(ms);
            assert_eq!(pauses.within(begin * MS, end * MS), expected, "{begin} to {end}");
        }
    }

    #[test]
    fn a_pause_counts_before_the_beat_that_ends_it() {
        let pauses = beats(&[100]);
        let within = |begin, end| pauses.within(begin * MS, end * MS).as_millis();
        assert_eq!((within(100, 130), within(100, 131)), (0, 31));
        assert_eq!((within(0, 500), within(300, 500), within(0, 100)), (400, 200, 0));
    }

    #[test]
    fn pauses_are_bounded() {
        let mut pauses = Pauses::default();
        (0..1_000).for_each(|beat| pauses.beat(beat * 100 * MS));
        assert_eq!(pauses.over.len(), PAUSES_MAX);
        assert_eq!(pauses.within(0, 100 * MS), Duration::ZERO);
        assert_eq!(pauses.within(99_800 * MS, 99_900 * MS), Duration::from_millis(100));
    }
}
