//! A report for people: verdict, ledger, both times side by side, objectives, findings, requests, search.
//!
//! No line is longer than [`WIDTH_MAX`] columns unless a single word of the user's is.

use std::time::Duration;

use crate::analysis::words::{Count, Percent, counted};
use crate::load::rate::Figures;
use crate::render::clean::CleanReport;
use crate::render::table::{Table, WIDTH_MAX, shortened, wrap};
use crate::render::units::Unit;
use crate::render::{Style, Tone, auth, client, rates, verdict};
use crate::report::flows::FlowsReport;
use crate::report::search::Bound;
use crate::report::{
    FindingReport, Holds, Latency, Metric, ObjectiveReport, Outcome, Phases, Report, RequestReport,
    Severity, Tier,
};
use crate::time::Human;
use requests::{counting, early_ends, reasons};

/// How a report ends, and what stands before that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// All tables, and the result in one line.
    #[default]
    Full,
    /// The same, and where the time of single requests went.
    Detailed,
    /// Requests and findings, and the block that a Locust suite ended with.
    Locust,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Detailed, Self::Locust];

    /// The name used on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Detailed => "detailed",
            Self::Locust => "locust",
        }
    }
}

/// The report in this form, ending in a newline.
pub fn render(report: &CleanReport<'_>, form: Form, style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    match form {
        Form::Full | Form::Detailed => page.full(report, form),
        Form::Locust => page.locust(report),
    }
    page.text
}

/// Part of the mean response time by which one of its parts differs for a request that gets a row of its own.
const APART: f64 = 0.1;

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn full(&mut self, report: &Report, form: Form) {
        self.heading(report);
        if let Some(search) = &report.search {
            self.answer(search);
            self.trials(search);
        }
        self.ledger(report);
        self.times(report);
        self.text.push_str(&client::paragraph(report));
        self.text.extend(report.auth.as_deref().map(auth::paragraph));
        self.objectives(report);
        self.findings(&report.verdict.findings);
        self.segments(&report.segments);
        self.requests(&report.requests);
        self.failures(&report.requests);
        report.flows.iter().for_each(|flows| self.flows(flows));
        self.addresses(report);
        self.phases(report, form);
        self.monitors(&report.monitors);
        self.result(report);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        let title = self.style.paint(Tone::Strong, title);
        self.line("");
        self.line(&title);
    }

    /// Adds a table whose header stands as the section's title.
    fn table(&mut self, table: &Table) {
        for (place, line) in table.lines().iter().enumerate() {
            if place == 0 {
                self.section(line);
            } else {
                self.line(line);
            }
        }
    }

    fn heading(&mut self, report: &Report) {
        let plan = &report.plan;
        let (word, tone) = outcome(report.verdict.outcome);
        let about = format!("{} on {}", plan.name, plan.origin);
        let room = WIDTH_MAX - word.len() - 2;
        self.line(&format!("{}  {}", self.style.paint(tone, word), shortened(&about, room)));
        let rates = format!("{}, over {}", rates::clause(report), human(report.duration));
        for line in [rates].into_iter().chain(rates::drained(report)) {
            for line in wrap(&line, WIDTH_MAX) {
                self.line(&line);
            }
        }
        if let Some(replay) = &plan.replay {
            for line in wrap(&format!("replayed {replay}"), WIDTH_MAX) {
                self.line(&line);
            }
        }
    }

    fn ledger(&mut self, report: &Report) {
        let fates = &report.fates;
        let mut parts = vec![format!("{} ok", Count(fates.ok))];
        for (name, count) in fates.named().into_iter().skip(1).filter(|(_, count)| *count > 0) {
            parts.push(format!("{} {}", Count(count), name.replace('_', " ")));
        }
        let sum = format!("{} planned = {}", Count(fates.planned), parts.join(" + "));
        self.line("");
        for line in wrap(&sum, WIDTH_MAX) {
            self.line(&line);
        }
        self.line(&format!("error rate {}", Percent(report.error_rate)));
    }

    fn times(&mut self, report: &Report) {
        let unit = Unit::fitting(report.response_time.p50);
        let title = format!("Times in {}", unit.symbol());
        let mut table =
            Table::new([&title, "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]);
        let rows = [
            ("response time", &report.response_time),
            ("service time", &report.service_time),
            ("first byte", &report.first_byte),
            ("send lag", &report.send_lag),
            ("connect", &report.connect),
            ("reconnect", &report.reconnect),
            ("TLS", &report.tls),
            ("failed responses", &report.failed_response_time),
        ];
        // The first two always stand side by side, even without a single answer.
        for (name, times) in rows
            .into_iter()
            .enumerate()
            .filter(|(at, (_, t))| *at < 2 || t.count > 0)
            .map(|(_, r)| r)
        {
            let cells = times.shown().map(|(figure, ns)| cell(times, figure, ns, unit));
            table.row([name.to_owned()].into_iter().chain(cells));
        }
        self.table(&table);
        if report.response_time.censored > 0 {
            self.line(&format!(
                "≥: {} never answered, ranked behind every answer.",
                counted(report.response_time.censored, "slot")
            ));
        }
    }

    fn objectives(&mut self, report: &Report) {
        if report.every_objective().next().is_none() {
            return;
        }
        self.section("Objectives");
        let width = report.every_objective().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or(0).min(WIDTH_MAX / 2);
        for (name, one) in report.every_objective() {
            let mark = match verdict::holds(report, one) {
                Holds::Yes => self.style.paint(Tone::Good, "✓"),
                Holds::No => self.style.paint(Tone::Bad, "✗"),
                Holds::NotJudged => self.style.paint(Tone::Doubtful, "–"),
            };
            self.line(&format!("{mark} {name:<width$}  {}", measured(one)));
        }
        // An invalid measurement says nothing of the target, so it earns no tier.
        if report.verdict.outcome != Outcome::Invalid {
            let tiers = [tier_line(report)].into_iter().chain(requests::tiers(report));
            for line in tiers.flat_map(|line| wrap(&line, WIDTH_MAX)) {
                self.line(&line);
            }
        }
    }

    fn findings(&mut self, findings: &[FindingReport]) {
        if findings.is_empty() {
            return;
        }
        self.section("Findings");
        for finding in findings {
            let (word, tone) = severity(finding.severity);
            let room = WIDTH_MAX - 9;
            let word = self.style.paint(tone, &format!("{word:<7}"));
            for (place, line) in wrap(&finding.message, room).iter().enumerate() {
                let margin = if place == 0 { word.as_str() } else { "       " };
                self.line(&format!("{margin}  {line}"));
            }
            for (place, line) in wrap(&finding.remedy, room - 2).iter().enumerate() {
                let arrow = if place == 0 { "→" } else { " " };
                self.line(&format!("         {arrow} {line}"));
            }
        }
    }

    fn requests(&mut self, requests: &[RequestReport]) {
        let typical = requests.iter().map(|request| request.response_time.p50).max();
        let unit = Unit::fitting(typical.unwrap_or(0));
        let heads = ["p50", "p95", "p99", "max"].map(|name| format!("{name} {}", unit.symbol()));
        let mut table = Table::new([
            "Requests", "planned", "ok", "errors", &heads[0], &heads[1], &heads[2], &heads[3],
        ]);
        for request in requests {
            let times = &request.response_time;
            table.row([
                request.name.clone(),
                Count(request.fates.planned).to_string(),
                Count(request.fates.ok).to_string(),
                Percent(request.error_rate).to_string(),
                cell(times, "p50", times.p50, unit),
                cell(times, "p95", times.p95, unit),
                cell(times, "p99", times.p99, unit),
                cell(times, "max", times.max, unit),
            ]);
        }
        let lines = table.lines();
        self.section(&lines[0]);
        for (line, request) in lines[1..].iter().zip(requests) {
            self.line(line);
            for line in wrap(&reasons(request), WIDTH_MAX - 4).iter().filter(|l| !l.is_empty()) {
                let line = self.style.paint(Tone::Faint, &format!("    {line}"));
                self.line(&line);
            }
        }
    }

    fn flows(&mut self, flows: &FlowsReport) {
        let lines = requests::flows(flows).lines();
        self.section(&lines[0]);
        for (line, flow) in lines[1..].iter().zip(&flows.list) {
            self.line(line);
            for line in wrap(&early_ends(flow), WIDTH_MAX - 4).iter().filter(|l| !l.is_empty()) {
                let line = self.style.paint(Tone::Faint, &format!("    {line}"));
                self.line(&line);
            }
        }
        for line in wrap(&counting(flows), WIDTH_MAX) {
            self.line(&line);
        }
    }

    /// Means, since only they add up: of all requests and, in detail, of those that are unlike the whole.
    fn phases(&mut self, report: &Report, form: Form) {
        if report.phases.client.count == 0 {
            return;
        }
        let unit = Unit::fitting(report.response_time.p50);
        let title = format!("Where the time went (mean {})", unit.symbol());
        let mut table =
            Table::new([&title, "client", "wait", "connect", "TLS", "first byte", "body"]);
        let mut row = |name: &str, phases: &Phases| {
            let cells = phases.means().map(|ns| unit.figure(ns, false));
            table.row([name.to_owned()].into_iter().chain(cells));
        };
        row("all", &report.phases);
        let answered = report.requests.iter().filter(|one| one.phases.client.count > 0);
        let (apart, alike): (Vec<_>, Vec<_>) =
            answered.partition(|one| stands_apart(&one.phases, &report.phases));
        if form == Form::Detailed {
            for one in apart {
                row(&one.name, &one.phases);
            }
        }
        self.table(&table);
        if form == Form::Detailed && !alike.is_empty() {
            let names: Vec<&str> = alike.iter().map(|one| one.name.as_str()).collect();
            for line in wrap(&format!("like all of them: {}", names.join(", ")), WIDTH_MAX) {
                self.line(&line);
            }
        }
    }

    fn result(&mut self, report: &Report) {
        let (word, tone) = outcome(report.verdict.outcome);
        let why = match report.verdict.outcome {
            Outcome::Pass | Outcome::Fail => tier(report.verdict.tier),
            Outcome::Invalid => "the generator was the limit; nothing is said of the target",
            Outcome::Incomplete => incompleteness(report),
        };
        self.line("");
        let answer = answered(report).map_or_else(String::new, |answer| format!(", {answer}"));
        for line in wrap(&format!("Result: {word} ({why}){answer}"), WIDTH_MAX) {
            let painted = self.style.paint(tone, word);
            self.line(&line.replacen(&format!("Result: {word}"), &format!("Result: {painted}"), 1));
        }
    }
}

/// What an incomplete result lacks.
pub(super) fn incompleteness(report: &Report) -> &'static str {
    match report.search {
        None if nothing_judged(report) => "no objective could be judged",
        Some(_) if is_unconfirmed(report) => "no rate was confirmed",
        None => "the run was cut short",
        Some(_) => "the search was cut short",
    }
}

/// Whether a search that nobody ended came to an answer that it had no time to confirm.
pub(super) fn is_unconfirmed(report: &Report) -> bool {
    let interrupted = report.verdict.findings.iter().any(|finding| finding.id == "interrupted");
    let unconfirmed = report.search.as_ref().is_some_and(|found| found.max_rps.confidence <= 0.0);
    unconfirmed && !interrupted
}

/// Whether the time of `one` went elsewhere than that of all requests together.
fn stands_apart(one: &Phases, all: &Phases) -> bool {
    let whole: u64 = all.means().iter().sum();
    let pairs = one.means().into_iter().zip(all.means());
    pairs.map(|(one, all)| one.abs_diff(all) as f64).any(|gap| gap > APART * whole as f64)
}

/// What the run came to, for its last line: the highest rate, or the objectives that do not hold.
fn answered(report: &Report) -> Option<String> {
    if let Some(search) = &report.search {
        return Some(if search.bound == Bound::BelowMinimum {
            nothing_held(search)
        } else {
            format!("highest rate {}", answer(search))
        });
    }
    let fails = |(_, one): &(String, &ObjectiveReport)| one.holds == Holds::No;
    let failed: Vec<String> = report
        .every_objective()
        .filter(fails)
        .map(|(name, one)| format!("{name}: {}", measured(one)))
        .collect();
    let (first, more) = failed.split_first()?;
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (report.verdict.outcome == Outcome::Fail).then(|| format!("missed {first}{more}"))
}

/// A figure, or a dash where there is nothing to take it from.
pub(super) fn cell(times: &Latency, figure: &str, ns: u64, unit: Unit) -> String {
    if times.count == 0 { "-".to_owned() } else { unit.figure(ns, times.bounds(figure)) }
}

pub(super) fn human(ns: u64) -> String {
    Human(Duration::from_nanos(ns)).to_string()
}

/// An objective's figure, and why it is not judged.
pub(super) fn measured(one: &ObjectiveReport) -> String {
    let Some(figure) = one.measured else {
        return unjudged(one).unwrap_or_else(|| "nothing was answered".to_owned());
    };
    let text = match one.metric {
        Metric::ResponseTime => Human(Duration::from_secs_f64(figure / 1e9)).to_string(),
        Metric::ErrorRate => Percent(figure).to_string(),
        Metric::Throughput => format!("{}/s", Figures(figure)),
    };
    let bound = if one.at_least { "≥ " } else { "" };
    let aside = unjudged(one).map_or_else(String::new, |why| format!(" ({why})"));
    format!("{bound}{text}{aside}")
}

/// That an objective is not judged, and why.
pub(super) fn unjudged(one: &ObjectiveReport) -> Option<String> {
    // Results of earlier versions know one reason.
    let why = one.why.as_deref().unwrap_or("no more was asked for");
    (one.holds == Holds::NotJudged).then(|| format!("not judged: {why}"))
}

/// Whether there are objectives, and nothing came up that one of them is about.
pub(super) fn nothing_judged(report: &Report) -> bool {
    let mut objectives = report.every_objective().peekable();
    objectives.peek().is_some() && objectives.all(|(_, one)| one.holds == Holds::NotJudged)
}

/// The tier with its bar.
pub(super) fn tier_line(report: &Report) -> String {
    let verdict = &report.verdict;
    let bar = match verdict.tier {
        Tier::Excellent => &report.plan.tier_excellent,
        Tier::Acceptable => &report.plan.tier_acceptable,
        Tier::Critical => &format!("short of {}", report.plan.tier_acceptable),
    };
    let open = match verdict.tier_not_judged.join(", ") {
        none if none.is_empty() => none,
        names => format!("; not judged at this rate: {names}"),
    };
    format!("tier {}: {bar}{open}", tier(verdict.tier))
}

/// An outcome's word and its tone.
pub(super) const fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Pass => ("PASS", Tone::Good),
        Outcome::Fail => ("FAIL", Tone::Bad),
        Outcome::Invalid => ("INVALID", Tone::Doubtful),
        Outcome::Incomplete => ("INCOMPLETE", Tone::Doubtful),
    }
}

pub(super) const fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Excellent => "excellent",
        Tier::Acceptable => "acceptable",
        Tier::Critical => "critical",
    }
}

/// A severity's word and its tone.
pub(super) const fn severity(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Info => ("info", Tone::Faint),
        Severity::Warning => ("warning", Tone::Doubtful),
        Severity::Invalid => ("invalid", Tone::Bad),
    }
}

mod addresses;
mod failures;
mod locust;
pub(super) mod monitors;
pub(super) mod requests;
pub(super) mod search;
mod segments;

pub(super) use search::{answer, nothing_held};

#[cfg(test)]
mod tests;
