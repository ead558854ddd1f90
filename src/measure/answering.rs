//! [`Answering`]: when answers came within a window, and which exchanges were under way for long.
//!
//! What a window counts tells that a target stood still; this tells when to the microsecond, and which
//! requests it had in hand.

use std::time::Duration;

use crate::measure::fate::Fate;
use crate::measure::sample::Sample;
use crate::time::Offset;

/// Exchanges that take less can tell nothing of a standstill.
pub const LONG: Duration = Duration::from_millis(300);
/// Long exchanges that a window keeps; where more end in a tenth of a second, long is no exception.
const LONG_MAX: usize = 4_096;

/// An exchange that took [`LONG`] or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongExchange {
    /// The request's place in the mix.
    pub request: usize,
    /// When it was sent.
    pub sent: Offset,
    /// When it was answered or given up.
    pub done: Offset,
    /// Whether it was answered.
    pub answered: bool,
}

/// The answers of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answering {
    /// When the first and the last came; `None` if none did.
    pub answers: Option<(Offset, Offset)>,
    /// Exchanges that ended and took long, in no order, as many as fit.
    pub long: Vec<LongExchange>,
}

impl Answering {
    /// Enters a slot that has ended.
    pub fn record(&mut self, sample: &Sample) {
        let answered = matches!(sample.fate, Fate::Ok | Fate::BadStatus | Fate::CheckFailed);
        if answered {
            self.widen((sample.done, sample.done));
        }
        let Some(sent) = sample.sent else { return };
        if sample.done.since(sent) >= LONG && self.long.len() < LONG_MAX {
            let Sample { request, done, .. } = *sample;
            self.long.push(LongExchange { request, sent, done, answered });
        }
    }

    /// Adds another worker's, or those of the window that follows.
    pub fn merge(&mut self, other: &Self) {
        if let Some(answers) = other.answers {
            self.widen(answers);
        }
        let room = LONG_MAX - self.long.len();
        self.long.extend(other.long.iter().take(room));
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.answers = None;
        self.long.clear();
    }

    fn widen(&mut self, (first, last): (Offset, Offset)) {
        let (from, to) = self.answers.unwrap_or((first, last));
        self.answers = Some((from.min(first), to.max(last)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sample::Wait;

    fn sample(sent_ms: u64, done_ms: u64, fate: Fate) -> Sample {
        let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
        Sample {
            request: 3,
            due: at(sent_ms),
            taken: Some(at(sent_ms)),
            wait: Wait::default(),
            sent: Some(at(sent_ms)),
            first_byte: None,
            done: at(done_ms),
            fate,
            status: None,
            bytes: 0,
        }
    }

    #[test]
    fn answers_are_told_by_their_instants_and_long_exchanges_one_by_one() {
        let ms = |ms: u64| Offset::from_nanos(ms * 1_000_000);
        let mut answering = Answering::default();
        answering.record(&sample(10, 40, Fate::Ok));
        answering.record(&sample(10, 20, Fate::BadStatus));
        answering.record(&sample(0, 500, Fate::Timeout));
        assert_eq!(answering.answers, Some((ms(20), ms(40))), "a timeout is no answer");
        let mut later = Answering::default();
        later.record(&sample(100, 700, Fate::Ok));
        answering.merge(&later);
        assert_eq!(answering.answers, Some((ms(20), ms(700))));
        let long: Vec<_> = answering.long.iter().map(|one| (one.done, one.answered)).collect();
        assert_eq!(long, [(ms(500), false), (ms(700), true)]);
        for _ in 0..2 * LONG_MAX {
            answering.record(&sample(100, 700, Fate::Ok));
        }
        answering.merge(&later);
        assert_eq!(answering.long.len(), LONG_MAX);
        answering.clear();
        assert_eq!(answering, Answering::default());
    }
}
