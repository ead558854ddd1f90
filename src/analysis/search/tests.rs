//! Searches against simulated queues, in virtual time.

use std::time::Duration;

use proptest::prelude::*;

use super::simulation::{Service, Simulation, Target};
use super::*;
use crate::analysis::trial::{Breach, ClientState, Measured, Point, SLOT};

const SERVICES: [Service; 3] = [Service::Fixed, Service::Exponential, Service::LogNormal];

fn standard() -> Settings {
    Settings::new(Slo::standard())
}

/// Runs a search to its end; with the seconds it took.
fn search(target: Target, settings: &Settings, seed: u64) -> (Answer, f64) {
    let mut simulation = Simulation::new(target, settings.slo.clone(), seed);
    let mut search = Search::new(settings.clone());
    loop {
        match search.next() {
            Step::Trial(trial) => search.observe(simulation.run(&trial)),
            Step::Done(answer) => return (answer, simulation.now),
        }
    }
}

/// Many searches of one kind of target: estimate / truth, seconds, and whether the interval held the truth.
struct Runs {
    ratios: Vec<f64>,
    seconds: Vec<f64>,
    covered: usize,
}

/// Searches with `seeds` seeds, each for a capacity of its own between 0.7 and 1.4 times `capacity`;
/// `target` gives the target and the true rate.
fn runs(seeds: u32, capacity: f64, target: impl Fn(f64) -> (Target, f64)) -> Runs {
    let mut runs = Runs { ratios: Vec::new(), seconds: Vec::new(), covered: 0 };
    for seed in 0..seeds {
        // The golden section spreads any number of seeds evenly.
        let (target, truth) =
            target(capacity * (0.7 + 0.7 * (f64::from(seed) * 0.618_034).fract()));
        let (answer, seconds) = search(target, &standard(), u64::from(seed));
        runs.ratios.push(answer.estimate / truth);
        runs.seconds.push(seconds);
        let covered = answer.low <= truth && answer.high.is_some_and(|high| high >= truth);
        runs.covered += usize::from(covered);
    }
    runs.ratios.sort_by(f64::total_cmp);
    runs.seconds.sort_by(f64::total_cmp);
    runs
}

impl Runs {
    fn assert(&self, name: &str, ratios: std::ops::RangeInclusive<f64>) {
        let (first, last) = (self.ratios[0], self.ratios[self.ratios.len() - 1]);
        assert!(ratios.contains(&first) && ratios.contains(&last), "{name}: {:?}", self.ratios);
        let slowest = self.seconds[self.seconds.len() - 1];
        assert!(slowest <= 152.0, "{name}: {slowest} s");
    }

    fn median_seconds(&self) -> f64 {
        self.seconds[self.seconds.len() / 2]
    }
}

/// A plain queue and its SLO rate: with p95 < 1 s, about 1.5/s below capacity where service varies.
fn plain(servers: usize, service: Service) -> impl Fn(f64) -> (Target, f64) {
    let below = if service == Service::Fixed { 0.0 } else { 1.5 };
    move |capacity| (Target::new(capacity, servers, service), capacity - below)
}

fn faulty(change: impl Fn(&mut Target), share: f64) -> impl Fn(f64) -> (Target, f64) {
    move |capacity| {
        let mut target = Target::new(capacity, 4, Service::Exponential);
        change(&mut target);
        (target, capacity * share)
    }
}

#[test]
fn capacity_is_found_within_5_percent() {
    let (mut covered, mut searches) = (0, 0);
    for (capacity, seeds) in [(300.0, 40), (900.0, 40), (5000.0, 5)] {
        for (servers, service) in SERVICES.map(|s| [(1, s), (4, s)]).concat() {
            let name = format!("{servers} servers, {service:?}, about {capacity}/s");
            let runs = runs(seeds, capacity, plain(servers, service));
            runs.assert(&name, 0.95..=1.05);
            assert!(runs.median_seconds() < 125.0, "{name}: {:?}", runs.seconds);
            if service != Service::Fixed {
                covered += runs.covered;
                searches += runs.ratios.len();
            }
        }
    }
    let coverage = covered as f64 / searches as f64;
    assert!(coverage >= COVERAGE, "{coverage}");
}

#[test]
fn slow_targets_are_found_as_closely_as_counting_allows() {
    for (servers, service) in SERVICES.map(|s| [(1, s), (4, s)]).concat() {
        let runs = runs(40, 50.0, plain(servers, service));
        runs.assert(&format!("{servers} servers, {service:?}"), 0.9..=1.12);
        let near = runs.ratios.iter().filter(|&ratio| (0.92..=1.08).contains(ratio)).count();
        assert!(near >= 34, "{servers} servers, {service:?}: {:?}", runs.ratios);
    }
}

#[test]
fn a_limiter_is_found_by_its_errors() {
    // 5 % of errors are reached where a twentieth of the rate is refused.
    let limited = |capacity| {
        let mut target = Target::new(5000.0, 4, Service::Exponential);
        target.limiter = Some(capacity);
        (target, capacity / 0.95)
    };
    runs(20, 900.0, limited).assert("limiter", 0.975..=1.01);
}

#[test]
fn stalls_do_not_fail_a_rate_that_holds() {
    let stalls = faulty(|target| target.stalls = Some((20.0, 1.0)), 0.95);
    runs(40, 900.0, stalls).assert("stalls", 0.94..=1.06);
}

#[test]
fn collapse_under_overload_does_not_drag_the_answer_down() {
    for capacity in [300.0, 900.0] {
        let collapsing = faulty(|target| target.collapse = Some(0.5), 1.0);
        runs(40, capacity, collapsing).assert("collapse", 0.94..=1.05);
    }
}

#[test]
fn a_cold_start_is_forgotten() {
    runs(40, 900.0, faulty(|target| target.cold = 15.0, 1.0)).assert("cold", 0.95..=1.05);
}

#[test]
fn the_highest_rate_allowed_is_a_lower_bound() {
    let settings = Settings { max_rate: 500.0, ..standard() };
    let (answer, _) = search(Target::new(900.0, 1, Service::Exponential), &settings, 1);
    assert_eq!((answer.bound, answer.estimate, answer.high), (Bound::AtLeast, 500.0, None));
    assert_eq!(answer.notes, []);
}

#[test]
fn a_limited_generator_gives_a_lower_bound_and_no_verdict() {
    let target = Target { client: 700.0, ..Target::new(5000.0, 1, Service::Exponential) };
    let (answer, _) = search(target, &standard(), 1);
    assert_eq!(answer.bound, Bound::AtLeast);
    assert!((665.0..=700.0).contains(&answer.estimate), "{}", answer.estimate);
    assert_eq!(answer.notes, [Note::ClientLimited { reason: "CPU".into() }]);
    for record in answer.trials.iter().filter(|record| record.trial.rate > 700.0) {
        assert_eq!(record.judgement.verdict, Verdict::Invalid);
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
    let (answer, seconds) = search(target, &standard(), 1);
    assert_eq!((answer.bound, answer.estimate), (Bound::BelowMinimum, 0.0));
    assert!(matches!(answer.limit, Some(Breach::ErrorsOver(_))), "{:?}", answer.limit);
    assert_eq!(answer.notes, []);
    assert!(seconds < 10.0, "{seconds}");
}

#[test]
fn a_target_too_slow_at_any_rate_is_below_the_minimum() {
    // 1.2 s per answer, whatever the rate.
    let (answer, _) = search(Target::new(100.0, 120, Service::Fixed), &standard(), 1);
    assert_eq!(answer.bound, Bound::BelowMinimum);
    assert_eq!(answer.high, Some(1.0));
    assert!(matches!(answer.limit, Some(Breach::LatencyOver(_))), "{:?}", answer.limit);
}

#[test]
fn a_start_above_capacity_is_left_downwards() {
    let settings = Settings { start: 2000.0, ..standard() };
    for (seed, service) in (0..).zip(SERVICES) {
        let (answer, _) = search(Target::new(300.0, 1, service), &settings, seed);
        assert!((285.0..=315.0).contains(&answer.estimate), "{service:?}: {}", answer.estimate);
    }
}

/// A result as `held` says, in `took` seconds.
fn scripted(trial: &Trial, held: bool, took: f64, limited: bool) -> TrialResult {
    let latency = Slo::standard().objectives[0];
    let value = if held { 0.1 } else { 2.0 };
    let slots = u32::try_from(trial.duration().as_millis() / 100).unwrap();
    TrialResult {
        points: (1..=slots).map(|slot| Point { at: SLOT * slot, ..Point::default() }).collect(),
        length: trial.length,
        took: Duration::from_secs_f64(took),
        planned: 0,
        ok: 0,
        error_rate: 0.0,
        measured: vec![Measured { objective: latency, value, at_least: false }],
        achieved: trial.rate,
        send_lag_p99: Duration::ZERO,
        client: if limited {
            ClientState::Limited { reason: "CPU".into() }
        } else {
            ClientState::Healthy
        },
        stopped_early: None,
    }
}

#[test]
fn a_rate_failed_by_mistake_is_found_out_above_the_answer() {
    let mut search = Search::new(standard());
    let mut mistaken = false;
    let answer = loop {
        match search.next() {
            Step::Trial(trial) => {
                let unlucky = !mistaken && trial.purpose == Purpose::Bisect && trial.rate > 700.0;
                mistaken |= unlucky;
                let took = trial.duration().as_secs_f64();
                search.observe(scripted(&trial, trial.rate < 1000.0 && !unlucky, took, false));
            }
            Step::Done(answer) => break answer,
        }
    };
    assert!(answer.trials.iter().any(|record| record.trial.purpose == Purpose::Above));
    assert!(answer.high.is_some_and(|high| high >= 1000.0), "{:?}", answer.high);
}

proptest! {
    #[test]
    fn every_search_ends_within_its_time_and_range(
        outcomes in prop::collection::vec((0..3_u8, 0.0..3.0_f64), 1..40),
        start in 0.1..5000.0_f64,
        max_rate in 1.0..10_000.0_f64,
    ) {
        let settings = Settings { start, max_rate, ..standard() };
        let mut search = Search::new(settings.clone());
        let (mut elapsed, mut last) = (0.0, 0.0);
        for (outcome, drain) in outcomes.iter().cycle().take(TRIALS_MAX + 1) {
            let Step::Trial(trial) = search.next() else { break };
            prop_assert!((1.0..=max_rate.max(1.0) * 1.001).contains(&trial.rate), "{trial:?}");
            prop_assert!((trial.rate - four_figures(trial.rate)).abs() < 1e-9);
            last = trial.duration().as_secs_f64() + drain;
            elapsed += last;
            search.observe(scripted(&trial, *outcome == 0, last, *outcome == 2));
        }
        let Step::Done(answer) = search.next() else { panic!("no end after {elapsed} s") };
        let limit = settings.search_time.as_secs_f64();
        prop_assert!(elapsed <= limit + 1.0, "{} s, last {}", elapsed, last);
        prop_assert!(answer.low <= answer.estimate);
        prop_assert!(answer.high.is_none_or(|high| high > answer.estimate));
        let nothing_held = answer.estimate == 0.0 && answer.high.is_some();
        prop_assert_eq!(answer.bound == Bound::BelowMinimum, nothing_held);
    }

    #[test]
    fn a_search_whose_trials_report_no_time_ends_too(held in prop::collection::vec(any::<bool>(), 1..20)) {
        let mut search = Search::new(standard());
        for &held in held.iter().cycle().take(TRIALS_MAX) {
            let Step::Trial(trial) = search.next() else { break };
            search.observe(TrialResult {
                length: Duration::ZERO,
                ..scripted(&trial, held, 0.0, false)
            });
        }
        prop_assert!(matches!(search.next(), Step::Done(_)));
    }
}
