//! Which trial comes next, and how long it may take.

use std::time::Duration;

use super::{
    DRAIN, Note, Phase, RECOVERY_MAX, RECOVERY_USUAL, Search, Step, TRIALS_MAX, TrialRecord,
};
use crate::analysis::trial::{Purpose, Test, Trial, TrialTuning, Verdict};

/// Odds of 19 to 1 decide a trial, and those of 4.5 to 1 a step of the ramp, which is repeated.
const DECISIVE: f64 = 2.944_438_979_166_44;
const DECISIVE_RAMP: f64 = 1.5;
/// Odds of 360 to 1 end the trial of the lowest rate early: that none holds is a strong claim, and one stall among
/// few requests is no reason for it.
const DECISIVE_LOWEST: f64 = 2.0 * DECISIVE;
/// A share of the rate that the ramp can tell from none.
const RAMP_EXCESS: f64 = 0.25;
/// A trial shorter than this says nothing.
const TRIAL_MIN_S: f64 = 3.0;
/// A confirmation shorter than this would confirm nothing.
pub(super) const CONFIRM_MIN_S: f64 = 5.0;
const RECOVERY_PROBE_S: f64 = 0.6;
/// The highest rate that is tried to see whether any is held.
const LOWEST_RATE: f64 = 10.0;
/// Tails of the distribution that are probed and confirmed: at the median no trial can be decided.
const PROBED: f64 = 0.15;

/// Seconds of a trial, head included: first look, first pass, decision, end.
#[derive(Clone, Copy)]
struct Times {
    from: f64,
    pass_from: f64,
    until: f64,
    end: f64,
}

impl Search {
    /// The next step, given everything learnt.
    pub(super) fn decide(&mut self) -> Step {
        if self.trials.len() >= TRIALS_MAX {
            self.phase = Phase::Over;
        }
        let trial = match self.phase {
            Phase::Ramp => Some(self.ramp()),
            Phase::Repeat(rate) => Some(self.repeat(rate)),
            Phase::Refine => self.refine(),
            Phase::Lowest => self.lowest(),
            Phase::Top => {
                let rate = self.ceiling.rate;
                Some(self.confirmation(Purpose::Confirm, rate))
            }
            Phase::Above => self.above(),
            Phase::Climb => self.climb(),
            Phase::Over => None,
        };
        match trial.and_then(|trial| self.within_time(trial)) {
            Some(trial) => Step::Trial(trial),
            None => Step::Done(self.conclude()),
        }
    }

    /// A probe after a failure, until the target answers as fast as before it.
    pub(super) fn recovery(&mut self, record: &TrialRecord) -> Option<Trial> {
        let low = self.low.filter(|_| self.trials.len() < TRIALS_MAX)?;
        let evidence = record.judgement.evidence;
        // What was refused at once left no queue; a pause would only refill a limiter's bucket.
        let refused = evidence.backlog <= 0.0 && evidence.latency <= 0.0 && !record.is_dead();
        let over = self.phase == Phase::Over || record.judgement.verdict == Verdict::Invalid;
        if record.held || (over || refused) && record.trial.purpose != Purpose::Recovery {
            self.recovering = Duration::ZERO;
            return None;
        }
        if record.trial.purpose == Purpose::Recovery {
            self.recovering += record.figures.took;
        }
        if self.recovering >= RECOVERY_USUAL && record.is_refused() {
            let rate = self.rated().next_back().map_or(0.0, |record| record.trial.rate);
            self.note(Note::Gone { rate });
            self.phase = Phase::Over;
            return None;
        }
        if self.recovering >= RECOVERY_USUAL {
            self.note(Note::SlowRecovery);
        }
        if self.recovering >= RECOVERY_MAX {
            // Whatever is measured of a target in this state says nothing of a rate.
            self.note(Note::NotRecovered);
            self.phase = Phase::Over;
            return None;
        }
        let probe = RECOVERY_PROBE_S;
        let times = Times { from: probe, pass_from: probe, until: probe, end: probe };
        let rate = (0.05 * low).max(20.0).min(low);
        let trial = self.trial(Purpose::Recovery, rate, RAMP_EXCESS, times);
        self.within_time(Trial { head: Duration::ZERO, length: seconds(probe), ..trial })
    }

    fn ramp(&self) -> Trial {
        let rate = match (self.low, self.high) {
            (None, None) => self.settings.start,
            (None, Some(high)) => {
                let failed = |r: &&TrialRecord| (r.trial.rate - high).abs() < 1e-9 * high;
                let goodput = self.trials.iter().rev().find(failed);
                let goodput = goodput.map_or(high, |r| r.figures.goodput(&r.trial));
                (high / 2.0).min(0.9 * goodput)
            }
            (Some(low), None) => 2.0 * low,
            (Some(low), Some(high)) => (2.0 * low).min((low * high).sqrt()),
        };
        let rate = rate.clamp(self.settings.min_rate, self.ceiling.rate);
        // Ten requests are the least to see anything in.
        let step = (10.0 / rate).clamp(1.0, 10.0);
        let times = Times { from: step, pass_from: step, until: step, end: step };
        self.trial(Purpose::Ramp, rate, RAMP_EXCESS, times)
    }

    fn repeat(&self, rate: f64) -> Trial {
        let until = (150.0 / rate).clamp(3.0, 12.0);
        let times = Times { from: 2.0, pass_from: 2.0, until, end: 1.3 * until };
        self.trial(Purpose::Repeat, rate, RAMP_EXCESS, times)
    }

    fn refine(&mut self) -> Option<Trial> {
        let posterior = self.posterior.as_ref()?;
        let (low, middle, high) =
            (posterior.quantile(0.025), posterior.quantile(0.5), posterior.quantile(0.975));
        if high - low <= self.settings.precision || self.elapsed > self.narrowed_by() {
            return self.confirm();
        }
        let upper = high - middle > middle - low;
        let probe = posterior.quantile(if upper { 1.0 - PROBED } else { PROBED });
        let probe = self.not_far_above(probe.exp()).ln();
        if probe >= self.ceiling.rate.ln() {
            return self.confirm();
        }
        let excess = (probe - middle).abs().clamp(self.settings.precision / 3.0, 0.2);
        let rate = probe.exp();
        let (least, most) = self.lengths();
        let needed = 8.0 * self.noise.value.max(0.05) / (excess * excess * rate);
        let until = needed.max(1.5 * least).min(most).max(least);
        let times = Times { from: least, pass_from: least, until, end: until.max(1.5 * most) };
        Some(self.trial(Purpose::Refine, rate, excess, times))
    }

    fn confirm(&mut self) -> Option<Trial> {
        let mut rate = self.posterior.as_ref()?.quantile(PROBED).exp();
        if let Some((times, refuted)) = self.refuted {
            rate =
                rate.min(refuted / (1.0 + self.settings.precision / 2.0 * 2_f64.powi(times - 1)));
        }
        rate = rate.min(self.ceiling.rate);
        if self.best.is_some_and(|best| rate <= 1.004 * best) {
            self.phase = Phase::Over;
            return None;
        }
        Some(self.confirmation(Purpose::Confirm, rate))
    }

    /// A rate so low that load can hardly be what fails it, yet with as many requests as can be judged.
    fn lowest(&mut self) -> Option<Trial> {
        self.lowest_tried = true;
        let rate = (self.low? / 4.0).min(LOWEST_RATE).max(self.settings.min_rate);
        // How often stalls come is hardly known yet.
        let confirm = self.settings.confirm.as_secs_f64();
        let hold = if self.stall_rate() > 0.0 { 2.0 * confirm } else { confirm };
        Some(self.held_for(hold, Purpose::Lowest, rate))
    }

    fn confirmation(&self, purpose: Purpose, rate: f64) -> Trial {
        self.held_for(self.hold(), purpose, rate)
    }

    /// A trial that passes only after `hold` seconds, or what time there is.
    fn held_for(&self, hold: f64, purpose: Purpose, rate: f64) -> Trial {
        let excess = (self.settings.precision / 3.0).max(0.01);
        let hold = hold.min(self.left().as_secs_f64().max(CONFIRM_MIN_S));
        let from = CONFIRM_MIN_S.max(self.least()).min(hold);
        let end = self.head(purpose) + hold;
        let times = Times { from, pass_from: end, until: end, end };
        self.trial(purpose, rate, excess, times)
    }

    /// Seconds that let a target get going, which are not judged.
    fn head(&self, purpose: Purpose) -> f64 {
        let settled = 3.0 * self.base_s();
        match purpose {
            Purpose::Ramp | Purpose::Repeat => settled.clamp(0.2, 0.5),
            _ => settled.clamp(0.5, 5.0),
        }
    }

    fn above(&mut self) -> Option<Trial> {
        let best = self.best?;
        let high = self.posterior.as_ref()?.quantile(0.975).exp();
        let rate = 1.01 * high.max(best * (1.0 + self.settings.precision));
        let rate = self.not_far_above(rate);
        if rate > self.ceiling.rate {
            self.phase = Phase::Climb;
            return self.climb();
        }
        let from = TRIAL_MIN_S.max(self.least()).min(TRIAL_MIN_S.max(self.lengths().0));
        let end = 6.0_f64.max(2.0 * from);
        let times = Times { from, pass_from: from, until: end, end };
        Some(self.trial(Purpose::Above, rate, self.settings.precision / 2.0, times))
    }

    /// `rate`, or less where an overload costs minutes: little more than what was held, so that a trial is over
    /// before much has piled up.
    fn not_far_above(&self, rate: f64) -> f64 {
        if !self.notes.contains(&Note::SlowRecovery) {
            return rate;
        }
        let held = self.trials.iter().filter(|record| record.held);
        held.map(|record| record.trial.rate)
            .reduce(f64::max)
            .map_or(rate, |held| rate.min(1.1 * held))
    }

    fn climb(&mut self) -> Option<Trial> {
        let (best, middle) = (self.best?, self.posterior.as_ref()?.quantile(0.5));
        let gap = middle - best.ln();
        let rate = best * (0.6 * gap).exp();
        let confirm = self.settings.confirm;
        if gap <= 0.7 * self.settings.precision
            || self.climbs >= 2
            || rate > self.ceiling.rate
            || self.left() < confirm
        {
            self.phase = Phase::Over;
            return None;
        }
        self.climbs += 1;
        Some(self.confirmation(Purpose::Climb, rate))
    }

    /// Least and greatest length of a trial that narrows: rare stalls need longer ones.
    fn lengths(&self) -> (f64, f64) {
        let (least, most) = (self.least(), self.settings.trial.as_secs_f64().max(self.least()));
        let (stalls, confirm) = (self.stall_rate(), self.settings.confirm.as_secs_f64());
        if stalls <= 0.0 {
            return (least, most);
        }
        let least = (1.5 / stalls).max(least).min(confirm);
        (least, (2.5 / stalls).max(confirm).min(2.0 * confirm))
    }

    /// A trial must outlast the limit, else nothing in it can be slow.
    fn least(&self) -> f64 {
        let limit = self.limits.slow.map_or(1.0, |(limit, _)| limit);
        if limit > 1.0 { TRIAL_MIN_S.max(2.0 + 2.0 * limit) } else { TRIAL_MIN_S }
    }

    /// How long the answer is held.
    fn hold(&self) -> f64 {
        let (stalls, confirm) = (self.stall_rate(), self.settings.confirm.as_secs_f64());
        if stalls <= 0.0 { confirm } else { (2.5 / stalls).max(confirm).min(2.0 * confirm) }
    }

    /// When narrowing must end, so that there is time to confirm.
    fn narrowed_by(&self) -> Duration {
        let budget = if self.stall_rate() > 0.0 { 2 * self.budget } else { self.budget };
        let confirm = seconds(self.head(Purpose::Confirm) + self.hold()) + DRAIN;
        budget.min(self.settings.search_time.saturating_sub(confirm))
    }

    pub(super) fn left(&self) -> Duration {
        self.settings.search_time.saturating_sub(self.elapsed + DRAIN)
    }

    /// The trial, cut to the time that is left; nothing if that is too little.
    fn within_time(&self, mut trial: Trial) -> Option<Trial> {
        let left = self.left();
        let least = match trial.purpose {
            Purpose::Ramp | Purpose::Recovery => trial.duration(),
            Purpose::Lowest | Purpose::Confirm | Purpose::Climb => seconds(CONFIRM_MIN_S),
            _ => trial.test.from,
        };
        if left < least.max(trial.head + seconds(0.5)) {
            return None;
        }
        let end = trial.duration().min(left);
        trial.length = end.saturating_sub(trial.head);
        trial.test.until = trial.test.until.min(end);
        trial.test.pass_from = trial.test.pass_from.min(end);
        Some(trial)
    }

    /// A trial at `rate` in four figures; its head lets a target get going.
    fn trial(&self, purpose: Purpose, rate: f64, excess: f64, times: Times) -> Trial {
        let head = self.head(purpose);
        let decisive = match purpose {
            Purpose::Ramp => DECISIVE_RAMP,
            Purpose::Lowest => DECISIVE_LOWEST,
            _ => DECISIVE,
        };
        let head = seconds(head);
        Trial {
            rate: four_figures(rate.max(self.settings.min_rate)),
            head,
            length: seconds(times.end).saturating_sub(head).max(seconds(0.8)),
            purpose,
            test: Test {
                excess,
                decisive,
                from: seconds(times.from),
                pass_from: seconds(times.pass_from),
                until: seconds(times.until),
                noise: self.noise.value,
                stall_rate: self.stall_rate(),
                tuning: &TrialTuning::STANDARD,
            },
        }
    }
}

/// Rounded to the tenths that a trial consists of.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds * 10.0).round() / 10.0)
}

pub(super) fn four_figures(rate: f64) -> f64 {
    format!("{rate:.3e}").parse().unwrap_or(rate)
}
