//! [`millionths`]: fractions as results hold them.

/// `value` to millionths, or to ones where a double holds no millionths any more.
pub fn millionths(value: f64) -> f64 {
    if value.abs() < 1e9 { (value * 1e6).round() / 1e6 } else { value.round() }
}
