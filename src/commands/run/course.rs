//! [`Course`]: what becomes of a leg's windows while it runs: progress each second, the series, the
//! journal.

use std::time::Duration;

use crate::analysis::standstill::{Standstills, Watch};
use crate::commands::run::output::Output;
use crate::commands::run::screen::Screen;
use crate::load::schedule::Schedule;
use crate::measure::fate::FateCounts;
use crate::measure::slice::{Place, Slicer};
use crate::measure::window::{Gauges, Interval};
use crate::report::series::SeriesBuilder;
use crate::time::Offset;

const SECOND: Duration = Duration::from_secs(1);
/// Half a window short of a second still counts as one: clocks are not exact.
const NEARLY: Duration = Duration::from_millis(50);

/// A leg as it goes on.
pub(super) struct Course<'a> {
    label: String,
    screen: Screen,
    output: &'a mut Output,
    warmup: Duration,
    arrivals_end: Offset,
    open: Option<Interval>,
    total: FateCounts,
    slicer: Slicer,
    standstills: Watch,
    series: SeriesBuilder,
}

impl<'a> Course<'a> {
    /// The course of `schedule`, whose first `warmup` is shown and not kept.
    pub(super) fn new(
        label: String,
        schedule: &Schedule,
        warmup: Duration,
        screen: Screen,
        output: &'a mut Output,
    ) -> Self {
        let arrivals_end = schedule.end();
        let measured = arrivals_end.since(Offset::ZERO + warmup);
        Self {
            label,
            screen,
            output,
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
    pub(super) fn push(&mut self, window: &Interval) {
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
            self.close(open, Place::Within);
        } else {
            self.open = Some(open);
        }
    }

    /// Closes what is left of the last second.
    pub(super) fn finish(&mut self) {
        if let Some(open) = self.open.take() {
            self.close(open, Place::Last);
        }
    }

    /// The series, and the times in which the target stood still.
    pub(super) fn into_parts(self) -> (SeriesBuilder, Standstills) {
        (self.series, self.standstills.finish(self.warmup))
    }

    fn close(&mut self, mut second: Interval, place: Place) {
        let window = &second.window;
        if window.planned == 0 && window.fates.planned() == 0 && window.gauges == Gauges::default()
        {
            // The end of a drain that had nothing left to wait for.
            return;
        }
        self.total += &window.fates;
        self.output.keep(&window.samples, self.screen);
        self.screen.progress(&self.label, &second, self.total, self.arrivals_end);
        if second.end.since(Offset::ZERO) > self.warmup {
            self.output.stream(&second, self.screen);
            second.count_from(self.warmup);
            let slice = self.slicer.push(&mut second, place);
            self.series.push(&second);
            self.output.append(&second, slice.as_ref(), self.screen);
        }
    }
}
