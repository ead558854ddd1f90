//! [`RunOptions`]: how a plan is run, beside what the plan itself says.

use std::time::Duration;

use crate::analysis::search::{Effort, Settings};
use crate::engine::Pacing;
use crate::load::monitor::Monitor;
use crate::load::plan::Plan;
use crate::load::rate::Rate;
use crate::measure::sampling::Sampling;
use crate::transport::tls::TlsSettings;

/// How a plan is run.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// What is offered.
    pub mode: Mode,
    /// How a worker waits for the next due instant.
    pub pacing: Pacing,
    /// Which samples are handed to observers one by one.
    pub sampling: Sampling,
    /// Authorities, identity and verification of TLS.
    pub tls: TlsSettings,
    /// The most requests that may be sent in all; absent means no bound.
    pub requests_max: Option<u64>,
    /// Whether the target runs in this process, whose descriptors it then shares.
    pub own_target: bool,
    /// What is polled beside the answers.
    pub monitors: Vec<Monitor>,
    /// How often each monitor is polled; above 0 if there is one.
    pub monitor_interval: Duration,
}

/// What is offered to the target.
#[derive(Clone, Debug)]
pub enum Mode {
    /// The plan's own schedule.
    FixedRate {
        /// How many times over at most: once for a run, once per block of a comparison.
        times: u64,
        /// End a run once an objective can no longer hold, after this much of the measurement.
        abort_on_fail: Option<Duration>,
    },
    /// One rate after another, for the highest that meets the objectives.
    Search(SearchOptions),
}

impl Default for Mode {
    fn default() -> Self {
        Self::FixedRate { times: 1, abort_on_fail: None }
    }
}

impl Mode {
    /// The highest rate that may be offered, per second, where the plan's is `rate`; infinite for a search
    /// without a bound.
    pub fn peak_rate(&self, rate: Rate) -> f64 {
        match self {
            Self::FixedRate { .. } => rate.as_per_second(),
            Self::Search(search) => search.max_rate.map_or(f64::INFINITY, Rate::as_per_second),
        }
    }
}

/// How a search goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchOptions {
    /// How much time it may take for how sure an answer.
    pub effort: Effort,
    /// No rate above this is tried.
    pub max_rate: Option<Rate>,
    /// It ends within this; absent leaves it to the effort.
    pub time: Option<Duration>,
    /// The rate expected in production, for the capacity sheet.
    pub current_rate: Option<Rate>,
}

impl SearchOptions {
    /// What the search is told for `plan`, whose rate it begins with.
    pub fn settings(&self, plan: &Plan) -> Settings {
        let standard = Settings::new(plan.slo.clone(), self.effort);
        Settings {
            start: plan.rate.as_per_second(),
            max_rate: self.max_rate.map_or(standard.max_rate, Rate::as_per_second),
            search_time: self.time.unwrap_or(standard.search_time),
            ..standard
        }
    }
}
