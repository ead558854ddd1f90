//! [`Effort`] and [`Settings`]: how much a search may cost, and what that buys.

use std::fmt;
use std::time::Duration;

use super::tuning::{
    MAX_RATE, MIN_RATE, MIN_RATE_LEAST, NORMAL, PRECISIONS, QUICK, START, THOROUGH,
};
use crate::load::slo::Slo;

/// How much a search may cost.
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

/// What to search, how finely, and how long at most.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What a rate must meet.
    pub slo: Slo,
    /// First rate, per second.
    pub start: f64,
    /// Lowest rate worth trying, per second.
    pub min_rate: f64,
    /// Highest rate to offer, per second.
    pub max_rate: f64,
    /// The interval that is narrow enough, as a share of the rate.
    pub precision: f64,
    /// How long the answer is held before it is given.
    pub confirm: Duration,
    /// How long a trial that narrows the interval takes at most.
    pub trial: Duration,
    /// When narrowing gives way to confirming, since the search's start.
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
    /// From 10/s upwards, as finely and as long as `effort` says.
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

    /// The same with rates and precision moved into their ranges.
    pub(super) fn in_range(mut self) -> Self {
        self.min_rate = self.min_rate.max(MIN_RATE_LEAST);
        self.max_rate = self.max_rate.max(self.min_rate);
        self.start = self.start.clamp(self.min_rate, self.max_rate);
        self.precision = self.precision.clamp(PRECISIONS.0, PRECISIONS.1);
        self
    }
}
