//! [`Stages`]: successive stretches of a run, each at a constant mean rate for its length.
//!
//! There is at least one stage and each has a length, so a run in stages always has slots and an end.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::load::rate::{Rate, RateError};
use crate::time::{DurationError, parse_duration, whole_nanos};

/// Units of a length, the largest first; each length is a whole number of the last one.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// One stretch at one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Mean arrival rate.
    pub rate: Rate,
    /// How long it lasts; above zero.
    pub length: Duration,
}

impl Stage {
    /// Slots of evenly spaced arrivals; the first is due as the stage begins.
    pub fn slots(self) -> u64 {
        self.rate.slots_within(self.length)
    }

    /// Arrivals that the rate makes of the length, in fractions as well.
    pub fn arrivals_mean(self) -> f64 {
        self.rate.as_per_second() * self.length.as_secs_f64()
    }
}

/// The stages of a run, in order: 1 to [`Stages::MAX`], together no longer than 584 years.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages(Vec<Stage>);

/// Why stages cannot be run. Stages are numbered from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StagesError {
    /// None, or more than [`Stages::MAX`].
    #[error("{0} stages; give between 1 and {max}", max = Stages::MAX)]
    Count(usize),
    /// Not a rate and a length.
    #[error("stage {number} '{text}' is not a rate and a length; write for example 100/s:30s")]
    Malformed {
        /// Which stage.
        number: usize,
        /// What stands there.
        text: String,
    },
    /// Its rate is none.
    #[error("stage {number}: {cause}")]
    Rate {
        /// Which stage.
        number: usize,
        /// What is wrong.
        cause: RateError,
    },
    /// Its length is none.
    #[error("stage {number}: {cause}")]
    Length {
        /// Which stage.
        number: usize,
        /// What is wrong.
        cause: DurationError,
    },
    /// It is over as it begins.
    #[error("stage {0} has no length; leave it out, or give it one above 0")]
    Empty(usize),
    /// It ends too late.
    #[error("stage {0} ends more than 584 years after the start; shorten it or one before it")]
    TooLong(usize),
}

impl Stages {
    /// The most stages of a run: enough for every quarter of an hour of ten days.
    pub const MAX: usize = 1_000;

    /// These stages, in this order.
    ///
    /// # Errors
    /// Too few or too many, one without length, or more time than nanoseconds can count.
    pub fn new(stages: Vec<Stage>) -> Result<Self, StagesError> {
        if !(1..=Self::MAX).contains(&stages.len()) {
            return Err(StagesError::Count(stages.len()));
        }
        let mut end = Duration::ZERO;
        for (stage, number) in stages.iter().zip(1..) {
            end = end.saturating_add(stage.length);
            if stage.length.is_zero() {
                return Err(StagesError::Empty(number));
            }
            if end > Duration::from_nanos(u64::MAX) {
                return Err(StagesError::TooLong(number));
            }
        }
        Ok(Self(stages))
    }

    /// The stages in order; at least one.
    pub fn as_slice(&self) -> &[Stage] {
        &self.0
    }

    /// From the first stage's beginning to the last one's end.
    pub fn length(&self) -> Duration {
        self.0.iter().map(|stage| stage.length).sum()
    }

    /// The highest rate of all stages.
    pub fn peak(&self) -> Rate {
        let rates = self.0.iter().map(|stage| stage.rate);
        rates.fold(self.0[0].rate, |peak, rate| {
            if rate.as_per_second() > peak.as_per_second() { rate } else { peak }
        })
    }

    /// Mean arrivals per second over the whole length.
    pub fn mean_per_second(&self) -> f64 {
        let arrivals: f64 = self.0.iter().map(|stage| stage.arrivals_mean()).sum();
        arrivals / self.length().as_secs_f64()
    }

    /// Slots of evenly spaced arrivals, exactly.
    pub fn slots(&self) -> u64 {
        self.0.iter().fold(0, |slots: u64, stage| slots.saturating_add(stage.slots()))
    }

    /// The same stages at other rates.
    #[must_use]
    pub fn map_rates(&self, mut rate: impl FnMut(Rate) -> Rate) -> Self {
        let stages = self.0.iter().map(|stage| Stage { rate: rate(stage.rate), ..*stage });
        Self(stages.collect())
    }

    /// The same stages with the first one longer by `warmup`, so that the load before the measurement is
    /// already at its rate.
    #[must_use]
    pub fn warmed_up(mut self, warmup: Duration) -> Self {
        self.0[0].length = self.0[0].length.saturating_add(warmup);
        self
    }
}

impl FromStr for Stages {
    type Err = StagesError;

    /// Reads `100/s:30s,500/s:2m`: stages separated by commas, each a rate, a colon and a length.
    fn from_str(text: &str) -> Result<Self, StagesError> {
        let count = text.split(',').count();
        if count > Self::MAX {
            return Err(StagesError::Count(count));
        }
        let stages = text.split(',').zip(1..).map(|(stage, number)| {
            let malformed = || StagesError::Malformed { number, text: stage.trim().to_owned() };
            let (rate, length) = stage.split_once(':').ok_or_else(malformed)?;
            let rate = rate.trim().parse();
            Ok(Stage {
                rate: rate.map_err(|cause| StagesError::Rate { number, cause })?,
                length: parse_duration(length)
                    .map_err(|cause| StagesError::Length { number, cause })?,
            })
        });
        Self::new(stages.collect::<Result<_, _>>()?)
    }
}

/// Without rounding, in the form that is read.
impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, stage) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "," };
            let ns = whole_nanos(stage.length);
            let whole = UNITS.iter().find(|(_, unit_ns)| ns.is_multiple_of(*unit_ns));
            let (unit, unit_ns) = whole.unwrap_or(&("ns", 1));
            write!(f, "{separator}{}:{}{unit}", stage.rate.exact(), ns / unit_ns)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stages(text: &str) -> Stages {
        text.parse().unwrap()
    }

    #[test]
    fn stages_are_read_and_written_without_loss() {
        let table = [
            ("100/s:30s,500/s:2m", "100/s:30s,500/s:2m"),
            (" 1.5k/s : 1h30m , 20:250ms ", "1500/s:90m,20/s:250ms"),
            ("90/m:1.5s,1/m:1h,0.125/s:1us", "1.5/s:1500ms,1/m:1h,0.125/s:1us"),
            ("7/13ns:5ns,1/h:2h", "7/13ns:5ns,1/h:2h"),
        ];
        for (text, written) in table {
            assert_eq!(stages(text).to_string(), written, "{text}");
            assert_eq!(stages(written), stages(text));
        }
    }

    #[test]
    fn mistakes_name_their_stage() {
        let many = vec!["1/s:1s"; Stages::MAX + 1].join(",");
        let table = [
            ("", "stage 1 '' is not a rate and a length; write"),
            ("100/s:30s,", "stage 2 '' is not a rate and a length; write"),
            ("100/s", "stage 1 '100/s' is not"),
            ("1/s:1s,fast:1s", "stage 2: 'fast' is not an arrival rate; write"),
            ("0/s:1s", "stage 1: the rate 0/s is out of range; it must"),
            ("1/s:1s,2/s:30", "stage 2: '30' has no unit; write"),
            ("1/s:1s,2/s:0s", "stage 2 has no length; leave it out"),
            ("1/s:400d,1/s:213000d,1/s:9000d", "stage 3 ends more than 584 years"),
            (&many, "1001 stages; give between 1 and 1000"),
        ];
        for (text, expected) in table {
            let said = text.parse::<Stages>().unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
        assert_eq!(Stages::new(Vec::new()), Err(StagesError::Count(0)));
    }

    #[test]
    fn totals_are_those_of_all_stages() {
        let run = stages("50/s:1s,200/s:3s,10/s:500ms");
        assert_eq!(run.length(), Duration::from_millis(4500));
        assert_eq!(run.peak(), Rate::per_second(200).unwrap());
        assert_eq!(run.slots(), 50 + 600 + 5);
        assert!((run.mean_per_second() - 655.0 / 4.5).abs() < 1e-9);
        let warm = run.warmed_up(Duration::from_secs(2));
        assert_eq!(warm.to_string(), "50/s:3s,200/s:3s,10/s:500ms");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(
            parts in prop::collection::vec((1_u64..2_000_000, 1_u64..400, 1_u64..1 << 50), 1..20),
        ) {
            let stages: Vec<Stage> = parts
                .into_iter()
                .map(|(requests, seconds, length)| Stage {
                    rate: format!("{requests}/{seconds}s").parse().unwrap(),
                    length: Duration::from_nanos(length),
                })
                .collect();
            let stages = Stages::new(stages).unwrap();
            prop_assert_eq!(stages.to_string().parse(), Ok(stages));
        }
    }
}
