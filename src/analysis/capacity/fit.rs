//! [`QueueFit`]: a single queue that answers as slowly as the target at every rate it held, if there is one.
//!
//! The mean response time of a queue is S + W · ρ / (1 - ρ) with ρ = rate / capacity (Pollaczek and Khinchine
//! for random arrivals; Kingman's bound, 1961, for any): S is the time without waiting, W grows with how
//! unevenly requests come and are served.

/// Rates that a fit takes at the least: three figures are fitted.
const RATES_MIN: usize = 5;
/// Response times that rise by less than this, from the lowest rate to the highest, show no queue.
const RISE_MIN: f64 = 1.2;
/// A fit further off than this, root mean square of the relative errors, is none.
const ERROR_MAX: f64 = 0.1;
/// Capacities that are tried, from just above the highest rate to [`CAPACITY_MAX`] times it.
const CAPACITIES: u32 = 2_000;
const CAPACITY_MAX: f64 = 8.0;

/// A queue like the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueFit {
    /// The rate at which its backlog would grow without end, per second.
    pub capacity: f64,
    /// Mean response time without waiting, in seconds.
    pub service_s: f64,
    /// Root mean square of the relative errors of the mean response times.
    pub error: f64,
}

/// Why no queue is like the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoFit {
    /// Too few different rates were held.
    FewRates,
    /// Response times do not rise towards the highest rate held.
    NoRise,
    /// The best one is this far off.
    FarOff {
        /// Root mean square of the relative errors.
        error: f64,
    },
}

/// Fits rates per second with their mean response times in seconds, both above 0.
pub fn fit(means: &[(f64, f64)]) -> Result<QueueFit, NoFit> {
    if means.len() < RATES_MIN {
        return Err(NoFit::FewRates);
    }
    let extreme = |pick: fn(f64, f64) -> f64, start| means.iter().map(|m| m.1).fold(start, pick);
    if extreme(f64::max, 0.0) < RISE_MIN * extreme(f64::min, f64::INFINITY) {
        return Err(NoFit::NoRise);
    }
    let top = means.iter().map(|mean| mean.0).fold(0.0, f64::max);
    let step = CAPACITY_MAX.ln() / f64::from(CAPACITIES);
    let best = (1..=CAPACITIES)
        .map(|place| top * (step * f64::from(place)).exp())
        .filter_map(|capacity| at_capacity(means, capacity))
        .min_by(|a, b| a.error.total_cmp(&b.error));
    match best {
        Some(fit) if fit.error <= ERROR_MAX => Ok(fit),
        Some(fit) => Err(NoFit::FarOff { error: fit.error }),
        None => Err(NoFit::NoRise),
    }
}

/// Least squares of relative errors; nothing if the best queue would have a negative time.
fn at_capacity(means: &[(f64, f64)], capacity: f64) -> Option<QueueFit> {
    // With u = 1 / R and v = x / R, the sum of (S u + W v - 1)² is least where its gradient is nil.
    let (mut uu, mut uv, mut vv, mut u1, mut v1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(rate, mean) in means {
        let load = rate / capacity;
        let (u, v) = (1.0 / mean, load / (1.0 - load) / mean);
        uu += u * u;
        uv += u * v;
        vv += v * v;
        u1 += u;
        v1 += v;
    }
    let determinant = uu * vv - uv * uv;
    let service_s = (u1 * vv - v1 * uv) / determinant;
    let waiting = (v1 * uu - u1 * uv) / determinant;
    if !(service_s >= 0.0 && waiting > 0.0) {
        return None;
    }
    let squares = means.iter().map(|&(rate, mean)| {
        let load = rate / capacity;
        ((service_s + waiting * load / (1.0 - load)) / mean - 1.0).powi(2)
    });
    let error = (squares.sum::<f64>() / means.len() as f64).sqrt();
    Some(QueueFit { capacity, service_s, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> impl Iterator<Item = f64> {
        (1..10_u32).map(|part| 100.0 * f64::from(part))
    }

    #[test]
    fn known_queues_are_recognised() {
        // Of M/M/1 and M/D/1 with 1,000/s: W is the time of a service, or half of it.
        for half in [1.0, 0.5] {
            let mean = |rate: f64| 0.001 + half * 0.001 * rate / (1_000.0 - rate);
            let means: Vec<_> = rates().map(|rate| (rate, mean(rate))).collect();
            let fit = fit(&means).expect("it is a queue");
            assert!((fit.capacity / 1_000.0 - 1.0).abs() < 0.002, "{fit:?}");
            assert!((fit.service_s / 0.001 - 1.0).abs() < 0.01, "{fit:?}");
            assert!(fit.error < 0.01, "{fit:?}");
        }
    }

    #[test]
    fn what_is_no_queue_is_said_to_be_none() {
        let flat: Vec<_> = rates().map(|rate| (rate, 0.010)).collect();
        assert_eq!(fit(&flat), Err(NoFit::NoRise));
        assert_eq!(fit(&flat[..4]), Err(NoFit::FewRates));
        let step: Vec<_> =
            rates().map(|rate| (rate, if rate > 500.0 { 0.050 } else { 0.001 })).collect();
        assert!(matches!(fit(&step), Err(NoFit::FarOff { error }) if error > ERROR_MAX));
        let falling: Vec<_> = rates().map(|rate| (rate, 1.0 / rate)).collect();
        assert_eq!(fit(&falling), Err(NoFit::NoRise));
    }
}
