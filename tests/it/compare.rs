//! `compare` and `runs` over stored runs: sides by tag, id and `latest`, words and exit codes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use steadfire::load::random::SplitMix64;
use steadfire::measure::fate::Fate;
use steadfire::measure::slice::{Ended, RequestSlice, Slice};
use steadfire::measure::window::{Interval, Window};
use steadfire::report::{Outcome, Report};
use steadfire::store::folder::{RunFolder, read_slices};
use steadfire::time::Offset;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::report::fits_window_and_paper;
use crate::server::{OK, Server};
use crate::support::{Finished, steadfire};

/// A state folder with runs in it, all made from one real run's result.
struct Runs {
    state: TempDir,
    report: Report,
}

impl Runs {
    fn new() -> Self {
        let server = Server::answering(|_| OK.to_vec());
        let finished = steadfire(&format!("{} -r 50 -n 20 --json", server.url())).run();
        let mut report = finished.report();
        report.duration = 60_000_000_000;
        report.verdict.outcome = Outcome::Pass;
        Self { state: TempDir::new().expect("a temporary folder can be made"), report }
    }

    /// Stores a minute of answers of about `ms`.
    fn store(&self, id: &str, ms: f64, change: impl Fn(&mut Report)) {
        let folder = RunFolder::create_at(&self.folder(id)).expect("a folder can be made");
        let mut random = SplitMix64::new(ms.to_bits() ^ id.len() as u64);
        for second in 1..=60 {
            let mut request = RequestSlice::default();
            for _ in 0..200 {
                let time = Duration::from_secs_f64(ms / 1e3 * random.lognormal(0.1));
                request.record(Ended::new(0, Fate::Ok, time));
            }
            let window = Window { planned: 200, fates: request.fates, ..Window::default() };
            let end = Offset::from_nanos(second * 1_000_000_000);
            let length = Duration::from_secs(1);
            let slice = Slice { end, length, requests: vec![request] };
            folder
                .journal()
                .expect("it can be opened again")
                .append(&Interval { end, length, window }, Some(&slice))
                .expect("a line can be written");
        }
        let mut report = self.report.clone();
        change(&mut report);
        folder.write_result(&report).expect("a result can be written");
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.state.path().join("steadfire/runs").join(id)
    }

    fn exec(&self, words: &str) -> Finished {
        let state = self.state.path().to_str().expect("a temporary folder's name is UTF-8");
        steadfire(words).env("XDG_STATE_HOME", state).run()
    }

    #[track_caller]
    fn expect(&self, words: &str, code: i32, beginning: &str) {
        let finished = self.exec(words);
        assert!(
            finished.code == code && finished.stdout.starts_with(beginning),
            "{words}: {}\n{}{}",
            finished.code,
            finished.stdout,
            finished.stderr
        );
    }
}

#[test]
fn a_run_leaves_its_request_names_slice_by_slice() {
    let server = Server::answering(|_| OK.to_vec());
    let finished = steadfire(&format!("{} -r 50 -n 20", server.url())).run();
    let journal = finished.files().into_iter().map(|(path, _)| path);
    let journal = journal.into_iter().find(|path| path.ends_with("intervals.jsonl"));
    let folder = journal.as_ref().and_then(|path| path.parent()).map(PathBuf::from);
    let mut ended = 0;
    read_slices(&folder.expect("a journal"), |slice| {
        ended += slice.requests.iter().map(|one| one.response_time.count()).sum::<u64>();
    })
    .expect("the journal can be read");
    assert_eq!(ended, 20);
}

#[test]
fn a_baseline_tag_gives_the_noise_and_words_give_exit_codes() {
    let runs = Runs::new();
    for day in 1..=5 {
        let id = format!("2026010{day}-base");
        runs.store(&id, 10.0 + 0.02 * f64::from(day), |_| {});
        assert_eq!(runs.exec(&format!("runs tag {id} baseline")).code, 0);
    }
    runs.store("20260106-equal", 10.0, |_| {});
    runs.store("20260107-slow", 13.0, |_| {});
    runs.store("20260108-quick", 8.0, |_| {});
    runs.store("20260109-other", 10.0, |report| report.plan.rate *= 2.0);

    runs.expect("compare baseline 20260106-equal", 0, "B is the same as A");
    runs.expect("compare baseline 20260107", 99, "B is worse: p50 +");
    runs.expect("compare baseline 20260107 --fail-on-regression=no", 0, "B is worse");
    runs.expect("compare --a baseline --b 20260108 --json", 0, "{");
    runs.expect("compare baseline -- 20260106 20260109", 4, "Not comparable: another rate");
}

#[test]
fn the_comparison_is_a_page_too() {
    let runs = Runs::new();
    runs.store("1-before", 10.0, |_| {});
    runs.store("2-slow", 20.0, |_| {});
    let file = runs.state.path().join("compared.html");
    let words = format!("compare 1-before 2-slow --html {}", file.display());
    runs.expect(&words, 99, "B is worse");
    let page = std::fs::read_to_string(&file).expect("the page is there");
    assert!(page.contains("<span class=\"pill\">WORSE</span>") && page.contains("id=\"both\""));
    if let Some(mut browser) = Browser::start() {
        browser.open(&file);
        fits_window_and_paper(&mut browser);
        assert_eq!(browser.complaints, Vec::<String>::new());
    }
    let nowhere = runs.state.path().join("none/compared.html");
    let failed = runs.exec(&format!("compare 1-before 2-slow --html {}", nowhere.display()));
    assert!(failed.code == 1 && failed.stderr.contains("--html"), "{}", failed.stderr);
}

#[test]
fn without_a_history_the_noise_is_assumed_and_doubt_is_worth_what_was_asked() {
    let runs = Runs::new();
    runs.store("1-before", 10.0, |_| {});
    runs.store("2-after", 10.0, |_| {});
    runs.store("3-faster", 6.0, |_| {});
    runs.store("4-other", 10.0, |report| report.plan.rate *= 2.0);
    runs.expect("compare 1 2", 0, "Inconclusive: about ");
    runs.expect("compare 1 2 --inconclusive fail", 99, "Inconclusive");
    runs.expect("compare --a 1 --b 3", 0, "B is better");
    runs.expect("compare 1 latest", 4, "Not comparable: another rate");
    let figures = runs.exec("compare 1 latest").stdout;
    assert!(figures.contains("p95") && figures.contains("not comparable"), "{figures}");
    runs.expect("compare 1 3 --markdown", 0, "### B is better");
    let json: Value = serde_json::from_str(&runs.exec("compare 1 3 --json").stdout).expect("JSON");
    assert_eq!(json["verdict"]["word"], "better");
    assert!(json["noise"]["runs"].is_null());
    runs.exec("compare 1").refused(2, &["two sides"]);
    runs.exec("compare 1 nothing").refused(2, &["no run, tag or file", "steadfire runs"]);
    runs.exec("compare 1 1-before").refused(2, &["both sides"]);
}

#[test]
fn a_folder_elsewhere_can_be_tagged_and_is_then_known_by_the_tag() {
    let runs = Runs::new();
    runs.store("1-first", 10.0, |_| {});
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = elsewhere.path().join("after");
    std::fs::rename(runs.folder("1-first"), &folder).expect("a folder can be moved");
    let folder = folder.to_str().expect("its name is UTF-8");
    runs.expect(&format!("runs tag {folder} baseline"), 0, "");
    runs.expect("runs show baseline", 0, "PASS");
    assert!(runs.exec("runs").stdout.contains("after  20"));
    runs.expect(&format!("runs untag {folder}"), 0, "");
    runs.expect("runs", 0, "no runs yet");
}

#[test]
fn runs_are_listed_tagged_and_removed() {
    let runs = Runs::new();
    runs.store("1-first", 10.0, |_| {});
    runs.store("2-second", 10.0, |_| {});
    let listed = runs.exec("runs").stdout;
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[0].starts_with("Run "), "{listed}");
    assert!(
        lines[1].starts_with("2-second  20") && lines[1].contains("  50/s over 1 min"),
        "{listed}"
    );
    for words in ["runs tag 1 keep", "runs tag latest keep --move"] {
        runs.expect(words, 0, "");
    }
    runs.exec("runs rm 2").refused(2, &["tagged keep", "runs untag"]);
    runs.expect("runs rm 1", 0, "");
    runs.expect("runs untag 2", 0, "");
    runs.expect("runs show 2", 0, "PASS");
    runs.expect("runs rm latest", 0, "");
    runs.expect("runs list", 0, "no runs yet");
    runs.exec("runs tag latest x").refused(2, &["there is no run"]);
}
