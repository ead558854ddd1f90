//! Local ports that the system gives to outgoing connections.

use std::ops::RangeInclusive;

/// The range they are taken from; `None` where the system does not tell.
pub fn ephemeral() -> Option<RangeInclusive<u16>> {
    super::read("/proc/sys/net/ipv4/ip_local_port_range").and_then(|text| parse(&text))
}

/// The first and the last port, parted by white space.
fn parse(text: &str) -> Option<RangeInclusive<u16>> {
    let mut fields = text.split_whitespace();
    let (first, last) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_two_ends_in_order() {
        assert_eq!(parse("32768\t60999\n"), Some(32_768..=60_999));
        for text in ["", "1", "5 4", "a b", "1 70000"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
