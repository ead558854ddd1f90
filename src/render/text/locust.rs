//! The block with which a Locust suite ends its runs, for people and scripts that look for its lines:
//! totals, PERFORMANCE VALIDATION by tiers, FINAL RESULT.
//!
//! Requests and findings stand before it, so that what the block has no line for is still seen.

use super::{Page, search};
use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::load::slo::{Objective, Slo, quantile_name};
use crate::render::Tone;
use crate::render::table::{WIDTH_MAX, shortened, wrap};
use crate::render::units::Unit;
use crate::report::{Holds, Latency, ObjectiveReport, Outcome, Report};

/// Times from here on are whole milliseconds.
const WHOLE_FROM_NS: u64 = 10_000_000;
/// Between the parts.
const RULE: &str = "============================================================";

impl Page {
    pub(super) fn locust(&mut self, report: &Report) {
        self.heading(report);
        self.requests(&report.requests);
        self.findings(&report.verdict.findings);
        self.line("");
        self.line(&shortened(&format!("{} Load Test Finished", report.plan.name), WIDTH_MAX));
        self.line(RULE);
        for line in totals(report) {
            self.line(&line);
        }
        self.line(RULE);
        self.line("PERFORMANCE VALIDATION");
        self.line(RULE);
        for (mark, text) in validation(report) {
            let mark = self.style.paint(mark.tone(), mark.sign());
            for (place, line) in wrap(&text, WIDTH_MAX - 2).iter().enumerate() {
                let margin = if place == 0 { mark.as_str() } else { " " };
                self.line(&format!("{margin} {line}"));
            }
        }
        self.line(RULE);
        let (word, tone) = super::outcome(report.verdict.outcome);
        let word = self.style.paint(tone, word);
        self.line(&format!("FINAL RESULT: {word}"));
        self.line(RULE);
    }
}

/// What a line of the validation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Holds,
    Doubtful,
    Fails,
}

impl Mark {
    const fn sign(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::Doubtful => "⚠",
            Self::Fails => "✗",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Holds => Tone::Good,
            Self::Doubtful => Tone::Doubtful,
            Self::Fails => Tone::Bad,
        }
    }
}

fn totals(report: &Report) -> Vec<String> {
    let (fates, times) = (&report.fates, &report.response_time);
    let time = |figure: &str, ns: u64| match times.count {
        0 => "none".to_owned(),
        _ => milliseconds(ns, times.bounds(figure)),
    };
    let mut lines = vec![
        format!("Total Requests: {}", Count(fates.planned)),
        format!("Total Failures: {}", Count(fates.planned - fates.ok)),
        format!("Median Response Time: {}", time("p50", times.p50)),
        format!("95th Percentile: {}", time("p95", times.p95)),
        format!("99th Percentile: {}", time("p99", times.p99)),
        format!("Average Response Time: {}", time("mean", times.mean)),
        format!("Requests/sec: {:.2}", report.rate.ended.unwrap_or(report.rate.achieved)),
        format!("Error Rate: {}", percent(report.error_rate)),
    ];
    if let Some(search) = &report.search {
        lines.push(format!("Highest Rate: {}", search::answer(search)));
    }
    lines
}

/// A line for each bar of the tiers and for each objective that is none of them.
fn validation(report: &Report) -> Vec<(Mark, String)> {
    if report.verdict.outcome == Outcome::Invalid {
        let text = "the generator was the limit, so nothing is said of the target";
        return vec![(Mark::Doubtful, text.to_owned())];
    }
    let bar = |text: &str| text.parse().map_or_else(|_| Vec::new(), |slo: Slo| slo.objectives);
    let excellent = bar(&report.plan.tier_excellent);
    let acceptable = bar(&report.plan.tier_acceptable);
    let graded = acceptable.iter().filter_map(|lower| {
        let upper = excellent.iter().find(|upper| label(upper) == label(lower));
        graded(report, *lower, upper.copied())
    });
    let is_bar =
        |one: &ObjectiveReport| acceptable.iter().any(|lower| lower.to_string() == one.objective);
    let others = report.verdict.objectives.iter().filter(|one| !is_bar(one)).filter_map(judged);
    let of_requests = report.requests.iter().flat_map(|request| {
        let judged = request.objectives.iter().filter_map(judged);
        judged.map(|(mark, text)| (mark, format!("{}: {text}", request.name)))
    });
    graded.chain(others).chain(of_requests).collect()
}

/// The tier of one figure: that of the better bar it meets, else a failure if an objective of its kind
/// failed, else a doubt.
fn graded(report: &Report, lower: Objective, upper: Option<Objective>) -> Option<(Mark, String)> {
    let (value, at_least) = figure(report, lower)?;
    let said = |bar: Objective, holds| line(bar, &shown(bar, value, at_least), holds);
    let reached = |bar: &Objective| !at_least && meets(*bar, value);
    if let Some(bar) = upper.filter(reached) {
        return Some((Mark::Holds, format!("{} - EXCELLENT", said(bar, true))));
    }
    if reached(&lower) {
        return Some((Mark::Holds, format!("{} - ACCEPTABLE", said(lower, true))));
    }
    if let Objective::Throughput { limit, .. } = lower
        && report.rate.target <= limit
    {
        let text = format!("{} - not judged: no more was asked for", said(lower, false));
        return Some((Mark::Doubtful, text));
    }
    let failed = report.verdict.objectives.iter().any(|one| {
        let same_kind = |objective: Objective| label(&objective) == label(&lower);
        one.holds == Holds::No && one.objective.parse().is_ok_and(same_kind)
    });
    Some(if failed {
        (Mark::Fails, format!("{} - CRITICAL", said(lower, false)))
    } else {
        (Mark::Doubtful, format!("{} - below ACCEPTABLE", said(lower, false)))
    })
}

/// An objective of the user's own.
fn judged(one: &ObjectiveReport) -> Option<(Mark, String)> {
    let objective = one.objective.parse().ok()?;
    let figure = one.measured.map(|value| shown(objective, value, one.at_least));
    let holds = one.holds == Holds::Yes;
    let text = line(objective, figure.as_deref().unwrap_or("nothing"), holds);
    Some(match one.holds {
        Holds::Yes => (Mark::Holds, format!("{text} - PASS")),
        Holds::No => (Mark::Fails, format!("{text} - FAIL")),
        Holds::NotJudged => {
            (Mark::Doubtful, format!("{text} - {}", super::unjudged(one).unwrap_or_default()))
        }
    })
}

/// `p95 (105ms) < 500ms`, with the sign turned round where it does not hold.
fn line(bar: Objective, figure: &str, holds: bool) -> String {
    let sign = match (bar.sign(), holds) {
        (sign, true) => sign,
        ("<", false) => ">=",
        ("<=", false) => ">",
        (">", false) => "<=",
        (_, false) => "<",
    };
    let limit = match bar.as_written() {
        Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. } => {
            limit_ms(limit)
        }
        Objective::ErrorRate { limit, .. } => format!("{}%", Figures(limit * 100.0)),
        Objective::Throughput { limit, .. } => Figures(limit).to_string(),
    };
    format!("{} ({figure}) {sign} {limit}", label(&bar))
}

fn label(bar: &Objective) -> String {
    match bar {
        Objective::ResponseTime { quantile, .. } => quantile_name(*quantile),
        Objective::MeanResponseTime { .. } => "Average".to_owned(),
        Objective::ErrorRate { .. } => "Error rate".to_owned(),
        Objective::Throughput { .. } => "RPS".to_owned(),
    }
}

/// What a bar is about, in its unit, and whether the truth is that or more; nothing where the report does
/// not hold it.
fn figure(report: &Report, bar: Objective) -> Option<(f64, bool)> {
    let times = &report.response_time;
    let time = |ns: u64, name: &str| Some((ns as f64, times.bounds(name)));
    match bar {
        Objective::ErrorRate { .. } => Some((report.error_rate, false)),
        Objective::Throughput { .. } => Some((report.rate.throughput_ok, false)),
        _ if times.count == 0 => None,
        Objective::MeanResponseTime { .. } => time(times.mean, "mean"),
        Objective::ResponseTime { quantile, .. } => {
            let (name, ns) = quantiles(times)
                .into_iter()
                .find(|(name, _)| quantile_name(quantile).replace('.', "") == *name)?;
            time(ns, name)
        }
    }
}

fn quantiles(times: &Latency) -> [(&'static str, u64); 7] {
    [
        ("p50", times.p50),
        ("p75", times.p75),
        ("p90", times.p90),
        ("p95", times.p95),
        ("p99", times.p99),
        ("p999", times.p999),
        ("max", times.max),
    ]
}

fn meets(bar: Objective, value: f64) -> bool {
    match bar {
        Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. } => {
            value < limit.as_nanos() as f64
        }
        Objective::ErrorRate { limit, .. } => value < limit || value <= 0.0,
        Objective::Throughput { limit, .. } => value > limit,
    }
}

fn shown(bar: Objective, value: f64, at_least: bool) -> String {
    match bar {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. } =>
        {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a time is never negative and far below 2⁶³ ns"
            )]
            milliseconds(value as u64, at_least)
        }
        Objective::ErrorRate { .. } => percent(value),
        Objective::Throughput { .. } => format!("{value:.2}"),
    }
}

/// Whole milliseconds, as the suite printed them, but for times too short for that.
fn milliseconds(ns: u64, at_least: bool) -> String {
    if ns < WHOLE_FROM_NS {
        return format!("{}ms", Unit::Millis.figure(ns, at_least));
    }
    let bound = if at_least { "≥ " } else { "" };
    format!("{bound}{}ms", Count((ns + 500_000) / 1_000_000))
}

fn limit_ms(limit: std::time::Duration) -> String {
    format!("{}ms", Figures(limit.as_secs_f64() * 1e3))
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
