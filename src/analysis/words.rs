//! How counts and shares read in sentences and tables.

use std::fmt;

use crate::load::rate::Figures;

/// A count with its thousands grouped: `12,543`.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A count with its noun, `1 request` or `12,543 requests`; the plural ends in s.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", Count(count))
}

/// A number with its sign and one decimal, the minus as typographers write it: `+0.0`, `−1.2`.
#[derive(Clone, Copy, Debug)]
pub struct Signed(pub f64);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:+.1}", self.0).replace("-0.0", "+0.0").replace('-', "\u{2212}");
        f.pad(&text)
    }
}

/// A fraction as a percentage: `0.18 %`; one too small to show is `<0.001 %`, never zero.
#[derive(Clone, Copy, Debug)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        if percent > 0.0 && percent < 0.0005 {
            f.pad("<0.001 %")
        } else {
            f.pad(&format!("{} %", Figures(percent)))
        }
    }
}

/// A figure with its unit: `240 MB`, `12/s`, `7`.
#[derive(Clone, Copy, Debug)]
pub struct Amount<'u>(pub f64, pub &'u str);

impl fmt::Display for Amount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        let gap = if unit.is_empty() || unit.starts_with('/') { "" } else { " " };
        f.pad(&format!("{}{gap}{unit}", Figures(value)))
    }
}

/// A part of a whole: `23 of 12,543 slots (0.183 %)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many.
    pub count: u64,
    /// Out of how many.
    pub of: u64,
    /// Plural noun.
    pub things: &'static str,
}

impl Part {
    /// `count / of`; 0 of nothing is 0.
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, of) = (Count(self.count), Count(self.of));
        write!(f, "{count} of {of} {} ({})", self.things, Percent(self.share()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (count, text) in [(0, "0"), (999, "999"), (12_543, "12,543"), (1_000_000, "1,000,000")]
        {
            assert_eq!(Count(count).to_string(), text);
        }
        assert_eq!(format!("{:>7}", Count(1234)), "  1,234");
        for (share, text) in
            [(0.0, "0 %"), (0.001_83, "0.183 %"), (1.0, "100 %"), (1e-9, "<0.001 %")]
        {
            assert_eq!(Percent(share).to_string(), text);
        }
        for (count, text) in [(0, "0 slots"), (1, "1 slot"), (1_000, "1,000 slots")] {
            assert_eq!(counted(count, "slot"), text);
        }
        for (number, text) in [(0.0, "+0.0"), (-0.04, "+0.0"), (-1.24, "−1.2"), (41.5, "+41.5")] {
            assert_eq!(Signed(number).to_string(), text);
        }
        let part = Part { count: 23, of: 12_543, things: "slots" };
        assert_eq!(part.to_string(), "23 of 12,543 slots (0.183 %)");
        assert!(Part { count: 0, of: 0, things: "slots" }.share().abs() < f64::EPSILON);
    }
}
