//! Response times against queueing theory: one worker, one service time, Poisson arrivals (M/D/1).
//!
//! Arrivals follow from the seed, so what each must wait is known beforehand by Lindley's recursion:
//! W' = max(0, W + D - gap) (D. V. Lindley, The Theory of Queues with a Single Server, 1952).

use std::time::Duration;

use steadfire::demo::{DemoBackend, Endpoint, ServiceTime, Settings};
use steadfire::load::rate::Rate;
use steadfire::load::schedule::{Arrivals, Horizon, Schedule};

use crate::support::steadfire;

const MS: u64 = 1_000_000;
const SERVICE: u64 = 10 * MS;
/// 80 % of what one worker can serve.
const RATE: u64 = 80;
const SECONDS: u64 = 3;
/// What the way to the target and back, its wake-up and ours may add.
const PATH: u64 = 2 * MS;
/// A busy machine delays arrivals and answers; one quiet attempt is enough.
const ATTEMPTS: usize = 6;

/// Times in the system of every arrival of the run, by the recursion from an empty queue; ascending.
fn sojourns() -> Vec<u64> {
    let schedule = Schedule {
        rate: Rate::per_second(RATE).expect("a rate can be this"),
        stages: None,
        trace: None,
        arrivals: Arrivals::Poisson,
        seed: 1,
        horizon: Horizon::after(Duration::from_secs(SECONDS)),
    };
    let mut free = 0;
    let mut times = Vec::new();
    for slot in schedule.stride(0, 1) {
        let due = slot.due.as_nanos();
        free = due.max(free) + SERVICE;
        times.push(free - due);
    }
    times.sort_unstable();
    times
}

#[test]
fn a_queue_with_one_worker_takes_as_long_as_lindley_says() {
    let scale = Duration::from_nanos(SERVICE).div_duration_f64(Endpoint::Health.mean_service());
    let settings = Settings {
        workers: 1,
        service: ServiceTime::Fixed,
        service_scale: scale,
        ..Settings::default()
    };
    let expected = sojourns();
    let at = |percent: usize| expected[(expected.len() * percent).div_ceil(100) - 1];
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let backend = DemoBackend::start(settings.clone()).expect("a loopback port is free");
        let url = format!("http://{}/health", backend.addr());
        let flags = format!("-r {RATE} -d {SECONDS}s --arrivals poisson --seed 1 --json");
        let report = steadfire(&format!("{url} {flags}")).run().report();
        assert_eq!(report.fates.ok, expected.len() as u64);
        let times = &report.response_time;
        let pairs = [(times.p50, at(50)), (times.p90, at(90)), (times.p99, at(99))];
        if pairs.iter().all(|&(is, by)| is >= by * 99 / 100 && is <= by * 102 / 100 + PATH) {
            return;
        }
        seen.push(pairs);
    }
    panic!("other than the recursion in every attempt (measured, computed, in ns): {seen:?}");
}
