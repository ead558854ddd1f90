//! [`Late`]: what the generator's own lateness made of response times, and [`Wakes`], which tells how long it
//! is felt.
//!
//! A response time counts from the due instant, so a pause of the generator is in it. What an objective would
//! have come to without is all that the target may be charged with.

use std::collections::VecDeque;
use std::time::Duration;

use crate::measure::histogram::{CensoredHistogram, LatencyHistogram, Quantile};
use crate::time::Offset;

/// Less than this is no lateness: twice what a send takes to leave where a worker has to be woken for it.
pub const LATE_FROM: Duration = Duration::from_micros(100);
/// A pause from this length on sends several requests at once even at modest rates, which a target may refuse
/// that bounds its rate or its queue. The program's own pauses are noticed from here on as well.
const BURST_FROM: Duration = Duration::from_millis(30);
/// So many times as long as a pause lasted, what it held up may still be in the target's queues: a target that
/// serves 13 where 12 arrive takes so long to work it off. One that is fuller takes longer, and is charged with
/// the rest.
const WAKE: u32 = 12;
/// Wakes that are remembered; older ones are forgotten, and charged to the target.
const WAKES_MAX: usize = 256;

/// Slots that the generator delayed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Late {
    /// Response times of those that were answered well.
    measured: LatencyHistogram,
    /// The same without the delay.
    spared: LatencyHistogram,
    /// Those that were lost by it: given up by the late policy, or left too little of their deadline.
    pub lost: u64,
    /// Those that the target refused in the burst after a pause.
    pub refused: u64,
}

impl Late {
    /// Enters a good answer that took `time`, of which `delay` is the generator's.
    pub fn record(&mut self, time: Duration, delay: Duration) {
        if delay >= LATE_FROM {
            self.measured.record(time);
            self.spared.record(time.saturating_sub(delay));
        }
    }

    /// Enters a refusal (429 or 503) of a slot that a pause of the generator may have delayed by `delay`.
    pub fn record_refused(&mut self, delay: Duration) {
        self.refused += u64::from(delay >= BURST_FROM);
    }

    /// The same with so many more that were lost.
    #[must_use]
    pub fn with_lost(&self, more: u64) -> Self {
        Self { lost: self.lost + more, ..self.clone() }
    }

    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        self.measured.merge(&other.measured);
        self.spared.merge(&other.spared);
        self.lost += other.lost;
        self.refused += other.refused;
    }

    /// Whether quantile `q` of `times` would lie below `limit` without these delays.
    pub fn spares_quantile(&self, times: &CensoredHistogram, q: f64, limit: Duration) -> bool {
        let beyond = times.answered.count_from(limit) + times.unanswered.count();
        let ours = self.measured.count_from(limit).saturating_sub(self.spared.count_from(limit));
        beyond.saturating_sub(ours + self.lost) <= times.count_beyond(q)
    }

    /// Whether the mean of `times` would lie below `limit` without these delays and losses.
    pub fn spares_mean(&self, times: &CensoredHistogram, limit: Duration) -> bool {
        let all_lost = times.unanswered.count() <= self.lost;
        let mean = if all_lost { Quantile::exact(times.answered.mean()) } else { times.mean() };
        let delay = self.measured.mean().saturating_sub(self.spared.mean()).as_secs_f64();
        let ours = delay * self.measured.count() as f64 / times.count().max(1) as f64;
        !mean.at_least && mean.value.as_secs_f64() - ours < limit.as_secs_f64()
    }
}

/// Stretches of one worker's schedule that a pause of its own made longer: slots that came due in the pause
/// leave together after it, and queue up at the target before those that are on time again.
#[derive(Clone, Debug, Default)]
pub struct Wakes(VecDeque<Wake>);

#[derive(Clone, Copy, Debug)]
struct Wake {
    /// The due instant of the first slot that was late.
    begin: Offset,
    end: Offset,
    pause: Duration,
}

impl Wakes {
    /// Learns that a slot was taken up; they come in the order in which they are.
    pub fn took_up(&mut self, due: Offset, taken: Offset) {
        let pause = taken.since(due);
        let goes_on = |last: &Wake| due < last.end && pause <= last.pause;
        if pause < LATE_FROM || self.0.back().is_some_and(goes_on) {
            return;
        }
        // A longer one that began earlier takes their place: begins stay in order.
        while self.0.back().is_some_and(|last| last.begin >= due) {
            self.0.pop_back();
        }
        if self.0.len() == WAKES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Wake { begin: due, end: taken + pause * WAKE, pause });
    }

    /// By how much the target's answer to a slot due then may have been delayed.
    pub fn delay(&self, due: Offset) -> Duration {
        let later = self.0.partition_point(|wake| wake.begin <= due);
        let wake = later.checked_sub(1).and_then(|place| self.0.get(place));
        wake.filter(|wake| due < wake.end).map_or(Duration::ZERO, |wake| wake.pause)
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(ms: u64) -> Offset {
        Offset::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn an_objective_is_spared_what_the_generator_added_and_no_more() {
        let mut times = CensoredHistogram::default();
        let mut late = Late::default();
        for _ in 0..9_925 {
            times.answered.record(ms(5));
        }
        for _ in 0..75 {
            times.answered.record(ms(105));
            late.record(ms(105), ms(100));
        }
        assert!(!times.quantile(0.999).below(ms(100)));
        assert!(late.spares_quantile(&times, 0.999, ms(100)));
        assert!(late.spares_quantile(&times, 1.0, ms(100)));
        assert!(!late.spares_quantile(&times, 0.999, ms(5)), "the target's own time is left");
        assert!(late.spares_mean(&times, Duration::from_micros(5_100)));
        assert!(!late.spares_mean(&times, Duration::from_micros(4_900)));
        // Eleven slow answers in 10,000 are the target's, whatever else was late.
        for _ in 0..11 {
            times.answered.record(ms(300));
        }
        assert!(!late.spares_quantile(&times, 0.999, ms(100)));
        assert!(late.spares_quantile(&times, 0.998, ms(100)));
    }

    #[test]
    fn what_is_refused_in_the_burst_after_a_pause_is_counted_apart() {
        let mut late = Late::default();
        for delay in [0, 1, 29, 30, 150] {
            late.record_refused(ms(delay));
        }
        assert_eq!((late.refused, late.lost), (2, 0));
    }

    #[test]
    fn a_delay_below_that_of_a_wake_up_is_none() {
        let mut late = Late::default();
        late.record(ms(5), Duration::from_micros(99));
        assert_eq!(late, Late::default());
    }

    #[test]
    fn a_pause_is_felt_until_what_it_held_up_is_worked_off() {
        let mut wakes = Wakes::default();
        for due in 0..100 {
            wakes.took_up(at(due), at(due));
        }
        // From 100 to 250 ms nothing is taken up.
        for due in 100..250 {
            wakes.took_up(at(due), at(250));
        }
        for due in 250..1_000 {
            wakes.took_up(at(due), at(due));
        }
        let table = [(99, 0), (100, 150), (249, 150), (250, 150), (2_049, 150), (2_050, 0)];
        for (due, pause) in table {
            assert_eq!(wakes.delay(at(due)), ms(pause), "{due}");
        }
        // A longer one within its wake is one of its own, a shorter one is not.
        wakes.clear();
        for (due, taken) in [(0, 100), (150, 160), (200, 500), (600, 610)] {
            wakes.took_up(at(due), at(taken));
        }
        for (due, pause) in [(199, 100), (200, 300), (4_099, 300), (4_100, 0)] {
            assert_eq!(wakes.delay(at(due)), ms(pause), "{due}");
        }
    }

    #[test]
    fn wakes_stay_in_order_whatever_is_taken_up_first() {
        let mut wakes = Wakes::default();
        // Steps of flows are taken up before slots that were due sooner.
        for (due, taken) in [(0, 1), (150, 200), (100, 200), (120, 200), (180, 200)] {
            wakes.took_up(at(due), at(taken));
        }
        assert_eq!(wakes.0.len(), 2);
        assert_eq!((wakes.delay(at(1)), wakes.delay(at(160))), (ms(1), ms(100)));
    }

    #[test]
    fn wakes_are_bounded() {
        let mut wakes = Wakes::default();
        for pause in 0..1_000 {
            wakes.took_up(at(pause * 100), at(pause * 100 + 1));
        }
        assert_eq!(wakes.0.len(), WAKES_MAX);
        assert_eq!((wakes.delay(at(0)), wakes.delay(at(99_900))), (Duration::ZERO, ms(1)));
    }
}
