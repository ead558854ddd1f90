//! [`View`]: a report as the texts that the page shows.

use std::time::Duration;

use serde::Serialize;

use crate::analysis::words::{Count, Percent, counted};
use crate::load::rate::Figures;
use crate::render::clean::CleanComparison;
use crate::render::verdict::{self, Trust};
use crate::render::{Style, comparison, rates, text};
use crate::report::comparison::Word;
use crate::report::search::{Bound, SearchReport, TrialPurpose, TrialReport};
use crate::report::{
    FindingReport, Holds, Kind, ObjectiveReport, Outcome, Report, RequestReport, Severity,
};
use crate::time::Human;

mod failures;
mod origin;
mod tables;
mod watched;

use failures::FailureRow;
use tables::{Cell, PHASES, PhaseRow, RequestRow, TimesRow, figure, phases, times, trial};
use watched::{MonitorRow, SegmentRow};

/// Request names in a table; more would be read by nobody and make the page slow.
const REQUESTS_MAX: usize = 500;

/// All texts of the page.
#[derive(Debug, Serialize)]
pub(super) struct View {
    outcome: &'static str,
    tone: &'static str,
    name: String,
    origin: String,
    started_at: String,
    headline: String,
    about: String,
    trust: String,
    trust_tone: &'static str,
    failed: Vec<String>,
    next: Vec<String>,
    tiles: Vec<Tile>,
    objectives: Vec<ObjectiveRow>,
    tier: Option<String>,
    findings: Vec<FindingRow>,
    failures: Vec<FailureRow>,
    failures_note: String,
    search: Option<SearchView>,
    comparison: Option<String>,
    segments_note: String,
    segments: Vec<SegmentRow>,
    onset: Option<String>,
    monitors: Vec<MonitorRow>,
    monitor_notes: Vec<String>,
    requests_note: String,
    requests: Vec<RequestRow>,
    /// All requests together, where there are several.
    total: Option<RequestRow>,
    phase_keys: Vec<Key>,
    phases: Vec<PhaseRow>,
    times: Vec<TimesRow>,
    ledger: String,
    command: String,
    plan: Vec<Term>,
    environment: Vec<Term>,
    footer: String,
}

#[derive(Debug, Serialize)]
struct Tile {
    name: String,
    value: String,
    aside: String,
}

#[derive(Debug, Serialize)]
struct ObjectiveRow {
    name: String,
    measured: String,
    tone: &'static str,
    mark: &'static str,
    word: &'static str,
}

#[derive(Debug, Serialize)]
struct FindingRow {
    tone: &'static str,
    word: &'static str,
    message: String,
    remedy: String,
}

#[derive(Debug, Serialize)]
struct SearchView {
    lines: Vec<String>,
    heads: [&'static str; tables::TRIAL_HEADS.len()],
    trials: Vec<Vec<Cell>>,
}

#[derive(Debug, Serialize)]
struct Key {
    class: &'static str,
    name: &'static str,
}

/// A line of a list of terms.
#[derive(Debug, Serialize)]
struct Term {
    name: &'static str,
    value: String,
}

impl View {
    pub(super) fn new(report: &Report) -> Self {
        let (trust, why) = verdict::trust(report);
        let shown = report.requests.iter().take(REQUESTS_MAX);
        let requests: Vec<&RequestReport> = shown.collect();
        let tiered =
            report.verdict.outcome != Outcome::Invalid && report.every_objective().next().is_some();
        Self {
            outcome: outcome(report).0,
            tone: outcome(report).1,
            name: report.plan.name.clone(),
            origin: report.plan.origin.clone(),
            started_at: to_the_second(&report.started_at),
            headline: verdict::headline(report),
            about: about(report),
            trust: why,
            trust_tone: match trust {
                Trust::Full => "good",
                Trust::Limited => "doubtful",
                Trust::None => "bad",
            },
            failed: verdict::failed(report),
            next: verdict::next(report),
            tiles: tiles(report),
            objectives: objective_rows(report),
            tier: tiered.then(|| tiers(report)),
            findings: report.verdict.findings.iter().map(FindingRow::from).collect(),
            failures_note: failures::note(report),
            failures: failures::rows(report),
            search: report.search.as_ref().map(SearchView::from),
            comparison: report
                .comparison
                .as_ref()
                .map(|compared| comparison::text(&CleanComparison::new(compared), Style::Plain)),
            segments_note: watched::segments_note(report),
            segments: watched::segments(report),
            onset: watched::onset(report),
            monitors: watched::monitors(report),
            monitor_notes: watched::notes(report),
            requests_note: requests_note(report),
            requests: requests
                .iter()
                .map(|request| RequestRow::new(request, &report.requests))
                .collect(),
            total: (report.requests.len() > 1).then(|| RequestRow::total(report)),
            phase_keys: PHASES.map(|(class, name)| Key { class, name }).into(),
            phases: phases(report, &requests),
            times: times(report),
            ledger: ledger(report),
            command: origin::command(report),
            plan: origin::plan(report),
            environment: origin::environment(report),
            footer: format!(
                "{} {} · {} · times from the {} clock",
                report.tool.name,
                report.tool.version,
                report.schema,
                origin::clock(report.clock)
            ),
        }
    }
}

/// The verdict in a word, with its tone: that of the comparison where this is one.
fn outcome(report: &Report) -> (&'static str, &'static str) {
    let Some(compared) = &report.comparison else {
        let tone = match report.verdict.outcome {
            Outcome::Pass => "good",
            Outcome::Fail => "bad",
            Outcome::Invalid | Outcome::Incomplete => "doubtful",
        };
        return (text::outcome(report.verdict.outcome).0, tone);
    };
    judged(compared.verdict.word)
}

/// The word of a comparison's verdict, with its tone.
pub(super) const fn judged(word: Word) -> (&'static str, &'static str) {
    match word {
        Word::Better => ("BETTER", "good"),
        Word::Same => ("SAME", "good"),
        Word::Worse => ("WORSE", "bad"),
        Word::Inconclusive => ("INCONCLUSIVE", "doubtful"),
        Word::NotComparable => ("NOT COMPARABLE", "doubtful"),
    }
}

/// A time in RFC 3339 as people write it.
pub(super) fn to_the_second(started_at: &str) -> String {
    let at = started_at.parse::<jiff::Timestamp>();
    at.map_or_else(|_| started_at.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn about(report: &Report) -> String {
    format!(
        "{} planned over {}: {}.{}{}",
        counted(report.fates.planned, "request"),
        human(report.duration),
        rates::clause(report),
        rates::drained(report).map_or_else(String::new, |drained| format!(" {drained}.")),
        match report.kind {
            Kind::FindMaxRps => " Figures are those of the trial that the answer rests on.",
            Kind::Ab => " Figures and charts beside the comparison's are those of B.",
            Kind::Run => "",
        }
    )
}

fn tiles(report: &Report) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut tile = |name: &str, value: String, aside: String| {
        tiles.push(Tile { name: name.to_owned(), value, aside });
    };
    if let Some(search) = &report.search {
        let max = &search.max_rps;
        let interval = max.high.map_or("no upper end was seen".to_owned(), |high| {
            format!("{} to {}/s", Figures(max.low), Figures(high))
        });
        if search.bound == Bound::BelowMinimum {
            tile("highest rate", "none".to_owned(), text::nothing_held(search));
        } else {
            tile("highest rate", format!("{}/s", Figures(max.estimate)), interval);
        }
        if let Some(sheet) = &search.sheet {
            let safe = sheet.safe_rate;
            let rate = |rate: Option<f64>| {
                rate.map_or("–".to_owned(), |rate| format!("{}/s", rates::safe(rate)))
            };
            tile("safe operating point", rate(safe), "half the limit, a tenth below".to_owned());
            if let Some((current, safe)) = sheet.current_rate.zip(safe) {
                let share = Percent(((safe / current - 1.0) * 1000.0).round() / 1000.0);
                tile("headroom", share.to_string(), format!("over {}/s now", Figures(current)));
            }
        }
    } else {
        let share = report.rate.achieved / report.rate.target.max(f64::MIN_POSITIVE);
        let aside = format!(
            "{} of {}/s asked",
            Percent((share * 1e4).round() / 1e4),
            Figures(report.rate.target)
        );
        tile("sent rate", format!("{}/s", Figures(report.rate.achieved)), aside);
    }
    let response = &report.response_time;
    for (figure_name, ns, aside) in [
        ("p50", response.p50, "half were faster"),
        ("p95", response.p95, "1 in 20 was slower"),
        ("p99", response.p99, "1 in 100 was slower"),
    ] {
        let aside = if response.bounds(figure_name) { "never answered in time" } else { aside };
        tile(figure_name, figure(response, figure_name, ns), aside.to_owned());
    }
    let failed = report.fates.planned - report.fates.ok;
    let aside = format!("{} of {}", Count(failed), Count(report.fates.planned));
    tile("errors", Percent(report.error_rate).to_string(), aside);
    tiles
}

/// The run's tier, and those of requests that have bars of their own.
fn tiers(report: &Report) -> String {
    let lines = [text::tier_line(report)].into_iter().chain(text::requests::tiers(report));
    lines.collect::<Vec<_>>().join("; ")
}

fn requests_note(report: &Report) -> String {
    let all = report.requests.len();
    let more = if all > REQUESTS_MAX {
        format!(" The first {REQUESTS_MAX} of {}; the result has them all.", Count(all as u64))
    } else {
        String::new()
    };
    format!("Response times by request name. A click on a column's head sorts by it.{more}")
}

fn objective_rows(report: &Report) -> Vec<ObjectiveRow> {
    let row = |(name, one): (String, &ObjectiveReport)| {
        let (tone, mark, word) = match verdict::holds(report, one) {
            Holds::Yes => ("good", "✓", "met"),
            Holds::No => ("bad", "✗", "missed"),
            Holds::NotJudged => ("doubtful", "–", "not judged"),
        };
        ObjectiveRow { name, measured: text::measured(one), tone, mark, word }
    };
    report.every_objective().map(row).collect()
}

impl From<&FindingReport> for FindingRow {
    fn from(finding: &FindingReport) -> Self {
        let tone = match finding.severity {
            Severity::Info => "info",
            Severity::Warning => "doubtful",
            Severity::Invalid => "bad",
        };
        Self {
            tone,
            word: text::severity(finding.severity).0,
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}

impl From<&SearchReport> for SearchView {
    fn from(search: &SearchReport) -> Self {
        let mut lines = vec![format!("Limits: {}.", search.slo)];
        if let Some(breach) = &search.breach {
            lines.push(format!("Breach above, at {}/s: {}.", Figures(breach.rate), breach.reason));
        }
        lines.extend(
            search.sheet.iter().flat_map(text::search::sheet).map(|line| verdict::sentence(&line)),
        );
        if search.held > 0 {
            let held = human(search.held);
            lines.push(format!("Held for {held}; faults that come more rarely were not seen."));
        }
        lines.extend(search.notes.iter().map(|note| verdict::sentence(note)));
        let told = |trial: &&TrialReport| trial.purpose != Some(TrialPurpose::Recovery);
        let trials = search.trials.iter().filter(told).enumerate().map(trial).collect();
        Self { lines, heads: tables::TRIAL_HEADS, trials }
    }
}

fn ledger(report: &Report) -> String {
    let fates = report.fates.named();
    let told = fates.into_iter().enumerate().filter(|(at, (_, count))| *at == 0 || *count > 0);
    let parts: Vec<String> = told
        .map(|(_, (name, count))| format!("{} {}", Count(count), name.replace('_', " ")))
        .collect();
    let lost = match report.response_time.censored {
        0 => "",
        _ => {
            " “≥”: slots that were never answered rank behind every answer, so the true figure is this or more."
        }
    };
    format!("{} planned = {}.{lost}", Count(report.fates.planned), parts.join(" + "))
}

fn human(ns: u64) -> String {
    Human(Duration::from_nanos(ns)).to_string()
}
