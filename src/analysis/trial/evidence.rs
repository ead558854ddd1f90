//! [`Evidence`]: what a trial's points say for and against its rate, as log odds.
//!
//! Three questions, the worst answer counts: are too many requests slow, do too many fail, does the backlog
//! grow? The first two compare a share with its limit, by the normal distribution and an error from batch
//! means; the third is Wald's sequential test (1945) of a drift against none in the backlog's walk.

use super::tuning::{
    DEVIATIONS_MIN, LIMIT_S, POINTS_MIN, ROUNDING, SD_PER_MAD, SLOT_S, SLOTS_BEYOND, TINY,
    WINDOW_MIN,
};
use super::{Point, Test, Trial, TrialTuning};
use crate::analysis::stats::batches::{Share, Slice};
use crate::analysis::stats::normal;
use crate::analysis::trial::watch::Ending;
use crate::load::slo::{Objective, Slo};

/// Limits that are tested while a trial runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The limit on a response time in seconds, and the share of requests that may be over it.
    pub slow: Option<(f64, f64)>,
    /// The share of requests that may fail.
    pub errors: Option<f64>,
}

/// Log odds against the rate, and the course of the backlog, which the search learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Log odds from the share of slow requests.
    pub latency: f64,
    /// Log odds from the share of failed requests.
    pub errors: f64,
    /// Log odds from the growth of the backlog.
    pub backlog: f64,
    /// Share of failed requests, 0 to 1.
    pub error_share: f64,
    /// Growth of the backlog from the head's end to the last low point, in seconds of load.
    pub grown: f64,
    /// Seconds of that growth.
    pub within: f64,
    /// Variance of the backlog's walk, in squared seconds of load per second.
    pub variance: f64,
    /// True if a good part of a backlog is gone again.
    pub recovering: bool,
    /// Squared variation seen in this trial, and how many changes of the backlog that rests on.
    pub noise: (f64, f64),
}

impl Limits {
    /// The tightest limit on a quantile, and that on errors.
    pub fn of(slo: &Slo) -> Self {
        let tightest = slo.tightest_time();
        let mut limits = Self { slow: None, errors: None };
        for objective in &slo.objectives {
            match *objective {
                Objective::ResponseTime { quantile, limit, .. } if Some(limit) == tightest => {
                    let share = 1.0 - quantile;
                    let other = limits.slow.map_or(1.0, |(_, share)| share);
                    limits.slow = Some((limit.as_secs_f64(), share.min(other)));
                }
                Objective::ErrorRate { limit, .. } => {
                    limits.errors = Some(limits.errors.map_or(limit, |other| other.min(limit)));
                }
                _ => {}
            }
        }
        limits
    }

    /// The limit on a response time in seconds, or what is usual where the SLO has none.
    pub(in crate::analysis) fn limit_s(&self) -> f64 {
        self.slow.map_or(LIMIT_S, |(limit, _)| limit)
    }

    /// True if `objective` is not tested while a trial runs.
    pub(super) fn leaves_out(&self, objective: &Objective) -> bool {
        match *objective {
            Objective::ResponseTime { quantile, limit, .. } => {
                self.slow.is_none_or(|(tested, share)| {
                    (limit.as_secs_f64() - tested).abs() > TINY || 1.0 - quantile > share + ROUNDING
                })
            }
            Objective::MeanResponseTime { .. } => true,
            Objective::ErrorRate { limit, .. } => self.errors.is_none_or(|tested| limit > tested),
            Objective::Throughput { .. } => false,
        }
    }
}

impl Evidence {
    /// Evidence of `points`, which begin with the trial; nothing if they are too few.
    pub fn over(trial: &Trial, limits: &Limits, points: &[Point]) -> Option<Self> {
        let head = points.partition_point(|point| point.at <= trial.head);
        if points.len() < head + POINTS_MIN as usize {
            return None;
        }
        let tuning = trial.test.tuning;
        let slice = |point: &Point| Slice { count: point.planned, hits: point.failed };
        let failed = Slices { slices: points[head..].iter().map(slice).collect(), tuning };
        let errors = limits.errors.map_or(f64::NEG_INFINITY, |limit| failed.odds(0, limit));
        let odds = |slow| latency(tuning, slow, head, points);
        let latency = limits.slow.map_or(f64::NEG_INFINITY, odds);
        let (errors, error_share) = (errors, failed.share());
        Some(Self { latency, errors, error_share, ..Self::backlog(trial, head, points) })
    }

    /// The worst of the three.
    pub fn against(&self) -> f64 {
        self.latency.max(self.errors).max(self.backlog)
    }

    /// The verdict of a trial that comes to its end undecided.
    pub fn ending(&self) -> Ending {
        if self.against() <= 0.0 {
            Ending::HeldWeakly
        } else if self.recovering || self.latency > self.backlog {
            Ending::Episodic
        } else {
            Ending::FailedWeakly
        }
    }

    /// Growth of the backlog in seconds of load per second.
    pub fn growth_per_s(&self) -> f64 {
        if self.within > 0.0 { self.grown / self.within } else { 0.0 }
    }

    fn backlog(trial: &Trial, head: usize, points: &[Point]) -> Self {
        let levels: Vec<f64> = points[head.saturating_sub(1)..]
            .iter()
            .map(|point| point.unfinished as f64 / trial.rate)
            .collect();
        let lasted = (levels.len() - 1) as f64 * SLOT_S;
        let tuning = trial.test.tuning;
        let changes = Changes::over(&levels, &trial.test);
        let prior = tuning.noise_prior_changes;
        let blended = (changes.variance * changes.number + prior * trial.test.noise / trial.rate)
            / (changes.number + prior);
        let counting = tuning.counting_error / (trial.rate * trial.rate * lasted);
        let variance = blended.max(tuning.noise_floor / trial.rate) + counting;
        let from = levels.len() - ending_window(levels.len(), &trial.test);
        // From low point to low point: a stall that is over leaves no growth behind.
        let low = (from..levels.len()).min_by(|&a, &b| levels[a].total_cmp(&levels[b]));
        let low = low.unwrap_or(levels.len() - 1);
        let (grown, within) = (levels[low] - levels[0], low as f64 * SLOT_S);
        let excess = trial.test.excess;
        let peak = levels.iter().copied().fold(f64::MIN, f64::max) - levels[0];
        let last = levels[levels.len() - 1] - levels[0];
        Self {
            backlog: excess / variance * (grown - excess * within / 2.0),
            grown,
            within,
            variance,
            recovering: last < tuning.recovering_share * peak - ROUNDING,
            noise: (
                (changes.typical * trial.rate).min(tuning.noise_max),
                changes.number.min(tuning.noise_changes_max),
            ),
            ..Self::default()
        }
    }
}

/// Log odds that more than the allowed share is over the limit.
fn latency(
    tuning: &'static TrialTuning,
    (limit_s, share): (f64, f64),
    head: usize,
    points: &[Point],
) -> f64 {
    let slots = limit_s / SLOT_S;
    let (shift, mature) = (whole(slots), whole(slots.ceil()));
    // A request turns slow when it is as old as the limit: it was due that many slots before.
    let turned = |at: usize| {
        let before = at.checked_sub(1).map_or(0, |before| points[before].overdue);
        let point = &points[at];
        (point.slow + point.unanswered + point.overdue).saturating_sub(before)
    };
    let slice = |at: usize| Slice {
        count: points[at].planned
            - points[at].planned.min(points[at].failed - points[at].unanswered),
        hits: if at + shift < points.len() { turned(at + shift) } else { 0 },
    };
    let all = Slices { slices: (head..points.len()).map(slice).collect(), tuning };
    let last = points[points.len() - 1];
    let pending = last.unfinished.saturating_sub(last.overdue);
    let upper = (all.hits() + pending) as f64 / all.count().max(1) as f64;
    if upper > share / 2.0 && pending > 0 {
        let end = points.len().saturating_sub(mature).max(head + 1);
        return Slices { slices: all.slices[..end - head].to_vec(), tuning }.odds(0, share);
    }
    all.odds(pending, share)
}

/// Number of levels at the end in which the low point is looked for: a third, or what a stall needs to pass.
fn ending_window(levels: usize, test: &Test) -> usize {
    let tuning = test.tuning;
    let usual = whole(levels as f64 * tuning.window_share).max(WINDOW_MIN);
    if test.stall_rate <= 0.0 {
        return usual;
    }
    let period = whole((tuning.window_periods / test.stall_rate / SLOT_S).min(SLOTS_BEYOND));
    usual.max(period).min(whole(levels as f64 * tuning.window_share_max)).max(WINDOW_MIN)
}

/// A trial slot by slot: requests, and those of them that are slow or failed.
struct Slices {
    slices: Vec<Slice>,
    tuning: &'static TrialTuning,
}

impl Slices {
    fn count(&self) -> u64 {
        self.slices.iter().map(|slice| slice.count).sum()
    }

    fn hits(&self) -> u64 {
        self.slices.iter().map(|slice| slice.hits).sum()
    }

    fn share(&self) -> f64 {
        self.hits() as f64 / self.count().max(1) as f64
    }

    /// Log odds that the true share is over `limit`; `pending` more may turn out as hits.
    fn odds(&self, pending: u64, limit: f64) -> f64 {
        let count = self.count().max(1) as f64;
        let share = self.hits() as f64 / count;
        let error = Share::over(&self.slices).map_or(0.0, |share| share.error);
        if share > limit {
            return self.logit_of_normal((share - limit) / error.max(TINY));
        }
        let upper = (self.hits() + pending) as f64 / count;
        let error = error.max((limit * (1.0 - limit) / count).sqrt()).max(TINY);
        let proven = -count * limit / self.tuning.dependence;
        self.logit_of_normal((upper - limit) / error).max(proven).min(0.0)
    }

    fn logit_of_normal(&self, z: f64) -> f64 {
        let z = z.clamp(-self.tuning.deviations_max, self.tuning.deviations_max);
        normal::cdf(z).ln() - normal::cdf(-z).ln()
    }
}

/// Changes of the backlog over a lag of about a second.
struct Changes {
    /// Per second.
    variance: f64,
    /// The same from the median of deviations, which stalls do not move.
    typical: f64,
    /// Independent ones.
    number: f64,
}

impl Changes {
    fn over(levels: &[f64], test: &Test) -> Self {
        let tuning = test.tuning;
        let lasted = (levels.len() - 1) as f64 * SLOT_S;
        let lag = whole((lasted / tuning.lags_min).min(tuning.lag_max_s) / SLOT_S + 0.5).max(1);
        let lag_s = lag as f64 * SLOT_S;
        let changes: Vec<f64> = levels.windows(lag + 1).map(|span| span[lag] - span[0]).collect();
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        let middle = median(&changes);
        let mut deviations: Vec<f64> = changes.iter().map(|c| (c - middle).abs()).collect();
        deviations.sort_by(f64::total_cmp);
        let typical = (SD_PER_MAD * deviations[deviations.len() / 2]).powi(2) / lag_s;
        let variance = if test.stall_rate > 0.0 {
            // Stalls are told apart, so the usual wandering is that of the others.
            let usual = whole(deviations.len() as f64 * tuning.usual_share).max(DEVIATIONS_MIN);
            let usual = &deviations[..usual.min(deviations.len())];
            let squares = usual.iter().map(|d| d * d).sum::<f64>() / usual.len() as f64;
            typical.max(squares / lag_s)
        } else {
            changes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / changes.len() as f64 / lag_s
        };
        Self { variance, typical, number: lasted / lag_s }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Whole units in a value that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
pub(in crate::analysis) fn whole(value: f64) -> usize {
    (value + TINY) as usize
}
