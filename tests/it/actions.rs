//! What other programs read: annotations and a summary in GitHub Actions, CSV, JUnit.

use crate::server::{ERROR, OK, Server};
use crate::support::{Program, steadfire};

fn in_actions(words: &str) -> Program {
    let program = steadfire(words);
    let summary = program.home().join("summary.md").to_string_lossy().into_owned();
    program.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary)
}

#[test]
fn a_failed_objective_is_annotated_and_summarised() {
    let server = Server::answering(|received| {
        if received.number.is_multiple_of(2) { ERROR.to_vec() } else { OK.to_vec() }
    });
    // With a limit on times this loose, a late send on a busy machine does not make the run invalid.
    let words = format!("{} -n 20 -r 100 --slo p95<60s,errors<5% --json", server.url());
    let finished = in_actions(&words).run();
    assert_eq!(finished.code, 99, "{}", finished.stderr);
    assert_eq!(finished.report().fates.planned, 20, "stdout is one JSON document");
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(lines.len(), 1, "{}", finished.stderr);
    assert!(
        lines[0].starts_with("::error title=") && lines[0].contains("errors < 5 %25"),
        "{lines:?}"
    );
    let files = finished.files();
    let (_, summary) = files.iter().find(|(path, _)| path.ends_with("summary.md")).unwrap();
    assert!(summary.starts_with("### ❌ FAIL: "), "{summary}");
    assert!(summary.contains("| ❌ | errors &lt; 5 % | 50 % |"), "{summary}");
    let elsewhere = steadfire(&words).run();
    assert!(!elsewhere.stderr.contains("::error"), "{}", elsewhere.stderr);
}

#[test]
fn other_tools_get_files_of_their_own() {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -n 20 -r 100 --csv out/load --junit out/junit.xml", server.url());
    let finished = steadfire(&words).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let files = finished.files();
    let read = |name: &str| {
        let found = files.iter().find(|(path, _)| path.ends_with(format!("out/{name}")));
        found.map_or_else(|| panic!("there is no {name}"), |(_, text)| text.as_str())
    };
    assert!(read("load_stats.csv").contains("\nGET,GET /,20,0,"), "{}", read("load_stats.csv"));
    for name in ["load_stats_history.csv", "load_failures.csv", "load_exceptions.csv"] {
        assert!(!read(name).is_empty());
    }
    assert!(read("junit.xml").contains("failures=\"0\""), "{}", read("junit.xml"));
}

#[test]
fn mistakes_of_a_profile_are_annotated_where_they_are() {
    let program = in_actions("check bad.yaml");
    let profile = "nmae: x\nrequests:\n  - path: /items\n    wieght: 5\n";
    std::fs::write(program.home().join("bad.yaml"), profile).expect("a file can be written");
    let finished = program.run();
    let places = ["::error file=bad.yaml,line=1,col=1,", "::error file=bad.yaml,line=4,col=5,"];
    finished.refused(2, &[&places[..], &["did you mean `weight`?"]].concat());
}
