//! The addresses of the target side by side, where one of them stands out.

use super::{Page, cell};
use crate::analysis::findings::AddressFault;
use crate::analysis::words::Count;
use crate::render::table::Table;
use crate::render::units::Unit;
use crate::report::Report;

impl Page {
    pub(super) fn addresses(&mut self, report: &Report) {
        let differ = AddressFault::Worse.id();
        if !report.verdict.findings.iter().any(|finding| finding.id == differ) {
            return;
        }
        let slowest = report.addresses.iter().map(|one| one.service_time.p50).max();
        let unit = Unit::fitting(slowest.unwrap_or_default());
        let [p50, p95] = ["p50", "p95"].map(|name| format!("{name} in {}", unit.symbol()));
        let mut table = Table::new(["Addresses", "requests", "answered", "failed", &p50, &p95]);
        for one in &report.addresses {
            let times = &one.service_time;
            table.row([
                one.address.clone(),
                Count(one.requests).to_string(),
                Count(one.answered).to_string(),
                Count(one.failed).to_string(),
                cell(times, "p50", times.p50, unit),
                cell(times, "p95", times.p95, unit),
            ]);
        }
        self.table(&table);
    }
}
