//! [`CapacityCurve`]: what a search tells of a target's capacity besides the highest rate.
//!
//! Everything comes from the search's trials; nothing is offered again for it.

use crate::analysis::search::{Answer, Bound, TrialRecord};
use crate::analysis::trial::TrialPurpose;
use crate::load::slo::{Objective, Slo};

/// Response times against rates, and what follows from them. Rates are per second, times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityCurve {
    /// By ascending rate, one trial per rate that was held: the longest.
    pub points: Vec<CurvePoint>,
    /// Where the quantile is [`KNEE`] times that of the least loaded trial: below it at every rate up to the lower
    /// end, above it from the upper one on. Nothing if trials leave it open within [`KNEE_WIDTH_MAX`].
    pub knee: Option<(f64, f64)>,
    /// The safe operating point: the quantile within [`SAFE_SHARE`] of its limit, the rate a tenth below
    /// the interval of the highest.
    pub safe: Option<f64>,
    /// How the curve follows from queueing, if enough rates were held.
    pub fit: Option<Fit>,
}

/// One rate that was held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Offered.
    pub rate: f64,
    /// Median response time.
    pub median: f64,
    /// The quantile that the SLO names.
    pub quantile: f64,
    /// 95 % interval of it, where enough was answered.
    pub band: Option<(f64, Option<f64>)>,
}

/// The median as `base + wait · rate / (capacity − rate)`: the mean of a queue with one line, by least
/// squares of relative errors (Pollaczek 1930, Khinchin 1932).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Seconds without load.
    pub base: f64,
    /// Seconds of waiting where rate and spare capacity are equal.
    pub wait: f64,
    /// Taken as the upper end of the interval.
    pub capacity: f64,
    /// Largest relative error over the curve.
    pub error: f64,
}

/// The slots of one request name in a trial that broke the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBreaches {
    /// Its name.
    pub request: String,
    /// Its slots.
    pub planned: u64,
    /// Those slower than the tightest limit, failed or unanswered.
    pub broken: u64,
}

/// What one request name had to do with a breach.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Its name.
    pub request: String,
    /// Its share of all slots, 0 to 1.
    pub planned_share: f64,
    /// Its share of all slots that were slow, failed or unanswered, 0 to 1.
    pub broken_share: f64,
}

/// Who broke the limits, those first who did so the most beyond their part of the load; those who did not are
/// left out. Nothing if what broke is spread as the load is, which tells of no request in particular.
pub fn contributions(requests: &[RequestBreaches]) -> Vec<Contribution> {
    let total = |count: fn(&RequestBreaches) -> u64| requests.iter().map(count).sum::<u64>() as f64;
    let (planned, broken) = (total(|one| one.planned), total(|one| one.broken));
    if !requests.iter().any(|one| is_beyond_its_part(one, one.planned as f64 / planned, broken)) {
        return Vec::new();
    }
    let mut found: Vec<Contribution> = requests
        .iter()
        .filter(|one| one.broken > 0)
        .map(|one| Contribution {
            request: one.request.clone(),
            planned_share: one.planned as f64 / planned,
            broken_share: one.broken as f64 / broken,
        })
        .collect();
    let beyond = |one: &Contribution| one.broken_share - one.planned_share;
    found.sort_by(|a, b| beyond(b).total_cmp(&beyond(a)));
    found
}

/// Whether a request with the share `part` of the load has more of all `broken` slots than chance gives it.
fn is_beyond_its_part(one: &RequestBreaches, part: f64, broken: f64) -> bool {
    let (found, expected) = (one.broken as f64, part * broken);
    let error = (expected * (1.0 - part)).sqrt();
    found >= BEYOND_SHARE * expected && found - expected > BEYOND_ERRORS * error
}

/// Requests that broke less than this many times their part are not named,
const BEYOND_SHARE: f64 = 1.25;
/// nor those whose excess is within so many standard errors: slow slots come in bursts.
const BEYOND_ERRORS: f64 = 4.0;

/// The knee is where a quantile is so many times what it is without load.
pub const KNEE: f64 = 2.0;
/// A knee whose ends lie further apart, upper over lower, is not told.
pub const KNEE_WIDTH_MAX: f64 = 1.5;
/// The share of its limit that a quantile may reach at the safe operating point.
pub const SAFE_SHARE: f64 = 0.5;
/// The share of the interval's lower end that the safe operating point may reach.
pub const SAFE_RATE: f64 = 0.9;
/// A fit with a larger error is none.
pub const FIT_ERROR_MAX: f64 = 0.2;
const FIT_POINTS_MIN: usize = 5;

impl CapacityCurve {
    /// The sheet of a search; nothing if no rate was held.
    pub fn of(answer: &Answer, slo: &Slo) -> Option<Self> {
        if answer.estimate <= 0.0 {
            return None;
        }
        let curve = curve(&answer.trials);
        let limit = limit(slo);
        let low = if answer.bound == Bound::Breach { answer.low } else { answer.estimate };
        let reached = curve.last()?.rate;
        let holds = |point: &&CurvePoint| {
            limit.is_none_or(|limit| {
                let upper = point.band.and_then(|(_, high)| high).unwrap_or(point.quantile);
                upper <= SAFE_SHARE * limit
            })
        };
        let with_margin = curve.iter().rev().find(holds).map(|point| point.rate);
        Some(Self {
            knee: knee(&curve),
            safe: with_margin.map(|rate| rate.min(SAFE_RATE * low).min(reached)),
            fit: answer.high.and_then(|capacity| fit(&curve, capacity)),
            points: curve,
        })
    }
}

fn limit(slo: &Slo) -> Option<f64> {
    slo.objectives.iter().find_map(|objective| match objective {
        Objective::ResponseTime { limit, .. } => Some(limit.as_secs_f64()),
        _ => None,
    })
}

fn curve(trials: &[TrialRecord]) -> Vec<CurvePoint> {
    let mut held: Vec<&TrialRecord> = trials
        .iter()
        .filter(|record| record.held && record.trial.purpose != TrialPurpose::Recovery)
        .filter(|record| record.figures.ok > 0)
        .collect();
    held.sort_by(|a, b| {
        let length = b.figures.length.cmp(&a.figures.length);
        a.trial.rate.total_cmp(&b.trial.rate).then(length)
    });
    held.dedup_by(|a, b| (a.trial.rate - b.trial.rate).abs() < 1e-9);
    held.into_iter().filter_map(point).collect()
}

fn point(record: &TrialRecord) -> Option<CurvePoint> {
    let figures = &record.figures;
    let quantile = figures
        .measured
        .iter()
        .find(|measured| matches!(measured.objective, Objective::ResponseTime { .. }))?;
    let band = figures
        .interval
        .map(|interval| (interval.low.as_secs_f64(), interval.high.map(|high| high.as_secs_f64())));
    let median = figures.median.as_secs_f64();
    Some(CurvePoint { rate: record.trial.rate, median, quantile: quantile.value, band })
}

fn knee(curve: &[CurvePoint]) -> Option<(f64, f64)> {
    // The least of the lower half is the idle target: the very first requests may have been cold.
    let idle = curve[..curve.len().div_ceil(2)].iter().map(|point| point.quantile);
    let risen = KNEE * idle.fold(f64::INFINITY, f64::min);
    let surely_below = |point: &&CurvePoint| {
        point.band.map_or(point.quantile, |(_, high)| high.unwrap_or(f64::INFINITY)) < risen
    };
    let surely_above =
        |point: &&CurvePoint| point.band.map_or(point.quantile, |(low, _)| low) >= risen;
    let low = curve.iter().take_while(surely_below).last()?.rate;
    let high = curve.iter().rev().take_while(surely_above).last()?.rate;
    (high <= KNEE_WIDTH_MAX * low).then_some((low, high))
}

fn fit(curve: &[CurvePoint], capacity: f64) -> Option<Fit> {
    let points: Vec<(f64, f64)> = curve
        .iter()
        .filter(|point| point.rate < 0.999 * capacity && point.median > 0.0)
        .map(|point| (point.rate / (capacity - point.rate), point.median))
        .collect();
    if points.len() < FIT_POINTS_MIN {
        return None;
    }
    // Least squares with weights 1/y²: the normal equations of 1 = (base + wait·x)/y.
    let sum = |of: fn(f64, f64) -> f64| points.iter().map(|&(x, y)| of(x, y)).sum::<f64>();
    let (s11, s12, s22) =
        (sum(|_, y| 1.0 / (y * y)), sum(|x, y| x / (y * y)), sum(|x, y| x * x / (y * y)));
    let (t1, t2) = (sum(|_, y| 1.0 / y), sum(|x, y| x / y));
    let determinant = s11 * s22 - s12 * s12;
    let (base, wait) = ((t1 * s22 - t2 * s12) / determinant, (t2 * s11 - t1 * s12) / determinant);
    let errors = points.iter().map(|&(x, y)| ((base + wait * x) / y - 1.0).abs());
    let error = errors.fold(0.0, f64::max);
    (base >= 0.0 && wait >= 0.0).then_some(Fit { base, wait, capacity, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(rates: &[f64], capacity: f64) -> Vec<CurvePoint> {
        let time = |rate: f64| 0.01 + 0.002 * rate / (capacity - rate);
        let point = |&rate: &f64| CurvePoint {
            rate,
            median: time(rate),
            quantile: 3.0 * time(rate),
            band: None,
        };
        rates.iter().map(point).collect()
    }

    #[test]
    fn contributions_add_up_to_the_breach() {
        let broken = |request: &str, planned, broken| RequestBreaches {
            request: request.to_owned(),
            planned,
            broken,
        };
        let found =
            contributions(&[broken("a", 800, 10), broken("b", 150, 30), broken("c", 50, 0)]);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.request.as_str(), one.planned_share, one.broken_share))
            .collect();
        assert_eq!(told, [("b", 0.15, 0.75), ("a", 0.8, 0.25)]);
        assert_eq!(contributions(&[broken("a", 0, 0)]), []);
    }

    #[test]
    fn what_broke_as_the_load_is_spread_names_nobody() {
        let broken = |request: &str, planned, broken| RequestBreaches {
            request: request.to_owned(),
            planned,
            broken,
        };
        for one in [
            vec![broken("a", 1000, 400)],
            vec![broken("a", 600, 290), broken("b", 300, 160), broken("c", 100, 50)],
            vec![broken("a", 9_900, 5), broken("b", 100, 1)],
            vec![],
        ] {
            assert_eq!(contributions(&one), [], "{one:?}");
        }
    }

    #[test]
    fn a_queue_is_fitted_and_its_knee_found() {
        let curve = queue(&[10.0, 100.0, 400.0, 700.0, 900.0, 980.0], 1000.0);
        let fit = fit(&curve, 1000.0).unwrap();
        assert!((fit.base - 0.01).abs() < 1e-9 && (fit.wait - 0.002).abs() < 1e-9);
        assert!(fit.error < 1e-6, "{fit:?}");
        // Twice the idle time is where the wait is ten milliseconds: at 5/6 of capacity.
        assert_eq!(knee(&curve), Some((700.0, 900.0)));
    }

    #[test]
    fn a_knee_that_trials_leave_open_is_not_told() {
        let mut curve = queue(&[10.0, 100.0, 400.0, 700.0, 900.0, 980.0], 1000.0);
        // One that may be on either side is passed over as far as the width allows.
        curve[3].band = Some((0.001, Some(10.0)));
        assert_eq!(knee(&curve), None, "400 to 900/s is too wide");
        let mut curve = queue(&[10.0, 700.0, 760.0, 900.0, 980.0], 1000.0);
        curve[2].band = Some((0.001, None));
        assert_eq!(knee(&curve), Some((700.0, 900.0)));
        // A slow one below and none above.
        curve[0].quantile *= 100.0;
        assert_eq!(knee(&curve), None);
        assert_eq!(knee(&queue(&[10.0, 20.0, 40.0], 1000.0)), None);
    }

    #[test]
    fn what_is_no_queue_has_a_large_error_and_few_points_no_fit() {
        let mut curve = queue(&[10.0, 100.0, 400.0, 700.0, 900.0, 980.0], 1000.0);
        curve[2].median *= 4.0;
        assert!(fit(&curve, 1000.0).is_none_or(|fit| fit.error > FIT_ERROR_MAX));
        assert_eq!(fit(&curve[..4], 1000.0), None);
        assert_eq!(knee(&curve[..1]), None);
    }
}
