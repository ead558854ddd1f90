//! The verb `compare`: whether stored runs are better or worse than others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::analysis::compare::comparison::{Comparison, Margins, Metric, Run, Scope};
use crate::analysis::compare::noise::Noise;
use crate::analysis::compare::quantile::QuantileEstimate;
use crate::commands::formats::STDOUT;
use crate::commands::stored::{self, Grade, StoredRun};
use crate::commands::{Failure, actions, stdout};
use crate::exit::Exit;
use crate::render::clean::{CleanComparison, CleanReport};
use crate::render::{comparison as render, html};
use crate::report::Kind;
use crate::report::beside::figures;
use crate::report::comparable::{Differences, differences};
use crate::report::comparison::{ComparedRun, ComparisonReport, Word};
use crate::store::catalogue::{Catalogue, Entry};

/// Stored runs that noise is estimated from at most, the latest first.
const HISTORY_MAX: usize = 40;

/// What the verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Gate {
    /// All requests together
    Total,
    /// Each request name as well
    Requests,
}

/// From which change on a verdict is one, and what it is worth.
#[derive(Clone, Debug, clap::Args)]
pub struct JudgingArgs {
    /// Smallest change of a response time that matters
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "5%")]
    pub margin_latency: f64,
    /// Smallest change of the error rate that matters, in percentage points
    #[arg(long, value_name = "POINTS", value_parser = percent, default_value = "0.5")]
    pub margin_errors: f64,
    /// Smallest change of max RPS and throughput that matters
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "3%")]
    pub margin_rps: f64,
    /// Basis of the verdict
    #[arg(long, value_enum, default_value_t = Gate::Total)]
    pub gate: Gate,
    /// Whether an inconclusive verdict passes or fails
    #[arg(long, value_enum, default_value_t = Grade::Pass)]
    pub inconclusive: Grade,
    /// Exit with 99 if B is worse
    #[arg(long, value_name = "yes|no", num_args = 0..=1, require_equals = true, default_missing_value = "yes", default_value = "yes", value_parser = yes_or_no)]
    pub fail_on_regression: Grade,
}

/// Is B better, worse or the same as A, or are the data inconclusive?
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A run is identified by its folder, its result file, its id or a prefix of it, a \
    tag ('steadfire runs tag'), or 'latest'.\n\
    Several runs on a side: compare A1 A2 -- B1 B2, or --a A1 --a A2 --b B1; a tag stands for all runs \
    that have it.\n\n\
    Exit codes: 0 better or same, 99 worse, 4 not comparable; inconclusive 0, or 99 with --inconclusive fail."
)]
pub struct Args {
    /// Runs A and B, or all runs of side A followed by '--'
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// Runs of side B
    #[arg(last = true, value_name = "RUN")]
    pub others: Vec<String>,
    /// Run of side A (repeatable)
    #[arg(long, value_name = "RUN")]
    pub a: Vec<String>,
    /// Run of side B (repeatable)
    #[arg(long, value_name = "RUN")]
    pub b: Vec<String>,
    /// What a verdict takes and what it is worth.
    #[command(flatten)]
    pub judging: JudgingArgs,
    /// Print the comparison as JSON, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// Print the comparison as Markdown, for a pull request, or write it to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-", conflicts_with = "json")]
    pub markdown: Option<PathBuf>,
    /// Write the comparison as a self-contained HTML page, with both runs in one chart
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Compares and tells.
///
/// # Errors
/// A run that is not there, or an output that cannot be written.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let catalogue = stored::catalogue();
    let (a, b) = sides(args)?;
    let runs = |words: &[String]| -> Result<Vec<StoredRun>, Failure> {
        let found = words.iter().map(|word| stored::find(word, &catalogue));
        Ok(found.collect::<Result<Vec<_>, _>>()?.concat())
    };
    let (a, b) = (runs(&a)?, runs(&b)?);
    if let Some(run) = b.iter().find(|run| a.iter().any(|other| other.folder == run.folder)) {
        return Err(Failure::usage(format!("{} is on both sides of the comparison", run.name)));
    }
    let report = compared(args, &a, &b, &catalogue);
    let clean = CleanComparison::new(&report);
    write(args.json.as_deref(), args.markdown.as_deref(), &clean)?;
    if let Some(file) = &args.html {
        let [a, b] = [&a, &b].map(|runs| CleanReport::new(&runs[0].report));
        let page = html::comparison::render(&clean, [&a, &b]);
        std::fs::write(file, page).map_err(|error| {
            Failure::unexpected(anyhow::anyhow!("--html {}: {error}", file.display()))
        })?;
    }
    Ok(args.judging.exit(report.verdict.word))
}

impl JudgingArgs {
    pub(super) const fn margins(&self) -> Margins {
        Margins { latency: self.margin_latency, errors: self.margin_errors, rate: self.margin_rps }
    }

    pub(super) const fn scope(&self) -> Scope {
        match self.gate {
            Gate::Total => Scope::Total,
            Gate::Requests => Scope::Requests,
        }
    }

    pub(super) const fn exit(&self, word: Word) -> Exit {
        match word {
            Word::Better | Word::Same => Exit::Ok,
            Word::Worse => self.fail_on_regression.exit(),
            Word::Inconclusive => self.inconclusive.exit(),
            Word::NotComparable => Exit::Invalid,
        }
    }
}

/// Which words name A, which B.
fn sides(args: &Args) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut a, mut b) = (args.a.clone(), args.b.clone());
    match (args.runs.as_slice(), args.others.is_empty()) {
        ([first, second], true) if a.is_empty() && b.is_empty() => {
            a.push(first.clone());
            b.push(second.clone());
        }
        ([], true) => {}
        (_, true) => {
            return Err(Failure::usage(
                "compare needs two sides: 'compare A B', 'compare A1 A2 -- B1 B2', or --a and --b",
            ));
        }
        (runs, false) => {
            a.extend_from_slice(runs);
            b.extend_from_slice(&args.others);
        }
    }
    let missing = if a.is_empty() { "A" } else { "B" };
    if a.is_empty() || b.is_empty() {
        return Err(Failure::usage(format!(
            "side {missing} has no run; 'compare A B' needs two, and 'steadfire runs' lists them"
        )));
    }
    Ok((a, b))
}

fn compared(
    args: &Args,
    a: &[StoredRun],
    b: &[StoredRun],
    catalogue: &Catalogue,
) -> ComparisonReport {
    let refer = |runs: &[StoredRun]| -> Vec<ComparedRun> {
        runs.iter().map(|run| ComparedRun::new(run.name.clone(), &run.report)).collect()
    };
    let references = (refer(a), refer(b));
    let named: Vec<_> = a.iter().chain(b).map(|run| (run.name.as_str(), &run.report)).collect();
    let Differences { mut reasons, notes } = differences(&named);
    let refused = |references, reasons| ComparisonReport {
        metrics: figures(&a[0].report, &b[0].report),
        ..ComparisonReport::not_comparable(references, reasons)
    };
    if !reasons.is_empty() {
        return refused(references, reasons);
    }
    let mut measure = |runs: &[StoredRun]| -> Vec<Run> {
        let measured = runs.iter().map(StoredRun::measured);
        measured.filter_map(|run| run.map_err(|reason| reasons.push(reason)).ok()).collect()
    };
    let (of_a, of_b) = (measure(a), measure(b));
    if !reasons.is_empty() {
        return refused(references, reasons);
    }
    let noise = noise((a, &of_a), (b, &of_b), catalogue);
    let comparison =
        Comparison::new((&of_a, &of_b), noise, &args.judging.margins(), args.judging.scope());
    ComparisonReport::compared(references, &comparison, notes)
}

/// Where a run's quantiles lie, by [`Metric::TIMES`].
type Quantiles = [Option<QuantileEstimate>; Metric::TIMES.len()];

fn quantiles(run: &Run) -> Quantiles {
    Metric::TIMES.map(|metric| QuantileEstimate::new(&run.total, metric.quantile()))
}

/// What runs of one build differ by: those of either side, and stored ones under a common tag that could
/// be compared with A.
fn noise(
    (a, of_a): (&[StoredRun], &[Run]),
    (b, of_b): (&[StoredRun], &[Run]),
    catalogue: &Catalogue,
) -> [Noise; Metric::TIMES.len()] {
    let sides = [of_a, of_b].map(|runs| runs.iter().map(quantiles).collect::<Vec<_>>());
    let mut groups: Vec<Vec<Quantiles>> = Vec::new();
    if a[0].report.kind == Kind::Run {
        let entries = catalogue.entries().unwrap_or_default();
        let tagged: Vec<Entry> =
            entries.into_iter().filter(|entry| !entry.tags.is_empty()).collect();
        // A side whose runs bear tags is in their groups already.
        let known = |run: &StoredRun| tagged.iter().any(|entry| entry.path == run.folder);
        for (stored, side) in [a, b].into_iter().zip(&sides) {
            if !stored.iter().any(known) {
                groups.push(side.clone());
            }
        }
        groups.extend(history(&a[0], tagged));
    }
    let mut place = 0..;
    Metric::TIMES.map(|metric| {
        let at = place.next().unwrap_or_default();
        let located = |group: &Vec<Quantiles>| -> Vec<QuantileEstimate> {
            group.iter().filter_map(|quantiles| quantiles[at]).collect()
        };
        let groups: Vec<Vec<QuantileEstimate>> = groups.iter().map(located).collect();
        let both = || located(&sides.concat());
        Noise::from_history(&groups).unwrap_or_else(|| Noise::assumed(metric.quantile(), &both()))
    })
}

/// Runs by their first tag, as far as they could be compared with `like`. What cannot be read is left out:
/// it would only have made the noise better known.
fn history(like: &StoredRun, tagged: Vec<Entry>) -> Vec<Vec<Quantiles>> {
    let mut groups: BTreeMap<String, Vec<Quantiles>> = BTreeMap::new();
    let mut left = HISTORY_MAX;
    for entry in tagged {
        let tag = entry.tags[0].clone();
        let Ok(stored) = StoredRun::of(entry) else { continue };
        let pair = [("", &like.report), ("", &stored.report)];
        if left == 0 || !differences(&pair).reasons.is_empty() {
            continue;
        }
        if let Ok(run) = stored.measured() {
            groups.entry(tag).or_default().push(quantiles(&run));
            left -= 1;
        }
    }
    groups.into_values().collect()
}

/// Prints the comparison, in the form and to the file that was asked for.
pub(super) fn write(
    json: Option<&Path>,
    markdown: Option<&Path>,
    report: &CleanComparison<'_>,
) -> Result<(), Failure> {
    // Whoever asks for Markdown puts it where it belongs.
    if markdown.is_none() {
        actions::tell_comparison(report);
    }
    let (text, file, flag) = match (json, markdown) {
        (Some(file), _) => (render::json(report), file, "--json"),
        (None, Some(file)) => (render::markdown(report), file, "--markdown"),
        (None, None) => {
            stdout::print(&render::text(report, stdout::style()));
            return Ok(());
        }
    };
    if file.as_os_str() == STDOUT {
        stdout::print(&text);
        return Ok(());
    }
    stdout::print(&render::text(report, stdout::style()));
    std::fs::write(file, text)
        .map_err(|error| Failure::unexpected(anyhow::anyhow!("{flag} {}: {error}", file.display())))
}

/// `5%`, `5 %` or `5` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("write a percentage above 0 and up to 100, such as 5%".to_owned()),
    }
}

fn yes_or_no(text: &str) -> Result<Grade, String> {
    match text {
        "yes" => Ok(Grade::Fail),
        "no" => Ok(Grade::Pass),
        _ => Err("write yes or no".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> Args {
        let words = ["compare"].into_iter().chain(line.split_whitespace());
        Words::try_parse_from(words).unwrap().args
    }

    #[test]
    fn sides_are_given_in_three_ways() {
        for (line, a, b) in [
            ("x y", "x", "y"),
            ("x1 x2 -- y1", "x1 x2", "y1"),
            ("--a x1 --a x2 --b y1", "x1 x2", "y1"),
            ("x -- y1 y2", "x", "y1 y2"),
        ] {
            let (found_a, found_b) = sides(&parsed(line)).unwrap();
            assert_eq!(
                (found_a.join(" "), found_b.join(" ")),
                (a.to_owned(), b.to_owned()),
                "{line}"
            );
        }
        for line in ["", "x", "x y z", "--a x", "-- y"] {
            assert!(sides(&parsed(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn margins_are_percentages() {
        for (text, share) in [("5%", 0.05), ("0.5", 0.005), ("3 %", 0.03)] {
            assert!((percent(text).unwrap() - share).abs() < 1e-12);
        }
        for text in ["", "0", "-1%", "five", "101%"] {
            assert!(percent(text).is_err(), "{text}");
        }
        let args = parsed("x y");
        assert_eq!(
            (args.judging.fail_on_regression, args.judging.inconclusive),
            (Grade::Fail, Grade::Pass)
        );
        assert_eq!(parsed("x y --fail-on-regression=no").judging.fail_on_regression, Grade::Pass);
    }
}
