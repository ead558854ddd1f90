//! Hints under a failed verdict, or one that looks at times alone: what the evidence usually means, and where to look first.
//!
//! Each rests on a pattern in the figures, never on the failure alone, and says which. They explain and
//! decide nothing: a verdict is the same with and without them.

mod slowness;
mod statuses;

use std::time::Duration;

use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::slo::{Holds, MeasuredValue, ObjectiveVerdict};
use crate::analysis::stats::binomial;
use crate::analysis::words::{Part, Percent};
use crate::load::slo::Objective;
use crate::measure::fate::Fate;
use crate::measure::histogram::Quantile;
use crate::measure::series::SeriesPoint;
use crate::measure::summary::Summary;
use crate::measure::tally::RequestTally;

/// The share of slots or answers from which on failures are a pattern rather than an accident.
const PATTERN_SHARE: f64 = 0.01;
/// The share of failures that makes those who hold it the ones to name.
const BLAMED_SHARE: f64 = 0.8;
/// How likely chance alone may be to give them as much, had it the choice among all sets of names.
const BLAMED_CHANCE_MAX: f64 = 1e-3;

/// What hints are about.
const CAUSES: [Cause; 9] = [
    Cause::Saturated,
    Cause::SlowRequests,
    Cause::StoodStill,
    Cause::Slow,
    Cause::ServerErrors,
    Cause::Unauthorized,
    Cause::Forbidden,
    Cause::Rejected,
    Cause::ChecksFailed,
];

/// What hints are drawn from.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The run's totals.
    pub summary: &'a Summary,
    /// Each request name with its ledger.
    pub requests: Vec<(&'a str, &'a RequestTally)>,
    /// The objectives and how they fared.
    pub objectives: &'a [ObjectiveVerdict],
    /// The run over time.
    pub points: &'a [SeriesPoint],
    /// Whether findings tell that it stood still, and when.
    pub standstills_told: bool,
    /// Whether findings tell that an address of the target is worse than the others.
    pub address_told: bool,
    /// Whether requests carry a token from a log-in.
    pub logged_in: bool,
}

/// Every hint of a run, what is slow before what went wrong.
pub fn find(evidence: &Evidence<'_>) -> Vec<Finding> {
    let rules: [fn(&Evidence<'_>) -> Option<Finding>; 6] = [
        slowness::slow,
        statuses::server_errors,
        statuses::unauthorized,
        statuses::forbidden,
        statuses::rejected,
        checks_failed,
    ];
    rules.iter().filter_map(|rule| rule(evidence)).collect()
}

/// Whether the finding that a result calls `id` is a hint.
pub fn is_hint(id: &str) -> bool {
    CAUSES.iter().any(|cause| cause.id() == id)
}

/// An objective about times that failed.
#[derive(Clone, Copy, Debug)]
struct TooSlow {
    objective: Objective,
    limit: Duration,
    measured: Quantile,
}

impl Evidence<'_> {
    fn too_slow(&self) -> Option<TooSlow> {
        self.objectives.iter().find_map(|judged| match (judged.objective, judged.measured) {
            (
                Objective::ResponseTime { limit, .. } | Objective::MeanResponseTime { limit, .. },
                MeasuredValue::Time(measured),
            ) if judged.holds == Holds::No => {
                Some(TooSlow { objective: judged.objective, limit, measured })
            }
            _ => None,
        })
    }

    fn answers(&self) -> u64 {
        self.summary.total.statuses.values().sum()
    }

    fn slots(&self, count: u64) -> Part {
        Part { count, of: self.summary.total.fates.planned(), things: "slots" }
    }

    /// The fewest names that together hold most of what `count` counts, the worst first, with the shares
    /// of it and of the load that are theirs; nothing if that is most of the load anyway, or may be chance.
    fn blamed(&self, count: impl Fn(&RequestTally) -> u64) -> Option<Blamed<'_>> {
        let mut counted: Vec<_> = self
            .requests
            .iter()
            .map(|(name, tally)| (*name, count(tally), tally.fates.planned()))
            .collect();
        counted.sort_by_key(|(_, bad, _)| std::cmp::Reverse(*bad));
        let all: u64 = counted.iter().map(|(_, bad, _)| bad).sum();
        let load: u64 = counted.iter().map(|(_, _, planned)| planned).sum();
        let (mut names, mut theirs, mut load_share) = (Vec::new(), 0, 0.0);
        for (name, bad, planned) in counted.into_iter().filter(|(_, bad, _)| *bad > 0) {
            names.push(name);
            theirs += bad;
            load_share += planned as f64 / load as f64;
            if theirs as f64 >= BLAMED_SHARE * all as f64 {
                break;
            }
        }
        let share = theirs as f64 / all.max(1) as f64;
        let chance = binomial::tail(all, load_share, theirs)
            * binomial::choices(self.requests.len(), names.len());
        let telling = all > 0
            && names.len() <= NAMES_MAX
            && load_share <= share / 2.0
            && chance <= BLAMED_CHANCE_MAX;
        telling.then_some(Blamed { names, share, load_share })
    }
}

/// More names than these are no longer few.
const NAMES_MAX: usize = 3;

/// Who holds most of what went wrong.
#[derive(Clone, Debug)]
struct Blamed<'a> {
    names: Vec<&'a str>,
    share: f64,
    load_share: f64,
}

impl Blamed<'_> {
    /// `92 % of them of ops-alerts, which is 4 % of the load`.
    fn sentence(&self) -> String {
        let percent = |share: f64| Percent((share * 1000.0).round() / 1000.0);
        let is = if self.names.len() == 1 { "is" } else { "are" };
        format!(
            "{} of them of {}, which {is} {} of the load",
            percent(self.share),
            self.names.join(", "),
            percent(self.load_share)
        )
    }
}

fn hint(cause: Cause, message: String, remedy: &str) -> Finding {
    Finding { cause, severity: Severity::Info, message, remedy: remedy.to_owned() }
}

fn checks_failed(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.slots(evidence.summary.total.fates.of(Fate::CheckFailed));
    (part.share() >= PATTERN_SHARE).then(|| {
        hint(
            Cause::ChecksFailed,
            format!("answers had the right status and failed their checks: {part}"),
            "see with each request which check it was, and look at one such answer (steadfire once): an error \
             told with status 200, a page of a proxy, redirects without end, or data that is not there (seed \
             the demo data)",
        )
    })
}

#[cfg(test)]
mod tests;
