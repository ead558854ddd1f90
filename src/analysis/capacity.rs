//! [`Sheet`]: what a search's trials say of the target beyond its highest rate: how response time grows with
//! the rate, where planning is safe, how much headroom is left, and which requests break the limits first.
//!
//! Everything is read off rates that were offered; only [`fit::QueueFit`] goes beyond them, and says how far
//! off it is.

use std::time::Duration;

use crate::analysis::trial::Verdict;

pub mod fit;

use fit::{NoFit, QueueFit};

/// The share by which a safe operating point stays below both the highest rate and the limit on the response
/// time: a fifth, which takes up a day's common swings and one of five equal servers failing.
pub const MARGIN: f64 = 0.2;

/// What one offered rate showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Arrivals per second.
    pub rate: f64,
    /// How long it was offered, warm-up left out.
    pub length: Duration,
    /// Whether the rate was held.
    pub verdict: Verdict,
    /// The response time that the objective's quantile names.
    pub time: Duration,
    /// The ends of its confidence interval, where one could be computed.
    pub band: Option<(Duration, Duration)>,
    /// `time` falls among slots that were never answered: the truth is this or more.
    pub at_least: bool,
    /// Mean response time of good answers; absent if there was none.
    pub mean: Option<Duration>,
    /// Share of slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second.
    pub throughput_ok: f64,
}

/// What one request name had to do with a breach.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Its name.
    pub request: String,
    /// Its share of all slots.
    pub planned_share: f64,
    /// Its share of all slots that were slow, failed or unanswered.
    pub breach_share: f64,
}

/// The slots of one request name in the trial that broke the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its name.
    pub request: String,
    /// Its slots.
    pub planned: u64,
    /// Those slower than the tightest limit, failed or unanswered.
    pub broken: u64,
}

/// A search's answer, as far as the sheet needs it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Highest {
    /// Lower end of the interval of the highest rate; 0 if no rate was held.
    pub low: f64,
    /// The tightest limit on a response time, if there is one.
    pub limit: Option<Duration>,
    /// The rate that is asked of the target today, if told.
    pub current_rate: Option<f64>,
}

/// The capacity sheet. Rates are per second.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// By rate; of several trials at one rate the longest. What the generator could not offer is left out.
    pub curve: Vec<Point>,
    /// The offered rate with the most good answers per second for its mean response time.
    pub knee: Option<f64>,
    /// The rate to plan with: [`MARGIN`] below the highest, and not above a rate that kept the response time
    /// [`MARGIN`] below its limit. Absent if none did.
    pub safe: Option<f64>,
    /// By how much the highest rate's lower end is above the current rate, as a share of that; negative if it
    /// is below.
    pub headroom: Option<f64>,
    /// Who broke the limits above the highest rate, the most first.
    pub contributions: Vec<Contribution>,
    /// A queue that behaves like the target, where one does.
    pub fit: Result<QueueFit, NoFit>,
}

impl Sheet {
    /// The sheet of these trials; `broken` are the requests of the trial that failed nearest above the answer.
    pub fn new(points: &[Point], highest: Highest, broken: &[Broken]) -> Self {
        let curve = curve(points);
        let held: Vec<Point> =
            curve.iter().filter(|point| point.verdict == Verdict::Pass).copied().collect();
        let means = held.iter().filter_map(|point| Some((point.rate, point.mean?.as_secs_f64())));
        Self {
            knee: knee(&held),
            safe: safe(&held, highest),
            headroom: highest
                .current_rate
                .filter(|&current| current > 0.0)
                .map(|current| highest.low / current - 1.0),
            contributions: contributions(broken),
            fit: fit::fit(&means.collect::<Vec<_>>()),
            curve,
        }
    }
}

fn curve(points: &[Point]) -> Vec<Point> {
    let mut curve: Vec<Point> =
        points.iter().filter(|point| point.verdict != Verdict::Invalid).copied().collect();
    curve.sort_by(|a, b| a.rate.total_cmp(&b.rate).then(b.length.cmp(&a.length)));
    curve.dedup_by(|later, kept| later.rate.total_cmp(&kept.rate).is_eq());
    curve
}

/// Throughput over response time, "power", is greatest where a queue gains as much as it costs (Kleinrock,
/// "Power and deterministic rules of thumb for probabilistic problems in computer communications", ICC 1979).
fn knee(held: &[Point]) -> Option<f64> {
    let power = |point: &Point| {
        let mean = point.mean.filter(|mean| !mean.is_zero())?;
        Some((point.rate, point.throughput_ok / mean.as_secs_f64()))
    };
    held.iter().filter_map(power).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(rate, _)| rate)
}

fn safe(held: &[Point], highest: Highest) -> Option<f64> {
    let keeps = |point: &&Point| {
        let worst = point.band.map_or(point.time, |(_, high)| high.max(point.time));
        highest.limit.is_none_or(|limit| !point.at_least && worst <= limit.mul_f64(1.0 - MARGIN))
    };
    let ceiling = highest.low * (1.0 - MARGIN);
    let calm = held.iter().filter(keeps).map(|point| point.rate).max_by(f64::total_cmp)?;
    Some(calm.min(ceiling)).filter(|&rate| rate > 0.0)
}

fn contributions(requests: &[Broken]) -> Vec<Contribution> {
    let total = |count: fn(&Broken) -> u64| requests.iter().map(count).sum::<u64>();
    let (planned, broken) = (total(|one| one.planned), total(|one| one.broken));
    let mut shares: Vec<Contribution> = requests
        .iter()
        .filter(|one| one.broken > 0)
        .map(|one| Contribution {
            request: one.request.clone(),
            planned_share: one.planned as f64 / planned as f64,
            breach_share: one.broken as f64 / broken as f64,
        })
        .collect();
    shares.sort_by(|a, b| b.breach_share.total_cmp(&a.breach_share));
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(rate: f64, verdict: Verdict, p95_ms: u64, mean_ms: u64) -> Point {
        Point {
            rate,
            length: Duration::from_secs(4),
            verdict,
            time: Duration::from_millis(p95_ms),
            band: None,
            at_least: false,
            mean: Some(Duration::from_millis(mean_ms)),
            error_rate: 0.0,
            throughput_ok: rate,
        }
    }

    fn highest(low: f64) -> Highest {
        Highest { low, limit: Some(Duration::from_secs(1)), current_rate: None }
    }

    fn sheet(points: &[Point], highest: Highest) -> Sheet {
        Sheet::new(points, highest, &[])
    }

    #[test]
    fn the_curve_has_each_rate_once_and_none_that_was_not_offered() {
        use Verdict::{Fail, Invalid, Pass};
        let long = Point { length: Duration::from_secs(20), ..point(100.0, Pass, 9, 4) };
        let points = [
            point(200.0, Fail, 900, 400),
            point(100.0, Pass, 7, 3),
            long,
            point(300.0, Invalid, 5, 5),
        ];
        let curve = sheet(&points, highest(100.0)).curve;
        assert_eq!(curve, [long, point(200.0, Fail, 900, 400)]);
    }

    #[test]
    fn the_knee_of_a_queue_of_random_arrivals_lies_at_half_its_capacity() {
        // M/M/1: the mean response time is 1 / (capacity - rate).
        let point = |rate: f64| Point {
            mean: Some(Duration::from_secs_f64(1.0 / (1_000.0 - rate))),
            ..point(rate, Verdict::Pass, 5, 1)
        };
        let points: Vec<Point> = (1..10_u32).map(|part| point(100.0 * f64::from(part))).collect();
        assert_eq!(sheet(&points, highest(900.0)).knee, Some(500.0));
        assert_eq!(sheet(&[], highest(0.0)).knee, None);
    }

    #[test]
    fn planning_is_safe_a_margin_below_both_the_rate_and_the_limit() {
        use Verdict::Pass;
        let calm = [point(100.0, Pass, 10, 5), point(900.0, Pass, 50, 5)];
        assert_eq!(sheet(&calm, highest(1_000.0)).safe, Some(800.0));
        let steep = [point(100.0, Pass, 10, 5), point(900.0, Pass, 850, 5)];
        assert_eq!(sheet(&steep, highest(1_000.0)).safe, Some(100.0));
        let wide = Point {
            band: Some((Duration::from_millis(5), Duration::from_millis(900))),
            ..point(500.0, Pass, 10, 5)
        };
        assert_eq!(sheet(&[wide], highest(1_000.0)).safe, None);
        assert_eq!(sheet(&[], highest(0.0)).safe, None);
        let no_limit = Highest { limit: None, ..highest(1_000.0) };
        assert_eq!(sheet(&steep, no_limit).safe, Some(800.0));
    }

    #[test]
    fn headroom_is_what_the_certain_rate_has_over_the_current_one() {
        let headroom = |current| {
            let highest = Highest { current_rate: current, ..highest(300.0) };
            sheet(&[], highest).headroom
        };
        assert_eq!(headroom(Some(200.0)), Some(0.5));
        assert_eq!(headroom(Some(600.0)), Some(-0.5));
        assert_eq!((headroom(None), headroom(Some(0.0))), (None, None));
    }

    #[test]
    fn contributions_add_up_to_the_breach() {
        let broken = |request: &str, planned, broken| Broken {
            request: request.to_owned(),
            planned,
            broken,
        };
        let shares =
            contributions(&[broken("a", 800, 10), broken("b", 150, 30), broken("c", 50, 0)]);
        let told: Vec<_> = shares
            .iter()
            .map(|one| (one.request.as_str(), one.planned_share, one.breach_share))
            .collect();
        assert_eq!(told, [("b", 0.15, 0.75), ("a", 0.8, 0.25)]);
        assert!(contributions(&[broken("a", 0, 0)]).is_empty());
    }
}
