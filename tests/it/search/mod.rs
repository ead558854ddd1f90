//! What a search does at the edges of its range and of its time, and that it ends.
#![expect(
    clippy::large_types_passed_by_value,
    reason = "a target is a table's row, passed a few times"
)]

use std::time::Duration;

use proptest::prelude::*;

use steadfire::analysis::search::{
    Answer, Bound, Effort, Note, Search, Settings, Step, TrialRecord,
};
use steadfire::analysis::trial::{
    Breach, ClientState, ObjectiveFigure, Point, SLOT, TimeInterval, Trial, TrialPurpose,
    TrialResult, TrialVerdict,
};
use steadfire::load::slo::{Objective, Slo};

use acceptance::search;
use simulation::{Service, Simulation, Target};

mod acceptance;
mod sensitivity;
mod simulation;

/// A bound that the search keeps to by itself, told again so that a search without one would end here.
const TRIALS_MAX: usize = 100;

fn is_four_figures(rate: f64) -> bool {
    format!("{rate:.3e}").parse() == Ok(rate)
}

fn standard() -> Settings {
    Settings::new(Slo::standard(), Effort::Normal)
}

#[test]
fn the_highest_rate_allowed_is_a_lower_bound() {
    let settings = Settings { max_rate: 500.0, ..standard() };
    let (answer, _) = search(Target::new(900.0, 1, Service::Exponential), &settings, 1);
    assert_eq!((answer.bound, answer.estimate, answer.high), (Bound::AtLeast, 500.0, None));
    assert_eq!(answer.notes, []);
}

#[test]
fn a_search_goes_on_from_its_trials_as_if_it_had_never_ended() {
    let target = Target::new(900.0, 1, Service::Exponential);
    let (answer, _) = search(target, &standard(), 1);
    for part in [1, answer.trials.len() / 2, answer.trials.len()] {
        let mut resumed = Search::new(standard());
        for TrialRecord { trial, figures, .. } in &answer.trials[..part] {
            resumed.replay(*trial, figures.clone());
        }
        let expected = match answer.trials.get(part) {
            Some(record) => Step::Trial(record.trial),
            None => Step::Done(answer.clone()),
        };
        assert_eq!(resumed.next(), expected, "after {part} trials");
    }
}

#[test]
fn a_limited_generator_gives_a_lower_bound_and_no_verdict() {
    let target = Target { client: 700.0, ..Target::new(5000.0, 1, Service::Exponential) };
    let (answer, _) = search(target, &standard(), 1);
    assert_eq!(answer.bound, Bound::AtLeast);
    assert!((665.0..=700.0).contains(&answer.estimate), "{}", answer.estimate);
    assert_eq!(answer.notes, [Note::ClientLimited { reason: "CPU".into() }]);
    for record in answer.trials.iter().filter(|record| record.trial.rate > 700.0) {
        assert_eq!(record.judgement.verdict, TrialVerdict::Invalid);
    }
}

#[test]
fn a_search_broken_off_at_once_rules_nothing_out() {
    let answer = Search::new(standard()).conclude();
    assert_eq!((answer.bound, answer.estimate, answer.high), (Bound::AtLeast, 0.0, None));
}

#[test]
fn a_broken_target_is_told_at_once() {
    let target = Target { broken: true, ..Target::new(900.0, 1, Service::Fixed) };
    let (answer, simulation) = search(target, &standard(), 1);
    assert_eq!((answer.bound, answer.estimate), (Bound::BelowMinimum, 0.0));
    assert!(matches!(answer.breach, Some((_, Breach::ErrorsOver(_)))), "{:?}", answer.breach);
    assert_eq!(answer.notes, []);
    assert!(simulation.now < 10.0, "{}", simulation.now);
}

#[test]
fn where_nothing_holds_the_lowest_rate_tried_is_told_with_what_it_broke() {
    // Freezes are met between ramp steps that held by chance.
    let target = Target { stalls: Some((60.0, 5.1)), ..Target::new(1000.0, 8, Service::Erlang(2)) };
    let (answer, simulation) = search(target, &standard(), 3);
    let lowest = answer.trials.last().expect("there were trials");
    assert_eq!(lowest.trial.purpose, TrialPurpose::Lowest);
    assert_eq!((answer.bound, answer.estimate), (Bound::BelowMinimum, 0.0));
    assert_eq!((answer.high, answer.confidence), (Some(lowest.trial.rate), 0.0));
    let Some((rate, Breach::LatencyOver(measured))) = answer.breach else {
        panic!("{:?}", answer.breach)
    };
    assert!((rate - lowest.trial.rate).abs() < 1e-9 && !measured.holds(), "{measured:?}");
    assert!(simulation.now < 180.0, "{}", simulation.now);
    assert!(answer.trials.iter().all(|record| record.trial.rate >= standard().min_rate));
}

#[test]
fn an_interval_never_reaches_past_a_rate_that_surely_failed() {
    let target = Target::new(900.0, 1, Service::Exponential);
    let (answer, _) = search(target, &standard(), 1);
    for part in 1..=answer.trials.len() {
        let mut so_far = Search::new(standard());
        for TrialRecord { trial, figures, .. } in &answer.trials[..part] {
            so_far.replay(*trial, figures.clone());
        }
        let so_far = so_far.conclude();
        let failed = so_far.trials.iter().filter(|record| {
            record.judgement.verdict == TrialVerdict::Fail
                && record.trial.purpose != TrialPurpose::Recovery
        });
        let failed: Vec<f64> = failed.map(|record| record.trial.rate).collect();
        let twice = |rate: &&f64| failed.iter().filter(|other| *other <= *rate).count() >= 2;
        let proven = failed.iter().filter(twice).copied().reduce(f64::min);
        let Some(proven) = proven else { continue };
        let told = (part, so_far.estimate, so_far.high);
        assert!(so_far.high.is_some_and(|high| high <= proven), "{told:?} past {proven}");
        assert!(so_far.estimate < proven, "{told:?} past {proven}");
        let offered = so_far
            .trials
            .iter()
            .any(|record| record.held && (record.trial.rate - so_far.estimate).abs() < 1e-9);
        assert!(offered || so_far.estimate <= 0.0, "{told:?} was never held");
    }
}

#[test]
fn a_search_broken_off_on_the_ramp_names_what_held_below_the_rate_that_failed() {
    let mut search = Search::new(standard());
    while search.trials().last().is_none_or(|record| record.trial.rate < 80.0) {
        let Step::Trial(trial) = search.next() else { panic!("it ends too soon") };
        let took = trial.duration().as_secs_f64();
        search.observe(scripted(&trial, trial.rate < 80.0, took, false));
    }
    let answer = search.conclude();
    assert_eq!((answer.estimate, answer.confidence), (40.0, 0.0));
    assert_ne!(answer.bound, Bound::BelowMinimum);
    assert!(answer.notes.contains(&Note::Unconfirmed { out_of_time: false }));
}

#[test]
fn a_target_that_is_gone_ends_the_search_and_is_told() {
    let target = Target { dies_at: Some(20.0), ..Target::new(900.0, 1, Service::Exponential) };
    let (answer, simulation) = search(target, &standard(), 1);
    assert!(
        answer.notes.iter().any(|note| matches!(note, Note::Gone { .. })),
        "{:?}",
        answer.notes
    );
    assert!(!answer.notes.contains(&Note::SlowRecovery), "{:?}", answer.notes);
    assert!(answer.notes.contains(&Note::Unconfirmed { out_of_time: false }), "{:?}", answer.notes);
    assert!(answer.confidence <= 0.0 && simulation.now < 90.0, "{}", simulation.now);
}

#[test]
fn a_lowest_rate_that_is_close_to_the_limit_is_no_proof_that_none_holds() {
    // The tail of the idle target is close to the limit, and a hundred requests cannot decide its p99.
    let limit = Duration::from_millis(50);
    let mut slo = Slo::standard();
    slo.objectives[0] = Objective::ResponseTime { quantile: 0.99, limit, or_equal: false };
    let settings = Settings::new(slo, Effort::Quick);
    for seed in 0..10 {
        let (answer, _) = search(Target::new(200.0, 2, Service::Exponential), &settings, seed);
        if answer.bound != Bound::BelowMinimum {
            continue;
        }
        let last = answer.trials.last().expect("there were trials");
        let misses = last.figures.measured.iter().any(|measured| !measured.holds());
        assert!(
            misses && last.judgement.verdict == TrialVerdict::Fail,
            "{seed}: {:?}",
            last.judgement
        );
    }
}

#[test]
fn the_interval_reaches_down_to_what_the_quantile_surely_met() {
    let mut search = Search::new(standard());
    let target = Target::new(900.0, 1, Service::Exponential);
    let mut simulation = Simulation::new(target, Slo::standard(), 1);
    while let Step::Trial(trial) = search.next() {
        let result = simulation.run(&trial);
        let high = Duration::from_millis(if trial.rate > 500.0 { 1_200 } else { 700 });
        let interval = Some(TimeInterval { low: Duration::ZERO, high: Some(high) });
        search.observe(TrialResult { interval, ..result });
    }
    let answer = search.conclude();
    assert!((860.0..=930.0).contains(&answer.estimate), "{}", answer.estimate);
    assert!((answer.low - 320.0).abs() < 1e-9, "the ramp's last step below 500/s: {}", answer.low);
}

#[test]
fn what_was_held_only_between_stalls_is_not_confirmed() {
    // A quick search has no time for one that comes once a minute.
    let target = Target { stalls: Some((60.0, 5.1)), ..Target::new(1000.0, 8, Service::Erlang(2)) };
    let settings = Settings::new(Slo::standard(), Effort::Quick);
    let mut seen = 0;
    for seed in 0..16 {
        let (answer, _) = search(target, &settings, seed);
        // Far above the estimate, overload alone may silence a target.
        let near = |record: &&TrialRecord| record.trial.rate <= 1.5 * answer.estimate;
        let met = answer.trials.iter().filter(near).any(|record| record.judgement.stalls > 0);
        if met && answer.bound == Bound::Breach {
            seen += 1;
            assert!(answer.confidence <= 0.0, "{seed}: {:?}", answer.notes);
            let open = |note: &Note| matches!(note, Note::BetweenStalls | Note::Unconfirmed { .. });
            assert!(answer.notes.iter().any(open), "{:?}", answer.notes);
        }
    }
    assert!(seen > 0, "no search met a stall");
}

#[test]
fn a_limited_generator_ends_a_quick_search_in_about_a_minute() {
    let target = Target { client: 8000.0, ..Target::new(20_000.0, 8, Service::Exponential) };
    let settings = Settings::new(Slo::standard(), Effort::Quick);
    let (answer, simulation) = search(target, &settings, 1);
    assert_eq!((answer.bound, answer.high), (Bound::AtLeast, None));
    assert!((7_500.0..=8_000.0).contains(&answer.estimate), "{}", answer.estimate);
    assert!(simulation.now <= 65.0, "{}", simulation.now);
}

#[test]
fn a_target_too_slow_at_any_rate_is_below_the_minimum() {
    // 1.2 s per answer, whatever the rate.
    let (answer, _) = search(Target::new(100.0, 120, Service::Fixed), &standard(), 1);
    assert_eq!(answer.bound, Bound::BelowMinimum);
    assert_eq!(answer.high, Some(1.0));
    assert!(answer.breach.is_some());
}

#[test]
fn a_start_above_capacity_is_left_downwards() {
    let settings = Settings { start: 2000.0, ..standard() };
    for (seed, service) in
        (0..).zip([Service::Fixed, Service::Exponential, Service::LogNormal(1.0)])
    {
        let (answer, _) = search(Target::new(300.0, 1, service), &settings, seed);
        assert!((285.0..=315.0).contains(&answer.estimate), "{service:?}: {}", answer.estimate);
    }
}

/// A result as `held` says, in `took` seconds.
fn scripted(trial: &Trial, held: bool, took: f64, limited: bool) -> TrialResult {
    let latency = Slo::standard().objectives[0];
    let value = if held { 0.1 } else { 2.0 };
    let slots = u32::try_from(trial.duration().as_millis() / 100).expect("a trial is short");
    let point = |slot| Point {
        at: SLOT * slot,
        planned: 100,
        answered_ok: 100,
        unfinished: if held { 1 } else { 40 * u64::from(slot) },
        ..Point::default()
    };
    TrialResult {
        points: (1..=slots).map(point).collect(),
        length: trial.length,
        took: Duration::from_secs_f64(took),
        planned: 1000,
        ok: 1000,
        error_rate: 0.0,
        measured: vec![ObjectiveFigure { objective: latency, value, at_least: false }],
        missed: Vec::new(),
        achieved: trial.rate,
        send_lag_p99: Duration::ZERO,
        median: Duration::from_secs_f64(value / 2.0),
        interval: None,
        client: if limited {
            ClientState::Limited { reason: "CPU".into() }
        } else {
            ClientState::Healthy
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn every_search_ends_within_its_time_and_range(
        outcomes in prop::collection::vec((0..3_u8, 0.0..3.0_f64), 1..40),
        start in 0.1..5000.0_f64,
        max_rate in 1.0..10_000.0_f64,
        search_time in 20_u64..400,
    ) {
        let search_time = Duration::from_secs(search_time);
        let settings = Settings { start, max_rate, search_time, ..standard() };
        let mut search = Search::new(settings);
        let mut elapsed = 0.0;
        for (outcome, drain) in outcomes.iter().cycle().take(TRIALS_MAX + 1) {
            let Step::Trial(trial) = search.next() else { break };
            prop_assert!((0.99..=max_rate.max(1.0) * 1.001).contains(&trial.rate), "{trial:?}");
            prop_assert!(is_four_figures(trial.rate));
            let took = trial.duration().as_secs_f64() + drain.min(2.0);
            elapsed += took;
            search.observe(scripted(&trial, *outcome == 0, took, *outcome == 2));
        }
        let Step::Done(answer) = search.next() else { panic!("no end after {elapsed} s") };
        prop_assert!(elapsed <= search_time.as_secs_f64() + 0.1, "{} s", elapsed);
        prop_assert!(answer.low <= answer.estimate);
        prop_assert!(answer.high.is_none_or(|high| high >= answer.estimate));
        let nothing_held = answer.estimate == 0.0 && answer.high.is_some();
        prop_assert_eq!(answer.bound == Bound::BelowMinimum, nothing_held);
    }

    #[test]
    fn a_search_whose_trials_report_no_time_ends_too(held in prop::collection::vec(any::<bool>(), 1..20)) {
        let mut search = Search::new(standard());
        for &held in held.iter().cycle().take(TRIALS_MAX) {
            let Step::Trial(trial) = search.next() else { break };
            let result = scripted(&trial, held, 0.0, false);
            search.observe(TrialResult { length: Duration::ZERO, ..result });
        }
        prop_assert!(matches!(search.next(), Step::Done(_)));
    }
}

/// A search of `target` in which the trials at these places are disturbed.
fn search_disturbed(target: Target, disturbed: &[usize]) -> Answer {
    let settings = standard();
    let mut simulation = Simulation::new(target, settings.slo.clone(), 1);
    let mut search = Search::new(settings);
    for place in 0.. {
        let trial = match search.next() {
            Step::Done(answer) => return answer,
            Step::Trial(trial) => trial,
        };
        let mut result = simulation.run(&trial);
        if disturbed.contains(&place) {
            result.client = ClientState::Disturbed { reason: "a pause".into() };
        }
        search.observe(result);
    }
    unreachable!("every search ends within its time")
}

#[test]
fn a_disturbed_trial_is_measured_again_and_caps_nothing() {
    let target = || Target::new(900.0, 1, Service::Exponential);
    for disturbed in [&[0][..], &[3], &[5, 6, 7], &[9], &[12, 13]] {
        let answer = search_disturbed(target(), disturbed);
        assert_eq!(answer.bound, Bound::Breach, "{disturbed:?}: {:?}", answer.notes);
        assert!((860.0..=930.0).contains(&answer.estimate), "{disturbed:?}: {}", answer.estimate);
        assert!(answer.confidence > 0.0, "{disturbed:?}");
        for place in disturbed {
            let [spoiled, again] = [place, &(place + 1)].map(|at| &answer.trials[*at]);
            let same = (spoiled.trial.rate - again.trial.rate).abs() < 1e-9;
            // A backlog that grows tells something all the same.
            let told = spoiled.judgement.verdict == TrialVerdict::Fail;
            let recovery = spoiled.trial.purpose == TrialPurpose::Recovery;
            assert!(same || told || recovery, "{disturbed:?}");
        }
    }
}
