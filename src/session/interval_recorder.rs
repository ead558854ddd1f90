//! [`IntervalRecorder`]: what becomes of a load's windows while it runs: about once a second an event, and
//! over all of it the series and the standstills.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::standstill::{Standstills, Watch};
use crate::load::schedule::Schedule;
use crate::measure::fate::FateCounts;
use crate::measure::series::SeriesBuilder;
use crate::measure::slice::{Place, Slicer};
use crate::measure::window::{Gauges, Interval};
use crate::session::event::{IntervalEvent, MeasuredInterval, Observer, RunEvent};
use crate::time::Offset;

const SECOND: Duration = Duration::from_secs(1);
/// Half a window short of a second still counts as one: clocks are not exact.
const NEARLY: Duration = Duration::from_millis(50);

/// The windows of one load, gathered as they close.
pub(super) struct IntervalRecorder {
    label: Arc<str>,
    warmup: Duration,
    arrivals_end: Offset,
    open: Option<Interval>,
    total: FateCounts,
    slicer: Slicer,
    standstills: Watch,
    series: SeriesBuilder,
}

impl IntervalRecorder {
    /// For `schedule`, whose first `warmup` is shown and not kept.
    pub(super) fn new(label: &str, schedule: &Schedule, warmup: Duration) -> Self {
        let arrivals_end = schedule.end();
        let measured = arrivals_end.since(Offset::ZERO + warmup);
        Self {
            label: label.into(),
            warmup,
            arrivals_end,
            open: None,
            total: FateCounts::default(),
            slicer: Slicer::new(measured),
            standstills: Watch::default(),
            series: SeriesBuilder::new(measured),
        }
    }

    /// Takes the next window of all workers.
    pub(super) fn push(&mut self, window: &Interval, observer: &mut dyn Observer) {
        self.standstills.push(&window.window);
        let open = match self.open.take() {
            Some(mut open) => {
                open.append(window);
                open
            }
            None => window.clone(),
        };
        let warming = open.end.since(Offset::ZERO) <= self.warmup;
        let warm_now = warming && open.end.since(Offset::ZERO) + NEARLY >= self.warmup;
        if open.length + NEARLY >= SECOND || warm_now {
            self.close(open, Place::Within, observer);
        } else {
            self.open = Some(open);
        }
    }

    /// Closes what is left of the last second.
    pub(super) fn finish(&mut self, observer: &mut dyn Observer) {
        if let Some(open) = self.open.take() {
            self.close(open, Place::Last, observer);
        }
    }

    /// The series, and the times in which the target stood still.
    pub(super) fn into_parts(self) -> (SeriesBuilder, Standstills) {
        (self.series, self.standstills.finish(self.warmup))
    }

    fn close(&mut self, interval: Interval, place: Place, observer: &mut dyn Observer) {
        let window = &interval.window;
        if window.planned == 0 && window.fates.planned() == 0 && window.gauges == Gauges::default()
        {
            // The end of a drain that had nothing left to wait for.
            return;
        }
        self.total += &window.fates;
        let is_measured = interval.end.since(Offset::ZERO) > self.warmup;
        let event = IntervalEvent {
            label: Arc::clone(&self.label),
            measured: is_measured.then(|| self.measure(interval.clone(), place)),
            interval,
            total: self.total,
            arrivals_end: self.arrivals_end,
        };
        observer.observe(&RunEvent::Interval(Arc::new(event)));
    }

    fn measure(&mut self, mut interval: Interval, place: Place) -> MeasuredInterval {
        interval.count_from(self.warmup);
        let slice = self.slicer.push(&mut interval, place);
        self.series.push(&interval);
        MeasuredInterval { interval, slice }
    }
}
