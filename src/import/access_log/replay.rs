//! An access log as recorded arrivals, for a run with the log's own timing.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::import::ImportError;
use crate::import::access_log::ids;
use crate::import::access_log::line::Line;
use crate::import::text::path_text;
use crate::import::url::split_target;
use crate::load::mix::CYCLE_MAX;

/// Most kinds of requests that have figures of their own; the others share one name.
const KINDS_MAX: usize = 200;
/// Longer targets are left out.
const TARGET_BYTES_MAX: usize = 8_000;
const OTHERS: &str = "others";

/// What a log says was asked for, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Names of requests, such as `GET /items/{id}`.
    pub kinds: Vec<Kind>,
    /// In the order of their instants.
    pub arrivals: Vec<Arrival>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// A method, and a path but for its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Unique.
    pub name: String,
    /// `GET` or `HEAD`.
    pub method: &'static str,
    /// How many arrivals are of this kind.
    pub count: u64,
}

/// One request of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Since the log's first.
    pub at: Duration,
    /// Which kind.
    pub kind: u32,
    /// Path and query, percent-encoded.
    pub target: String,
}

/// Reads what can be sent again: reads, whatever they were answered with. Requests whose time is known to
/// the second alone are spread evenly over it.
///
/// # Errors
/// No line with a request and its time.
pub fn recording(text: &str) -> Result<Recording, ImportError> {
    let mut lines = Vec::new();
    let (mut writes, mut unreadable, mut untimed) = (0_u64, 0_u64, 0_u64);
    for text in text.lines().filter(|line| !line.trim().is_empty()) {
        match Line::parse(text) {
            None => unreadable += 1,
            Some(line) if !matches!(line.method.as_str(), "GET" | "HEAD") => writes += 1,
            Some(line) if line.target.len() > TARGET_BYTES_MAX => unreadable += 1,
            Some(Line { time: None, .. }) => untimed += 1,
            Some(Line { method, target, time: Some(time), .. }) => {
                lines.push((time, method, target));
            }
        }
        if lines.len() as u64 > CYCLE_MAX {
            return Err(ImportError::new(
                format!("more than {CYCLE_MAX} requests can be sent again"),
                "cut a stretch out of it, for example with head and tail",
            ));
        }
    }
    if lines.is_empty() {
        return Err(ImportError::new(
            "no line holds a GET with its time",
            "give a log in the common or combined format, or JSON lines with method, path and time",
        ));
    }
    let mut notes = Vec::new();
    let mut note = |count: u64, why: &str| {
        if count > 0 {
            notes.push(format!("left out, {why}: {count}"));
        }
    };
    note(writes, "requests that write, since a log holds no bodies");
    note(unreadable, "lines that hold no request that can be read");
    note(untimed, "requests without a time");
    let (kinds, arrivals) = arrivals(lines);
    Ok(Recording { kinds, arrivals, notes })
}

fn arrivals(mut lines: Vec<(Timestamp, String, String)>) -> (Vec<Kind>, Vec<Arrival>) {
    lines.sort_by_key(|(time, ..)| *time);
    let instants: Vec<Timestamp> = lines.iter().map(|(time, ..)| *time).collect();
    let mut kinds: Vec<Kind> = Vec::new();
    let mut places: HashMap<String, u32> = HashMap::new();
    let mut arrivals = Vec::with_capacity(lines.len());
    for ((_, method, target), at) in lines.into_iter().zip(spread(&instants)) {
        let (path, _) = split_target(&target);
        let method = if method == "HEAD" { "HEAD" } else { "GET" };
        let mut name = format!("{method} {}", ids::without_ids(&path));
        if kinds.len() >= KINDS_MAX && !places.contains_key(&name) {
            name = format!("{OTHERS} ({method})");
        }
        let kind = *places.entry(name.clone()).or_insert_with(|| {
            kinds.push(Kind { name, method, count: 0 });
            u32::try_from(kinds.len() - 1).unwrap_or(u32::MAX)
        });
        kinds[kind as usize].count += 1;
        let target = target.split('#').next().unwrap_or_default();
        let target = format!("/{}", path_text(target.trim_start_matches('/')));
        arrivals.push(Arrival { at, kind, target });
    }
    (kinds, arrivals)
}

/// Distances from the first; those of the same whole second are spread over it.
fn spread(instants: &[Timestamp]) -> Vec<Duration> {
    let Some(&first) = instants.first() else { return Vec::new() };
    let to_the_second = instants.iter().all(|instant| instant.subsec_nanosecond() == 0);
    let since = |instant: Timestamp| instant.duration_since(first).unsigned_abs();
    if !to_the_second {
        return instants.iter().map(|instant| since(*instant)).collect();
    }
    let runs = instants.chunk_by(|a, b| a == b);
    runs.flat_map(|run| {
        let length = run.len() as f64;
        let start = since(run[0]);
        (0..run.len()).map(move |place| start + Duration::from_secs_f64(place as f64 / length))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_becomes_arrivals_at_its_own_pace() {
        let line = |second: u32, request: &str| {
            format!("- - - [25/Nov/2026:23:00:{second:02} +0000] \"{request} HTTP/1.1\" 200 1\n")
        };
        let text = [
            line(3, "GET /items/7?a=b"),
            line(1, "GET /items/5"),
            line(3, "HEAD //x"),
            line(2, "POST /items"),
            line(6, "GET /items/5"),
            "nonsense\n".to_owned(),
        ]
        .concat();
        let Recording { kinds, arrivals, notes } = recording(&text).unwrap();
        let named: Vec<(&str, u64)> = kinds.iter().map(|k| (k.name.as_str(), k.count)).collect();
        assert_eq!(named, [("GET /items/{id}", 3), ("HEAD /x", 1)]);
        let seen: Vec<(u64, &str)> = arrivals
            .iter()
            .map(|arrival| {
                (u64::try_from(arrival.at.as_millis()).unwrap(), arrival.target.as_str())
            })
            .collect();
        let expected =
            [(0, "/items/5"), (2_000, "/items/7?a=b"), (2_500, "/x"), (5_000, "/items/5")];
        assert_eq!(seen, expected);
        assert_eq!(notes.len(), 2);
        assert!(recording("nonsense").is_err());
    }
}
