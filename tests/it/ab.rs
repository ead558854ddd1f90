//! `ab` on two live servers: whose turn it is, what is said and what is stored.

use serde_json::Value;
use steadfire::report::{Kind, Report};

use crate::server::{OK, Server};
use crate::support::steadfire;

#[test]
fn both_targets_have_their_turns_and_the_comparison_is_stored() {
    let servers = [0, 1].map(|_| Server::answering(|_| OK.to_vec()));
    let (a, b) = (servers[0].url(), servers[1].url());
    let words = "-r 100 --pairs 2 --block 300ms --warmup 100ms --out kept --inconclusive fail";
    let finished = steadfire(&format!("ab --a {a} --b {b} {words} --json"))
        .arg("--a-cmd=echo a >> turns")
        .arg("--b-cmd=echo b >> turns")
        .run();
    assert_eq!(finished.code, 99, "inconclusive counts as a failure here: {}", finished.stderr);
    let told: Value = serde_json::from_str(&finished.stdout).expect("stdout is JSON");
    assert_eq!(told["schema"], "steadfire.comparison/1");
    assert_eq!(told["verdict"]["word"], "inconclusive");
    let sentence = told["verdict"]["sentence"].as_str().expect("a sentence");
    let files = finished.files();
    let file = |name: &str| {
        let found = files.iter().find(|(path, _)| path.ends_with(name));
        found.map_or_else(|| panic!("there is no {name}"), |(_, text)| text.clone())
    };
    // Each side is switched on for its set-up, then before each block, discarded pairs included.
    let turns = file("turns").replace('\n', "");
    assert!(turns.starts_with("ababab") || turns.starts_with("ababba"), "{turns}");
    let report: Report = serde_json::from_str(&file("kept/result.json")).expect("a result");
    let compared = report.comparison.expect("a comparison");
    assert_eq!((report.kind, compared.verdict.sentence.as_str()), (Kind::Ab, sentence));
    let pairs = compared.turns.expect("pairs").pairs;
    assert!((1..=2).contains(&pairs), "{pairs} pairs on a busy machine");
    let figures: Vec<&Value> =
        told["metrics"].as_array().expect("metrics").iter().map(|row| &row["metric"]).collect();
    assert_eq!(&figures[..5], ["p50", "p95", "p99", "errors", "throughput"]);
    assert_eq!(report.fates.planned, 30 * pairs, "B's slots");
}

#[test]
fn what_has_no_place_is_refused_before_anything_is_sent() {
    let server = Server::answering(|_| OK.to_vec());
    let url = server.url();
    let both = format!("ab --a {url} --b {url}");
    let table = [
        ("ab".to_owned(), "--a URL --b URL"),
        (format!("ab --a {url}"), "--b <URL>"),
        (format!("{both} -d 5s"), "--block says"),
        (format!("{both} --find-max-rps --order abab"), "in the order abba only"),
        (format!("{both} --stages 1/s:1s"), "one rate"),
        (format!("{both} --pairs 7"), "an even number"),
        (format!("{both} --order random"), "abba"),
        (format!("{both} {url}"), "only a profile"),
    ];
    for (words, hint) in table {
        steadfire(&words).run().refused(2, &[hint]);
    }
    steadfire(&format!("ab {url} --a-cmd true --b-cmd false"))
        .run()
        .refused(3, &["the command of side B failed"]);
}
