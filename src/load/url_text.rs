//! Text of URLs: which characters may stand in a path and a query, and what becomes of the others.

use std::fmt::Write as _;

/// Whether RFC 3986 allows `byte` in a path or a query; `%` begins what is encoded already.
pub const fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/' | b'?' | b'%')
        || matches!(byte, b'[' | b']')
}

/// A path and query as it can be sent, the way browsers do it: what is not allowed is percent-encoded, all
/// else stays as it is.
pub fn encoded(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        if is_allowed(byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    out
}

/// The same of a whole URL or reference, which may have a fragment.
pub fn encoded_url(text: &[u8]) -> String {
    let parts: Vec<_> = text.splitn(2, |&byte| byte == b'#').map(encoded).collect();
    parts.join("#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_allowed_is_encoded_and_nothing_twice() {
        let table = [
            ("/café", "/caf%C3%A9"),
            ("/end page?q=\"a\"", "/end%20page?q=%22a%22"),
            ("/<`>^{|}\\", "/%3C%60%3E%5E%7B%7C%7D%5C"),
            ("/a%20b/%zz?x=[1]&y='z'", "/a%20b/%zz?x=[1]&y='z'"),
        ];
        for (text, sent) in table {
            assert_eq!(encoded(text.as_bytes()), sent);
        }
    }
}
