//! [`Effort`] and [`Settings`]: how much a search may cost, and what that buys.

use std::fmt;
use std::time::Duration;

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
        let (precision, confirm, trial, budget, search_time) = match effort {
            Effort::Quick => (0.05, 10, 12, 45, 150),
            Effort::Normal => (0.03, 30, 12, 90, 360),
            Effort::Thorough => (0.015, 60, 30, 240, 720),
        };
        Self {
            slo,
            start: 10.0,
            min_rate: 1.0,
            max_rate: 1e6,
            precision,
            confirm: Duration::from_secs(confirm),
            trial: Duration::from_secs(trial),
            budget: Duration::from_secs(budget),
            search_time: Duration::from_secs(search_time),
        }
    }

    /// The same with rates and precision moved into their ranges.
    pub(super) fn in_range(mut self) -> Self {
        self.min_rate = self.min_rate.max(0.001);
        self.max_rate = self.max_rate.max(self.min_rate);
        self.start = self.start.clamp(self.min_rate, self.max_rate);
        self.precision = self.precision.clamp(0.005, 0.5);
        self
    }
}
