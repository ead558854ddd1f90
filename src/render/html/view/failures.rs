//! The rows of the table of failures.

use serde::Serialize;

use crate::analysis::words::{Count, counted};
use crate::render::failures::{Group, kind};
use crate::render::html::view::human;
use crate::report::Report;

/// More are no longer read, and a page stays small whatever went wrong.
const ROWS_MAX: usize = 50;
/// Request names that a row lists.
const NAMES_MAX: usize = 4;

/// Failures of one kind.
#[derive(Debug, Serialize)]
pub(super) struct FailureRow {
    kind: String,
    /// What the first of them broke on; empty where the kind says all.
    cause: String,
    requests: String,
    cells: [String; 3],
}

/// The most frequent first.
pub(super) fn rows(report: &Report) -> Vec<FailureRow> {
    let row = |group: Group<'_>| FailureRow {
        kind: kind(group.first),
        cause: group.first.cause.clone().unwrap_or_default(),
        requests: listed(&group.requests),
        cells: [Count(group.count).to_string(), human(group.first_seen), human(group.last_seen)],
    };
    Group::all(&report.requests).into_iter().take(ROWS_MAX).map(row).collect()
}

fn listed(requests: &[(&str, u64)]) -> String {
    if let [(name, _)] = requests {
        return (*name).to_owned();
    }
    let shown = requests.iter().take(NAMES_MAX);
    let mut parts: Vec<String> =
        shown.map(|(name, count)| format!("{name} {}", Count(*count))).collect();
    if let more @ 1.. = requests.len().saturating_sub(NAMES_MAX) {
        parts.push(format!("and {} more", Count(more as u64)));
    }
    parts.join(", ")
}

/// What stands above them.
pub(super) fn note(report: &Report) -> String {
    let more = match Group::all(&report.requests).len().saturating_sub(ROWS_MAX) {
        0 => String::new(),
        left_out => format!(" {} more; the result has them all.", counted(left_out as u64, "row")),
    };
    format!(
        "Below each kind, what the first of them broke on. Times are from the start of the load.{more}"
    )
}
