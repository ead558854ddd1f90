//! The ledger: whatever the server does, the run ends, and each planned slot has exactly one fate.
//!
//! Servers err by count, so the fates are known to the slot.

use std::time::Duration;

use rustix::process::Signal;
use steadfire::demo::{DemoBackend, Faults, Mode, Settings, Stalls, TEST_EMAIL, TEST_PASSWORD};
use steadfire::report::{Holds, Report, Tier};

use crate::server::{ERROR, OK, Peer, Server, work};
use crate::support::{Finished, steadfire};

/// A hundred slots. The limit on times is out of reach, so that errors alone decide the exit code.
const LOAD: &str = "-r 100 -d 1s --json --slo p95<60s,errors<5%";
const PLANNED: u64 = 100;

/// Offers [`LOAD`] to `url` and checks what holds for any server.
fn offer(url: &str, flags: &str) -> Report {
    let finished = steadfire(&format!("{url} {LOAD} {flags}")).run();
    let report = judged(&finished);
    assert_eq!(report.fates.planned, PLANNED);
    report
}

/// The report, whose error rate must be what the exit code says.
fn judged(finished: &Finished) -> Report {
    let report = finished.report();
    let code = if report.error_rate < 0.05 { 0 } else { 99 };
    assert_eq!(finished.code, code, "{:?}\n{}", report.fates, finished.stderr);
    report
}

fn errors(report: &Report) -> Vec<(&str, u64)> {
    report.requests[0].errors.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()
}

fn found(report: &Report, id: &str) -> bool {
    report.verdict.findings.iter().any(|finding| finding.id == id)
}

/// Answers well, but does `misdeed` at every fourth request and closes.
fn mostly_good(misdeed: impl Fn(Peer) + Send + Sync + 'static) -> Server {
    Server::start(move |mut peer| {
        while let Some(received) = peer.receive() {
            if received.number % 4 == 0 {
                return misdeed(peer);
            }
            peer.send(OK);
        }
    })
}

#[test]
fn bad_statuses_are_counted() {
    let server = Server::answering(|received| {
        if received.number.is_multiple_of(4) { ERROR.to_vec() } else { OK.to_vec() }
    });
    let report = offer(&server.url(), "");
    assert_eq!((report.fates.bad_status, report.fates.ok), (25, 75));
    assert_eq!(report.requests[0].statuses.get(&500), Some(&25));
    assert_eq!(report.failed_response_time.count, 25);
}

#[test]
fn resets_are_counted() {
    let server = mostly_good(Peer::reset);
    // A connection that was used before might have been given up for being idle.
    let report = offer(&server.url(), "--disable-keepalive");
    assert_eq!(report.fates.ok, 75);
    assert_eq!(errors(&report), [("reset", 25)]);
}

#[test]
fn truncated_bodies_are_counted() {
    let server = mostly_good(|peer| peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"));
    let report = offer(&server.url(), "");
    assert_eq!(report.fates.ok, 75);
    assert_eq!(errors(&report), [("closed_early", 25)]);
}

#[test]
fn answers_without_an_end_run_into_the_timeout() {
    let server = mostly_good(|mut peer| {
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        peer.wait_for_close();
    });
    let report = offer(&server.url(), "--timeout 500ms");
    assert_eq!((report.fates.timeout, report.fates.ok), (25, 75));
    assert!(report.response_time.p95 >= 500_000_000 && report.response_time.bounds("p95"));
    assert!(!report.response_time.bounds("p50"));
}

#[test]
fn garbage_is_a_breach_of_the_protocol() {
    let server = Server::start(|mut peer| {
        peer.receive();
        peer.send(b"SSH-2.0-OpenSSH_9.9\r\n");
        peer.wait_for_close();
    });
    let report = offer(&server.url(), "");
    assert_eq!(errors(&report), [("protocol", PLANNED)]);
}

/// Accepts, reads, and never answers.
fn silent() -> Server {
    Server::start(|mut peer| peer.wait_for_close())
}

#[test]
fn a_server_that_never_answers_leaves_every_slot_open_or_timed_out() {
    let server = silent();
    let url = server.url();
    let open = offer(&url, "--drain 300ms");
    assert_eq!(open.fates.open, PLANNED);
    assert!(found(&open, "open"));

    let timed_out = offer(&url, "--timeout 300ms");
    assert_eq!(timed_out.fates.timeout, PLANNED);
    for report in [open, timed_out] {
        let times = &report.response_time;
        assert_eq!(times.censored, PLANNED);
        assert!(times.p50 >= 300_000_000, "{times:?}");
        assert!(["min", "p50", "p95", "p99", "max"].iter().all(|name| times.bounds(name)));
        assert_eq!(report.service_time.count, 0);
        assert!(report.rate.throughput_ok.abs() < f64::EPSILON);
        // What was sent counts when it was, not when it was given up.
        let sent: f64 = report.series.iter().map(|p| p.achieved * p.length as f64 / 1e9).sum();
        assert!((sent - PLANNED as f64).abs() < 0.5, "{sent}");
        assert!(report.series[0].achieved > 0.9 * report.rate.target, "{:?}", report.series[0]);
    }
}

#[test]
fn arrivals_past_the_in_flight_cap_are_shed() {
    let server = silent();
    let report = offer(&server.url(), "--max-in-flight 10 --drain 100ms");
    assert_eq!((report.fates.open, report.fates.shed), (10, PLANNED - 10));
    assert!(found(&report, "shed"));
}

#[test]
fn a_connection_per_answer_is_no_failure() {
    let server = Server::start(|mut peer| {
        peer.receive();
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
    });
    let report = offer(&server.url(), "");
    assert_eq!(report.fates.ok, PLANNED);
    // The first connections are opened before the clock starts.
    assert!(report.connect.count + 16 >= PLANNED, "{:?}", report.connect);
    // One more than requests: whether the target is there at all is tried beforehand.
    assert!(server.connections() as u64 > PLANNED);
}

#[test]
fn idle_connections_closed_without_notice_are_replaced() {
    let server = Server::start(|mut peer| {
        peer.receive();
        peer.send(OK);
    });
    let report = offer(&server.url(), "");
    // Between its answer and its close the server may be put aside long enough to be asked again.
    let stale = report.fates.transport_error;
    assert_eq!(report.fates.ok + stale, PLANNED);
    assert!(stale <= 5, "{:?}", report.requests[0].errors);
}

/// Needs 20 ms for each request of a connection.
fn slow() -> Server {
    Server::answering(|_| {
        work(Duration::from_millis(20));
        OK.to_vec()
    })
}

#[test]
fn waiting_for_the_only_connection_is_response_time() {
    let server = slow();
    let report = offer(&server.url(), "-c 1");
    assert_eq!(report.fates.ok, PLANNED);
    assert_eq!(
        server.connections(),
        2,
        "the one, and the one that tried whether the target is there"
    );
    // A hundred answers take at least two seconds, and the last one was due after 990 ms.
    assert!(report.response_time.max >= 1_010_000_000, "{:?}", report.response_time);
    assert!(report.send_lag.max >= 990_000_000, "{:?}", report.send_lag);
    assert!(report.service_time.min >= 20_000_000, "{:?}", report.service_time);
    assert!(report.service_time.p50 * 4 < report.response_time.p50, "the wait is not in there");
    assert!(report.series.iter().any(|point| point.waiting > 0));
}

/// Of 100/s at the only connection of a server that answers 50/s, half is answered in the drain.
#[test]
fn what_the_drain_brings_is_in_no_rate() {
    let server = slow();
    let words = format!("{} -r 100 -d 1s -c 1 --json --slo rps>60,errors<5%,p95<60s", server.url());
    let finished = steadfire(&words).run();
    let report = finished.report();
    let rate = &report.rate;
    assert_eq!((finished.code, report.fates.ok), (99, PLANNED), "{}", finished.stderr);
    for rate in [rate.achieved, rate.throughput_ok, rate.ended.unwrap_or(f64::MAX)] {
        assert!(rate <= 51.0, "{rate}/s of a server that answers 50/s");
    }
    assert!(rate.achieved >= rate.throughput_ok, "{rate:?}");
    let within = rate.throughput_ok * report.duration as f64 / 1e9;
    assert!((within + rate.drain_ok as f64 - PLANNED as f64).abs() < 0.01, "{rate:?}");
    assert_eq!(report.requests[0].rate.map(|own| own.drain_ok), Some(rate.drain_ok));
    assert_eq!(report.verdict.objectives[0].holds, Holds::No);
    assert_eq!(report.verdict.objectives[0].measured, Some(rate.throughput_ok));
}

#[test]
fn slots_past_their_deadline_time_out_while_they_wait() {
    let server = slow();
    let report = offer(&server.url(), "-c 1 --deadline 300ms");
    let fates = report.fates;
    assert_eq!(fates.ok + fates.timeout, PLANNED);
    assert!(fates.ok >= 10 && fates.timeout >= 20, "{fates:?}");
}

#[test]
fn late_slots_are_shed_on_demand() {
    let server = slow();
    let report = offer(&server.url(), "-c 1 --late shed-after:100ms");
    let fates = report.fates;
    assert_eq!(fates.ok + fates.shed, PLANNED);
    assert!(fates.ok >= 10 && fates.shed >= 30, "{fates:?}");
    assert_eq!(server.received().len() as u64, fates.ok, "what is shed is not sent");
}

#[test]
fn the_warm_up_is_in_no_figure() {
    let server = Server::answering(|_| OK.to_vec());
    // A slot is due the moment the warm-up ends, and it counts.
    let report = offer(&server.url(), "--warmup 500ms --threads 2");
    assert_eq!(report.fates.ok, PLANNED);
    assert_eq!(server.received().len() as u64, PLANNED + 50);
}

#[test]
fn a_stall_of_two_seconds_is_waited_out_or_timed_out() {
    let stalls = Stalls { every: Duration::from_secs(3), hold: Duration::from_secs(2) };
    let settings = Settings { mode: Mode::Instant, stalls: Some(stalls), ..Settings::default() };
    let backend = DemoBackend::start(settings).expect("a loopback port is free");
    let addr = backend.addr();
    let load = |flags: &str| {
        let words = format!("http://{addr}/ -r 100 -d 3s --json --slo p95<60s,errors<5% {flags}");
        let report = judged(&steadfire(&words).run());
        assert_eq!(report.fates.planned, 300);
        report
    };
    let (waited, timed_out) = std::thread::scope(|scope| {
        let waited = scope.spawn(|| load(""));
        let timed_out = load("--timeout 500ms");
        (waited.join().expect("no assertion failed"), timed_out)
    });
    assert_eq!(waited.fates.ok, 300);
    assert!(waited.response_time.max >= 1_980_000_000, "{:?}", waited.response_time);
    // In each period 2 s - 0.5 s are too far from the stall's end: 150 slots, whatever the phase.
    let count = timed_out.fates.timeout;
    assert_eq!(timed_out.fates.ok + count, 300);
    assert!((140..=165).contains(&count), "{count}");
}

#[test]
fn a_target_killed_in_mid_run_is_told_from_a_slow_one() {
    let target = steadfire("target --listen 127.0.0.1:0 --instant").spawn();
    let url = target.line();
    let words = format!("{url} -r 100 -d 3s --json --slo p95<60s,errors<5%");
    let mut run = steadfire(&words).spawn();
    run.await_progress("/s");
    target.signal(Signal::KILL);
    let finished = run.finish();
    let report = judged(&finished);
    assert_eq!((report.fates.planned, finished.code), (300, 99));
    assert!(report.fates.ok >= 50, "{:?}", report.fates);
    assert_eq!(report.fates.ok + report.fates.transport_error, 300);
    let refused = report.requests[0].errors.get("connect_refused").copied().unwrap_or_default();
    assert!(refused >= 100, "{:?}", report.requests[0].errors);
    assert!(found(&report, "connect_refused"));
}

#[test]
fn a_backend_with_every_fault_at_once_is_taken_apart() {
    let faults = Faults { error: 0.1, reset: 0.1, truncate: 0.1, endless: 0.1 };
    let backend = DemoBackend::start(Settings { faults, ..Settings::default() });
    let backend = backend.expect("a loopback port is free");
    // Any path will do: faults strike before routes matter, and what is left is a 404.
    let url = format!("http://{}/nowhere", backend.addr());
    let words = format!("{url} -r 200 -d 2s --json --timeout 400ms --slo p95<60s,errors<5%");
    let report = judged(&steadfire(&words).run());
    let fates = report.fates;
    assert_eq!(fates.planned, 400);
    assert_eq!(fates.bad_status + fates.transport_error + fates.timeout, 400, "{fates:?}");
    let statuses = &report.requests[0].statuses;
    assert!(statuses.keys().all(|status| [404, 500].contains(status)), "{statuses:?}");
    // A tenth each of 400: the seed fixes which.
    for count in [statuses[&500], fates.timeout, fates.transport_error / 2] {
        assert!((20..=60).contains(&count), "{report:?}");
    }
}

#[test]
fn a_request_may_miss_a_limit_of_its_own() {
    let server =
        Server::answering(
            |received| {
                if received.path() == "/bad" { ERROR.to_vec() } else { OK.to_vec() }
            },
        );
    let profile = "slo: p95<60s,errors<50%\nrequests:\n\
                   - {name: good, path: /good, weight: 3, slo: {limit: errors<1%, \
                      excellent: 'p95<60s', acceptable: 'p95<61s'}}\n\
                   - {name: bad, path: /bad, slo: errors<1%}\n";
    let words = format!("app.yaml --host {} -r 100 -d 1s --json", server.url());
    let program = steadfire(&words);
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    let finished = program.run();
    assert_eq!(finished.code, 99, "{}", finished.stderr);
    let report = finished.report();
    assert!(report.verdict.objectives.iter().all(|one| one.holds == Holds::Yes));
    let [good, bad] = &report.requests[..] else { panic!("two requests") };
    assert_eq!((good.objectives[0].holds, good.tier), (Holds::Yes, Some(Tier::Excellent)));
    assert_eq!((bad.objectives[0].holds, bad.tier), (Holds::No, None));
    assert_eq!(bad.objectives[0].measured, Some(1.0));

    let searched = steadfire(&format!("{words} --find-max-rps --max-rate 20 --search-time 8s"));
    std::fs::write(searched.home().join("app.yaml"), profile).expect("a file can be written");
    let search = searched.run().report().search.expect("a search was asked for");
    assert!(search.max_rps.estimate <= 0.0, "{search:?}");
    let breach = search.breach.expect("no rate held");
    assert_eq!(breach.reason, "bad: errors 100 %, not errors < 1 %");
}

#[test]
fn what_was_never_due_is_not_judged() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = "requests:\n\
                   - {name: common, path: /a, weight: 9999}\n\
                   - {name: rare, path: /b, slo: 'p95<60s,errors<1%'}\n\
                   - {name: never, path: /c, weight: 0, slo: errors<1%}\n";
    let words = "--slo p95<60s,errors<5% -r 50 -d 1s --json";
    let program = steadfire(&format!("app.yaml --host {} {words}", server.url()));
    std::fs::write(program.home().join("app.yaml"), profile).expect("a file can be written");
    let finished = program.run();
    let report = finished.report();
    assert_eq!((finished.code, report.requests.len()), (0, 2), "{}", finished.stderr);
    for objective in &report.requests[1].objectives {
        assert_eq!(objective.holds, Holds::NotJudged, "{objective:?}");
        assert_eq!(objective.why.as_deref(), Some("none was due"));
    }
    for told in [
        "limits of requests that are not sent are not judged: never",
        "limits of requests that come up less than once in so short a load are not judged: rare",
    ] {
        assert!(finished.stderr.contains(told), "{}", finished.stderr);
    }
}

/// Whatever the target does, 50/s never are more than 100/s.
#[test]
fn what_cannot_hold_is_refused_before_the_load() {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -r 50 -d 1s --threshold rate>100", server.url());
    let why = "the objective 'rate > 100/s' cannot hold, since 50/s are asked for: raise --rate";
    steadfire(&words).run().refused(2, &[why]);
    assert!(server.received().is_empty());
}

#[test]
fn single_requests_are_written_up_to_a_bound() {
    let server = Server::answering(|received| {
        if received.number.is_multiple_of(4) { ERROR.to_vec() } else { OK.to_vec() }
    });
    let words = format!("{} -r 100 -n 40 --warmup 100ms --json", server.url());
    let kept = |flags: &str, name: &str| {
        let program = steadfire(&format!("{words} --samples {name} {flags}"));
        let file = program.home().join(name);
        let finished = program.run();
        let text = std::fs::read_to_string(&file).expect("the samples are written");
        (finished, text)
    };
    let (finished, text) = kept("", "all.csv");
    let report = finished.report();
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(rows.len() as u64, report.fates.planned, "{}", finished.stderr);
    let bad = rows.iter().filter(|row| row.contains(",bad_status,,500,")).count();
    assert_eq!(bad as u64, report.fates.bad_status);
    let response = |row: &&str| row.split(',').nth(7).and_then(|ns| ns.parse::<u64>().ok());
    let slowest = rows.iter().filter(|row| row.contains(",ok,")).filter_map(response).max();
    let slowest = slowest.expect("some were answered well");
    assert!(slowest.abs_diff(report.response_time.max) <= slowest / 500, "{slowest}");

    let (finished, text) = kept("--samples-max 25", "some.jsonl");
    assert_eq!(text.lines().count(), 25);
    assert!(finished.stderr.contains("25 samples written and 15 left out"), "{}", finished.stderr);
    let refused = steadfire(&format!("{words} --samples raw.txt")).run();
    refused.refused(2, &["--samples", "raw.txt", ".csv or .jsonl"]);
}

#[test]
fn every_request_of_a_mix_keeps_its_own_ledger() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let words = format!(
        "chat-center --host http://{} -r 200 -d 1s --json --slo p95<60s,errors<5% \
         -e LOAD_TEST_EMAIL={TEST_EMAIL} -e LOAD_TEST_PASSWORD={TEST_PASSWORD}",
        backend.addr()
    );
    let report = judged(&steadfire(&words).run());
    assert_eq!((report.fates.planned, report.fates.ok), (200, 200));
    // 200 slots are two whole cycles of a mix of 100.
    for request in &report.requests {
        assert_eq!(request.fates.planned, 2 * u64::from(request.weight), "{}", request.name);
    }
}

#[test]
fn weights_that_requests_without_data_gave_away_stand_beside_those_of_the_profile() {
    let server = Server::answering(|received| match received.path() {
        "/ids" => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec(),
        _ => OK.to_vec(),
    });
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let profile = place.path().join("weights.yaml");
    let text = "setup: [{name: ids, path: /ids, pools: {id: '$[*]'}}]\n\
                requests:\n\
                - {path: /a, weight: 3, group: g}\n\
                - {path: '/{{ pick(id) }}', weight: 4, group: g, on_empty: redistribute}\n\
                - {path: /c, weight: 3}\n";
    std::fs::write(&profile, text).expect("a file can be written");
    let words = format!("{} --host {} -r 100 -n 20 --json", profile.display(), server.url());
    let report = steadfire(&words).run().report();
    let weights: Vec<_> =
        report.requests.iter().map(|one| (one.weight, one.profile_weight)).collect();
    assert_eq!(weights, [(7, Some(3)), (3, None)]);
}
