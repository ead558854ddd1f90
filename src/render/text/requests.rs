//! What stands below the table of requests: why they failed, and how far flows came.

use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::render::table::Table;
use crate::render::text::tier;
use crate::report::flows::{FlowReport, FlowsReport};
use crate::report::{Report, RequestReport, Tier};

/// Statuses, failed checks and errors of a request that did not always go well, and what else there is to
/// know of its answers; empty if there is nothing.
pub(super) fn reasons(request: &RequestReport) -> String {
    let mut parts = Vec::new();
    if request.fates.ok != request.fates.planned {
        let statuses = request.statuses.iter().map(|(status, count)| (status.to_string(), *count));
        let errors = request.errors.iter().map(|(kind, count)| (kind.replace('_', " "), *count));
        // Bad statuses and broken exchanges stand in the two lists in more detail.
        let rest = request.fates.named().into_iter().filter(|(name, count)| {
            *count > 0 && !matches!(*name, "ok" | "bad_status" | "transport_error")
        });
        let rest = rest.map(|(name, count)| (name.replace('_', " "), count));
        parts.extend(statuses.chain(errors).chain(rest));
    }
    let mut texts: Vec<String> =
        parts.iter().map(|(name, count)| format!("{name}: {}", Count(*count))).collect();
    texts.extend(request.checks.iter().map(|(name, count)| format!("[{name}]: {}", Count(*count))));
    let counts = [
        ("redirects followed", request.redirects),
        ("sent again", request.repeats),
        ("interim answers", request.interim),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    texts.extend(counts.map(|(name, count)| format!("{name}: {}", Count(count))));
    texts.join(", ")
}

/// The tiers of requests that have bars of their own, the best first.
pub(in crate::render) fn tiers(report: &Report) -> Option<String> {
    let of = |wanted: Tier| {
        let reached = report.requests.iter().filter(|one| one.tier == Some(wanted));
        let names: Vec<&str> = reached.map(|one| one.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{}: {}", tier(wanted), names.join(", ")))
    };
    let all = [Tier::Excellent, Tier::Acceptable, Tier::Critical];
    let all: Vec<String> = all.into_iter().filter_map(of).collect();
    (!all.is_empty()).then(|| format!("by their own tiers, {}", all.join("; ")))
}

/// How far the flows came, the header first.
pub(super) fn flows(flows: &FlowsReport) -> Table {
    let mut table = Table::new(["Flows", "started", "completed", "ended early", "unfinished"]);
    for flow in &flows.list {
        let early: u64 = flow.ended_early.values().sum();
        let counts = [flow.started, flow.completed, early, flow.unfinished];
        let cells = counts.map(|count| Count(count).to_string());
        table.row([flow.name.clone()].into_iter().chain(cells));
    }
    table
}

/// Where flows ended early; empty if none did.
pub(super) fn early_ends(flow: &FlowReport) -> String {
    let ends = flow.ended_early.iter();
    let ends: Vec<String> =
        ends.map(|(step, count)| format!("{step}: {}", Count(*count))).collect();
    if ends.is_empty() { String::new() } else { format!("ended early at {}", ends.join(", ")) }
}

/// What the rate counts.
pub(super) fn counting(flows: &FlowsReport) -> String {
    let entries = Figures(flows.entries_per_second);
    let noun =
        if Figures(flows.requests_per_entry).to_string() == "1" { "request" } else { "requests" };
    let each = format!("{} {noun}", Figures(flows.requests_per_entry));
    let requests = Figures(flows.entries_per_second * flows.requests_per_entry);
    match flows.rate_counts.as_str() {
        "flows" => format!(
            "the rate counts flows: {entries}/s were to start, {each} each on average, \
             {requests}/s in all"
        ),
        _ => format!(
            "the rate counts requests, each step for itself: {requests}/s, in {entries} flows/s of \
             {each} on average"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{FAILING, GOOD, report};

    #[test]
    fn a_request_tells_what_was_amiss_even_if_it_went_well() {
        let mut well = report(GOOD).requests.remove(0);
        assert_eq!(reasons(&well), "");
        well.checks.insert("extract ids".to_owned(), 1200);
        well.redirects = 3;
        well.repeats = 1;
        well.interim = 1200;
        let told =
            "[extract ids]: 1,200, redirects followed: 3, sent again: 1, interim answers: 1,200";
        assert_eq!(reasons(&well), told);
        let mut failing = report(FAILING).requests.remove(0);
        failing.checks.insert("json $.id: exists".to_owned(), 2);
        let told = reasons(&failing);
        assert!(
            told.contains("check failed: ") && told.contains("[json $.id: exists]: 2"),
            "{told}"
        );
    }

    #[test]
    fn flows_tell_how_far_they_came_and_what_the_rate_counts() {
        let flow = FlowReport {
            name: "browse".to_owned(),
            weight: 1,
            profile_weight: None,
            started: 100,
            completed: 90,
            unfinished: 3,
            ended_early: [("list".to_owned(), 5), ("detail".to_owned(), 2)].into(),
        };
        assert_eq!(early_ends(&flow), "ended early at detail: 2, list: 5");
        let mut report = FlowsReport {
            rate_counts: "flows".to_owned(),
            entries_per_second: 10.0,
            requests_per_entry: 2.5,
            list: vec![flow],
        };
        let lines = flows(&report).lines();
        assert_eq!(lines[0], "Flows   started  completed  ended early  unfinished");
        assert_eq!(lines[1], "browse      100         90            7           3");
        let counted = counting(&report);
        assert!(
            counted.starts_with("the rate counts flows: 10/s were to start, 2.5 req"),
            "{counted}"
        );
        report.rate_counts = "requests".to_owned();
        let counted = counting(&report);
        assert!(counted.starts_with("the rate counts requests, each step for itself: 25/s"));
    }
}
