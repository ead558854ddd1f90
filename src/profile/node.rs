//! [`Node`]: the profile's YAML as a tree that remembers where each value stands in the text.
//!
//! Reading into it fails on bad YAML alone; what the keys and values mean is checked later, so that all
//! mistakes of a file are reported together. JSON is read by the same way, being a subset of YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

/// A range of bytes of the profile's text; may lie outside of it, so slicing goes through [`Span::of`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// The text at this place; empty where the place is not known.
    pub(super) fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The first place of `part` within this one, else this place itself.
    pub(super) fn narrowed_to(self, part: &str, text: &str) -> Self {
        match self.of(text).find(part) {
            Some(at) if !part.is_empty() => {
                Self { start: self.start + at, end: self.start + at + part.len() }
            }
            _ => self,
        }
    }
}

impl From<Location> for Span {
    fn from(location: Location) -> Self {
        let whole = |number: Option<u64>| number.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let start = whole(location.span().byte_offset());
        Self { start, end: start.saturating_add(whole(location.span().byte_len())) }
    }
}

/// Where reading stopped; syntax errors carry a line and a column alone.
fn stopped_at(location: Location, text: &str) -> Span {
    if location.span().byte_offset().is_some() {
        return location.into();
    }
    let nth = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.split_inclusive('\n').nth(nth(location.line())).unwrap_or_default();
    let line_start = if line.is_empty() { text.len() } else { subslice_start(line, text) };
    let column = line.char_indices().nth(nth(location.column()));
    let start = line_start + column.map_or(line.trim_end().len(), |(at, _)| at);
    Span { start, end: start }
}

/// How far into `text` its part `line` begins.
fn subslice_start(line: &str, text: &str) -> usize {
    line.as_ptr().addr() - text.as_ptr().addr()
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    /// Where the value is used; of an alias, the alias.
    pub(super) span: Span,
    /// Where the value is written; of an alias, what its anchor stands before.
    pub(super) defined: Span,
}

/// What YAML's core schema makes of a value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A mapping's key and its place.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Absent when the key is itself a list or a mapping, as in an unquoted `{{ name }}`.
    pub(super) text: Option<String>,
    pub(super) span: Span,
}

impl Node {
    /// Reads one YAML document; at the first thing that is not YAML says where and why.
    pub(super) fn parse(text: &str) -> Result<Self, (Span, String)> {
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
            let place = error.location().map(|location| stopped_at(location, text));
            (place.unwrap_or_default(), cause_of(&error))
        })
    }

    /// What the value is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The value as text: text itself, numbers and truth values as they are written in `source`.
    pub(super) fn scalar<'n>(&'n self, source: &'n str) -> Option<&'n str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Number(_) => Some(self.defined.of(source)),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// Most parts of values that aliases repeat: 400 for each of a thousand requests.
const REPEATED_MAX: usize = 400_000;
/// Most values: a profile of 1 MiB holds half as many, and aliases repeat the rest.
const NODES_MAX: usize = 500_000;

/// What stopped the reading, in words.
fn cause_of(error: &serde_saphyr::Error) -> String {
    let cause = UserMessageFormatter.format_message(error).into_owned();
    if cause.contains("too large or too complex") {
        return format!("more than {NODES_MAX} values, counting those that aliases repeat");
    }
    cause
}

/// YAML 1.2's reading of scalars. Repeated keys come through, to be reported with everything else.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        emit_comments: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPEATED_MAX },
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: NODES_MAX,
            // One anchor that all requests share is what anchors are for.
            enforce_alias_anchor_ratio: false,
        },
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, span: referenced.into(), defined: defined.into() })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value within the range of 64-bit numbers")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::<KeyText>::deserialize(deserializer)?;
        Ok(Self { text: value.0, span: referenced.into() })
    }
}

struct KeyText(Option<String>);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some("null".to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Some(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
