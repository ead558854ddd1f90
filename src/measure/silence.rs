//! [`Silence`]: the time at the end of a run in which nothing was answered.

use std::time::Duration;

use crate::measure::fate::{Fate, TransportError};
use crate::measure::window::Interval;
use crate::time::Offset;

/// Silent intervals at the end from which on a target counts as gone.
const SILENT_MIN: u32 = 3;

/// A stretch at the end of a run in which nothing was answered, and how slots ended meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// The last answer.
    pub since: Offset,
    /// The median response time of good answers in the interval that it came in.
    pub median_before: Duration,
    /// Slots that came due since.
    pub planned: u64,
    /// Slots that were given up at their time limit.
    pub timeouts: u64,
    /// Broken exchanges by [`TransportError::index`].
    pub errors: [u64; TransportError::COUNT],
}

impl Silence {
    /// Slots that ended without an answer meanwhile.
    pub fn lost(&self) -> u64 {
        self.timeouts + self.errors.iter().sum::<u64>()
    }
}

/// The stretch at the end in which nothing was answered, and in how many intervals something came due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QuietEnd {
    silence: Silence,
    intervals: u32,
}

impl QuietEnd {
    /// The stretch, if it lasted.
    pub(super) fn silence(&self) -> Option<Silence> {
        // A slow answer may lie ahead as long as nothing ended; broken exchanges and timeouts did end.
        (self.intervals >= SILENT_MIN && self.silence.lost() > 0).then_some(self.silence)
    }

    /// Takes the next interval.
    pub(super) fn observe(&mut self, interval: &Interval) {
        let window = &interval.window;
        let answered = [Fate::Ok, Fate::BadStatus, Fate::CheckFailed]
            .into_iter()
            .map(|fate| window.fates.of(fate))
            .sum::<u64>();
        if answered > 0 {
            // What is lost after this was unanswered from here on, though its time may be up much later.
            let median_before = window.response_time.answered.quantile(0.5);
            let since = interval.last_answer();
            let silence = Silence { since, median_before, ..Silence::default() };
            *self = Self { silence, intervals: 0 };
        } else {
            // A drain asks nothing of the target, so its silence says nothing.
            self.intervals += u32::from(window.planned > 0);
            self.silence.planned += window.planned;
            self.silence.timeouts += window.fates.of(Fate::Timeout);
            for (ours, theirs) in self.silence.errors.iter_mut().zip(window.errors) {
                *ours += theirs;
            }
        }
    }
}
