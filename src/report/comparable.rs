//! [`differences`]: what keeps stored results from being compared, and what is worth a note.

use std::time::Duration;

use crate::analysis::warm_up::{self, WarmUp};
use crate::load::rate::Figures;
use crate::report::echo::ReplayEcho;
use crate::report::search::Bound;
use crate::report::{Kind, Outcome, Report};
use crate::time::Human;

/// Rates this close, relative, are the same.
const RATE_TOLERANCE: f64 = 0.01;

/// What differs between results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Reasons not to compare them at all.
    pub reasons: Vec<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Holds each of `runs`, given with its name, against the first.
pub fn differences(runs: &[(&str, &Report)]) -> Differences {
    let mut found = Differences::default();
    for (name, report) in runs {
        found.alone(name, report);
    }
    if let Some((first, others)) = runs.split_first() {
        for other in others {
            found.between(*first, *other);
        }
    }
    found
}

impl Differences {
    fn alone(&mut self, name: &str, report: &Report) {
        let outcome = report.verdict.outcome;
        match &report.search {
            Some(search) if search.bound == Bound::BelowMinimum => {
                self.reasons.push(format!("{name} found no rate that holds"));
            }
            None if outcome == Outcome::Invalid => {
                self.reasons.push(format!("{name} is invalid: the generator was the limit"));
            }
            _ => {}
        }
        if !report.segments.is_empty() {
            self.reasons.push(format!(
                "{name} was steered by hand: its figures mix {} segments",
                report.segments.len()
            ));
        } else if report.search.is_none() && report.plan.stages.is_none() {
            self.course(name, report);
        }
        if outcome == Outcome::Incomplete {
            let unconfirmed = report.search.as_ref().is_some_and(|s| s.max_rps.confidence <= 0.0);
            let lacks = if unconfirmed { "confirmed no rate" } else { "was cut short" };
            self.notes.push(format!("{name} {lacks}"));
        }
    }

    /// Figures of a run that had not settled are those of its warm-up.
    fn course(&mut self, name: &str, report: &Report) {
        let start = warm_up::judge(&report.series);
        let Some(found) = warm_up::finding(start) else { return };
        let told = format!("{name}: {}; {}", found.message, found.remedy);
        match start {
            WarmUp::Unsettled(_) => self.reasons.push(told),
            _ => self.notes.push(told),
        }
    }

    fn between(&mut self, (first, a): (&str, &Report), (name, b): (&str, &Report)) {
        let mut refuse = |what: &str, a: String, b: String| {
            if a != b {
                self.reasons.push(format!("another {what}: {first} has {a}, {name} has {b}"));
            }
        };
        refuse("kind", kind(a.kind).to_owned(), kind(b.kind).to_owned());
        let searches = a.search.is_some() && b.search.is_some();
        let (p, q) = (&a.plan, &b.plan);
        if searches {
            refuse("objective", p.slo.clone(), q.slo.clone());
        } else if (p.rate - q.rate).abs() > RATE_TOLERANCE * p.rate.max(q.rate) {
            let rate = |rate| format!("{}/s", Figures(rate));
            refuse("rate", rate(p.rate), rate(q.rate));
        }
        let stages = |stages: &Option<String>| stages.clone().unwrap_or_else(|| "none".to_owned());
        refuse("course of stages", stages(&p.stages), stages(&q.stages));
        let replay = |replay: &Option<ReplayEcho>| {
            replay.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        refuse("replay", replay(&p.replay), replay(&q.replay));
        refuse("spacing of arrivals", p.arrivals.clone(), q.arrivals.clone());
        if !searches {
            refuse("warm-up", human(p.warmup), human(q.warmup));
        }
        refuse("timeout", human(p.timeout), human(q.timeout));
        let deadline = |ns: Option<u64>| ns.map_or_else(|| "none".to_owned(), human);
        refuse("deadline", deadline(p.deadline), deadline(q.deadline));
        refuse("request mix", mix(a), mix(b));
        let clock = |report: &Report| format!("{:?}", report.clock).to_lowercase();
        refuse("clock", clock(a), clock(b));
        let machine = |report: &Report| {
            let environment = &report.environment;
            format!("{} {} with {} CPUs", environment.os, environment.arch, environment.cpus)
        };
        refuse("machine", machine(a), machine(b));
        self.note((first, a), (name, b));
    }

    fn note(&mut self, (first, a): (&str, &Report), (name, b): (&str, &Report)) {
        let mut note = |what: &str, a: &str, b: &str| {
            if a != b {
                self.notes.push(format!("another {what}: {first} has {a}, {name} has {b}"));
            }
        };
        let unknown = "an unknown one";
        let kernel = |report: &Report| report.environment.kernel.clone();
        note(
            "kernel",
            kernel(a).as_deref().unwrap_or(unknown),
            kernel(b).as_deref().unwrap_or(unknown),
        );
        note("version of steadfire", &a.tool.version, &b.tool.version);
        note("version of HTTP", &a.plan.way.http_version, &b.plan.way.http_version);
        note("seed", &a.plan.seed, &b.plan.seed);
        let connections = |report: &Report| report.plan.connections.to_string();
        note("bound on connections", &connections(a), &connections(b));
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Run => "a fixed rate",
        Kind::FindMaxRps => "a search",
        Kind::Ab => "two targets in turns",
    }
}

/// Names and weights.
fn mix(report: &Report) -> String {
    let requests = report.requests.iter();
    let parts: Vec<String> =
        requests.map(|request| format!("{} {}", request.name, request.weight)).collect();
    parts.join(", ")
}

fn human(ns: u64) -> String {
    Human(Duration::from_nanos(ns)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::series::SeriesPoint;
    use crate::report::example::{GOOD, report};

    fn reasons(change: impl Fn(&mut Report)) -> Vec<String> {
        let (a, mut b) = (report(GOOD), report(GOOD));
        change(&mut b);
        differences(&[("A", &a), ("B", &b)]).reasons
    }

    #[test]
    fn equal_plans_are_comparable() {
        let same = report(GOOD);
        assert_eq!(differences(&[("A", &same), ("B", &same)]), Differences::default());
        assert_eq!(reasons(|b| b.plan.origin.push('x')), Vec::<String>::new(), "the point of it");
        assert_eq!(reasons(|b| b.plan.rate *= 1.005), Vec::<String>::new());
    }

    #[test]
    fn each_difference_that_matters_is_named_with_both_sides() {
        type Row = (&'static str, fn(&mut Report));
        let changes: [Row; 11] = [
            ("another rate", |b| b.plan.rate *= 1.1),
            ("another replay", |b| {
                let log = "access.log".to_owned();
                b.plan.replay = Some(ReplayEcho { log, requests: 9, speed: 2.0 });
            }),
            ("another spacing", |b| b.plan.arrivals = "poisson".to_owned()),
            ("another warm-up", |b| b.plan.warmup += 1_000_000_000),
            ("another timeout", |b| b.plan.timeout *= 2),
            ("another deadline", |b| b.plan.deadline = Some(1)),
            ("another request mix", |b| b.requests[0].weight += 1),
            ("another machine", |b| b.environment.cpus += 1),
            ("B is invalid", |b| b.verdict.outcome = Outcome::Invalid),
            ("B was steered by hand", |b| b.segments.push(crate::report::example::segment())),
            ("another course", |b| b.plan.stages = Some("1/s:1s".to_owned())),
        ];
        let unsettled = reasons(|b| {
            b.series = (0..60_u64)
                .map(|second| SeriesPoint {
                    t: (second + 1) * 1_000_000_000,
                    length: 1_000_000_000,
                    ok: 50,
                    p50: if second < 40 { 30_000_000 } else { 9_000_000 },
                    ..b.series[0]
                })
                .collect();
        });
        assert!(unsettled.len() == 1 && unsettled[0].contains("B: it never settled"));
        for (reason, change) in changes {
            let found = reasons(change);
            assert!(found.len() == 1 && found[0].contains(reason), "{reason}: {found:?}");
        }
    }
}
