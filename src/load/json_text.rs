//! JSON as servers write it: what `jq` and browsers read is read, though the letter of RFC 8259 is broken.

use std::borrow::Cow;

use serde_json::Value;

/// Most characters of a body that are shown.
const SHOWN_MAX: usize = 40;

/// The document that `bytes` hold, if it is JSON. A byte order mark before it is skipped, and what is no
/// text in it, a lone surrogate or bytes that are not UTF-8, becomes U+FFFD.
pub fn read(bytes: &[u8]) -> Option<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let strict = serde_json::from_slice(bytes);
    strict.ok().or_else(|| serde_json::from_str(&mended(&String::from_utf8_lossy(bytes))?).ok())
}

/// The same document with those numbers as texts that would lose how they are written: fractions such as 12.50,
/// exponents, and integers beyond 2⁶⁴. Nothing if there are none.
pub fn read_number_texts(bytes: &[u8]) -> Option<Value> {
    read(&quoted_numbers(bytes)?)
}

/// JSON with quotes around the numbers that lose their text.
fn quoted_numbers(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    let mut changed = false;
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        let length = match byte {
            b'"' => 1 + string_length(after),
            b'-' | b'0'..=b'9' => number_length(rest),
            _ => 1,
        };
        let (token, after) = rest.split_at(length);
        if byte != b'"' && length > 1 && !keeps_its_text(token) {
            changed = true;
            out.push(b'"');
            out.extend_from_slice(token);
            out.push(b'"');
        } else {
            out.extend_from_slice(token);
        }
        rest = after;
    }
    changed.then_some(out)
}

/// Up to the quote that ends a string, that included.
fn string_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 1)
}

fn number_length(text: &[u8]) -> usize {
    let part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    text.iter().position(|byte| !part(byte)).unwrap_or(text.len())
}

fn keeps_its_text(number: &[u8]) -> bool {
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok()
}

/// `text` with U+FFFD for each lone surrogate; nothing if there is none.
fn mended(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = rest.contains(char::REPLACEMENT_CHARACTER);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let unit = unit(escape);
        let low = unit.filter(|unit| (0xD800..0xDC00).contains(unit)).and(escape.get(6..));
        let is_pair = low.and_then(self::unit).is_some_and(|low| (0xDC00..0xE000).contains(&low));
        let length = match unit {
            Some(_) if is_pair => 12,
            Some(_) => 6,
            // A backslash and the character that it escapes.
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        if !is_pair && unit.is_some_and(|unit| (0xD800..0xE000).contains(&unit)) {
            out.push(char::REPLACEMENT_CHARACTER);
            changed = true;
        } else {
            out.push_str(&escape[..length]);
        }
        rest = &escape[length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// The UTF-16 code unit of the `\uXXXX` that `text` begins with.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u16::from_str_radix(digits, 16).ok()
}

/// How a body begins that is no JSON, for messages: at most 40 characters, on one line. Whoever shows it
/// takes out secrets.
pub fn beginning(bytes: &[u8]) -> Cow<'static, str> {
    if bytes.is_empty() {
        return "nothing".into();
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_MAX)]);
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = text.chars().map(visible).take(SHOWN_MAX).collect();
    format!("'{}'", shown.trim()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_servers_take_for_json_is_read() {
        let table: [(&[u8], Option<Value>); 9] = [
            (b"\xef\xbb\xbf{\"id\": 7}", Some(json!({"id": 7}))),
            (br#"{"t": "cut \ud83d"}"#, Some(json!({"t": "cut \u{fffd}"}))),
            (
                br#"["\ud83d\ude00", "\udc00\ud83d", "\\ud83d"]"#,
                Some(json!(["😀", "\u{fffd}\u{fffd}", "\\ud83d"])),
            ),
            (br#"["\ud83d\n", "\ud83dx"]"#, Some(json!(["\u{fffd}\n", "\u{fffd}x"]))),
            (b"[\"caf\xe9\"]", Some(json!(["caf\u{fffd}"]))),
            (b"<html>", None),
            (b"", None),
            (br#"{"t": "\u12"}"#, None),
            (br#"{"t": "\"#, None),
        ];
        for (bytes, document) in table {
            assert_eq!(read(bytes), document, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn numbers_keep_how_they_are_written() {
        let table = [
            (
                r#"{"a": 12.50, "b": [1e3, 7, -3]}"#,
                Some(json!({"a": "12.50", "b": ["1e3", 7, -3]})),
            ),
            (
                r#"[184467440737095516160, "1.50", "\\\"1.50"]"#,
                Some(json!(["184467440737095516160", "1.50", "\\\"1.50"])),
            ),
            (r#"{"a": 1, "b": "12.50\""}"#, None),
            ("<1.50>", None),
        ];
        for (text, document) in table {
            assert_eq!(read_number_texts(text.as_bytes()), document, "{text}");
        }
    }

    #[test]
    fn a_beginning_is_short_and_on_one_line() {
        assert_eq!(beginning(b""), "nothing");
        assert_eq!(beginning(b"<html>\r\n\x1b[2J"), "'<html>   [2J'");
        assert_eq!(beginning("ä".repeat(200).as_bytes()).chars().count(), SHOWN_MAX + 2);
    }
}
