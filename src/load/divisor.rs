//! The greatest common divisor, which keeps rates, mixes and shares in their smallest whole numbers.

/// Euclid's algorithm; of zero and `b` it is `b`.
pub(crate) const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::greatest_common_divisor;

    #[test]
    fn zero_divides_nothing_away() {
        for (a, b, divisor) in [(0, 0, 0), (0, 7, 7), (7, 0, 7), (12, 18, 6), (17, 4, 1)] {
            assert_eq!(greatest_common_divisor(a, b), divisor, "{a} and {b}");
        }
    }
}
