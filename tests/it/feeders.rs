//! What slots are filled from, over whole runs: rows follow the slots whatever the number of workers, and
//! their end is the run's.

use std::collections::BTreeSet;

use crate::server::{OK, Server};
use crate::support::{Finished, steadfire};

/// Runs this profile, beside these files, against `server`.
fn run(server: &Server, profile: &str, files: &[(&str, &str)], flags: &str) -> Finished {
    let program = steadfire(&format!("p.yaml --host {} --json {flags}", server.url()));
    for (name, text) in files.iter().chain(&[("p.yaml", profile)]) {
        std::fs::write(program.home().join(name), text).expect("a file can be written");
    }
    program.run()
}

fn paths(server: &Server) -> Vec<String> {
    server.received().iter().map(|received| received.path().to_owned()).collect()
}

#[test]
fn unique_rows_are_sent_once_by_all_workers_together_and_end_the_run() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = "
feeders: {users: {csv: users.csv, order: unique}}
requests:
  - {name: user, path: '/{{ users.id }}', weight: 2}
  - {name: other, path: /other}
";
    let rows: Vec<String> = (0..60).map(|row| format!("u{row}")).collect();
    let csv = format!("id\n{}\n", rows.join("\n"));
    let finished = run(&server, profile, &[("users.csv", &csv)], "-r 200 -d 5s --threads 3");
    assert!(finished.stderr.contains("the feeder `users` stops at its last row"));
    let sent = paths(&server);
    let users: Vec<&String> = sent.iter().filter(|path| path.starts_with("/u")).collect();
    let distinct: BTreeSet<&String> = users.iter().copied().collect();
    assert_eq!((users.len(), distinct.len()), (60, 60), "{users:?}");
    let report = finished.report();
    assert_eq!(report.fates.planned, sent.len() as u64);
    assert!(report.verdict.findings.iter().any(|finding| finding.id == "feeder_ended"));
}

#[test]
fn a_slot_has_one_row_and_the_same_one_with_any_number_of_workers() {
    let profile = "
feeders: {f: {process: 'for i in 1 2 3 4 5 6 7; do echo \"$i,v$i\"; done', columns: [a, b]}}
rate: 100/s
duration: 500ms
requests:
  - path: /{{ f.a }}/{{ f.b | upper }}/{{ counter() }}/{{ timestamp('iso') }}
";
    let sent = |threads: &str| {
        let server = Server::answering(|_| OK.to_vec());
        let finished = run(&server, profile, &[], threads);
        assert_eq!(finished.report().fates.ok, 50, "{}", finished.stderr);
        paths(&server)
    };
    let slots = |threads: &str| {
        let mut slots: Vec<String> = sent(threads)
            .iter()
            .map(|path| path.rsplit_once('/').expect("a path has parts").0.to_owned())
            .collect();
        slots.sort();
        slots
    };
    let one = slots("--threads 1");
    assert_eq!(
        (one.len(), &one, one.contains(&"/2/V2/9".to_owned())),
        (50, &slots("--threads 3"), true)
    );
}

#[test]
fn files_parts_and_compressed_bodies_arrive() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = "
requests:
  - {name: file, path: /file, file: a.txt}
  - {name: parts, path: /parts, multipart: {fields: {n: '{{ slot }}'}, files: {f: a.txt}}}
  - {name: packed, path: /packed, json: {a: '{{ slot }}'}, compress: gzip}
";
    let finished = run(&server, profile, &[("a.txt", "hello")], "-r 100 -d 150ms");
    assert_eq!(finished.report().fates.ok, 15, "{}", finished.stderr);
    let received = server.received();
    let of = |path: &str| received.iter().find(|one| one.path() == path).expect("it was sent");
    assert_eq!(of("/file").body, "hello");
    assert!(
        of("/parts").body.contains("filename=\"a.txt\"") && of("/parts").body.contains("hello")
    );
    assert!(of("/packed").headers.contains("content-encoding: gzip"));
}

#[test]
fn an_expression_that_fails_for_a_slot_costs_that_slot_alone() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = "requests: [{path: '/{{ 12 // (3 - slot % 4) }}'}]";
    let finished = run(&server, profile, &[], "-r 100 -d 400ms");
    let report = finished.report();
    assert_eq!((report.fates.ok, report.fates.transport_error), (30, 10), "{}", finished.stderr);
    assert_eq!(report.requests[0].errors.get("template"), Some(&10));
}

#[test]
fn stages_and_variables_stand_beside_the_profile() {
    let server = Server::answering(|_| OK.to_vec());
    let profile = "
stages: [{rate: 50/s, duration: 200ms}, {rate: 100/s, duration: 200ms}]
requests: [{path: '/${WHERE}'}]
";
    let files = [(".env.loadtest", "export WHERE='here' # not there\n")];
    let finished = run(&server, profile, &files, "");
    assert_eq!(finished.report().fates.planned, 30, "{}", finished.stderr);
    assert!(finished.stderr.contains("variables from .env.loadtest"), "{}", finished.stderr);
    assert_eq!(paths(&server)[0], "/here");
    let single = run(&server, profile, &files, "-r 10 -d 300ms");
    assert_eq!(single.report().fates.planned, 3, "--rate goes before the profile's stages");
    run(&server, profile, &files, "-d 300ms").refused(2, &["the profile runs in stages", "--rate"]);
}
