//! [`ComparisonReport`]: the contract of a comparison, schema `steadfire.comparison/1`.
//!
//! Times are ns, shares lie between 0 and 1, rates are per second. A change of times and rates is relative
//! (0.05 is 5 % more), one of errors is a difference of shares.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::analysis::compare::comparison::Metric;
use crate::analysis::compare::comparison::{Comparison, Row};
use crate::analysis::compare::decision::Censoring;
pub use crate::analysis::compare::decision::Word;
use crate::analysis::compare::noise::Source;
use crate::analysis::compare::sentence;
use crate::measure::millionths::millionths;
use crate::report::{Report, Tool};
use crate::time::whole_nanos;

/// The value of [`ComparisonReport::schema`].
pub const SCHEMA: &str = "steadfire.comparison/1";
/// The largest change that is told.
const CHANGE_MAX: f64 = 1e9;

/// Two sides of stored runs, and what they come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonReport {
    /// `steadfire.comparison/1`.
    pub schema: String,
    /// What wrote this.
    pub tool: Tool,
    /// What B is compared with.
    pub a: Vec<ComparedRun>,
    /// What is judged.
    pub b: Vec<ComparedRun>,
    /// What it comes to.
    pub verdict: ComparisonVerdict,
    /// Figure by figure, all request names together first. Of runs that are not comparable, those of the first
    /// of each side, with confidence 0, as far as both have them.
    pub metrics: Vec<MetricReport>,
    /// The noise between runs; absent if no response times were compared.
    pub noise: Option<NoiseReport>,
    /// The blocks it rests on, where two targets were measured in turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<TurnsReport>,
    /// For people: what else differs between the runs.
    pub notes: Vec<String>,
}

/// Two targets in turns: pairs of blocks, one on each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TurnsReport {
    /// `abba` or another order.
    pub order: String,
    /// Pairs that the figures rest on.
    pub pairs: u64,
    /// Pairs that were discarded because the machine disturbed the generator, each with the reason.
    pub discarded: Vec<String>,
    /// Length of a block in ns, without its head.
    pub block: u64,
    /// Load at the beginning of each block that is left out, in ns.
    pub head: u64,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// The name of its folder, or the path that was given.
    pub id: String,
    /// When its load began, RFC 3339 in UTC.
    pub started_at: String,
    /// Its plan's name.
    pub name: String,
    /// Its target.
    pub origin: String,
    /// Arrivals per second asked for.
    pub rate: f64,
    /// Length of its measurement in ns.
    pub duration: u64,
}

/// What a comparison comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonVerdict {
    /// In one word.
    pub word: Word,
    /// In one sentence.
    pub sentence: String,
    /// What change could have been found; empty if not comparable.
    pub detectable: String,
    /// Why the runs cannot be compared, if they cannot.
    pub reasons: Vec<String>,
    /// ns of further measurement, both sides together, that would settle what is open, as far as that is
    /// known.
    pub more: Option<u64>,
}

/// One figure on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricReport {
    /// Which figure.
    pub metric: Metric,
    /// Of which request name; absent for all together.
    pub request: Option<String>,
    /// Whether the verdict rests on it.
    pub gating: bool,
    /// A's figure.
    pub a: f64,
    /// Whether A's true figure is `a` or more.
    pub a_at_least: bool,
    /// B's figure.
    pub b: f64,
    /// Whether B's true figure is `b` or more.
    pub b_at_least: bool,
    /// From A to B.
    pub change: f64,
    /// Lower end of the change's interval.
    pub low: f64,
    /// Upper end of the change's interval.
    pub high: f64,
    /// How sure it is that the interval holds the true change, this figure's part of the risk deducted.
    pub confidence: f64,
    /// The smallest change that matters.
    pub margin: f64,
    /// The change that would have been found with a probability of 80 %.
    pub detectable: f64,
    /// In one word.
    pub word: Word,
}

/// What runs of one build differ by, as a standard deviation relative to the figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoiseReport {
    /// Stored runs it was estimated from; absent if it is an assumption.
    pub runs: Option<u64>,
    /// Of the median.
    pub p50: f64,
    /// Of the 95th percentile.
    pub p95: f64,
    /// Of the 99th percentile.
    pub p99: f64,
    /// For people.
    pub sentence: String,
}

/// The JSON Schema of [`ComparisonReport`].
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(ComparisonReport).to_value()
}

impl ComparisonReport {
    /// The report of a comparison between the runs `a` and `b`.
    pub fn compared(
        (a, b): (Vec<ComparedRun>, Vec<ComparedRun>),
        comparison: &Comparison,
        notes: Vec<String>,
    ) -> Self {
        let [p50, p95, p99] = comparison.noise.map(|noise| millionths(noise.tau));
        let runs = match comparison.noise[0].source {
            Source::History(runs) => Some(runs as u64),
            Source::Assumed | Source::Pairs => None,
        };
        let noise = sentence::noise(comparison).map(|sentence| NoiseReport {
            runs,
            p50,
            p95,
            p99,
            sentence,
        });
        let verdict = ComparisonVerdict {
            word: comparison.word,
            sentence: sentence::verdict(comparison),
            detectable: sentence::detectable(comparison),
            reasons: Vec::new(),
            more: comparison.more.map(whole_nanos),
        };
        let metrics = comparison.rows.iter().map(MetricReport::from).collect();
        Self { metrics, noise, notes, ..Self::without_figures((a, b), verdict) }
    }

    /// The report of runs that cannot be compared, with the reasons.
    pub fn not_comparable(
        sides: (Vec<ComparedRun>, Vec<ComparedRun>),
        reasons: Vec<String>,
    ) -> Self {
        let verdict = ComparisonVerdict {
            word: Word::NotComparable,
            sentence: format!("Not comparable: {}", reasons.join("; ")),
            detectable: String::new(),
            reasons,
            more: None,
        };
        Self::without_figures(sides, verdict)
    }

    fn without_figures(
        (a, b): (Vec<ComparedRun>, Vec<ComparedRun>),
        verdict: ComparisonVerdict,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            a,
            b,
            verdict,
            metrics: Vec::new(),
            noise: None,
            turns: None,
            notes: Vec::new(),
        }
    }
}

impl ComparedRun {
    /// The run that `report` tells of.
    pub fn new(id: String, report: &Report) -> Self {
        Self {
            id,
            started_at: report.started_at.clone(),
            name: report.plan.name.clone(),
            origin: report.plan.origin.clone(),
            rate: report.plan.rate,
            duration: report.duration,
        }
    }
}

impl From<&Row> for MetricReport {
    fn from(row: &Row) -> Self {
        let change = &row.question.change;
        // JSON has no infinity, which the end of an interval may be.
        let on_scale = |number| millionths(row.metric.scale().change(number).min(CHANGE_MAX));
        Self {
            metric: row.metric,
            request: row.request.clone(),
            gating: row.gating,
            a: millionths(row.a),
            a_at_least: matches!(change.known, Censoring::AtMost | Censoring::Not),
            b: millionths(row.b),
            b_at_least: matches!(change.known, Censoring::AtLeast | Censoring::Not),
            change: on_scale(change.estimate),
            low: on_scale(row.judged.interval.low),
            high: on_scale(row.judged.interval.high),
            confidence: millionths(1.0 - row.judged.level),
            margin: millionths(row.question.margin),
            detectable: on_scale(row.judged.detectable),
            word: row.judged.word,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analysis::compare::comparison::{Margins, Run, Scope};
    use crate::analysis::compare::noise::Noise;
    use crate::analysis::compare::rates::ServedRate;
    use crate::analysis::compare::timeline::Timeline;
    use crate::analysis::compare::timeline::tests::moment;

    fn run(ms: u64) -> Run {
        let times = || (0..200).map(|slot| Duration::from_micros(1000 * ms + slot));
        let total = Timeline { moments: vec![moment(times()); 60] };
        Run {
            requests: vec![("list | all".to_owned(), total.clone())],
            total,
            served: ServedRate { asked: 200.0, good: 200.0 },
            length: Duration::from_mins(1),
            max_rate: None,
        }
    }

    /// Runs whose times were 10 ms and `ms`.
    pub(crate) fn example(ms: u64) -> ComparisonReport {
        let noise = Metric::TIMES.map(|metric| Noise::assumed(metric.quantile(), &[]));
        let sides = (&[run(10)][..], &[run(ms)][..]);
        let found = Comparison::new(sides, noise, &Margins::default(), Scope::Total);
        let side = |id: &str| {
            vec![ComparedRun {
                id: id.to_owned(),
                started_at: "2026-01-02T03:04:05Z".to_owned(),
                name: "chat-center".to_owned(),
                origin: "http://127.0.0.1:8001".to_owned(),
                rate: 200.0,
                duration: 60_000_000_000,
            }]
        };
        ComparisonReport::compared((side("before"), side("after")), &found, Vec::new())
    }

    #[test]
    fn comparisons_conform_to_the_published_schema_and_come_back() {
        let schema = json_schema();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let sides = || (example(10).a, example(10).b);
        let refused = ComparisonReport::not_comparable(sides(), vec!["another rate".to_owned()]);
        for report in [example(10), example(15), example(6), refused] {
            let value = serde_json::to_value(&report).unwrap();
            assert!(validator.is_valid(&value), "{value}");
            assert_eq!(serde_json::from_value::<ComparisonReport>(value).unwrap(), report);
        }
        assert!(!validator.is_valid(&serde_json::json!({"schema": SCHEMA})));
    }

    #[test]
    fn names_and_units_are_the_contract() {
        let value = serde_json::to_value(example(15)).unwrap();
        assert_eq!(value["schema"], "steadfire.comparison/1");
        assert_eq!(value["verdict"]["word"], "worse");
        assert_eq!(value["metrics"][1]["metric"], "p95");
        assert!(value["metrics"][1]["request"].is_null());
        let change = value["metrics"][1]["change"].as_f64().unwrap();
        assert!((change - 0.49).abs() < 0.01, "{change}");
        assert_eq!(value["noise"]["p99"], 0.08);
        assert_eq!(example(10).verdict.word, Word::Inconclusive);
        assert!(example(10).verdict.more.is_some());
        assert_eq!(example(6).verdict.word, Word::Better);
    }
}
