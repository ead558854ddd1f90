//! [`Posterior`]: how likely each rate is the highest that holds, given all trials.
//!
//! Probabilistic bisection (Waeber, Frazier, Henderson 2013) with bounded evidence: what a trial adds is
//! the likelihood of its backlog under each capacity, clipped to the odds that one trial can give. Below
//! capacity the SLO breaks earlier than the queue: Kingman's heavy-traffic bound (1961) says by how much.

use std::time::Duration;

use super::TrialRecord;
use crate::analysis::trial::{BELIEVED_MAX, Ending, Limits, whole};

/// A distribution over the logarithm of the rate.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    lowest: f64,
    /// Of the grid points in order, summed up; the last is 1.
    cumulated: Vec<f64>,
    /// Stalls per second of trials.
    pub(super) stall_rate: f64,
}

/// What the likelihoods rest on besides the trials.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) limits: Limits,
    /// Squared variation of arrivals and services.
    pub(super) noise: f64,
    /// Median response time of the unloaded target, in seconds.
    pub(super) base_s: f64,
    /// Highest rate the ramp held, and lowest it did not; per second.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Failures before this are of a target that has changed since.
    pub(super) changed_at: Duration,
}

const GRID: f64 = 0.0005;
/// What failures from before a change of the target weigh.
const STALE: f64 = 0.1;
/// Chance that capacity under overload says nothing of capacity below: collapse.
const COLLAPSE: f64 = 0.2;
/// What a pass weighs that a longer trial contradicts.
const CONTRADICTED: f64 = 0.02;

impl Posterior {
    /// From all `records` that the target, not the generator, decided.
    pub(super) fn over(given: &Given, records: &[&TrialRecord]) -> Self {
        // A search led astray by a bad first failure may have to come back from below.
        let mut low = (0.3 * given.low).max(1e-4).ln();
        for _ in 0..8 {
            let found = Self::from(given, records, low);
            if found.quantile(0.01) > low + 2.0 * GRID {
                return found;
            }
            low -= 1.0;
        }
        Self::from(given, records, low)
    }

    fn from(given: &Given, records: &[&TrialRecord], lowest: f64) -> Self {
        let points = whole(((1.7 * given.high).ln() - lowest) / GRID).max(2);
        let rate = |at: usize| lowest + at as f64 * GRID;
        let mut odds: Vec<f64> = (0..points).map(|at| prior(rate(at), given.low)).collect();
        let seconds: f64 = records.iter().map(|record| lasted(record)).sum();
        let stalls: u32 = records.iter().map(|record| record.judgement.stalls).sum();
        let stall_rate = f64::from(stalls) / (seconds + 1e-9);
        for record in records {
            let view = View { record, records, given, stall_rate };
            let weight =
                if !record.held && record.ended_at < given.changed_at { STALE } else { 1.0 };
            let likelihood = view.likelihood();
            for (at, odds) in odds.iter_mut().enumerate() {
                *odds += weight * likelihood(rate(at));
            }
        }
        let highest = odds.iter().copied().fold(f64::MIN, f64::max);
        let mut sum = 0.0;
        let mut cumulated: Vec<f64> = odds
            .iter()
            .map(|odds| {
                sum += (odds - highest).exp();
                sum
            })
            .collect();
        for share in &mut cumulated {
            *share /= sum;
        }
        Self { lowest, cumulated, stall_rate }
    }

    /// The logarithm of the rate below which the share `p` of the distribution lies.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        let at = self.cumulated.partition_point(|share| *share < p).min(self.cumulated.len() - 1);
        self.lowest + at as f64 * GRID
    }
}

fn prior(rate: f64, low: f64) -> f64 {
    let below = if rate < (low / 2.0).ln() { -1.5 } else { 0.0 };
    below + 0.7 * (rate - low.ln()).clamp(-4.0, 0.0)
}

fn lasted(record: &TrialRecord) -> f64 {
    record.figures.points.last().map_or(0.0, |point| point.at.as_secs_f64())
}

/// One trial among the others.
struct View<'a> {
    record: &'a TrialRecord,
    records: &'a [&'a TrialRecord],
    given: &'a Given,
    stall_rate: f64,
}

impl<'a> View<'a> {
    /// Log-likelihood of the trial where the logarithm of the highest rate that holds is the argument.
    fn likelihood(&self) -> Box<dyn Fn(f64) -> f64 + 'a> {
        let judgement = &self.record.judgement;
        let evidence = judgement.evidence;
        let against = judgement.against();
        let (rate, ln_rate) = (self.record.trial.rate, self.record.trial.rate.ln());
        let drift = self.drift();
        if self.record.held {
            let cap = self.cap();
            return Box::new(move |g| drift(g).clamp(-cap, cap));
        }
        let floor = -BELIEVED_MAX.min(against.max(0.5));
        let drifting = matches!(judgement.ending, Ending::Overload | Ending::FailedWeakly);
        if drifting && evidence.backlog > 0.3 {
            // What was finished under overload is the capacity, unless overload lowers it.
            let most = self.peak(&drift).max(0.0);
            return Box::new(move |g| {
                let at = drift(g) - most;
                let mixed =
                    if g < ln_rate { ((1.0 - COLLAPSE) * at.exp() + COLLAPSE).ln() } else { at };
                mixed.clamp(floor, 0.0)
            });
        }
        if evidence.errors > 0.0 && evidence.errors >= evidence.latency {
            let allowed = self.given.limits.errors.unwrap_or(0.05);
            let passed = (rate * (1.0 - evidence.error_share) / (1.0 - allowed)).max(1e-9).ln();
            let spread = 0.02 + 0.1 * (ln_rate - passed).max(0.0);
            return Box::new(move |g| {
                if g >= ln_rate {
                    return floor;
                }
                let at = -0.5 * ((g - passed) / spread).powi(2);
                ((1.0 - COLLAPSE) * at.exp() + COLLAPSE).ln().clamp(floor, 0.0)
            });
        }
        let weak = matches!(judgement.ending, Ending::Episodic | Ending::FailedWeakly);
        let against = match weak {
            true if lasted(self.record) < 25.0 => against.min(1.5),
            true => against.max(2.0),
            false => against,
        };
        let excess = self.record.trial.test.excess;
        Box::new(move |g| against * ((ln_rate - g) / excess).clamp(-1.0, 1.0) / 2.0)
    }

    /// Wald's log-likelihood ratio of the backlog's growth, if the highest rate is as given, against none.
    fn drift(&self) -> Box<dyn Fn(f64) -> f64 + 'a> {
        let rate = self.record.trial.rate;
        let evidence = self.record.judgement.evidence;
        let capacity = (1.0 - self.gap(rate)) * rate;
        Box::new(move |g| {
            let excess = (1.0 - g.exp() / capacity).max(0.0);
            excess / evidence.variance.max(1e-12)
                * (evidence.grown - excess * evidence.within / 2.0)
        })
    }

    /// The greatest value of [`Self::drift`]: a parabola in the excess.
    fn peak(&self, drift: &dyn Fn(f64) -> f64) -> f64 {
        let growth = self.record.judgement.evidence.growth_per_s().clamp(0.0, 0.999);
        let rate = self.record.trial.rate;
        drift(((1.0 - growth) * (1.0 - self.gap(rate)) * rate).ln())
    }

    /// How far below capacity the highest rate lies that meets the limit, as a share of it (Kingman).
    fn gap(&self, rate: f64) -> f64 {
        let (limit, share) = self.given.limits.slow.unwrap_or((1.0, 0.05));
        let room = (limit - self.given.base_s).max(limit / 2.0);
        (-share.max(1e-9).ln() * self.given.noise / (2.0 * rate * room)).min(0.2)
    }

    /// The most that a pass may weigh.
    fn cap(&self) -> f64 {
        let Self { record, records, given, stall_rate } = *self;
        let evidence = record.judgement.evidence;
        let mut cap = BELIEVED_MAX.min((-evidence.latency.max(evidence.errors)).max(0.05));
        let stalled = |other: &&&TrialRecord| !other.held && other.judgement.stalls > 0;
        let with_stall =
            records.iter().filter(stalled).map(|r| r.trial.rate).fold(f64::INFINITY, f64::min);
        // A pass that met no stall says little where stalls fail a rate.
        if stall_rate > 0.0 && record.judgement.stalls == 0 && record.trial.rate > 0.7 * with_stall
        {
            cap = cap.min((stall_rate * lasted(record)).max(CONTRADICTED));
        }
        let contradicts = |other: &&TrialRecord| {
            !other.held
                && other.ended_at > given.changed_at
                && lasted(other) >= 1.5 * lasted(record)
                && other.judgement.onset > 0.8 * lasted(record)
                && other.trial.rate <= 1.02 * record.trial.rate
        };
        if records.iter().any(contradicts) { CONTRADICTED } else { cap }
    }
}
