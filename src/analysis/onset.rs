//! What turned first: when p95 broke its limit or drifted, which of the monitored series had left its
//! level before.
//!
//! Whether a series turned is Pettitt's test (1979), which compares ranks and so asks for no distribution;
//! since when is where it left the band around its earlier level. It takes a change that matters beside
//! its noise, and many series are held to a stricter test each. Coming first is no proof of a cause, and
//! the sentence says so.

use std::time::Duration;

use crate::analysis::drift::order::{median, ranks};
use crate::analysis::drift::{self, Course, Metric, Movement, When};
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::Amount;
use crate::load::rate::Figures;
use crate::load::slo::{Objective, Slo, quantile_name};
use crate::measure::monitored::Monitored;
use crate::measure::series::SeriesPoint;
use crate::time::{Human, Offset};

/// Points that must lie before an event, so that there was a level to leave.
const BEFORE_MIN: usize = 5;
/// Points in a row beyond the limit from which on it counts as broken.
const BROKEN_MIN: usize = 3;
/// Points after the event that are looked at: later on everything is overloaded.
const AFTER_MAX: usize = 10;
/// Over all series together, the chance that one turns by itself: for a plain statement …
const CERTAIN: f64 = 0.01;
/// … and for one that calls its evidence weak.
const WEAK: f64 = 0.1;
/// Widths of the noise that a level must move by.
const WIDTHS: f64 = 3.0;
/// Noise that is assumed at least, as a share of the level.
const NOISE_SHARE_MIN: f64 = 0.03;
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

/// When a series left its level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The first point beyond the band around the earlier level.
    pub at: Offset,
    /// The level before.
    pub from: f64,
    /// The level after.
    pub to: f64,
    /// The chance of as large a difference of ranks without any turn, 0 to 1.
    pub p: f64,
}

impl Turn {
    /// Whether chance hardly explains it, for a series that is looked at by itself.
    pub fn is_certain(&self) -> bool {
        self.p < CERTAIN
    }
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
    pub turn: Turn,
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
            Course::Moved(Movement {
                when: When::At(at) | When::Since(at, _), from, to, ..
            }) if one.metric == metric && to > from => Some(at),
            _ => None,
        })
    };
    let at = rising(Metric::P95).map(|at| ("p95", at));
    let (name, at) = at.or_else(|| rising(Metric::P50).map(|at| ("p50", at)))?;
    Some(Event { what: format!("{name} began to rise"), at })
}

/// When and how the values of a series turned, if they did. Ten points are the least.
pub fn turn(points: &[(Offset, f64)]) -> Option<Turn> {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let count = values.len();
    if count < 2 * BEFORE_MIN {
        return None;
    }
    let mut sum = 0.0;
    let walk = ranks(&values).into_iter().enumerate().map(|(place, rank)| {
        sum += rank;
        let departure: f64 = 2.0 * sum - (place + 1) as f64 * (count + 1) as f64;
        (place + 1, departure.abs())
    });
    let inner = walk.take(count - 1).skip(BEFORE_MIN - 1);
    let (place, departure) = inner.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let cube = (count as f64).powi(3) + (count as f64).powi(2);
    let p = (2.0 * (-6.0 * departure * departure / cube).exp()).min(1.0);
    let (from, to) = (median(&values[..place]), median(&values[place..]));
    let spread: Vec<f64> = values[..place].iter().map(|value| (value - from).abs()).collect();
    // 1.4826 makes the median deviation that of a normal distribution.
    let noise = (1.4826 * median(&spread)).max(NOISE_SHARE_MIN * from.abs().max(to.abs()));
    let beyond = |value: f64| (value - from) * (to - from).signum() > WIDTHS * noise;
    if !beyond(to) {
        return None;
    }
    let outside = |at: &usize| beyond(values[*at]);
    let first = (place.saturating_sub(1)..count).find(outside)?;
    let onset = (0..first).rev().take_while(outside).last().unwrap_or(first);
    Some(Turn { at: points[onset].0, from, to, p })
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
                let turned = turn(&series.points[..until]).filter(|turn| turn.at <= event.at);
                led.extend(turned.map(|turn| Lead::new(series, turn)));
            }
        }
        let tests = (monitored.len() + 1) as f64;
        led.retain(|lead| lead.turn.p * tests < WEAK);
        led.sort_by_key(|lead| lead.turn.at);
        let weak = led.iter().all(|lead| lead.turn.p * tests >= CERTAIN);
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
    fn new(series: &Monitored, turn: Turn) -> Self {
        let (name, source, unit) = (&series.name, &series.source, &series.unit);
        Self { name: name.clone(), source: source.clone(), unit: unit.clone(), turn }
    }

    /// `queue_depth 6 s earlier (2 to 40)`
    fn told(&self, event: &Event) -> String {
        let lead = event.at.since(self.turn.at);
        let when = if lead < Duration::from_secs(1) {
            "at the same time".to_owned()
        } else {
            format!("{} earlier", Human(Duration::from_secs(lead.as_secs())))
        };
        let (from, to) = (Figures(self.turn.from), Amount(self.turn.to, &self.unit));
        format!("{} {when} ({from} to {to})", self.name)
    }
}

fn whole_seconds(at: Offset) -> Duration {
    Duration::from_secs(at.since(Offset::ZERO).as_secs())
}

#[cfg(test)]
mod tests;
