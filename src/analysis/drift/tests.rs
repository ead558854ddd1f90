//! Tables: what short, sparse, censored and moving runs are told.

mod simulation;

use std::time::Duration;

use super::*;
use crate::analysis::findings::{Cause, Severity};
use crate::load::random::SplitMix64;
use crate::time::whole_nanos;

/// A calm run of `seconds` at 200/s with p50 5 ms, p95 12 ms and p99 20 ms, a few percent of noise, and
/// whatever `change` makes of a point; its second argument is the part of the run that has passed.
fn run(seconds: u64, change: impl Fn(&mut SeriesPoint, f64)) -> Vec<SeriesPoint> {
    let mut random = SplitMix64::new(3);
    (0..seconds)
        .map(|second| {
            let mut noisy = |ms: f64| {
                let ms = ms * random.lognormal(0.05);
                whole_nanos(Duration::from_secs_f64(ms / 1e3))
            };
            let [p50, p95, p99] = [5.0, 12.0, 20.0].map(&mut noisy);
            let point = SeriesPoint::example(second + 1, p50);
            let mut point = SeriesPoint { planned: 200, ok: 200, p95, p99, ..point };
            change(&mut point, second as f64 / seconds as f64);
            point
        })
        .collect()
}

fn said(points: &[SeriesPoint], hours: f64) -> Vec<(Cause, String)> {
    let judged = judge(points).unwrap();
    findings(&judged, Duration::from_secs_f64(hours * 3600.0))
        .into_iter()
        .map(|finding| {
            assert_eq!(finding.severity == Severity::Warning, finding.cause == Cause::Drift);
            assert!(!finding.remedy.is_empty());
            (finding.cause, finding.message)
        })
        .collect()
}

fn slower(point: &mut SeriesPoint, factor: f64) {
    point.p95 = whole_nanos(point.times()[1].value.mul_f64(factor));
}

/// A twentieth is given up after 10 s.
fn time_out(point: &mut SeriesPoint) {
    (point.p95, point.p99) = (10_000_000_000, 10_000_000_000);
    point.censored = 11;
}

/// Messages are held without their figures' last digits.
#[track_caller]
fn assert_says(said: &[(Cause, String)], cause: Cause, words: &[&str]) {
    let [(found, message)] = said else { panic!("{said:?}") };
    assert_eq!(*found, cause, "{message}");
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
}

#[test]
fn a_calm_run_is_stable_and_says_what_would_have_shown() {
    let calm = run(3_600, |_, _| {});
    let words = ["stable for 1 h: p50 (a change by 5 % would have shown), p95 (5 %), p99 (5 %)"];
    assert_says(&said(&calm, 1.0), Cause::Stable, &words);
    assert!(said(&calm, 1.0)[0].1.ends_with("error rate (0.5 points), throughput (2 %)"));
    assert_eq!(judge(&run(159, |_, _| {})), None);
}

#[test]
fn each_form_of_drift_has_its_sentence() {
    let ramp = run(3_600, |point, part| slower(point, 1.0 + part));
    assert_says(&said(&ramp, 1.0), Cause::Drift, &["p95 rises 1", " ms/h: from 12", " over 1 h"]);
    let late = run(3_600, |point, part| slower(point, 1.0 + 2.0 * (part - 0.5).max(0.0)));
    assert_says(&said(&late, 1.0), Cause::Drift, &["p95 rises", "/min since 2", " min", "to 2"]);
    let jump = run(3_600, |point, part| slower(point, if part < 0.5 { 1.0 } else { 1.3 }));
    let words = ["p95 went from 12", " ms to 15", " ms about 30 min into the run"];
    assert_says(&said(&jump, 1.0), Cause::Drift, &words);
    let errors = run(3_600, |point, part| {
        point.failed = if part < 0.5 { 0 } else { 4 };
        point.ok -= point.failed;
    });
    assert_says(&said(&errors, 1.0)[..1], Cause::Drift, &["error rate went from 0 % to 2 %"]);
}

#[test]
fn a_small_drift_is_none_however_certain() {
    let tiny = run(3_600, |point, part| slower(point, 1.0 + 0.03 * part));
    assert_eq!(said(&tiny, 1.0)[0].0, Cause::Stable);
    let micros = run(3_600, |point, part| {
        let ns = whole_nanos(Duration::from_secs_f64(80e-6 * (1.0 + 0.3 * part)));
        (point.p50, point.p95, point.p99) = (ns, ns, ns);
    });
    assert_ne!(said(&micros, 1.0)[0].0, Cause::Drift, "24 µs");
}

#[test]
fn lower_bounds_rank_behind_everything_and_never_look_like_recovery() {
    // Overload that ends in sheds: the ages that are known fall while the truth rises.
    let shed = run(600, |point, part| {
        let at_least = part > 0.6;
        let ns = if at_least { 3_000_000 } else { 5_000_000 };
        (point.p50, point.p95, point.p99) = (ns, ns, ns);
        // More than were answered, so that even the median lies among them.
        point.censored = if at_least { 2 * point.ok } else { 0 };
    });
    let judged = judge(&shed).unwrap();
    for one in &judged[..3] {
        assert_eq!(one.course, Trend::Unanswered, "{one:?}");
    }
    let timed_out = run(600, |point, part| {
        if part > 0.7 {
            time_out(point);
        }
    });
    let told = said(&timed_out, 0.17);
    for (told, quantile) in told.chunks(1).zip(["p95", "p99"]) {
        let words = [quantile, " went from ", " ms to ≥ 10 s about 7 min"];
        assert_says(told, Cause::Drift, &words);
    }
    assert_eq!(told.len(), 2, "{told:?}");
    // A window of timeouts now and then is no drift.
    let seldom = run(600, |point, part| {
        if (part * 600.0) % 20.0 < 1.0 {
            time_out(point);
        }
    });
    assert_ne!(said(&seldom, 0.17)[0].0, Cause::Drift);
}

#[test]
fn quantiles_need_slots_to_be_judged() {
    let sparse = run(600, |point, _| point.planned = 30);
    let judged = judge(&sparse).unwrap();
    assert_eq!(judged[2], MetricTrend { metric: Metric::P99, course: Trend::Sparse });
    assert!(matches!(judged[1].course, Trend::Steady { .. }));
    let said = said(&sparse, 0.17);
    assert!(said[0].1.ends_with("not known of p99 (too few requests in each point)"), "{said:?}");
}

#[test]
fn the_drain_is_no_part_of_the_run() {
    let mut drained = run(600, |_, _| {});
    let mut tail = drained[599];
    (tail.planned, tail.ok) = (0, 3);
    (tail.p50, tail.p95, tail.p99) = (9_000_000_000, 9_000_000_000, 9_000_000_000);
    drained.extend(std::iter::repeat_n(tail, 200));
    assert_eq!(said(&drained, 0.17), said(&drained[..600], 0.17));
}
