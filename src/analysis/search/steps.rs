//! The next trial of a search: its rate, its length and when it is decided.

use std::time::Duration;

use super::tuning::{
    CLIMBS_MAX, IDENTICAL, INTERVAL_HIGH, INTERVAL_LOW, MEDIAN, SLOTS_PER_S, TRIALS_MAX,
};
use super::{Note, Phase, Search, Step, TrialRecord};
use crate::analysis::trial::{POINTS_MIN, SLOT, Test, Trial, TrialPurpose, TrialVerdict};

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
                let rate = self.cap.rate;
                Some(self.confirmation(TrialPurpose::Confirm, rate))
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
        let over = self.phase == Phase::Over || record.judgement.verdict == TrialVerdict::Invalid;
        if record.held || (over || refused) && record.trial.purpose != TrialPurpose::Recovery {
            self.recovering = Duration::ZERO;
            return None;
        }
        if record.trial.purpose == TrialPurpose::Recovery {
            self.recovering += record.figures.took;
        }
        let late = self.recovering >= Duration::from_secs_f64(self.tuning.recovery_usual_s);
        if late && record.is_refused(self.tuning) {
            let rate = self.rated().next_back().map_or(0.0, |record| record.trial.rate);
            self.note(Note::Gone { rate });
            self.phase = Phase::Over;
            return None;
        }
        if late {
            self.note(Note::SlowRecovery);
        }
        if self.recovering >= Duration::from_secs_f64(self.tuning.recovery_max_s) {
            // Whatever is measured of a target in this state says nothing of a rate.
            self.note(Note::NotRecovered);
            self.phase = Phase::Over;
            return None;
        }
        self.within_time(self.probe(low))
    }

    /// A probe of recovery where `low` is the highest rate that held on the ramp.
    fn probe(&self, low: f64) -> Trial {
        let tuning = self.tuning;
        let probe = tuning.probe_s;
        let times = Times { from: probe, pass_from: probe, until: probe, end: probe };
        let rate = (tuning.probe_share * low).max(tuning.probe_rate_min).min(low);
        let trial = self.trial(TrialPurpose::Recovery, rate, tuning.ramp_excess, times);
        Trial { head: Duration::ZERO, length: seconds(probe), ..trial }
    }

    fn ramp(&self) -> Trial {
        let tuning = self.tuning;
        let rate = match (self.low, self.high) {
            (None, None) => self.settings.start,
            (None, Some(high)) => {
                let failed = |r: &&TrialRecord| (r.trial.rate - high).abs() < IDENTICAL * high;
                let goodput = self.trials.iter().rev().find(failed);
                let goodput = goodput.map_or(high, |r| r.figures.goodput(&r.trial));
                (high / 2.0).min(tuning.ramp_down_share * goodput)
            }
            (Some(low), None) => 2.0 * low,
            (Some(low), Some(high)) => (2.0 * low).min((low * high).sqrt()),
        };
        let rate = rate.clamp(self.settings.min_rate, self.cap.rate);
        let step = tuning.ramp_requests / rate;
        let step = step.clamp(tuning.ramp_step_min_s, tuning.ramp_step_max_s);
        let times = Times { from: step, pass_from: step, until: step, end: step };
        self.trial(TrialPurpose::Ramp, rate, tuning.ramp_excess, times)
    }

    fn repeat(&self, rate: f64) -> Trial {
        let tuning = self.tuning;
        let from = tuning.repeat_from_s;
        let until = tuning.repeat_requests / rate;
        let until = until.clamp(tuning.repeat_min_s, tuning.repeat_max_s);
        let times = Times { from, pass_from: from, until, end: tuning.repeat_extension * until };
        self.trial(TrialPurpose::Repeat, rate, tuning.ramp_excess, times)
    }

    fn refine(&mut self) -> Option<Trial> {
        let posterior = self.posterior.as_ref()?;
        let [low, middle, high] =
            [INTERVAL_LOW, MEDIAN, INTERVAL_HIGH].map(|p| posterior.quantile(p));
        let (tuning, precision) = (self.tuning, self.settings.precision);
        if high - low <= precision || self.elapsed > self.narrowed_by() {
            return self.confirm();
        }
        let upper = high - middle > middle - low;
        let probe = posterior.quantile(if upper { 1.0 - tuning.tail } else { tuning.tail });
        let probe = self.not_far_above(probe.exp()).ln();
        if probe >= self.cap.rate.ln() {
            return self.confirm();
        }
        let excess = (probe - middle).abs();
        let excess = excess.clamp(tuning.excess_precisions * precision, tuning.excess_max);
        let rate = probe.exp();
        let (least, most) = self.lengths();
        let needed = tuning.planned_requests * self.noise.value / (excess * excess * rate);
        let until = needed.max(tuning.undecided_least * least).min(most).max(least);
        let end = until.max(tuning.extension * most);
        let times = Times { from: least, pass_from: least, until, end };
        Some(self.trial(TrialPurpose::Refine, rate, excess, times))
    }

    fn confirm(&mut self) -> Option<Trial> {
        let mut rate = self.posterior.as_ref()?.quantile(self.tuning.tail).exp();
        if let Some((times, refuted)) = self.refuted {
            let step = self.tuning.refuted_step * self.settings.precision;
            rate = rate.min(refuted / (1.0 + step * 2_f64.powi(times - 1)));
        }
        rate = rate.min(self.cap.rate);
        if self.best.is_some_and(|best| rate <= best) {
            self.phase = Phase::Over;
            return None;
        }
        Some(self.confirmation(TrialPurpose::Confirm, rate))
    }

    /// A rate so low that load can hardly be what fails it, yet with as many requests as can be judged.
    fn lowest(&mut self) -> Option<Trial> {
        self.lowest_tried = true;
        let rate = (self.tuning.lowest_share * self.low?).min(self.tuning.lowest_rate);
        let rate = rate.max(self.settings.min_rate);
        // How often stalls come is hardly known yet.
        let confirm = self.settings.confirm.as_secs_f64();
        let stalled = self.tuning.stall_confirmations_max * confirm;
        let hold = if self.stall_rate() > 0.0 { stalled } else { confirm };
        Some(self.held_for(hold, TrialPurpose::Lowest, rate))
    }

    fn confirmation(&self, purpose: TrialPurpose, rate: f64) -> Trial {
        self.held_for(self.hold(), purpose, rate)
    }

    /// A trial that passes only after `hold` seconds, or what time there is.
    fn held_for(&self, hold: f64, purpose: TrialPurpose, rate: f64) -> Trial {
        let tuning = self.tuning;
        let excess = tuning.excess_precisions * self.settings.precision;
        let excess = excess.max(tuning.confirm_excess_min);
        let hold = hold.min(self.left().as_secs_f64().max(tuning.confirm_min_s));
        let from = tuning.confirm_min_s.max(self.least()).min(hold);
        let end = self.head(purpose) + hold;
        let times = Times { from, pass_from: end, until: end, end };
        self.trial(purpose, rate, excess, times)
    }

    /// Seconds that let a target get going, which are not judged.
    fn head(&self, purpose: TrialPurpose) -> f64 {
        let tuning = self.tuning;
        let settled = tuning.head_medians * self.base_s();
        match purpose {
            TrialPurpose::Ramp | TrialPurpose::Repeat => {
                settled.clamp(tuning.ramp_head_min_s, tuning.ramp_head_max_s)
            }
            _ => settled.clamp(tuning.head_min_s, tuning.head_max_s),
        }
    }

    fn above(&mut self) -> Option<Trial> {
        let (best, tuning) = (self.best?, self.tuning);
        let high = self.posterior.as_ref()?.quantile(INTERVAL_HIGH).exp();
        let rate = tuning.above_margin * high.max(best * (1.0 + self.settings.precision));
        let rate = self.not_far_above(rate);
        if rate > self.cap.rate {
            self.phase = Phase::Climb;
            return self.climb();
        }
        let from = self.least().min(self.lengths().0);
        let end = tuning.above_s.max(2.0 * from);
        let times = Times { from, pass_from: from, until: end, end };
        let excess = tuning.above_excess * self.settings.precision;
        Some(self.trial(TrialPurpose::Above, rate, excess, times))
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
            .map_or(rate, |held| rate.min(self.tuning.slow_recovery_step * held))
    }

    fn climb(&mut self) -> Option<Trial> {
        let (best, middle) = (self.best?, self.posterior.as_ref()?.quantile(MEDIAN));
        let gap = middle - best.ln();
        let rate = best * (self.tuning.climb_share * gap).exp();
        let confirm = self.settings.confirm;
        if gap <= self.tuning.climb_gap * self.settings.precision
            || self.climbs >= CLIMBS_MAX
            || rate > self.cap.rate
            || self.left() < confirm
        {
            self.phase = Phase::Over;
            return None;
        }
        self.climbs += 1;
        Some(self.confirmation(TrialPurpose::Climb, rate))
    }

    /// Least and greatest length of a trial that narrows: rare stalls need longer ones.
    fn lengths(&self) -> (f64, f64) {
        let (least, most) = (self.least(), self.settings.trial.as_secs_f64().max(self.least()));
        let (stalls, confirm) = (self.stall_rate(), self.settings.confirm.as_secs_f64());
        if stalls <= 0.0 {
            return (least, most);
        }
        let least = (self.tuning.stall_periods_min / stalls).max(least).min(confirm);
        (least, self.hold())
    }

    /// A trial must outlast the limit, else nothing in it can be slow.
    fn least(&self) -> f64 {
        let (limit, least) = (self.limits.limit_s(), self.tuning.trial_min_s);
        if limit > 1.0 { least.max(2.0 + 2.0 * limit) } else { least }
    }

    /// Seconds for which the answer is held.
    fn hold(&self) -> f64 {
        let (stalls, confirm) = (self.stall_rate(), self.settings.confirm.as_secs_f64());
        if stalls <= 0.0 {
            return confirm;
        }
        let most = self.tuning.stall_confirmations_max * confirm;
        (self.tuning.stall_periods / stalls).max(confirm).min(most)
    }

    /// End of narrowing since the search's start, so that there is time to confirm.
    fn narrowed_by(&self) -> Duration {
        let stalled = self.budget.mul_f64(self.tuning.stall_budget);
        let budget = if self.stall_rate() > 0.0 { stalled } else { self.budget };
        let confirm = seconds(self.head(TrialPurpose::Confirm) + self.hold()) + self.drain();
        budget.min(self.settings.search_time.saturating_sub(confirm))
    }

    pub(super) fn left(&self) -> Duration {
        self.settings.search_time.saturating_sub(self.elapsed + self.drain())
    }

    /// Time set aside for draining after a trial.
    fn drain(&self) -> Duration {
        Duration::from_secs_f64(self.tuning.drain_s)
    }

    /// The trial, cut to the time that is left; nothing if that is too little.
    fn within_time(&self, mut trial: Trial) -> Option<Trial> {
        let left = self.left();
        let least = match trial.purpose {
            TrialPurpose::Ramp | TrialPurpose::Recovery => trial.duration(),
            TrialPurpose::Lowest | TrialPurpose::Confirm | TrialPurpose::Climb => {
                seconds(self.tuning.confirm_min_s)
            }
            _ => trial.test.from,
        };
        if left < least.max(trial.head + seconds(self.tuning.judged_min_s)) {
            return None;
        }
        let end = trial.duration().min(left);
        trial.length = end.saturating_sub(trial.head);
        trial.test.until = trial.test.until.min(end);
        trial.test.pass_from = trial.test.pass_from.min(end);
        Some(trial)
    }

    /// A trial at `rate` in four figures; its head lets a target get going.
    fn trial(&self, purpose: TrialPurpose, rate: f64, excess: f64, times: Times) -> Trial {
        let head = self.head(purpose);
        let decisive = match purpose {
            TrialPurpose::Lowest => self.tuning.decisive_lowest,
            _ => self.tuning.decisive,
        };
        let head = seconds(head);
        Trial {
            rate: four_figures(rate.max(self.settings.min_rate)),
            head,
            length: seconds(times.end).saturating_sub(head).max(POINTS_MIN * SLOT),
            purpose,
            test: Test {
                excess,
                decisive,
                from: seconds(times.from),
                pass_from: seconds(times.pass_from),
                until: seconds(times.until),
                noise: self.noise.value,
                stall_rate: self.stall_rate(),
                tuning: self.trial_tuning,
            },
        }
    }
}

/// Rounded to the tenths that a trial consists of.
fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds * SLOTS_PER_S).round() / SLOTS_PER_S)
}

pub(super) fn four_figures(rate: f64) -> f64 {
    format!("{rate:.3e}").parse().unwrap_or(rate)
}
