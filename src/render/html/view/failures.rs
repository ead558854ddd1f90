//! The rows of the table of failures.

use serde::Serialize;

use crate::analysis::words::{Count, counted};
use crate::render::failures::{Kinds, kind};
use crate::render::html::view::human;
use crate::report::Report;

/// More are no longer read, and a page stays small whatever went wrong.
const ROWS_MAX: usize = 50;

/// Failures of one kind that a request name met.
#[derive(Debug, Serialize)]
pub(super) struct FailureRow {
    kind: String,
    /// What the first of them broke on; empty where the kind says all.
    cause: String,
    request: String,
    cells: [String; 3],
}

/// The most frequent first.
pub(super) fn rows(report: &Report) -> Vec<FailureRow> {
    let kinds = Kinds::of(&report.requests, ROWS_MAX);
    let row = |(request, failure): (&str, _)| FailureRow {
        kind: kind(failure),
        cause: failure.cause.clone().unwrap_or_default(),
        request: request.to_owned(),
        cells: [
            Count(failure.count).to_string(),
            human(failure.first_seen),
            human(failure.last_seen),
        ],
    };
    kinds.rows.into_iter().map(row).collect()
}

/// What stands above them.
pub(super) fn note(report: &Report) -> String {
    let more = match Kinds::of(&report.requests, ROWS_MAX).left_out {
        0 => String::new(),
        left_out => format!(" {} more; the result has them all.", counted(left_out, "row")),
    };
    format!(
        "Below each kind, what the first of them broke on. Times are from the start of the load.{more}"
    )
}
