//! Judging trials, from tables of points.

use super::*;

const RATE: f64 = 1000.0;

fn trial(seconds: u64) -> Trial {
    let end = Duration::from_secs(1 + seconds);
    Trial {
        rate: RATE,
        head: Duration::from_secs(1),
        length: Duration::from_secs(seconds),
        purpose: TrialPurpose::Refine,
        test: Test {
            excess: 0.02,
            decisive: 2.944,
            from: end.min(Duration::from_secs(3)),
            pass_from: end,
            until: end,
            noise: 1.0,
            stall_rate: 0.0,
            tuning: &TrialTuning::STANDARD,
        },
    }
}

/// A healthy trial with `point(t)` at `t` seconds after its start.
fn result(trial: &Trial, point: impl Fn(f64) -> Point) -> TrialResult {
    let slots = u32::try_from(trial.duration().as_millis() / 100).unwrap();
    let point = |slot| Point {
        at: SLOT * slot,
        planned: 100,
        answered_ok: 100,
        ..point(f64::from(slot) * 0.1)
    };
    let [latency, errors] = Slo::standard().objectives[..] else { panic!("p95 and errors") };
    let planned = trial.length.as_secs() * 1000;
    TrialResult {
        points: (1..=slots).map(point).collect(),
        length: trial.length,
        took: trial.duration(),
        planned,
        ok: planned,
        error_rate: 0.0,
        measured: vec![
            ObjectiveFigure { objective: latency, value: 0.3, at_least: false },
            ObjectiveFigure { objective: errors, value: 0.0, at_least: false },
        ],
        missed: Vec::new(),
        achieved: RATE,
        send_lag_p99: Duration::ZERO,
        median: Duration::from_millis(10),
        interval: None,
        client: ClientState::Healthy,
    }
}

/// The same with a backlog of `unfinished(t)` requests.
fn backlog(trial: &Trial, unfinished: impl Fn(f64) -> f64) -> TrialResult {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let requests = |t: f64| unfinished(t).max(0.0) as u64;
    result(trial, |t| Point { unfinished: requests(t), ..Point::default() })
}

fn judged(trial: &Trial, result: &TrialResult) -> Judgement {
    judge(trial, result, &Slo::standard())
}

#[test]
fn a_slowly_growing_backlog_fails_though_p95_still_holds() {
    let growing = backlog(&trial(10), |t| 20.0 + 0.025 * RATE * t);
    let judgement = judged(&trial(10), &growing);
    assert_eq!((judgement.verdict, judgement.ending), (TrialVerdict::Fail, Ending::Overload));
    let [Breach::BacklogGrowing { per_s }] = judgement.reasons[..] else {
        panic!("{:?}", judgement.reasons)
    };
    assert!((per_s - 25.0).abs() < 1.0, "{per_s}");
}

#[test]
fn a_backlog_that_grows_fails_a_disturbed_trial_too_if_all_was_sent() {
    let disturbed = |achieved: f64, client: ClientState| {
        let growing = backlog(&trial(10), |t| 20.0 + 0.2 * RATE * t);
        judged(&trial(10), &TrialResult { achieved, client, ..growing }).verdict
    };
    let reason = || "a pause".to_owned();
    let pause = || ClientState::Disturbed { reason: reason() };
    assert_eq!(disturbed(RATE, pause()), TrialVerdict::Fail);
    assert_eq!(disturbed(0.9 * RATE, pause()), TrialVerdict::Invalid);
    assert_eq!(disturbed(RATE, ClientState::Limited { reason: reason() }), TrialVerdict::Invalid);
    let steady = TrialResult { client: pause(), ..backlog(&trial(10), |_| 20.0) };
    assert_eq!(judged(&trial(10), &steady).verdict, TrialVerdict::Invalid);
}

#[test]
fn a_trial_that_an_answer_may_rest_on_must_meet_the_limits_by_its_figures() {
    let verdict = |purpose, value| {
        let mut steady = backlog(&trial(30), |_| 20.0);
        steady.measured[0].value = value;
        let judgement = judged(&Trial { purpose, ..trial(30) }, &steady);
        (judgement.verdict, judgement.reasons.len())
    };
    for purpose in [TrialPurpose::Confirm, TrialPurpose::Climb, TrialPurpose::Lowest] {
        assert_eq!(verdict(purpose, 0.99), (TrialVerdict::Pass, 0), "{purpose:?}");
        assert_eq!(verdict(purpose, 1.01), (TrialVerdict::Fail, 1), "{purpose:?}");
    }
    assert_eq!(
        verdict(TrialPurpose::Refine, 1.01).0,
        TrialVerdict::Pass,
        "its slots tell more surely"
    );
}

#[test]
fn a_steady_backlog_passes_whatever_its_height() {
    for level in [0.0, 5.0, 300.0] {
        let steady = backlog(&trial(10), |t| level + 10.0 * (7.0 * t).sin());
        assert_eq!(judged(&trial(10), &steady).verdict, TrialVerdict::Pass, "{level}");
    }
}

#[test]
fn a_stall_that_is_over_fails_nobody_wherever_it_lay() {
    for begin in 2..9 {
        let begin = f64::from(begin);
        let stalled = backlog(&trial(10), |t| {
            let height = 900.0 * (1.0 - (t - begin).abs());
            20.0 + height.max(0.0)
        });
        assert!(judged(&trial(10), &stalled).held(), "{begin}");
    }
}

#[test]
fn slow_and_failed_requests_fail_a_rate_by_their_share() {
    let slow =
        |slow| result(&trial(10), move |_| Point { slow, unfinished: 900, ..Point::default() });
    let failed = |failed| result(&trial(10), move |_| Point { failed, ..Point::default() });
    for (result, verdict, ending) in [
        (slow(2), TrialVerdict::Pass, Ending::Held),
        (slow(20), TrialVerdict::Fail, Ending::Overload),
        (failed(2), TrialVerdict::Pass, Ending::Held),
        (failed(20), TrialVerdict::Fail, Ending::Errors),
    ] {
        let judgement = judged(&trial(10), &result);
        assert_eq!((judgement.verdict, judgement.ending), (verdict, ending), "{judgement:?}");
    }
}

#[test]
fn few_requests_prove_little_though_none_is_slow() {
    let few = Trial { rate: 10.0, ..trial(10) };
    let result = result(&few, |_| Point::default());
    let points: Vec<Point> =
        result.points.iter().map(|point| Point { planned: 1, answered_ok: 1, ..*point }).collect();
    let judgement = judged(&few, &TrialResult { points, planned: 100, ..result });
    assert_eq!(
        (judgement.verdict, judgement.ending),
        (TrialVerdict::Undecided, Ending::HeldWeakly)
    );
}

#[test]
fn a_limit_beside_the_tightest_is_held_against_the_figures() {
    let slo: Slo = "p95<1s,p99<2s".parse().unwrap();
    let mut result = result(&trial(10), |_| Point::default());
    let late = |value| ObjectiveFigure { objective: slo.objectives[1], value, at_least: false };
    for (value, verdict) in [(1.9, TrialVerdict::Pass), (2.1, TrialVerdict::Fail)] {
        result.measured[1] = late(value);
        let judgement = judge(&trial(10), &result, &slo);
        assert_eq!(judgement.verdict, verdict, "{value}");
        let named = judgement.reasons.contains(&Breach::LatencyOver(late(value)));
        assert_eq!(named, verdict == TrialVerdict::Fail);
    }
}

#[test]
fn a_request_of_its_own_limit_fails_a_rate_surely_or_at_length() {
    let mut result = result(&trial(10), |_| Point::default());
    let limit: Slo = "p95<200ms".parse().unwrap();
    let measured = ObjectiveFigure { objective: limit.objectives[0], value: 0.3, at_least: false };
    let table = [
        (Confidence::Sure, TrialPurpose::Refine, TrialVerdict::Fail),
        (Confidence::Doubtful, TrialPurpose::Refine, TrialVerdict::Pass),
        (Confidence::Doubtful, TrialPurpose::Confirm, TrialVerdict::Fail),
    ];
    for (confidence, purpose, verdict) in table {
        let missed = SloMiss { row: 4, measured, confidence };
        result.missed = vec![missed];
        let judgement = judged(&Trial { purpose, ..trial(10) }, &result);
        assert_eq!(judgement.verdict, verdict, "{confidence:?} {purpose:?}");
        let binds = judgement.reasons.first() == Some(&Breach::RequestOver(missed));
        assert_eq!(binds, verdict == TrialVerdict::Fail, "{:?}", judgement.reasons);
    }
}

#[test]
fn a_limited_generator_makes_a_trial_invalid_and_not_a_failure() {
    let mut failing = result(&trial(10), |_| Point { failed: 90, ..Point::default() });
    assert_eq!(judged(&trial(10), &failing).verdict, TrialVerdict::Fail);
    failing.client = ClientState::Limited { reason: "connections went stale".into() };
    let judgement = judged(&trial(10), &failing);
    assert!(judgement.verdict == TrialVerdict::Invalid && !judgement.held());
}

#[test]
fn an_error_limit_of_zero_is_met_by_no_error() {
    let measured =
        |value| ObjectiveFigure { objective: "errors<0".parse().unwrap(), value, at_least: false };
    assert!(measured(0.0).holds() && !measured(1e-6).holds());
}

#[test]
fn a_trial_ends_as_soon_as_it_is_decided_either_way() {
    let ended = |test: Test, point: &dyn Fn(u32) -> Point| {
        let trial = Trial { test, ..trial(20) };
        let mut watch = Watch::new(&trial, &Slo::standard());
        (1..=210).find_map(|slot| {
            let point = Point { at: SLOT * slot, planned: 100, answered_ok: 100, ..point(slot) };
            watch.observe(&point).map(|ending| (slot, ending))
        })
    };
    let test = Test { pass_from: Duration::from_secs(3), excess: 0.05, ..trial(20).test };
    let growing = |slot| Point { unfinished: 50 * u64::from(slot), ..Point::default() };
    assert_eq!(ended(test, &growing), Some((30, Ending::Overload)));
    let failing = |_| Point { failed: 50, ..Point::default() };
    assert_eq!(ended(test, &failing), Some((40, Ending::Errors)));
    let steady = |_| Point { unfinished: 20, ..Point::default() };
    assert_eq!(ended(test, &steady), Some((30, Ending::Held)));
    assert_eq!(ended(trial(20).test, &steady), Some((210, Ending::Held)));
}

#[test]
fn stalls_are_counted_and_silence_at_the_start_is_none() {
    let silent = |from: f64, to: f64| {
        let mut result = result(&trial(10), |t| Point {
            unfinished: if t > from && t < to { 90 } else { 1 },
            ..Point::default()
        });
        for point in &mut result.points {
            let t = point.at.as_secs_f64();
            point.answered_ok = if t > from && t < to { 0 } else { 100 };
        }
        judged(&trial(10), &result).stalls
    };
    assert_eq!([silent(5.0, 6.1), silent(5.0, 5.25), silent(-1.0, 2.0)], [1, 0, 0]);
}

#[test]
fn a_stall_shows_at_one_request_a_second_too_if_answers_are_quick() {
    let one_a_second = Trial { rate: 1.0, ..trial(30) };
    let stalls = |median: Duration| {
        let answers = result(&one_a_second, |t| Point {
            unfinished: if (10.0..15.0).contains(&t) { 3 } else { 0 },
            ..Point::default()
        });
        let mut frozen = TrialResult { median, ..answers };
        for point in &mut frozen.points {
            point.answered_ok = u64::from(point.unfinished == 0);
        }
        judged(&one_a_second, &frozen).stalls
    };
    assert_eq!(stalls(Duration::from_millis(5)), 1);
    assert_eq!(stalls(Duration::from_secs(1)), 0, "answers that take a second leave such gaps");
}
