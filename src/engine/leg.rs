//! [`Leg`]: one stretch of load, a whole fixed-rate run or one trial of a search, and what came of it.

use std::time::Duration;

use crate::load::feeder::Taken;
use crate::load::schedule::Schedule;
use crate::load::stages::Stages;
use crate::load::steering::{Change, Turn};
use crate::measure::address_tally::AddressTally;
use crate::measure::attempts::Attempts;
use crate::measure::generator::WorkerTime;
use crate::measure::sampling::Sampling;
use crate::measure::silent_connections::SilentConnections;
use crate::measure::tally::Tally;
use crate::time::Offset;
use crate::transport::clock::{SendStamps, Stamping};

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
    /// Which samples each window carries.
    pub sampling: Sampling,
    /// How precisely sends are timed.
    pub pacing: Pacing,
    /// Whether it may be turned while it is under way.
    pub steerable: Steerable,
    /// The wall clock's time since 1970 when it was ordered, for templates; nothing is measured by it.
    pub ordered_at: Duration,
}

/// Whether the pace of a leg may change while it is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steerable {
    /// It may not: a worker without slots has nothing left to do.
    #[default]
    No,
    /// It may, up to the end of the schedule. Only where neither stages nor a recording give the pace.
    Yes,
}

/// What a leg begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    /// The wall clock's time since 1970 at its offset zero.
    pub(super) wall: Duration,
    /// What earlier legs have taken.
    pub(super) taken: Taken,
}

/// The highest rate of a worker, per second, whose sends the kernel stamps: reading a
/// stamp is a system call more for each, and beyond this the time is needed for sending.
const STAMPED_RATE_MAX: f64 = 25_000.0;

impl Leg {
    /// Whether each of `workers` has its sends stamped. Relaxed pacing is there to spare the processor.
    pub(super) fn send_stamps(&self, workers: usize) -> SendStamps {
        let peak = self.schedule.stages.as_ref().map_or(self.schedule.rate, Stages::peak);
        let each = peak.as_per_second() / workers as f64;
        match self.pacing {
            Pacing::Precise if each <= STAMPED_RATE_MAX => SendStamps::On,
            Pacing::Precise | Pacing::Relaxed => SendStamps::Off,
        }
    }
}

/// What the observer of a leg wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// More arrivals.
    Continue,
    /// The same with a change, from the first slot on that every worker can still learn it for.
    Turn(Change),
    /// No more arrivals; what is under way is drained.
    Stop,
    /// No more arrivals, and no drain.
    Abandon,
}

/// What came of a leg.
#[derive(Debug)]
pub struct LegOutcome {
    /// Everything measured, over all workers.
    pub tally: Tally,
    /// The monotonic instant of its offset zero, in ns.
    pub start_ns: u64,
    /// Its turns, in order; one that the end overtook lies at or after it.
    pub turns: Vec<Turn>,
    /// If there are turns, the tally of what was due before the first, between two, and after the last.
    pub parts: Vec<Tally>,
    /// When arrivals ended.
    pub arrivals_end: Offset,
    /// When the last answer had come, or the drain was over.
    pub end: Offset,
    /// Whether arrivals ended before the schedule did.
    pub stopped: bool,
    /// How many slots were taken up; no later one was.
    pub slots: u64,
    /// Connections on which nothing was said.
    pub silent_connections: SilentConnections,
    /// Attempts to connect, by address of the target, those before the load included.
    pub attempts: Vec<Attempts>,
    /// What came of requests, by address of the target; empty where it has one.
    pub by_address: Vec<AddressTally>,
    /// The most connections that were open at once, summed over workers.
    pub connections_peak: usize,
    /// Where the time of each worker went, from the first due instant to the end of arrivals.
    pub workers: Vec<WorkerTime>,
    /// How sends and arrivals were stamped; nothing if only the user-space clock was asked for.
    pub stamps: Stamping,
}
