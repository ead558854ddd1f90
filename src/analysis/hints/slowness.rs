//! Why answers were slow: the server was full, a few endpoints are slow, it stood still now and then, or
//! everything is.

use std::time::Duration;

use super::{Evidence, TooSlow, hint};
use crate::analysis::findings::{Cause, Finding};
use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::load::slo::Objective;
use crate::measure::series::SeriesPoint;
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;
use crate::time::{Human, Offset};

/// Points without which a course is none.
const POINTS_MIN: usize = 6;
/// A median that grows by this factor from the first third to the last grows without end.
const GROWTH: u32 = 2;
/// A server that answers no more than this share of what comes due well is full.
const SERVED_SHARE_MAX: f64 = 0.95;
/// Fewer slots without a good answer are an accident.
const UNSERVED_MIN: u64 = 10;
/// The share of a run that a server may stand still for before that is its usual state.
const STILL_SHARE_MAX: f64 = 0.25;
/// A median below this part of the limit is quick.
const QUICK_PART: u32 = 4;
/// Of fewer answers, one or two decide whether a limit is met.
const ANSWERS_MIN: u64 = 20;
/// Instants that are named at most.
const INSTANTS_MAX: usize = 3;

/// The first of the four that the figures show.
pub(super) fn slow(evidence: &Evidence<'_>) -> Option<Finding> {
    let too_slow = evidence.too_slow()?;
    // What one address does is not the server's usual way.
    if evidence.address_told || waited_to_be_sent(evidence, too_slow) {
        return None;
    }
    saturated(evidence)
        .or_else(|| few_requests(evidence, too_slow))
        .or_else(|| stood_still(evidence, too_slow))
        .or_else(|| everything(evidence, too_slow))
}

/// Whether requests that take long are answered well within the limit once they are sent: what they wait for
/// is a connection, which findings tell.
fn waited_to_be_sent(evidence: &Evidence<'_>, too_slow: TooSlow) -> bool {
    let served = &evidence.summary.total.service_time;
    let quick = match too_slow.objective {
        Objective::ResponseTime { quantile, .. } => served.quantile(quantile),
        _ => served.mean(),
    };
    served.count() > 0 && !too_slow.measured.at_least && quick * 2 <= too_slow.limit
}

/// Good answers stay behind the rate while times grow: an open queue past its capacity.
fn saturated(evidence: &Evidence<'_>) -> Option<Finding> {
    let points: Vec<&SeriesPoint> =
        evidence.points.iter().filter(|point| point.planned > 0).collect();
    if points.len() < POINTS_MIN {
        return None;
    }
    let third = points.len() / 3;
    let (first, last) = (&points[..third], &points[points.len() - third..]);
    let count = |of: fn(&SeriesPoint) -> u64| last.iter().map(|point| of(point)).sum::<u64>();
    let (planned, served) = (count(|point| point.planned), count(|point| point.ok));
    let behind = served as f64 <= planned as f64 * SERVED_SHARE_MAX;
    let (before, after) = (median(first)?, median(last)?);
    let grown = after >= before.saturating_mul(GROWTH);
    if !behind || !grown || planned - served < UNSERVED_MIN {
        return None;
    }
    let length = last.iter().map(|point| point.span()).sum();
    let rate = |count| Figures(per_second(count, length).round());
    Some(hint(
        Cause::Saturated,
        format!(
            "the server is full: it answered {}/s of {}/s well, and the median response time went from {} \
             to {}",
            rate(served),
            rate(planned),
            Human(before),
            Human(after)
        ),
        "this rate is past its capacity, which --find-max-rps finds; to raise it, look at what runs out: \
         CPU of the workers, their number (uvicorn --workers), the database's connection pool, or a call \
         that blocks the event loop",
    ))
}

/// The middle one of the points' medians; those without a good answer have none.
fn median(points: &[&SeriesPoint]) -> Option<Duration> {
    let answered = points.iter().filter(|point| point.ok > 0);
    let mut times: Vec<Duration> = answered.map(|point| point.times()[0].value).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn few_requests(evidence: &Evidence<'_>, too_slow: TooSlow) -> Option<Finding> {
    let slow = |tally: &RequestTally| {
        let entries = tally.response_time.answered.entries();
        let late = entries.iter().filter(|(time, _)| *time >= too_slow.limit);
        late.map(|(_, count)| count).sum::<u64>() + tally.response_time.unanswered.count()
    };
    let blamed = evidence.blamed(slow)?;
    let count = evidence.requests.iter().map(|(_, tally)| slow(tally)).sum();
    Some(hint(
        Cause::SlowRequests,
        format!(
            "few requests are slow: {} took {} or more, {}",
            Count(count),
            Human(too_slow.limit),
            blamed.sentence()
        ),
        "look at these first: a query without an index, a query for each row (N+1), a slow external call, \
         work for a background job",
    ))
}

fn stood_still(evidence: &Evidence<'_>, too_slow: TooSlow) -> Option<Finding> {
    if evidence.standstills_told {
        return None;
    }
    let points: Vec<&SeriesPoint> =
        evidence.points.iter().filter(|point| point.planned > 0).collect();
    let [median, p95] = [0, 1];
    let slow = |point: &&&SeriesPoint| point.times()[p95].value >= too_slow.limit;
    let still: Vec<&&SeriesPoint> = points.iter().filter(slow).collect();
    let quick = |point: &&SeriesPoint| point.times()[median].value * QUICK_PART <= too_slow.limit;
    let others = points.iter().filter(|point| !slow(point)).all(quick);
    let share = still.len() as f64 / points.len().max(1) as f64;
    if points.len() < POINTS_MIN || still.is_empty() || share > STILL_SHARE_MAX || !others {
        return None;
    }
    let instants = still.iter().take(INSTANTS_MAX).map(|point| {
        let begin = point.begin();
        Human(Duration::from_secs(begin.since(Offset::ZERO).as_secs())).to_string()
    });
    Some(hint(
        Cause::StoodStill,
        format!(
            "the server stood still now and then: all slow answers lie in {} of {} intervals, the first at \
             {} into the run; between them it was quick",
            still.len(),
            points.len(),
            instants.collect::<Vec<_>>().join(", ")
        ),
        "look at the log at these instants for what held everything up: a blocking call on the event loop, \
         a garbage collection, a lock, a checkpoint of the database, a scheduled job",
    ))
}

fn everything(evidence: &Evidence<'_>, too_slow: TooSlow) -> Option<Finding> {
    // What was never answered has findings of its own.
    if too_slow.measured.at_least {
        return None;
    }
    let name = match too_slow.objective {
        Objective::ResponseTime { quantile, .. } => crate::load::slo::quantile_name(quantile),
        _ => "the mean".to_owned(),
    };
    let times = &evidence.summary.total.response_time;
    let median = times.quantile(0.5).value;
    // A few slow ones among quick ones are not all.
    if times.count() < ANSWERS_MIN || median * QUICK_PART <= too_slow.limit {
        return None;
    }
    Some(hint(
        Cause::Slow,
        format!(
            "all requests are slow alike: {name} is {}, the limit {}, and the median {}",
            Human(too_slow.measured.value),
            Human(too_slow.limit),
            Human(median)
        ),
        "look at what they share: the database's connection pool (pool_size, max_overflow), the workers' \
         CPU, authentication, middleware, the network; a cache helps those that are asked for often",
    ))
}
