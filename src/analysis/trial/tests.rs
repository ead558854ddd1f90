//! Judging trials, from tables of points.

use super::*;

const RATE: f64 = 1000.0;

fn trial(seconds: u64) -> Trial {
    Trial {
        rate: RATE,
        head: Duration::from_secs(1),
        length: Duration::from_secs(seconds),
        purpose: Purpose::Bisect,
    }
}

/// A healthy trial whose backlog `t` seconds after its start is `unfinished(t)` requests.
fn result(trial: &Trial, p95_ms: f64, unfinished: impl Fn(f64) -> f64) -> TrialResult {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
    let requests = |t: f64| unfinished(t).max(0.0) as u64;
    let slots = u32::try_from(trial.duration().as_millis() / 100).unwrap();
    let point = |slot| Point {
        at: SLOT * slot,
        planned: 100,
        unfinished: requests(f64::from(slot) * 0.1),
        ..Point::default()
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
            Measured { objective: latency, value: p95_ms / 1e3, at_least: false },
            Measured { objective: errors, value: 0.0, at_least: false },
        ],
        achieved: RATE,
        send_lag_p99: Duration::ZERO,
        client: ClientState::Healthy,
        stopped_early: None,
    }
}

fn verdict(result: &TrialResult) -> Verdict {
    judge(&trial(10), result, &Slo::standard()).verdict
}

/// A backlog that jumps to `height` at `begin` and is worked off within a second.
fn stall(begin: f64, height: f64) -> impl Fn(f64) -> f64 {
    move |t| 20.0 + (height * (1.0 - (t - begin))).max(0.0) * f64::from(u8::from(t >= begin))
}

#[test]
fn a_slowly_growing_backlog_fails_though_p95_still_holds() {
    let growing = result(&trial(10), 275.0, |t| 20.0 + 0.025 * RATE * t);
    let judgement = judge(&trial(10), &growing, &Slo::standard());
    assert_eq!(judgement.verdict, Verdict::Fail);
    let [Breach::BacklogGrowing { per_s }] = judgement.reasons[..] else {
        panic!("{:?}", judgement.reasons)
    };
    assert!((per_s - 25.0).abs() < 1.0, "{per_s}");
}

#[test]
fn a_steady_backlog_passes_whatever_its_height() {
    for level in [0.0, 5.0, 300.0] {
        let steady = result(&trial(10), 400.0, |t| level + 10.0 * (7.0 * t).sin());
        assert_eq!(verdict(&steady), Verdict::Pass, "{level}");
    }
}

#[test]
fn a_stall_that_is_over_is_harmless_wherever_it_lay() {
    for begin in 1..9 {
        let stalled = result(&trial(10), 700.0, stall(f64::from(begin), 900.0));
        assert_eq!(verdict(&stalled), Verdict::Pass, "{begin}");
        let over_the_limit = result(&trial(10), 1200.0, stall(f64::from(begin), 1500.0));
        assert_eq!(verdict(&over_the_limit), Verdict::Undecided, "{begin}");
    }
}

#[test]
fn broken_objectives_fail() {
    let slow = result(&trial(10), 1000.0, |_| 1000.0);
    assert_eq!(verdict(&slow), Verdict::Fail);
    let mut unanswered = result(&trial(10), 900.0, |_| 900.0);
    unanswered.measured[0].at_least = true;
    assert_eq!(verdict(&unanswered), Verdict::Fail);
    let mut failing = result(&trial(10), 1.0, |_| 0.0);
    failing.measured[1].value = 0.05;
    let judgement = judge(&trial(10), &failing, &Slo::standard());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.reasons, [Breach::ErrorsOver(failing.measured[1])]);
}

#[test]
fn unsent_requests_fail_unless_the_generator_is_to_blame() {
    let mut short = result(&trial(10), 1.0, |_| 0.0);
    short.achieved = 0.9 * RATE;
    let judgement = judge(&trial(10), &short, &Slo::standard());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.reasons, [Breach::AchievedShort { achieved: 900.0 }]);
    short.client = ClientState::Limited { reason: "no more ports".into() };
    assert_eq!(verdict(&short), Verdict::Invalid);
}

#[test]
fn errors_of_the_generators_own_make_a_trial_invalid_and_not_a_failure() {
    let mut failing = result(&trial(10), 1.0, |_| 0.0);
    failing.measured[1].value = 0.5;
    failing.stopped_early = Some(StopReason::TooManyFailed);
    assert_eq!(verdict(&failing), Verdict::Fail);
    failing.client = ClientState::Limited { reason: "connections went stale".into() };
    assert_eq!(verdict(&failing), Verdict::Invalid);
}

#[test]
fn an_error_limit_of_zero_is_met_by_no_error() {
    let measured =
        |value| Measured { objective: Objective::ErrorRate { limit: 0.0 }, value, at_least: false };
    assert!(measured(0.0).holds() && !measured(1e-6).holds());
}

fn stopped(seconds: u64, point: impl Fn(u32) -> Point) -> Option<(u32, StopReason)> {
    let mut watch = Watch::new(&trial(seconds), &Slo::standard());
    (1..=10 * (u32::try_from(seconds).unwrap() + 1)).find_map(|slot| {
        let point = Point { at: SLOT * slot, planned: 100, ..point(slot) };
        watch.observe(&point).map(|reason| (slot, reason))
    })
}

#[test]
fn a_runaway_backlog_ends_the_trial() {
    let growing = |slot| Point { unfinished: u64::from(slot) * 50, ..Point::default() };
    assert_eq!(stopped(20, growing), Some((31, StopReason::BacklogRunaway)));
}

#[test]
fn too_many_slow_requests_end_the_trial_while_the_backlog_grows() {
    // 4 s allow 200 slow requests; each slot adds 50 after the head.
    let growing = |slot: u32| Point { slow: 50, unfinished: u64::from(slot), ..Point::default() };
    assert_eq!(stopped(4, growing), Some((15, StopReason::TooManySlow)));
    let steady = |_| Point { slow: 50, unfinished: 900, ..Point::default() };
    assert_eq!(stopped(4, steady), None);
}

#[test]
fn too_many_failures_end_the_trial_while_they_go_on() {
    let failing = |_| Point { failed: 50, ..Point::default() };
    assert_eq!(stopped(4, failing), Some((15, StopReason::TooManyFailed)));
    let few = |slot| Point { failed: u64::from(slot % 2) * 5, ..Point::default() };
    assert_eq!(stopped(4, few), None);
}

#[test]
fn a_finished_stall_ends_no_trial() {
    // One second without an answer, then all of them late, then as before.
    let stalled = |slot: u32| match slot {
        20..30 => Point { unfinished: u64::from(slot - 19) * 100, ..Point::default() },
        30..40 => Point { unfinished: u64::from(40 - slot) * 90, slow: 90, ..Point::default() },
        _ => Point::default(),
    };
    assert_eq!(stopped(10, stalled), None);
}
