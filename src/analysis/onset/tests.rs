//! Courses whose turn is known, and noise that has none.

use super::*;
use crate::load::random::SplitMix64;

fn second(at: usize) -> Offset {
    Offset::from_nanos(at as u64 * 1_000_000_000)
}

fn series(name: &str, values: impl IntoIterator<Item = f64>) -> Monitored {
    Monitored {
        name: name.to_owned(),
        kind: "command",
        source: "command ./x".to_owned(),
        unit: String::new(),
        points: values.into_iter().enumerate().map(|(at, value)| (second(at), value)).collect(),
        notes: Vec::new(),
    }
}

/// A p95 of `ms(second)` over a minute.
fn points(ms: impl Fn(usize) -> u64) -> Vec<SeriesPoint> {
    let point = |at: usize| {
        let ns = ms(at) * 1_000_000;
        let point = SeriesPoint::example(at as u64 + 1, ns);
        SeriesPoint { planned: 100, ok: 100, p99: 2 * ns, ..point }
    };
    (0..60).map(point).collect()
}

/// Noise around 10 whose neighbours depend on each other by `share`.
fn noise(seed: u64, share: f64, count: usize) -> Vec<f64> {
    let mut random = SplitMix64::new(seed);
    let mut value = 0.0;
    let mut next = || {
        value = share * value + (1.0 - share * share).sqrt() * (random.unit() - 0.5);
        10.0 + value
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn a_limit_is_broken_where_it_stays_broken() {
    type Row = (fn(usize) -> u64, Option<usize>);
    let slo: Slo = "p95<100ms,errors<1%".parse().unwrap();
    let table: [Row; 5] = [
        (|at| if at < 30 { 50 } else { 150 }, Some(30)),
        // A stall of two seconds is none.
        (|at| if (20..22).contains(&at) || at >= 40 { 150 } else { 50 }, Some(40)),
        (|_| 50, None),
        // From the beginning on: there was no level before.
        (|_| 150, None),
        (|at| if at < 4 { 50 } else { 150 }, None),
    ];
    for (ms, expected) in table {
        let found = event(&slo, &points(ms));
        assert_eq!(found.as_ref().map(|event| event.at), expected.map(second), "{found:?}");
        assert!(found.is_none_or(|event| event.what == "p95 broke its limit of 100 ms"));
    }
}

#[test]
fn the_tightest_of_several_limits_breaks_first() {
    let ms = |at: usize| if at < 20 { 40 } else { 3 * at as u64 };
    let found = event(&"p95<120ms,p99<130ms".parse().unwrap(), &points(ms)).unwrap();
    assert_eq!((found.what.as_str(), found.at), ("p99 broke its limit of 130 ms", second(22)));
    // No quantile that the points have.
    assert_eq!(event(&"p90<1ms".parse().unwrap(), &points(|_| 50)), None);
}

#[test]
fn turns_are_found_where_they_are() {
    type Row<'a> = (&'a dyn Fn(usize) -> f64, Option<(usize, usize)>);
    let step = |at: usize| if at < 24 { 2.0 } else { 40.0 };
    let fall = |at: usize| if at < 24 { 40.0 } else { 2.0 };
    let ramp = |at: usize| if at < 20 { 5.0 } else { 5.0 + (at - 20) as f64 };
    let table: [Row<'_>; 6] = [
        (&step, Some((24, 24))),
        (&fall, Some((24, 24))),
        (&ramp, Some((20, 24))),
        (&|_| 7.0, None),
        (&|_| 0.0, None),
        // One outlier is no turn.
        (&|at| if at == 20 { 900.0 } else { 3.0 }, None),
    ];
    for (place, (course, expected)) in table.into_iter().enumerate() {
        let noisy = series(
            "x",
            noise(1, 0.0, 40).iter().enumerate().map(|(at, noise)| {
                let value = course(at);
                value + if value > 0.0 { (noise - 10.0) * 0.3 } else { 0.0 }
            }),
        );
        let found = change_point::find(&noisy.points);
        match (found, expected) {
            (Some(turn), Some((first, last))) => {
                assert!((second(first)..=second(last)).contains(&turn.at), "{place}: {turn:?}");
                assert!(turn.p < 0.001, "{place}: {turn:?}");
            }
            (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{place}"),
        }
    }
    assert_eq!(change_point::find(&series("short", [1.0; 9]).points), None);
}

#[test]
fn noise_hardly_ever_turns() {
    for (share, most) in [(0.0, 1), (0.7, 6)] {
        let found = (0..200)
            .filter(|seed| {
                change_point::find(&series("x", noise(*seed, share, 60)).points)
                    .is_some_and(|t| t.p < 0.01)
            })
            .count();
        assert!(found <= most, "{found} of 200 at {share}");
    }
}

fn sentence(event: &Event, points: &[SeriesPoint], monitored: &[Monitored]) -> Option<Finding> {
    Onset::new(event.clone(), points, monitored).finding()
}

#[test]
fn what_turned_first_is_told_in_order_and_what_followed_is_not() {
    let event = Event { what: "p95 broke its limit of 1 s".to_owned(), at: second(30) };
    let step = |from: usize| (0..60).map(move |at| if at < from { 2.0 } else { 40.0 });
    let monitored = [
        series("late", step(36)),
        series("connections", step(27)),
        series("queue_depth", step(24)),
        series("steady", noise(3, 0.0, 60)),
        series("too short", [1.0, 2.0]),
    ];
    let found = sentence(&event, &[], &monitored).unwrap();
    assert_eq!(found.severity, Severity::Info);
    assert_eq!(
        found.message,
        "p95 broke its limit of 1 s 30 s into the run; before it turned queue_depth 6 s earlier \
         (2 to 40), then connections 3 s earlier (2 to 40)"
    );
    let none = sentence(&event, &points(|_| 50), &monitored[3..]).unwrap();
    assert!(none.message.ends_with("none of 1 monitored series turned before it"), "{none:?}");
    assert_eq!(sentence(&event, &[], &monitored[4..]), None);
}

#[test]
fn few_looks_are_called_weak_evidence() {
    let event = Event { what: "p95 broke its limit of 1 s".to_owned(), at: second(7) };
    let short = series("depth", (0..14).map(|at| if at < 6 { 2.0 } else { 40.0 }));
    let found = sentence(&event, &[], &[short]).unwrap();
    assert!(found.message.ends_with("the evidence is weak, there were few looks"), "{found:?}");
}

#[test]
fn where_the_load_itself_was_raised_that_is_told() {
    let event = Event { what: "p95 broke its limit of 1 s".to_owned(), at: second(34) };
    let mut staged = points(|_| 50);
    staged[30..].iter_mut().for_each(|point| point.planned = 500);
    let found = sentence(&event, &staged, &[series("steady", noise(3, 0.0, 60))]).unwrap();
    assert!(
        found.message.ends_with("before it turned the arrival rate 4 s earlier (100 to 500/s)"),
        "{found:?}"
    );
}
