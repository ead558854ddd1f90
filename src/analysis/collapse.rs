//! [`Collapse`]: a fall of the served rate to less than half under a load that stayed, and whether it came
//! back. Past its capacity a target may have two stable states, one with a queue and one without, and not
//! leave the worse one by itself.

use std::time::Duration;

use crate::analysis::drift::order::median;
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::load::rate::Figures;
use crate::measure::series::SeriesPoint;
use crate::measure::window::per_second;
use crate::time::{Human, Offset};

/// Points before a fall, so that there is a level to fall from, and points of one that lasts.
const POINTS_MIN: usize = 5;
/// Below this share of the level before, it has fallen …
const FALLEN_SHARE: f64 = 0.5;
/// … unless what was not answered in time came later: good answers of the fall and of as long a time after
/// it are below this share of the level before.
const LOST_SHARE_MAX: f64 = 0.75;
/// The load has stayed if no less than this share of it came due.
const LOAD_SHARE_MIN: f64 = 0.8;
/// Good answers that were to be expected during the fall: fewer tell nothing.
const EXPECTED_MIN: f64 = 30.0;

/// A fall of the served rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collapse {
    /// When it began, from the start of the measurement.
    pub at: Offset,
    /// When it was over; `None` if it lasted until the end.
    pub recovered: Option<Offset>,
    /// Good answers per second before it.
    pub before: f64,
    /// Good answers per second while it lasted.
    pub after: f64,
    /// Slots per second that came due while it lasted.
    pub planned: f64,
}

/// The first collapse in the points of a run at one rate, in order of time.
pub fn judge(points: &[SeriesPoint]) -> Option<Collapse> {
    let points: Vec<&SeriesPoint> = points.iter().filter(|point| point.planned > 0).collect();
    let served: Vec<f64> = points.iter().map(|point| rate(&[point], good)).collect();
    (POINTS_MIN..points.len()).find_map(|from| {
        let before = median(&served[..from]);
        let fallen = |value: &f64| *value < before * FALLEN_SHARE;
        let lasts = served[from..].iter().take_while(|value| fallen(value)).count();
        let (fall, rest) = points[from..].split_at(lasts);
        let planned = rate(fall, due);
        let loaded = planned >= LOAD_SHARE_MIN * rate(&points[..from], due);
        let expected = before * length(fall).as_secs_f64();
        if lasts < POINTS_MIN || !loaded || expected < EXPECTED_MIN {
            return None;
        }
        let with_backlog = &points[from..points.len().min(from + 2 * lasts)];
        let lost = rate(with_backlog, good) < before * LOST_SHARE_MAX;
        lost.then(|| Collapse {
            at: points[from].begin(),
            recovered: rest.first().map(|point| point.begin()),
            before,
            after: rate(fall, good),
            planned,
        })
    })
}

const fn good(point: &SeriesPoint) -> u64 {
    point.ok
}

const fn due(point: &SeriesPoint) -> u64 {
    point.planned
}

fn length(points: &[&SeriesPoint]) -> Duration {
    points.iter().map(|point| point.span()).sum()
}

fn rate(points: &[&SeriesPoint], of: fn(&SeriesPoint) -> u64) -> f64 {
    per_second(points.iter().map(|point| of(point)).sum(), length(points))
}

/// What there is to say of it.
pub fn finding(collapse: &Collapse) -> Finding {
    let Collapse { at, recovered, before, after, planned } = *collapse;
    let at = at.since(Offset::ZERO);
    let end = match recovered {
        None => "it did not recover until the end".to_owned(),
        Some(end) => {
            let end = end.since(Offset::ZERO);
            format!("it recovered at {}, after {}", Human(end), Human(end.saturating_sub(at)))
        }
    };
    let remedy = match recovered {
        None => {
            "this rate is past its capacity, which --find-max-rps finds; work that nobody waits for any more \
             keeps it down: bound its queues, drop requests older than their clients' time limit, and see \
             whether it recovers at a lower rate"
        }
        Some(_) => {
            "look at its log at these instants: a restart, a failover, a full queue, a lost connection"
        }
    };
    let per_second = |rate: f64| Figures(rate.round());
    Finding {
        cause: Cause::Collapsed,
        severity: Severity::Warning,
        message: format!(
            "the served rate collapsed {} into the run: from {} to {} good answers a second, at {}/s asked; {end}",
            Human(at),
            per_second(before),
            per_second(after),
            per_second(planned)
        ),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One point a second at 325/s with so many good answers.
    fn points(good: impl IntoIterator<Item = u64>) -> Vec<SeriesPoint> {
        let point = |(second, ok): (u64, u64)| SeriesPoint {
            planned: 325,
            ok,
            ..SeriesPoint::example(second, 20_000_000)
        };
        (1..).zip(good).map(point).collect()
    }

    #[test]
    fn a_fall_is_found_where_it_begins_and_whether_it_ends() {
        let fall =
            |seconds: std::ops::Range<u64>| {
                points((0..90).map(
                    move |second| if seconds.contains(&second) { 8 } else { 230 + second % 7 },
                ))
            };
        let lasting = judge(&fall(32..90)).expect("it fell");
        assert_eq!((lasting.at.as_secs_f64().round(), lasting.recovered), (32.0, None));
        let said = finding(&lasting).message;
        assert!(
            said.contains("collapsed 32 s into the run: from 233 to 8 good answers a second"),
            "{said}"
        );
        assert!(said.contains("at 325/s asked; it did not recover"), "{said}");
        let passing = judge(&fall(32..50)).expect("it fell");
        let said = finding(&passing).message;
        assert!(said.ends_with("it recovered at 50 s, after 18 s"), "{said}");
    }

    #[test]
    fn a_stall_a_dip_and_a_lower_rate_are_no_collapse() {
        let told = |good: Vec<u64>| judge(&points(good));
        assert_eq!(told(vec![325; 60]), None);
        assert_eq!(told((0..60).map(|s| if s % 10 == 0 { 100 } else { 325 }).collect()), None);
        // Five seconds of standstill, and all of it is answered after.
        let stall = |s| match s {
            20..25 => 0,
            25..27 => 325 + 5 * 325 / 2,
            _ => 325,
        };
        assert_eq!(told((0..60).map(stall).collect()), None);
        let mut lower = points((0..60).map(|s| if s < 30 { 325 } else { 100 }));
        lower[30..].iter_mut().for_each(|point| point.planned = 100);
        assert_eq!(judge(&lower), None, "the load fell");
        assert_eq!(told(vec![0; 60]), None, "there was nothing to fall from");
        assert_eq!(told(Vec::new()), None);
    }
}
