//! [`MonitorLog`]: what the looks at one monitor brought, and [`Monitored`], the part of it that lies
//! within a stretch of load, on that stretch's own axis of time.
//!
//! Bounded whatever the monitor says and however long it goes on: so many series, so many points; a
//! series that fills up joins neighbours. Counters become rates as they are entered.

use crate::time::Offset;

/// Points of one series at most: twenty minutes at one a second, after which each stands for two, then
/// for four …
pub const POINTS_MAX: usize = 1_200;
/// Series of one monitor at most.
pub const SERIES_MAX: usize = 32;
/// Characters of a name or a reason that are kept.
const LINE_CHARS_MAX: usize = 200;

/// How the values of a figure are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// As they are.
    Level,
    /// As growth per second.
    Growth,
}

/// One figure of one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it is about.
    pub name: String,
    /// Its unit, after growth has become a rate; empty for a plain number.
    pub unit: &'static str,
    /// How it is read.
    pub reads: Reads,
    /// Its value.
    pub value: f64,
}

/// One series within a stretch of load.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitored {
    /// What it is about; of a monitor that never succeeded, the monitor.
    pub name: String,
    /// The monitor's kind.
    pub kind: &'static str,
    /// Which monitor it came from, without anything secret.
    pub source: String,
    /// Its unit; empty for a plain number.
    pub unit: String,
    /// Instant and value, in order of time.
    pub points: Vec<(Offset, f64)>,
    /// What is to be known about it: failed looks, restarts, series left out.
    pub notes: Vec<String>,
}

/// All looks at one monitor so far.
#[derive(Debug)]
pub struct MonitorLog {
    kind: &'static str,
    source: String,
    tracks: Vec<Track>,
    looks: u64,
    failures: u64,
    /// The first reason, which is as a rule that of all.
    failure: Option<String>,
    left_out: u64,
}

impl MonitorLog {
    /// Nothing yet.
    pub fn new(kind: &'static str, source: String) -> Self {
        Self { kind, source, tracks: Vec::new(), looks: 0, failures: 0, failure: None, left_out: 0 }
    }

    /// Enters what a look at the instant `at_ns` found; instants are those of any clock that only goes
    /// forward, and later than before.
    pub fn record(&mut self, at_ns: u64, readings: Vec<Reading>) {
        self.looks += 1;
        let mut unknown = 0;
        for reading in readings.into_iter().filter(|reading| reading.value.is_finite()) {
            let known = self.tracks.iter().position(|track| track.name == reading.name);
            let place = match known {
                Some(place) => place,
                None if self.tracks.len() < SERIES_MAX => {
                    self.tracks.push(Track::new(&reading));
                    self.tracks.len() - 1
                }
                None => {
                    unknown += 1;
                    continue;
                }
            };
            self.tracks[place].enter(at_ns, reading.value);
        }
        self.left_out = self.left_out.max(unknown);
    }

    /// Enters that a look failed.
    pub fn fail(&mut self, reason: &str) {
        self.looks += 1;
        self.failures += 1;
        if self.failure.is_none() {
            self.failure = Some(one_line(reason));
        }
    }

    /// Forgets the points; what counters have come to is kept, so that the next look has a rate.
    pub fn begin(&mut self) {
        for track in &mut self.tracks {
            track.points.clear();
            track.joined = 1;
            track.open = Open::default();
            track.restarts = 0;
        }
        (self.looks, self.failures, self.failure) = (0, 0, None);
    }

    /// What lies between two instants, counted from the first of them.
    pub fn between(&self, from_ns: u64, to_ns: u64) -> Vec<Monitored> {
        let within = |(at, value): &(u64, f64)| {
            (from_ns..=to_ns).contains(at).then(|| (Offset::from_nanos(at - from_ns), *value))
        };
        let mut found: Vec<Monitored> = self
            .tracks
            .iter()
            .map(|track| Monitored {
                name: track.name.clone(),
                kind: self.kind,
                source: self.source.clone(),
                unit: track.unit.to_owned(),
                points: track.points.iter().filter_map(within).collect(),
                notes: track.notes(),
            })
            .collect();
        found.retain(|series| !series.points.is_empty());
        let notes = self.notes(found.is_empty());
        if found.is_empty() && !notes.is_empty() {
            found.push(Monitored {
                name: self.source.clone(),
                kind: self.kind,
                source: self.source.clone(),
                unit: String::new(),
                points: Vec::new(),
                notes,
            });
        } else if let Some(first) = found.first_mut() {
            first.notes.extend(notes);
        }
        found
    }

    fn notes(&self, nothing: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(failure) = &self.failure {
            notes.push(format!("{} of {} looks failed: {failure}", self.failures, self.looks));
        } else if nothing {
            notes.push("no look found anything while the load was measured".to_owned());
        }
        if self.left_out > 0 {
            notes.push(format!(
                "{} more series were left out; choose at most {SERIES_MAX}",
                self.left_out
            ));
        }
        notes
    }
}

/// Foreign text as one short line without anything that could drive a terminal.
pub fn one_line(text: &str) -> String {
    let plain = text.chars().take(LINE_CHARS_MAX);
    let plain: String = plain.map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One series.
#[derive(Debug)]
struct Track {
    name: String,
    unit: &'static str,
    reads: Reads,
    /// The latest value of a counter.
    last: Option<(u64, f64)>,
    points: Vec<(u64, f64)>,
    /// How many values a point stands for.
    joined: u32,
    open: Open,
    restarts: u64,
}

/// A point that more values are to join.
#[derive(Debug, Default)]
struct Open {
    sum: f64,
    values: u32,
}

impl Track {
    fn new(reading: &Reading) -> Self {
        Self {
            name: reading.name.clone(),
            unit: reading.unit,
            reads: reading.reads,
            last: None,
            points: Vec::new(),
            joined: 1,
            open: Open::default(),
            restarts: 0,
        }
    }

    fn enter(&mut self, at_ns: u64, value: f64) {
        match self.reads {
            Reads::Level => self.push(at_ns, value),
            Reads::Growth => {
                let last = self.last.replace((at_ns, value));
                match last {
                    // Whoever counts began anew; what it had come to by then is not known.
                    Some((_, before)) if value < before => self.restarts += 1,
                    Some((then, before)) if at_ns > then => {
                        self.push(at_ns, (value - before) * 1e9 / (at_ns - then) as f64);
                    }
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, at_ns: u64, value: f64) {
        self.open.sum += value;
        self.open.values += 1;
        if self.open.values < self.joined {
            return;
        }
        let Open { sum, values } = std::mem::take(&mut self.open);
        self.points.push((at_ns, sum / f64::from(values)));
        if self.points.len() == POINTS_MAX {
            let pairs = self.points.chunks_exact(2);
            self.points =
                pairs.map(|pair| (pair[1].0, f64::midpoint(pair[0].1, pair[1].1))).collect();
            self.joined *= 2;
        }
    }

    fn notes(&self) -> Vec<String> {
        match self.restarts {
            0 => Vec::new(),
            1 => vec!["the counter began anew once: a restart?".to_owned()],
            times => vec![format!("the counter began anew {times} times: restarts?")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn reading(name: &str, reads: Reads, value: f64) -> Reading {
        Reading { name: name.to_owned(), unit: "", reads, value }
    }

    fn log() -> MonitorLog {
        MonitorLog::new("command", "command ./x".to_owned())
    }

    #[test]
    fn counters_become_rates_and_a_restart_is_passed_over() {
        let mut log = log();
        for (second, value) in [(1, 100.0), (2, 110.0), (4, 150.0), (5, 3.0), (6, 8.0)] {
            log.record(second * SECOND, vec![reading("sent", Reads::Growth, value)]);
        }
        let found = log.between(0, 10 * SECOND);
        let values: Vec<f64> = found[0].points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [10.0, 20.0, 5.0]);
        assert_eq!(found[0].notes, ["the counter began anew once: a restart?"]);
    }

    #[test]
    fn a_stretch_sees_its_own_looks_on_its_own_axis() {
        let mut log = log();
        for second in 1..=9 {
            log.record(second * SECOND, vec![reading("depth", Reads::Level, second as f64)]);
        }
        let found = log.between(3 * SECOND, 5 * SECOND);
        let seen: Vec<(u64, f64)> =
            found[0].points.iter().map(|(at, value)| (at.as_nanos() / SECOND, *value)).collect();
        assert_eq!(seen, [(0, 3.0), (1, 4.0), (2, 5.0)]);
        log.begin();
        assert_eq!(log.between(0, 20 * SECOND)[0].notes.len(), 1, "nothing was found since");
        log.record(10 * SECOND, vec![reading("depth", Reads::Level, f64::NAN)]);
        assert!(log.between(0, 20 * SECOND)[0].points.is_empty());
    }

    #[test]
    fn failures_are_a_note_and_one_reason_stands_for_all() {
        let mut log = log();
        log.fail("exit code 1:\nno such\u{0} file");
        log.fail("other");
        let found = log.between(0, SECOND);
        assert_eq!((found.len(), found[0].name.as_str()), (1, "command ./x"));
        assert!(found[0].points.is_empty());
        assert!(found[0].notes[0].starts_with("2 of 2 looks failed: exit code 1: no such"));
        log.record(SECOND, vec![reading("depth", Reads::Level, 1.0)]);
        let found = log.between(0, SECOND);
        assert_eq!((found.len(), found[0].points.len()), (1, 1));
        assert!(found[0].notes[0].starts_with("2 of 3 looks failed"));
    }

    #[test]
    fn points_and_series_are_bounded_and_nothing_is_dropped_unsaid() {
        let mut log = log();
        for second in 1..=5_000 {
            log.record(second * SECOND, vec![reading("one", Reads::Level, 1.0)]);
        }
        let points = &log.between(0, u64::MAX)[0].points;
        assert!((POINTS_MAX / 2..POINTS_MAX).contains(&points.len()), "{}", points.len());
        assert!(points.iter().all(|(_, value)| (value - 1.0).abs() < 1e-12));
        assert!(points.is_sorted_by_key(|(at, _)| *at));

        let many = (0..SERIES_MAX + 7).map(|n| reading(&format!("s{n}"), Reads::Level, 1.0));
        let mut log = self::log();
        log.record(1, many.collect());
        let found = log.between(0, 2);
        assert_eq!(found.len(), SERIES_MAX);
        assert_eq!(found[0].notes, ["7 more series were left out; choose at most 32"]);
    }
}
