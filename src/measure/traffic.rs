//! [`Traffic`]: what was sent, ended and answered well within the measured [`Span`], by the instants at which
//! it happened.
//!
//! The ledger follows slots to their end, whenever that is; rates are about what happened while requests came
//! due. What a drain brings is in no rate, or a server could be credited with more than it serves.

use std::ops::AddAssign;

use crate::measure::fate::{Fate, FateCounts};
use crate::measure::sample::Sample;
use crate::time::Offset;

/// The measured part of a leg: from the end of the warm-up to that of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub begin: Offset,
    /// The first instant after it.
    pub end: Offset,
}

impl Span {
    /// All the time there is.
    pub const ALL: Self = Self { begin: Offset::ZERO, end: Offset::MAX };
}

/// Events, each counted at its own instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Requests sent.
    pub sent: u64,
    /// Requests that had been sent and ended, well or not.
    pub ended: u64,
    /// Good answers.
    pub good: u64,
}

impl Events {
    /// What is known of slots that ended so, `sent` requests having been sent meanwhile.
    pub fn of(fates: &FateCounts, sent: u64) -> Self {
        let never = [Fate::Shed, Fate::Unsent, Fate::Open].map(|fate| fates.of(fate));
        Self { sent, ended: fates.planned() - never.iter().sum::<u64>(), good: fates.ok() }
    }

    fn count(&mut self, sample: &Sample, happened: impl Fn(Offset) -> bool) {
        let Some(sent) = sample.sent else { return };
        self.sent += u64::from(happened(sent));
        // What is still open when the drain is over has not ended.
        if sample.fate != Fate::Open && happened(sample.done) {
            self.ended += 1;
            self.good += u64::from(sample.fate == Fate::Ok);
        }
    }
}

impl AddAssign for Events {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.ended += other.ended;
        self.good += other.good;
    }
}

/// Events of the measured span, and of the drain after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Within the span. Slots of the warm-up count too: what ends here of them was served here.
    pub within: Events,
    /// After the span, of measured slots alone.
    pub after: Events,
}

impl Traffic {
    /// Enters a measured slot.
    pub fn record(&mut self, sample: &Sample, span: Span) {
        self.within.count(sample, |at| at < span.end);
        self.after.count(sample, |at| at >= span.end);
    }

    /// Enters a slot of the warm-up, which may end in the span or even be sent there.
    pub fn record_carried(&mut self, sample: &Sample, span: Span) {
        self.within.count(sample, |at| span.begin <= at && at < span.end);
    }

    /// The span goes on after all: what was counted after it lies within.
    pub fn prolong(&mut self) {
        self.within += std::mem::take(&mut self.after);
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.within += other.within;
        self.after += other.after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sample::Wait;

    /// A slot that was sent and done at these milliseconds.
    fn sample(sent: Option<u64>, done: u64, fate: Fate) -> Sample {
        let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
        Sample {
            request: 0,
            due: Offset::ZERO,
            taken: None,
            wait: Wait::default(),
            sent: sent.map(at),
            first_byte: None,
            done: at(done),
            fate,
            status: None,
            bytes: 0,
        }
    }

    #[test]
    fn an_event_counts_where_it_happened() {
        let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
        let span = Span { begin: at(1_000), end: at(2_000) };
        let mut traffic = Traffic::default();
        traffic.record(&sample(Some(1_500), 1_999, Fate::Ok), span);
        traffic.record(&sample(Some(1_500), 1_900, Fate::BadStatus), span);
        traffic.record(&sample(Some(1_999), 2_000, Fate::Ok), span);
        traffic.record(&sample(Some(2_100), 2_200, Fate::Timeout), span);
        traffic.record(&sample(Some(1_800), 3_000, Fate::Open), span);
        traffic.record(&sample(None, 1_500, Fate::Shed), span);
        traffic.record_carried(&sample(Some(900), 999, Fate::Ok), span);
        traffic.record_carried(&sample(Some(900), 1_100, Fate::Ok), span);
        traffic.record_carried(&sample(Some(1_900), 2_100, Fate::Ok), span);
        assert_eq!(traffic.within, Events { sent: 5, ended: 3, good: 2 });
        assert_eq!(traffic.after, Events { sent: 1, ended: 2, good: 1 });
        traffic.prolong();
        assert_eq!(traffic.within, Events { sent: 6, ended: 5, good: 3 });
        assert_eq!(traffic.after, Events::default());
    }
}
