//! The table of failures: what kinds there were, of which requests, when, and what the first broke on.

use std::cmp::Reverse;

use super::Page;
use crate::analysis::words::Count;
use crate::render::Tone;
use crate::render::table::{Table, WIDTH_MAX, wrap};
use crate::render::text::human;
use crate::report::RequestReport;

/// More rows than these are no longer read; the rest stands in the JSON.
const ROWS_MAX: usize = 10;

impl Page {
    /// Adds the table where anything failed, the most frequent first.
    pub(super) fn failures(&mut self, requests: &[RequestReport]) {
        let mut rows: Vec<_> = requests
            .iter()
            .flat_map(|request| {
                request.failures.iter().map(move |failure| (&request.name, failure))
            })
            .collect();
        rows.sort_by_key(|(_, failure)| Reverse(failure.count));
        let rest = rows.len().saturating_sub(ROWS_MAX);
        rows.truncate(ROWS_MAX);
        let mut table = Table::new(["Failures by kind", "count", "first seen", "last seen"]);
        for (name, failure) in &rows {
            let kind = failure.kind.replace('_', " ");
            table.row([
                format!("{kind}: {name}"),
                Count(failure.count).to_string(),
                human(failure.first_seen),
                human(failure.last_seen),
            ]);
        }
        let lines = table.lines();
        if rows.is_empty() {
            return;
        }
        self.section(&lines[0]);
        for (line, (_, failure)) in lines[1..].iter().zip(rows) {
            self.line(line);
            for cause in failure.cause.iter().flat_map(|cause| wrap(cause, WIDTH_MAX - 4)) {
                let cause = self.style.paint(Tone::Faint, &format!("    {cause}"));
                self.line(&cause);
            }
        }
        if rest > 0 {
            self.line(&format!("and {} more", Count(rest as u64)));
        }
    }
}
