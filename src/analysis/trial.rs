//! One trial of a search: what to run, what came of it, and whether the target held the rate.
//!
//! Invariant: a verdict never rests on response times alone. Just above capacity a queue grows so slowly
//! that a 10 s trial keeps p95 below 1 s up to 10 % too high; the growth of the backlog tells at once.
//! A backlog that came back is a finished stall and fails nobody.
//!
//! The verdict follows from the points alone, so the trial under way and the stored one are judged alike.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::goals::Confidence;
use crate::load::slo::{Objective, Slo};

pub(super) use evidence::whole;
pub use evidence::{Evidence, Limits};
pub use lateness::is_disturbed;
pub use spread::{Spread, TimeInterval};
pub(super) use tuning::POINTS_MIN;
pub use tuning::{BELIEVED_MAX, TrialTuning};
pub use watch::{Ending, Watch};

mod evidence;
mod lateness;
mod spread;
mod stalls;
mod tuning;
mod watch;

/// The time that one [`Point`] covers.
pub const SLOT: Duration = Duration::from_millis(100);

/// A constant rate to be offered for a while, and how it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Arrivals per second, above 0.
    pub rate: f64,
    /// Offered first and left out of every figure but the points.
    pub head: Duration,
    /// The judged part, after the head, if nothing ends it sooner.
    pub length: Duration,
    /// Question that the search wants answered.
    pub purpose: TrialPurpose,
    /// Test by which it is decided.
    pub test: Test,
}

/// Test of a trial under way. Times count from the trial's start, head included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// The excess over capacity that is told from none, as a share of the rate, above 0.
    pub excess: f64,
    /// Log odds that decide.
    pub decisive: f64,
    /// First look.
    pub from: Duration,
    /// Earliest pass.
    pub pass_from: Duration,
    /// Undecided trials end here, those that are close or recovering go on to the end.
    pub until: Duration,
    /// Squared variation of arrivals and services of the target so far; 1 for exponential services.
    pub noise: f64,
    /// Stalls per second of trials so far.
    pub stall_rate: f64,
    /// The numbers that the test rests on.
    pub tuning: &'static TrialTuning,
}

/// What a trial was run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialPurpose {
    /// To find a rate that fails and one that holds.
    Ramp,
    /// To make sure that the ramp's failure was no accident.
    Repeat,
    /// To see whether the target is itself again after a failure; its verdict says nothing.
    Recovery,
    /// To narrow the interval.
    Refine,
    /// To see whether a low rate is held at all, where failures have nothing to do with the load.
    Lowest,
    /// To hold the answer for long.
    Confirm,
    /// To see that a rate above the answer fails.
    Above,
    /// To hold a rate between the confirmed one and the best guess.
    Climb,
}

/// Counts of 100 ms of a trial, all workers together. They belong to the slot they happened in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// The end of the 100 ms, since the trial's start (head included).
    pub at: Duration,
    /// Requests that were due.
    pub planned: u64,
    /// Good answers that arrived.
    pub answered_ok: u64,
    /// Of those, the ones whose response time is over the tightest latency limit.
    pub slow: u64,
    /// Requests that ended in any other way.
    pub failed: u64,
    /// Of those, the ones that never got an answer.
    pub unanswered: u64,
    /// Requests due by the end and not finished then, waiting and unsent ones included.
    pub unfinished: u64,
    /// Of those, the ones already older than the tightest latency limit.
    pub overdue: u64,
}

/// An objective with what was measured for it over the judged part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectiveFigure {
    /// Objective that was asked for.
    pub objective: Objective,
    /// Figure in the unit of the limit: seconds, a share from 0 to 1, or answers per second.
    pub value: f64,
    /// The figure falls among requests that never got an answer: the truth is this or more.
    pub at_least: bool,
}

impl ObjectiveFigure {
    /// True if the objective was met; a time that is only known from below was not.
    pub fn holds(&self) -> bool {
        match self.objective {
            Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. } => {
                !self.at_least && self.value < limit.as_secs_f64()
            }
            Objective::ErrorRate { limit, .. } => self.value < limit || self.value <= 0.0,
            Objective::Throughput { limit, .. } => self.value > limit,
        }
    }
}

/// A limit of a single request that its figure over the judged part misses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SloMiss {
    /// The request's row in the ledger.
    pub row: usize,
    /// The limit and the figure.
    pub measured: ObjectiveFigure,
    /// Certainty that it is no matter of chance.
    pub confidence: Confidence,
}

/// State of the generator during a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// The schedule was held.
    Healthy,
    /// Something disturbed the generator for a moment; the trial says nothing about the target, unless all was
    /// sent and the backlog grew all the same. Another one at the same rate may say more.
    Disturbed {
        /// Explanation for people.
        reason: String,
    },
    /// The generator was the limit; the trial says nothing about the target.
    Limited {
        /// Resource that ran out, for people.
        reason: String,
    },
}

/// Measured result of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    /// Points in order, one per 100 ms from the trial's start, head included.
    pub points: Vec<Point>,
    /// Actual length of the judged part.
    pub length: Duration,
    /// Everything: head, judged part and drain.
    pub took: Duration,
    /// Requests due in the judged part.
    pub planned: u64,
    /// Of those, the ones that got a good answer by the end of the drain.
    pub ok: u64,
    /// Share of `planned` without a good answer, 0 to 1.
    pub error_rate: f64,
    /// One for each objective of the SLO.
    pub measured: Vec<ObjectiveFigure>,
    /// Limits of single requests that were missed.
    pub missed: Vec<SloMiss>,
    /// Sent per second over the judged part.
    pub achieved: f64,
    /// 99th percentile of sent − due over the judged part.
    pub send_lag_p99: Duration,
    /// Median response time over the judged part.
    pub median: Duration,
    /// 95 % interval of the first quantile that the SLO names, if enough was answered.
    pub interval: Option<TimeInterval>,
    /// State of the generator.
    pub client: ClientState,
}

impl TrialResult {
    /// True if the interval of the quantile reaches beyond its limit; nothing where none was computed.
    pub fn leaves_its_limit_open(&self) -> Option<bool> {
        let limit = self.measured.iter().find_map(|measured| match measured.objective {
            Objective::ResponseTime { limit, .. } => Some(limit),
            _ => None,
        })?;
        self.interval.map(|interval| interval.high.is_none_or(|high| high >= limit))
    }

    /// Good answers per second that arrived while the judged part ran: capacity, if the rate was above it.
    pub fn goodput(&self, trial: &Trial) -> f64 {
        let judged = self.points.iter().filter(|point| point.at > trial.head);
        let answers: u64 = judged.map(|point| point.answered_ok).sum();
        answers as f64 / self.length.as_secs_f64().max(SLOT.as_secs_f64())
    }
}

/// What a trial came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialVerdict {
    /// The objectives hold.
    Pass,
    /// They do not.
    Fail,
    /// The data do not decide.
    Undecided,
    /// The generator was the limit.
    Invalid,
}

/// One way in which a rate was not held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breach {
    /// A response time over its limit.
    LatencyOver(ObjectiveFigure),
    /// Too many errors.
    ErrorsOver(ObjectiveFigure),
    /// A single request missed a limit of its own.
    RequestOver(SloMiss),
    /// Requests arrive faster than they are finished.
    BacklogGrowing {
        /// Unfinished requests added per second.
        per_s: f64,
    },
}

/// A trial's verdict and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Verdict about the rate.
    pub verdict: TrialVerdict,
    /// End of the test.
    pub ending: Ending,
    /// Evidence for and against the rate.
    pub evidence: Evidence,
    /// Every breach seen, also where the verdict is undecided or invalid; the binding one first.
    pub reasons: Vec<Breach>,
    /// Growth of the backlog in requests per second, from low point to low point.
    pub backlog_slope: f64,
    /// Number of times that nothing was answered for a while.
    pub stalls: u32,
}

impl Trial {
    /// Head and judged part together.
    pub fn duration(&self) -> Duration {
        self.head + self.length
    }
}

impl Judgement {
    /// Log odds against the rate, bounded.
    pub fn against(&self) -> f64 {
        self.evidence.against().clamp(-BELIEVED_MAX, BELIEVED_MAX)
    }

    /// True if the rate was rather held than not, the generator being healthy.
    pub fn held(&self) -> bool {
        self.verdict != TrialVerdict::Invalid
            && matches!(self.ending, Ending::Held | Ending::HeldWeakly)
    }
}

/// Judges whether the target held the trial's rate.
///
/// A throughput objective is no matter of one trial: it bounds the answer, not the load. Limits other than
/// the tightest quantile's and that on errors are held against the figures at the end, and all of them in a trial
/// that an answer may rest on. So are limits of single requests, in a short trial only where chance can hardly
/// have had a hand in it.
pub fn judge(trial: &Trial, result: &TrialResult, slo: &Slo) -> Judgement {
    let limits = Limits::of(slo);
    let mut watch = Watch::new(trial, slo);
    let stopped = result.points.iter().find_map(|point| watch.observe(point));
    let mut evidence = watch.evidence();
    let mut ending = stopped.unwrap_or_else(|| evidence.ending());
    let by_figure =
        |m: &&ObjectiveFigure| trial.purpose.is_long() || limits.leaves_out(&m.objective);
    let beside = result.measured.iter().filter(by_figure).filter(|m| !m.holds());
    let alone = result.missed.iter();
    let alone = alone.filter(|one| one.confidence == Confidence::Sure || trial.purpose.is_long());
    let beside: Vec<Breach> =
        beside.filter_map(breach).chain(alone.copied().map(Breach::RequestOver)).collect();
    let backlog_slope = evidence.growth_per_s() * trial.rate;
    let mut reasons = reasons(&evidence, result, &limits, backlog_slope);
    if !beside.is_empty() && result.planned > 0 {
        evidence.latency = evidence.latency.max(trial.test.decisive);
        // What fails a trial that held otherwise is what binds.
        let binds = matches!(ending, Ending::Held | Ending::HeldWeakly);
        let place = if binds { 0 } else { reasons.len() };
        let beside = beside.into_iter().filter(|breach| !reasons.contains(breach));
        let beside: Vec<Breach> = beside.collect();
        reasons.splice(place..place, beside);
        if binds || trial.purpose == TrialPurpose::Lowest {
            ending = Ending::Overload;
        }
    }
    let is_valid = match &result.client {
        ClientState::Healthy => true,
        ClientState::Disturbed { .. } => is_overload_whatever_the_lag(trial, result, &evidence),
        ClientState::Limited { .. } => false,
    };
    let verdict = match ending {
        _ if !is_valid => TrialVerdict::Invalid,
        Ending::Held => TrialVerdict::Pass,
        Ending::HeldWeakly if trial.purpose.is_long() => TrialVerdict::Pass,
        Ending::Overload | Ending::Errors => TrialVerdict::Fail,
        _ => TrialVerdict::Undecided,
    };
    let stalls = stalls::count((trial, result.median), &limits, &result.points);
    Judgement { verdict, ending, evidence, reasons, backlog_slope, stalls }
}

/// True if the backlog surely grew though all was sent that was due: a pause of the generator is over by the
/// end of a trial, and what grows beside it is the target's.
fn is_overload_whatever_the_lag(trial: &Trial, result: &TrialResult, evidence: &Evidence) -> bool {
    let sent_all = result.achieved >= trial.test.tuning.sent_share * trial.rate;
    sent_all && evidence.backlog >= trial.test.decisive && !evidence.recovering
}

impl TrialPurpose {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Repeat => "repeat",
            Self::Recovery => "recovery",
            Self::Refine => "refine",
            Self::Lowest => "lowest",
            Self::Confirm => "confirm",
            Self::Above => "above",
            Self::Climb => "climb",
        }
    }

    /// True if the trial lasts as long as the answer is to be held, so that an answer may rest on it.
    pub const fn is_long(self) -> bool {
        matches!(self, Self::Lowest | Self::Confirm | Self::Climb)
    }
}

/// Reasons against the rate, the strongest first.
fn reasons(evidence: &Evidence, result: &TrialResult, limits: &Limits, per_s: f64) -> Vec<Breach> {
    let tested = |errors: bool| {
        let of = |m: &&ObjectiveFigure| {
            matches!(m.objective, Objective::ErrorRate { .. }) == errors
                && !limits.leaves_out(&m.objective)
        };
        result.measured.iter().find(of).and_then(breach)
    };
    let mut found = vec![
        (evidence.backlog, Some(Breach::BacklogGrowing { per_s })),
        (evidence.errors, tested(true)),
        (evidence.latency, tested(false)),
    ];
    found.retain(|(odds, _)| *odds > 0.0);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.into_iter().filter_map(|(_, breach)| breach).collect()
}

fn breach(measured: &ObjectiveFigure) -> Option<Breach> {
    match measured.objective {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. } => {
            Some(Breach::LatencyOver(*measured))
        }
        Objective::ErrorRate { .. } => Some(Breach::ErrorsOver(*measured)),
        Objective::Throughput { .. } => None,
    }
}

#[cfg(test)]
mod tests;
