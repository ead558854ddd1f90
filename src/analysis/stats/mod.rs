//! Statistics that more than one judgement rests on: distribution functions, standard errors of shares
//! from dependent slices, intervals of quantiles, and several tests at once.
//!
//! Pure functions of numbers. None of them treats single requests as independent: neighbours in time share
//! a queue, so the unit is the slice of time, and the batch of slices.

pub mod batches;
pub mod binomial;
pub mod holm;
pub mod normal;
pub mod student;
pub mod woodruff;

/// Steps within which [`inverse`] is done: bisection alone halves a bracket of 10³ to 10⁻¹⁵ in 60.
const STEPS_MAX: usize = 200;

/// Where the increasing function `cdf` with derivative `density` reaches `p`, sought between `low` and
/// `high` from `start`: Newton's steps, and the middle of the bracket wherever one would leave it.
fn inverse(
    p: f64,
    (mut low, start, mut high): (f64, f64, f64),
    cdf: impl Fn(f64) -> f64,
    density: impl Fn(f64) -> f64,
) -> f64 {
    let mut at = start;
    for _ in 0..STEPS_MAX {
        let excess = cdf(at) - p;
        if excess > 0.0 {
            high = at;
        } else {
            low = at;
        }
        let newton = at - excess / density(at);
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - at).abs() <= 1e-14 * (1.0 + at.abs()) {
            return next;
        }
        at = next;
    }
    at
}
