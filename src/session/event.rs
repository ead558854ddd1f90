//! [`RunEvent`]: what happens while a session runs, and [`Observer`], who is handed it.
//!
//! Events are handed out on the session's own thread, never on a worker's. They are cheap to clone and own
//! all they hold, so an observer that may be slow takes them to a thread of its own
//! ([`crate::session::queue`]).

use std::sync::Arc;

use crate::analysis::search::{CompletedTrial, SearchProgress};
use crate::analysis::trial::Judgement;
use crate::load::outline::LoadOutline;
use crate::measure::fate::FateCounts;
use crate::measure::slice::Slice;
use crate::measure::window::Interval;
use crate::report::Report;
use crate::time::Offset;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// Something to know; one line.
    Note(String),
    /// Something to worry about; one line.
    Warning(String),
    /// What a search knows before its next trial.
    SearchProgress(Arc<SearchProgress>),
    /// A load begins: a run, a trial of a search, or a block of a comparison.
    LoadBegan(LoadOutline),
    /// About a second of the load under way has passed.
    Interval(Arc<IntervalEvent>),
    /// A control command was carried out.
    Steered(Steered),
    /// A trial of a search has ended.
    TrialEnded(Arc<TrialEnded>),
    /// What the search would report if it ended here.
    Provisional(Arc<Report>),
}

/// About a second of a load.
#[derive(Clone, Debug)]
pub struct IntervalEvent {
    /// The label of the load it belongs to.
    pub label: Arc<str>,
    /// All that ended in it, warm-up included, with the samples that were asked for.
    pub interval: Interval,
    /// The part that counts; absent during the warm-up.
    pub measured: Option<MeasuredInterval>,
    /// Endings since the load began.
    pub total: FateCounts,
    /// When arrivals end; [`Offset::MAX`] where slots are counted instead.
    pub arrivals_end: Offset,
}

/// What counts of an interval.
#[derive(Clone, Debug)]
pub struct MeasuredInterval {
    /// Without what belongs to the warm-up.
    pub interval: Interval,
    /// The slice, by request name, that ends with it.
    pub slice: Option<Slice>,
}

/// A control command that was carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Steered {
    /// The new rate in arrivals per second, 0 while paused; absent for a mark.
    pub rate: Option<f64>,
    /// The command in words, or the text of the mark.
    pub label: String,
}

/// A trial of a search that has ended.
#[derive(Clone, Debug)]
pub struct TrialEnded {
    /// What was offered and measured.
    pub completed: CompletedTrial,
    /// What it says of the rate.
    pub judgement: Judgement,
    /// One line for people.
    pub summary: String,
    /// Whether the end of the session was requested before the trial had ended.
    pub interrupted: bool,
}

/// Whoever is handed what happens.
pub trait Observer {
    /// Takes in an event. The session goes on when this returns; workers do not wait for it.
    fn observe(&mut self, event: &RunEvent);
}

/// Nobody.
impl Observer for () {
    fn observe(&mut self, _: &RunEvent) {}
}

/// Several observers, which are handed each event one after the other.
pub struct Observers<'a, const N: usize>([&'a mut dyn Observer; N]);

impl<'a, const N: usize> Observers<'a, N> {
    /// All of `observers`, in their order.
    pub const fn of(observers: [&'a mut dyn Observer; N]) -> Self {
        Self(observers)
    }
}

impl<const N: usize> Observer for Observers<'_, N> {
    fn observe(&mut self, event: &RunEvent) {
        for observer in &mut self.0 {
            observer.observe(event);
        }
    }
}

pub(super) fn warn(observer: &mut dyn Observer, text: impl Into<String>) {
    observer.observe(&RunEvent::Warning(text.into()));
}

pub(super) fn note(observer: &mut dyn Observer, text: impl Into<String>) {
    observer.observe(&RunEvent::Note(text.into()));
}
