//! One unit for a whole table of times, so that columns can be compared by eye.

use crate::analysis::words::{Amount, Count};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 10⁻⁶ s.
    Micros,
    /// 10⁻³ s.
    Millis,
    /// Seconds.
    Seconds,
}

/// A number of bytes, to three figures: `12.5 MB`.
pub fn bytes(count: u64) -> String {
    const STEP: f64 = 1_000.0;
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = count as f64;
    let mut unit = 0;
    // What would be rounded to a thousand is one of the next.
    while value >= STEP - 0.5 && unit + 1 < units.len() {
        value /= STEP;
        unit += 1;
    }
    Amount(to_three_figures(value), units[unit]).to_string()
}

fn to_three_figures(value: f64) -> f64 {
    let scale = match value {
        v if v >= 99.95 => 1.0,
        v if v >= 9.995 => 10.0,
        _ => 100.0,
    };
    (value * scale).round() / scale
}

impl Unit {
    /// The unit in which a typical time of `ns` reads best.
    pub const fn fitting(ns: u64) -> Self {
        match ns {
            0..1_000_000 => Self::Micros,
            1_000_000..10_000_000_000 => Self::Millis,
            _ => Self::Seconds,
        }
    }

    /// Its symbol.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }

    /// `ns` in this unit without its symbol, to three figures; `≥` in front if it is a lower bound.
    pub fn figure(self, ns: u64, at_least: bool) -> String {
        let ns_per_unit = match self {
            Self::Micros => 1e3,
            Self::Millis => 1e6,
            Self::Seconds => 1e9,
        };
        let value = ns as f64 / ns_per_unit;
        let text = match value {
            v if v >= 99.95 => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "below u64::MAX / 1000"
                )]
                let whole = v.round() as u64;
                Count(whole).to_string()
            }
            v if v >= 9.995 => format!("{v:.1}"),
            v if v >= 0.9995 => format!("{v:.2}"),
            v if v > 0.0 => format!("{v:.3}"),
            _ => "0".to_owned(),
        };
        if at_least { format!("≥ {text}") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_in_the_unit_that_fits() {
        let table = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (65_536, "65.5 kB"),
            (999_999, "1 MB"),
            (12_345_678, "12.3 MB"),
            (100_000_000_000, "100 GB"),
        ];
        for (count, text) in table {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn figures_keep_three_digits() {
        let table = [
            (0, "0"),
            (12_345, "0.012"),
            (1_234_567, "1.23"),
            (12_345_678, "12.3"),
            (99_960_000, "100"),
            (4_100_000_000, "4,100"),
        ];
        for (ns, text) in table {
            assert_eq!(Unit::Millis.figure(ns, false), text, "{ns}");
        }
        assert_eq!(Unit::Seconds.figure(4_100_000_000, true), "≥ 4.10");
        let units = [500_000, 9_000_000, 20_000_000_000].map(Unit::fitting);
        assert_eq!(units, [Unit::Micros, Unit::Millis, Unit::Seconds]);
    }
}
