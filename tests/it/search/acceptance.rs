//! The acceptance of searches: simulated targets whose highest rate is known by theory, and the bars that
//! the search must reach. `scripts/prove-search` runs all of it, the tests a few seeds.

use std::time::Duration;

use super::simulation::{Arrivals, Service, Simulation, Target};
use steadfire::analysis::search::{Answer, Effort, Note, Search, Settings, Step};
use steadfire::load::slo::{Objective, Slo};

/// A kind of target with its bars. Errors are shares of the truth.
pub(super) struct Scenario {
    name: &'static str,
    target: Target,
    limit_ms: u64,
    /// Per second; nothing where the target changes.
    pub(super) truth: Option<f64>,
    /// Errors within this range, in at least this share of searches.
    within: (f64, f64, f64),
    /// Searches with an error above this, and the share of them that may have one.
    pub(super) above: (f64, f64),
    /// Share of intervals that must hold the truth.
    covers: f64,
    /// Seconds: median, and 95th percentile.
    seconds: (f64, f64),
    note: Option<fn(&Note) -> bool>,
}

/// What a search came to.
pub(super) struct Outcome {
    /// Estimate / truth − 1.
    pub(super) error: f64,
    pub(super) seconds: f64,
    pub(super) covered: bool,
    width: f64,
    answer: Answer,
}

fn scenario(name: &'static str, target: Target, truth: f64) -> Scenario {
    Scenario {
        name,
        target,
        limit_ms: 1000,
        truth: Some(truth),
        within: (-0.02, 0.02, 0.95),
        above: (0.02, 0.0),
        covers: 0.9,
        seconds: (150.0, 200.0),
        note: None,
    }
}

fn is_wide(note: &Note) -> bool {
    matches!(note, Note::Wide { .. })
}

fn is_stalls(note: &Note) -> bool {
    matches!(note, Note::Stalls { .. })
}

/// A queue with Poisson arrivals.
fn poisson(capacity: f64, service: Service) -> Target {
    Target { arrivals: Arrivals::Poisson, ..Target::new(capacity, 1, service) }
}

/// Targets without faults. The truths are those of queueing theory: M/M/1 has μ − ln(1/q)/L, D/M/1 and M/D/1
/// solve an equation (Lundberg), D/M/c comes from long simulations.
fn queues() -> Vec<Scenario> {
    use Service::{Erlang, Exponential, Fixed};
    let slow = |one: Scenario| Scenario {
        within: (-0.06, 0.06, 0.9),
        above: (0.08, 0.0),
        seconds: (240.0, 290.0),
        note: Some(is_wide),
        ..one
    };
    let fast = |one: Scenario| Scenario {
        within: (-0.015, 0.015, 1.0),
        covers: 0.0,
        seconds: (110.0, 110.0),
        ..one
    };
    vec![
        Scenario {
            within: (-0.01, 0.01, 1.0),
            covers: 0.0,
            seconds: (80.0, 80.0),
            ..scenario("D/D/1 200/s", Target::new(200.0, 1, Fixed), 200.0)
        },
        scenario("M/D/1 1k/s", poisson(1000.0, Fixed), 998.502),
        Scenario {
            within: (-0.025, 0.025, 0.95),
            seconds: (165.0, 210.0),
            ..scenario("M/M/1 1k/s", poisson(1000.0, Exponential), 997.004)
        },
        Scenario {
            within: (-0.025, 0.025, 0.95),
            ..scenario("D/M/4 1k/s", Target::new(1000.0, 4, Exponential), 998.5)
        },
        slow(scenario("D/M/1 50/s", Target::new(50.0, 1, Exponential), 48.487)),
        slow(scenario("M/D/1 50/s", poisson(50.0, Fixed), 48.497)),
        fast(scenario("D/M/8 20k/s", Target::new(20_000.0, 8, Exponential), 19_998.5)),
        fast(scenario("D/E2/16 50k/s", Target::new(50_000.0, 16, Erlang(2)), 49_999.0)),
    ]
}

/// Targets that break their limit well below capacity.
fn tight() -> Vec<Scenario> {
    let bars = |one: Scenario, limit_ms| Scenario {
        limit_ms,
        within: (-0.05, 0.03, 0.9),
        above: (0.02, 0.04),
        covers: 0.8,
        seconds: (200.0, 300.0),
        ..one
    };
    let servers = |capacity, servers| Target::new(capacity, servers, Service::Exponential);
    vec![
        bars(scenario("M/M/1 1k/s, 50 ms", poisson(1000.0, Service::Exponential), 940.09), 50),
        bars(scenario("D/M/8 200/s, 200 ms", servers(200.0, 8), 189.6), 200),
        bars(scenario("D/M/100 333/s", servers(100.0 / 0.3, 100), 328.65), 1000),
    ]
}

/// Targets with the faults of real ones.
#[expect(clippy::too_many_lines, reason = "a table")]
fn faults() -> Vec<Scenario> {
    use Service::{Erlang, Exponential, Fixed};
    let with = |change: fn(&mut Target), service| {
        let mut target = Target::new(1000.0, 1, service);
        change(&mut target);
        target
    };
    let stalls = |target: &mut Target| target.stalls = Some((20.0, 1.0));
    let limited = |burst| Target { limiter: Some((1000.0, burst)), ..Target::new(1e5, 1, Fixed) };
    let refusing = |name, burst| Scenario {
        within: (-0.02, 0.01, 1.0),
        above: (0.01, 0.0),
        covers: 0.0,
        ..scenario(name, limited(burst), 1000.0 / 0.95)
    };
    vec![
        Scenario {
            within: (-0.1, 0.02, 0.9),
            covers: 0.0,
            seconds: (360.0, 400.0),
            note: Some(is_stalls),
            ..scenario("stall 1 s / 20 s", with(stalls, Erlang(4)), 948.0)
        },
        Scenario {
            limit_ms: 500,
            within: (-1.0, 0.02, 1.0),
            covers: 0.95,
            seconds: (400.0, 400.0),
            note: Some(is_stalls),
            ..scenario("stall 1 s / 20 s, 500 ms", with(stalls, Erlang(4)), 498.0)
        },
        refusing("limiter, bursts of 1 s", 1000.0),
        Scenario { seconds: (165.0, 200.0), ..refusing("limiter, bursts of 10 s", 10_000.0) },
        Scenario {
            within: (-0.03, 0.03, 0.95),
            above: (0.03, 0.05),
            covers: 0.0,
            seconds: (180.0, 300.0),
            ..scenario(
                "M/M/1/20",
                Target { room: Some(20), ..poisson(1000.0, Exponential) },
                1004.94,
            )
        },
        Scenario {
            within: (-0.02, 0.02, 0.95),
            covers: 0.0,
            ..scenario("collapse", with(|t| t.collapse = Some((0.3, 1.35)), Erlang(2)), 998.5)
        },
        Scenario {
            within: (-0.03, 0.02, 0.9),
            covers: 0.0,
            ..scenario("warm-up", with(|t| t.warm_up = Some((1.5, 6000.0)), Erlang(2)), 998.5)
        },
        Scenario {
            within: (-0.08, 0.05, 0.9),
            above: (0.05, 0.02),
            covers: 0.0,
            seconds: (240.0, 300.0),
            ..scenario("drift 5 %", with(|t| t.drift = Some((0.05, 120.0)), Erlang(2)), 1000.0)
        },
        Scenario {
            within: (-0.1, 0.02, 0.9),
            covers: 0.0,
            seconds: (300.0, 300.0),
            ..scenario("hangover", with(|t| t.hangover = Some((0.5, 8.0)), Erlang(2)), 998.5)
        },
        Scenario {
            truth: None,
            within: (-0.3, 0.01, 0.9),
            above: (0.01, 0.0),
            covers: 0.0,
            seconds: (360.0, 360.0),
            note: Some(|note| matches!(note, Note::Scaled)),
            ..scenario(
                "autoscaling 4 to 8",
                Target { scaling: Some(8), ..Target::new(1000.0, 4, Erlang(2)) },
                0.0,
            )
        },
        Scenario {
            within: (-0.05, 0.0, 1.0),
            covers: 0.0,
            seconds: (120.0, 120.0),
            note: Some(|note| matches!(note, Note::ClientLimited { .. })),
            ..scenario(
                "generator at 8k of 20k/s",
                Target { client: 8000.0, ..Target::new(20_000.0, 8, Exponential) },
                8000.0,
            )
        },
    ]
}

/// Generators that pause and targets that freeze for long, break down for good or are slow at any rate.
fn troubled() -> Vec<Scenario> {
    use Service::{Erlang, Exponential};
    let quick = |one: Scenario| Scenario {
        limit_ms: 50,
        within: (-0.05, 0.01, 0.95),
        above: (0.01, 0.0),
        covers: 0.8,
        seconds: (150.0, 240.0),
        ..one
    };
    let of_four = Target::new(2000.0, 4, Exponential);
    let paused = |every| Target { pauses: Some((every, 0.15)), ..of_four };
    let never = |name, target| Scenario {
        truth: Some(0.0),
        within: (0.0, 0.0, 0.95),
        above: (0.0, 0.05),
        covers: 0.95,
        seconds: (120.0, 360.0),
        ..scenario(name, target, 0.0)
    };
    vec![
        quick(scenario("D/M/4 2k/s, 50 ms", of_four, 1969.5)),
        // The generator takes as much room as the target needs to recover from its pauses.
        Scenario {
            within: (-0.2, 0.01, 0.95),
            seconds: (210.0, 330.0),
            ..quick(scenario("the same, pause / 20 s", paused(20.0), 1969.5))
        },
        Scenario {
            seconds: (150.0, 280.0),
            ..quick(scenario("the same, pause / 60 s", paused(60.0), 1969.5))
        },
        Scenario {
            within: (-0.05, 0.02, 0.95),
            covers: 0.0,
            seconds: (180.0, 300.0),
            ..scenario(
                "deep collapse 330/s",
                Target { collapse: Some((1.0, 25.0)), ..Target::new(330.0, 8, Erlang(2)) },
                328.5,
            )
        },
        never(
            "freeze 5.1 s / min",
            Target { stalls: Some((60.0, 5.1)), ..Target::new(1000.0, 8, Erlang(2)) },
        ),
        never(
            "4 % freeze it for 5.1 s",
            Target { freezing: Some((0.04, 5.1)), ..Target::new(300.0, 8, Erlang(2)) },
        ),
        never(
            "7 % take 3 s more",
            Target { slow_share: Some((0.07, 3.0)), ..Target::new(1000.0, 8, Erlang(2)) },
        ),
    ]
}

/// Every scenario there is.
pub(super) fn scenarios() -> impl Iterator<Item = Scenario> {
    queues().into_iter().chain(tight()).chain(faults()).chain(troubled())
}

/// Runs a search to its end; with the target as it was then.
pub(crate) fn search(target: Target, settings: &Settings, seed: u64) -> (Answer, Simulation) {
    drive(Search::new(settings.clone()), Simulation::new(target, settings.slo.clone(), seed))
}

fn drive(mut search: Search, mut simulation: Simulation) -> (Answer, Simulation) {
    loop {
        match search.next() {
            Step::Trial(trial) => search.observe(simulation.run(&trial)),
            Step::Done(answer) => return (answer, simulation),
        }
    }
}

impl Scenario {
    fn search(&self, effort: Effort, seed: u64) -> Outcome {
        self.search_with(effort, seed, Search::new)
    }

    /// The same with the search that `begin` makes of the settings.
    pub(super) fn search_with(
        &self,
        effort: Effort,
        seed: u64,
        begin: impl Fn(Settings) -> Search,
    ) -> Outcome {
        let mut slo = Slo::standard();
        let limit = Duration::from_millis(self.limit_ms);
        slo.objectives[0] = Objective::ResponseTime { quantile: 0.95, limit, or_equal: false };
        let simulation = Simulation::new(self.target, slo.clone(), 1000 + seed);
        let (answer, simulation) = drive(begin(Settings::new(slo, effort)), simulation);
        let truth = self.truth.unwrap_or_else(|| simulation.final_capacity());
        let high = answer.high.unwrap_or(f64::INFINITY);
        Outcome {
            error: if truth > 0.0 { answer.estimate / truth - 1.0 } else { answer.estimate },
            seconds: simulation.now,
            covered: answer.low <= 1.001 * truth && 0.999 * truth <= high,
            width: if truth > 0.0 { high / answer.low.max(1e-9) - 1.0 } else { 0.0 },
            answer,
        }
    }
}

/// The outcomes of one scenario, held against its bars.
struct Figures {
    errors: Vec<f64>,
    seconds: Vec<f64>,
    widths: Vec<f64>,
    covered: f64,
    noted: f64,
    complaints: Vec<String>,
}

fn at(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a place"
    )]
    let place = (share * (sorted.len() - 1) as f64).round() as usize;
    sorted[place]
}

impl Figures {
    fn of(scenario: &Scenario, effort: Effort, seeds: u64) -> Self {
        let outcomes: Vec<Outcome> = (0..seeds).map(|seed| scenario.search(effort, seed)).collect();
        let share = |holds: &dyn Fn(&Outcome) -> bool| {
            outcomes.iter().filter(|outcome| holds(outcome)).count() as f64 / seeds as f64
        };
        let sorted = |of: fn(&Outcome) -> f64| {
            let mut values: Vec<f64> = outcomes.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let noted =
            |outcome: &Outcome| scenario.note.is_none_or(|is| outcome.answer.notes.iter().any(is));
        let mut figures = Self {
            errors: sorted(|outcome| outcome.error),
            seconds: sorted(|outcome| outcome.seconds),
            widths: sorted(|outcome| outcome.width),
            covered: share(&|outcome| outcome.covered),
            noted: share(&noted),
            complaints: Vec::new(),
        };
        let (least, most, needed) = scenario.within;
        let near = share(&|outcome| (least..=most).contains(&outcome.error));
        let high = share(&|outcome| outcome.error > scenario.above.0);
        let (median, late) = (at(&figures.seconds, 0.5), at(&figures.seconds, 0.95));
        for (name, holds) in [
            (format!("only {near:.2} within {least:+.3} to {most:+.3}"), near >= needed),
            (format!("{high:.2} above {:+.3}", scenario.above.0), high <= scenario.above.1),
            (format!("only {:.2} cover", figures.covered), figures.covered >= scenario.covers),
            (format!("{median:.0} s in the median"), median <= scenario.seconds.0),
            (format!("{late:.0} s at p95"), late <= scenario.seconds.1),
            (format!("only {:.2} noted", figures.noted), figures.noted >= 0.95),
        ] {
            if !holds && effort == Effort::Normal {
                figures.complaints.push(name);
            }
        }
        figures
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:26} {:+6.1} {:+6.1} {:+6.1} {:+6.1}  {:5.1} {:4.0} {:4.0}  {:4.0} {:4.0}  {}",
            100.0 * at(&self.errors, 0.5),
            100.0 * at(&self.errors, 0.05),
            100.0 * at(&self.errors, 0.95),
            100.0 * self.errors[self.errors.len() - 1],
            100.0 * at(&self.widths, 0.5),
            100.0 * self.covered,
            100.0 * self.noted,
            at(&self.seconds, 0.5),
            at(&self.seconds, 0.95),
            if self.complaints.is_empty() { "ok".to_owned() } else { self.complaints.join("; ") },
        )
    }
}

/// A few seeds of each, which may be half as far off again: shares of so few say little.
#[test]
fn searches_find_what_theory_says() {
    for one in scenarios() {
        let seeds = if one.target.capacity > 15_000.0 { 1 } else { 3 };
        let figures = Figures::of(&one, Effort::Normal, seeds);
        let line = figures.line(one.name);
        let (lowest, highest) = (figures.errors[0], at(&figures.errors, 1.0));
        assert!(lowest >= (1.5 * one.within.0).min(-0.05), "{line}");
        assert!(highest <= one.above.0 + 0.02, "{line}");
        assert!(figures.seconds.iter().all(|seconds| *seconds <= 362.0), "{line}");
        let truth_held = one.covers <= 0.0 || figures.covered > 0.6;
        assert!(truth_held && (figures.noted > 0.6 || seeds > 1), "{line}");
    }
}

/// For `scripts/prove-search`: `STEADFIRE_SEEDS` searches each, with the effort `STEADFIRE_EFFORT`, of the
/// targets with `STEADFIRE_ONLY` in their name.
#[test]
#[ignore = "minutes; scripts/prove-search runs it"]
#[expect(clippy::print_stdout, reason = "a table to read")]
#[expect(clippy::disallowed_methods, reason = "the script chooses what is run")]
fn table() {
    let set = |name: &str| std::env::var(name).ok();
    let seeds = set("STEADFIRE_SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(20);
    let effort = set("STEADFIRE_EFFORT").unwrap_or_default();
    let effort = Effort::ALL.into_iter().find(|one| one.name() == effort).unwrap_or_default();
    let only = set("STEADFIRE_ONLY").unwrap_or_default();
    let named = |one: &Scenario| one.name.contains(&only);
    let mut missed = false;
    println!(
        "{:26} {:>6} {:>6} {:>6} {:>6}  {:>5} {:>4} {:>4}  {:>4} {:>4}  bars",
        "target", "median", "p5", "p95", "max", "width", "hold", "note", "s", "p95"
    );
    for one in scenarios().filter(named) {
        let figures = Figures::of(&one, effort, seeds);
        println!("{}", figures.line(one.name));
        missed |= !figures.complaints.is_empty();
    }
    assert!(!missed, "bars were missed");
}
