//! [`Search`]: finds the highest rate that still meets an SLO, as a state machine without clock or I/O.
//!
//! It doubles the rate until one fails, narrows the interval by trials whose evidence is bounded, holds the
//! answer for as long as it is claimed to hold, and looks once above it. Invariant: the next step follows
//! from the settings and the trials so far alone, so a stored search can be replayed, and every search ends
//! within its time.

use std::time::Duration;

use super::trial::{
    BELIEVED_MAX, ClientState, Judgement, Limits, Purpose, Trial, TrialResult, Verdict, judge,
};
use ceiling::Ceiling;
use posterior::{Given, Posterior};

pub use answer::{Answer, Bound, CONFIDENCE, Note};
pub use completed::CompletedTrial;
pub use effort::{Effort, Settings};
pub use progress::{SearchProgress, TrialPoint};

mod answer;
mod ceiling;
mod completed;
mod effort;
mod posterior;
mod progress;
mod steps;

/// What to do next.
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
    /// What was run.
    pub trial: Trial,
    /// What it says.
    pub judgement: Judgement,
    /// Whether the search took the rate as held.
    pub held: bool,
    /// Since the search's start, drain included.
    pub ended_at: Duration,
    /// What it rests on.
    pub figures: TrialResult,
}

/// The search's state; drive it with [`Search::next`] and [`Search::observe`].
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    limits: Limits,
    step: Step,
    phase: Phase,
    /// Highest rate that the ramp held, and lowest that failed twice.
    low: Option<f64>,
    high: Option<f64>,
    ceiling: Ceiling,
    noise: Noise,
    /// Median response time of the first rate that held.
    base: Option<Duration>,
    posterior: Option<Posterior>,
    /// Highest rate that was held for the confirmation's time.
    best: Option<f64>,
    /// Whether the lowest rate has had its trial.
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

/// What the search is about to learn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Which two rates the answer lies between.
    Ramp,
    /// Whether the ramp's failure at this rate was no accident.
    Repeat(f64),
    /// Where between them.
    Refine,
    /// Whether any rate is held.
    Lowest,
    /// Whether the highest rate within reach is held.
    Top,
    /// Whether the rate above the confirmed one fails.
    Above,
    /// Whether more than the confirmed rate is held.
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
    /// As of exponential services, until trials tell otherwise.
    const PRIOR: Self = Self { value: 1.0, weight: 3.0 };

    fn learn(&mut self, (value, weight): (f64, f64)) {
        self.value = (self.value * self.weight + value * weight) / (self.weight + weight);
        self.weight = (self.weight + weight).min(40.0);
    }
}

/// Disturbances in a row that are no accident any more: the rate is more than the generator can offer.
const DISTURBED_MAX: u32 = 4;
/// The same once that has been seen.
const DISTURBED_LATER_MAX: u32 = 2;
/// Failures of a ramp are believed from these log odds on, once repeated.
const REPEAT_BELIEVED: f64 = 2.0;
/// A target that changed gets this much time more.
const CHANGE_BUDGET: Duration = Duration::from_secs(40);
/// A target that takes longer to be itself again after a failure is not overloaded again if that can be helped.
const RECOVERY_USUAL: Duration = Duration::from_secs(30);
/// The longest wait for that.
const RECOVERY_MAX: Duration = Duration::from_mins(2);
/// Whoever refuses does so within this time.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
/// A bound for trials that report no time; a search needs about 30.
const TRIALS_MAX: usize = 100;
/// Set aside for draining what a trial leaves.
const DRAIN: Duration = Duration::from_secs(2);

impl Search {
    /// Begins a search; rates and precision out of range are moved into it.
    pub fn new(settings: Settings) -> Self {
        let settings = settings.in_range();
        let mut search = Self {
            limits: Limits::of(&settings.slo),
            step: Step::Done(Answer::nothing()),
            phase: Phase::Ramp,
            low: None,
            high: None,
            ceiling: Ceiling::new(settings.max_rate, settings.min_rate),
            noise: Noise::PRIOR,
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

    /// What to do next; the same until a result is observed.
    pub fn next(&self) -> Step {
        self.step.clone()
    }

    /// Takes the result of the trial that [`Search::next`] named; ignored once the search is over.
    pub fn observe(&mut self, result: TrialResult) {
        let Step::Trial(trial) = self.step else { return };
        let judgement = judge(&trial, &result, &self.settings.slo);
        self.elapsed += result.took.max(result.length);
        let held = match trial.purpose {
            Purpose::Recovery => self.is_recovered(&result),
            Purpose::Repeat => {
                judgement.verdict != Verdict::Invalid && judgement.against() < REPEAT_BELIEVED
            }
            _ => judgement.held(),
        };
        let ended_at = self.elapsed;
        let record = TrialRecord { trial, judgement, held, ended_at, figures: result };
        if trial.purpose != Purpose::Recovery && record.judgement.verdict != Verdict::Invalid {
            self.noise.learn(record.judgement.evidence.noise);
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

    /// What is known so far, for a search that is broken off.
    pub fn conclude(&self) -> Answer {
        Answer::of(self)
    }

    /// Every trial so far, in order.
    pub fn trials(&self) -> &[TrialRecord] {
        &self.trials
    }

    /// The trials that are about their rate: all but probes of recovery.
    fn rated(&self) -> impl DoubleEndedIterator<Item = &TrialRecord> {
        self.trials.iter().filter(|record| record.trial.purpose != Purpose::Recovery)
    }

    fn learn(&mut self, record: &TrialRecord) {
        let rate = record.trial.rate;
        if record.trial.purpose == Purpose::Recovery {
            return;
        }
        if self.is_worth_another(record) {
            return;
        }
        if record.judgement.verdict == Verdict::Invalid {
            self.ceiling.lower(record, self.best.or(self.low));
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
            Purpose::Ramp if !record.held => self.phase = Phase::Repeat(rate),
            Purpose::Ramp | Purpose::Repeat => self.learn_from_ramp(record),
            Purpose::Confirm if record.held => {
                self.best = Some(self.best.map_or(rate, |best| best.max(rate)));
                let at_lid = self.high.is_none() || rate >= 0.95 * self.ceiling.rate;
                self.phase = if at_lid { Phase::Over } else { Phase::Above };
            }
            Purpose::Confirm => {
                self.refuted = Some((self.refuted.map_or(0, |(times, _)| times.min(5)) + 1, rate));
                self.high = Some(self.high.map_or(rate, |high| high.max(rate)));
                self.phase = Phase::Refine;
            }
            Purpose::Above => {
                let grown = record.judgement.verdict == Verdict::Pass || record.is_strong_pass();
                self.phase = if grown && self.stall_rate() <= 0.0 {
                    self.change(record);
                    Phase::Refine
                } else {
                    Phase::Climb
                };
            }
            Purpose::Climb if record.held => self.best = Some(rate),
            Purpose::Climb => self.phase = Phase::Over,
            Purpose::Lowest => self.phase = Phase::Refine,
            Purpose::Refine | Purpose::Recovery => {}
        }
        self.learn_of_the_lowest(record);
    }

    /// Where a rate fails by something that load has no part in, so may every other, and coming down in steps
    /// would take minutes: a low rate is tried at once, and its failure is the answer.
    fn learn_of_the_lowest(&mut self, record: &TrialRecord) {
        let Trial { rate, purpose, .. } = record.trial;
        let lowest = rate <= 1.001 * self.settings.min_rate && purpose != Purpose::Ramp;
        // One that is close to the limit, and short of it, proves nothing.
        let failed = record.judgement.verdict == Verdict::Fail;
        if failed && self.best.is_none() && (lowest || purpose == Purpose::Lowest) {
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

    /// Whether a disturbance spoiled the trial, so that the same one is measured again.
    fn is_worth_another(&mut self, record: &TrialRecord) -> bool {
        let disturbed = record.judgement.verdict == Verdict::Invalid
            && matches!(record.figures.client, ClientState::Disturbed { .. });
        self.disturbed = if disturbed { self.disturbed + 1 } else { 0 };
        let most = if self.ceiling.was_lowered() { DISTURBED_LATER_MAX } else { DISTURBED_MAX };
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
            (Some(low), Some(high)) if high <= 2.5 * low => Phase::Refine,
            (Some(low), None) if low >= self.ceiling.rate * 0.999 => Phase::Top,
            (None, Some(_)) if rate <= self.settings.min_rate || record.is_dead() => Phase::Over,
            _ => Phase::Ramp,
        };
    }

    /// The target holds more than it did: what failed before says little any more.
    fn change(&mut self, record: &TrialRecord) {
        self.refuted = None;
        self.changed_at = self.elapsed.saturating_sub(record.figures.took);
        self.budget = self.budget.max(self.elapsed + CHANGE_BUDGET);
        let above = 1.2 * record.trial.rate;
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
        let given = Given {
            limits: self.limits,
            noise: self.noise.value,
            base_s: self.base_s(),
            low,
            high,
            changed_at: self.changed_at,
        };
        // A ramp's failure counts once it was repeated, and its first steps say nothing of the end.
        let counts = |record: &&TrialRecord| match record.trial.purpose {
            _ if record.judgement.verdict == Verdict::Invalid => false,
            Purpose::Ramp => record.held && 2.5 * record.trial.rate >= low,
            Purpose::Recovery => false,
            _ => true,
        };
        Some(Posterior::over(&given, &self.trials.iter().filter(counts).collect::<Vec<_>>()))
    }

    /// The lowest rate above `rate` that failed beyond doubt, since the target last changed: by all that one
    /// trial can tell, or by more than one.
    fn surely_failed(&self, above: f64) -> Option<f64> {
        let failed: Vec<&TrialRecord> =
            self.rated().filter(|record| record.failed_since(self.changed_at, above)).collect();
        let sure = |record: &&&TrialRecord| {
            let rate = 1.000_1 * record.trial.rate;
            let as_low = failed.iter().filter(|other| other.trial.rate <= rate).count();
            record.judgement.against() >= 0.99 * BELIEVED_MAX || as_low >= 2
        };
        failed.iter().filter(sure).map(|record| record.trial.rate).reduce(f64::min)
    }

    /// Whether what the ramp held is more than the target probably holds.
    fn is_below_the_ramp(&self) -> bool {
        let low = self.low.unwrap_or(f64::INFINITY).ln();
        self.believed().is_some_and(|posterior| posterior.quantile(0.5) < low)
    }

    fn base_s(&self) -> f64 {
        self.base.unwrap_or_default().as_secs_f64()
    }

    fn stall_rate(&self) -> f64 {
        self.posterior.as_ref().map_or(0.0, |posterior| posterior.stall_rate)
    }

    fn is_recovered(&self, result: &TrialResult) -> bool {
        let (base, limit) = (self.base_s(), self.limits.slow.map_or(1.0, |(limit, _)| limit));
        result.ok > 0 && result.median.as_secs_f64() <= (2.0 * base).max(base + 0.05 * limit)
    }
}

impl TrialRecord {
    /// Nothing at all was answered well.
    fn is_dead(&self) -> bool {
        self.figures.planned > 0 && self.figures.ok == 0
    }

    /// Nothing was answered well, and nothing was waited for: who is overloaded lets wait.
    fn is_refused(&self) -> bool {
        self.is_dead() && self.figures.took <= self.trial.duration() + REFUSED_WITHIN
    }

    /// Whether it failed its rate, one above `above`, after `since`.
    fn failed_since(&self, since: Duration, above: f64) -> bool {
        self.judgement.verdict == Verdict::Fail && self.trial.rate > above && self.ended_at >= since
    }

    fn is_strong_pass(&self) -> bool {
        self.held && self.judgement.ending == super::trial::Ending::Held
    }
}
