//! What turned first: when p95 broke its limit or drifted, which of the monitored series had left its
//! level before.
//!
//! Many series are held to a stricter test each. Coming first is no proof of a cause, and the sentence says so.

use std::time::Duration;

use crate::analysis::change_point::{self, BEFORE_MIN, CERTAIN, ChangePoint};
use crate::analysis::drift::{self, Metric, Movement, Trend, When};
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::Amount;
use crate::load::rate::Figures;
use crate::load::slo::{Objective, Slo, quantile_name};
use crate::measure::monitored::Monitored;
use crate::measure::series::SeriesPoint;
use crate::time::{Human, Offset};

/// Points in a row beyond the limit from which on it counts as broken.
const BROKEN_MIN: usize = 3;
/// Points after the event that are looked at: later on everything is overloaded.
const AFTER_MAX: usize = 10;
/// Over all series together, the chance that one turns by itself that still is told, as weak evidence.
const WEAK: f64 = 0.1;
/// Series that are named.
const NAMED_MAX: usize = 3;

/// What happened to the response time.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// In words, without its instant: `p95 broke its limit of 1 s`.
    pub what: String,
    /// Since the start of the measurement.
    pub at: Offset,
}

/// What happened to the response time, and which series had turned before.
#[derive(Clone, Debug, PartialEq)]
pub struct Onset {
    /// What happened.
    pub event: Event,
    /// In order of time.
    pub led: Vec<Lead>,
    /// Monitored series with looks enough to be asked.
    series: usize,
    /// Whether no lead is beyond doubt.
    weak: bool,
}

/// A series that turned before an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Name of the series.
    pub name: String,
    /// Which monitor it came from.
    pub source: String,
    /// Its unit; empty for a plain number.
    pub unit: String,
    /// When and how it turned.
    pub change: ChangePoint,
}

/// The first objective on a response time that was broken for good, else a response time that drifted
/// upwards. Nothing if it was so from the beginning: then there was no level before.
pub fn event(slo: &Slo, points: &[SeriesPoint]) -> Option<Event> {
    let broken = slo.objectives.iter().filter_map(|objective| match objective {
        Objective::ResponseTime { quantile, limit, .. } => Some((*quantile, *limit)),
        _ => None,
    });
    let broken = broken.filter_map(|(quantile, limit)| {
        let at = breach(points, quantile, limit)?;
        let what = format!("{} broke its limit of {}", quantile_name(quantile), Human(limit));
        Some(Event { what, at })
    });
    broken.min_by_key(|event| event.at).or_else(|| drifted(points))
}

fn breach(points: &[SeriesPoint], quantile: f64, limit: Duration) -> Option<Offset> {
    let known = [0.5, 0.95, 0.99];
    let place = known.iter().position(|known| (known - quantile).abs() < 1e-9)?;
    let busy: Vec<&SeriesPoint> = points.iter().filter(|point| point.planned > 0).collect();
    let over: Vec<bool> = busy.iter().map(|point| !point.times()[place].below(limit)).collect();
    let first = over.windows(BROKEN_MIN).position(|points| points.iter().all(|over| *over))?;
    (first >= BEFORE_MIN).then(|| busy[first].begin())
}

fn drifted(points: &[SeriesPoint]) -> Option<Event> {
    let judged = drift::judge(points)?;
    let rising = |metric| {
        judged.iter().find_map(|one| match one.course {
            Trend::Moved(Movement {
                when: When::At(at) | When::Since(at, _), from, to, ..
            }) if one.metric == metric && to > from => Some(at),
            _ => None,
        })
    };
    let at = rising(Metric::P95).map(|at| ("p95", at));
    let (name, at) = at.or_else(|| rising(Metric::P50).map(|at| ("p50", at)))?;
    Some(Event { what: format!("{name} began to rise"), at })
}

impl Onset {
    /// Looks for what turned before `event`. The arrival rate is asked as well: where stages raise it, it is
    /// what turned.
    pub fn new(event: Event, points: &[SeriesPoint], monitored: &[Monitored]) -> Self {
        let enough = |series: &&Monitored| series.points.len() >= 2 * BEFORE_MIN;
        let monitored: Vec<&Monitored> = monitored.iter().filter(enough).collect();
        let mut led: Vec<Lead> = Vec::new();
        if !monitored.is_empty() {
            let arrivals = arrivals(points);
            for series in monitored.iter().copied().chain([&arrivals]) {
                let before = series.points.partition_point(|(at, _)| *at <= event.at);
                let until = (before + AFTER_MAX).min(series.points.len());
                let found = change_point::find(&series.points[..until]);
                let turned = found.filter(|change| change.at <= event.at);
                led.extend(turned.map(|change| Lead::new(series, change)));
            }
        }
        let tests = (monitored.len() + 1) as f64;
        led.retain(|lead| lead.change.p * tests < WEAK);
        led.sort_by_key(|lead| lead.change.at);
        let weak = led.iter().all(|lead| lead.change.p * tests >= CERTAIN);
        Self { event, led, series: monitored.len(), weak }
    }

    /// It as a sentence; nothing if nothing was monitored.
    pub fn finding(&self) -> Option<Finding> {
        if self.series == 0 {
            return None;
        }
        let at = Human(whole_seconds(self.event.at));
        let start = format!("{} {at} into the run", self.event.what);
        let (message, remedy) = if self.led.is_empty() {
            (
                format!("{start}; none of {} monitored series turned before it", self.series),
                "monitor what the target waits for, such as its database, pool or processor, or look more \
                 often with --monitor-interval",
            )
        } else {
            let named = self.led.iter().take(NAMED_MAX).map(|lead| lead.told(&self.event));
            let named = named.collect::<Vec<_>>().join(", then ");
            let aside = if self.weak { "; the evidence is weak, there were few looks" } else { "" };
            (
                format!("{start}; before it turned {named}{aside}"),
                "look there first; what turns first need not be the cause",
            )
        };
        Some(Finding {
            cause: Cause::TurnedFirst,
            severity: Severity::Info,
            message,
            remedy: remedy.to_owned(),
        })
    }
}

/// Arrivals per second, each point at its beginning.
fn arrivals(points: &[SeriesPoint]) -> Monitored {
    let busy = points.iter().filter(|point| point.planned > 0 && point.length > 0);
    let rate = |point: &SeriesPoint| point.planned as f64 / point.span().as_secs_f64();
    Monitored {
        name: "the arrival rate".to_owned(),
        kind: "schedule",
        source: "schedule".to_owned(),
        unit: "/s".to_owned(),
        points: busy.map(|point| (point.begin(), rate(point))).collect(),
        notes: Vec::new(),
    }
}

impl Lead {
    fn new(series: &Monitored, change: ChangePoint) -> Self {
        let (name, source, unit) = (&series.name, &series.source, &series.unit);
        Self { name: name.clone(), source: source.clone(), unit: unit.clone(), change }
    }

    /// `queue_depth 6 s earlier (2 to 40)`
    fn told(&self, event: &Event) -> String {
        let lead = event.at.since(self.change.at);
        let when = if lead < Duration::from_secs(1) {
            "at the same time".to_owned()
        } else {
            format!("{} earlier", Human(Duration::from_secs(lead.as_secs())))
        };
        let (from, to) = (Figures(self.change.from), Amount(self.change.to, &self.unit));
        format!("{} {when} ({from} to {to})", self.name)
    }
}

fn whole_seconds(at: Offset) -> Duration {
    Duration::from_secs(at.since(Offset::ZERO).as_secs())
}

#[cfg(test)]
mod tests;
