//! [`Slo`]: the objectives a run must meet, and their text form `p95<1000ms,errors<5%`.
//!
//! What is asked for stands here; whether it was met is `analysis::slo`'s business.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::load::rate::Figures;
use crate::load::threshold;
use crate::time::{Human, parse_duration};

/// What is said where a text is no objective at all.
const EXAMPLES: &str = "write for example p95<1000ms, mean<200ms, errors<5% or rps>20";
/// From one response time to the next.
const NEXT: Duration = Duration::from_nanos(1);
/// What is said of `rate>0.95`.
const AMBIGUOUS: &str = "for a share of good answers write checks:rate>0.95 or errors<5%, for answers per \
                         second rps>0.95";

/// One limit on one figure. Where the limit itself is allowed, `p95<=1s`, `limit` is the next value that is not:
/// whoever compares has one rule, and [`Objective::as_written`] what the user wrote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// The response time that `quantile` (0 to 1) of all slots keep lies below `limit`.
    ResponseTime {
        /// 0.95 for p95.
        quantile: f64,
        /// Exclusive upper bound.
        limit: Duration,
        /// Whether it was written with `<=`.
        or_equal: bool,
    },
    /// Mean response time below `limit`.
    MeanResponseTime {
        /// Exclusive upper bound.
        limit: Duration,
        /// Whether it was written with `<=`.
        or_equal: bool,
    },
    /// The share of planned slots whose fate is not `ok` lies below `limit`.
    ErrorRate {
        /// Exclusive upper bound, 0 to 1; a limit of 0 is met by no error at all.
        limit: f64,
        /// Whether it was written with `<=`.
        or_equal: bool,
    },
    /// Good answers per second above `limit`.
    Throughput {
        /// Exclusive lower bound.
        limit: f64,
        /// Whether it was written with `>=`.
        or_equal: bool,
    },
}

/// Objectives that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// At least one.
    pub objectives: Vec<Objective>,
}

/// Named bars from best to worst; a run's tier is the first that holds, else critical.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiers {
    /// Nothing to do.
    pub excellent: Slo,
    /// Good enough for production.
    pub acceptable: Slo,
}

/// What a single request must meet, beside the run as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Goals {
    /// What the verdict is about, too.
    pub limit: Option<Slo>,
    /// Bars for the request's own tier.
    pub tiers: Option<Tiers>,
}

impl Goals {
    /// From the texts of a limit and of the two bars, excellent and acceptable. What cannot be read is left
    /// out.
    pub fn read(limit: Option<&str>, bars: Option<[&str; 2]>) -> Self {
        let read = |text: &str| text.parse::<Slo>().ok();
        let bars = bars.and_then(|[excellent, acceptable]| {
            Some(Tiers { excellent: read(excellent)?, acceptable: read(acceptable)? })
        });
        Self { limit: limit.and_then(read), tiers: bars }
    }
}

/// Why a text is not an objective.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{part}' is not an objective; {remedy}")]
pub struct SloError {
    /// The part that is wrong.
    pub part: String,
    /// What to write instead.
    pub remedy: String,
}

impl SloError {
    pub(super) fn new(part: &str, remedy: impl Into<String>) -> Self {
        Self { part: part.to_owned(), remedy: remedy.into() }
    }
}

impl Objective {
    /// The response time that `quantile` of all slots keep, below `limit` or at it.
    pub(super) fn quantile(quantile: f64, limit: Duration, or_equal: bool) -> Self {
        Self::ResponseTime { quantile, limit: beyond(limit, or_equal), or_equal }
    }

    fn mean(limit: Duration, or_equal: bool) -> Self {
        Self::MeanResponseTime { limit: beyond(limit, or_equal), or_equal }
    }

    /// The share of errors, below `limit` or at it.
    pub(super) fn errors(limit: f64, or_equal: bool) -> Self {
        Self::ErrorRate { limit: if or_equal { limit.next_up() } else { limit }, or_equal }
    }

    fn throughput(limit: f64, or_equal: bool) -> Self {
        Self::Throughput { limit: if or_equal { limit.next_down() } else { limit }, or_equal }
    }

    /// The same with the limit that stands in its text.
    #[must_use]
    pub fn as_written(mut self) -> Self {
        match &mut self {
            Self::ResponseTime { limit, or_equal: true, .. }
            | Self::MeanResponseTime { limit, or_equal: true } => *limit -= NEXT,
            Self::ErrorRate { limit, or_equal: true } => *limit = limit.next_down(),
            Self::Throughput { limit, or_equal: true } => *limit = limit.next_up(),
            _ => {}
        }
        self
    }

    /// The sign between figure and limit.
    pub const fn sign(&self) -> &'static str {
        match self {
            Self::ResponseTime { or_equal: true, .. }
            | Self::MeanResponseTime { or_equal: true, .. }
            | Self::ErrorRate { or_equal: true, .. } => "<=",
            Self::Throughput { or_equal: true, .. } => ">=",
            Self::Throughput { .. } => ">",
            _ => "<",
        }
    }
}

/// The first response time that a limit rules out.
fn beyond(limit: Duration, or_equal: bool) -> Duration {
    if or_equal { limit + NEXT } else { limit }
}

impl Slo {
    /// The limits that hold unless the user says otherwise: p95 < 1000 ms, errors < 5 %.
    pub fn standard() -> Self {
        Self {
            objectives: vec![
                Objective::quantile(0.95, Duration::from_secs(1), false),
                Objective::errors(0.05, false),
            ],
        }
    }

    /// The smallest limit on a response time, if there is one.
    pub fn tightest_time(&self) -> Option<Duration> {
        self.objectives
            .iter()
            .filter_map(|objective| match objective {
                Objective::ResponseTime { limit, .. }
                | Objective::MeanResponseTime { limit, .. } => Some(*limit),
                Objective::ErrorRate { .. } | Objective::Throughput { .. } => None,
            })
            .min()
    }
}

impl Tiers {
    /// Excellent: p95 < 500 ms, errors < 1 %, > 50 requests/s. Acceptable: p95 < 1000 ms, errors < 5 %,
    /// > 20 requests/s.
    pub fn standard() -> Self {
        let bar = |limit_ms, errors, rps| Slo {
            objectives: vec![
                Objective::quantile(0.95, Duration::from_millis(limit_ms), false),
                Objective::errors(errors, false),
                Objective::throughput(rps, false),
            ],
        };
        Self { excellent: bar(500, 0.01, 50.0), acceptable: bar(1000, 0.05, 20.0) }
    }
}

impl FromStr for Slo {
    type Err = SloError;

    /// Reads objectives separated by commas or `and`.
    fn from_str(text: &str) -> Result<Self, SloError> {
        let objectives = text.split(',').map(str::parse).collect::<Result<Vec<Objective>, _>>()?;
        Ok(Self { objectives })
    }
}

impl FromStr for Objective {
    type Err = SloError;

    /// Reads `p95<1000ms`, `errors<5%`, `rps>20`, and k6's thresholds with and without their metric:
    /// `p(95)<1000` (milliseconds), `rate<0.05`, `checks:rate>0.95`.
    fn from_str(text: &str) -> Result<Self, SloError> {
        if let Some((metric, expression)) = threshold::split(text) {
            return threshold::objective(metric, expression);
        }
        let refused = |remedy: &str| SloError::new(text.trim(), remedy);
        let wrong = || refused(EXAMPLES);
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let at = compact.find(['<', '>']).ok_or_else(wrong)?;
        let (metric, rest) = (&compact[..at], &compact[at + 1..]);
        let (bound, or_equal) = (rest.trim_start_matches('='), rest.starts_with('='));
        let below = compact.as_bytes()[at] == b'<';
        match (metric, below) {
            ("errors" | "error_rate" | "err" | "rate", true) => {
                share(bound).map(|limit| Self::errors(limit, or_equal)).ok_or_else(wrong)
            }
            // A share in k6, of checks say, and a rate here.
            ("rate", false) if share(bound).is_some() => Err(refused(AMBIGUOUS)),
            ("min" | "count", _) => Err(refused(threshold::of_times(metric))),
            ("rps" | "throughput" | "rate", false) => positive(bound.trim_end_matches("/s"))
                .map(|limit| Self::throughput(limit, or_equal))
                .ok_or_else(wrong),
            ("mean" | "avg", true) => {
                limit_time(bound).map(|limit| Self::mean(limit, or_equal)).ok_or_else(wrong)
            }
            (metric, true) => {
                let quantile = quantile(metric).ok_or_else(wrong)?;
                limit_time(bound)
                    .map(|limit| Self::quantile(quantile, limit, or_equal))
                    .ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

/// `5%` or `0.05`, as a fraction from 0 to 1.
pub(crate) fn share(text: &str) -> Option<f64> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let value = number.trim().parse::<f64>().ok()? / scale;
    (0.0..=1.0).contains(&value).then_some(value)
}

fn positive(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
}

/// A duration, or a bare number of milliseconds as k6 writes it.
fn limit_time(text: &str) -> Option<Duration> {
    let limit = parse_duration(text).ok().or_else(|| parse_duration(&format!("{text}ms")).ok())?;
    (!limit.is_zero()).then_some(limit)
}

/// `p95`, `p99.9`, `p999` (= p99.9), `p(95)`, `med`, `max`.
fn quantile(metric: &str) -> Option<f64> {
    match metric {
        "med" | "median" => return Some(0.5),
        "max" => return Some(1.0),
        _ => {}
    }
    let number = metric.strip_prefix('p')?;
    let number =
        number.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(number);
    let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let percent = match number.len() {
        // p999 and p9999 are how HDR output and most dashboards write p99.9 and p99.99.
        3.. if all_digits && number.starts_with('9') => {
            format!("{}.{}", &number[..2], &number[2..]).parse::<f64>().ok()?
        }
        _ => number.parse::<f64>().ok()?,
    };
    // Rounded, since 99.9 / 100 is not the closest double to 0.999.
    (percent > 0.0 && percent <= 100.0).then(|| (percent * 1e7).round() / 1e9)
}

/// A quantile's usual name: `p95`, `p99.9`, `max`.
pub fn quantile_name(quantile: f64) -> String {
    if quantile >= 1.0 { "max".to_owned() } else { format!("p{}", Figures(quantile * 100.0)) }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = self.sign();
        match self.as_written() {
            Self::ResponseTime { quantile, limit, .. } => {
                write!(f, "{} {sign} {}", quantile_name(quantile), Human(limit))
            }
            Self::MeanResponseTime { limit, .. } => write!(f, "mean {sign} {}", Human(limit)),
            Self::ErrorRate { limit, .. } => {
                write!(f, "errors {sign} {} %", Figures(limit * 100.0))
            }
            Self::Throughput { limit, .. } => write!(f, "rate {sign} {}/s", Figures(limit)),
        }
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, objective) in self.objectives.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{objective}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_parse_in_both_grammars() {
        let p = |quantile, ms| Objective::quantile(quantile, Duration::from_millis(ms), false);
        let table = [
            ("p95<1000ms", p(0.95, 1000)),
            ("p95 < 1s", p(0.95, 1000)),
            ("p(95)<200", p(0.95, 200)),
            ("p99.9<2s", p(0.999, 2000)),
            ("p999<2s", p(0.999, 2000)),
            ("med<5ms", p(0.5, 5)),
            ("max<10s", p(1.0, 10_000)),
            ("avg<200", Objective::mean(Duration::from_millis(200), false)),
            ("errors<5%", Objective::errors(0.05, false)),
            ("rate<0.01", Objective::errors(0.01, false)),
            ("rps>20", Objective::throughput(20.0, false)),
        ];
        for (text, objective) in table {
            assert_eq!(text.parse(), Ok(objective), "{text}");
        }
    }

    #[test]
    fn bad_objectives_are_named() {
        for text in [
            "",
            "p95",
            "p95>1s",
            "p0<1s",
            "p101<1s",
            "errors<500%",
            "speed<5",
            "p95<fast",
            "rps<3",
            "p95<0ms",
        ] {
            assert_eq!(text.parse::<Objective>(), Err(SloError::new(text, EXAMPLES)), "{text}");
        }
        assert_eq!("p95<1s,oops".parse::<Slo>().unwrap_err().part, "oops");
    }

    #[test]
    fn a_limit_that_is_allowed_itself_is_kept_as_it_was_written() {
        for (text, shown) in [
            ("p95<=1s", "p95 <= 1 s"),
            ("p(99.9)<=500", "p99.9 <= 500 ms"),
            ("mean <= 200ms", "mean <= 200 ms"),
            ("errors<=5%", "errors <= 5 %"),
            ("errors<=0", "errors <= 0 %"),
            ("rps>=20", "rate >= 20/s"),
        ] {
            let objective: Objective = text.parse().unwrap();
            assert_eq!(objective.to_string(), shown);
            assert_eq!(shown.parse(), Ok(objective), "it comes back");
            let strict: Objective = text.replace('=', "").parse().unwrap();
            assert_ne!(objective, strict, "{text}");
        }
    }

    #[test]
    fn text_comes_back() {
        let text = "p95 < 1 s, errors < 5 %, rate > 20/s";
        assert_eq!(Tiers::standard().acceptable.to_string(), text);
        assert_eq!(Slo::standard(), "p95<1000ms,errors<5%".parse().unwrap());
    }
}
