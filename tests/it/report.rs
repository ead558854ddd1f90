//! Results in every format, from the run itself and from its folder again, read by what they are meant for.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustix::process::Signal;
use serde_json::Value;
use steadfire::report::{Outcome, Report};
use steadfire::store::folder::{JOURNAL, RESULT};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::server::{ERROR, OK, Server};
use crate::support::{Finished, steadfire};

const HOSTILE: &str = "</script><script>alert(1)</script><img src=x onerror=alert(2)>";
const FORMS: [&str; 10] = [
    "html",
    "svg",
    "xml",
    "hlog",
    "hgrm",
    "bench.json",
    "_stats.csv",
    "_stats_history.csv",
    "_failures.csv",
    "_exceptions.csv",
];

fn flags(at: &Path) -> String {
    let at = at.join("out").display().to_string();
    format!(
        "--html {at}.html --svg {at}.svg --junit {at}.xml --hlog {at}.hlog --hgrm {at}.hgrm \
         --bench-json {at}.bench.json --csv {at}"
    )
}

fn read(folder: &Path, form: &str) -> String {
    let dot = if form.starts_with('_') { "" } else { "." };
    let path = folder.join(format!("out{dot}{form}"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A run of a hostile profile with every format asked for, in `folder/run`.
fn run(folder: &Path, server: &Server) -> Finished {
    let profile = format!(
        "name: '{HOSTILE}'\nrequests:\n  - name: \"{HOSTILE}\"\n    path: /a\n    weight: 3\n  \
         - name: '=1+1'\n    path: /b\n    weight: 1\n"
    );
    std::fs::write(folder.join("profile.yaml"), profile).expect("a file can be written");
    let words = format!(
        "{} --host {} -r 100 -d 3s --json -o {} {}",
        folder.join("profile.yaml").display(),
        server.url(),
        folder.join("run").display(),
        flags(folder)
    );
    steadfire(&words).arg("-H").arg(&format!("X-Long: {}", "x".repeat(10_000))).run()
}

fn some_fail() -> Server {
    Server::answering(|request| if request.number % 10 == 0 { ERROR.to_vec() } else { OK.to_vec() })
}

#[test]
fn one_command_gives_every_format_and_report_gives_them_again() {
    let (folder, again) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let finished = run(folder.path(), &some_fail());
    assert_eq!(finished.code, 99, "{}", finished.stderr);
    let report = finished.report();
    let stored = folder.path().join("run");
    for file in ["report.html", "run.hlog", "plan.json", RESULT, JOURNAL] {
        assert!(stored.join(file).is_file(), "{file}");
    }

    let words = format!("report {} --json {}", stored.display(), flags(again.path()));
    let shown = steadfire(&words).run();
    assert_eq!((shown.code, shown.report() == report), (0, true), "{}", shown.stderr);
    for form in FORMS {
        let (first, second) = (read(folder.path(), form), read(again.path(), form));
        if form == "xml" {
            assert_eq!(first.len(), second.len(), "{form}");
        } else {
            assert!(first == second, "{form} differs");
        }
        assert!(!first.contains(['\0', '\u{1b}']) && !first.contains("xxxxxxxxxx"), "{form}");
        // Elsewhere they are text.
        if ["html", "svg", "xml"].contains(&form) {
            assert!(!first.contains("<script>alert") && !first.contains("<img"), "{form}");
        }
    }
    assert!(
        read(folder.path(), "html") == std::fs::read_to_string(stored.join("report.html")).unwrap()
    );
    read_by_others(folder.path(), &report);

    let text = steadfire(&format!("report {}", stored.display())).run();
    assert!(text.stdout.starts_with("FAIL"), "{}", text.stdout);
    assert!(!text.stdout.contains(['\0', '\u{1b}']), "{}", text.stdout);
    let markdown = steadfire(&format!("report {} --markdown", stored.display())).run();
    assert!(markdown.stdout.starts_with("### "), "{}", markdown.stdout);
    let both = steadfire(&format!("report {} --json --markdown", stored.display())).run();
    both.refused(2, &["only one can be printed"]);
}

/// Each file by a reader of its kind.
#[expect(clippy::print_stderr, reason = "a check that is left out says so")]
fn read_by_others(folder: &Path, report: &Report) {
    let bench: Value = serde_json::from_str(&read(folder, "bench.json")).expect("JSON");
    assert_eq!(bench[0]["value"].as_f64(), Some(report.response_time.p50 as f64 / 1e6));
    let stats = read(folder, "_stats.csv");
    let total: Vec<&str> = stats.lines().last().expect("a line").split(',').collect();
    assert_eq!((total[1], total[2]), ("Aggregated", "300"));
    assert_eq!(total[3], (report.fates.planned - report.fates.ok).to_string());
    let script = "import sys, csv, xml.dom.minidom as xml\n\
        at = sys.argv[1]\n\
        for name in ('xml', 'svg'): xml.parse(at + '.' + name)\n\
        rows = list(csv.DictReader(open(at + '_stats.csv')))\n\
        assert rows[-1]['Name'] == 'Aggregated' and float(rows[-1]['95%']) > 0, rows[-1]\n\
        try: from hdrh.log import HistogramLogReader\n\
        except ImportError: sys.exit(7)\n\
        from hdrh.histogram import HdrHistogram\n\
        whole = HdrHistogram(1, 3600000000000, 3)\n\
        log = HistogramLogReader(at + '.hlog', whole)\n\
        while True:\n    \
            part = log.get_next_interval_histogram()\n    \
            if part is None: break\n    \
            if part.get_tag() is None: whole.add(part)\n\
        print(whole.get_total_count(), whole.get_value_at_percentile(95))\n";
    let Ok(read) = Command::new("python3").args(["-c", script]).arg(folder.join("out")).output()
    else {
        eprintln!("left out: there is no python3 to read the files with");
        return;
    };
    let told = String::from_utf8_lossy(&read.stdout);
    match read.status.code() {
        Some(7) => eprintln!("left out: Python's hdrhistogram is not installed"),
        Some(0) => {
            let figures: Vec<u64> =
                told.split_whitespace().map(|word| word.parse().expect("a number")).collect();
            assert_eq!(figures[0], report.response_time.count);
            let p95 = report.response_time.p95;
            assert!(figures[1].abs_diff(p95) <= p95 / 500, "{told}: {p95}");
        }
        _ => panic!("{told}{}", String::from_utf8_lossy(&read.stderr)),
    }
}

#[test]
fn a_killed_run_is_told_up_to_its_last_second() {
    let (server, folder) = (Server::answering(|_| OK.to_vec()), TempDir::new().unwrap());
    let stored = folder.path().join("run");
    let words = format!("{} -r 200 -d 10m -o {}", server.url(), stored.display());
    let mut running = steadfire(&words).spawn();
    for _ in 0..3 {
        running.await_progress("/s");
    }
    running.signal(Signal::KILL);
    assert!(running.ends_within(Duration::from_secs(10)));
    assert!(!stored.join(RESULT).exists());

    let shown =
        steadfire(&format!("report {} --json {}", stored.display(), flags(folder.path()))).run();
    let report: Report = serde_json::from_str(&shown.stdout).expect(&shown.stderr);
    assert_eq!(report.verdict.outcome, Outcome::Incomplete);
    assert_eq!(report.verdict.findings[0].id, "cut_off");
    let fates = &report.fates;
    assert!(fates.ok >= 300 && fates.planned == fates.ok + fates.open, "{fates:?}");
    assert_eq!(report.requests[0].fates.ok, fates.ok);
    assert!(report.series.len() >= 2 && report.response_time.p95 > 0);
    assert!(read(folder.path(), "html").contains("INCOMPLETE"));
    let text = steadfire(&format!("report {}", stored.display())).run();
    assert!(text.stdout.starts_with("INCOMPLETE"), "{}", text.stdout);
}

#[test]
fn what_cannot_be_shown_is_told() {
    let folder = TempDir::new().unwrap();
    let later = folder.path().join("later.json");
    std::fs::write(&later, r#"{"schema": "steadfire.result/9"}"#).expect("a file can be written");
    let table = [
        ("no-such-run".to_owned(), "steadfire runs"),
        (later.display().to_string(), "use the version of steadfire that wrote it"),
    ];
    for (name, words) in table {
        steadfire(&format!("report {name}")).run().refused(2, &[words]);
    }
}

#[test]
fn a_result_of_the_first_version_is_shown() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/result-first.json");
    let folder = TempDir::new().unwrap();
    let words = flags(folder.path());
    let words: Vec<&str> = words.split(" --").filter(|flag| !flag.contains("hlog")).collect();
    let shown = steadfire(&format!("report {} {}", path.display(), words.join(" --"))).run();
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.starts_with("PASS"), "{}", shown.stdout);
    for form in FORMS.iter().filter(|form| **form != "hlog") {
        assert!(!read(folder.path(), form).is_empty(), "{form}");
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "for whoever wants to know how long it takes")]
#[expect(clippy::disallowed_methods, reason = "how long it takes is told, not judged")]
fn a_browser_shows_the_page_without_complaint() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = TempDir::new().unwrap();
    let outcome = run(folder.path(), &some_fail()).report().verdict.outcome;
    let begun = Instant::now();
    browser.open(&folder.path().join("run/report.html"));
    eprintln!("report.html opened in {:?}", begun.elapsed());
    // A busy machine may leave the generator too late for a verdict on the target.
    let word = format!("{outcome:?}").to_uppercase();
    assert_eq!(browser.value("document.querySelector('.pill').textContent"), word.as_str());
    assert_eq!(browser.value("document.images.length + document.scripts.length"), 2);
    let colour = "getComputedStyle(document.body).backgroundColor";
    let before = browser.value(colour);
    browser.value("document.getElementById('theme').click()");
    assert_ne!(browser.value(colour), before, "the toggle changes the colours");

    let first = "document.querySelector('table.sortable tbody tr td').textContent";
    let head =
        |place: u32| format!("document.querySelectorAll('table.sortable th')[{place}].click()");
    browser.value(&head(1));
    assert!(browser.value(first).as_str().is_some_and(|name| name.contains("alert")));
    browser.value(&head(1));
    assert_eq!(browser.value(first).as_str().map(|name| name.starts_with("=1+1")), Some(true));

    let place = "(() => { const svg = document.getElementById('response'); svg.scrollIntoView(); \
                 const box = svg.getBoundingClientRect(); return [box.x + box.width / 2, box.y + 60]; })()";
    let place = browser.value(place);
    browser.point(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    let tip = browser.value("document.querySelector('.tip')?.textContent");
    assert!(tip.as_str().is_some_and(|tip| tip.contains("p95")), "{tip}");

    zooms(&mut browser);
    tells_request_names_apart(&mut browser);
    fits_window_and_paper(&mut browser);
    let button = "getComputedStyle(document.getElementById('theme')).display";
    assert_eq!(browser.value(button), "none", "nobody can press what is printed");
    browser.show_as(1_000, "screen", "light");

    let picture = base64::engine::general_purpose::STANDARD.decode(browser.picture()).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{}", picture.len());
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// Where the charts of rates and of response times begin and how wide what they show is.
const SHOWN: &str = "['rate', 'response'].map((id) => { const box = \
    document.querySelector(`#${id} .plot`).viewBox.baseVal; return [box.x, box.width]; })";

/// A stretch that is chosen in one chart is shown in all, by pointer and by keyboard.
fn zooms(browser: &mut Browser) {
    let whole = browser.value(SHOWN);
    let place = "(() => { const svg = document.getElementById('rate'); \
                 svg.scrollIntoView({ block: 'center' }); const box = svg.getBoundingClientRect(); \
                 return [box.x, box.y + box.height / 2, box.width]; })()";
    let place = browser.value(place);
    let [x, y, width] = [0, 1, 2].map(|at| place[at].as_f64().expect("a number"));
    browser.drag((x + 0.4 * width, y), (x + 0.8 * width, y));
    let part = browser.value(SHOWN);
    assert_eq!(part[0], part[1], "all charts show the same");
    let width_of = |shown: &Value| shown[0][1].as_f64().expect("a number");
    let share = width_of(&part) / width_of(&whole);
    assert!((0.35..0.55).contains(&share), "{part} of {whole}");
    let label =
        "[...document.querySelectorAll('#rate .xticks text')].map((text) => text.textContent)";
    let labels = browser.value(label).to_string();
    assert!(labels.contains(" s\"") && !labels.contains("\"0\""), "{labels}");
    assert_eq!(browser.value("document.getElementById('whole').hidden"), false);
    browser.double_click((x + width / 2.0, y));
    assert_eq!(browser.value(SHOWN), whole);

    browser.value("document.getElementById('rate').focus()");
    browser.press("ArrowRight");
    let tip = browser.value("document.querySelector('.tip')?.textContent");
    assert!(tip.as_str().is_some_and(|tip| tip.contains("asked")), "{tip}");
    browser.press("+");
    assert_ne!(browser.value(SHOWN), whole);
    browser.press("Escape");
    assert_eq!(browser.value(SHOWN), whole);
    assert_eq!(browser.value("document.getElementById('whole').hidden"), true);
}

/// All, each, or one.
fn tells_request_names_apart(browser: &mut Browser) {
    let charts = |browser: &mut Browser| {
        browser.value(
            "[...document.querySelectorAll('figure[data-of]')].filter((one) => !one.hidden)\
             .map((one) => one.querySelector('svg').id).join()",
        )
    };
    assert_eq!(charts(browser), "response,rate,failures,flight");
    let table = [("each", "response-0,response-1"), ("1", "response-1"), ("all", "response")];
    for (choice, shown) in table {
        browser.value(&format!(
            "(() => {{ const select = document.querySelector('#choice select'); \
             select.value = '{choice}'; select.dispatchEvent(new Event('change')); }})()"
        ));
        let mut ids: Vec<&str> = shown.split(',').collect();
        ids.extend(["rate", "failures", "flight"]);
        let found = charts(browser);
        let mut found: Vec<&str> = found.as_str().expect("a list").split(',').collect();
        ids.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, ids, "{choice}");
    }
}

/// Nothing is cut off in a narrow window; paper is white, whatever the screen is.
pub(crate) fn fits_window_and_paper(browser: &mut Browser) {
    let paper = "getComputedStyle(document.body).backgroundColor";
    browser.value("delete document.documentElement.dataset.theme");
    for (width, media, scheme, colour) in [
        (380, "screen", "light", "rgb(244, 245, 247)"),
        (380, "screen", "dark", "rgb(14, 16, 19)"),
        (760, "print", "dark", "rgb(255, 255, 255)"),
    ] {
        browser.show_as(width, media, scheme);
        assert_eq!(browser.value(paper), colour, "{media} {scheme}");
        let wide =
            browser.value("document.documentElement.scrollWidth").as_u64().expect("a number");
        assert!(wide <= u64::from(width), "{wide} of {width} for {media}");
    }
}
