//! How much searches depend on each of their numbers: the simulated targets again, with one number a quarter
//! less or more. `scripts/prove-search --sensitivity` prints the table of `docs/method.md`.

use super::acceptance::{Outcome, Scenario, scenarios};
use steadfire::analysis::search::{Effort, Search, SearchTuning, Settings};
use steadfire::analysis::trial::TrialTuning;

/// Simulated targets of higher rates, per second, take most of the time and tell the least.
const RATE_MAX: f64 = 15_000.0;

/// An error counts this much at most, so that a search led astray does not drown the others.
const ERROR_MAX: f64 = 0.1;

/// The numbers of searches and of their trials.
#[derive(Clone, Copy)]
struct Tuning {
    search: SearchTuning,
    trial: TrialTuning,
}

impl Tuning {
    const STANDARD: Self = Self { search: SearchTuning::STANDARD, trial: TrialTuning::STANDARD };

    fn scaled(self, name: &str, factor: f64) -> Self {
        Self { search: self.search.scaled(name, factor), trial: self.trial.scaled(name, factor) }
    }

    fn get(&self, name: &str) -> f64 {
        self.search.get(name).or(self.trial.get(name)).expect("a number has a value")
    }

    /// Searches of each scenario. The numbers are leaked: a search refers to those in use for ever.
    fn outcomes(self, scenarios: &[Scenario], seeds: u64) -> Vec<Outcome> {
        let Self { search, trial } = *Box::leak(Box::new(self));
        let (search, trial) = (&*Box::leak(Box::new(search)), &*Box::leak(Box::new(trial)));
        let begin = |settings: Settings| Search::tuned(settings, search, trial);
        let seeded = |one: &'_ Scenario, seed| one.search_with(Effort::Normal, seed, begin);
        let each = scenarios.iter().flat_map(|one| (0..seeds).map(move |seed| (one, seed)));
        each.map(|(one, seed)| seeded(one, seed)).collect()
    }
}

/// Every number there is.
fn names() -> impl Iterator<Item = &'static str> {
    SearchTuning::NAMES.iter().chain(TrialTuning::NAMES).copied()
}

/// Differences between searches with one number changed and without, seed by seed.
struct Effect {
    /// Searches that ended otherwise.
    changed: usize,
    /// Size of the error in points of the truth.
    error: Difference,
    /// Error in points: above 0 where more is claimed.
    bias: Difference,
    seconds: Difference,
    seconds_p95: f64,
    /// Searches above their bar, and intervals that miss the truth.
    overclaims: i64,
    missed: i64,
}

/// Mean of paired differences with its standard error.
struct Difference {
    mean: f64,
    error: f64,
}

impl Difference {
    fn of(before: &[Outcome], after: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> Self {
        let number = before.len() as f64;
        let pairs = before.iter().zip(after);
        let differences: Vec<f64> = pairs.map(|(was, is)| figure(is) - figure(was)).collect();
        let mean = differences.iter().sum::<f64>() / number;
        let squares: f64 = differences.iter().map(|one| (one - mean).powi(2)).sum();
        Self { mean, error: squares.sqrt() / number }
    }
}

impl Effect {
    fn of(scenarios: &[Scenario], before: &[Outcome], after: &[Outcome]) -> Self {
        let seeds = before.len() / scenarios.len();
        let points = |outcome: &Outcome| outcome.error.clamp(-ERROR_MAX, ERROR_MAX) * 100.0;
        let count = |outcomes: &[Outcome], holds: &dyn Fn(usize, &Outcome) -> bool| {
            let held = outcomes.iter().enumerate().filter(|(at, one)| holds(*at, one)).count();
            i64::try_from(held).expect("a few")
        };
        let above = |at: usize, one: &Outcome| one.error > scenarios[at / seeds].above.0;
        let misses = |_: usize, one: &Outcome| !one.covered;
        let differs = |(was, is): &(&Outcome, &Outcome)| {
            (was.error - is.error).abs() > 1e-12 || (was.seconds - is.seconds).abs() > 1e-9
        };
        Self {
            changed: before.iter().zip(after).filter(differs).count(),
            error: Difference::of(before, after, |one| points(one).abs()),
            bias: Difference::of(before, after, points),
            seconds: Difference::of(before, after, |one| one.seconds),
            seconds_p95: late(after) - late(before),
            overclaims: count(after, &above) - count(before, &above),
            missed: count(after, &misses) - count(before, &misses),
        }
    }

    fn columns(&self) -> String {
        let Self { error, bias, seconds, .. } = self;
        format!(
            "{:7} {:+5.2} ±{:4.2} {:+5.2} ±{:4.2} {:+5.1} ±{:4.1} {:+4.0} {:+4} {:+4}",
            self.changed,
            error.mean,
            error.error,
            bias.mean,
            bias.error,
            seconds.mean,
            seconds.error,
            self.seconds_p95,
            self.overclaims,
            self.missed,
        )
    }
}

fn late(outcomes: &[Outcome]) -> f64 {
    let mut seconds: Vec<f64> = outcomes.iter().map(|outcome| outcome.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[(seconds.len() - 1) * 95 / 100]
}

#[test]
fn each_number_has_a_name_of_its_own_and_can_be_changed() {
    let mut seen: Vec<&str> = names().collect();
    seen.sort_unstable();
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "{seen:?}");
    for name in names() {
        let scaled = Tuning::STANDARD.scaled(name, 0.75);
        let was = Tuning::STANDARD.get(name);
        assert!((scaled.get(name) - 0.75 * was).abs() < 1e-12 && was > 0.0, "{name}");
        let others = names().filter(|other| *other != name);
        assert!(
            others
                .into_iter()
                .all(|other| { (scaled.get(other) - Tuning::STANDARD.get(other)).abs() <= 0.0 })
        );
    }
}

/// For `scripts/prove-search --sensitivity`: `STEADFIRE_SEEDS` searches of each simulated target for each number
/// with `STEADFIRE_ONLY` in its name.
#[test]
#[ignore = "minutes to an hour; scripts/prove-search runs it"]
#[expect(clippy::print_stdout, reason = "a table to read")]
#[expect(clippy::disallowed_methods, reason = "the script chooses what is run")]
fn table() {
    let set = |name: &str| std::env::var(name).ok();
    let seeds = set("STEADFIRE_SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(4);
    let only = set("STEADFIRE_ONLY").unwrap_or_default();
    let scenarios: Vec<Scenario> =
        scenarios().filter(|one| one.truth.is_none_or(|truth| truth < RATE_MAX)).collect();
    let before = Tuning::STANDARD.outcomes(&scenarios, seeds);
    println!("{} targets, {seeds} searches each", scenarios.len());
    let columns = "changed  |error|       error     seconds    p95 over miss";
    println!("{:24} {:>8}  x 0.75: {columns}  |  x 1.25: {columns}", "number", "value");
    for name in names().filter(|name| name.contains(&only)) {
        let effects = [0.75, 1.25].map(|factor| {
            let after = Tuning::STANDARD.scaled(name, factor).outcomes(&scenarios, seeds);
            Effect::of(&scenarios, &before, &after).columns()
        });
        println!(
            "{name:24} {:8.4}          {}  |          {}",
            Tuning::STANDARD.get(name),
            effects[0],
            effects[1]
        );
    }
}
