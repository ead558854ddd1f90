//! One trial of a search: what to run, what came of it, and whether the target held the rate.
//!
//! Invariant: a verdict never rests on response times alone. Just above capacity a queue grows so slowly
//! that a 10 s trial keeps p95 below 1 s up to 10 % too high; the growth of the backlog tells at once.
//! A backlog that came back is a finished stall and fails nobody.

use std::time::Duration;

use crate::load::slo::{Objective, Slo};

pub use watch::{StopReason, Watch};

mod watch;

/// The time that one [`Point`] covers.
pub const SLOT: Duration = Duration::from_millis(100);

/// A constant rate to be offered for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Arrivals per second, above 0.
    pub rate: f64,
    /// Offered first and left out of every figure but the points.
    pub head: Duration,
    /// The judged part, after the head.
    pub length: Duration,
    /// What the search wants to learn.
    pub purpose: Purpose,
}

/// Why a trial is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To fill connections, caches and code paths; not judged.
    WarmUp,
    /// To find a rate that fails and one that holds.
    Climb,
    /// To narrow the gap between the two.
    Bisect,
    /// To hold the answer for longer before it is given.
    Confirm,
    /// To see once more that the next rate above the answer fails.
    Above,
}

/// What 100 ms of a trial showed, all workers together. Counts belong to the slot they happened in.
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
    /// Requests due by the end and not finished then, waiting and unsent ones included.
    pub unfinished: u64,
    /// Of those, the ones already older than the tightest latency limit.
    pub overdue: u64,
}

/// An objective with what was measured for it over the judged part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What was asked for.
    pub objective: Objective,
    /// In the unit of the limit: seconds, a share from 0 to 1, or answers per second.
    pub value: f64,
    /// The figure falls among requests that never got an answer: the truth is this or more.
    pub at_least: bool,
}

impl Measured {
    /// Whether the objective was met; a time that is only known from below was not.
    pub fn holds(&self) -> bool {
        match self.objective {
            Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit } => {
                !self.at_least && self.value < limit.as_secs_f64()
            }
            Objective::ErrorRate { limit } => self.value < limit || self.value <= 0.0,
            Objective::Throughput { limit } => self.value > limit,
        }
    }
}

/// Whether the generator could do what the trial asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// The schedule was held.
    Healthy,
    /// The generator was the limit; the trial says nothing about the target.
    Limited {
        /// For people: which resource ran out.
        reason: String,
    },
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    /// In order, one per 100 ms from the trial's start, head included.
    pub points: Vec<Point>,
    /// How long the judged part lasted in fact.
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
    pub measured: Vec<Measured>,
    /// Sent per second over the judged part.
    pub achieved: f64,
    /// 99th percentile of sent − due over the judged part.
    pub send_lag_p99: Duration,
    /// Whether the generator was the limit.
    pub client: ClientState,
    /// Set where [`Watch`] ended the trial.
    pub stopped_early: Option<StopReason>,
}

impl TrialResult {
    /// Good answers per second that arrived while the judged part ran: capacity, if the rate was above it.
    pub fn goodput(&self, trial: &Trial) -> f64 {
        let judged = self.points.iter().filter(|point| point.at > trial.head);
        let answers: u64 = judged.map(|point| point.answered_ok).sum();
        answers as f64 / self.length.as_secs_f64().max(SLOT.as_secs_f64())
    }
}

/// What a trial says about its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The target held it.
    Pass,
    /// The target did not hold it.
    Fail,
    /// Too noisy, or disturbed by something that passed: a longer trial may tell.
    Undecided,
    /// The generator was the limit.
    Invalid,
}

/// One way in which a rate was not held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breach {
    /// A response time over its limit.
    LatencyOver(Measured),
    /// Too many errors.
    ErrorsOver(Measured),
    /// Requests arrive faster than they are finished.
    BacklogGrowing {
        /// Unfinished requests added per second.
        per_s: f64,
    },
    /// The target left no way to send what was due, the generator being healthy.
    AchievedShort {
        /// Sent per second.
        achieved: f64,
    },
}

/// A trial's verdict and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What the trial says about its rate.
    pub verdict: Verdict,
    /// Every breach seen, also where the verdict is undecided or invalid; the binding one first.
    pub reasons: Vec<Breach>,
    /// Growth of the backlog in requests per second, from low point to low point.
    pub backlog_slope: f64,
}

/// Less than this share of the due requests sent in time is a breach of its own.
const ACHIEVED_SHARE_MIN: f64 = 0.95;
/// Log-likelihood ratio from which growth is believed; between zero and this it is undecided.
const GROWTH_BELIEVED: f64 = 1.0;

impl Trial {
    /// Head and judged part together.
    pub fn duration(&self) -> Duration {
        self.head + self.length
    }

    /// The excess over capacity, as a share of the rate, that the judged part can tell from none.
    ///
    /// Arrivals and services that vary like exponential ones move the backlog by √(t/rate) seconds of load
    /// in `t` seconds; twice that over the length is told apart, within 1.5 % to 25 %.
    pub fn resolution(&self) -> f64 {
        let requests = (self.rate * self.length.as_secs_f64()).max(1.0);
        (2.0 / requests.sqrt()).clamp(0.015, 0.25)
    }
}

/// Judges whether the target held the trial's rate.
///
/// A throughput objective is no matter of one trial: it bounds the answer, not the load.
pub fn judge(trial: &Trial, result: &TrialResult, slo: &Slo) -> Judgement {
    let backlog = Backlog::over(trial, &result.points);
    let mut reasons: Vec<Breach> = result.measured.iter().filter_map(breach).collect();
    let errors_over = reasons.iter().any(|reason| matches!(reason, Breach::ErrorsOver(_)));
    if result.achieved * result.length.as_secs_f64() < ACHIEVED_SHARE_MIN * result.planned as f64 {
        reasons.push(Breach::AchievedShort { achieved: result.achieved });
    }
    let backlog_slope = backlog.slope * trial.rate;
    let runaway = result.stopped_early == Some(StopReason::BacklogRunaway);
    if runaway || backlog.evidence >= GROWTH_BELIEVED {
        reasons.push(Breach::BacklogGrowing { per_s: backlog_slope });
    }
    let came_back = backlog.came_back(slo.tightest_time().unwrap_or(Duration::from_secs(1)));
    let verdict = if matches!(result.client, ClientState::Limited { .. }) {
        Verdict::Invalid
    } else if errors_over || result.stopped_early.is_some() {
        Verdict::Fail
    } else if reasons.is_empty() && (backlog.evidence <= 0.0 || came_back) {
        Verdict::Pass
    } else if reasons.is_empty() || came_back {
        Verdict::Undecided
    } else {
        Verdict::Fail
    };
    Judgement { verdict, reasons, backlog_slope }
}

fn breach(measured: &Measured) -> Option<Breach> {
    let kind = match measured.objective {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. } => Breach::LatencyOver,
        Objective::ErrorRate { .. } => Breach::ErrorsOver,
        Objective::Throughput { .. } => return None,
    };
    (!measured.holds()).then(|| kind(*measured))
}

/// The course of the backlog over the judged part, in seconds of load (unfinished / rate).
#[derive(Clone, Copy, Debug, Default)]
struct Backlog {
    /// Seconds of load per second, between the low points of beginning and end.
    slope: f64,
    /// Log-likelihood ratio of growth by the trial's resolution against none.
    evidence: f64,
    /// Highest level above that at the beginning.
    peak: f64,
    /// Last level above that at the beginning.
    last: f64,
}

impl Backlog {
    /// Half a second: the low point of the beginning is looked for within it.
    const BEGINNING: usize = 5;

    fn over(trial: &Trial, points: &[Point]) -> Self {
        let levels: Vec<f64> = points
            .iter()
            .filter(|point| point.at >= trial.head)
            .map(|point| point.unfinished as f64 / trial.rate)
            .collect();
        if levels.len() < 2 * Self::BEGINNING {
            return Self::default();
        }
        // Low points make a stall that is over harmless wherever it lay.
        let (begin, end) = (
            lowest(&levels, 0..Self::BEGINNING),
            lowest(&levels, levels.len() * 2 / 3..levels.len()),
        );
        let grown = levels[end] - levels[begin];
        let seconds = (end - begin) as f64 * SLOT.as_secs_f64();
        let resolution = trial.resolution();
        // Wald's test of a drift against none in a walk of known variance.
        let evidence =
            resolution / variance_per_s(trial.rate, &levels) * (grown - resolution * seconds / 2.0);
        let peak = levels.iter().copied().fold(f64::MIN, f64::max);
        Self {
            slope: grown / seconds,
            evidence,
            peak: peak - levels[begin],
            last: levels[levels.len() - 1] - levels[begin],
        }
    }

    /// Whether there was a backlog that could make requests slow, and a good part of it has gone.
    fn came_back(&self, limit: Duration) -> bool {
        self.peak >= limit.as_secs_f64() / 2.0 && self.last < 0.7 * self.peak
    }
}

fn lowest(levels: &[f64], within: std::ops::Range<usize>) -> usize {
    let first = within.start;
    within.min_by(|&a, &b| levels[a].total_cmp(&levels[b])).unwrap_or(first)
}

/// How fast the level wanders: variance of its change over about a second, per second.
///
/// Blended with the exponential case (1/rate, worth three such changes), since a short trial shows few;
/// the floor is the error of counting whole requests.
fn variance_per_s(rate: f64, levels: &[f64]) -> f64 {
    let lag = (levels.len() / 6).clamp(1, 10);
    let changes = || levels.windows(lag + 1).map(|window| window[lag] - window[0]);
    let count = changes().count() as f64;
    let mean = changes().sum::<f64>() / count;
    let lag_s = lag as f64 * SLOT.as_secs_f64();
    let seen = changes().map(|change| (change - mean).powi(2)).sum::<f64>() / count / lag_s;
    let (weight, prior_weight) = (levels.len() as f64 / lag as f64, 3.0);
    let blended = (seen * weight + prior_weight / rate) / (weight + prior_weight);
    let seconds = levels.len() as f64 * SLOT.as_secs_f64();
    blended.max(0.01 / rate) + 0.3 / (rate * rate * seconds)
}

#[cfg(test)]
mod tests;
