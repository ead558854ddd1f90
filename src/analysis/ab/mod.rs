//! Two targets in turns: from pairs of neighbouring blocks of load to the words of a comparison.
//!
//! Each pair gives one difference per figure, so whatever both of its blocks went through is taken out,
//! and the noise between runs is in the spread of the differences instead of being assumed. In ABBA order
//! a machine that slowly changes favours neither side (Abedi & Brecht, Conducting Repeatable Experiments in
//! Highly Variable Cloud Computing Environments, ICPE 2017). Looks in between keep the error rate by
//! Pocock's constants (Group Sequential Methods in the Design and Analysis of Clinical Trials, Biometrika
//! 1977).

mod wilcoxon;

use std::time::Duration;

use crate::analysis::compare::comparison::{Comparison, Extent, Margins, Metric, Scope};
use crate::analysis::compare::decision::{ALPHA, Censoring, Change, Word};
use crate::analysis::compare::noise::{Noise, Source};
use crate::analysis::compare::quantile::FigureChange;
use crate::analysis::compare::rates::NONE_SEEN;
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::counted;
use crate::measure::histogram::Quantile;

/// Pairs below which there are only figures and no verdict.
pub const PAIRS_MIN: usize = 5;
/// Pairs after which it is looked whether the verdict is clear.
const LOOKS: [usize; 4] = [6, 10, 16, 24];
/// Pairs from which on a signed rank test has a say; with fewer it cannot be significant at 5 %.
const RANKS_MIN: usize = 6;
/// Histograms tell times apart by a thousandth, so that no difference of logarithms is better known.
const RESOLUTION: f64 = 0.000_5;
/// Standard errors to the bound of a share of which nothing was seen.
const REACH: f64 = 1.96;

/// Which side of a pair comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// A B B A A B B A …: a drift of the machine favours neither.
    #[default]
    Abba,
    /// A B A B …: a drift of the machine favours one of them.
    Abab,
}

/// One of the two targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What B is compared with.
    A,
    /// What is judged.
    B,
}

/// How many pairs there may be, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Design {
    /// The order of the blocks.
    pub order: Order,
    /// Pairs at most that are kept.
    pub pairs: usize,
}

/// What a block of load showed of one request name, or of all together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// p50, p95 and p99 of the response time.
    pub times: [Quantile; Metric::TIMES.len()],
    /// Slots.
    pub planned: u64,
    /// Of these, without a good answer.
    pub failed: u64,
    /// Good answers per second.
    pub throughput: f64,
}

/// One block of load.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Over all requests.
    pub total: Figures,
    /// By request name, the same names in every block.
    pub requests: Vec<(String, Figures)>,
}

/// Neighbouring blocks of both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// A's block.
    pub a: Block,
    /// B's block.
    pub b: Block,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another pair.
    Pair,
    /// A look at the pairs so far.
    Look,
}

impl Side {
    /// The letter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 2] = [Self::Abba, Self::Abab];

    /// As flags and results name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abba => "abba",
            Self::Abab => "abab",
        }
    }

    /// The sides of the pair with this number, from 0, in the order of time. A pair that was discarded
    /// counts as not made.
    pub const fn sides(self, pair: usize) -> [Side; 2] {
        match self {
            Self::Abba if pair % 2 == 1 => [Side::B, Side::A],
            Self::Abba | Self::Abab => [Side::A, Side::B],
        }
    }
}

impl Design {
    /// Whether the verdict is looked at after so many pairs.
    pub fn after(&self, pairs: usize) -> Next {
        if self.looks().any(|look| look == pairs) { Next::Look } else { Next::Pair }
    }

    /// The numbers of pairs after which the verdict is looked at, the last included.
    fn looks(&self) -> impl Iterator<Item = usize> {
        let last = self.pairs;
        LOOKS.into_iter().filter(move |look| *look < last).chain([last])
    }

    /// The level of each look, so that all together err in 5 % at most (Pocock 1977, table 1).
    fn level(&self) -> f64 {
        match self.looks().count() {
            0 | 1 => ALPHA,
            2 => 0.0294,
            3 => 0.0221,
            4 => 0.0182,
            _ => 0.0158,
        }
    }

    /// Why so many pairs cannot have a verdict, whatever they show.
    pub fn doubt(&self, pairs: usize) -> Option<String> {
        if self.order != Order::Abba {
            let order = self.order.name();
            let text = "favours one side where the machine changes; --order abba does not";
            Some(format!("the order {order} {text}"))
        } else if pairs < PAIRS_MIN {
            Some(format!(
                "{} cannot have a verdict, which takes {PAIRS_MIN}",
                counted(pairs as u64, "pair")
            ))
        } else if self.after(pairs) == Next::Pair {
            Some(format!(
                "it ended after {}, between two looks at the figures",
                counted(pairs as u64, "pair")
            ))
        } else {
            None
        }
    }

    /// What the pairs come to; nothing without a pair. `length` is that of a block.
    pub fn judge(
        &self,
        pairs: &[Pair],
        margins: &Margins,
        scope: Scope,
        length: Duration,
    ) -> Option<Comparison> {
        let first = pairs.first()?;
        let mut asked = Vec::new();
        let mut ask = |request: Option<&str>, of: &dyn Fn(&Block) -> Figures| {
            let figures: Vec<[Figures; 2]> =
                pairs.iter().map(|pair| [of(&pair.a), of(&pair.b)]).collect();
            for (place, metric) in Metric::TIMES.into_iter().enumerate() {
                let found = times(&figures, place);
                let asked_of = |found| (metric, request.map(str::to_owned), found, margins.latency);
                asked.extend(found.map(asked_of));
            }
            let found = errors(&figures);
            let asked_of =
                |found| (Metric::Errors, request.map(str::to_owned), found, margins.errors);
            asked.extend(found.map(asked_of));
            if request.is_none() {
                let found = throughput(&figures, length);
                asked.push((Metric::Throughput, None, found, margins.rate));
            }
        };
        ask(None, &|block| block.total);
        for (place, (name, _)) in first.a.requests.iter().enumerate() {
            ask(Some(name), &|block| block.requests[place].1);
        }
        let noise = Noise { tau: 0.0, df: f64::INFINITY, source: Source::Pairs };
        let noise = [noise; Metric::TIMES.len()];
        let extent = Extent { run: length, runs: 2 * pairs.len() };
        let mut comparison = Comparison::judged(asked, noise, scope, self.level(), extent);
        if self.doubt(pairs.len()).is_some() {
            comparison.word = Word::Inconclusive;
        }
        Some(comparison)
    }
}

/// Pairs beyond the `pairs` so far that would settle what is open; nothing if it is decided or if more
/// would not help.
pub fn more_pairs(comparison: &Comparison, pairs: usize) -> Option<usize> {
    let open = comparison.rows.iter().filter(|row| row.gating);
    let open = open.filter(|row| row.judged.word == Word::Inconclusive);
    let times = open.map(|row| row.judged.times_as_much).fold(1.0, f64::max);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let more = ((times - 1.0) * pairs as f64).ceil() as usize;
    // In whole ABBA rounds.
    (comparison.more.is_some() && more > 0).then(|| more.next_multiple_of(2))
}

/// Why a block tells nothing of its target: what the machine did to the generator meanwhile.
pub fn hiccup(findings: &[Finding]) -> Option<&Finding> {
    findings.iter().find(|finding| {
        finding.severity == Severity::Invalid
            || matches!(finding.cause, Cause::CpuStolen | Cause::CpuThrottled)
    })
}

/// Over the pairs in which both blocks have response times; nothing without such a pair. A block in which every
/// request failed with an answer has none.
fn times(figures: &[[Figures; 2]], place: usize) -> Option<FigureChange> {
    let time = |figures: &Figures| figures.times[place];
    let told = |pair: &&[Figures; 2]| pair.iter().all(|block| !time(block).value.is_zero());
    let figures: Vec<&[Figures; 2]> = figures.iter().filter(told).collect();
    if figures.is_empty() {
        return None;
    }
    let ln = |figures: &Figures| time(figures).value.as_secs_f64().ln();
    let sides = [0, 1].map(|side| figures.iter().map(|pair| ln(&pair[side])).collect::<Vec<_>>());
    let bound = |side: usize| figures.iter().any(|pair| time(&pair[side]).at_least);
    let known = Censoring::from_bounds(bound(0), bound(1));
    let [a, b] = [0, 1].map(|side| mean(&sides[side]).exp() * 1e9);
    Some(FigureChange { a, b, change: change(&sides, RESOLUTION, known) })
}

/// Nothing of a name that was not due on a side: a share of none is no share.
fn errors(figures: &[[Figures; 2]]) -> Option<FigureChange> {
    let share = |figures: &Figures| figures.failed as f64 / figures.planned.max(1) as f64;
    let sides =
        [0, 1].map(|side| figures.iter().map(|pair| share(&pair[side])).collect::<Vec<_>>());
    let sum = |side: usize, of: fn(&Figures) -> u64| -> u64 {
        figures.iter().map(|pair| of(&pair[side])).sum()
    };
    if [0, 1].iter().any(|side| sum(*side, |figures| figures.planned) == 0) {
        return None;
    }
    let unseen = |side| match sum(side, |figures| figures.failed) {
        0 => NONE_SEEN / sum(side, |figures| figures.planned).max(1) as f64,
        _ => 0.0,
    };
    let most = f64::max(unseen(0), unseen(1));
    let none = unseen(0).min(unseen(1)) > 0.0;
    let [a, b] = [0, 1].map(|side| mean(&sides[side]));
    let change = change(&sides, most / REACH, Censoring::Exactly);
    let change = Change { unseen: none.then_some(most), ..change };
    Some(FigureChange { a, b, change })
}

/// The mean rates of both sides, over blocks that may each have served nothing; the error of their ratio's
/// logarithm by the delta method. A side that served nothing at all counts as one answer in a run of `length`.
fn throughput(figures: &[[Figures; 2]], length: Duration) -> FigureChange {
    let rates =
        [0, 1].map(|side| figures.iter().map(|pair| pair[side].throughput).collect::<Vec<_>>());
    let least = 1.0 / length.as_secs_f64().max(1.0);
    let means = [0, 1].map(|side| mean(&rates[side]));
    let [a, b] = means.map(|rate| rate.max(least));
    let part = |side: usize, of: f64, level: f64| -> Vec<f64> {
        rates[side].iter().map(|rate| level + (rate - means[side]) / of).collect()
    };
    let sides = [part(0, a, 0.0), part(1, b, (b / a).ln())];
    let [a, b] = means;
    FigureChange { a, b, change: change(&sides, RESOLUTION, Censoring::Exactly) }
}

/// The mean difference, with its error: never below `floor`.
fn change([a, b]: &[Vec<f64>; 2], floor: f64, known: Censoring) -> Change {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    let n = differences.len() as f64;
    let estimate = mean(&differences);
    let squares: f64 = differences.iter().map(|one| (one - estimate).powi(2)).sum();
    let df = (n - 1.0).max(1.0);
    // A single pair says nothing of the spread.
    let spread = if n > 1.0 { (squares / df / n).sqrt() } else { 1.0 };
    // The floor is known beforehand and not estimated from few pairs.
    let (error, df) = if spread < floor { (floor, f64::INFINITY) } else { (spread, df) };
    let ranked = (differences.len() >= RANKS_MIN).then(|| wilcoxon::two_sided(&differences));
    // A second opinion, not a second test: it has its say where it clearly does not agree.
    let second_p = ranked.filter(|p| *p > ALPHA);
    Change { estimate, error, df, second_p, known, unseen: None }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests;
