//! Access logs, common, combined or JSON lines → the mix that was served, and its rate.
//!
//! Paths that differ in ids alone are one request. A log holds no bodies and no headers.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::import::access_log::line::Line;
use crate::import::draft::Draft;
use crate::import::recorded::{Recorded, translate};
use crate::import::url::{Url, split_target};
use crate::import::{Choices, ImportError};

mod ids;
mod line;
pub mod replay;

/// Most kinds of requests that are told apart; later ones are counted only.
const KINDS_MAX: usize = 20_000;
/// Most targets of one kind among which the most frequent is looked for.
const TARGETS_MAX: usize = 1_000;
/// Share of lines that may be unreadable before the whole is taken for something else.
const UNREADABLE_MAX: f64 = 0.5;

/// Requests of one method and one path, ids aside.
#[derive(Default)]
struct Kind {
    count: u64,
    targets: HashMap<String, u64>,
    /// More than [`TARGETS_MAX`] occurred.
    overflowed: bool,
}

/// Requests per minute, and when the first and the last came.
#[derive(Default)]
struct Clock {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    minutes: HashMap<i64, u64>,
    timed: u64,
}

/// What a log holds.
#[derive(Default)]
struct Count {
    kinds: HashMap<(String, String), Kind>,
    order: Vec<(String, String)>,
    clock: Clock,
    lines: u64,
    unreadable: u64,
    first_unreadable: Option<usize>,
    failed: u64,
    uncounted: u64,
}

/// Translates a log.
///
/// # Errors
/// What is not an access log, or one without a request that could be sent.
pub fn translate_access_log(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let mut count = Count::default();
    for (number, line) in (1..).zip(text.lines()) {
        count.take(number, line);
    }
    count.check()?;
    let lines = match count.lines {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let mut draft = Draft {
        name: "access-log".to_owned(),
        origin: format!("an access log of {lines}"),
        host: choices.host.clone(),
        flags: count.clock.flags(),
        ..Draft::default()
    };
    count.notes(&mut draft);
    translate(count.recorded(), draft, choices)
}

impl Count {
    fn take(&mut self, number: usize, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.lines += 1;
        let Some(line) = Line::parse(text) else {
            self.unreadable += 1;
            self.first_unreadable.get_or_insert(number);
            return;
        };
        if let Some(time) = line.time {
            self.clock.take(time);
        }
        if line.status.is_some_and(|status| status >= 400) {
            self.failed += 1;
            return;
        }
        let (path, _) = split_target(&line.target);
        let key = (line.method, ids::without_ids(&path));
        if !self.kinds.contains_key(&key) {
            if self.kinds.len() >= KINDS_MAX {
                self.uncounted += 1;
                return;
            }
            self.order.push(key.clone());
        }
        let kind = self.kinds.entry(key).or_default();
        kind.count += 1;
        if kind.targets.len() < TARGETS_MAX || kind.targets.contains_key(&line.target) {
            *kind.targets.entry(line.target).or_default() += 1;
        } else {
            kind.overflowed = true;
        }
    }

    fn check(&self) -> Result<(), ImportError> {
        let remedy = "give a log in the common or combined format, or JSON lines with method, path, \
                      status and time";
        if self.lines == 0 {
            return Err(ImportError::new("it is empty", remedy));
        }
        match self.first_unreadable {
            Some(line) if self.unreadable as f64 > UNREADABLE_MAX * self.lines as f64 => {
                let cause = format!(
                    "no request can be read here, nor in {} other lines",
                    self.unreadable - 1
                );
                Err(ImportError::at_line(line, cause, remedy))
            }
            _ => Ok(()),
        }
    }

    fn notes(&self, draft: &mut Draft) {
        if let Some(line) = self.first_unreadable {
            draft.note(format!(
                "lines without a request that can be read: {}, the first is line {line}",
                self.unreadable
            ));
        }
        if self.failed > 0 {
            draft.note(format!("left out, answered with status 400 and above: {}", self.failed));
        }
        if self.uncounted > 0 {
            draft.note(format!("left out, of rare kinds: {}", self.uncounted));
        }
        if let Some(rate) = self.clock.rate() {
            let peak = self.clock.busiest_minute();
            draft.note(format!(
                "the log has {rate:.2} requests/s on average, {peak:.2}/s in its busiest minute"
            ));
        } else {
            draft.note("the lines hold no time, so the rate is not known");
        }
        draft.note("a log holds no bodies, headers or log-in: add `auth` where the API wants it");
    }

    /// The most frequent target stands for its kind: an id that was served is known to exist.
    fn recorded(mut self) -> Vec<Recorded> {
        let mut recorded = Vec::new();
        for key in self.order {
            let Some(kind) = self.kinds.remove(&key) else { continue };
            let targets = kind.targets.len();
            let best = kind.targets.into_iter().max_by(|a, b| (a.1, &b.0).cmp(&(b.1, &a.0)));
            let Some((target, _)) = best else { continue };
            let (path, query) = split_target(&target);
            let url = Url { origin: String::new(), path, query, had_credentials: false };
            let mut request = Recorded::new(&key.0, url);
            request.count = kind.count;
            if targets > 1 {
                let more = if kind.overflowed { "more than " } else { "" };
                request.comments.push(format!(
                    "Stands for {more}{targets} targets like {}, of which it was the most frequent.",
                    key.1
                ));
            }
            if crate::import::draft::writes(&key.0) {
                request.comments.push("The log does not hold its body; add it.".to_owned());
            }
            recorded.push(request);
        }
        recorded
    }
}

impl Clock {
    fn take(&mut self, time: Timestamp) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        *self.minutes.entry(time.as_second().div_euclid(60)).or_default() += 1;
        self.timed += 1;
    }

    fn rate(&self) -> Option<f64> {
        let length = self.last?.duration_since(self.first?).as_secs_f64();
        // The time of a line has a resolution of a second.
        Some(self.timed as f64 / length.max(1.0))
    }

    fn busiest_minute(&self) -> f64 {
        let mean = self.rate().unwrap_or(0.0);
        (self.minutes.values().copied().max().unwrap_or(0) as f64 / 60.0).max(mean)
    }

    fn flags(&self) -> Option<String> {
        self.rate().map(|rate| format!("-r {:.2}/s -d 5m", rate.max(0.01)))
    }
}
