//! A comparison for people: the verdict, the figures on both sides, and what could have been found.

use std::fmt::Write as _;

use crate::analysis::compare::comparison::Metric;
use crate::analysis::compare::decision::Scale;
use crate::analysis::compare::sentence::signed;
use crate::load::rate::Figures;
use crate::render::clean::CleanComparison;
use crate::render::markdown::escaped;
use crate::render::table::{Table, WIDTH_MAX, wrap};
use crate::render::units::Unit;
use crate::render::{Style, Tone};
use crate::report::comparison::{ComparedRun, ComparisonReport, MetricReport, Word};
use crate::time::Human;

/// Indented JSON with a newline at the end.
#[expect(clippy::missing_panics_doc, reason = "a report holds nothing that JSON cannot")]
pub fn json(report: &CleanComparison<'_>) -> String {
    let mut text = serde_json::to_string_pretty(report.exact()).expect("all keys are text");
    text.push('\n');
    text
}

/// For a terminal, ending in a newline.
pub fn text(report: &CleanComparison<'_>, style: Style) -> String {
    let mut text = String::new();
    let verdict = &report.verdict;
    for (place, line) in wrap(&verdict.sentence, WIDTH_MAX).iter().enumerate() {
        let tone = tone(verdict.word);
        text.push_str(&if place == 0 { style.paint(tone, line) } else { line.clone() });
        text.push('\n');
    }
    text.push('\n');
    for (side, runs) in [("A", &report.a), ("B", &report.b)] {
        for run in runs {
            let _ = writeln!(text, "{side}  {}", about(run));
        }
    }
    for (title, rows) in tables(report) {
        let mut table = Table::new([title, "A", "B", "change", "interval", "verdict"]);
        for row in rows {
            table.row([named(row)].into_iter().chain(figures(row)).chain([word(row).to_owned()]));
        }
        for (place, line) in table.lines().iter().enumerate() {
            let line = if place == 0 { style.paint(Tone::Strong, line) } else { line.clone() };
            let _ = writeln!(text, "{}{line}", if place == 0 { "\n" } else { "" });
        }
    }
    for (place, line) in remarks(report).iter().enumerate() {
        text.push_str(if place == 0 { "\n" } else { "" });
        for line in wrap(line, WIDTH_MAX) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// For a pull request: a heading with the verdict, a table, remarks.
pub fn markdown(report: &CleanComparison<'_>) -> String {
    let mut text = format!("### {}\n", escaped(&report.verdict.sentence));
    for (title, rows) in tables(report) {
        let _ = write!(
            text,
            "\n| {title} | A | B | change | interval | verdict |\n|---|--:|--:|--:|--:|---|\n"
        );
        for row in rows {
            let cells = figures(row);
            let word = match row.word {
                Word::Worse | Word::Better => format!("**{}**", word(row)),
                _ => word(row).to_owned(),
            };
            let _ = writeln!(text, "| {} | {} | {word} |", escaped(&named(row)), cells.join(" | "));
        }
    }
    text.push('\n');
    for (side, runs) in [("A", &report.a), ("B", &report.b)] {
        for run in runs {
            let _ = writeln!(text, "- {side}: {}", escaped(&about(run)));
        }
    }
    for remark in remarks(report) {
        let _ = writeln!(text, "- {}", escaped(&remark));
    }
    text
}

/// All request names together, then those of single ones that are not the same, as far as there are any.
pub(super) fn tables(report: &ComparisonReport) -> Vec<(&'static str, Vec<&MetricReport>)> {
    let all = report.metrics.iter().filter(|row| row.request.is_none()).collect();
    let single = by_name(report).into_iter().filter(|rows| !alike(rows)).flatten().collect();
    let tables = [("All requests", all), ("Each request", single)];
    tables.into_iter().filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty()).collect()
}

/// The request names of which every figure is the same, in a line.
fn unchanged(report: &ComparisonReport) -> Option<String> {
    let same: Vec<&str> = by_name(report)
        .into_iter()
        .filter(|rows| alike(rows))
        .filter_map(|rows| rows[0].request.as_deref())
        .collect();
    (!same.is_empty()).then(|| format!("The same in every figure: {}", same.join(", ")))
}

/// The figures of each request name, those that differ first; nothing where one name is the whole.
fn by_name(report: &ComparisonReport) -> Vec<Vec<&MetricReport>> {
    let mut names: Vec<Vec<&MetricReport>> = Vec::new();
    for row in report.metrics.iter().filter(|row| row.request.is_some()) {
        match names.iter_mut().find(|rows| rows[0].request == row.request) {
            Some(rows) => rows.push(row),
            None => names.push(vec![row]),
        }
    }
    names.sort_by_key(|rows| rows.iter().map(|row| rank(row.word)).min());
    if names.len() > 1 { names } else { Vec::new() }
}

fn alike(rows: &[&MetricReport]) -> bool {
    rows.iter().all(|row| row.word == Word::Same)
}

/// What is read first.
const fn rank(word: Word) -> u8 {
    match word {
        Word::Worse => 0,
        Word::Better => 1,
        Word::Inconclusive => 2,
        Word::NotComparable => 3,
        Word::Same => 4,
    }
}

/// What the verdict rests on, in lines: the figures that are worse, or what else there is to say.
pub(super) fn grounds(report: &ComparisonReport) -> Vec<String> {
    let told = |of: Word| {
        let rows = report.metrics.iter().filter(move |row| row.gating && row.word == of);
        rows.map(|row| {
            let [a, b, change, _] = figures(row);
            format!("{}: {a} to {b} ({change})", named(row))
        })
        .collect::<Vec<_>>()
    };
    match report.verdict.word {
        Word::Worse => told(Word::Worse),
        Word::Better | Word::Same => vec!["Nothing: no figure is worse on B.".to_owned()],
        Word::Inconclusive => {
            let open = told(Word::Inconclusive);
            [vec!["Nothing is known to be worse on B. Left open:".to_owned()], open].concat()
        }
        Word::NotComparable => report.verdict.reasons.clone(),
    }
}

/// What to do with a verdict, and what else there is to say.
pub(super) fn advice(report: &ComparisonReport) -> Vec<String> {
    [next_step(report).to_owned()].into_iter().chain(remarks(report)).collect()
}

/// What to do with a verdict.
pub(super) const fn next_step(report: &ComparisonReport) -> &'static str {
    match report.verdict.word {
        Word::Worse => "Find the change that did it: compare the builds that lie between A and B.",
        Word::Better => "Keep B, and compare what comes next with it.",
        Word::Same => "Decide by what else speaks for A or B: these figures do not.",
        Word::Inconclusive if report.turns.is_some() => {
            "Measure more pairs or longer blocks (--pairs, --block)."
        }
        Word::Inconclusive => {
            "Measure longer, or several runs of each side: compare A1 A2 -- B1 B2."
        }
        Word::NotComparable => "Measure both sides in the same way.",
    }
}

/// The request names of which a side has no response times, in a line.
fn untimed(report: &ComparisonReport) -> Option<String> {
    let is_time = |row: &&MetricReport| row.metric.quantile() > 0.0;
    let timed: Vec<_> = report.metrics.iter().filter(is_time).map(|row| &row.request).collect();
    let failures = report.metrics.iter().filter(|row| row.metric == Metric::Errors);
    let names: Vec<&str> = failures
        .filter(|row| !timed.contains(&&row.request))
        .map(|row| row.request.as_deref().unwrap_or("all requests"))
        .collect();
    (!names.is_empty() && !timed.is_empty())
        .then(|| format!("No response times of both sides to compare: {}", names.join(", ")))
}

pub(super) fn remarks(report: &ComparisonReport) -> Vec<String> {
    let detectable = Some(&report.verdict.detectable).filter(|text| !text.is_empty());
    let noise = report.noise.as_ref().map(|noise| &noise.sentence);
    let said = detectable.into_iter().chain(noise).chain(&report.notes).cloned();
    unchanged(report).into_iter().chain(untimed(report)).chain(said).collect()
}

pub(super) fn about(run: &ComparedRun) -> String {
    let length = Human(std::time::Duration::from_nanos(run.duration));
    let rate = Figures(run.rate);
    format!("{}: {} on {}, {rate}/s over {length}", run.id, run.name, run.origin)
}

pub(super) fn named(row: &MetricReport) -> String {
    let metric = row.metric.name();
    match &row.request {
        Some(request) => format!("{request} {metric}"),
        None => metric.to_owned(),
    }
}

/// A, B, change and interval.
pub(super) fn figures(row: &MetricReport) -> [String; 4] {
    let metric = row.metric;
    let scale = metric.scale();
    let figure = |value: f64, at_least: bool| {
        let bound = if at_least { "≥ " } else { "" };
        if metric.quantile() > 0.0 {
            let (ns, unit) = (nanos(value), Unit::fitting(nanos(row.a.min(row.b))));
            format!("{} {}", unit.figure(ns, at_least), unit.symbol())
        } else if scale == Scale::Difference {
            format!("{:.2} %", value * 100.0)
        } else {
            format!("{bound}{}/s", Figures(value))
        }
    };
    let interval = match row.word {
        Word::NotComparable => "-".to_owned(),
        _ => format!("{} to {}", signed(scale, row.low), signed(scale, row.high)),
    };
    [
        figure(row.a, row.a_at_least),
        figure(row.b, row.b_at_least),
        signed(scale, row.change),
        interval,
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is never negative and far below 2⁶³ ns"
)]
fn nanos(value: f64) -> u64 {
    value.round() as u64
}

pub(super) const fn word(row: &MetricReport) -> &'static str {
    match row.word {
        Word::Better => "better",
        Word::Worse => "worse",
        Word::Same => "same",
        Word::Inconclusive => "inconclusive",
        Word::NotComparable => "not comparable",
    }
}

const fn tone(word: Word) -> Tone {
    match word {
        Word::Better | Word::Same => Tone::Good,
        Word::Worse => Tone::Bad,
        Word::Inconclusive | Word::NotComparable => Tone::Doubtful,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::tests::example;

    fn text(report: &ComparisonReport, style: Style) -> String {
        super::text(&CleanComparison::new(report), style)
    }

    fn markdown(report: &ComparisonReport) -> String {
        super::markdown(&CleanComparison::new(report))
    }

    #[test]
    fn text_begins_with_the_verdict_and_ends_with_what_could_be_found() {
        let page = text(&example(15), Style::Plain);
        assert!(page.starts_with("B is worse: p50 +"), "{page}");
        assert!(
            page.contains("\nA  before: chat-center on http://127.0.0.1:8001, 200/s over 1 min")
        );
        assert!(page.contains("Could have detected a change of p50 ±"), "{page}");
        assert!(page.contains("(assumed;"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= WIDTH_MAX), "{page}");
        assert!(!page.contains("Each request"), "one name is the whole");
    }

    #[test]
    fn open_questions_say_what_would_settle_them() {
        let page = text(&example(10), Style::Plain);
        assert!(page.starts_with("Inconclusive: about "), "{page}");
        assert!(page.contains("more in further runs of both"), "{page}");
    }

    #[test]
    fn names_that_differ_come_first_and_the_same_ones_in_a_line() {
        let mut report = example(15);
        let total = report.metrics.iter().find(|row| row.request.is_none()).cloned().unwrap();
        let row = |name: &str, word| MetricReport {
            request: Some(name.to_owned()),
            word,
            ..total.clone()
        };
        report.metrics = vec![
            total.clone(),
            row("alike", Word::Same),
            row("open", Word::Inconclusive),
            row("slow", Word::Worse),
            row("steady", Word::Same),
        ];
        for page in [text(&report, Style::Plain), markdown(&report)] {
            let at = |word: &str| page.find(word).unwrap_or_else(|| panic!("no {word}: {page}"));
            assert!(at("slow p50") < at("open p50"), "{page}");
            assert!(at("open p50") < at("The same in every figure: alike, steady"), "{page}");
            assert!(!page.contains("alike p50"), "{page}");
        }
    }

    #[test]
    fn a_name_without_times_is_told_and_has_none() {
        let mut report = example(15);
        let of = |metric, request: &str| MetricReport {
            metric,
            request: Some(request.to_owned()),
            ..report.metrics[0].clone()
        };
        let rows =
            [of(Metric::P50, "list"), of(Metric::Errors, "list"), of(Metric::Errors, "health")];
        report.metrics.extend(rows);
        let page = text(&report, Style::Plain);
        assert!(page.contains("No response times of both sides to compare: health\n"));
        assert!(!text(&example(15), Style::Plain).contains("No response times"));
    }

    #[test]
    fn figures_stand_where_nothing_is_judged() {
        let mut report = example(15);
        report.metrics.truncate(1);
        report.metrics[0].word = Word::NotComparable;
        let page = text(&report, Style::Plain);
        let row = page.lines().find(|line| line.starts_with("p50 ")).unwrap();
        assert!(row.contains(" ms ") && row.ends_with("-  not comparable"), "{row}");
    }

    #[test]
    fn markdown_is_a_heading_a_table_and_remarks() {
        let page = markdown(&example(15));
        assert!(page.starts_with("### B is worse: "), "{page}");
        assert!(page.contains("\n| All requests | A | B | change |"), "{page}");
        assert!(page.contains("| **worse** |"), "{page}");
        assert!(page.contains("\n- A: before: "), "{page}");
    }
}
