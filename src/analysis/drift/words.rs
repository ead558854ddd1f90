//! Drift in sentences: the findings of a run.

use std::time::Duration;

use crate::analysis::drift::{
    ERRORS_MIN, Metric, MetricTrend, Movement, THROUGHPUT_SHARE_MIN, TIME_SHARE_MIN, Trend, When,
};
use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::Percent;
use crate::load::rate::Figures;
use crate::time::{Human, Offset};

/// A figure is called stable if so many times the smallest change that matters would have shown.
const STABLE_WITHIN: f64 = 2.0;
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

/// What there is to say of figures judged over a run of `length`: one warning for each that moved, or else
/// one finding that says what was stable and what could have been seen.
pub fn findings(judged: &[MetricTrend], length: Duration) -> Vec<Finding> {
    let moved = judged.iter().filter_map(|one| match one.course {
        Trend::Moved(movement) => Some(moved(one.metric, movement)),
        _ => None,
    });
    let moved: Vec<Finding> = moved.collect();
    if moved.is_empty() { vec![steady(judged, length)] } else { moved }
}

fn moved(metric: Metric, movement: Movement) -> Finding {
    let Movement { when, from, to, at_least } = movement;
    let name = metric.name();
    let bound = if at_least { "≥ " } else { "" };
    let ends = format!("{} to {bound}{}", metric.shown(from), metric.shown(to));
    let verb = if to > from { "rises" } else { "falls" };
    let pace = |over: Duration| {
        let per_hour = over >= HOUR;
        let unit = if per_hour { HOUR } else { MINUTE };
        let each = (to - from).abs() * unit.as_secs_f64() / over.as_secs_f64().max(1.0);
        format!("{bound}{}/{}", metric.amount(each), if per_hour { "h" } else { "min" })
    };
    let message = match when {
        When::Throughout(over) => {
            format!("{name} {verb} {}: from {ends} over {}", pace(over), Human(over))
        }
        When::Since(at, over) => format!(
            "{name} {verb} {} since {} into the run: from {ends} at its end",
            pace(over),
            Human(whole_seconds(at.since(Offset::ZERO)))
        ),
        When::At(at) => format!(
            "{name} went from {ends} about {} into the run",
            Human(whole_seconds(at.since(Offset::ZERO)))
        ),
    };
    Finding {
        cause: Cause::Drift,
        severity: Severity::Warning,
        message,
        remedy: remedy(metric, movement).to_owned(),
    }
}

fn remedy(metric: Metric, movement: Movement) -> &'static str {
    let better = (movement.to < movement.from) != (metric == Metric::Throughput);
    match (better, movement.when) {
        (true, _) => {
            "if the target was still warming up, give a longer --warmup: the totals of this run mix \
             both levels"
        }
        (false, When::At(_)) => {
            "look for what happened on the target's side at that time, such as a job, a restart or a \
             neighbour; the totals of this run mix both levels"
        }
        (false, _) => {
            "look for what grows on the target's side: memory and its collector, a table, a queue or a \
             log; a longer run would end worse than the totals of this one say"
        }
    }
}

/// What did not move, and what cannot be told.
fn steady(judged: &[MetricTrend], length: Duration) -> Finding {
    let (mut stable, mut open) = (Vec::new(), Vec::new());
    for MetricTrend { metric, course } in judged {
        let name = metric.name();
        match course {
            Trend::Steady { detectable } if metric.is_close(*detectable) => {
                let aside = if stable.is_empty() { "a change by " } else { "" };
                let verb = if stable.is_empty() { " would have shown" } else { "" };
                stable.push(format!("{name} ({aside}{}{verb})", metric.share(*detectable)));
            }
            Trend::Steady { detectable } => {
                open.push(format!("{name} (only a change by {} shows)", metric.share(*detectable)));
            }
            Trend::Sparse => open.push(format!("{name} (too few requests in each point)")),
            Trend::Unanswered => open.push(format!("{name} (mostly known from below)")),
            Trend::Moved(_) => {}
        }
    }
    let open_text =
        if open.is_empty() { String::new() } else { format!("; not known of {}", open.join(", ")) };
    let length = Human(whole_seconds(length));
    let (cause, message) = if stable.is_empty() {
        let text = format!("drift over {length} is not known of {}", open.join(", "));
        (Cause::DriftUnknown, text)
    } else {
        (Cause::Stable, format!("stable for {length}: {}{open_text}", stable.join(", ")))
    };
    let remedy = "a longer run, or a higher rate, shows smaller changes";
    Finding { cause, severity: Severity::Info, message, remedy: remedy.to_owned() }
}

/// The finding of a run whose rate changes on purpose.
pub fn not_judged_in_stages() -> Finding {
    Finding {
        cause: Cause::DriftUnknown,
        severity: Severity::Info,
        message: "drift is not judged where the rate changes between stages".to_owned(),
        remedy: "run one rate on its own to see whether the target holds it".to_owned(),
    }
}

impl Metric {
    /// How it reads in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Errors => "error rate",
            Self::Throughput => "throughput",
        }
    }

    /// A level.
    fn shown(self, level: f64) -> String {
        match self {
            Self::P50 | Self::P95 | Self::P99 => Human(seconds(level)).to_string(),
            Self::Errors => Percent(thousandths(level)).to_string(),
            Self::Throughput => format!("{}/s", Figures(level)),
        }
    }

    /// A difference of levels.
    fn amount(self, difference: f64) -> String {
        match self {
            Self::Errors => format!("{} points", Figures(thousandths(difference) * 100.0)),
            Self::P50 | Self::P95 | Self::P99 | Self::Throughput => self.shown(difference),
        }
    }

    /// A change that could have been seen.
    fn share(self, detectable: f64) -> String {
        let percent = (detectable * 1e3).round() / 10.0;
        match self {
            Self::Errors => format!("{} points", Figures(percent)),
            _ if percent >= 1000.0 => "more than tenfold".to_owned(),
            _ => format!("{} %", Figures(percent)),
        }
    }

    /// Whether a change that would have been seen is small enough to speak of stability.
    fn is_close(self, detectable: f64) -> bool {
        let matters = match self {
            Self::P50 | Self::P95 | Self::P99 => TIME_SHARE_MIN,
            Self::Errors => ERRORS_MIN,
            Self::Throughput => THROUGHPUT_SHARE_MIN,
        };
        detectable <= STABLE_WITHIN * matters
    }
}

fn seconds(level: f64) -> Duration {
    Duration::try_from_secs_f64(level.max(0.0)).unwrap_or_default()
}

/// A share to thousandths of a percent.
fn thousandths(share: f64) -> f64 {
    (share * 1e5).round() / 1e5
}

fn whole_seconds(length: Duration) -> Duration {
    Duration::from_secs_f64(length.as_secs_f64().round())
}
