//! The engine against servers that misbehave: whom a failure is charged to, and that a leg always ends.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use steadfire::engine::Pacing;
use steadfire::engine::leg::{Flow, Leg, LegOutcome, Steerable};
use steadfire::engine::prepare::{Surroundings, prepare};
use steadfire::engine::worker_pool::WorkerPool;
use steadfire::load::flow::Flows;
use steadfire::load::plan::{ChosenBy, LatePolicy, Limits, Origin, Plan, ReceiveClock, Scheme};
use steadfire::load::rate::Rate;
use steadfire::load::request::{Expect, OnEmpty, RequestTemplate, Template};
use steadfire::load::schedule::{Arrivals, Horizon, Schedule};
use steadfire::load::slo::{Goals, Slo, Tiers};
use steadfire::load::way::Way;
use steadfire::measure::fate::Fate;
use steadfire::measure::sampling::Sampling;

use crate::server::{OK, asked};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Accepts connections for as long as the test runs; each is served by `serve` on a thread of its own.
fn server(serve: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    address
}

fn plan(address: SocketAddr, rate: Rate, limits: Limits, workers: usize) -> Arc<Plan> {
    let request = RequestTemplate {
        name: "one".into(),
        weight: 1,
        group: None,
        tags: Vec::new(),
        method: http::Method::GET,
        path: Template::literal("/"),
        headers: Vec::new(),
        body: None,
        expect: Expect::SUCCESS,
        on_empty: OnEmpty::Fail,
        goals: Goals::default(),
    };
    Arc::new(Plan {
        name: "test".into(),
        profile_sha256: None,
        origin: Origin {
            scheme: Scheme::Http,
            host: address.ip().to_string(),
            port: address.port(),
            authority: address.to_string(),
            base_path: String::new(),
        },
        way: Way::default(),
        requests: vec![request],
        flows: Flows::default(),
        auth: None,
        setup: Vec::new(),
        pools: Vec::new(),
        feeders: Vec::new(),
        rate,
        stages: None,
        trace: None,
        arrivals: Arrivals::Constant,
        seed: 1,
        warmup: Duration::ZERO,
        duration: Duration::from_secs(1),
        slots: None,
        limits,
        workers,
        pin: Vec::new(),
        receive_clock: ReceiveClock::Kernel,
        slo: Slo::standard(),
        tiers: Tiers::standard(),
    })
}

fn limits(connections: usize, drain: Duration) -> Limits {
    Limits {
        connections,
        connections_by: ChosenBy::User,
        flows: 1000,
        streams: 100,
        in_flight: 1000,
        timeout: Duration::from_secs(5),
        deadline: None,
        connect_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(4),
        drain,
        late: LatePolicy::Send,
    }
}

fn leg(plan: &Plan, horizon: Horizon) -> Leg {
    let Plan { rate, arrivals, seed, .. } = *plan;
    Leg {
        schedule: Schedule { rate, stages: None, trace: None, arrivals, seed, horizon },
        warmup: Duration::ZERO,
        drain: plan.limits.drain,
        slow_after: Duration::from_secs(1),
        sampling: Sampling::None,
        pacing: Pacing::Relaxed,
        steerable: Steerable::No,
        ordered_at: Duration::ZERO,
    }
}

fn launch(plan: &Arc<Plan>, connections: usize) -> WorkerPool {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ready = runtime
        .block_on(prepare(
            plan,
            Surroundings { tls: None, own_life: |_| None, filled: &mut |_| {}, witness: None },
        ))
        .expect("the server is up");
    WorkerPool::launch(plan, ready, connections).expect("workers start")
}

fn run(plan: &Arc<Plan>, horizon: Horizon) -> LegOutcome {
    launch(plan, 1).run(leg(plan, horizon), &mut |_| Flow::Continue).expect("the leg ends")
}

fn per_second(rate: u64) -> Rate {
    Rate::per_second(rate).expect("a rate")
}

#[test]
fn slots_left_by_a_silent_server_were_all_taken_up_in_time() {
    let address = server(|mut stream| while asked(&mut stream) {});
    let plan = plan(address, per_second(100), limits(2, MS(100)), 1);
    let outcome = run(&plan, Horizon { length: Duration::MAX, slots: 40 });
    let fates = outcome.tally.all_requests().fates;
    assert_eq!((fates.of(Fate::Open), fates.of(Fate::Unsent)), (2, 38));
    // Whatever has no dispatch lag would count as lost by the generator.
    assert_eq!(outcome.tally.dispatch_lag().count(), 40);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long the stop takes is what is tested")]
fn a_generator_far_behind_its_rate_still_stops_when_told() {
    let address = server(|mut stream| while asked(&mut stream) {});
    let plan =
        plan(address, per_second(20_000_000), Limits { in_flight: 1, ..limits(1, MS(1)) }, 1);
    let began = Instant::now();
    let horizon = Horizon::after(Duration::from_hours(1));
    let outcome =
        launch(&plan, 1).run(leg(&plan, horizon), &mut |_| Flow::Stop).expect("the leg ends");
    assert!(outcome.stopped && began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let planned = outcome.tally.all_requests().fates.planned();
    let due = u128::from(
        per_second(20_000_000)
            .slots_within(outcome.arrivals_end.since(steadfire::time::Offset::ZERO)),
    );
    assert!(u128::from(planned) >= due, "{planned} of {due}");
}

#[test]
fn windows_of_several_workers_add_up_to_the_tally() {
    let address = server(|mut stream| while asked(&mut stream) && stream.write_all(OK).is_ok() {});
    let plan = plan(address, per_second(100), limits(10, MS(1000)), 3);
    let worker_pool = launch(&plan, 3);
    for _ in 0..5 {
        let mut planned = 0;
        let horizon = Horizon::after(MS(100));
        let outcome = worker_pool
            .run(leg(&plan, horizon), &mut |interval| {
                planned += interval.window.planned;
                Flow::Continue
            })
            .expect("the leg ends");
        assert_eq!((planned, outcome.tally.all_requests().fates.planned()), (10, 10));
    }
}
