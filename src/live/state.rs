//! [`State`]: what is known of a run under way, fed second by second.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::analysis::search::SearchProgress;
use crate::live::Keys;
use crate::load::outline::{LoadEnd, LoadOutline};
use crate::load::slo::Slo;
use crate::measure::fate::{FateCounts, TransportError};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::slice::RequestSlice;
use crate::measure::window::{Gauges, Interval};
use crate::time::Offset;

/// Seconds that "recent" means.
pub(super) const RECENT: usize = 10;
/// Seconds of history at most: no terminal is wider.
const HISTORY_MAX: usize = 600;
/// Notes that are kept to be shown.
const NOTES_MAX: usize = 8;

/// What is being run.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The plan's name.
    pub name: String,
    /// Where requests go.
    pub target: String,
    /// What is to come of it.
    pub kind: Kind,
    /// What it must meet.
    pub slo: Slo,
    /// The names of the mix, in its order.
    pub requests: Vec<String>,
    /// The largest p99 of the send lag with which it is valid.
    pub lag_limit: Duration,
    /// What may be done by hand.
    pub keys: Keys,
}

/// The kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One leg, whose rate is given.
    Run,
    /// A search over many legs.
    Search {
        /// It ends within this.
        time: Duration,
    },
}

/// One second of history.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Sent per second.
    pub achieved: f64,
    /// 95th percentile of the response time.
    pub p95: Duration,
    /// Slots that ended badly.
    pub failed: u64,
    /// Sent and unanswered.
    pub in_flight: u64,
}

/// What is known so far.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) subject: Subject,
    pub(super) leg: Option<LoadOutline>,
    /// Time of legs that are over.
    pub(super) spent: Duration,
    pub(super) at: Offset,
    /// Slots that came due, warm-up included.
    pub(super) due: u64,
    pub(super) recent: VecDeque<Interval>,
    pub(super) whole: Part,
    pub(super) requests: Vec<RequestSlice>,
    pub(super) history: VecDeque<Point>,
    pub(super) paused: bool,
    pub(super) stopping: bool,
    pub(super) progress: SearchProgress,
    pub(super) notes: VecDeque<String>,
    version: u64,
}

/// What is counted of a stretch.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Without the drain, as are the two counts for rates below.
    pub(super) length: Duration,
    pub(super) sent: u64,
    /// Good answers.
    pub(super) good: u64,
    pub(super) planned: u64,
    pub(super) fates: FateCounts,
    /// Broken exchanges by [`TransportError::index`].
    pub(super) errors: [u64; TransportError::COUNT],
    pub(super) bad_statuses: BTreeMap<u16, u64>,
    pub(super) response_time: CensoredHistogram,
    pub(super) send_lag: LatencyHistogram,
}

impl Part {
    /// Adds an interval in which requests came due.
    pub(super) fn add(&mut self, interval: &Interval) {
        self.length += interval.length;
        self.sent += interval.window.sent;
        self.good += interval.window.fates.ok();
        self.add_drained(interval);
    }

    /// Adds an interval of the drain, which is in no rate.
    fn add_drained(&mut self, interval: &Interval) {
        let window = &interval.window;
        self.planned += window.planned;
        self.fates += &window.fates;
        for (ours, theirs) in self.errors.iter_mut().zip(window.errors) {
            *ours += theirs;
        }
        for (status, count) in &window.bad_statuses {
            *self.bad_statuses.entry(*status).or_default() += count;
        }
        self.response_time.merge(&window.response_time);
        self.send_lag.merge(&window.send_lag);
    }
}

impl State {
    /// Nothing has happened.
    pub fn new(subject: Subject) -> Self {
        Self {
            requests: vec![RequestSlice::default(); subject.requests.len()],
            subject,
            leg: None,
            spent: Duration::ZERO,
            at: Offset::ZERO,
            due: 0,
            recent: VecDeque::new(),
            whole: Part::default(),
            history: VecDeque::new(),
            paused: false,
            stopping: false,
            progress: SearchProgress::default(),
            notes: VecDeque::new(),
            version: 0,
        }
    }

    /// Grows with everything that happens: whoever saw this number has seen all of it.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Load begins; what was counted before is over.
    pub fn begin(&mut self, leg: LoadOutline) {
        self.version += 1;
        self.spent += self.at.since(Offset::ZERO);
        self.at = Offset::ZERO;
        self.due = 0;
        self.recent.clear();
        self.whole = Part::default();
        self.requests.fill(RequestSlice::default());
        self.leg = Some(leg);
    }

    /// The next second, more or less.
    pub fn push(&mut self, second: &Interval) {
        self.version += 1;
        self.at = second.end;
        self.due += second.window.planned;
        self.history.push_back(Point {
            achieved: second.achieved(),
            p95: second.window.response_time.quantile(0.95).value,
            failed: second.window.fates.failed(),
            in_flight: second.window.gauges.in_flight,
        });
        if self.history.len() > HISTORY_MAX {
            self.history.pop_front();
        }
        if !self.is_warming() {
            if self.is_draining(second) {
                self.whole.add_drained(second);
            } else {
                self.whole.add(second);
            }
            for ended in &second.window.ended {
                if let Some(request) = self.requests.get_mut(ended.request()) {
                    request.record(*ended);
                }
            }
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        let mut kept = second.clone();
        kept.window.ended = Vec::new();
        self.recent.push_back(kept);
    }

    /// The pace was changed by hand, or a mark set.
    pub fn turned(&mut self, rate: Option<f64>, note: &str) {
        if rate.is_some() {
            // What was before is no measure for what is asked now.
            self.recent.clear();
        }
        match (rate, &mut self.leg) {
            (Some(rate), Some(leg)) if rate > 0.0 => {
                leg.rate = rate;
                self.paused = false;
            }
            (Some(_), _) => self.paused = true,
            (None, _) => {}
        }
        let at = crate::time::Human(self.at.since(Offset::ZERO));
        self.note(format!("{at}: {note}"));
    }

    /// A trial of a search is over.
    pub fn search_went_on(&mut self, progress: SearchProgress) {
        self.version += 1;
        self.progress = progress;
    }

    /// Whether someone has asked for the end.
    pub const fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// Someone asked for the end.
    pub fn stop(&mut self) {
        self.version += 1;
        self.stopping = true;
    }

    /// Something is to be read.
    pub fn note(&mut self, text: String) {
        self.version += 1;
        if self.notes.len() == NOTES_MAX {
            self.notes.pop_front();
        }
        self.notes.push_back(text);
    }

    /// Whether what comes does not count yet.
    pub(super) fn is_warming(&self) -> bool {
        self.leg.as_ref().is_some_and(|leg| self.at.since(Offset::ZERO) <= leg.warmup)
    }

    /// Whether arrivals were over in the latest second; timers are not exact, so its middle tells.
    fn is_draining(&self, second: &Interval) -> bool {
        self.leg.as_ref().is_some_and(|leg| match leg.end {
            LoadEnd::At(end) => second.end - second.length / 2 >= end,
            LoadEnd::Slots(slots) => self.due >= slots && second.window.planned == 0,
        })
    }

    pub(super) fn gauges(&self) -> Gauges {
        self.recent.back().map(|last| last.window.gauges).unwrap_or_default()
    }
}
