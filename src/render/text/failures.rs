//! The table of failures: what kinds there were, of which requests, when, and what the first broke on.

use super::Page;
use crate::analysis::words::Count;
use crate::render::Tone;
use crate::render::failures::{Kinds, kind};
use crate::render::table::{Table, WIDTH_MAX, wrap};
use crate::render::text::human;
use crate::report::RequestReport;

/// More rows than these are no longer read; the rest stands in the JSON.
const ROWS_MAX: usize = 10;

impl Page {
    /// Adds the table where anything failed, the most frequent first.
    pub(super) fn failures(&mut self, requests: &[RequestReport]) {
        let Kinds { rows, left_out } = Kinds::of(requests, ROWS_MAX);
        let mut table = Table::new(["Failures by kind", "count", "first seen", "last seen"]);
        for (name, failure) in &rows {
            table.row([
                format!("{}: {name}", kind(failure)),
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
        if left_out > 0 {
            self.line(&format!("and {} more", Count(left_out)));
        }
    }
}
