//! [`WarmUp`]: how long a run took to get going, from the median response times of its points: the cut in two
//! parts that each have a level of their own and fit best (least squares; Hawkins 1977).
//!
//! Such a cut is found in pure noise as well, so it counts only where the parts differ clearly. The MSER rule
//! (White 1997) was tried first: of runs of a minute or two it cuts off most, since a few batches at the end
//! that happen to agree look like a well-known mean.

use crate::analysis::drift::order::median;
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::Percent;
use crate::measure::series::SeriesPoint;
use crate::time::{Human, Offset};

/// Points in a batch of a long run; shorter runs get smaller ones.
const BATCH_MAX: usize = 5;
/// Batches that a run of two minutes or less is cut into.
const BATCHES: usize = 24;
/// Shorter runs tell nothing.
const POINTS_MIN: usize = 20;
/// A smaller difference of the medians is no warm-up worth the name, as a share …
const SHARE_MIN: f64 = 0.2;
/// … and in seconds: below, it is the generator's own caches.
const TIME_MIN_S: f64 = 50e-6;
/// Points of the beginning that lie beyond nine tenths of the rest.
const APART_MIN: f64 = 0.75;
/// A run that never settled differs by this share at least: a busy server's level wanders by less.
const NEVER_MIN: f64 = 0.35;

/// What to do about a run that slowed down.
const SLOWS_DOWN: &str = "this is no warm-up, which gets quicker: look at what grew meanwhile, such as a \
                          queue, a cache or memory, and keep the beginning in the figures";

/// Beginning of a run, compared with the rest of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WarmUp {
    /// No different from the rest, as far as its points tell.
    None,
    /// It was different until then, by this share of the rest's median response time.
    Until(Offset, f64),
    /// The beginning would be more than half of the run, which changed by this share.
    Unsettled(f64),
}

impl WarmUp {
    /// Whether the beginning was quicker than the rest, as no warm-up is.
    const fn slows_down(self) -> bool {
        matches!(self, Self::Until(_, share) | Self::Unsettled(share) if share < 0.0)
    }
}

/// Judges the beginning of a run at one rate. Too few points, or points without answers, tell nothing.
pub fn judge(points: &[SeriesPoint]) -> WarmUp {
    // What a drain still answers is the end of the load, not another state of it.
    let points: Vec<&SeriesPoint> =
        points.iter().filter(|point| point.ok > 0 && point.planned > 0).collect();
    if points.len() < POINTS_MIN {
        return WarmUp::None;
    }
    let size = (points.len() / BATCHES).clamp(1, BATCH_MAX);
    let times: Vec<f64> =
        points.iter().map(|point| point.times()[0].value.as_secs_f64().max(1e-9).ln()).collect();
    let cut = size * cut(&times, size);
    let (start, rest) = times.split_at(cut);
    if !is_apart(start, rest) {
        return WarmUp::None;
    }
    let level = median(rest);
    let share = (median(start) - level).exp() - 1.0;
    let seconds = share.abs() * level.exp();
    if share.abs() < SHARE_MIN || seconds < TIME_MIN_S {
        return WarmUp::None;
    }
    if 2 * cut <= times.len() {
        WarmUp::Until(points[cut - 1].end(), share)
    } else if share.abs() >= NEVER_MIN {
        WarmUp::Unsettled(share)
    } else {
        WarmUp::None
    }
}

/// How many batches the beginning has, from one to three quarters of them.
fn cut(times: &[f64], size: usize) -> usize {
    let batches: Vec<f64> =
        times.chunks_exact(size).map(|batch| batch.iter().sum::<f64>() / size as f64).collect();
    let spread = |part: &[f64]| {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        part.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
    };
    let apart = |cut: usize| spread(&batches[..cut]) + spread(&batches[cut..]);
    let cuts = 1..=batches.len() * 3 / 4;
    cuts.min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap_or(1)
}

/// Whether most of `start` lies on one side of nearly all of `rest`.
fn is_apart(start: &[f64], rest: &[f64]) -> bool {
    let mut sorted = rest.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[sorted.len() / 10], sorted[sorted.len() * 9 / 10]);
    let share = |beyond: &dyn Fn(f64) -> bool| {
        let found = start.iter().filter(|value| beyond(**value)).count();
        found as f64 / start.len().max(1) as f64
    };
    share(&|value| value > high) >= APART_MIN || share(&|value| value < low) >= APART_MIN
}

/// What there is to say of it.
pub fn finding(warm_up: WarmUp) -> Option<Finding> {
    let than_the_rest = |share: f64| {
        let word = if share > 0.0 { "slower" } else { "faster" };
        format!("{} {word} at the median than the rest", Percent(share.abs()))
    };
    let (message, remedy) = match warm_up {
        WarmUp::None => return None,
        WarmUp::Until(until, share) => {
            let until = until.since(Offset::ZERO);
            (
                format!("the first {} were {}", Human(until), than_the_rest(share)),
                format!(
                    "leave the warm-up out of the figures: --warmup {}s or more",
                    until.as_secs_f64().ceil()
                ),
            )
        }
        WarmUp::Unsettled(share) => (
            format!("it never settled: more than half of the run was {}", than_the_rest(share)),
            "run longer, with a --warmup that covers the change, before comparing anything with it"
                .to_owned(),
        ),
    };
    let remedy = if warm_up.slows_down() { SLOWS_DOWN.to_owned() } else { remedy };
    Some(Finding { cause: Cause::Unsettled, severity: Severity::Warning, message, remedy })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::random::SplitMix64;
    use crate::time::whole_nanos;

    /// One point a second with these medians, in ms.
    fn points(medians: impl Iterator<Item = f64>) -> Vec<SeriesPoint> {
        let point = |(second, ms): (u64, f64)| SeriesPoint {
            planned: 100,
            ok: 100,
            ..SeriesPoint::example(second, whole_nanos(Duration::from_secs_f64(ms / 1000.0)))
        };
        (1..).zip(medians).map(point).collect()
    }

    /// Autocorrelated noise around 20 ms: busy servers wander.
    fn wander(seed: u64, correlation: f64) -> impl Iterator<Item = f64> {
        let mut random = SplitMix64::for_slot(seed, 0);
        let mut level = 0.0;
        std::iter::repeat_with(move || {
            let noise = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
            level = correlation * level + (1.0 - correlation * correlation).sqrt() * noise;
            20.0 * (0.05 * level).exp()
        })
    }

    #[test]
    fn a_slow_start_is_found_where_it_ends() {
        for (length, slow) in [(30, 6), (60, 10), (300, 40), (3600, 200)] {
            let times = wander(1, 0.5).take(length).enumerate();
            let run = times.map(|(at, ms)| if at < slow { 1.5 * ms } else { ms });
            let WarmUp::Until(until, share) = judge(&points(run)) else {
                panic!("{length} s, of which {slow} are slow");
            };
            let until = until.since(Offset::ZERO).as_secs_f64();
            assert!((until - slow as f64).abs() <= 5.0, "{slow} s: {until}");
            assert!((0.4..0.6).contains(&share), "{share}");
        }
    }

    #[test]
    fn a_run_that_changes_too_late_never_settled() {
        let run = wander(1, 0.5).take(100).enumerate();
        let run = run.map(|(at, ms)| if at < 60 { ms } else { 2.0 * ms });
        assert!(matches!(judge(&points(run)), WarmUp::Unsettled(share) if share < -0.4));
    }

    #[test]
    fn noise_stalls_and_short_runs_are_no_warm_up() {
        let told = |correlation: f64| {
            let run = |seed| judge(&points(wander(seed, correlation).take(120)));
            (0..400).filter(|seed| run(*seed) != WarmUp::None).count()
        };
        assert_eq!(told(0.0), 0);
        assert!(told(0.9) <= 8, "{} of 400 wandering runs", told(0.9));
        let stalled = wander(1, 0.5).take(60).enumerate();
        let stalled = stalled.map(|(at, ms)| if at == 3 { 900.0 } else { ms });
        assert_eq!(judge(&points(stalled)), WarmUp::None);
        assert_eq!(judge(&points([90.0, 20.0, 20.0].into_iter())), WarmUp::None);
        assert_eq!(judge(&[]), WarmUp::None);
        // A load of five seconds and the drain of what it left.
        let mut drained = points((0..25).map(|at| 20.0 * f64::from(at + 1)));
        drained[5..].iter_mut().for_each(|point| point.planned = 0);
        assert_eq!(judge(&drained), WarmUp::None);
        // 20 % of 0.1 ms are the generator's own.
        let tiny = (0..60).map(|at| if at < 10 { 0.12 } else { 0.1 });
        assert_eq!(judge(&points(tiny)), WarmUp::None);
    }

    #[test]
    fn the_remedy_names_the_warm_up() {
        let after = WarmUp::Until(Offset::ZERO + Duration::from_secs(10), 0.34);
        let said = finding(after).unwrap();
        assert_eq!(said.message, "the first 10 s were 34 % slower at the median than the rest");
        assert!(said.remedy.contains("--warmup 10s"), "{}", said.remedy);
        let slowed =
            finding(WarmUp::Until(Offset::ZERO + Duration::from_secs(36), -0.9883)).unwrap();
        assert!(
            slowed.message.contains("the first 36 s were 98.83 % faster"),
            "{}",
            slowed.message
        );
        assert!(!slowed.remedy.contains("--warmup"), "a warm-up gets quicker: {}", slowed.remedy);
        assert!(finding(WarmUp::Unsettled(-0.5)).unwrap().message.contains("50 % faster"));
        assert_eq!(finding(WarmUp::None), None);
    }
}
