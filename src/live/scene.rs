//! [`Scene`]: all that a picture of a run shows, as figures.

use std::time::Duration;

use crate::analysis::search::SearchProgress;
use crate::analysis::slo::{self, ObjectiveVerdict, RunFigures};
use crate::live::state::Part;
use crate::live::{Kind, Point, State, Subject};
use crate::load::outline::LoadEnd;
use crate::load::slo::Objective;
use crate::measure::fate::{Fate, FateCounts, TransportError};
use crate::measure::histogram::{CensoredHistogram, Quantile};
use crate::measure::window::{Gauges, per_second};
use crate::time::Offset;

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was sent yet.
    Starting,
    /// What is sent does not count yet.
    Warming,
    /// Sending.
    Running,
    /// Sending nothing until somebody says so.
    Paused,
    /// Waiting for the last answers.
    Draining,
    /// The same, because somebody asked for it.
    Stopping,
}

/// Three quantiles; none if nothing was answered or given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// p50, p95, p99.
    pub quantiles: Option<[Quantile; 3]>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The status, the transport error or the fate, in words.
    pub kind: String,
    /// How many, recently and over the whole.
    pub counts: [u64; 2],
}

/// One request name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its slots that have ended.
    pub fates: FateCounts,
    /// Its response times.
    pub times: Times,
}

/// A part of a whole that is to be filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// 0 to 1.
    pub done: f64,
    /// Time that is over.
    pub over: Duration,
    /// Time that is left, if that can be told.
    pub left: Option<Duration>,
}

/// What there is to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// What is run.
    pub subject: Subject,
    /// What the leg is for.
    pub label: String,
    /// What it is at.
    pub stage: Stage,
    /// How far the leg is.
    pub leg: Share,
    /// How far the run is.
    pub run: Share,
    /// Arrivals per second asked for.
    pub asked: f64,
    /// Sent per second, recently and over the whole.
    pub achieved: [f64; 2],
    /// Answered well per second.
    pub answered: [f64; 2],
    /// Levels now.
    pub gauges: Gauges,
    /// 99th percentile of the send lag.
    pub send_lag: [Duration; 2],
    /// Response times.
    pub times: [Times; 2],
    /// The limits on p50, p95 and p99, where there are any.
    pub limits: [Option<Duration>; 3],
    /// The objectives as they stand over the whole.
    pub objectives: Vec<ObjectiveVerdict>,
    /// Ends of slots.
    pub fates: [FateCounts; 2],
    /// Those that ended badly over the whole, by kind, the most frequent first.
    pub failures: Vec<Failed>,
    /// Per request name.
    pub requests: Vec<Row>,
    /// The last seconds.
    pub history: Vec<Point>,
    /// The search, if this is one.
    pub search: Option<SearchProgress>,
    /// The latest last.
    pub notes: Vec<String>,
}

const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

impl State {
    /// What there is to show now.
    pub fn scene(&self) -> Scene {
        let mut recent = Part::default();
        self.recent.iter().for_each(|second| recent.add(second));
        let parts = [&recent, &self.whole];
        let asked = self.leg.as_ref().map_or(0.0, |leg| leg.rate);
        let requests = self.subject.requests.iter().zip(&self.requests);
        Scene {
            label: self.leg.as_ref().map_or_else(String::new, |leg| leg.label.clone()),
            stage: self.stage(),
            leg: self.leg_share(),
            run: self.run_share(),
            asked: if self.paused { 0.0 } else { asked },
            achieved: parts.map(|part| per_second(part.sent, part.length)),
            answered: parts.map(|part| per_second(part.good, part.length)),
            gauges: self.gauges(),
            send_lag: parts.map(|part| part.send_lag.quantile(0.99)),
            times: parts.map(|part| times(&part.response_time)),
            limits: QUANTILES.map(|quantile| self.limit(quantile)),
            objectives: slo::judge(&self.subject.slo, &figures(&self.whole, asked)),
            fates: parts.map(|part| part.fates),
            failures: failures(parts),
            requests: requests
                .map(|(name, slice)| Row {
                    name: name.clone(),
                    fates: slice.fates,
                    times: times(&slice.response_time),
                })
                .collect(),
            history: self.history.iter().copied().collect(),
            search: match self.subject.kind {
                Kind::Run => None,
                Kind::Search { .. } => Some(self.progress.clone()),
            },
            notes: self.notes.iter().cloned().collect(),
            subject: self.subject.clone(),
        }
    }

    fn stage(&self) -> Stage {
        if self.stopping {
            Stage::Stopping
        } else if self.leg.is_none() || self.at == Offset::ZERO {
            Stage::Starting
        } else if self.leg_share().done >= 1.0 {
            Stage::Draining
        } else if self.paused {
            Stage::Paused
        } else if self.is_warming() {
            Stage::Warming
        } else {
            Stage::Running
        }
    }

    fn leg_share(&self) -> Share {
        let over = self.at.since(Offset::ZERO);
        let Some(leg) = &self.leg else { return Share { done: 0.0, over, left: None } };
        match leg.end {
            LoadEnd::At(end) => {
                let done = over.as_secs_f64() / end.as_secs_f64().max(1e-9);
                Share { done: done.min(1.0), over, left: Some(end.since(self.at)) }
            }
            LoadEnd::Slots(slots) => {
                let left = slots.saturating_sub(self.due) as f64 / leg.rate.max(1e-9);
                let done = self.due as f64 / slots.max(1) as f64;
                let left = Duration::try_from_secs_f64(left).ok().filter(|_| !self.paused);
                Share { done: done.min(1.0), over, left }
            }
        }
    }

    fn run_share(&self) -> Share {
        let Kind::Search { time } = self.subject.kind else { return self.leg_share() };
        let over = self.spent + self.at.since(Offset::ZERO);
        let done = over.as_secs_f64() / time.as_secs_f64().max(1e-9);
        Share { done: done.min(1.0), over, left: Some(time.saturating_sub(over)) }
    }

    fn limit(&self, quantile: f64) -> Option<Duration> {
        let limits = self.subject.slo.objectives.iter().filter_map(|objective| match objective {
            Objective::ResponseTime { quantile: q, limit, .. } if (q - quantile).abs() < 1e-9 => {
                Some(*limit)
            }
            _ => None,
        });
        limits.min()
    }
}

fn times(times: &CensoredHistogram) -> Times {
    let known = times.count() > 0;
    Times { quantiles: known.then(|| QUANTILES.map(|quantile| times.quantile(quantile))) }
}

/// What went wrong, by the finest kind that is counted while a run lasts.
fn failures(parts: [&Part; 2]) -> Vec<Failed> {
    let whole = parts[1];
    let statuses = whole.bad_statuses.keys().map(|status| {
        let count = |part: &Part| part.bad_statuses.get(status).copied().unwrap_or(0);
        (format!("status {status}"), parts.map(count))
    });
    let broken = TransportError::ALL.iter().map(|error| {
        (error.name().replace('_', " "), parts.map(|part| part.errors[error.index()]))
    });
    let told_above = |fate: Fate| matches!(fate, Fate::BadStatus | Fate::TransportError(_));
    let others = Fate::ALL.into_iter().filter(|fate| *fate != Fate::Ok && !told_above(*fate));
    let others =
        others.map(|fate| (fate.name().replace('_', " "), parts.map(|part| part.fates.of(fate))));
    let mut failures: Vec<Failed> = statuses
        .chain(broken)
        .chain(others)
        .filter(|(_, [_, whole])| *whole > 0)
        .map(|(kind, counts)| Failed { kind, counts })
        .collect();
    failures.sort_by_key(|failed| std::cmp::Reverse(failed.counts[1]));
    failures
}

/// What is seen so far, the generator's own errors included: they are told apart in the verdict.
fn figures(part: &Part, rate_asked: f64) -> RunFigures<'_> {
    let answered = per_second(part.good, part.length);
    RunFigures::as_seen(&part.response_time, &part.fates, answered, rate_asked)
}
