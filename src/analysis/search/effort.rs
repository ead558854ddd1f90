//! [`Effort`] and [`Settings`]: how much a search may cost, and what that buys.

use std::fmt;
use std::time::Duration;

use super::tuning::{
    MAX_RATE, MIN_RATE, MIN_RATE_LEAST, NORMAL, PRECISIONS, QUICK, START, THOROUGH,
};
use crate::load::slo::Slo;

/// Cost that a search may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// About a minute; faults rarer than every 10 s stay unseen.
    Quick,
    /// Two to three minutes.
    #[default]
    Normal,
    /// Five to ten minutes.
    Thorough,
}

/// Settings of a search: limits, range, precision and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Objectives that a rate must meet.
    pub slo: Slo,
    /// First rate, per second.
    pub start: f64,
    /// Lowest rate worth trying, per second.
    pub min_rate: f64,
    /// Highest rate to offer, per second.
    pub max_rate: f64,
    /// The interval that is narrow enough, as a share of the rate.
    pub precision: f64,
    /// Time for which the answer is held before it is given.
    pub confirm: Duration,
    /// Longest trial that narrows the interval.
    pub trial: Duration,
    /// Time since the search's start at which narrowing gives way to confirming.
    pub budget: Duration,
    /// The whole search ends within this time.
    pub search_time: Duration,
}

impl Effort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Normal, Self::Thorough];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Normal => "normal",
            Self::Thorough => "thorough",
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Settings {
    /// Settings for `effort`, from 10/s upwards.
    pub fn new(slo: Slo, effort: Effort) -> Self {
        let preset = match effort {
            Effort::Quick => QUICK,
            Effort::Normal => NORMAL,
            Effort::Thorough => THOROUGH,
        };
        Self {
            slo,
            start: START,
            min_rate: MIN_RATE,
            max_rate: MAX_RATE,
            precision: preset.precision,
            confirm: Duration::from_secs(preset.confirm_s),
            trial: Duration::from_secs(preset.trial_s),
            budget: Duration::from_secs(preset.budget_s),
            search_time: Duration::from_secs(preset.search_s),
        }
    }

    /// These settings with rates and precision moved into their ranges.
    pub(super) fn in_range(mut self) -> Self {
        self.min_rate = self.min_rate.max(MIN_RATE_LEAST);
        self.max_rate = self.max_rate.max(self.min_rate);
        self.start = self.start.clamp(self.min_rate, self.max_rate);
        self.precision = self.precision.clamp(PRECISIONS.0, PRECISIONS.1);
        self
    }
}
