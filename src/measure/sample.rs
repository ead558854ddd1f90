//! [`Sample`]: the instants of one slot, from due to done.
//!
//! Times are derived from instants in one place, so that no figure can start its clock elsewhere.

use std::time::Duration;

use crate::measure::fate::Fate;
use crate::time::Offset;

/// What is known of one slot once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index of the request in the plan's mix.
    pub request: usize,
    /// When the schedule asked for it.
    pub due: Offset,
    /// When the first byte was written; absent if it never was.
    pub sent: Option<Offset>,
    /// When the first byte of the answer arrived.
    pub first_byte: Option<Offset>,
    /// When the last byte arrived, the error showed, or the slot was given up.
    pub done: Offset,
    /// How it ended.
    pub fate: Fate,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// Bytes of the answer's body.
    pub bytes: u64,
}

impl Sample {
    /// From due to done; for a slot that was never answered, its age when it was given up.
    pub const fn response_time(&self) -> Duration {
        self.done.since(self.due)
    }

    /// From sent to done.
    pub fn service_time(&self) -> Option<Duration> {
        self.sent.map(|sent| self.done.since(sent))
    }

    /// From sent to the first byte of the answer.
    pub fn first_byte(&self) -> Option<Duration> {
        Some(self.first_byte?.since(self.sent?))
    }

    /// From due to sent.
    pub fn send_lag(&self) -> Option<Duration> {
        self.sent.map(|sent| sent.since(self.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_time_starts_at_the_due_instant_however_late_the_send() {
        let at = Offset::from_nanos;
        let sample = Sample {
            request: 0,
            due: at(100),
            sent: Some(at(400)),
            first_byte: Some(at(450)),
            done: at(500),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 2,
        };
        let ns = Duration::from_nanos;
        assert_eq!(sample.response_time(), ns(400));
        assert_eq!(sample.service_time(), Some(ns(100)));
        assert_eq!(sample.first_byte(), Some(ns(50)));
        assert_eq!(sample.send_lag(), Some(ns(300)));

        let unsent = Sample { sent: None, first_byte: None, fate: Fate::Shed, ..sample };
        assert_eq!(
            (unsent.service_time(), unsent.send_lag(), unsent.first_byte()),
            (None, None, None)
        );
    }
}
