//! The core's only time: [`Offset`], integer nanoseconds since the run's start, and the text form of
//! durations.
//!
//! Nothing here reads a clock; shells map their clock to offsets and pass them in.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant, as nanoseconds since the run's start.
///
/// 64 bits hold 584 years, so sums of offsets and run lengths cannot overflow; subtraction saturates at
/// zero because a clock read on another thread may lie a few nanoseconds earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64);

impl Offset {
    /// The run's start.
    pub const ZERO: Self = Self(0);
    /// An instant no run reaches.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Offset {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(whole_nanos(length)))
    }
}

impl Sub<Duration> for Offset {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(whole_nanos(length)))
    }
}

/// `length` in whole nanoseconds, saturating at 584 years.
pub fn whole_nanos(length: Duration) -> u64 {
    // Not by as_nanos: this is on the hot path, and its 128 bits cost as much as the rest of a record.
    let whole = length.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(u64::from(length.subsec_nanos()))
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number stands without its unit.
    #[error("'{0}' has no unit; write for example 30s, 5m, 250ms or 1h30m")]
    NoUnit(String),
    /// Something that is neither number nor known unit.
    #[error("'{0}' is not a duration; write for example 30s, 5m, 250ms or 1h30m")]
    Malformed(String),
    /// More than 584 years.
    #[error("'{0}' is too long a duration")]
    TooLong(String),
}

/// Reads `30s`, `1h30m`, `1.5s`, `250ms`; units `ns us µs ms s m min h d`, largest first or not.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(malformed());
    }
    let mut total_ns = 0_u128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if !number.is_empty() && unit.is_empty() {
            return Err(DurationError::NoUnit(text.to_owned()));
        }
        let unit_ns = unit_nanos(unit).ok_or_else(malformed)?;
        let part = scaled_decimal(number, unit_ns).ok_or_else(malformed)?;
        total_ns = total_ns.saturating_add(part);
        rest = tail.trim_start();
    }
    u64::try_from(total_ns)
        .map(Duration::from_nanos)
        .map_err(|_| DurationError::TooLong(text.to_owned()))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" => 1_000_000_000,
        "m" | "min" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        "d" => 86_400 * 1_000_000_000,
        _ => return None,
    })
}

/// The decimal `number` times `scale`, rounded down, in exact integer arithmetic.
pub(crate) fn scaled_decimal(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 || whole.len() > 18 {
        return None;
    }
    let digits = |text: &str| -> Option<u128> {
        if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().map(u128::from) }
    };
    let power = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let units = digits(whole)?.checked_mul(power)?.checked_add(digits(fraction)?)?;
    Some(units.checked_mul(u128::from(scale))? / power)
}

/// A duration for people: three significant figures and one unit below a minute, `2 min 16 s` above.
#[derive(Clone, Copy, Debug)]
pub struct Human(pub Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0.as_nanos();
        let figures = |f: &mut fmt::Formatter<'_>, value: f64, unit: &str| {
            let decimals = match value {
                v if v < 9.995 => 2,
                v if v < 99.95 => 1,
                _ => 0,
            };
            let text = format!("{value:.decimals$}");
            let text = if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.')
            } else {
                &text
            };
            write!(f, "{text} {unit}")
        };
        match ns {
            0 => f.write_str("0 s"),
            1..1_000 => write!(f, "{ns} ns"),
            1_000..999_500 => figures(f, ns as f64 / 1e3, "µs"),
            999_500..999_500_000 => figures(f, ns as f64 / 1e6, "ms"),
            999_500_000..59_950_000_000 => figures(f, ns as f64 / 1e9, "s"),
            _ => {
                let seconds = (ns + 500_000_000) / 1_000_000_000;
                let (hours, minutes, seconds) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
                match (hours, minutes, seconds) {
                    (0, m, 0) => write!(f, "{m} min"),
                    (0, m, s) => write!(f, "{m} min {s} s"),
                    (h, 0, 0) => write!(f, "{h} h"),
                    (h, m, _) => write!(f, "{h} h {m} min"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_parse_exactly() {
        let table = [
            ("30s", 30_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            ("250ms", 250_000_000),
            ("2m 5s", 125_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("0.1s", 100_000_000),
            ("5min", 300_000_000_000),
        ];
        for (text, ns) in table {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
    }

    #[test]
    fn bad_durations_name_the_fault() {
        assert_eq!(parse_duration("30"), Err(DurationError::NoUnit("30".into())));
        for text in ["", "s", "5 parsecs", "-3s", "1..5s", "ten s"] {
            assert!(matches!(parse_duration(text), Err(DurationError::Malformed(_))), "{text}");
        }
        assert!(matches!(parse_duration("300000d"), Err(DurationError::TooLong(_))));
    }

    #[test]
    fn people_read_three_figures() {
        let table = [
            (0, "0 s"),
            (999, "999 ns"),
            (999, "999 ns"),
            (14_200, "14.2 µs"),
            (999_600, "1 ms"),
            (1_240_000, "1.24 ms"),
            (477_900_000, "478 ms"),
            (4_100_000_000, "4.1 s"),
            (60_000_000_000, "1 min"),
            (136_000_000_000, "2 min 16 s"),
            (5_400_000_000_000, "1 h 30 min"),
        ];
        for (ns, text) in table {
            assert_eq!(Human(Duration::from_nanos(ns)).to_string(), text);
        }
    }

    #[test]
    fn earlier_minus_later_is_zero() {
        assert_eq!(Offset::from_nanos(5).since(Offset::from_nanos(9)), Duration::ZERO);
    }
}
