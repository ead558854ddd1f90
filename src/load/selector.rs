//! [`Selector`]: which series of a Prometheus text endpoint are wanted: a name, labels, and whether what
//! fits is added up.

use std::fmt;

/// What is wanted of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The series' name.
    pub name: String,
    /// What its labels must be; all must hold.
    pub matchers: Vec<Matcher>,
    /// What becomes of several that fit.
    pub fold: Fold,
}

/// A condition on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// How it relates to `value`.
    pub relation: Relation,
    /// As it is, without escapes.
    pub value: String,
}

/// How a label relates to a value. A label that is missing counts as empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Is,
    /// Not equal.
    IsNot,
}

/// What becomes of several series that fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Each stands for itself.
    Each,
    /// They are added up.
    Sum,
}

impl Selector {
    /// Reads `name`, `name{label="value",other!="value"}` or `sum(…)` of either.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let inner = text.strip_prefix("sum(").and_then(|rest| rest.strip_suffix(')'));
        let (text, fold) = inner.map_or((text, Fold::Each), |inner| (inner.trim(), Fold::Sum));
        let (name, labels) = match text.split_once('{') {
            None => (text, ""),
            Some((name, rest)) => (name.trim(), rest.strip_suffix('}')?),
        };
        if !is_name(name) {
            return None;
        }
        let parts = split_outside(labels);
        let named = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
        let matchers = named.map(matcher).collect::<Option<_>>()?;
        Some(Self { name: name.to_owned(), matchers, fold })
    }

    /// Reads several, separated by commas; `Err` is the part that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let parts = split_outside(text);
        parts.into_iter().map(|part| Self::parse(part).ok_or_else(|| part.to_owned())).collect()
    }

    /// Whether a series of this name with these labels is meant.
    pub fn fits(&self, name: &str, labels: &[(String, String)]) -> bool {
        let value_of = |label: &str| {
            labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value.as_str())
        };
        self.name == name
            && self.matchers.iter().all(|matcher| {
                (value_of(&matcher.label) == matcher.value) == (matcher.relation == Relation::Is)
            })
    }
}

/// Parts between commas, where braces and quotes keep a part together.
fn split_outside(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn matcher(text: &str) -> Option<Matcher> {
    let (label, relation, quoted) = match text.split_once("!=") {
        Some((label, value)) if !label.contains('"') => (label, Relation::IsNot, value),
        _ => text.split_once('=').map(|(label, value)| (label, Relation::Is, value))?,
    };
    let value = quoted.trim().strip_prefix('"')?.strip_suffix('"')?;
    let label = label.trim();
    let value = unescaped(value)?;
    is_name(label).then(|| Matcher { label: label.to_owned(), relation, value })
}

/// A label's value as it is, of one in which `\\`, `\"` and `\n` are escapes. `None` at any other.
pub fn unescaped(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                plain @ ('\\' | '"') => plain,
                _ => return None,
            },
            '"' => return None,
            plain => plain,
        });
    }
    Some(value)
}

/// `text` as it stands between the quotes of a label's value.
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub fn is_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty() && text.bytes().all(word)
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = match self.fold {
            Fold::Each => ("", ""),
            Fold::Sum => ("sum(", ")"),
        };
        write!(f, "{before}{}", self.name)?;
        for (place, Matcher { label, relation, value }) in self.matchers.iter().enumerate() {
            let open = if place == 0 { "{" } else { "," };
            let sign = if *relation == Relation::Is { "=" } else { "!=" };
            write!(f, "{open}{label}{sign}\"{}\"", escaped(value))?;
        }
        let close = if self.matchers.is_empty() { "" } else { "}" };
        write!(f, "{close}{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_come_back_as_they_were_written() {
        for text in [
            "queue_depth",
            "http_requests_total{status=\"500\"}",
            "sum(http_requests_total{method!=\"GET\",path=\"/a,b}\"})",
            "job:rate5m{a=\"\\\"\\\\\\n\"}",
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), text);
        }
        let spaced = Selector::parse(" sum( a { b = \"c\" , } ) ").unwrap();
        assert_eq!(spaced.to_string(), "sum(a{b=\"c\"})");
    }

    #[test]
    fn a_list_is_cut_at_the_commas_between_series() {
        let list = Selector::parse_list("a,sum(b{c=\"d,e\",f!=\"g\"}),h").unwrap();
        let names: Vec<&str> = list.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "h"]);
        for (text, wrong) in [
            ("a,,b", ""),
            ("1a", "1a"),
            ("a{b}", "a{b}"),
            ("a{b=c}", "a{b=c}"),
            ("a{b=\"c\"", "a{b=\"c\""),
            ("a{b=\"\\x\"}", "a{b=\"\\x\"}"),
            ("a{b=~\"c\"}", "a{b=~\"c\"}"),
        ] {
            assert_eq!(Selector::parse_list(text), Err(wrong.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_matcher_must_hold_and_a_missing_label_is_empty() {
        let labels = [("method".to_owned(), "GET".to_owned())];
        let fits = |text: &str| Selector::parse(text).unwrap().fits("a", &labels);
        assert!(fits("a") && fits("a{method=\"GET\"}") && fits("a{method!=\"PUT\",path=\"\"}"));
        assert!(!fits("b") && !fits("a{method=\"PUT\"}") && !fits("a{path=\"/\"}"));
        assert!(!fits("a{method=\"GET\",method!=\"GET\"}"));
    }
}
