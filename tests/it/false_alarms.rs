//! Comparisons of simulated runs whose true change is known: how often they cry wolf, and what they find.
//!
//! The few seeds here guard the figures of `docs/method.md`; `scripts/prove-compare` runs the full table.

use std::time::Duration;

use steadfire::analysis::compare::comparison::{Comparison, Margins, Metric, Run, Scope};
use steadfire::analysis::compare::decision::Word;
use steadfire::analysis::compare::noise::Noise;
use steadfire::analysis::compare::quantile::QuantileEstimate;
use steadfire::analysis::compare::rates::ServedRate;
use steadfire::analysis::compare::timeline::{Moment, Timeline};
use steadfire::load::random::SplitMix64;
use steadfire::measure::fate::Fate;
use steadfire::measure::slice::{Ended, RequestSlice};

/// A queue with one server, exponential service times and evenly spaced arrivals: neighbours in time
/// depend on each other the more, the busier it is.
#[derive(Clone, Copy, Debug)]
struct Queue {
    rate: u32,
    /// Share of its time in which the server is busy.
    busy: f64,
    seconds: u32,
    /// Standard deviation of the service time between runs, relative.
    jitter: f64,
    /// Mean seconds between stalls of 0.2 s on average; 0 for none.
    stall_every: f64,
    /// Servers; more than one make neighbours nearly independent.
    servers: usize,
}

const PLAIN: Queue =
    Queue { rate: 200, busy: 0.5, seconds: 120, jitter: 0.0, stall_every: 0.0, servers: 1 };

impl Queue {
    /// A run of it with service times `slower` times as long.
    fn run(self, random: &mut SplitMix64, slower: f64) -> Run {
        let normal = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let between = (self.jitter * normal).exp();
        let rate = f64::from(self.rate);
        let mean = self.busy * self.servers as f64 / rate * slower * between;
        let mut free = vec![0.0_f64; self.servers];
        let mut stall = self.stall_every * random.exponential();
        let mut slices = Vec::new();
        let warm_up = 3.0;
        for second in 0..self.seconds + 3 {
            let mut slice = RequestSlice::default();
            for slot in 0..self.rate {
                let due = f64::from(second) + f64::from(slot) / rate;
                let server = (0..self.servers)
                    .min_by(|&a, &b| free[a].total_cmp(&free[b]))
                    .expect("a server");
                let mut service = mean * random.exponential();
                if self.stall_every > 0.0 && due >= stall {
                    service += 0.2 * random.exponential();
                    stall += self.stall_every * random.exponential();
                }
                free[server] = free[server].max(due) + service;
                let time = Duration::from_secs_f64(free[server] - due);
                slice.record(Ended::new(0, Fate::Ok, time));
            }
            if f64::from(second) >= warm_up {
                slices.push(Moment::from(&slice));
            }
        }
        Run {
            total: Timeline { moments: slices },
            served: ServedRate { asked: rate, good: rate },
            length: Duration::from_secs(u64::from(self.seconds)),
            ..Run::default()
        }
    }

    /// The noise that `runs` stored runs of one build show.
    fn history(self, random: &mut SplitMix64, runs: usize) -> [Noise; 3] {
        let runs: Vec<Run> = (0..runs).map(|_| self.run(random, 1.0)).collect();
        Metric::TIMES.map(|metric| {
            let located = runs
                .iter()
                .map(|run| QuantileEstimate::new(&run.total, metric.quantile()).expect("times"));
            Noise::from_history(&[located.collect()]).expect("enough runs")
        })
    }
}

/// What pairs of runs came to, B being `slower` times as slow.
#[derive(Default, Debug)]
struct Tally {
    worse: u32,
    better: u32,
    /// The median had nothing to do with it.
    p95_worse: u32,
    pairs: u32,
}

fn pairs(queue: Queue, slower: f64, (seed, pairs): (u64, u32), history: usize) -> Tally {
    let mut random = SplitMix64::new(seed);
    let mut tally = Tally { pairs, ..Tally::default() };
    for _ in 0..pairs {
        let (a, b) = (queue.run(&mut random, 1.0), queue.run(&mut random, slower));
        let located = |metric: Metric| {
            [&a, &b].map(|run| QuantileEstimate::new(&run.total, metric.quantile()).expect("times"))
        };
        let noise = match history {
            0 => Metric::TIMES.map(|metric| Noise::assumed(metric.quantile(), &located(metric))),
            runs => queue.history(&mut random, runs),
        };
        let found = Comparison::new((&[a], &[b]), noise, &Margins::default(), Scope::Total);
        let p95 = found.rows.iter().find(|row| row.metric == Metric::P95).expect("a row");
        tally.worse += u32::from(found.word == Word::Worse);
        tally.better += u32::from(found.word == Word::Better);
        tally.p95_worse += u32::from(p95.judged.word == Word::Worse);
    }
    tally
}

/// Without autocorrelation from a queue: servers enough.
const WIDE: Queue = Queue { servers: 16, ..PLAIN };

#[test]
fn equal_runs_are_seldom_told_apart() {
    let short = Queue { seconds: 40, ..PLAIN };
    for queue in [
        Queue { busy: 0.8, jitter: 0.02, ..short },
        Queue { jitter: 0.02, stall_every: 10.0, ..short },
    ] {
        let found = pairs(queue, 1.0, (11, 12), 0);
        assert!(found.worse + found.better <= 1, "{queue:?}: {found:?}");
    }
    let found = pairs(Queue { jitter: 0.02, ..short }, 1.0, (12, 8), 5);
    assert!(found.worse + found.better <= 1, "{found:?}");
}

#[test]
fn a_tenth_slower_is_found_with_a_history() {
    let queue = Queue { jitter: 0.01, ..WIDE };
    let found = pairs(queue, 1.1, (13, 8), 8);
    assert!(found.p95_worse >= 7 && found.better == 0, "{found:?}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a table to read")]
#[ignore = "the full table, a minute of reckoning: scripts/prove-compare"]
fn full_table() {
    let with = |change: fn(&mut Queue)| {
        let mut queue = Queue { jitter: 0.02, ..PLAIN };
        change(&mut queue);
        queue
    };
    let cases = [
        ("busy 0.5", with(|_| {})),
        ("busy 0.8", with(|queue| queue.busy = 0.8)),
        ("busy 0.9", with(|queue| queue.busy = 0.9)),
        ("stalls", with(|queue| queue.stall_every = 10.0)),
        ("busy 0.8, stalls", with(|queue| (queue.busy, queue.stall_every) = (0.8, 10.0))),
        ("16 servers", with(|queue| queue.servers = 16)),
    ];
    let mut loud = Vec::new();
    for (name, queue) in cases {
        for history in [0, 5] {
            let found = pairs(queue, 1.0, (21, 200), history);
            eprintln!("A/A {name}, 2 % jitter, history {history}: {found:?}");
            if found.worse + found.better > found.pairs / 20 {
                loud.push(format!("{name}, history {history}: {found:?}"));
            }
        }
    }
    assert!(loud.is_empty(), "{loud:?}");
    for history in [5, 8] {
        let found = pairs(Queue { jitter: 0.01, ..WIDE }, 1.1, (22, 200), history);
        eprintln!("A/B +10 %, 1 % jitter, history {history}: {found:?}");
        assert!(found.p95_worse >= found.pairs / 10 * 9);
    }
}
