//! The machine under the generator: what it lacks is told before the load, what it did stands in the
//! result, and what is the generator's own doing is not charged to the server.

use std::time::Duration;

use steadfire::report::{Outcome, Severity};

use crate::server::{OK, Server, work};
use crate::support::{steadfire, steadfire_after};

fn answering() -> Server {
    Server::answering(|_| OK.to_vec())
}

#[test]
fn connections_that_cannot_be_had_are_refused_with_the_remedy() {
    let server = answering();
    let words = format!("{} -r 1000 -d 1s -c 100", server.url());
    let finished = steadfire_after("ulimit -n 40", &words).run();
    finished.refused(2, &["--connections 100", "40 files", "`ulimit -n"]);
    assert!(server.received().is_empty());
}

#[test]
fn an_automatic_bound_on_connections_is_lowered_to_what_the_machine_has() {
    let server = answering();
    let words = format!("{} -r 50 -n 20 --json", server.url());
    let finished = steadfire_after("ulimit -n 40", &words).run();
    assert!(finished.stderr.contains("connections instead of 10,000"), "{}", finished.stderr);
    let report = finished.report();
    assert!((1..40).contains(&report.plan.connections), "{}", report.plan.connections);
    assert_eq!(report.fates.ok, 20);
}

#[test]
fn a_bound_of_ours_that_held_requests_back_makes_the_run_invalid() {
    let server = Server::answering(|_| {
        work(Duration::from_millis(400));
        OK.to_vec()
    });
    // Eighty are in flight, and there is room for less than half of them.
    let words = format!("{} -r 200 -n 300 --json --slo p95<10s", server.url());
    let finished = steadfire_after("ulimit -n 64", &words).run();
    let report = finished.report();
    assert_eq!((finished.code, report.verdict.outcome), (4, Outcome::Invalid));
    let limit = report.verdict.findings.iter().find(|finding| finding.id == "connection_limit");
    let limit = limit.expect("it is told");
    assert_eq!(limit.severity, Severity::Invalid);
    assert!(limit.message.contains("the client was the limit: all"), "{}", limit.message);
    assert!(limit.remedy.contains("ulimit"), "{}", limit.remedy);
    // The same bound, asked for.
    let finished = steadfire(&format!("{words} -c {}", report.plan.connections)).run();
    let limit = finished.report().verdict.findings;
    let limit = limit.iter().find(|finding| finding.id == "connection_limit").expect("it is told");
    assert_eq!(limit.severity, Severity::Warning);
}

#[test]
fn the_soft_limit_on_open_files_is_raised_to_what_is_needed() {
    let server = answering();
    let words = format!("{} -r 1000 -n 20 -c 100 --json", server.url());
    let finished = steadfire_after("ulimit -S -n 40", &words).run();
    let report = finished.report();
    let descriptors = report.generator.descriptors.expect("the limit is known");
    assert!(descriptors.limit > 100 && descriptors.needed <= descriptors.limit);
    assert_eq!(report.fates.ok, 20);
}

#[test]
#[cfg(target_os = "linux")]
fn the_result_tells_what_the_machine_gave_the_generator() {
    let server = answering();
    let words = format!("{} -r 200 -d 1s --threads 2 --pin auto --json", server.url());
    let report = steadfire(&words).run().report();
    let generator = &report.generator;
    assert_eq!((generator.workers.len(), report.plan.workers), (2, 2));
    for worker in &generator.workers {
        let share = worker.cpu_share.expect("a thread knows its time");
        assert!(share > 0.0 && share < 1.1, "{share}");
    }
    let tcp = generator.tcp.expect("Linux counts segments");
    assert!(tcp.segments >= report.fates.ok, "{tcp:?}");
    assert!(generator.ports.is_some_and(|ports| ports.needed > 0 && ports.limit > ports.needed));
    assert!(!report.plan.pin.is_empty());
}

#[test]
fn a_processor_that_is_not_there_cannot_be_pinned() {
    let finished = steadfire("http://127.0.0.1:9/ --pin 1023").run();
    finished.refused(2, &["--pin"]);
    let finished = steadfire("http://127.0.0.1:9/ --pin 3-1").run();
    finished.refused(2, &["--pin", "0,2-3"]);
}

#[test]
fn connections_that_went_stale_make_a_run_invalid_and_not_the_server_bad() {
    // Answers once and hangs up on the next request, which comes after a rest.
    let server = Server::start(|mut peer| {
        peer.receive();
        peer.send(OK);
        peer.receive();
    });
    let load = "-X POST -r 48/m -n 4 -c 1 --json --slo p95<60s,errors<5%";
    let words = format!("{} {load}", server.url());
    let finished = steadfire(&words).run();
    let report = finished.report();
    assert_eq!(report.requests[0].errors.get("stale_connection"), Some(&2), "{:?}", report.fates);
    // The ledger hides nothing; the verdict says whose doing it is.
    assert!((report.error_rate - 0.5).abs() < 1e-9);
    assert_eq!((finished.code, report.verdict.outcome), (4, Outcome::Invalid));
    let stale = report.verdict.findings.iter().find(|finding| finding.id == "stale_connections");
    let stale = stale.expect("it is told");
    assert_eq!(stale.severity, Severity::Invalid);
    assert!(stale.message.contains("not charged to the server"), "{}", stale.message);
    // Without an objective that they break, they are a warning.
    let finished = steadfire(&words.replace("p95<60s,errors<5%", "p25<60s,errors<60%")).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}
