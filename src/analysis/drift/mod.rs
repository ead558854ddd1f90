//! Whether a run at one rate stayed as it was: trends and changes of level over its points.
//!
//! Points are joined into forty blocks of equal length, each with the mean of the middle half of its
//! points, so that a stall moves one point and not the block. A figure moves if the trend test or the change-point test
//! says so *and* the change from beginning to end matters.

pub(super) mod order;
mod shape;
mod trend;
mod words;

pub use words::{findings, not_judged_in_stages};

use std::time::Duration;

use crate::analysis::drift::order::{median, midmean};
use crate::analysis::drift::shape::{FittedShape, Shape, departure, departure_p, fit, residuals};
use crate::analysis::drift::trend::{noise, slope, slope_error};
use crate::measure::series::SeriesPoint;
use crate::time::Offset;

/// Blocks that a run is cut into.
const BLOCKS: usize = 40;
/// Points in a block at least, so that one outlier among them can be passed over.
const BLOCK_POINTS_MIN: usize = 4;
/// For each of ten tests. Independent noise alone would allow 0.5 %; what is left is for autocorrelation,
/// which forty blocks tell only roughly (see the simulation).
const TEST_P: f64 = 0.0001;
/// A slope must be so many times its error, for the same reason.
const TEST_Z: f64 = 4.2;
/// The normal quantile that adds up to a power of 80 %.
const POWER_Z: f64 = 0.84;
/// Smallest change of a response time that matters, as a share of its level at the beginning …
const TIME_SHARE_MIN: f64 = 0.05;
/// … and in seconds: below, it is the generator's own wake-ups and cache misses.
const TIME_MIN_S: f64 = 50e-6;
/// Smallest change of the error rate that matters, as a share of all slots.
const ERRORS_MIN: f64 = 0.005;
/// Smallest change of the throughput that matters, as a share.
const THROUGHPUT_SHARE_MIN: f64 = 0.02;

/// A figure that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Median response time.
    P50,
    /// 95th percentile of the response time.
    P95,
    /// 99th percentile of the response time.
    P99,
    /// Share of slots without a good answer.
    Errors,
    /// Good answers per second.
    Throughput,
}

/// A figure and what became of it over the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricTrend {
    /// The figure.
    pub metric: Metric,
    /// What became of it.
    pub course: Trend,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// It moved.
    Moved(Movement),
    /// No change was seen; one of `detectable` over the run would have been in four of five such runs. A
    /// share of the level, for errors a share of all slots.
    Steady {
        /// Smallest change that would have been seen.
        detectable: f64,
    },
    /// Points hold too few slots for this quantile.
    Sparse,
    /// Most of its values are only known from below.
    Unanswered,
}

/// How a figure moved. Levels are seconds, shares or answers per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Movement {
    /// When.
    pub when: When,
    /// Its level at the beginning.
    pub from: f64,
    /// Its level at the end.
    pub to: f64,
    /// Whether some of this is only known from below, so that the change may be larger.
    pub at_least: bool,
}

/// When a figure moved, in time since the start of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All the time, which is this long.
    Throughout(Duration),
    /// Gradually, from an instant on, for so long.
    Since(Offset, Duration),
    /// At once.
    At(Offset),
}

impl Metric {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 5] = [Self::P50, Self::P95, Self::P99, Self::Errors, Self::Throughput];

    /// Place in a point's times and the entries beyond which the quantile lies one time; none for counts.
    const fn quantile(self) -> Option<(usize, u64)> {
        match self {
            Self::P50 => Some((0, 2)),
            Self::P95 => Some((1, 20)),
            Self::P99 => Some((2, 100)),
            Self::Errors | Self::Throughput => None,
        }
    }

    /// A point's figure: for times the logarithm of seconds, since they move by shares.
    fn of(self, point: &SeriesPoint) -> (f64, bool) {
        let seconds = point.span().as_secs_f64();
        match (self.quantile(), self) {
            (Some((place, _)), _) => {
                let time = point.times()[place];
                (time.value.as_secs_f64().max(1e-9).ln(), time.at_least)
            }
            (None, Self::Throughput) => (point.ok as f64 / seconds, false),
            (None, _) => (point.failed as f64 / (point.ok + point.failed).max(1) as f64, false),
        }
    }

    /// From the scale of the tests to that of reports.
    fn level(self, value: f64) -> f64 {
        if self.quantile().is_some() { value.exp() } else { value }
    }

    /// The change on the scale of reports that a `shift` on that of the tests means, at `level`.
    fn change(self, shift: f64, level: f64) -> f64 {
        match self {
            Self::Errors => shift.abs(),
            Self::Throughput => shift.abs() / level.max(f64::MIN_POSITIVE),
            Self::P50 | Self::P95 | Self::P99 => shift.abs().exp_m1(),
        }
    }

    /// The smallest change that matters, where it starts at `level`.
    fn minimum(self, level: f64) -> f64 {
        match self {
            Self::Errors => ERRORS_MIN,
            Self::Throughput => THROUGHPUT_SHARE_MIN,
            Self::P50 | Self::P95 | Self::P99 => TIME_SHARE_MIN.max(TIME_MIN_S / level),
        }
    }
}

/// Judges every figure over `points`, in order of time. `None` if the run is too short: below 160 s,
/// with points of a second.
pub fn judge(points: &[SeriesPoint]) -> Option<Vec<MetricTrend>> {
    let points = usable(points);
    if points.len() < BLOCKS * BLOCK_POINTS_MIN {
        return None;
    }
    let judged = |metric| MetricTrend { metric, course: course(metric, &points) };
    Some(Metric::ALL.map(judged).to_vec())
}

/// Points of the time in which slots came due, without a stub at the end.
fn usable(points: &[SeriesPoint]) -> Vec<SeriesPoint> {
    let longest = points.iter().map(|point| point.length).max().unwrap_or_default();
    let whole = |point: &&SeriesPoint| point.planned > 0 && point.length * 2 > longest;
    points.iter().filter(whole).copied().collect()
}

/// One figure over all blocks.
struct Blocks {
    /// For tests: what is known from below lies behind everything.
    ranked: Vec<f64>,
    /// For sizes: what is known.
    known: Vec<f64>,
    /// Blocks of which so many points are known from below that their figure is.
    bounds: usize,
}

impl Blocks {
    fn new(metric: Metric, points: &[SeriesPoint]) -> Self {
        let figures: Vec<(f64, bool)> = points.iter().map(|point| metric.of(point)).collect();
        let highest = figures.iter().map(|(value, _)| *value).fold(f64::MIN, f64::max);
        let behind = |(value, bound): &(f64, bool)| if *bound { highest + 1.0 } else { *value };
        let mut blocks = Self { ranked: Vec::new(), known: Vec::new(), bounds: 0 };
        for block in 0..BLOCKS {
            let block = &figures[first(block, points.len())..first(block + 1, points.len())];
            blocks.ranked.push(midmean(&block.iter().map(behind).collect::<Vec<_>>()));
            blocks.known.push(midmean(&block.iter().map(|(value, _)| *value).collect::<Vec<_>>()));
            let bounds = block.iter().filter(|(_, bound)| *bound).count();
            blocks.bounds += usize::from(bounds * 4 > block.len());
        }
        blocks
    }
}

/// The first point of a block.
const fn first(block: usize, points: usize) -> usize {
    block * points / BLOCKS
}

fn course(metric: Metric, points: &[SeriesPoint]) -> Trend {
    if let Some((_, entries)) = metric.quantile() {
        let slots: Vec<f64> = points.iter().map(|point| point.planned as f64).collect();
        if median(&slots) < entries as f64 {
            return Trend::Sparse;
        }
    }
    let blocks = Blocks::new(metric, points);
    if blocks.bounds * 2 > BLOCKS {
        return Trend::Unanswered;
    }
    let ranked = &blocks.ranked;
    let (place, departure) = departure(ranked);
    let tilt = slope(ranked);
    // Around the form that fits best: a real drift must not pass for noise.
    let by_rank = fit(ranked, tilt, place);
    let noise = noise(&residuals(ranked, &by_rank));
    let error = slope_error(noise, BLOCKS);
    let fitted = fit(&blocks.known, slope(&blocks.known), place);
    let (from, to) = (metric.level(fitted.from), metric.level(fitted.to));
    let change = metric.change(fitted.to - fitted.from, from);
    let least = metric.minimum(from.min(to));
    let significant = tilt.abs() > TEST_Z * error || departure_p(departure, noise, BLOCKS) < TEST_P;
    if blocks.bounds > 0 && (by_rank.to - by_rank.from) * (fitted.to - fitted.from) < 0.0 {
        // By rank it moves one way, by what is known of it the other.
        return Trend::Unanswered;
    }
    if significant && change >= least {
        return Trend::Moved(Movement {
            when: when(fitted, points),
            from,
            to,
            at_least: blocks.bounds > 0,
        });
    }
    let over_all = error * (BLOCKS - 1) as f64;
    let detectable = metric.change((TEST_Z + POWER_Z) * over_all, from);
    Trend::Steady { detectable: detectable.max(least) }
}

fn when(fitted: FittedShape, points: &[SeriesPoint]) -> When {
    let end = points.last().map_or(Offset::ZERO, SeriesPoint::end);
    let at = |block| points[first(block, points.len())].begin();
    match fitted.shape {
        Shape::Line => When::Throughout(end.since(at(0))),
        Shape::Bend(block) => When::Since(at(block), end.since(at(block))),
        Shape::Step(block) => When::At(at(block)),
    }
}

#[cfg(test)]
mod tests;
