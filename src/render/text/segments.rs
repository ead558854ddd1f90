//! The parts of a run that was steered by hand, for people.

use crate::analysis::words::{Count, Percent};
use crate::load::rate::Figures;
use crate::render::table::{Table, shortened};
use crate::render::text::{Page, cell, human};
use crate::render::units::Unit;
use crate::report::segment::SegmentReport;

/// Characters of a label at most.
const LABEL_MAX: usize = 28;

impl Page {
    /// A line for each segment, if there are any.
    pub(super) fn segments(&mut self, segments: &[SegmentReport]) {
        if segments.is_empty() {
            return;
        }
        let typical = segments.iter().map(|one| one.response_time.p50).max();
        let unit = Unit::fitting(typical.unwrap_or(0));
        let heads = ["p50", "p95", "p99"].map(|name| format!("{name} {}", unit.symbol()));
        let mut table = Table::new([
            "Segments", "from", "length", "rate/s", "sent/s", "planned", "errors", &heads[0],
            &heads[1], &heads[2],
        ]);
        for one in segments {
            let times = &one.response_time;
            table.row([
                shortened(&one.label, LABEL_MAX),
                if one.begin == 0 { "0 s".to_owned() } else { human(one.begin) },
                human(one.length()),
                Figures(one.rate).to_string(),
                Figures(one.achieved).to_string(),
                Count(one.fates.planned).to_string(),
                Percent(one.error_rate).to_string(),
                cell(times, "p50", times.p50, unit),
                cell(times, "p95", times.p95, unit),
                cell(times, "p99", times.p99, unit),
            ]);
        }
        self.table(&table);
    }
}
