//! The line about the generator itself: whether it was on time, and what the machine did to it.

use std::time::Duration;

use crate::analysis::findings::send_lag_limit;
use crate::analysis::words::{Percent, counted};
use crate::load::slo::Slo;
use crate::render::table::{WIDTH_MAX, wrap};
use crate::report::Report;
use crate::report::generator::GeneratorReport;
use crate::time::Human;

/// Findings that say that the schedule was not held.
const LATE: [&str; 2] = ["client_late", "rate_missed"];

/// A paragraph with its line breaks, opened by an empty line.
pub(super) fn paragraph(report: &Report) -> String {
    format!("\n{}\n", wrap(&line(report), WIDTH_MAX).join("\n"))
}

/// One sentence; what is not known is left out.
fn line(report: &Report) -> String {
    let parts: Vec<_> = [punctuality(report)].into_iter().chain(facts(&report.generator)).collect();
    format!("client: {}", parts.join(", "))
}

/// Whether it was on time. What is left of a run that was killed has the send lag alone, waits for connections
/// included: that it is small shows that the client was on time, that it is large shows nothing.
fn punctuality(report: &Report) -> String {
    let late = report.verdict.findings.iter().any(|one| LATE.contains(&one.id.as_str()));
    let human = |ns| Human(Duration::from_nanos(ns));
    if report.dispatch_lag.count > 0 {
        let word = if late { "late" } else { "on time" };
        return format!("{word} (lag p99 {})", human(report.dispatch_lag.p99));
    }
    let (lag, limit) = (report.send_lag.p99, send_lag_limit(tightest_time(report)));
    match report.send_lag.count {
        _ if late => "late".to_owned(),
        0 => "nothing was sent".to_owned(),
        _ if Duration::from_nanos(lag) <= limit => format!("on time (send lag p99 {})", human(lag)),
        _ => format!(
            "not known whether on time (send lag p99 {}, with what requests waited for connections)",
            human(lag)
        ),
    }
}

fn tightest_time(report: &Report) -> Option<Duration> {
    report.plan.slo.parse::<Slo>().ok()?.tightest_time()
}

fn facts(generator: &GeneratorReport) -> Vec<String> {
    let mut facts = Vec::new();
    let shares = generator.workers.iter().filter_map(|worker| worker.cpu_share);
    if let Some(busiest) = shares.max_by(f64::total_cmp) {
        facts.push(match generator.workers.len() {
            1 => format!("CPU {} of one worker", whole(busiest)),
            _ => format!("CPU ≤ {} per worker", whole(busiest)),
        });
    }
    if let Some(steal) = generator.steal_share {
        facts.push(format!("{} stolen", whole(steal)));
    }
    if let Some(throttled) = generator.throttled {
        facts.push(match throttled.periods {
            0 => "not throttled".to_owned(),
            periods => format!("throttled {}", counted(periods, "time")),
        });
    }
    if let Some(tcp) = generator.tcp {
        facts.push(counted(tcp.retransmitted, "retransmit"));
    }
    facts
}

/// Whole percents, except that a little is never told as none.
fn whole(share: f64) -> String {
    if 0.0 < share && share < 0.005 {
        "<1 %".to_owned()
    } else {
        Percent((share * 100.0).round() / 100.0).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{GOOD, LATE as LATE_COURSE, report};
    use crate::report::generator::{ThrottledReport, WorkerReport};

    #[test]
    fn the_line_says_who_was_late_and_leaves_out_what_is_unknown() {
        let mut known = report(GOOD);
        known.generator = GeneratorReport::default();
        assert_eq!(line(&known), "client: on time (lag p99 20 µs)");
        assert!(line(&report(LATE_COURSE)).starts_with("client: late (lag p99 80 ms)"));
        let mut killed = known.clone();
        killed.dispatch_lag = crate::report::Latency::default();
        assert_eq!(line(&killed), "client: on time (send lag p99 20 µs)");
        killed.send_lag.p99 = 80_000_000;
        assert!(line(&killed).starts_with("client: not known whether on time (send lag p99 80 ms"));
        let worker = |share| WorkerReport { cpu_share: Some(share), waited_share: None };
        known.generator = GeneratorReport {
            workers: vec![worker(0.2), worker(0.341)],
            steal_share: Some(0.001),
            throttled: Some(ThrottledReport { periods: 1_200, time: 1 }),
            ..GeneratorReport::default()
        };
        assert_eq!(
            line(&known),
            "client: on time (lag p99 20 µs), CPU ≤ 34 % per worker, <1 % stolen, throttled 1,200 times"
        );
    }
}
