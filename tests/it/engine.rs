//! The engine by itself: each slot is sent once, by whichever worker, as what the mix says, and not before it is
//! due.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use steadfire::engine::Pacing;
use steadfire::engine::leg::{Flow, Leg, LegOutcome, Steerable};
use steadfire::engine::prepare::{Surroundings, prepare};
use steadfire::engine::worker_pool::WorkerPool;
use steadfire::load::flow::Flows;
use steadfire::load::mix::Mix;
use steadfire::load::plan::{ChosenBy, LatePolicy, Limits, Origin, Plan, ReceiveClock, Scheme};
use steadfire::load::rate::Rate;
use steadfire::load::request::{Escape, Expect, OnEmpty, RequestTemplate, Segment, Template};
use steadfire::load::schedule::{Arrivals, Horizon, Schedule};
use steadfire::load::slo::{Goals, Slo, Tiers};
use steadfire::load::steering::{Change, Pace};
use steadfire::load::way::Way;
use steadfire::measure::sampling::Sampling;
use steadfire::measure::summary::Summary;
use steadfire::measure::window::Interval;

use crate::server::{OK, Server};

const RATE: u64 = 400;
const SEED: u64 = 7;
const WEIGHTS: [u32; 3] = [5, 3, 2];

/// `/NAME/SLOT`, so that the server can tell which slot it was sent.
fn request(name: &str, weight: u32) -> RequestTemplate {
    let segments = vec![Segment::Literal(format!("/{name}/")), Segment::SlotIndex];
    RequestTemplate {
        name: name.to_owned(),
        weight,
        group: None,
        tags: Vec::new(),
        method: Method::GET,
        path: Template { segments, escape: Escape::None },
        headers: Vec::new(),
        body: None,
        expect: Expect::SUCCESS,
        on_empty: OnEmpty::Fail,
        goals: Goals::default(),
    }
}

fn plan(server: &Server, workers: usize) -> Plan {
    let authority = server.url().replace("http://", "");
    let (host, port) = authority.split_once(':').expect("an address has a port");
    let second = Duration::from_secs(1);
    Plan {
        name: "engine".to_owned(),
        profile_sha256: None,
        origin: Origin {
            scheme: Scheme::Http,
            host: host.to_owned(),
            port: port.parse().expect("a port is a number"),
            authority: authority.clone(),
            base_path: String::new(),
        },
        way: Way::default(),
        requests: vec![
            request("a", WEIGHTS[0]),
            request("b", WEIGHTS[1]),
            request("c", WEIGHTS[2]),
        ],
        flows: Flows::default(),
        auth: None,
        setup: Vec::new(),
        pools: Vec::new(),
        feeders: Vec::new(),
        rate: Rate::per_second(RATE).expect("it is above 0"),
        stages: None,
        trace: None,
        arrivals: Arrivals::Constant,
        seed: SEED,
        warmup: Duration::ZERO,
        duration: second,
        slots: None,
        limits: Limits {
            connections: 64,
            connections_by: ChosenBy::User,
            flows: 1000,
            streams: 100,
            in_flight: 1_000,
            timeout: 10 * second,
            deadline: None,
            connect_timeout: 5 * second,
            idle_timeout: 4 * second,
            drain: 10 * second,
            late: LatePolicy::Send,
        },
        workers,
        pin: Vec::new(),
        receive_clock: ReceiveClock::Kernel,
        slo: Slo::standard(),
        tiers: Tiers::standard(),
    }
}

/// A second's load, after a warm-up.
fn run(plan: Plan, warmup: Duration) -> (LegOutcome, Summary) {
    steer(plan, warmup, &mut |_| Flow::Continue)
}

/// The same, with somebody who watches and steers.
fn steer(
    plan: Plan,
    warmup: Duration,
    observe: &mut dyn FnMut(&Interval) -> Flow,
) -> (LegOutcome, Summary) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ready = runtime.expect("a runtime can be had").block_on(prepare(
        &plan,
        Surroundings { tls: None, own_life: |_| None, filled: &mut |_| {}, witness: None },
    ));
    let ready = ready.expect("the server is there");
    let leg = Leg {
        schedule: Schedule {
            rate: plan.rate,
            stages: None,
            trace: None,
            arrivals: plan.arrivals,
            seed: plan.seed,
            horizon: Horizon::after(warmup + plan.duration),
        },
        warmup,
        drain: plan.limits.drain,
        slow_after: Duration::MAX,
        sampling: Sampling::None,
        pacing: Pacing::Precise,
        steerable: Steerable::Yes,
        ordered_at: Duration::ZERO,
    };
    let length = plan.duration;
    let worker_pool = WorkerPool::launch(&Arc::new(plan), ready, 8).expect("threads can be had");
    let outcome = worker_pool.run(leg, observe).expect("the workers work");
    let summary = Summary::new(&outcome.tally, length);
    (outcome, summary)
}

/// The name and slot of each request at the server, by slot.
fn slots(server: &Server) -> Vec<(u64, String)> {
    let mut slots: Vec<_> = server
        .received()
        .iter()
        .filter_map(|received| {
            let (name, slot) = received.path()[1..].split_once('/')?;
            Some((slot.parse().ok()?, name.to_owned()))
        })
        .collect();
    slots.sort_unstable();
    slots
}

fn expected(count: u64) -> Vec<(u64, String)> {
    let mix = Mix::new(&WEIGHTS, SEED).expect("there are weights");
    (0..count).map(|slot| (slot, ["a", "b", "c"][mix.request(slot)].to_owned())).collect()
}

#[test]
fn workers_together_send_each_slot_once() {
    for workers in [1, 2, 3] {
        let server = Server::answering(|_| OK.to_vec());
        let (outcome, summary) = run(plan(&server, workers), Duration::ZERO);
        assert_eq!(slots(&server), expected(RATE), "{workers} workers");
        let fates = outcome.tally.requests().iter().map(|request| request.fates.ok());
        assert_eq!(fates.collect::<Vec<_>>(), [200, 120, 80], "{workers} workers");
        assert_eq!(summary.send_lag.count, RATE);
    }
}

#[test]
fn the_warm_up_is_sent_and_not_counted() {
    let server = Server::answering(|_| OK.to_vec());
    let (_, summary) = run(plan(&server, 2), Duration::from_millis(505));
    assert_eq!(slots(&server), expected(RATE + 202));
    assert_eq!(summary.total.fates.planned(), RATE);
    assert_eq!(summary.total.fates.ok(), RATE);
    assert_eq!(summary.dispatch_lag.count, RATE);
}

#[test]
fn a_leg_that_is_turned_has_a_ledger_for_each_part() {
    let server = Server::answering(|_| OK.to_vec());
    let faster = Change::Pace(Pace::Steady(Rate::per_second(2 * RATE).expect("above 0")));
    let pause = Change::Pace(Pace::Paused);
    let mut script = vec![faster, pause, Change::Mark, faster].into_iter();
    let mut windows = 0;
    let (outcome, summary) = steer(plan(&server, 3), Duration::ZERO, &mut |_| {
        windows += 1;
        let turn = (windows % 2 == 1).then(|| script.next()).flatten();
        turn.map_or(Flow::Continue, Flow::Turn)
    });
    assert_eq!((outcome.turns.len(), outcome.parts.len()), (4, 5));
    // At 400/s slots lie 2.5 ms apart, at 800/s half of that, and turns lie on them.
    let at: Vec<u64> = outcome.turns.iter().map(|turn| turn.at.as_nanos()).collect();
    let end = 1_000_000_000;
    let due = [
        at[0] / 2_500_000,
        (at[1] - at[0]) / 1_250_000,
        0,
        0,
        end.max(at[3]).saturating_sub(at[3]).div_ceil(1_250_000),
    ];
    let planned: Vec<u64> = outcome.parts.iter().map(|part| part.fates().planned()).collect();
    assert_eq!(planned, due, "{at:?}");
    assert!(planned[0] > 0 && planned[1] > 0);
    let total: u64 = due.iter().sum();
    assert_eq!((summary.total.fates.planned(), summary.total.fates.ok()), (total, total));
    assert_eq!(slots(&server), expected(total), "slots keep their numbers across turns");
}

#[test]
fn poisson_arrivals_follow_from_the_seed_alone() {
    let planned = |seed: u64, workers: usize| {
        let server = Server::answering(|_| OK.to_vec());
        let plan = Plan { arrivals: Arrivals::Poisson, seed, ..plan(&server, workers) };
        let schedule = Schedule {
            rate: plan.rate,
            stages: None,
            trace: None,
            arrivals: plan.arrivals,
            seed,
            horizon: Horizon::after(plan.duration),
        };
        let due = schedule.stride(0, 1).count() as u64;
        let (_, summary) = run(plan, Duration::ZERO);
        assert_eq!(summary.total.fates.planned(), due, "seed {seed}, {workers} workers");
        assert_eq!(server.received().len() as u64, due, "seed {seed}, {workers} workers");
        due
    };
    let first = planned(1, 1);
    assert_eq!(first, planned(1, 2), "the number of workers changes nothing");
    assert_ne!(first, planned(2, 1), "another seed is another schedule");
}

#[test]
#[cfg(target_os = "linux")]
fn with_precise_pacing_the_kernel_stamps_what_is_sent_and_what_arrives() {
    let server = Server::answering(|_| OK.to_vec());
    let (outcome, summary) = run(plan(&server, 2), Duration::ZERO);
    let stamps = outcome.stamps;
    assert_eq!((stamps.sends.kernel, stamps.sends.user), (RATE, 0));
    assert!(stamps.arrivals.by_kernel(), "{stamps:?}");
    assert!(!summary.send_lag.min.value.is_zero(), "a send takes the kernel a while");
}
