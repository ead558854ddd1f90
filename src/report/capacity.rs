//! The capacity sheet of a search, as a result tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::capacity::fit::{NoFit, QueueFit};
use crate::analysis::capacity::{Contribution, MARGIN, Point, Sheet};
use crate::analysis::trial::Verdict;
use crate::report::millionths;
use crate::report::search::TrialVerdict;
use crate::time::whole_nanos;

/// What the trials of a search say of the target beyond its highest rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityReport {
    /// The objective whose response time the curve shows, such as `p95 < 1 s`; absent without one.
    pub objective: Option<String>,
    /// Response time against rate, by rate. What the generator could not offer is left out.
    pub curve: Vec<CurvePoint>,
    /// The offered rate with the most good answers per second for its mean response time.
    pub knee: Option<f64>,
    /// A rate to plan with; absent if none that was held kept the margin.
    pub safe: Option<SafePoint>,
    /// How the highest rate compares with the current one, if that was told.
    pub headroom: Option<Headroom>,
    /// What broke first above the highest rate, in words.
    pub binding: Option<String>,
    /// Which requests were slow, failed or unanswered in that trial, the most first.
    pub contributions: Vec<ContributionReport>,
    /// A queue that answers as slowly as the target at every rate it held; absent where none does.
    pub queue: Option<QueueReport>,
    /// Why there is no such queue.
    pub no_queue: Option<String>,
}

/// One rate of the curve. Times in ns, rates per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Requests per second asked for.
    pub rate: f64,
    /// Whether it was held.
    pub verdict: TrialVerdict,
    /// The response time that the objective's quantile names.
    pub time: u64,
    /// Lower end of its confidence interval, where one could be computed.
    pub time_low: Option<u64>,
    /// Upper end.
    pub time_high: Option<u64>,
    /// Whether `time` is a lower bound.
    pub time_at_least: bool,
    /// Mean response time of good answers; absent if there was none.
    pub mean: Option<u64>,
    /// Share of slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second.
    pub throughput_ok: f64,
}

/// A rate to plan with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SafePoint {
    /// Requests per second.
    pub rate: f64,
    /// The share by which it keeps below the highest rate, and the response time below its limit.
    pub margin: f64,
}

/// The highest rate beside the current one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Headroom {
    /// Requests per second that the target is asked for today.
    pub current_rate: f64,
    /// By how much the interval's lower end is above that, as a share of it; negative if it is below.
    pub share: f64,
}

/// One request's part in the breach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContributionReport {
    /// Its name.
    pub request: String,
    /// Its share of all slots.
    pub planned_share: f64,
    /// Its share of the slots that were slow, failed or unanswered.
    pub breach_share: f64,
}

/// A single queue: its mean response time is `service_time` + w · ρ / (1 - ρ), with ρ = rate / `capacity`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueReport {
    /// Requests per second beyond which its backlog grows without end.
    pub capacity: f64,
    /// Mean response time without waiting, in ns.
    pub service_time: u64,
    /// Root mean square of the relative errors of the mean response times.
    pub error: f64,
}

impl CapacityReport {
    /// The published form of `sheet`.
    pub fn new(
        sheet: &Sheet,
        objective: Option<String>,
        current_rate: Option<f64>,
        binding: Option<String>,
    ) -> Self {
        Self {
            objective,
            curve: sheet.curve.iter().map(CurvePoint::from).collect(),
            knee: sheet.knee.map(millionths),
            safe: sheet.safe.map(|rate| SafePoint { rate: millionths(rate), margin: MARGIN }),
            headroom: current_rate
                .zip(sheet.headroom)
                .map(|(current_rate, share)| Headroom { current_rate, share: millionths(share) }),
            binding,
            contributions: sheet.contributions.iter().map(ContributionReport::from).collect(),
            queue: sheet.fit.ok().as_ref().map(QueueReport::from),
            no_queue: sheet.fit.err().as_ref().map(reason),
        }
    }
}

impl From<&Point> for CurvePoint {
    fn from(point: &Point) -> Self {
        Self {
            rate: point.rate,
            verdict: match point.verdict {
                Verdict::Pass => TrialVerdict::Pass,
                Verdict::Fail => TrialVerdict::Fail,
                Verdict::Undecided => TrialVerdict::Undecided,
                Verdict::Invalid => TrialVerdict::Invalid,
            },
            time: whole_nanos(point.time),
            time_low: point.band.map(|(low, _)| whole_nanos(low)),
            time_high: point.band.map(|(_, high)| whole_nanos(high)),
            time_at_least: point.at_least,
            mean: point.mean.map(whole_nanos),
            error_rate: point.error_rate,
            throughput_ok: millionths(point.throughput_ok),
        }
    }
}

impl From<&Contribution> for ContributionReport {
    fn from(one: &Contribution) -> Self {
        Self {
            request: one.request.clone(),
            planned_share: millionths(one.planned_share),
            breach_share: millionths(one.breach_share),
        }
    }
}

impl From<&QueueFit> for QueueReport {
    fn from(fit: &QueueFit) -> Self {
        Self {
            capacity: millionths(fit.capacity),
            service_time: whole_nanos(std::time::Duration::from_secs_f64(fit.service_s)),
            error: millionths(fit.error),
        }
    }
}

fn reason(no_fit: &NoFit) -> String {
    match no_fit {
        NoFit::FewRates => "too few rates were held to fit a queue".to_owned(),
        NoFit::NoRise => {
            "response times do not rise towards the highest rate as those of a queue do".to_owned()
        }
        NoFit::FarOff { error } => {
            format!("no single queue is like the target: the best is {:.0} % off", error * 100.0)
        }
    }
}
