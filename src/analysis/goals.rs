//! Judges what single requests must meet, beside the run as a whole.

use std::time::Duration;

use crate::analysis::slo::{self, Holds, ObjectiveVerdict, RunFigures, TierVerdict};
use crate::load::slo::{Goals, Objective};
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;

/// One in a hundred: how often chance alone may call a limit surely missed.
const SURE_Z: f64 = 2.326;

/// How one request name fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestVerdict {
    /// Its limits, in order; empty if it has none.
    pub objectives: Vec<ObjectiveVerdict>,
    /// Its own tier, if it has bars and came up at all.
    pub tier: Option<TierVerdict>,
}

/// The figures that a request is judged by: `length` is that of the measurement, and the rate asked for is
/// what the request's share of the slots came to.
pub fn figures(tally: &RequestTally, length: Duration) -> RunFigures<'_> {
    RunFigures::of(tally, length, per_second(tally.fates.planned(), length))
}

/// Judges a request.
pub fn judge(goals: &Goals, figures: &RunFigures<'_>) -> RequestVerdict {
    let limit = goals.limit.as_ref();
    let tiers = goals.tiers.as_ref().filter(|_| figures.planned > 0);
    RequestVerdict {
        objectives: limit.map(|limit| slo::judge(limit, figures)).unwrap_or_default(),
        tier: tiers.map(|tiers| slo::tier(tiers, figures)),
    }
}

/// How surely a short trial shows that a limit is missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// The figure misses it, which so few slots may by chance.
    Doubtful,
    /// Chance alone would hardly do that.
    Sure,
}

/// How surely a limit is missed that is `judged` by `figures` over `planned` slots; nothing if it is met, if
/// no slot was due, and for throughput, which bounds the answer and not the load.
///
/// A quantile is compared by the order statistic that it exceeds in 99 of 100 samples (Woodruff, JASA 47,
/// 1952), a share by the lower end of its score interval (Wilson, JASA 22, 1927).
pub fn missed(
    judged: &ObjectiveVerdict,
    figures: &RunFigures<'_>,
    planned: u64,
) -> Option<Confidence> {
    if judged.holds != Holds::No || planned == 0 {
        return None;
    }
    let sure = match judged.objective {
        Objective::Throughput { .. } => return None,
        Objective::ResponseTime { quantile, limit, .. } => {
            let times = figures.response_time;
            let reach = SURE_Z * (quantile * (1.0 - quantile) / times.count().max(1) as f64).sqrt();
            quantile > reach && !times.quantile(quantile - reach).below(limit)
        }
        Objective::ErrorRate { limit, .. } => share_at_least(figures.error_rate, planned) > limit,
        Objective::MeanResponseTime { .. } => false,
    };
    Some(if sure { Confidence::Sure } else { Confidence::Doubtful })
}

/// The lower end of the score interval of a share among so many.
fn share_at_least(share: f64, count: u64) -> f64 {
    let n = count.max(1) as f64;
    let z2 = SURE_Z * SURE_Z;
    let spread = SURE_Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    (share + z2 / (2.0 * n) - spread) / (1.0 + z2 / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;

    /// Good answers that took so long, and failures.
    fn tally(good: u64, slow: u64, failed: u64) -> RequestTally {
        let mut tally = RequestTally::default();
        for (count, ms) in [(good, 10), (slow, 900)] {
            for _ in 0..count {
                tally.fates.record(Fate::Ok);
                tally.response_time.answered.record(Duration::from_millis(ms));
            }
        }
        tally.traffic.within.good = good + slow;
        for _ in 0..failed {
            tally.fates.record(Fate::BadStatus);
        }
        tally
    }

    #[test]
    fn a_request_is_judged_by_its_own_figures() {
        let goals = Goals {
            limit: Some("p95<100ms,errors<5%,rps>20".parse().unwrap()),
            tiers: Some(crate::load::slo::Tiers {
                excellent: "p95<5ms".parse().unwrap(),
                acceptable: "p95<50ms".parse().unwrap(),
            }),
        };
        let tally = tally(99, 0, 1);
        let verdict = judge(&goals, &figures(&tally, Duration::from_secs(10)));
        let holds: Vec<Holds> = verdict.objectives.iter().map(|one| one.holds).collect();
        assert_eq!(holds, [Holds::Yes, Holds::Yes, Holds::NotJudged], "10/s were asked of it");
        assert_eq!(verdict.tier.map(|tier| tier.tier), Some(slo::Tier::Acceptable));
        let none = judge(&Goals::default(), &figures(&tally, Duration::from_secs(10)));
        assert_eq!(none, RequestVerdict::default());
    }

    #[test]
    fn few_slots_leave_a_doubt() {
        let (sure, doubtful) = (Some(Confidence::Sure), Some(Confidence::Doubtful));
        let table = [
            // good, slow, failed, limit
            (1000, 10, 0, "p95<100ms", None),
            (18, 2, 0, "p95<100ms", doubtful),
            (940, 60, 0, "p95<100ms", doubtful),
            (900, 100, 0, "p95<100ms", sure),
            (3, 1, 0, "p95<100ms", doubtful),
            (0, 5, 0, "p95<100ms", sure),
            (0, 200, 0, "p95<100ms", sure),
            (90, 0, 10, "errors<5%", doubtful),
            (800, 0, 200, "errors<5%", sure),
            (0, 0, 3, "errors<5%", sure),
            (0, 0, 0, "p95<100ms", None),
            (1, 50, 0, "mean<100ms", doubtful),
            (10, 0, 0, "rps>20", None),
        ];
        for (good, slow, failed, limit, expected) in table {
            let tally = tally(good, slow, failed);
            let figures = figures(&tally, Duration::from_secs(1));
            let goals = Goals { limit: Some(limit.parse().unwrap()), tiers: None };
            let judged = judge(&goals, &figures).objectives;
            let found = missed(&judged[0], &figures, tally.fates.planned());
            assert_eq!(found, expected, "{good} {slow} {failed} {limit}");
        }
    }
}
