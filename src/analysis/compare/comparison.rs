//! [`Comparison`]: two sides of stored runs, figure by figure, and what it comes to.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::compare::decision::{
    ALPHA, Censoring, ChangeVerdict, Good, Question, Scale, Word, judge_all,
};
use crate::analysis::compare::noise::Noise;
use crate::analysis::compare::quantile::{self, FigureChange};
use crate::analysis::compare::rates::{self, MaxRate, ServedRate};
use crate::analysis::compare::timeline::Timeline;

/// The name of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MetricName")]
pub enum Metric {
    /// Median response time, ns.
    P50,
    /// 95th percentile of the response time, ns.
    P95,
    /// 99th percentile of the response time, ns.
    P99,
    /// Share of slots without a good answer.
    Errors,
    /// Good answers per second.
    Throughput,
    /// The highest rate that holds, per second.
    MaxRps,
}

impl Metric {
    /// Those about response times.
    pub const TIMES: [Self; 3] = [Self::P50, Self::P95, Self::P99];

    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Errors => "errors",
            Self::Throughput => "throughput",
            Self::MaxRps => "max RPS",
        }
    }

    /// The quantile, of those about response times; 0 for others.
    pub const fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::Errors | Self::Throughput | Self::MaxRps => 0.0,
        }
    }

    /// How its change is written.
    pub const fn scale(self) -> Scale {
        match self {
            Self::Errors => Scale::Difference,
            _ => Scale::Ratio,
        }
    }

    const fn good(self) -> Good {
        match self {
            Self::Throughput | Self::MaxRps => Good::Higher,
            _ => Good::Lower,
        }
    }
}

/// One stored run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// All request names together; without slices in a search.
    pub total: Timeline,
    /// By name; empty where the journal does not tell them apart.
    pub requests: Vec<(String, Timeline)>,
    /// What the target served.
    pub served: ServedRate,
    /// Length of the measurement.
    pub length: Duration,
    /// What its search for the highest rate found.
    pub max_rate: Option<MaxRate>,
}

/// The smallest changes that matter: 0.05 is 5 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margins {
    /// Of a quantile of the response time, relative.
    pub latency: f64,
    /// Of the error rate, as a difference of shares.
    pub errors: f64,
    /// Of the highest rate and of throughput, relative.
    pub rate: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self { latency: 0.05, errors: 0.005, rate: 0.03 }
    }
}

/// What the verdict rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All request names together; single ones are shown.
    #[default]
    Total,
    /// Each request name too.
    Requests,
}

/// One figure on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which figure.
    pub metric: Metric,
    /// Of which request name; nothing for all together.
    pub request: Option<String>,
    /// Whether the verdict rests on it.
    pub gating: bool,
    /// A's figure in ns, as a share, or per second.
    pub a: f64,
    /// B's.
    pub b: f64,
    /// What was asked.
    pub question: Question,
    /// And the answer.
    pub judged: ChangeVerdict,
}

/// How much was measured, both sides together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Length of a run or block, the mean where they differ.
    pub run: Duration,
    /// How many there were.
    pub runs: usize,
}

/// What the comparison of two sides comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Figure by figure, all request names together first.
    pub rows: Vec<Row>,
    /// The noise between runs that was reckoned with, by [`Metric::TIMES`].
    pub noise: [Noise; Metric::TIMES.len()],
    /// In one word.
    pub word: Word,
    /// How much longer both sides together would have to be measured to decide; nothing if it is decided,
    /// or if more time would not help.
    pub more: Option<Duration>,
    /// What it rests on.
    pub extent: Extent,
}

impl Comparison {
    /// Compares the runs `b` with the runs `a`; each side has at least one, and all have the same names.
    pub fn new(
        (a, b): (&[Run], &[Run]),
        noise: [Noise; Metric::TIMES.len()],
        margins: &Margins,
        scope: Scope,
    ) -> Self {
        let asked = asked(a, b, &noise, margins);
        let runs = a.len() + b.len();
        let measured: Duration = a.iter().chain(b).map(|run| run.length).sum();
        let run = measured / u32::try_from(runs.max(1)).unwrap_or(u32::MAX);
        Self::judged(asked, noise, scope, ALPHA, Extent { run, runs })
    }

    /// Judges what was asked; with probability 1 − `alpha` the verdict rests on no change that is not there.
    pub(in crate::analysis) fn judged(
        asked: Vec<Asked>,
        noise: [Noise; Metric::TIMES.len()],
        scope: Scope,
        alpha: f64,
        extent: Extent,
    ) -> Self {
        let gates = |(metric, request, ..): &Asked| {
            *metric != Metric::Throughput && (request.is_none() || scope == Scope::Requests)
        };
        // Figures that only inform share a risk of their own, so that they cost the others nothing.
        let (gating, informing): (Vec<_>, Vec<_>) = asked.into_iter().partition(gates);
        let mut rows = answered(gating, true, alpha);
        rows.extend(answered(informing, false, alpha));
        rows.sort_by_key(|row| row.request.is_some());
        let word = Word::overall(rows.iter().filter(|row| row.gating).map(|row| row.judged.word));
        let more = (word == Word::Inconclusive).then(|| more(&rows, extent)).flatten();
        Self { rows, noise, word, more, extent }
    }
}

/// A figure, the request name it is of, what was found, and the smallest change that matters.
pub(in crate::analysis) type Asked = (Metric, Option<String>, FigureChange, f64);

fn asked(a: &[Run], b: &[Run], noise: &[Noise], margins: &Margins) -> Vec<Asked> {
    let mut asked = Vec::new();
    let (of_a, of_b) = (totals(a), totals(b));
    of_timelines(&mut asked, None, (&of_a, &of_b), noise, margins);
    let served = |runs: &[Run]| ServedRate::mean(runs.iter().map(|run| run.served));
    let throughput = rates::throughput((&of_a, served(a)), (&of_b, served(b)));
    asked.extend(throughput.map(|found| (Metric::Throughput, None, found, margins.rate)));
    let searches = |runs: &[Run]| runs.iter().map(|run| run.max_rate).collect::<Option<Vec<_>>>();
    if let (Some(a), Some(b)) = (searches(a), searches(b)) {
        let found = rates::max_rate(&a, &b);
        asked.extend(found.map(|found| (Metric::MaxRps, None, found, margins.rate)));
    }
    for (name, _) in a.first().map_or(&[][..], |run| &run.requests) {
        if let (Some(a), Some(b)) = (named(a, name), named(b, name)) {
            of_timelines(&mut asked, Some(name), (&a, &b), noise, margins);
        }
    }
    asked
}

fn totals(runs: &[Run]) -> Vec<&Timeline> {
    runs.iter().map(|run| &run.total).collect()
}

/// The request `name` in each run; nothing if one does not have it.
fn named<'a>(runs: &'a [Run], name: &str) -> Option<Vec<&'a Timeline>> {
    let of = |run: &'a Run| run.requests.iter().find(|(other, _)| other == name);
    runs.iter().map(|run| of(run).map(|(_, timeline)| timeline)).collect()
}

fn of_timelines(
    asked: &mut Vec<Asked>,
    request: Option<&String>,
    (a, b): (&[&Timeline], &[&Timeline]),
    noise: &[Noise],
    margins: &Margins,
) {
    for (metric, noise) in Metric::TIMES.into_iter().zip(noise) {
        let found = quantile::change(a, b, metric.quantile(), noise);
        asked.extend(found.map(|found| (metric, request.cloned(), found, margins.latency)));
    }
    let found = rates::errors(a, b);
    asked.extend(found.map(|found| (Metric::Errors, request.cloned(), found, margins.errors)));
}

fn answered(asked: Vec<Asked>, gating: bool, alpha: f64) -> Vec<Row> {
    let question = |(metric, _, found, margin): &Asked| Question {
        change: found.change,
        scale: metric.scale(),
        good: metric.good(),
        margin: *margin,
    };
    let questions: Vec<Question> = asked.iter().map(question).collect();
    let answers = judge_all(&questions, alpha);
    let rows = asked.into_iter().zip(questions).zip(answers);
    rows.map(|(((metric, request, found, _), question), judged)| Row {
        metric,
        request,
        gating,
        a: found.a,
        b: found.b,
        question,
        judged,
    })
    .collect()
}

/// How much longer would have to be measured so that every figure that gates is decided.
fn more(rows: &[Row], extent: Extent) -> Option<Duration> {
    let open = rows.iter().filter(|row| row.gating && row.judged.word == Word::Inconclusive);
    let mut times = 1.0_f64;
    for row in open {
        if row.metric == Metric::MaxRps || row.question.change.known != Censoring::Exactly {
            return None;
        }
        times = times.max(row.judged.times_as_much);
    }
    let measured = extent.run.as_secs_f64() * extent.runs as f64;
    Duration::try_from_secs_f64(measured * (times - 1.0)).ok()
}
