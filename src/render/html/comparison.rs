//! A comparison of stored runs as one page for browsers: the verdict, the figures, and both runs in one chart.
//! It needs no network, no other file and no script.

use serde::Serialize;

use crate::render::chart::{self, coloured};
use crate::render::clean::{CleanComparison, CleanReport};
use crate::render::comparison::{about, figures, grounds, named, next_step, remarks, tables, word};
use crate::render::html::view::{judged, to_the_second};
use crate::render::html::{Picture, STYLES, filled, hash};
use crate::report::comparison::{ComparedRun, ComparisonReport, MetricReport, Word};
use crate::report::{Kind, Report};

const TEMPLATE: &str = include_str!("comparison.html");

/// What the template sees.
#[derive(Debug, Serialize)]
struct Context {
    style: String,
    style_hash: String,
    word: &'static str,
    tone: &'static str,
    sentence: String,
    runs: Vec<Run>,
    grounds_title: &'static str,
    grounds: Vec<String>,
    advice: &'static str,
    tables: Vec<Table>,
    remarks: Vec<String>,
    chart: Option<Picture>,
    /// What the chart does not show.
    chart_notes: Vec<String>,
    footer: String,
}

#[derive(Debug, Serialize)]
struct Run {
    side: &'static str,
    about: String,
    started_at: String,
}

#[derive(Debug, Serialize)]
struct Table {
    title: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    cells: [String; 4],
    tone: &'static str,
    word: &'static str,
}

/// The page. `a` and `b` are the results of the first run of each side.
pub fn render(report: &CleanComparison<'_>, [a, b]: [&CleanReport<'_>; 2]) -> String {
    let style = coloured(&STYLES.concat());
    let (word, tone) = judged(report.verdict.word);
    // A search tries other rates at other times than another.
    let steady = a.kind == Kind::Run && b.kind == Kind::Run;
    let chart = if steady { chart::both(a, b) } else { None };
    filled(
        TEMPLATE,
        Context {
            style_hash: hash(&style),
            style,
            word,
            tone,
            sentence: report.verdict.sentence.clone(),
            runs: runs(report),
            grounds_title: match report.verdict.word {
                Word::NotComparable => "Why not?",
                _ => "What is worse?",
            },
            grounds: grounds(report),
            advice: next_step(report),
            tables: tables(report).into_iter().map(Table::from).collect(),
            remarks: remarks(report),
            chart_notes: chart_notes(report, [a, b], steady),
            chart: chart.as_ref().map(Picture::from),
            footer: format!("{} {} · {}", report.tool.name, report.tool.version, report.schema),
        },
    )
}

fn runs(report: &ComparisonReport) -> Vec<Run> {
    let side = |side, runs: &[ComparedRun]| -> Vec<Run> {
        let run = |run: &ComparedRun| Run {
            side,
            about: about(run),
            started_at: to_the_second(&run.started_at),
        };
        runs.iter().map(run).collect()
    };
    let (a, b) = (side("A", &report.a), side("B", &report.b));
    a.into_iter().chain(b).collect()
}

/// What is not in the chart, and why.
fn chart_notes(report: &ComparisonReport, runs: [&Report; 2], steady: bool) -> Vec<String> {
    if !steady {
        let text = "Searches try other rates at other times, so their response times are not laid over each other.";
        return vec![text.to_owned()];
    }
    let mut notes = Vec::new();
    for ((side, compared), run) in [("A", &report.a), ("B", &report.b)].into_iter().zip(runs) {
        if run.series.is_empty() {
            notes.push(format!("{side} has no series over time."));
        } else if compared.len() > 1 {
            notes.push(format!("Of side {side} the first of {} runs is drawn.", compared.len()));
        }
    }
    notes
}

impl From<(&'static str, Vec<&MetricReport>)> for Table {
    fn from((title, rows): (&'static str, Vec<&MetricReport>)) -> Self {
        Self { title, rows: rows.into_iter().map(Row::from).collect() }
    }
}

impl From<&MetricReport> for Row {
    fn from(row: &MetricReport) -> Self {
        Self {
            name: named(row),
            cells: figures(row),
            tone: match row.word {
                Word::Better => "good",
                Word::Worse => "bad",
                Word::Inconclusive => "doubtful",
                Word::Same | Word::NotComparable => "",
            },
            word: word(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::tests::example;
    use crate::report::example::{self, GOOD};

    fn page(compared: &ComparisonReport, runs: (&Report, &Report)) -> String {
        let (a, b) = (CleanReport::new(runs.0), CleanReport::new(runs.1));
        render(&CleanComparison::new(compared), [&a, &b])
    }

    #[test]
    fn the_page_s_verdict_is_the_comparison_s() {
        // B by itself fails its objectives, which is not the question.
        let (a, b) = (example::report(GOOD), example::report(example::CENSORED));
        for (ms, word, tone) in
            [(15, "WORSE", "bad"), (6, "BETTER", "good"), (10, "INCONCLUSIVE", "doubtful")]
        {
            let page = page(&example(ms), (&a, &b));
            assert!(page.contains(&format!(r#"<div class="verdict {tone}">"#)), "{ms}");
            assert!(page.contains(&format!(r#"<span class="pill">{word}</span>"#)), "{ms}");
            let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}: {page}"));
            assert!(at("<span class=\"pill\">") < at("<h2>All requests</h2>"));
            assert!(at("<h2>All requests</h2>") < at("Response time of A and B over time"));
            assert!(!page.contains("FAIL") && !page.contains("PASS"), "{ms}");
        }
    }

    #[test]
    fn both_runs_are_in_one_chart_and_differ_by_the_pattern_of_their_lines() {
        let (a, b) = (example::report(GOOD), example::report(example::CENSORED));
        let page = page(&example(15), (&a, &b));
        assert_eq!(page.matches("<svg class=\"chart\"").count(), 1);
        for class in ["a-p95", "a-p50", "b-p95", "b-p50"] {
            // In the picture and in its legend.
            assert_eq!(page.matches(&format!("class=\"line {class}\"")).count(), 2, "{class}");
        }
        let patterns: Vec<&str> = ["a-p95", "a-p50", "b-p50"]
            .into_iter()
            .map(|class| {
                let rule = format!(".line.{class}{{stroke-dasharray:");
                let start = page.find(&rule).expect(class) + rule.len();
                page[start..].split('}').next().unwrap()
            })
            .collect();
        assert!(patterns[0] != patterns[1] && patterns[1] != patterns[2], "{patterns:?}");
        assert!(!page.contains(".line.b-p95"), "the fourth is whole");
    }

    #[test]
    fn a_run_without_a_series_is_told() {
        let (mut a, b) = (example::report(GOOD), example::report(GOOD));
        a.series.clear();
        let one = page(&example(15), (&a, &b));
        assert!(one.contains("A has no series over time.") && one.contains("class=\"line b-p95"));
        let none = page(&example(15), (&a, &a));
        assert!(none.contains("B has no series over time.") && !none.contains("<svg"));
        let searches = page(&example(15), (&example::search_report(), &b));
        assert!(searches.contains("Searches try other rates") && !searches.contains("<svg"));
    }

    #[test]
    fn nothing_runs_nothing_is_loaded_and_hostile_names_do_no_harm() {
        let hostile = "</style><script>alert(1)</script><img>\u{202e}";
        let mut compared = example(15);
        compared.a[0].id = hostile.to_owned();
        compared.verdict.sentence = hostile.to_owned();
        compared.notes.push(hostile.to_owned());
        compared.metrics.iter_mut().for_each(|row| row.request = Some(hostile.to_owned()));
        let mut run = example::report(GOOD);
        run.verdict.objectives[0].objective = hostile.to_owned();
        let page = page(&compared, (&run, &run));
        for loads in ["<script", "<img", "src=", "href=", "url(", "@import", " style=", "onclick"] {
            assert!(!page.contains(loads), "{loads}: {page}");
        }
        assert!(page.contains("default-src 'none'") && !page.contains('\u{202e}'));
    }
}
