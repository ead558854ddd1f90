//! Flags that say what is judged, and what is watched meanwhile.

use std::time::Duration;

use crate::load::slo::{Objective, Slo};
use crate::time::parse_duration;

/// What decides the verdict.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Verdict")]
pub struct VerdictArgs {
    /// Objectives that decide the verdict [default: p95<1000ms,errors<5%]
    #[arg(long, value_name = "OBJECTIVES")]
    pub slo: Option<Slo>,
    /// Additional objective, also in k6's syntax: 'p(99)<250' (repeatable)
    #[arg(long = "threshold", value_name = "OBJECTIVE")]
    pub thresholds: Vec<Objective>,
    /// End the run once an objective on a quantile or on errors has failed beyond doubt, but not before DELAY
    /// [default DELAY: 10s]
    #[arg(long, value_name = "DELAY", value_parser = parse_duration, num_args = 0..=1, require_equals = true, default_missing_value = "10s", conflicts_with = "find_max_rps")]
    pub abort_on_fail: Option<Duration>,
}

/// What the target says of itself.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Monitors")]
pub struct MonitorArgs {
    /// Collect target-side metrics: prometheus:URL?series=a,b, process:PORT, process:pid:N,
    /// command:TEXT or postgres:URL (repeatable)
    #[arg(long = "monitor", value_name = "KIND:WHAT")]
    pub monitors: Vec<String>,
    /// Interval between two readings of a monitor
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s")]
    pub monitor_interval: Duration,
}
