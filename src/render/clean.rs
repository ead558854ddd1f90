//! Labels come from profiles and servers and are hostile: here they become harmless in any output.
//!
//! Control characters become visible, those that turn the direction of writing are replaced, and what is
//! longer than anybody reads is cut. Escaping for a format is that format's own business.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::report::Report;
use crate::report::comparison::ComparisonReport;

/// Characters of any one text.
const TEXT_MAX: usize = 2_000;

/// `report` with every text in it made harmless.
pub(super) fn report(report: &Report) -> Report {
    document(report)
}

/// The same of a comparison.
pub(super) fn comparison(report: &ComparisonReport) -> ComparisonReport {
    document(report)
}

/// Names of requests for whoever gets the figures of a load under way.
pub fn names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names.into_iter().map(|name| harmless(&name).unwrap_or(name)).collect()
}

fn document<T: Serialize + DeserializeOwned + Clone>(report: &T) -> T {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    clean(&mut document);
    serde_json::from_value(document).unwrap_or_else(|_| report.clone())
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(harmless) = harmless(text) {
                *text = harmless;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => {
            fields.values_mut().for_each(clean);
            let odd: Vec<String> =
                fields.keys().filter(|key| harmless(key).is_some()).cloned().collect();
            for key in odd {
                if let (Some(value), Some(key)) = (fields.remove(&key), harmless(&key)) {
                    fields.insert(key, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The harmless form of a text that is not harmless itself.
fn harmless(text: &str) -> Option<String> {
    let odd = |c: char| shown(c) != c;
    let long = text.len() > TEXT_MAX && text.chars().count() > TEXT_MAX;
    if !long && !text.chars().any(odd) {
        return None;
    }
    let cut: String = text.chars().take(TEXT_MAX).map(shown).collect();
    Some(if long { cut + "…" } else { cut })
}

fn shown(c: char) -> char {
    match c {
        '\u{7f}' => '␡',
        // Unicode has a picture for each.
        '\0'..='\u{1f}' => {
            char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_plain_report_stays_as_it_is() {
        for report in [example::report(example::CENSORED), example::search_report()] {
            assert_eq!(super::report(&report), report);
        }
    }

    #[test]
    fn what_is_dangerous_becomes_visible() {
        let table = [
            ("a\0b", "a␀b"),
            ("\u{1b}[31mred", "␛[31mred"),
            ("line\nbreak", "line␊break"),
            ("\u{202e}gnp.exe", "\u{fffd}gnp.exe"),
        ];
        for (text, expected) in table {
            assert_eq!(harmless(text).as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(harmless("Größe ≥ 5 µs <script>"), None);
        let long = harmless(&"x".repeat(10_000)).unwrap();
        assert_eq!(long.chars().count(), TEXT_MAX + 1);
    }

    #[test]
    fn texts_anywhere_in_a_report_are_reached() {
        let mut report = example::report(example::FAILING);
        report.requests[1].name = "a\0b".to_owned();
        report.verdict.findings[0].message = "\u{7}".to_owned();
        report.requests[0].errors.insert("k\0".to_owned(), 3);
        let clean = super::report(&report);
        assert_eq!(clean.requests[1].name, "a␀b");
        assert_eq!(clean.verdict.findings[0].message, "␇");
        assert_eq!(clean.requests[0].errors.get("k␀"), Some(&3));
    }
}
