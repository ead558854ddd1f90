//! Flags that say which load is sent, or searched for.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::analysis::search::Effort;
use crate::load::rate::Rate;
use crate::load::schedule::Arrivals;
use crate::load::stages::Stages;
use crate::time::parse_duration;

/// Arrivals: at which rate, how long, how they are spaced.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Arrival rate: 200, 200/s, 1.5k/s or 90/m; the starting point of a search [default: the profile's, or 50/s]
    #[arg(short, long, visible_aliases = ["rps", "qps"], value_name = "RATE")]
    pub rate: Option<Rate>,
    /// Duration of the measurement: 30s, 5m, 1h30m [default: the profile's, or 30s]
    #[arg(short, long, visible_alias = "run-time", value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Number of requests, instead of a duration
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["duration", "find_max_rps"], value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// Consecutive rates with their durations, instead of --rate and --duration: 100/s:30s,500/s:2m
    #[arg(long, value_name = "RATE:TIME,...", conflicts_with_all = ["rate", "duration", "requests", "users", "find_max_rps"])]
    pub stages: Option<Stages>,
    /// Replay the reads of an access log at their original pace, instead of a rate and a mix; only log-in and headers come from the profile
    #[arg(long, value_name = "LOG", conflicts_with_all = ["rate", "duration", "requests", "stages", "users", "warmup", "tags", "exclude_tags", "weights", "find_max_rps"])]
    pub replay: Option<PathBuf>,
    /// Replay speed as a multiple of the log's own pace
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = parse_speed, requires = "replay")]
    pub speed: f64,
    /// Duration of load that precedes the measurement and is excluded from every figure [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub warmup: Option<Duration>,
    /// Spacing of arrivals
    #[arg(long, value_name = "KIND", value_parser = arrivals_parser())]
    pub arrivals: Option<Arrivals>,
    /// Random seed; the same seed reproduces the run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Number of users of a closed-loop tool, converted to a rate by Little's law
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["rate", "find_max_rps"]
    )]
    pub users: Option<u32>,
    /// Think time of those users in seconds, 2 or 1..3 [default: 1..3]
    #[arg(long, value_name = "SECONDS", requires = "users", value_parser = parse_wait)]
    pub wait: Option<f64>,
    /// Users started per second: the rate rises in steps until all have started (with --users)
    #[arg(long, value_name = "N", requires = "users", conflicts_with = "requests", value_parser = parse_spawn_rate)]
    pub spawn_rate: Option<f64>,
}

/// Which requests of a profile are sent, and how often.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub struct SelectionArgs {
    /// Send only requests with one of these tags
    #[arg(short = 'T', long, value_name = "TAG", value_delimiter = ',')]
    pub tags: Vec<String>,
    /// Exclude requests with one of these tags
    #[arg(short = 'E', long, value_name = "TAG", value_delimiter = ',')]
    pub exclude_tags: Vec<String>,
    /// Change a request's weight: --weight "list all=5" (repeatable)
    #[arg(long = "weight", value_name = "NAME=N")]
    pub weights: Vec<String>,
    /// Send only the request with this name (repeatable)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
}

/// The search for the highest rate.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Search")]
pub struct SearchArgs {
    /// Search for the highest rate that meets the objectives
    #[arg(long)]
    pub find_max_rps: bool,
    /// Highest rate to try
    #[arg(long, value_name = "RATE", requires = "find_max_rps")]
    pub max_rate: Option<Rate>,
    /// Duration and precision of the search: about one minute, two to three, or five to ten; up to twice that
    /// if the target stalls or scales up
    #[arg(long, value_name = "EFFORT", value_parser = effort_parser(), default_value = "normal", requires = "find_max_rps")]
    pub effort: Effort,
    /// Time limit of the search, after which it reports its best answer [default: 150s, 6m or 12m, depending on
    /// --effort]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "find_max_rps")]
    pub search_time: Option<Duration>,
    /// Resume the search in this run folder; all flags except --search-time must match
    #[arg(long, value_name = "DIR", requires = "find_max_rps", conflicts_with = "out")]
    pub resume: Option<PathBuf>,
    /// Today's load; the result reports the headroom above it
    #[arg(long, value_name = "RATE", requires = "find_max_rps")]
    pub current_rate: Option<Rate>,
}

/// How much faster than it was recorded: above 0, and at most a million.
fn parse_speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= 1e6 => Ok(speed),
        _ => Err("write a number above 0, such as 2 or 0.5".to_owned()),
    }
}

/// The mean of a think time in seconds, `2` or `1..3`.
fn parse_wait(text: &str) -> Result<f64, String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let seconds = |part: &str| part.trim_end_matches('s').parse::<f64>().ok();
    match (seconds(low), seconds(high)) {
        (Some(low), Some(high)) if 0.0 <= low && low <= high && high > 0.0 && high.is_finite() => {
            Ok(f64::midpoint(low, high))
        }
        _ => Err("write seconds, such as 2 or 1..3".to_owned()),
    }
}

fn parse_spawn_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("write users per second, such as 10".to_owned()),
    }
}

fn arrivals_parser() -> impl clap::builder::TypedValueParser<Value = Arrivals> {
    let all = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter];
    clap::builder::PossibleValuesParser::new(all.map(Arrivals::name))
        .map(move |name| all.into_iter().find(|kind| kind.name() == name).unwrap_or_default())
}

fn effort_parser() -> impl clap::builder::TypedValueParser<Value = Effort> {
    clap::builder::PossibleValuesParser::new(Effort::ALL.map(Effort::name))
        .map(|name| Effort::ALL.into_iter().find(|one| one.name() == name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn think_times_become_their_mean() {
        assert_eq!(parse_wait("2"), Ok(2.0));
        assert_eq!(parse_wait("1..3"), Ok(2.0));
        assert_eq!(parse_wait("1s..3s"), Ok(2.0));
        for text in ["", "3..1", "-1", "0", "x..y"] {
            assert!(parse_wait(text).is_err(), "{text}");
        }
    }
}
