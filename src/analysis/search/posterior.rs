//! [`Posterior`]: how likely each rate is the highest that holds, given all trials.
//!
//! Probabilistic bisection (Waeber, Frazier, Henderson 2013) with bounded evidence: what a trial adds is
//! the likelihood of its backlog under each capacity, clipped to the odds that one trial can give. Below
//! capacity the SLO breaks earlier than the queue: Kingman's heavy-traffic bound (1961) says by how much.

use std::time::Duration;

use super::TrialRecord;
use super::tuning::{
    EXTENSIONS_MAX, GRID, GROWTH_MAX, IDENTICAL, RATE_BEYOND, SLOW_SHARE, SearchTuning, TINY,
};
use crate::analysis::trial::{BELIEVED_MAX, Ending, Limits, whole};

/// A distribution over the logarithm of the rate.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    lowest: f64,
    /// Cumulative probability of the grid points in order; the last is 1.
    cumulated: Vec<f64>,
    /// Stalls per second of trials.
    pub(super) stall_rate: f64,
}

/// Facts that the likelihoods rest on besides the trials.
#[derive(Clone, Copy, Debug)]
pub(super) struct PosteriorInputs {
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
    pub(super) tuning: &'static SearchTuning,
}

impl Posterior {
    /// Distribution given all `records` that the target, not the generator, decided.
    pub(super) fn over(inputs: &PosteriorInputs, records: &[&TrialRecord]) -> Self {
        // A search led astray by a bad first failure may have to come back from below.
        let mut low = (inputs.tuning.grid_below * inputs.low).max(RATE_BEYOND).ln();
        for _ in 0..EXTENSIONS_MAX {
            let found = Self::from(inputs, records, low);
            if found.quantile(inputs.tuning.grid_tail) > low + 2.0 * GRID {
                return found;
            }
            low -= 1.0;
        }
        Self::from(inputs, records, low)
    }

    fn from(inputs: &PosteriorInputs, records: &[&TrialRecord], lowest: f64) -> Self {
        let points = whole(((inputs.tuning.grid_above * inputs.high).ln() - lowest) / GRID).max(2);
        let candidate = |at: usize| Candidate::new(lowest + at as f64 * GRID);
        let grid: Vec<Candidate> = (0..points).map(candidate).collect();
        let prior = prior(inputs);
        let mut odds: Vec<f64> = grid.iter().map(|at| prior(at.ln)).collect();
        let seconds: f64 = records.iter().map(|record| lasted(record)).sum();
        let stalls: u32 = records.iter().map(|record| record.judgement.stalls).sum();
        let stall_rate = f64::from(stalls) / (seconds + IDENTICAL);
        for record in records {
            let trial = TrialLikelihood { record, records, inputs, stall_rate };
            let stale = !record.held && record.ended_at < inputs.changed_at;
            let weight = if stale { inputs.tuning.stale } else { 1.0 };
            let likelihood = trial.likelihood();
            for (at, odds) in grid.iter().zip(&mut odds) {
                *odds += weight * likelihood(*at);
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

/// A rate of the grid, per second, with its logarithm, which costs more than all else that is done with it.
#[derive(Clone, Copy)]
struct Candidate {
    rate: f64,
    ln: f64,
}

impl Candidate {
    fn new(ln: f64) -> Self {
        Self { rate: ln.exp(), ln }
    }
}

/// Log odds of the logarithm of a rate before any trial.
fn prior(inputs: &PosteriorInputs) -> impl Fn(f64) -> f64 {
    let tuning = inputs.tuning;
    let low = inputs.low.ln();
    move |ln| tuning.prior_slope * (ln - low).clamp(-tuning.prior_reach, 0.0)
}

fn lasted(record: &TrialRecord) -> f64 {
    record.figures.points.last().map_or(0.0, |point| point.at.as_secs_f64())
}

/// Likelihood of one trial among the others.
struct TrialLikelihood<'a> {
    record: &'a TrialRecord,
    records: &'a [&'a TrialRecord],
    inputs: &'a PosteriorInputs,
    stall_rate: f64,
}

impl<'a> TrialLikelihood<'a> {
    /// Log-likelihood of the trial where the highest rate that holds is the argument.
    fn likelihood(&self) -> Box<dyn Fn(Candidate) -> f64 + 'a> {
        let judgement = &self.record.judgement;
        let evidence = judgement.evidence;
        let against = judgement.against();
        let (rate, ln_rate) = (self.record.trial.rate, self.record.trial.rate.ln());
        let tuning = self.inputs.tuning;
        let drift = self.drift();
        if self.record.held {
            let cap = self.cap();
            return Box::new(move |g| drift(g.rate).clamp(-cap, cap));
        }
        // What was finished under overload is the capacity, unless overload lowers it.
        let collapse = tuning.collapse;
        let or_collapse = move |at: f64| ((1.0 - collapse) * at.exp() + collapse).ln();
        let floor = -BELIEVED_MAX.min(against.max(0.0));
        let drifting = matches!(judgement.ending, Ending::Overload | Ending::FailedWeakly);
        if drifting && evidence.backlog > tuning.growth_believed {
            let most = self.peak(&drift).max(0.0);
            return Box::new(move |g| {
                let at = drift(g.rate) - most;
                let mixed = if g.ln < ln_rate { or_collapse(at) } else { at };
                mixed.clamp(floor, 0.0)
            });
        }
        if evidence.errors > 0.0 && evidence.errors >= evidence.latency {
            let allowed = self.inputs.limits.errors.unwrap_or(0.0);
            let passed = rate * (1.0 - evidence.error_share) / (1.0 - allowed);
            let passed = passed.max(IDENTICAL).ln();
            let far = (ln_rate - passed).max(0.0);
            let spread = tuning.errors_spread + tuning.errors_spread_share * far;
            return Box::new(move |g| {
                if g.ln >= ln_rate {
                    return floor;
                }
                let at = -0.5 * ((g.ln - passed) / spread).powi(2);
                or_collapse(at).clamp(floor, 0.0)
            });
        }
        let weak = matches!(judgement.ending, Ending::Episodic | Ending::FailedWeakly);
        let against = match weak {
            true if lasted(self.record) < tuning.weak_long_s => against.min(tuning.weak_short_max),
            true => against.max(tuning.weak_long_min),
            false => against,
        };
        let excess = self.record.trial.test.excess;
        Box::new(move |g| against * ((ln_rate - g.ln) / excess).clamp(-1.0, 1.0) / 2.0)
    }

    /// Wald's log-likelihood ratio of the backlog's growth, if the highest rate is as given, against none.
    fn drift(&self) -> impl Fn(f64) -> f64 + use<'a> {
        let rate = self.record.trial.rate;
        let evidence = self.record.judgement.evidence;
        let capacity = (1.0 - self.gap(rate)) * rate;
        move |highest| {
            let excess = (1.0 - highest / capacity).max(0.0);
            excess / evidence.variance.max(TINY) * (evidence.grown - excess * evidence.within / 2.0)
        }
    }

    /// The greatest value of [`Self::drift`]: a parabola in the excess.
    fn peak(&self, drift: impl Fn(f64) -> f64) -> f64 {
        let growth = self.record.judgement.evidence.growth_per_s().clamp(0.0, GROWTH_MAX);
        let rate = self.record.trial.rate;
        drift((1.0 - growth) * (1.0 - self.gap(rate)) * rate)
    }

    /// Distance of the highest rate that meets the limit below capacity, as a share of it (Kingman).
    fn gap(&self, rate: f64) -> f64 {
        let PosteriorInputs { limits, noise, base_s, tuning, .. } = self.inputs;
        let (limit, share) = (limits.limit_s(), limits.slow.map_or(SLOW_SHARE, |(_, share)| share));
        let room = (limit - base_s).max(limit / 2.0);
        (-share.max(IDENTICAL).ln() * noise / (2.0 * rate * room)).min(tuning.gap_max)
    }

    /// The most that a pass may weigh.
    fn cap(&self) -> f64 {
        let Self { record, records, inputs, stall_rate } = *self;
        let (evidence, tuning) = (record.judgement.evidence, inputs.tuning);
        let shares = -evidence.latency.max(evidence.errors);
        let mut cap = BELIEVED_MAX.min(shares.max(0.0));
        let stalled = |other: &&&TrialRecord| !other.held && other.judgement.stalls > 0;
        let with_stall =
            records.iter().filter(stalled).map(|r| r.trial.rate).fold(f64::INFINITY, f64::min);
        // A pass that met no stall says little where stalls fail a rate.
        let doubtful = record.trial.rate > tuning.stalled_share * with_stall;
        if stall_rate > 0.0 && record.judgement.stalls == 0 && doubtful {
            cap = cap.min(stall_rate * lasted(record));
        }
        cap
    }
}
