//! The capacity model in virtual time.

use super::super::endpoint::CHAT_CENTER_MIX;
use super::super::settings::{Freezes, Stalls};
use super::*;

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

fn at(nanos: u64) -> Offset {
    Offset::from_nanos(nanos)
}

fn fixed() -> Settings {
    Settings { service: ServiceTime::Fixed, queue_limit: usize::MAX, ..Settings::default() }
}

/// Time between arrivals at that rate.
fn gap(rate_per_s: f64) -> u64 {
    whole_nanos(Duration::from_secs_f64(1.0 / rate_per_s))
}

fn served(queue: &mut Queue, now: u64, endpoint: Endpoint) -> Ticket {
    match queue.arrive(at(now), endpoint) {
        Admission::Served(ticket) => ticket,
        other => panic!("not served at {now}: {other:?}"),
    }
}

/// The default mix in a fixed order that spreads each endpoint evenly.
fn mix() -> Vec<Endpoint> {
    let mut slots: Vec<(u32, Endpoint)> = CHAT_CENTER_MIX
        .iter()
        .flat_map(|&(endpoint, weight)| {
            (0..weight).map(move |i| ((2 * i + 1) * 10_000 / (2 * weight), endpoint))
        })
        .collect();
    slots.sort();
    slots.into_iter().map(|(_, endpoint)| endpoint).collect()
}

/// Offers the mix at `rate` from `from` to `to` (seconds) and counts answers due in the window given.
fn completed(queue: &mut Queue, rate: f64, (from, to): (u64, u64), window: (u64, u64)) -> u32 {
    let mix = mix();
    let gap = gap(rate);
    let tickets: Vec<Ticket> = (from * SECOND..to * SECOND)
        .step_by(usize::try_from(gap).unwrap())
        .zip(mix.iter().cycle())
        .map(|(now, endpoint)| served(queue, now, *endpoint))
        .collect();
    let window = at(window.0 * SECOND)..at(window.1 * SECOND);
    let inside = tickets.iter().filter(|ticket| window.contains(&queue.due(**ticket))).count();
    u32::try_from(inside).unwrap()
}

fn assert_near(measured: f64, expected: f64, share: f64, what: &str) {
    let off = measured / expected - 1.0;
    assert!(off.abs() <= share, "{what}: {measured:.1} instead of {expected:.1}");
}

#[test]
fn saturated_throughput_is_the_capacity() {
    let stalls = Some(Stalls { every: Duration::from_secs(2), hold: Duration::from_millis(500) });
    let freezes = Freezes { monitoring: Some(Duration::from_millis(50)), ..Freezes::default() };
    let table = [
        ("fixed", fixed()),
        ("one worker", Settings { workers: 1, ..fixed() }),
        ("slower", Settings { service_scale: 2.5, ..fixed() }),
        ("log-normal", Settings { service: ServiceTime::LogNormal, ..fixed() }),
        ("exponential", Settings { service: ServiceTime::Exponential, ..fixed() }),
        ("stalling", Settings { stalls, ..fixed() }),
        ("freezing", Settings { freezes, ..fixed() }),
        ("both", Settings { stalls, freezes, ..fixed() }),
    ];
    for (name, settings) in table {
        let capacity = settings.chat_center_capacity();
        let mut queue = Queue::new(&settings);
        let done = completed(&mut queue, 1.2 * capacity, (0, 100), (0, 100));
        assert_near(f64::from(done) / 100.0, capacity, 0.01, name);
    }
}

#[test]
fn below_capacity_every_request_is_answered_soon() {
    let settings = fixed();
    let mut queue = Queue::new(&settings);
    let rate = 0.5 * settings.chat_center_capacity();
    let gap = gap(rate);
    for (i, endpoint) in (0..).zip(mix().iter().cycle().take(5_000)) {
        let ticket = served(&mut queue, i * gap, *endpoint);
        let response = queue.due(ticket).since(at(i * gap));
        assert!(response < Duration::from_millis(20), "{i}: {response:?}");
    }
}

#[test]
fn service_begins_in_order_of_arrival() {
    let mut queue = Queue::new(&Settings { workers: 1, ..fixed() });
    let ends: Vec<Offset> = (0..50)
        .map(|i| {
            let endpoint = if i % 2 == 0 { Endpoint::PilotReadiness } else { Endpoint::Detail };
            let ticket = served(&mut queue, i, endpoint);
            queue.due(ticket)
        })
        .collect();
    assert!(ends.is_sorted());
    // 25 · 8 ms + 25 · 2.5 ms
    assert_eq!(ends.last(), Some(&at(262_500_000)));
}

#[test]
fn a_stall_delays_what_is_in_service() {
    let stalls = Some(Stalls { every: Duration::from_secs(2), hold: Duration::from_millis(500) });
    let mut queue = Queue::new(&Settings { stalls, ..fixed() });
    let detail = |queue: &mut Queue, ms| {
        let ticket = served(queue, ms * MS, Endpoint::Detail);
        queue.due(ticket).as_nanos() / 1_000
    };
    // Before, across the beginning (1 ms of work done), inside, after.
    assert_eq!(detail(&mut queue, 100), 102_500);
    assert_eq!(detail(&mut queue, 1_499), 2_001_500);
    assert_eq!(detail(&mut queue, 1_700), 2_002_500);
    assert_eq!(detail(&mut queue, 3_000), 3_002_500);
}

#[test]
fn a_freeze_shifts_requests_already_promised() {
    let login = Some(Duration::from_millis(224));
    let freezes = Freezes { login, ..Freezes::default() };
    let mut queue = Queue::new(&Settings { workers: 2, freezes, ..fixed() });
    let slow = served(&mut queue, 0, Endpoint::PilotReadiness);
    assert_eq!(queue.due(slow), at(8 * MS));
    let login = served(&mut queue, MS, Endpoint::Login);
    assert_eq!(queue.due(slow), at(232 * MS));
    assert_eq!(queue.due(login), at(230 * MS));
    // Arrives inside the freeze and finds both workers taken; the log-in's is free first.
    let health = served(&mut queue, 100 * MS, Endpoint::Health);
    assert_eq!(queue.due(health), at(233 * MS));
}

#[test]
fn a_log_in_behind_a_request_does_not_delay_it() {
    let login = Some(Duration::from_millis(224));
    let freezes = Freezes { login, ..Freezes::default() };
    let mut queue = Queue::new(&Settings { workers: 1, freezes, ..fixed() });
    let first = served(&mut queue, 0, Endpoint::Detail);
    let second = served(&mut queue, 0, Endpoint::Login);
    assert_eq!(queue.due(first), at(2_500_000));
    assert_eq!(queue.due(second), at(231_500_000));
}

#[test]
fn a_full_queue_refuses_and_forgets_nobody() {
    let mut queue = Queue::new(&Settings { workers: 1, queue_limit: 3, ..fixed() });
    for _ in 0..4 {
        served(&mut queue, 0, Endpoint::Detail);
    }
    assert_eq!(queue.waiting(), 3);
    let Admission::Full(ticket) = queue.arrive(at(0), Endpoint::Detail) else { panic!("admitted") };
    assert!(queue.due(ticket) <= at(1));
    // One begins at 2.5 ms: one place is free again.
    served(&mut queue, 2_500_000, Endpoint::Detail);
    assert!(matches!(queue.arrive(at(2_600_000), Endpoint::Detail), Admission::Full(_)));
}

#[test]
fn a_refusal_waits_for_the_end_of_a_freeze() {
    let login = Some(Duration::from_millis(224));
    let freezes = Freezes { login, ..Freezes::default() };
    let mut queue = Queue::new(&Settings { workers: 1, queue_limit: 0, freezes, ..fixed() });
    served(&mut queue, 0, Endpoint::Login);
    let Admission::Full(ticket) = queue.arrive(at(MS), Endpoint::Detail) else {
        panic!("admitted")
    };
    assert_eq!(queue.due(ticket), at(224 * MS + 1));
}

#[test]
fn the_rate_limit_admits_its_rate_and_a_short_burst() {
    let mut queue = Queue::new(&Settings { workers: 100, reject_above: Some(200.0), ..fixed() });
    let admitted = (0..10_000)
        .filter(|i| matches!(queue.arrive(at(i * MS), Endpoint::Detail), Admission::Served(_)))
        .count();
    assert!((2_000..=2_020).contains(&admitted), "{admitted}");
}

#[test]
fn overload_collapses_to_a_third_and_recovers() {
    let settings = Settings { overload: Overload::Collapse, ..fixed() };
    let capacity = settings.chat_center_capacity();
    let mut queue = Queue::new(&settings);
    let before = completed(&mut queue, 0.9 * capacity, (0, 20), (0, 20));
    assert_near(f64::from(before) / 20.0, 0.9 * capacity, 0.01, "before");
    // The wait passes 2 s some 7 s after the load does; 40 s later all in service is triple.
    let tipped = completed(&mut queue, 1.3 * capacity, (20, 80), (60, 80));
    assert_near(f64::from(tipped) / 20.0, capacity / 3.0, 0.02, "collapsed");
    // 1.3 · 60 s of arrivals: the backlog needs under 300 s to drain.
    let after = completed(&mut queue, 0.9 * capacity, (400, 420), (400, 420));
    assert_near(f64::from(after) / 20.0, 0.9 * capacity, 0.01, "recovered");
}

#[test]
fn a_steady_server_levels_off() {
    let settings = fixed();
    let capacity = settings.chat_center_capacity();
    let done = completed(&mut Queue::new(&settings), 2.0 * capacity, (0, 60), (30, 60));
    assert_near(f64::from(done) / 30.0, capacity, 0.01, "steady");
}

#[test]
fn a_slow_start_fades() {
    let slow_start = Some(Duration::from_secs(10));
    let mut queue = Queue::new(&Settings { slow_start, ..fixed() });
    let service = |queue: &mut Queue, ms| {
        let ticket = served(queue, ms * MS, Endpoint::Detail);
        queue.due(ticket).since(at(ms * MS))
    };
    let micros = |us| Duration::from_micros(us);
    assert_eq!(service(&mut queue, 0), micros(12_500));
    assert_eq!(service(&mut queue, 5_000), micros(7_500));
    assert_eq!(service(&mut queue, 10_000), micros(2_500));
    assert_eq!(service(&mut queue, 60_000), micros(2_500));
}

#[test]
fn the_seed_decides_service_times() {
    let ends = |seed| {
        let settings = Settings { seed, ..Settings::default() };
        let mut queue = Queue::new(&settings);
        (0..20)
            .map(|i| {
                let ticket = served(&mut queue, i * 10 * MS, Endpoint::Detail);
                queue.due(ticket)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(ends(3), ends(3));
    assert_ne!(ends(3), ends(4));
}
