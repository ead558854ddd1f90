//! What the machine withheld is told with its number, and a busy worker only where it explains something.

use std::time::Duration;

use super::*;
use crate::analysis::findings::tests::{FINE, causes, tally};
use crate::measure::generator::{Generator, Strain, Tcp, Throttled, WorkerTime};
use crate::measure::sample::Sample;
use crate::measure::tally::Tally;
use crate::time::Offset;

/// A worker watched for a second that spent these shares on and off its processor.
fn worker(cpu: f64, waited: f64) -> WorkerTime {
    let second = Duration::from_secs(1);
    WorkerTime {
        over: second,
        cpu: Some(second.mul_f64(cpu)),
        waited: Some(second.mul_f64(waited)),
    }
}

fn found(tally: &Tally, generator: &Generator) -> Vec<Cause> {
    let found = causes(tally, |evidence| evidence.generator = generator.clone());
    let ours = found.iter().filter(|(cause, _)| *cause != Cause::ClientLate);
    assert!(ours.clone().all(|(_, severity)| *severity == Severity::Warning), "{found:?}");
    ours.map(|(cause, _)| *cause).collect()
}

#[test]
fn a_busy_or_displaced_worker_is_a_reason_only_where_requests_left_late() {
    let fine = tally(FINE, 0);
    let late = tally(
        Sample {
            sent: Some(Offset::from_nanos(90_000_000)),
            done: Offset::from_nanos(95_000_000),
            ..FINE
        },
        100,
    );
    let table = [
        (worker(0.95, 0.0), vec![Cause::ClientCpu]),
        (worker(0.85, 0.0), vec![]),
        (worker(0.3, 0.05), vec![Cause::ClientWaited]),
        (worker(0.3, 0.01), vec![]),
        (worker(0.93, 0.07), vec![Cause::ClientCpu, Cause::ClientWaited]),
        (WorkerTime::default(), vec![]),
    ];
    for (busy, expected) in table {
        let workers = vec![worker(0.1, 0.0), busy];
        let generator = Generator { workers, ..Generator::default() };
        assert_eq!(found(&late, &generator), expected, "{busy:?}");
        assert_eq!(found(&fine, &generator), [], "{busy:?}");
    }
}

#[test]
fn what_distorts_times_is_told_also_where_requests_left_in_time() {
    let strain = |strain| Generator { strain, ..Generator::default() };
    let overflowed = Tcp { segments: 100, accept_overflows: 2, ..Tcp::default() };
    let stopped = |periods| {
        let throttled = Some(Throttled { periods, time: Duration::from_millis(30) });
        strain(Strain { throttled, ..Strain::default() })
    };
    let stolen = |share| strain(Strain { steal_share: Some(share), ..Strain::default() });
    let open = |needed| {
        let descriptors = Some(Supply { limit: 1_000, needed });
        Generator { descriptors, ..Generator::default() }
    };
    let used = |needed| {
        let ports = Some(Supply { limit: 28_000, needed });
        Generator { ports, ..Generator::default() }
    };
    let table = [
        (stolen(0.012), Some(Cause::CpuStolen)),
        (stolen(0.009), None),
        (stopped(1), Some(Cause::CpuThrottled)),
        (stopped(0), None),
        (
            strain(Strain { tcp: Some(overflowed), ..Strain::default() }),
            Some(Cause::AcceptQueueFull),
        ),
        (open(900), Some(Cause::DescriptorsNear)),
        (open(899), None),
        (used(28_000), Some(Cause::PortsNear)),
        (used(3), None),
    ];
    for (generator, expected) in table {
        assert_eq!(found(&tally(FINE, 0), &generator), Vec::from_iter(expected), "{generator:?}");
    }
}

#[test]
fn the_network_lost_segments_only_if_timers_ran_out_and_the_times_show_it() {
    let timers = Tcp { segments: 9_000, retransmitted: 30, timeouts: 30, ..Tcp::default() };
    let probes = Tcp { timeouts: 0, probes: 30, duplicates: 30, ..timers };
    let early = Tcp { spurious_timeouts: 25, ..timers };
    let took = |ms: u64| Sample { done: Offset::from_nanos(ms * 1_000_000), ..FINE };
    let table = [
        ("timers, and answers just after them", timers, tally(took(206), 30), true),
        ("probes of a quiet link", probes, tally(took(206), 30), false),
        ("timers that ran out too early", early, tally(took(206), 30), false),
        ("timers of others on this machine", timers, tally(FINE, 0), false),
        ("answers that come late by themselves", timers, tally(took(320), 30), false),
        ("a target that takes as long", timers, tally(took(210), 2_000), false),
    ];
    for (what, tcp, tally, told) in table {
        let strain = Strain { tcp: Some(tcp), ..Strain::default() };
        let generator = Generator { strain, ..Generator::default() };
        let expected = if told { vec![Cause::Retransmits] } else { Vec::new() };
        assert_eq!(found(&tally, &generator), expected, "{what}");
    }
}
