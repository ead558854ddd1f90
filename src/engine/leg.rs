//! [`Leg`]: one stretch of load, a whole fixed-rate run or one trial of a search, and what came of it.

use std::time::Duration;

use crate::load::schedule::Schedule;
use crate::measure::tally::Tally;
use crate::time::Offset;
use crate::transport::clock::StampCounts;

/// How often a worker hands over what it measured.
pub const WINDOW: Duration = Duration::from_millis(100);

/// Whether the last stretch before a due instant is spent polling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// Wake a lead early and poll: sends are off by a few microseconds.
    #[default]
    Precise,
    /// Sleep until the due instant and wake at most every millisecond: sends are late by that and a
    /// wake-up, and the processor rests.
    Relaxed,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Every slot, warm-up included.
    pub schedule: Schedule,
    /// Slots due before this are sent but left out of the tally.
    pub warmup: Duration,
    /// How long unanswered requests are waited for once arrivals have ended.
    pub drain: Duration,
    /// Answers slower than this, and slots unanswered for longer, are counted in each window.
    pub slow_after: Duration,
    /// How precisely sends are timed.
    pub pacing: Pacing,
}

/// What the observer of a leg wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More arrivals.
    Continue,
    /// No more arrivals; what is under way is drained.
    Stop,
}

/// What came of a leg.
#[derive(Debug)]
pub struct LegOutcome {
    /// Everything measured, over all workers.
    pub tally: Tally,
    /// When arrivals ended.
    pub arrivals_end: Offset,
    /// When the last answer had come, or the drain was over.
    pub end: Offset,
    /// Whether arrivals ended before the schedule did.
    pub stopped: bool,
    /// The most connections that were open at once, summed over workers.
    pub connections_peak: usize,
    /// How the arrival of answers was stamped; nothing if only the user-space clock was asked for.
    pub stamps: StampCounts,
}
