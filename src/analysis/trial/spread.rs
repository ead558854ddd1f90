//! [`Spread`]: how surely a trial knows a quantile of its response times.

use std::time::Duration;

use super::tuning::{INTERVAL_END, SLICE_SLOTS, SLICES_MIN, TIMES_MIN};
use crate::analysis::stats::batches::{Share, Slice};
use crate::analysis::stats::student;
use crate::analysis::stats::woodruff::interval;
use crate::measure::histogram::CensoredHistogram;

/// Response times of a trial by half seconds; bounded by the trial's length.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    halves: Vec<CensoredHistogram>,
    open: u32,
}

/// An interval of a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeInterval {
    /// Lower end.
    pub low: Duration,
    /// Upper end; `None` where slots that were never answered leave it open.
    pub high: Option<Duration>,
}

impl Spread {
    /// Takes the times that ended in the next slot.
    pub fn push(&mut self, times: &CensoredHistogram) {
        match self.halves.last_mut() {
            Some(last) if self.open > 0 => last.merge(times),
            _ => {
                let mut half = CensoredHistogram::default();
                half.merge(times);
                self.halves.push(half);
            }
        }
        self.open = (self.open + 1) % SLICE_SLOTS;
    }

    /// The 95 % interval of `quantile` (0 to 1), from batch means of the share above it and by Woodruff's
    /// method; nothing if there are too few times.
    pub fn of(&self, quantile: f64) -> Option<TimeInterval> {
        let mut all = CensoredHistogram::default();
        self.halves.iter().for_each(|half| all.merge(half));
        let at = all.quantile(quantile).value;
        let slice = |half: &CensoredHistogram| {
            let times = half.answered.entries();
            let above = times.iter().filter(|(time, _)| *time > at).map(|(_, count)| count);
            Slice { count: half.count(), hits: above.sum::<u64>() + half.unanswered.count() }
        };
        let slices: Vec<Slice> = self.halves.iter().map(slice).collect();
        let share = Share::over(&slices)
            .filter(|share| share.count >= TIMES_MIN && slices.len() >= SLICES_MIN)?;
        let reach = student::quantile(INTERVAL_END, share.df) * share.error;
        let time = |p: f64| all.quantile(p).value.as_secs_f64();
        let found = interval(time, quantile, reach);
        let open = all.quantile((quantile + reach).min(1.0)).at_least;
        Some(TimeInterval {
            low: Duration::from_secs_f64(found.low),
            high: (!open).then(|| Duration::from_secs_f64(found.high)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_quantile_and_is_wider_where_times_come_in_bursts() {
        let spread = |burst: bool| {
            let mut spread = Spread::default();
            for slot in 0..200_u64 {
                let mut times = CensoredHistogram::default();
                for n in 0..50_u64 {
                    let slow = if burst { slot % 50 < 3 } else { n < 3 };
                    let ms = if slow { 100 + n } else { 10 + n % 7 };
                    times.answered.record(Duration::from_millis(ms));
                }
                spread.push(&times);
            }
            spread.of(0.95).unwrap()
        };
        let (even, bursts) = (spread(false), spread(true));
        assert!(
            even.low >= Duration::from_millis(99) && even.high < Some(Duration::from_millis(103))
        );
        assert!(bursts.low < Duration::from_millis(20), "{bursts:?}");
        assert_eq!(Spread::default().of(0.95), None);
    }

    #[test]
    fn slots_never_answered_leave_it_open() {
        let mut spread = Spread::default();
        for _ in 0..100 {
            let mut times = CensoredHistogram::default();
            (0..19).for_each(|_| times.answered.record(Duration::from_millis(5)));
            times.unanswered.record(Duration::from_secs(10));
            spread.push(&times);
        }
        assert_eq!(spread.of(0.95).unwrap().high, None);
    }
}
