//! What a comparison comes to, in sentences for people.

use std::time::Duration;

use crate::analysis::compare::comparison::{Comparison, Metric, Row};
use crate::analysis::compare::decision::{Scale, Word};
use crate::analysis::compare::noise::Source;
use crate::analysis::words::counted;
use crate::time::Human;

/// Up to here what is missing is told in minutes.
const MINUTES: Duration = Duration::from_mins(90);
/// Up to here it is told in hours, beyond it in runs.
const HOURS: Duration = Duration::from_hours(24);

/// The verdict and the figures it rests on.
pub fn verdict(comparison: &Comparison) -> String {
    let word = comparison.word;
    let rows = comparison.rows.iter().filter(|row| row.gating && row.judged.word == word);
    match word {
        Word::Worse => format!("B is worse: {}", joined(rows.map(changed))),
        Word::Better => format!("B is better: {}", joined(rows.map(changed))),
        Word::Same => {
            let real = comparison.rows.iter().filter(|row| row.gating && row.judged.real);
            let real = joined(real.map(changed));
            let small = if real.is_empty() {
                String::new()
            } else {
                format!(" (real, but too small to matter: {real})")
            };
            format!("B is the same as A: whatever changed is smaller than what matters{small}")
        }
        Word::Inconclusive => {
            let open = joined(rows.map(open));
            format!("Inconclusive: {}; {open}", remedy(comparison))
        }
        Word::NotComparable => "Not comparable".to_owned(),
    }
}

/// What change the comparison could have found, of each figure that gates and of no single request.
pub fn detectable(comparison: &Comparison) -> String {
    let rows = comparison.rows.iter().filter(|row| row.gating && row.request.is_none());
    let (mut told, mut blind) = (Vec::new(), Vec::new());
    for row in rows {
        let (name, scale) = (row.metric.name(), row.metric.scale());
        match scale.change(row.judged.detectable) {
            change if change <= RATIO_MAX => told.push(format!("{name} ±{}", size(scale, change))),
            _ => blind.push(name.to_owned()),
        }
    }
    let none = format!("no change of {}", joined(blind.iter().cloned()));
    let some = format!("a change of {} (80 % power)", joined(told.iter().cloned()));
    let found = match (told.is_empty(), blind.is_empty()) {
        (true, _) => none,
        (false, true) => some,
        (false, false) => format!("{some}, and {none}"),
    };
    format!("Could have detected {found}")
}

/// Where the noise between runs comes from; nothing where no response times were compared.
pub fn noise(comparison: &Comparison) -> Option<String> {
    let quantiles = comparison.rows.iter().any(|row| row.metric.quantile() > 0.0);
    let sizes = comparison.noise.iter().zip(Metric::TIMES);
    let sizes = joined(
        sizes.map(|(noise, metric)| format!("{} {}", metric.name(), size(Scale::Ratio, noise.tau))),
    );
    match comparison.noise[0].source {
        _ if !quantiles => None,
        Source::Pairs => None,
        Source::History(runs) => {
            Some(format!("Between runs of one build: {sizes} (from {runs} stored runs)"))
        }
        Source::Assumed => Some(format!(
            "Between runs of one build: {sizes} (assumed; five runs under one tag, or three on each \
             side, would replace this, and 'ab' does without)"
        )),
    }
}

/// A ratio beyond this, 10,000 %, says only that nothing is known; some have no bound at all.
const RATIO_MAX: f64 = 100.0;

/// A change with its sign: `+10.4 %`, `−0.20 points`.
pub fn signed(scale: Scale, change: f64) -> String {
    let sign = if change < 0.0 { "−" } else { "+" };
    match scale {
        Scale::Ratio if change > RATIO_MAX => format!("over {sign}{}", size(scale, RATIO_MAX)),
        _ => format!("{sign}{}", size(scale, change.abs())),
    }
}

fn size(scale: Scale, change: f64) -> String {
    match scale {
        Scale::Ratio => format!("{:.1} %", change * 100.0),
        Scale::Difference => format!("{:.2} points", change * 100.0),
    }
}

fn named(row: &Row) -> String {
    match &row.request {
        Some(request) => format!("{} of {request}", row.metric.name()),
        None => row.metric.name().to_owned(),
    }
}

/// `p95 +10.4 % (+6.1 % to +14.9 %)`.
fn changed(row: &Row) -> String {
    let scale = row.metric.scale();
    let estimate = signed(scale, scale.change(row.question.change.estimate));
    format!("{} {estimate} ({})", named(row), range(row))
}

fn open(row: &Row) -> String {
    format!("{} may have changed by {}", named(row), range(row))
}

fn range(row: &Row) -> String {
    let scale = row.metric.scale();
    let end = |number| signed(scale, scale.change(number));
    format!("{} to {}", end(row.judged.interval.low), end(row.judged.interval.high))
}

fn remedy(comparison: &Comparison) -> String {
    let run = comparison.extent.run;
    match comparison.more {
        None => "more data of this kind would not settle it".to_owned(),
        Some(more) if more <= HOURS => {
            let (length, unit) = if more <= MINUTES { (60, "minute") } else { (3_600, "hour") };
            let count = counted(more.as_secs().div_ceil(length).max(1), unit);
            format!("about {count} more in further runs of both would settle it")
        }
        Some(more) => {
            let runs = more.as_secs().div_ceil(2 * run.as_secs().max(1));
            let count = counted(runs, "run");
            format!("it would take about {count} more of {} on each side to settle it", Human(run))
        }
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::compare::comparison::{Extent, Scope};
    use crate::analysis::compare::decision::ALPHA;
    use crate::analysis::compare::noise::Noise;

    #[test]
    fn a_change_without_bound_is_no_number() {
        for (change, text) in [
            (0.104, "+10.4 %"),
            (-1.0, "−100.0 %"),
            (36.4, "+3640.0 %"),
            (f64::INFINITY, "over +10000.0 %"),
        ] {
            assert_eq!(signed(Scale::Ratio, change), text);
        }
        assert_eq!(signed(Scale::Difference, -0.002), "−0.20 points");
    }

    #[test]
    fn what_is_missing_is_told_in_words_for_its_size() {
        let noise = Metric::TIMES.map(|metric| Noise::assumed(metric.quantile(), &[]));
        let extent = Extent { run: Duration::from_mins(2), runs: 2 };
        let mut comparison = Comparison::judged(Vec::new(), noise, Scope::Total, ALPHA, extent);
        for (more, told) in [
            (Some(Duration::from_secs(30)), "about 1 minute more in further runs"),
            (Some(Duration::from_mins(12)), "about 12 minutes more"),
            (Some(Duration::from_mins(100)), "about 2 hours more"),
            (Some(Duration::from_mins(2_560)), "about 640 runs more of 2 min on each side"),
            (None, "would not settle it"),
        ] {
            comparison.more = more;
            let remedy = remedy(&comparison);
            assert!(remedy.contains(told), "{remedy}");
        }
    }
}
