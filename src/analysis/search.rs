//! [`Search`]: finds the highest rate that still meets an SLO, as a state machine without clock or I/O.
//!
//! It doubles the rate until one fails, narrows the interval by trials whose evidence is bounded, holds the
//! answer for as long as it is claimed to hold, and looks once above it. Invariant: the next step follows
//! from the settings and the trials so far alone, so a stored search can be replayed, and every search ends
//! within its time.

use std::time::Duration;

use super::trial::{
    ClientState, Judgement, Limits, Trial, TrialPurpose, TrialResult, TrialTuning, TrialVerdict,
    judge,
};
use posterior::{Posterior, PosteriorInputs};
use rate_cap::RateCap;
use tuning::{
    DISTURBED_LATER_MAX, DISTURBED_MAX, MEDIAN, PROVEN, PROVEN_BY, REFUTED_MAX, ROUNDED, SAME_RATE,
};

pub use answer::{Answer, Bound, Note};
pub use completed::CompletedTrial;
pub use effort::{Effort, Settings};
pub use progress::{SearchProgress, TrialPoint};
pub use tuning::{CONFIDENCE, SearchTuning};

mod answer;
mod completed;
mod effort;
mod posterior;
mod progress;
mod rate_cap;
mod steps;
mod tuning;

/// Next step of a search.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Run this and report with [`Search::observe`].
    Trial(Trial),
    /// The search is over.
    Done(Answer),
}

/// One trial with its outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRecord {
    /// Trial that was run.
    pub trial: Trial,
    /// Verdict with its evidence.
    pub judgement: Judgement,
    /// True if the search took the rate as held.
    pub held: bool,
    /// End of the trial since the search's start, drain included.
    pub ended_at: Duration,
    /// Figures that the judgement rests on.
    pub figures: TrialResult,
}

/// The search's state; drive it with [`Search::next`] and [`Search::observe`].
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    tuning: &'static SearchTuning,
    trial_tuning: &'static TrialTuning,
    limits: Limits,
    step: Step,
    phase: Phase,
    /// Highest rate that the ramp held, and lowest that failed twice.
    low: Option<f64>,
    high: Option<f64>,
    cap: RateCap,
    noise: Noise,
    /// Median response time of the first rate that held.
    base: Option<Duration>,
    posterior: Option<Posterior>,
    /// Highest rate that was held for the confirmation's time.
    best: Option<f64>,
    /// True once the lowest rate has had its trial.
    lowest_tried: bool,
    /// The rate that failed so that no other is worth a trial.
    hopeless: Option<f64>,
    /// Trials in a row that something disturbed.
    disturbed: u32,
    /// Confirmations that failed in a row, and the rate of the last.
    refuted: Option<(i32, f64)>,
    climbs: u32,
    budget: Duration,
    changed_at: Duration,
    recovering: Duration,
    notes: Vec<Note>,
    elapsed: Duration,
    trials: Vec<TrialRecord>,
}

/// Question that the search asks next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Two rates that the answer lies between.
    Ramp,
    /// Confirmation of the ramp's failure at this rate.
    Repeat(f64),
    /// Place of the answer between them.
    Refine,
    /// Existence of any rate that is held.
    Lowest,
    /// Confirmation of the highest rate within reach.
    Top,
    /// Failure of the rate above the confirmed one.
    Above,
    /// Confirmation of more than the confirmed rate.
    Climb,
    /// Nothing more.
    Over,
}

/// Squared variation of arrivals and services, averaged over trials.
#[derive(Clone, Copy, Debug)]
struct Noise {
    value: f64,
    weight: f64,
}

impl Noise {
    /// Noise of a usual target, until trials tell otherwise.
    const fn prior(tuning: &SearchTuning) -> Self {
        Self { value: tuning.noise_prior, weight: tuning.noise_prior_weight }
    }

    fn learn(&mut self, (value, weight): (f64, f64), weight_max: f64) {
        self.value = (self.value * self.weight + value * weight) / (self.weight + weight);
        self.weight = (self.weight + weight).min(weight_max);
    }
}

impl Search {
    /// Begins a search; rates and precision out of range are moved into it.
    pub fn new(settings: Settings) -> Self {
        Self::tuned(settings, &SearchTuning::STANDARD, &TrialTuning::STANDARD)
    }

    /// Begins a search with other numbers than those in use, to see what depends on them.
    pub fn tuned(
        settings: Settings,
        tuning: &'static SearchTuning,
        trial_tuning: &'static TrialTuning,
    ) -> Self {
        let settings = settings.in_range();
        let mut search = Self {
            tuning,
            trial_tuning,
            limits: Limits::of(&settings.slo),
            step: Step::Done(Answer::nothing()),
            phase: Phase::Ramp,
            low: None,
            high: None,
            cap: RateCap::new(settings.max_rate, settings.min_rate, tuning),
            noise: Noise::prior(tuning),
            base: None,
            posterior: None,
            best: None,
            lowest_tried: false,
            hopeless: None,
            disturbed: 0,
            refuted: None,
            climbs: 0,
            budget: settings.budget,
            changed_at: Duration::ZERO,
            recovering: Duration::ZERO,
            notes: Vec::new(),
            elapsed: Duration::ZERO,
            trials: Vec::new(),
            settings,
        };
        search.step = search.decide();
        search
    }

    /// Next step; the same until a result is observed.
    pub fn next(&self) -> Step {
        self.step.clone()
    }

    /// Takes the result of the trial that [`Search::next`] named; ignored once the search is over.
    pub fn observe(&mut self, result: TrialResult) {
        let Step::Trial(trial) = self.step else { return };
        let judgement = judge(&trial, &result, &self.settings.slo);
        self.elapsed += result.took.max(result.length);
        let held = match trial.purpose {
            TrialPurpose::Recovery => self.is_recovered(&result),
            TrialPurpose::Repeat => {
                judgement.verdict != TrialVerdict::Invalid
                    && judgement.against() < self.tuning.repeat_believed
            }
            _ => judgement.held(),
        };
        let ended_at = self.elapsed;
        let record = TrialRecord { trial, judgement, held, ended_at, figures: result };
        if trial.purpose != TrialPurpose::Recovery
            && record.judgement.verdict != TrialVerdict::Invalid
        {
            self.noise.learn(record.judgement.evidence.noise, self.tuning.noise_weight_max);
        }
        self.trials.push(record.clone());
        self.learn(&record);
        self.posterior = self.believed();
        self.step = match self.recovery(&record) {
            Some(probe) => Step::Trial(probe),
            None => self.decide(),
        };
    }

    /// Takes a trial of an earlier sitting: this one need not have asked for just that.
    pub fn replay(&mut self, trial: Trial, result: TrialResult) {
        self.step = Step::Trial(trial);
        self.observe(result);
    }

    /// Answer as far as it is known, for a search that is broken off.
    pub fn conclude(&self) -> Answer {
        Answer::of(self)
    }

    /// Every trial so far, in order.
    pub fn trials(&self) -> &[TrialRecord] {
        &self.trials
    }

    /// The trials that are about their rate: all but probes of recovery.
    fn rated(&self) -> impl DoubleEndedIterator<Item = &TrialRecord> {
        self.trials.iter().filter(|record| record.trial.purpose != TrialPurpose::Recovery)
    }

    fn learn(&mut self, record: &TrialRecord) {
        let rate = record.trial.rate;
        if record.trial.purpose == TrialPurpose::Recovery {
            return;
        }
        if self.is_worth_another(record) {
            return;
        }
        if record.judgement.verdict == TrialVerdict::Invalid {
            self.cap.lower(record, self.best.or(self.low));
            let within = self.best.or(self.low).is_some() && self.posterior.is_none();
            self.phase = match self.phase {
                Phase::Above | Phase::Climb => Phase::Over,
                Phase::Ramp | Phase::Repeat(_) | Phase::Top if within => Phase::Top,
                Phase::Ramp | Phase::Repeat(_) | Phase::Top => Phase::Ramp,
                other => other,
            };
            return;
        }
        match record.trial.purpose {
            TrialPurpose::Ramp if !record.held => self.phase = Phase::Repeat(rate),
            TrialPurpose::Ramp | TrialPurpose::Repeat => self.learn_from_ramp(record),
            TrialPurpose::Confirm if record.held => {
                self.best = Some(self.best.map_or(rate, |best| best.max(rate)));
                let at_cap = rate >= self.tuning.at_cap_share * self.cap.rate;
                self.phase = if self.high.is_none() || at_cap { Phase::Over } else { Phase::Above };
            }
            TrialPurpose::Confirm => {
                let times = self.refuted.map_or(0, |(times, _)| times) + 1;
                self.refuted = Some((times.min(REFUTED_MAX), rate));
                self.high = Some(self.high.map_or(rate, |high| high.max(rate)));
                self.phase = Phase::Refine;
            }
            TrialPurpose::Above => {
                let grown =
                    record.judgement.verdict == TrialVerdict::Pass || record.is_strong_pass();
                self.phase = if grown && self.stall_rate() <= 0.0 {
                    self.change(record);
                    Phase::Refine
                } else {
                    Phase::Climb
                };
            }
            TrialPurpose::Climb if record.held => self.best = Some(rate),
            TrialPurpose::Climb => self.phase = Phase::Over,
            TrialPurpose::Lowest => self.phase = Phase::Refine,
            TrialPurpose::Refine | TrialPurpose::Recovery => {}
        }
        self.learn_of_the_lowest(record);
    }

    /// Where a rate fails by something that load has no part in, so may every other, and coming down in steps
    /// would take minutes: a low rate is tried at once, and its failure is the answer.
    fn learn_of_the_lowest(&mut self, record: &TrialRecord) {
        let Trial { rate, purpose, .. } = record.trial;
        let lowest =
            rate <= (1.0 + ROUNDED) * self.settings.min_rate && purpose != TrialPurpose::Ramp;
        // One that is close to the limit, and short of it, proves nothing.
        let failed = record.judgement.verdict == TrialVerdict::Fail;
        if failed && self.best.is_none() && (lowest || purpose == TrialPurpose::Lowest) {
            self.hopeless = Some(rate);
            self.phase = Phase::Over;
        } else if !record.held && self.phase == Phase::Refine && !self.lowest_tried {
            let evidence = &record.judgement.evidence;
            let without_queue = evidence.backlog <= 0.0 || evidence.recovering;
            let stalled = record.judgement.stalls > 0;
            if stalled || without_queue && self.is_below_the_ramp() {
                self.phase = Phase::Lowest;
            }
        }
    }

    /// True if a disturbance spoiled the trial, so that the same one is measured again.
    fn is_worth_another(&mut self, record: &TrialRecord) -> bool {
        let disturbed = record.judgement.verdict == TrialVerdict::Invalid
            && matches!(record.figures.client, ClientState::Disturbed { .. });
        self.disturbed = if disturbed { self.disturbed + 1 } else { 0 };
        let most = if self.cap.was_lowered() { DISTURBED_LATER_MAX } else { DISTURBED_MAX };
        disturbed && self.disturbed < most
    }

    fn learn_from_ramp(&mut self, record: &TrialRecord) {
        let rate = record.trial.rate;
        if record.held {
            self.low = Some(self.low.map_or(rate, |low| low.max(rate)));
            self.base = self.base.or(Some(record.figures.median));
        } else {
            self.high = Some(rate);
        }
        self.phase = match (self.low, self.high) {
            (Some(low), Some(high)) if self.are_neighbours(low, high) => Phase::Refine,
            (Some(low), None) if low >= self.cap.rate * (1.0 - ROUNDED) => Phase::Top,
            (None, Some(_)) if rate <= self.settings.min_rate || record.is_dead() => Phase::Over,
            _ => Phase::Ramp,
        };
    }

    /// True for two rates as close as steps of the ramp can be.
    fn are_neighbours(&self, low: f64, high: f64) -> bool {
        high <= self.tuning.ramp_neighbours * low
    }

    /// The target holds more than it did: what failed before says little any more.
    fn change(&mut self, record: &TrialRecord) {
        self.refuted = None;
        self.changed_at = self.elapsed.saturating_sub(record.figures.took);
        let extended = self.elapsed + Duration::from_secs_f64(self.tuning.change_budget_s);
        self.budget = self.budget.max(extended);
        let above = self.tuning.change_room * record.trial.rate;
        self.high = self.high.map(|high| high.max(above));
        self.note(Note::Scaled);
    }

    fn note(&mut self, note: Note) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The distribution over rates, once the ramp has found both ends.
    fn believed(&self) -> Option<Posterior> {
        let (Some(low), Some(high)) = (self.low, self.high) else { return None };
        if !matches!(
            self.phase,
            Phase::Refine | Phase::Lowest | Phase::Above | Phase::Climb | Phase::Over
        ) {
            return None;
        }
        let inputs = PosteriorInputs {
            limits: self.limits,
            noise: self.noise.value,
            base_s: self.base_s(),
            low,
            high,
            changed_at: self.changed_at,
            tuning: self.tuning,
        };
        // A ramp's failure counts once it was repeated, and its first steps say nothing of the end.
        let counts = |record: &&TrialRecord| match record.trial.purpose {
            _ if record.judgement.verdict == TrialVerdict::Invalid => false,
            TrialPurpose::Ramp => record.held && self.are_neighbours(record.trial.rate, low),
            TrialPurpose::Recovery => false,
            _ => true,
        };
        Some(Posterior::over(&inputs, &self.trials.iter().filter(counts).collect::<Vec<_>>()))
    }

    /// The lowest rate above `rate` that failed beyond doubt, since the target last changed: by all that one
    /// trial can tell, or by more than one.
    fn surely_failed(&self, above: f64) -> Option<f64> {
        let failed: Vec<&TrialRecord> =
            self.rated().filter(|record| record.failed_since(self.changed_at, above)).collect();
        let sure = |record: &&&TrialRecord| {
            let rate = (1.0 + SAME_RATE) * record.trial.rate;
            let as_low = failed.iter().filter(|other| other.trial.rate <= rate).count();
            record.judgement.against() >= PROVEN || as_low >= PROVEN_BY
        };
        failed.iter().filter(sure).map(|record| record.trial.rate).reduce(f64::min)
    }

    /// True if the ramp held more than the target probably holds.
    fn is_below_the_ramp(&self) -> bool {
        let low = self.low.unwrap_or(f64::INFINITY).ln();
        self.believed().is_some_and(|posterior| posterior.quantile(MEDIAN) < low)
    }

    fn base_s(&self) -> f64 {
        self.base.unwrap_or_default().as_secs_f64()
    }

    fn stall_rate(&self) -> f64 {
        self.posterior.as_ref().map_or(0.0, |posterior| posterior.stall_rate)
    }

    fn is_recovered(&self, result: &TrialResult) -> bool {
        let (base, tuning) = (self.base_s(), self.tuning);
        let near = base + tuning.recovered_limit_share * self.limits.limit_s();
        let most = (tuning.recovered_medians * base).max(near);
        result.ok > 0 && result.median.as_secs_f64() <= most
    }
}

impl TrialRecord {
    /// True if nothing at all was answered well.
    fn is_dead(&self) -> bool {
        self.figures.planned > 0 && self.figures.ok == 0
    }

    /// True if nothing was answered well, and nothing was waited for: who is overloaded lets wait.
    fn is_refused(&self, tuning: &SearchTuning) -> bool {
        let within = Duration::from_secs_f64(tuning.refused_within_s);
        self.is_dead() && self.figures.took <= self.trial.duration() + within
    }

    /// True if it failed its rate, one above `above`, after `since`.
    fn failed_since(&self, since: Duration, above: f64) -> bool {
        self.judgement.verdict == TrialVerdict::Fail
            && self.trial.rate > above
            && self.ended_at >= since
    }

    fn is_strong_pass(&self) -> bool {
        self.held && self.judgement.ending == super::trial::Ending::Held
    }
}
