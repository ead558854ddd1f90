//! [`Clean`]: a result whose texts are harmless in any output, the only form that renderers take.
//!
//! Labels come from profiles and servers and are hostile. Control characters become visible, those that turn
//! the direction of writing are replaced, and what is longer than anybody reads is cut. Escaping for a format
//! is that format's own business.

use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::report::Report;
use crate::report::comparison::ComparisonReport;

/// Characters of any one text.
const TEXT_MAX: usize = 2_000;

/// A document with every text in it made harmless. Nothing else reaches a renderer, so none can forget it.
#[derive(Debug)]
pub struct Clean<'a, T> {
    exact: &'a T,
    harmless: T,
}

/// A result.
pub type CleanReport<'a> = Clean<'a, Report>;
/// A comparison.
pub type CleanComparison<'a> = Clean<'a, ComparisonReport>;

impl<'a, T: Serialize + DeserializeOwned + Clone> Clean<'a, T> {
    /// Makes the texts of `exact` harmless, which takes a copy of it.
    pub fn new(exact: &'a T) -> Self {
        let mut document = serde_json::to_value(exact).unwrap_or_default();
        clean(&mut document);
        let harmless = serde_json::from_value(document).unwrap_or_else(|_| exact.clone());
        Self { exact, harmless }
    }

    /// The document with its texts as they are, for JSON: its escapes make any text harmless.
    pub(super) const fn exact(&self) -> &'a T {
        self.exact
    }
}

impl<T> Deref for Clean<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.harmless
    }
}

/// Names of requests for whoever gets the figures of a load under way.
pub fn names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names.into_iter().map(|name| harmless(&name).unwrap_or(name)).collect()
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
            assert_eq!(*Clean::new(&report), report);
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
        let clean = Clean::new(&report);
        assert_eq!(clean.exact().requests[1].name, "a\0b");
        assert_eq!(clean.requests[1].name, "a␀b");
        assert_eq!(clean.verdict.findings[0].message, "␇");
        assert_eq!(clean.requests[0].errors.get("k␀"), Some(&3));
    }
}
