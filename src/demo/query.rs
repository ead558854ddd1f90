//! [`Query`]: the parameters of a request's address, decoded, and their limits.
//!
//! Invariant: whatever the bytes, a parameter is a value, absent, or a reply that says what is wrong.

use std::ops::RangeInclusive;

use serde_json::json;

use super::endpoint::Endpoint;
use super::reply::Reply;

/// Parameters beyond this many are ignored.
const PARAMETERS_MAX: usize = 64;
/// Numbers from here on overflow the database of the service this one stands for.
const OVERFLOW: i128 = 1_000_000_000_000_000_000;

/// Decoded `name=value` pairs in order.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX);
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The last value of that name, as the frameworks read a repeated parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An integer within `range`, or `default` where it is absent.
    pub(super) fn integer(
        &self,
        name: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, Reply> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let invalid = |kind: &str, message: &str| {
            Err(Reply::invalid(["query", name], kind, message, &json!(text)))
        };
        let Ok(value) = text.trim().parse::<i128>() else {
            return invalid("int_parsing", "This must be a whole number");
        };
        if value < i128::from(*range.start()) {
            return invalid("greater_than_equal", &format!("The least is {}", range.start()));
        }
        if value >= OVERFLOW && *range.end() == u64::MAX {
            return Err(Reply::server_error(Endpoint::Refused));
        }
        match u64::try_from(value) {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => invalid("less_than_equal", &format!("The most is {}", range.end())),
        }
    }

    /// A number within [0, 1], or `default`.
    pub(super) fn share(&self, name: &str, default: f64) -> Result<f64, Reply> {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| {
            let message = "This must be a number from 0 to 1";
            Reply::invalid(["query", name], "float_parsing", message, &json!(text))
        })
    }

    /// A yes or no in any usual spelling, or `default`.
    pub(super) fn truth(&self, name: &str, default: bool) -> Result<bool, Reply> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" | "t" => Ok(true),
            "false" | "0" | "no" | "n" | "off" | "f" => Ok(false),
            _ => {
                let message = "This must be true or false";
                Err(Reply::invalid(["query", name], "bool_parsing", message, &json!(text)))
            }
        }
    }
}

/// A numeric path segment: 422 unless it is an integer, 500 beyond 32 bits, `None` where no item can be.
pub(super) fn path_id(text: &str) -> Result<Option<usize>, Reply> {
    match text.parse::<i128>() {
        Err(_) => {
            let message = "This must be a whole number";
            Err(Reply::invalid(["path", "id"], "int_parsing", message, &json!(text)))
        }
        Ok(id) if id > i128::from(i32::MAX) => Err(Reply::server_error(Endpoint::Refused)),
        Ok(id) => Ok(usize::try_from(id).ok()),
    }
}

/// Undoes percent and plus encoding; what is not UTF-8 becomes replacement characters.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match bytes.get(at..at + 2).and_then(hex_byte) {
                Some(value) => {
                    at += 2;
                    value
                }
                None => b'%',
            },
            _ => byte,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*digits.first()?)? * 16 + digit(*digits.get(1)?)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("a=1&b=%D0%B0+x&&c&a=2&d=%zz%4");
        let table = [
            ("a", Some("2")),
            ("b", Some("а x")),
            ("c", Some("")),
            ("d", Some("%zz%4")),
            ("e", None),
        ];
        for (name, value) in table {
            assert_eq!(query.text(name), value, "{name}");
        }
    }

    #[test]
    fn integers_keep_their_limits() {
        let status = |text: &str, range| {
            let query = Query::parse(&format!("n={text}"));
            query.integer("n", 1, range).map_err(|reply| reply.status.as_u16())
        };
        assert_eq!(status("7", 1..=100), Ok(7));
        let table = [
            ("0", 422),
            ("101", 422),
            ("-1", 422),
            ("x", 422),
            ("", 422),
            ("1000000000000000000", 422),
        ];
        for (text, code) in table {
            assert_eq!(status(text, 1..=100), Err(code), "{text}");
        }
        assert_eq!(status("1000000000000000000", 1..=u64::MAX), Err(500));
        assert_eq!(status("999999999999999999", 1..=u64::MAX), Ok(999_999_999_999_999_999));
    }

    #[test]
    fn path_ids_are_items_nothing_or_errors() {
        let status = |text| path_id(text).map_err(|reply| reply.status.as_u16());
        assert_eq!(status("12"), Ok(Some(12)));
        assert_eq!(status("-3"), Ok(None));
        assert_eq!(status("abc"), Err(422));
        assert_eq!(status("2147483647"), Ok(Some(2_147_483_647)));
        assert_eq!(status("2147483648"), Err(500));
    }

    proptest! {
        #[test]
        fn no_query_is_too_odd(text in "\\PC{0,60}") {
            let query = Query::parse(&text);
            prop_assert!(query.0.len() <= PARAMETERS_MAX);
        }
    }
}
