//! Each hint appears when its pattern is in the figures, and only then.

use super::*;
use crate::analysis::slo::{RunFigures, judge};
use crate::measure::fate::TransportError;
use crate::measure::sample::{Sample, Wait};
use crate::measure::tally::Tally;
use crate::time::Offset;

const NAMES: [&str; 3] = ["list", "detail", "report"];

const fn after(ms: u64, fate: Fate, status: Option<u16>) -> Sample {
    Sample {
        request: 0,
        due: Offset::ZERO,
        taken: Some(Offset::from_nanos(10_000)),
        wait: Wait { connection: Duration::ZERO, connect: Duration::ZERO, tls: Duration::ZERO },
        sent: Some(Offset::from_nanos(20_000)),
        first_byte: Some(Offset::from_nanos(30_000)),
        done: Offset::from_nanos(ms * 1_000_000),
        fate,
        status,
        bytes: 10,
    }
}

const fn good(ms: u64) -> Sample {
    after(ms, Fate::Ok, Some(200))
}

/// Sent 20 ms before it is answered.
const fn sent_late(ms: u64) -> Sample {
    Sample { sent: Some(Offset::from_nanos((ms - 20) * 1_000_000)), ..good(ms) }
}

const fn answered(status: u16) -> Sample {
    after(20, Fate::BadStatus, Some(status))
}

/// Seconds of 100 slots each: good answers, p50 and p95 in ms.
fn points(seconds: impl IntoIterator<Item = (u64, u64, u64)>) -> Vec<SeriesPoint> {
    let point = |(second, (ok, p50, p95)): (u64, (u64, u64, u64))| {
        let (p50, p95) = (p50 * 1_000_000, p95 * 1_000_000);
        let point = SeriesPoint::example(second, p50);
        SeriesPoint { planned: 100, ok, p95, p99: p95, ..point }
    };
    (1..).zip(seconds).map(point).collect()
}

/// What a course is called, and the one hint it gives.
type Row = (&'static str, Vec<SeriesPoint>, Cause);

/// So many samples of a request name.
type Part = (usize, u64, Sample);

fn hints(parts: &[Part], points: &[SeriesPoint], logged_in: bool) -> Vec<Finding> {
    let mut tally = Tally::new(NAMES.len());
    for (request, count, sample) in parts {
        for _ in 0..*count {
            tally.record(&Sample { request: *request, ..*sample });
        }
    }
    let summary = Summary::new(&tally, Duration::from_secs(10));
    let slo = "p95<1s,errors<5%".parse().unwrap();
    let objectives = judge(&slo, &RunFigures::new(&summary, 100.0));
    find(&Evidence {
        summary: &summary,
        requests: NAMES.into_iter().zip(tally.requests()).collect(),
        objectives: &objectives,
        points,
        standstills_told: false,
        address_told: false,
        logged_in,
    })
}

#[test]
fn each_pattern_has_its_hint() {
    let broken = |kind| after(5, Fate::TransportError(kind), None);
    let silent = after(9_000, Fate::Timeout, None);
    let mix = |odd: Part| vec![(0, 600, good(10)), (1, 300, good(10)), odd];
    let table: Vec<(&str, Vec<Part>, &[Cause])> = vec![
        ("all is well", mix((2, 100, good(10))), &[]),
        ("one name", mix((2, 100, good(2_000))), &[Cause::SlowRequests]),
        ("a wait for connections", vec![(0, 1_000, sent_late(1_200))], &[]),
        ("all names", vec![(0, 500, good(1_200)), (1, 500, good(1_100))], &[Cause::Slow]),
        ("no answer of one", mix((2, 100, silent)), &[Cause::SlowRequests]),
        ("no answer of any", vec![(0, 500, good(10)), (0, 90, silent)], &[]),
        ("500", mix((2, 100, answered(500))), &[Cause::ServerErrors]),
        ("few 500", mix((2, 9, answered(500))), &[]),
        ("401", mix((2, 100, answered(401))), &[Cause::Unauthorized]),
        ("403", mix((2, 100, answered(403))), &[Cause::Forbidden]),
        ("404", mix((2, 100, answered(404))), &[Cause::Rejected]),
        ("429", mix((2, 100, answered(429))), &[]),
        ("expected 404", mix((2, 100, after(10, Fate::Ok, Some(404)))), &[]),
        (
            "expected 400, and other failures of the name",
            vec![
                (0, 600, good(10)),
                (1, 300, after(10, Fate::Ok, Some(400))),
                (1, 80, answered(500)),
            ],
            &[Cause::ServerErrors],
        ),
        ("reset", mix((2, 100, broken(TransportError::Reset))), &[]),
        ("refused", mix((2, 100, broken(TransportError::ConnectRefused))), &[]),
        ("checks", mix((2, 99, after(5, Fate::CheckFailed, Some(200)))), &[Cause::ChecksFailed]),
    ];
    for (name, parts, expected) in table {
        let found = hints(&parts, &[], false);
        let causes: Vec<Cause> = found.iter().map(|hint| hint.cause).collect();
        assert_eq!(causes, expected, "{name}: {found:?}");
        assert!(
            found.iter().all(|hint| hint.severity == Severity::Info && !hint.remedy.is_empty())
        );
    }
    assert!(hints(&mix((2, 100, answered(401))), &[], true).is_empty(), "not without log-in");
}

#[test]
fn the_course_of_a_run_tells_why_it_is_slow() {
    let slow = vec![(0, 600, good(1_500)), (1, 400, good(1_400))];
    let still =
        |second: u64| if second.is_multiple_of(10) { (100, 10, 4_000) } else { (100, 10, 20) };
    let table: [Row; 6] = [
        ("growing and behind", points((0..30).map(|s| (80, 50 + 100 * s, 900))), Cause::Saturated),
        ("growing, not behind", points((0..30).map(|s| (100, 50 + 100 * s, 1_100))), Cause::Slow),
        ("behind, not growing", points((0..30).map(|_| (80, 600, 1_100))), Cause::Slow),
        ("too short to tell", points((0..5).map(|s| (80, 50 + 100 * s, 1_100))), Cause::Slow),
        ("still twice", points((1..=20).map(still)), Cause::StoodStill),
        ("mostly still", points((1..=20).map(|s| still(s * 10))), Cause::Slow),
    ];
    for (name, points, cause) in table {
        let found = hints(&slow, &points, true);
        assert_eq!(found.iter().map(|hint| hint.cause).collect::<Vec<_>>(), [cause], "{name}");
    }
}

#[test]
fn a_few_slow_answers_among_quick_ones_are_no_pattern() {
    let few = vec![(0, 14, good(8)), (1, 1, good(1_200)), (2, 1, good(8))];
    assert_eq!(hints(&few, &[], true), []);
    let spread =
        vec![(0, 900, good(8)), (1, 30, good(8)), (0, 50, good(1_200)), (1, 20, good(1_200))];
    assert_eq!(hints(&spread, &[], true), [], "the median is quick, and no name stands out");
}

#[test]
fn seconds_without_answers_have_no_median_and_failures_are_not_served() {
    let slow = vec![(0, 600, good(1_500)), (1, 400, good(1_400))];
    let told = |points: Vec<SeriesPoint>| hints(&slow, &points, true)[0].cause;
    let empty = |second: u64| if second < 10 { (0, 0, 0) } else { (80, 500, 900) };
    assert_eq!(told(points((0..30).map(empty))), Cause::Slow, "nothing went from 0 s to 500 ms");
    let mut failing = points((0..30).map(|second| (5, 50 + 100 * second, 900)));
    for point in &mut failing {
        point.failed = 95;
    }
    assert_eq!(told(failing), Cause::Saturated, "time-outs are not served");
    let mut few = points((0..6).map(|second| (3, 50 + 100 * second, 900)));
    for point in &mut few {
        point.planned = 4;
    }
    assert_eq!(told(few), Cause::Slow, "two slots behind are none");
}

#[test]
fn a_hint_says_what_it_saw() {
    let said =
        |parts: &[Part], points: Vec<SeriesPoint>| hints(parts, &points, true)[0].message.clone();
    let slow = [(0, 560, good(10)), (1, 400, good(10)), (2, 60, good(2_000))];
    assert_eq!(
        said(&slow, Vec::new()),
        "few requests are slow: 60 took 1 s or more, 100 % of them of report, which is 5.9 % of the load"
    );
    let late = [(0, 900, good(10)), (2, 100, after(30_000, Fate::BadStatus, Some(500)))];
    assert_eq!(
        said(&late, Vec::new()),
        "the server failed: 100 of 1,000 answers (10 %) are 5xx, mostly 500, half of them after 30 s or \
         more, 100 % of them of report, which is 10 % of the load"
    );
    let spread =
        [(0, 450, good(10)), (0, 50, answered(503)), (1, 450, good(10)), (1, 50, answered(503))];
    let message = said(&spread, Vec::new());
    assert!(message.ends_with("are 5xx, mostly 503"), "{message}");
    let full = points((0..30).map(|second| (80, 50 + 100 * second, 900)));
    let message = said(&[(0, 100, good(1_500))], full);
    let expected =
        "it answered 80/s of 100/s well, and the median response time went from 550 ms to 2.55 s";
    assert!(message.contains(expected), "{message}");
    let still = (1..=20).map(|second| (100, 10, if second == 7 { 4_000 } else { 20 }));
    let message = said(&[(0, 100, good(1_500))], points(still));
    assert!(message.contains("1 of 20 intervals, the first at 6 s into the run"), "{message}");
}
