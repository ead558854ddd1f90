//! Signals: the first ends arrivals, the second the wait for answers, and everything measured is reported.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use steadfire::demo::{DemoBackend, Settings, TEST_EMAIL, TEST_PASSWORD};
use steadfire::report::search::Bound;
use steadfire::report::{Kind, Outcome};
use steadfire::store::folder::read_result;

use crate::server::{OK, Received, Server};
use crate::support::steadfire;

/// The code a signal should lead to.
#[track_caller]
fn interrupt_a_run(signal: Signal, code: i32) {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -r 200 -d 10m --threads 2 --json --slo p95<60s", server.url());
    let mut run = steadfire(&words).spawn();
    run.await_progress("/s");
    run.signal(signal);
    let finished = run.finish();
    assert_eq!(finished.code, code, "{}", finished.stderr);
    let report = finished.report();
    assert_eq!(report.verdict.outcome, Outcome::Incomplete);
    assert!(report.verdict.findings.iter().any(|finding| finding.id == "interrupted"));
    // Slots lie 5 ms apart, and those due before the stop are the planned ones, no more and no fewer.
    assert_eq!(report.fates.planned, report.duration.div_ceil(5_000_000), "{}", report.duration);
    assert!(report.fates.planned >= 200, "at least until the first progress");
    assert_eq!(report.fates.ok, report.fates.planned);
    assert_eq!(server.received().len() as u64, report.fates.planned);
    assert!(finished.files().iter().any(|(path, _)| path.ends_with("result.json")));
}

#[test]
fn an_interrupted_run_reports_what_it_measured() {
    interrupt_a_run(Signal::INT, 130);
}

#[test]
fn a_terminated_run_reports_what_it_measured() {
    interrupt_a_run(Signal::TERM, 143);
}

#[test]
fn two_signals_at_once_are_one() {
    let server = Server::answering(|_| OK.to_vec());
    let mut run = steadfire(&format!("{} -r 50 -d 10m --json", server.url())).spawn();
    run.await_progress("/s");
    // Two of a kind would reach the process as one.
    run.signal(Signal::TERM);
    run.signal(Signal::INT);
    let finished = run.finish();
    assert!([130, 143].contains(&finished.code), "{}", finished.stderr);
    assert_eq!(finished.report().verdict.outcome, Outcome::Incomplete);
}

#[test]
fn a_later_signal_ends_the_drain_and_the_results_are_written() {
    let server = Server::start(|mut peer| peer.wait_for_close());
    let mut run = steadfire(&format!("{} -r 50 -d 10m --json", server.url())).spawn();
    run.await_progress("/s");
    run.signal(Signal::INT);
    // Nothing is answered, so the drain of 30 s would go on.
    // A line comes each second, and a signal counts again after one.
    for _ in 0..3 {
        run.await_progress("/s");
    }
    run.signal(Signal::INT);
    let finished = run.finish();
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    let report = finished.report();
    assert!(report.fates.open > 0, "{:?}", report.fates);
    let open = report.verdict.findings.iter().find(|finding| finding.id == "open");
    let open = open.expect("what was open is told");
    assert!(open.message.starts_with("unanswered when the wait for it was ended"), "{open:?}");
}

#[test]
fn a_signal_during_log_in_ends_the_program_without_waiting_for_the_answer() {
    let server = Server::start(|mut peer| peer.wait_for_close());
    let words = format!("chat-center --host {} -e LOAD_TEST_EMAIL=a", server.url());
    let mut run = steadfire(&words).arg("-eLOAD_TEST_PASSWORD=b").spawn();
    while server.connections() == 0 {
        assert!(!run.ends_within(Duration::from_millis(20)), "it waits for the log-in");
    }
    run.signal(Signal::TERM);
    assert!(run.ends_within(Duration::from_secs(5)), "the log-in would time out after 10 s");
    run.finish().refused(143, &["interrupted before the load began"]);
}

#[test]
fn an_interrupted_search_tells_what_is_known() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let words = format!(
        "chat-center --host http://{} --find-max-rps --search-time 10m --json \
         -e LOAD_TEST_EMAIL={TEST_EMAIL} -e LOAD_TEST_PASSWORD={TEST_PASSWORD}",
        backend.addr()
    );
    // In the midst of the first trial, and once something is known.
    for trials in [0, 1] {
        let mut run = steadfire(&words).spawn();
        run.await_progress("/s");
        if trials > 0 {
            run.await_progress("held");
        }
        run.signal(Signal::INT);
        let finished = run.finish();
        assert_eq!(finished.code, 130, "{}", finished.stderr);
        let report = finished.report();
        let search = report.search.expect("a search was asked for");
        assert_eq!(report.kind, Kind::FindMaxRps);
        assert!(search.trials.len() >= trials, "{search:?}");
        assert_eq!(search.max_rps.estimate > 0.0, trials > 0, "{search:?}");
        assert_eq!(search.bound, Bound::AtLeast, "no rate was seen to fail");
        // The first trial was broken off in its head, which is not counted.
        assert!(trials == 0 || report.fates.planned > 0);
    }
}

#[test]
fn a_killed_search_goes_on_from_its_folder() {
    let server = Server::answering(|_| OK.to_vec());
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = place.path().join("search");
    let profile = place.path().join("p.yaml");
    let rows: Vec<String> = (0..20_000).map(|row| format!("u{row}")).collect();
    let users = format!("feeders: {{u: {{list: [{}], order: unique}}}}", rows.join(", "));
    std::fs::write(&profile, format!("{users}\nrequests: [{{path: '/{{{{ u }}}}'}}]\n"))
        .expect("a file can be written");
    let words = format!(
        "{} --host {} --find-max-rps --effort quick --max-rate 40 --search-time 12s --json",
        profile.display(),
        server.url()
    );
    let place = |flag: &str| format!("{words} {flag} {}", folder.display());
    let mut run = steadfire(&place("--out")).spawn();
    run.await_progress("ramp 10/s for");
    run.await_progress("ramp 20/s for");
    // Once the next trial is under way, the last one is on the disk.
    run.await_progress("ramp 40/s");
    drop(run);

    let left = read_result(&folder).expect("a killed search leaves what it knows");
    assert_eq!(left.verdict.outcome, Outcome::Incomplete);
    assert_eq!(left.search.map(|search| search.max_rps.estimate), Some(20.0));
    let other = place("--resume").replace("--max-rate 40", "--max-rate 50");
    steadfire(&other).run().refused(2, &["--resume", "highest rate was 40/s and is 50/s"]);

    let finished = steadfire(&place("--resume")).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("2 trials taken over"), "{}", finished.stderr);
    let report = finished.report();
    let search = report.search.expect("a search was asked for");
    assert_eq!((search.bound, search.max_rps.estimate), (Bound::AtLeast, 40.0));
    let rates: Vec<f64> = search.trials.iter().map(|trial| trial.rate).collect();
    assert_eq!(rates, [10.0, 20.0, 40.0, 40.0]);
    assert_eq!(read_result(&folder).expect("stored").verdict.outcome, Outcome::Pass);

    let sent = server.received();
    let distinct: BTreeSet<&str> = sent.iter().map(Received::path).collect();
    assert_eq!(distinct.len(), sent.len(), "unique rows stay so over both sittings");
}
