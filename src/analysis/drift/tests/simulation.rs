//! Simulated runs with and without drift: one queue, in virtual time, cut into points of a second.

use std::time::Duration;

use crate::analysis::drift::{Metric, MetricTrend, Trend, judge};
use crate::load::random::SplitMix64;
use crate::measure::series::SeriesPoint;
use crate::time::whole_nanos;

/// A target under constant arrivals: one server, log-normal service times.
#[derive(Clone, Copy, Debug)]
struct Target {
    name: &'static str,
    rate: f64,
    /// Utilisation at the beginning.
    load: f64,
    seconds: u32,
    /// Mean gap between stalls and their length, in seconds.
    stalls: Option<(f64, f64)>,
    /// Slow wander of the service time: standard deviation, and correlation time in seconds.
    wander: (f64, f64),
    drift: DriftKind,
    /// Share of slots that fail with an answer, at the end; from none at the beginning.
    errors: f64,
}

#[derive(Clone, Copy, Debug)]
enum DriftKind {
    No,
    /// Response times grow by this share until the end.
    Ramp(f64),
    /// Response times grow by this share at a random instant in the middle half.
    Jump(f64),
}

const CALM: Target = Target {
    name: "half load, 30 min",
    rate: 200.0,
    load: 0.5,
    seconds: 1_800,
    stalls: None,
    wander: (0.0, 1.0),
    drift: DriftKind::No,
    errors: 0.0,
};

impl Target {
    fn run(&self, random: &mut SplitMix64) -> Vec<SeriesPoint> {
        let mean = self.load / self.rate;
        let (spread, time) = self.wander;
        let keep = (-1.0 / time).exp();
        let (mut free, mut slot, mut wander) = (0.0_f64, 0.0, spread * normal(random));
        let gap = |random: &mut SplitMix64| {
            self.stalls.map_or(f64::INFINITY, |(gap, _)| gap * random.exponential())
        };
        let mut stall = gap(random);
        let jump = 0.25 + 0.5 * random.unit();
        let mut points = Vec::new();
        for second in 0..self.seconds {
            let part = f64::from(second) / f64::from(self.seconds);
            wander = keep * wander + (1.0 - keep * keep).sqrt() * spread * normal(random);
            let mut times = Vec::new();
            let mut failed = 0;
            while slot < f64::from(second + 1) * self.rate {
                let due = slot / self.rate;
                slot += 1.0;
                if due > stall {
                    free = free.max(due) + self.stalls.map_or(0.0, |(_, length)| length);
                    stall = due + gap(random);
                }
                free = free.max(due) + mean * wander.exp() * random.lognormal(1.0);
                times.push((free - due) * self.stretch(part, jump));
                failed += u64::from(random.unit() < self.errors * part);
            }
            points.push(point(second, &mut times, failed));
        }
        points
    }

    fn stretch(&self, part: f64, jump: f64) -> f64 {
        match self.drift {
            DriftKind::No => 1.0,
            DriftKind::Ramp(share) => 1.0 + share * part,
            DriftKind::Jump(share) => 1.0 + if part > jump { share } else { 0.0 },
        }
    }
}

fn normal(random: &mut SplitMix64) -> f64 {
    (2.0 * random.exponential()).sqrt() * (std::f64::consts::TAU * random.unit()).cos()
}

fn point(second: u32, times: &mut [f64], failed: u64) -> SeriesPoint {
    times.sort_by(f64::total_cmp);
    let at = |q: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let rank = (q * times.len() as f64).ceil() as usize;
        whole_nanos(Duration::from_secs_f64(times[rank.clamp(1, times.len()) - 1]))
    };
    let planned = times.len() as u64;
    let (ok, [p50, p95, p99]) = (planned - failed, [at(0.5), at(0.95), at(0.99)]);
    let point = SeriesPoint::example(u64::from(second) + 1, p50);
    SeriesPoint { planned, ok, failed, p95, p99, ..point }
}

/// How many of `runs` runs have a figure that moved, and how many have this one.
fn moved(target: &Target, runs: u64, metric: Metric) -> (u64, u64) {
    let (mut any, mut this) = (0, 0);
    for seed in 0..runs {
        let points = target.run(&mut SplitMix64::for_slot(7, seed));
        let judged = judge(&points).expect("the run is long enough");
        let has_moved = |one: &&MetricTrend| matches!(one.course, Trend::Moved(_));
        any += u64::from(judged.iter().any(|one| has_moved(&one)));
        this += u64::from(judged.iter().filter(has_moved).any(|one| one.metric == metric));
    }
    (any, this)
}

/// Targets without drift.
fn steady() -> Vec<Target> {
    let stalls = Some((20.0, 1.0));
    vec![
        CALM,
        Target { name: "half load, 3 min", seconds: 180, ..CALM },
        Target { name: "load 0.8, 10 min", load: 0.8, seconds: 600, ..CALM },
        Target { name: "load 0.95, 10 min", load: 0.95, seconds: 600, ..CALM },
        Target { name: "load 0.95, 1 h", load: 0.95, seconds: 3_600, ..CALM },
        Target { name: "stalls of 1 s every 20 s, 10 min", stalls, seconds: 600, ..CALM },
        Target { name: "stalls of 1 s every 20 s, 3 min", stalls, seconds: 180, ..CALM },
        Target { name: "stalls of 0.2 s every 2 s", stalls: Some((2.0, 0.2)), ..CALM },
        Target { name: "wander 2 %, 20 s, 10 min", wander: (0.02, 20.0), seconds: 600, ..CALM },
        Target { name: "wander 2 %, 60 s, 10 min", wander: (0.02, 60.0), seconds: 600, ..CALM },
        Target { name: "wander 5 %, 60 s, 1 h", wander: (0.05, 60.0), seconds: 3_600, ..CALM },
    ]
}

/// Targets with a drift of 10 % of every response time, or of errors.
fn drifting() -> Vec<(Target, Metric)> {
    let ramp = DriftKind::Ramp(0.1);
    let jump = DriftKind::Jump(0.1);
    let jitter = (0.02, 20.0);
    vec![
        (Target { name: "ramp of 10 %, 2 h", drift: ramp, seconds: 7_200, ..CALM }, Metric::P95),
        (
            Target {
                name: "ramp of 10 %, wander 2 %, 20 s, 1 h",
                seconds: 3_600,
                drift: ramp,
                wander: jitter,
                ..CALM
            },
            Metric::P50,
        ),
        (
            Target {
                name: "ramp of 10 %, stalls of 1 s every 60 s, 1 h",
                seconds: 3_600,
                drift: ramp,
                stalls: Some((60.0, 1.0)),
                ..CALM
            },
            Metric::P50,
        ),
        (
            Target {
                name: "step of 10 %, wander 2 %, 20 s, 30 min",
                drift: jump,
                wander: jitter,
                ..CALM
            },
            Metric::P50,
        ),
        (Target { name: "errors from 0 to 2 %, 30 min", errors: 0.02, ..CALM }, Metric::Errors),
    ]
}

#[test]
fn few_runs_without_drift_are_warned_of_and_most_with_it_are() {
    for target in steady().iter().filter(|target| target.seconds <= 600) {
        let (any, _) = moved(target, 12, Metric::P50);
        assert!(any <= 1, "{}: {any} of 12 false alarms", target.name);
    }
    for (target, metric) in drifting().into_iter().filter(|(target, _)| target.seconds <= 1_800) {
        let (_, found) = moved(&target, 10, metric);
        assert!(found >= 8, "{}: {found} of 10 found", target.name);
    }
}

/// The table of docs/method.md; `scripts/prove-drift` runs it.
#[test]
#[ignore = "minutes"]
#[expect(clippy::print_stdout, reason = "a table for people")]
fn drift_table() {
    const RUNS: u64 = 200;
    for target in steady() {
        let (any, _) = moved(&target, RUNS, Metric::P50);
        println!("{:45} warned of without drift: {:.1} %", target.name, share(any, RUNS));
        assert!(share(any, RUNS) <= 5.0);
    }
    for (target, metric) in drifting() {
        let (_, found) = moved(&target, RUNS, metric);
        println!("{:45} {} found: {:.1} %", target.name, metric.name(), share(found, RUNS));
        assert!(share(found, RUNS) >= 90.0);
    }
}

fn share(count: u64, of: u64) -> f64 {
    100.0 * count as f64 / of as f64
}
