//! Golden files under `tests/golden`, and colour.

use super::*;
use crate::render::tests::golden;
use crate::report::example::{CENSORED, FAILING, GOOD, LATE, report, search_report, segment};
use crate::report::search::{Bound, MaxRps};
use crate::report::segment::SegmentReport;

fn render(report: &Report, form: Form, style: Style) -> String {
    super::render(&CleanReport::new(report), form, style)
}

fn check(name: &str, text: &str) {
    golden::check(&format!("{name}.txt"), text);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(WIDTH_MAX), "{name} is {widest:?} wide");
}

#[test]
fn a_report_reads_as_the_golden_files_do() {
    check("pass", &render(&report(GOOD), Form::Full, Style::Plain));
    check("fail", &render(&report(FAILING), Form::Full, Style::Plain));
    check("invalid", &render(&report(LATE), Form::Full, Style::Plain));
    check("censored", &render(&report(CENSORED), Form::Full, Style::Plain));
    check("search", &render(&search_report(), Form::Full, Style::Plain));
    check("detailed", &render(&report(GOOD), Form::Detailed, Style::Plain));
}

#[test]
fn a_locust_suites_block_reads_as_the_golden_files_do() {
    let block = |report: &Report| render(report, Form::Locust, Style::Plain);
    check("locust-pass", &block(&report(GOOD)));
    check("locust-fail", &block(&report(FAILING)));
    check("locust-invalid", &block(&report(LATE)));
    check("locust-censored", &block(&report(CENSORED)));
    check("locust-search", &block(&search_report()));
}

#[test]
fn colour_changes_nothing_but_colour() {
    for report in [report(FAILING), search_report()] {
        let coloured = render(&report, Form::Full, Style::Colour);
        assert!(coloured.contains("\u{1b}["));
        let mut bare = String::new();
        for (place, part) in coloured.split("\u{1b}[").enumerate() {
            bare.push_str(if place == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(bare, render(&report, Form::Full, Style::Plain));
    }
    assert!(render(&report(GOOD), Form::Full, Style::Colour).contains("\u{1b}[1;32mPASS"));
    assert!(render(&report(LATE), Form::Full, Style::Colour).contains("\u{1b}[1;33mINVALID"));
}

#[test]
fn the_answer_is_the_last_line() {
    let last = |report: &Report| {
        let text = render(report, Form::Full, Style::Plain);
        text.lines().last().unwrap_or_default().to_owned()
    };
    let found = last(&search_report());
    assert_eq!(
        found,
        "Result: PASS (excellent), highest rate 342/s (331 to 352/s, 95 % confidence)"
    );
    assert_eq!(last(&report(GOOD)), "Result: PASS (excellent)");
    assert_eq!(last(&report(FAILING)), "Result: FAIL (critical), missed errors < 5 %: 7 %");
}

#[test]
fn trials_are_told_by_the_quantile_that_they_were_judged_by() {
    let mut report = search_report();
    for (slo, head) in [
        ("p99 < 50 ms", "  p99 ms  "),
        ("errors < 1 %, max ≤ 2 s", "  max ms  "),
        ("errors < 1 %, p99.9 < 1 s", "  p99.9 ms  "),
        ("p95 < 1 s", "  p95 ms  "),
    ] {
        if let Some(search) = &mut report.search {
            search.slo = slo.to_owned();
        }
        let text = render(&report, Form::Full, Style::Plain);
        let heads = text.lines().find(|line| line.starts_with("Trial ")).unwrap();
        assert!(heads.contains(head), "{slo}: {heads}");
    }
}

#[test]
fn every_kind_of_bound_is_said_in_words() {
    let mut search = search_report().search.unwrap();
    let table = [
        (Bound::Breach, Some(352.0), "342/s (331 to 352/s, 95 % confidence)"),
        (Bound::AtLeast, None, "at least 342/s"),
        (Bound::BelowMinimum, Some(10.0), "no rate down to 10/s meets the limits"),
    ];
    for (bound, high, text) in table {
        search.bound = bound;
        search.max_rps = MaxRps { high, ..search.max_rps };
        assert_eq!(answer(&search), text);
    }
    search.bound = Bound::Breach;
    search.max_rps = MaxRps { high: Some(352.0), confidence: 0.0, ..search.max_rps };
    assert_eq!(answer(&search), "342/s (331 to 352/s, not confirmed)");
    search.bound = Bound::AtLeast;
    assert_eq!(answer(&search), "at least 342/s (not confirmed)");
    search.max_rps.estimate = 0.0;
    assert_eq!(answer(&search), "not known: no rate was held yet");
}

#[test]
fn a_search_that_held_no_rate_says_so_in_its_last_line() {
    let mut report = search_report();
    report.verdict.outcome = Outcome::Fail;
    let search = report.search.as_mut().expect("it is a search");
    search.bound = Bound::BelowMinimum;
    search.max_rps = MaxRps { estimate: 0.0, low: 0.0, high: Some(10.0), confidence: 0.0 };
    let text = render(&report, Form::Full, Style::Plain);
    let last = text.lines().last().unwrap_or_default();
    assert!(last.ends_with(", no rate down to 10/s meets the limits"), "{last}");
    report.verdict.outcome = Outcome::Incomplete;
    let text = render(&report, Form::Full, Style::Plain);
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with("Result: INCOMPLETE (no rate was confirmed)"), "{last}");
}

#[test]
fn a_steered_run_is_told_part_by_part() {
    let mut steered = report(GOOD);
    let first = segment();
    let second = SegmentReport {
        begin: first.end,
        end: 4 * first.end,
        rate: 0.0,
        label: "deployed v2, with a text that is a good deal too long".to_owned(),
        ..first.clone()
    };
    steered.segments = vec![first, second];
    check("steered", &render(&steered, Form::Full, Style::Plain));
}
