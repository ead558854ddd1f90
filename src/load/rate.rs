//! [`Rate`]: an arrival rate as an exact fraction, requests per period.
//!
//! Due instants come out of integer arithmetic, so the schedule does not drift in a week.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::load::greatest_common_divisor;
use crate::time::{Offset, scaled_decimal, whole_nanos};

const SECOND_NS: u64 = 1_000_000_000;
/// One request per nanosecond is past any generator; the bound keeps the arithmetic far from overflow.
const RATE_MAX: f64 = 1e9;

/// Requests per period; always above zero and at most 10⁹ per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    requests: u64,
    per_ns: u64,
}

/// Why a text or number is not an arrival rate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RateError {
    /// Not a number with an optional unit.
    #[error("'{0}' is not an arrival rate; write for example 200/s, 1.5k/s or 90/m")]
    Malformed(String),
    /// Zero, or above 10⁹ per second.
    #[error("the rate {0} is out of range; it must lie above 0 and at most at 1000000000/s")]
    OutOfRange(String),
}

impl Rate {
    /// `requests` per second.
    pub fn per_second(requests: u64) -> Result<Self, RateError> {
        Self::new(requests, SECOND_NS, &format!("{requests}/s"))
    }

    /// The rate closest to `per_second`, to a thousandth of a request per second.
    pub fn from_per_second(per_second: f64) -> Result<Self, RateError> {
        let text = format!("{per_second}/s");
        if !(per_second > 0.0 && per_second <= RATE_MAX) {
            return Err(RateError::OutOfRange(text));
        }
        // In range by the check above, so the conversion is exact after rounding.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range checked"
        )]
        let thousandths = (per_second * 1000.0).round().max(1.0) as u64;
        Self::new(thousandths, 1000 * SECOND_NS, &text)
    }

    fn new(requests: u64, per_ns: u64, text: &str) -> Result<Self, RateError> {
        let in_range = requests > 0
            && u128::from(requests) <= u128::from(per_ns)
            && per_ns <= SECOND_NS.pow(2);
        if !in_range {
            return Err(RateError::OutOfRange(text.to_owned()));
        }
        let divisor = greatest_common_divisor(requests, per_ns);
        Ok(Self { requests: requests / divisor, per_ns: per_ns / divisor })
    }

    /// Requests per second.
    pub fn as_per_second(self) -> f64 {
        self.requests as f64 / self.per_ns as f64 * 1e9
    }

    /// When slot `index` of a constant schedule is due: ⌊index · period / requests⌋.
    pub fn due(self, index: u64) -> Offset {
        let ns = u128::from(index) * u128::from(self.per_ns) / u128::from(self.requests);
        Offset::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// How many slots of a constant schedule are due before `length` has passed.
    pub fn slots_within(self, length: Duration) -> u64 {
        let product = u128::from(whole_nanos(length)) * u128::from(self.requests);
        u64::try_from(product.div_ceil(u128::from(self.per_ns))).unwrap_or(u64::MAX)
    }

    /// The rate without rounding, in a form that is read as the same rate.
    pub fn exact(self) -> String {
        let within = |ns: u64| {
            let product = u128::from(self.requests) * u128::from(ns);
            let per_ns = u128::from(self.per_ns);
            product.is_multiple_of(per_ns).then(|| product / per_ns)
        };
        if let Some(thousandths) = within(1000 * SECOND_NS) {
            let decimal = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            return format!("{}/s", decimal.trim_end_matches('0').trim_end_matches('.'));
        }
        let periods = [("m", 60 * SECOND_NS), ("h", 3600 * SECOND_NS)];
        let whole = periods.iter().find_map(|(unit, ns)| Some((within(*ns)?, unit)));
        whole.map_or_else(
            || format!("{}/{}ns", self.requests, self.per_ns),
            |(requests, unit)| format!("{requests}/{unit}"),
        )
    }

    /// The rate times `numerator` / `denominator`, both above 0: exact, but to a part in 10⁹ where that takes
    /// larger numbers than a rate holds.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        let mut requests = u128::from(self.requests) * u128::from(numerator);
        let mut per_ns = u128::from(self.per_ns) * u128::from(denominator);
        let (mut a, mut b) = (requests, per_ns);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (requests, per_ns) = (requests / a, per_ns / a);
        while per_ns > u128::from(SECOND_NS.pow(2)) {
            (requests, per_ns) = (requests.div_ceil(2), per_ns / 2);
        }
        let whole = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        Self { requests: whole(requests).min(whole(per_ns)), per_ns: whole(per_ns) }
    }

    /// The mean gap between two arrivals.
    pub fn gap(self) -> Duration {
        Duration::from_nanos(self.per_ns / self.requests)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `200`, `200/s`, `1.5k/s`, `90/m`, `10/h`, and vegeta's `50/1s`.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Malformed(text.to_owned());
        let (amount, period) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let (number, factor) = match amount.trim_end().char_indices().last() {
            Some((at, 'k' | 'K')) => (&amount[..at], 1_000),
            Some((at, 'M')) => (&amount[..at], 1_000_000),
            _ => (amount.trim_end(), 1),
        };
        let with_count = if period.starts_with(|c: char| c.is_ascii_digit()) {
            period.to_owned()
        } else {
            format!("1{period}")
        };
        let period = crate::time::parse_duration(&with_count).map_err(|_| malformed())?;
        // Thousandths, so that 0.5/s and 1.25k/s stay exact.
        let thousandths = scaled_decimal(number.trim(), factor * 1000).ok_or_else(malformed)?;
        let thousandths = u64::try_from(thousandths).map_err(|_| malformed())?;
        let per_ns = whole_nanos(period).checked_mul(1000).ok_or_else(malformed)?;
        Self::new(thousandths, per_ns, text)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Figures(self.as_per_second()))
    }
}

/// A rate's number for people: four figures, no trailing zeros.
#[derive(Clone, Copy, Debug)]
pub struct Figures(pub f64);

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = match self.0.abs() {
            v if v >= 999.5 => 0,
            v if v >= 99.95 => 1,
            v if v >= 9.995 => 2,
            _ => 3,
        };
        let text = format!("{:.decimals$}", self.0);
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        f.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_parse_exactly() {
        let table = [
            ("200/s", 200.0),
            ("200", 200.0),
            ("1.5k/s", 1500.0),
            ("2k", 2000.0),
            ("90/m", 1.5),
            ("36/h", 0.01),
            ("50/1s", 50.0),
            ("50/10s", 5.0),
            ("0.5/s", 0.5),
        ];
        for (text, per_second) in table {
            let rate: Rate = text.parse().unwrap();
            assert!((rate.as_per_second() - per_second).abs() < 1e-9, "{text} gave {rate}");
        }
    }

    #[test]
    fn bad_rates_are_refused() {
        for text in ["", "fast", "-5/s", "5/parsec", "/s", "k/s"] {
            assert!(matches!(text.parse::<Rate>(), Err(RateError::Malformed(_))), "{text}");
        }
        for text in ["0", "0/s", "2000000000/s"] {
            assert!(matches!(text.parse::<Rate>(), Err(RateError::OutOfRange(_))), "{text}");
        }
        assert!(Rate::from_per_second(f64::NAN).is_err());
        assert!(Rate::from_per_second(0.0).is_err());
    }

    #[test]
    fn a_week_does_not_drift() {
        let rate = Rate::per_second(3).unwrap();
        let week = 7 * 86_400;
        assert_eq!(rate.due(3 * week), Offset::from_nanos(week * SECOND_NS));
        assert_eq!(rate.slots_within(Duration::from_secs(week)), 3 * week);
    }

    #[test]
    fn slots_within_counts_what_is_due_before_the_end() {
        let rate = Rate::per_second(1000).unwrap();
        for (length_ns, count) in
            [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (20 * SECOND_NS, 20_000)]
        {
            assert_eq!(rate.slots_within(Duration::from_nanos(length_ns)), count);
        }
    }

    #[test]
    fn a_scaled_rate_is_exact() {
        let rate: Rate = "200/s".parse().unwrap();
        for (numerator, denominator, text) in
            [(10, 12, "10000/1m"), (1, 2, "100/s"), (3, 1, "600/s")]
        {
            let expected: Rate = text.parse().unwrap();
            assert_eq!(rate.scaled(numerator, denominator), expected, "{numerator}/{denominator}");
        }
        let odd = Rate::from_per_second(123.457).unwrap().scaled(999_983, 99_999_989);
        let ratio = odd.as_per_second() / (123.457 * 999_983.0 / 99_999_989.0);
        assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn figures_print_short() {
        for (value, text) in
            [(985.2, "985.2"), (1234.6, "1235"), (20.0, "20"), (0.5, "0.5"), (41.812, "41.81")]
        {
            assert_eq!(Figures(value).to_string(), text);
        }
    }
}
