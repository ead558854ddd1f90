//! [`Search`]: finds the highest rate that still meets an SLO, as a state machine without clock or I/O.
//!
//! It doubles the rate until one fails, bisects between the last that held and the first that did not,
//! holds the answer for longer before giving it, and looks once above it. Invariant: the next step
//! follows from the bracket and the last trial alone, and every search ends within its time.

use std::time::Duration;

use super::trial::{Purpose, Trial, TrialResult, Verdict, judge};
use crate::load::slo::Slo;
use bracket::{Bracket, Failure};

pub use answer::{Answer, Bound, COVERAGE, Note, TrialRecord};

mod answer;
mod bracket;

/// What to search, how finely, and how long at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What a rate must meet.
    pub slo: Slo,
    /// First rate, per second.
    pub start: f64,
    /// Lowest rate worth trying, per second.
    pub min_rate: f64,
    /// Highest rate to offer, per second.
    pub max_rate: f64,
    /// Bisection ends when the bracket is narrower than this share of the rate; at least 0.005. At low
    /// rates, where a trial has few requests, it ends sooner.
    pub precision: f64,
    /// How long the answer is held before it is given.
    pub confirm: Duration,
    /// The whole search aims to end within this time, drains included.
    pub search_time: Duration,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Run this and report with [`Search::observe`].
    Trial(Trial),
    /// The search is over.
    Done(Answer),
}

/// The search's state; drive it with [`Search::next`] and [`Search::observe`].
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    step: Step,
    bracket: Bracket,
    /// The current trial is the second at its rate because the first may have been bad luck.
    second_look: bool,
    elapsed: Duration,
    trials: Vec<TrialRecord>,
}

const WARM_UP: Duration = Duration::from_secs(1);
const CLIMB: Duration = Duration::from_millis(1500);
const BISECT_MIN: Duration = Duration::from_secs(4);
const BISECT_MAX: Duration = Duration::from_secs(12);
const ABOVE: Duration = Duration::from_secs(4);
/// A confirmation shorter than this would confirm nothing.
const CONFIRM_MIN: Duration = Duration::from_secs(5);
/// Set aside for draining what a trial leaves.
const DRAIN: Duration = Duration::from_secs(2);
/// A bound for trials that report no time; a search needs about 20.
const TRIALS_MAX: usize = 100;

impl Search {
    /// Begins a search; rates and precision out of range are moved into it.
    pub fn new(mut settings: Settings) -> Self {
        settings.min_rate = settings.min_rate.max(0.001);
        settings.max_rate = settings.max_rate.max(settings.min_rate);
        settings.start = settings.start.clamp(settings.min_rate, settings.max_rate);
        settings.precision = settings.precision.max(0.005);
        Self {
            step: Step::Trial(settings.trial(Purpose::WarmUp, settings.start, WARM_UP)),
            settings,
            bracket: Bracket::default(),
            second_look: false,
            elapsed: Duration::ZERO,
            trials: Vec::new(),
        }
    }

    /// What to do next; the same until a result is observed.
    pub fn next(&self) -> Step {
        self.step.clone()
    }

    /// Takes the result of the trial that [`Search::next`] named; ignored once the search is over.
    pub fn observe(&mut self, result: TrialResult) {
        let Step::Trial(trial) = self.step else { return };
        let judgement = judge(&trial, &result, &self.settings.slo);
        let record = TrialRecord { trial, judgement, figures: result };
        self.elapsed += record.figures.took.max(record.figures.length);
        self.trials.push(record.clone());
        let again = self.second_look_at(&record);
        self.second_look = again.is_some();
        self.step = if let Some(trial) = again {
            Step::Trial(trial)
        } else {
            self.learn(&record);
            self.proceed(&record)
        };
    }

    /// The trial to run again, if its verdict may have been bad luck.
    fn second_look_at(&self, TrialRecord { trial, judgement, .. }: &TrialRecord) -> Option<Trial> {
        let length = match (trial.purpose, judgement.verdict) {
            (Purpose::WarmUp, _) | (_, Verdict::Pass) => return None,
            (_, Verdict::Invalid) | (Purpose::Climb, Verdict::Fail) => trial.length,
            // What 12 s leave open counts as not held: more time is better spent on another rate.
            (_, Verdict::Undecided) if trial.length * 2 <= BISECT_MAX => trial.length * 2,
            (_, Verdict::Undecided | Verdict::Fail) => return None,
        };
        let again = Trial { length, ..*trial };
        (!self.second_look && self.fits(&again)).then_some(again)
    }

    fn learn(&mut self, TrialRecord { trial, judgement, figures }: &TrialRecord) {
        let held = match trial.purpose {
            // Slow answers are what a cold target gives; none at all is another matter.
            Purpose::WarmUp if figures.ok > 0 || figures.planned == 0 => return,
            Purpose::WarmUp => false,
            _ => judgement.verdict == Verdict::Pass,
        };
        if held {
            self.bracket.hold(trial.rate);
        } else {
            self.bracket.fail(Failure {
                trial: *trial,
                judgement: judgement.clone(),
                goodput: figures.goodput(trial),
                client: figures.client.clone(),
            });
        }
    }

    fn proceed(&self, last: &TrialRecord) -> Step {
        let Settings { start, min_rate, max_rate, .. } = self.settings;
        let next = match (self.bracket.low(), self.bracket.high()) {
            (None, None) => self.climb(start),
            (None, Some(Failure { trial, .. }))
                if trial.purpose == Purpose::WarmUp || trial.rate <= min_rate =>
            {
                return self.done();
            }
            (None, Some(Failure { trial, goodput, .. })) => {
                self.climb((trial.rate / 2.0).min(0.9 * goodput).max(min_rate))
            }
            (Some(low), None) if low < max_rate => self.climb((2.0 * low).min(max_rate)),
            (Some(low), Some(high)) if high.trial.rate > low * (1.0 + self.gap_allowed(low)) => {
                match self.stepped_down(high, low) {
                    Some(rate) => return self.confirm(rate),
                    None => self.bisect(low, high.trial.rate),
                }
            }
            (Some(low), _) => return self.settle(low, last),
        };
        match self.bracket.low() {
            _ if self.fits(&next) => Step::Trial(next),
            Some(low) => self.settle(low, last),
            None => self.done(),
        }
    }

    /// The bracket is as narrow as it gets: confirms its low end, looks above, and answers.
    fn settle(&self, low: f64, last: &TrialRecord) -> Step {
        if self.confirmed().is_none_or(|trial| trial.rate < low) {
            return self.confirm(low);
        }
        // A stall may have failed a good rate, or the target may have grown: clearly above the answer a
        // trial must fail.
        let breached = self.bracket.high().is_some_and(Failure::is_breach);
        let rate = low * (1.0 + 3.0 * self.precision_at(low));
        let above = self.settings.trial(Purpose::Above, rate.min(self.settings.max_rate), ABOVE);
        if breached && last.trial.purpose == Purpose::Confirm && self.fits(&above) {
            return Step::Trial(above);
        }
        self.done()
    }

    fn confirm(&self, rate: f64) -> Step {
        let confirm = self.settings.trial(Purpose::Confirm, rate, self.settings.confirm);
        let length = confirm.length.min(self.left().saturating_sub(confirm.head + DRAIN));
        if length < CONFIRM_MIN.min(confirm.length) {
            return self.done();
        }
        Step::Trial(Trial { length, ..confirm })
    }

    /// What is known so far, for a search that is broken off.
    pub fn conclude(&self) -> Answer {
        Answer::of(self)
    }

    fn done(&self) -> Step {
        Step::Done(self.conclude())
    }

    fn climb(&self, rate: f64) -> Trial {
        // Twenty requests are the least that a share of 5 % can be seen in.
        let length = CLIMB.max(Duration::from_secs_f64((20.0 / rate).min(10.0)));
        self.settings.trial(Purpose::Climb, rate, length)
    }

    /// The middle of the bracket, for as long as it takes to tell it from the bracket's ends.
    fn bisect(&self, low: f64, high: f64) -> Trial {
        let rate = (low * high).sqrt();
        let half = high / rate - 1.0;
        let seconds = (8.0 / (half * half * rate)).min(BISECT_MAX.as_secs_f64());
        let length = Duration::from_secs_f64(seconds).max(BISECT_MIN);
        self.settings.trial(Purpose::Bisect, rate, length)
    }

    /// A confirmation that failed has measured the capacity well: the rate just below that, unless it is
    /// too far off to end the search.
    fn stepped_down(&self, high: &Failure, low: f64) -> Option<f64> {
        let precision = self.precision_at(low);
        let finished = high.trial.rate - high.judgement.backlog_slope.max(0.0);
        let rate = finished * (1.0 - precision / 2.0);
        let near = high.trial.rate < rate * (1.0 + 2.0 * precision);
        (high.trial.purpose == Purpose::Confirm && rate > low && near).then_some(rate)
    }

    /// The last trial that held its rate for the confirmation's time, if no later one contradicts it.
    fn confirmed(&self) -> Option<Trial> {
        let high = self.bracket.high().map_or(f64::INFINITY, |failure| failure.trial.rate);
        self.trials
            .iter()
            .filter(|record| record.judgement.verdict == Verdict::Pass)
            .map(|record| record.trial)
            .rfind(|trial| trial.purpose == Purpose::Confirm && trial.rate < high)
    }

    /// How narrow the bracket can get: as set, or what the longest bisection trial can tell apart.
    fn precision_at(&self, rate: f64) -> f64 {
        let longest = self.settings.trial(Purpose::Bisect, rate, BISECT_MAX);
        self.settings.precision.max(longest.resolution())
    }

    /// The share of `low` by which the bracket may be wide at the end. Twice the precision will do once
    /// `low` is confirmed: another confirmation costs more than it tells.
    fn gap_allowed(&self, low: f64) -> f64 {
        let confirmed = self.confirmed().is_some_and(|trial| trial.rate >= low);
        self.precision_at(low) * if confirmed { 2.0 } else { 1.0 }
    }

    /// Whether there is time for `trial` and, if its place is before the confirmation, for that too.
    fn fits(&self, trial: &Trial) -> bool {
        let after = match trial.purpose {
            Purpose::Confirm | Purpose::Above => Duration::ZERO,
            Purpose::WarmUp | Purpose::Climb | Purpose::Bisect => {
                let confirm = self.settings.confirm;
                self.settings.trial(Purpose::Confirm, trial.rate, confirm).duration() + DRAIN
            }
        };
        self.left() >= trial.duration() + DRAIN + after
    }

    fn left(&self) -> Duration {
        if self.trials.len() >= TRIALS_MAX {
            return Duration::ZERO;
        }
        self.settings.search_time.saturating_sub(self.elapsed)
    }
}

impl Settings {
    /// From 20/s, to 2.5 %, held for 20 s, within 150 s.
    pub fn new(slo: Slo) -> Self {
        Self {
            slo,
            start: 20.0,
            min_rate: 1.0,
            max_rate: 1e6,
            precision: 0.025,
            confirm: Duration::from_secs(20),
            search_time: Duration::from_secs(150),
        }
    }

    /// A trial at `rate` in four figures; its head is as long as the SLO lets an answer take.
    fn trial(&self, purpose: Purpose, rate: f64, length: Duration) -> Trial {
        let limit = self.slo.tightest_time().unwrap_or(Duration::from_secs(1));
        let settle = limit.clamp(Duration::from_millis(500), Duration::from_secs(5));
        let head = if purpose == Purpose::Climb { settle / 2 } else { settle };
        Trial { rate: four_figures(rate), head, length: length.max(3 * head), purpose }
    }
}

fn four_figures(rate: f64) -> f64 {
    format!("{rate:.3e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
