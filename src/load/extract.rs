//! [`Extraction`]: a value taken from an answer for requests that come later; [`Gathered`] is what they find.
//!
//! Bounded: values have a length, pools a size, and the oldest value makes room for a new one.

use http::HeaderName;
use regex::bytes::{Regex, RegexBuilder};

use crate::load::answer::Answer;
use crate::load::expect::Reads;
use crate::load::json_path::{JsonPath, scalar_text};
use crate::load::request::{PoolId, Pools};

/// A longer value is not taken.
const VALUE_BYTES_MAX: usize = 8 * 1024;
/// Most values taken from one answer.
const VALUES_MAX: usize = 10_000;
/// Longest regular expression, in bytes, and its size once compiled.
const PATTERN_BYTES_MAX: usize = 1000;
const PATTERN_SIZE_MAX: usize = 1 << 20;

/// Something to take from an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// Of the pool or variable.
    pub name: String,
    /// Where it stands.
    pub source: Selector,
    /// Where it goes.
    pub into: Target,
}

/// Where a value stands in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// In the body, by `JSONPath` (RFC 9535).
    Json(JsonPath),
    /// In the body, by JSON pointer (RFC 6901).
    Pointer(String),
    /// In a header.
    Header(HeaderName),
    /// In the body: the first group of a regular expression, or all of it if it has none.
    Pattern(Pattern),
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// All values, to the gathered pool of this number; of a set-up answer, to the plan's.
    Pool(usize),
    /// The first value, to the flow's variable of this number; of a set-up answer, to the plan's pool.
    Variable(usize),
}

impl Target {
    /// Whether an answer without a value is a bad one: what comes after cannot do without a variable.
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::Variable(_))
    }
}

/// A regular expression over bytes.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Compiles `text`.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("it is longer than {PATTERN_BYTES_MAX} bytes"));
        }
        let built = RegexBuilder::new(text).size_limit(PATTERN_SIZE_MAX).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            error => {
                // The last line says what, those before show where.
                let text = error.to_string();
                let last = text.lines().next_back().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        })
    }

    fn values<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let captures = self.0.captures_iter(bytes);
        captures.filter_map(|found| Some(found.get(1).or_else(|| found.get(0))?.as_bytes()))
    }
}

impl Selector {
    /// Whether the body must be JSON for it.
    pub const fn is_json(&self) -> bool {
        matches!(self, Self::Json(_) | Self::Pointer(_))
    }

    /// What must be kept of an answer.
    pub const fn reads(&self) -> Reads {
        match self {
            Self::Header(_) => Reads::Headers,
            Self::Json(_) | Self::Pointer(_) | Self::Pattern(_) => Reads::Body,
        }
    }
}

impl Extraction {
    /// The values that the answer holds, for a variable one at the most. Those that no template could hold
    /// are left out: lists, objects, control characters, and what is longer than 8 KiB.
    pub fn values(&self, answer: &Answer<'_>) -> Vec<String> {
        let most = match self.into {
            Target::Pool(_) => VALUES_MAX,
            Target::Variable(_) => 1,
        };
        let fit = |values: &mut dyn Iterator<Item = String>| -> Vec<String> {
            values.filter(|value| is_usable(value)).take(most).collect()
        };
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        match &self.source {
            Selector::Json(path) => {
                // A filter compares numbers, so it is given them as such.
                let document = if path.has_filter() { answer.json() } else { answer.json_texts() };
                let found = document.map(|document| path.select(document));
                fit(&mut found.unwrap_or_default().into_iter().filter_map(scalar_text))
            }
            Selector::Pointer(pointer) => {
                let found = answer.json_texts().and_then(|document| document.pointer(pointer));
                fit(&mut found.into_iter().filter_map(scalar_text))
            }
            Selector::Header(name) => fit(&mut answer.values(name).into_iter()),
            Selector::Pattern(pattern) => fit(&mut pattern.values(answer.bytes()).filter_map(text)),
        }
    }
}

/// Short enough, and harmless in a header.
fn is_usable(value: &str) -> bool {
    value.len() <= VALUE_BYTES_MAX && !value.chars().any(char::is_control)
}

/// A pool that answers fill while the load runs; each worker has one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatheredPool {
    /// Name that templates use.
    pub name: String,
    /// Most values kept; the oldest makes room.
    pub keep: usize,
    /// The pool of a set-up request with which it begins.
    pub start: Option<PoolId>,
}

impl GatheredPool {
    /// With what set-up has brought for it.
    pub fn begun(&self, pools: &Pools) -> Ring {
        let mut ring = Ring::new(self.keep);
        let start = self.start.and_then(|start| pools.get(start));
        start.into_iter().flat_map(|values| values.iter()).for_each(|v| ring.push(v.clone()));
        ring
    }

    /// Values kept unless the profile says otherwise.
    pub const KEEP: usize = 1_000;
    /// The most that can be kept.
    pub const KEEP_MAX: usize = 100_000;
}

/// The values of a gathered pool: the newest so many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    values: Vec<String>,
    keep: usize,
    /// Where the oldest value stands once the ring is full.
    next: usize,
}

impl Ring {
    /// An empty ring of `keep` places.
    pub const fn new(keep: usize) -> Self {
        Self { values: Vec::new(), keep, next: 0 }
    }

    /// Adds a value, in place of the oldest if there is no room. One that could not be sent everywhere is
    /// left out, as it is in [`Extraction::values`].
    pub fn push(&mut self, value: String) {
        if !is_usable(&value) {
            return;
        }
        if self.values.len() < self.keep {
            self.values.push(value);
        } else if let Some(oldest) = self.values.get_mut(self.next) {
            *oldest = value;
            self.next = (self.next + 1) % self.keep;
        }
    }

    /// The values, in no order.
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

/// What earlier answers have left for a request.
#[derive(Clone, Copy, Debug)]
pub struct Gathered<'a> {
    /// Of the flow that the request is a step of, by number; absent until an answer has brought them.
    pub variables: &'a [Option<String>],
    /// The worker's gathered pools, by number.
    pub pools: &'a [Ring],
}

impl Gathered<'_> {
    /// Nothing.
    pub const NONE: Self = Self { variables: &[], pools: &[] };
}

#[cfg(test)]
mod tests {
    use http::header::LOCATION;
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::load::answer::Body;

    fn taken(source: Selector, into: Target, body: &str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.append("x-next", "two".parse().unwrap());
        headers.append("x-next", "three".parse().unwrap());
        let extraction = Extraction { name: "any".into(), source, into };
        let body = Body::Whole(body.as_bytes());
        extraction.values(&Answer::new(0, &headers, body))
    }

    #[test]
    fn a_pool_takes_all_values_and_a_variable_the_first() {
        let json = |text: &str| Selector::Json(JsonPath::parse(text).unwrap());
        let pattern = |text: &str| Selector::Pattern(Pattern::parse(text).unwrap());
        let items = r#"{"items": [{"id": 1}, {"id": "b"}, {"id": null}, {"id": [2]}], "t": "x"}"#;
        let table = [
            (json("$.items[*].id"), items, vec!["1", "b"]),
            (json("$.none"), items, vec![]),
            (
                json("$[*]"),
                "[12.50, 184467440737095516160, 7]",
                vec!["12.50", "184467440737095516160", "7"],
            ),
            (Selector::Pointer("/0".into()), "[12.50]", vec!["12.50"]),
            (json("$[?@ > 10]"), "[12.5, 7]", vec!["12.5"]),
            (Selector::Pointer("/items/1/id".into()), items, vec!["b"]),
            (Selector::Pointer("/items".into()), items, vec![]),
            (Selector::Header("x-next".parse().unwrap()), "", vec!["two", "three"]),
            (pattern("name='(\\w+)'"), "name='a' name='b'", vec!["a", "b"]),
            (pattern("\\d+"), "7 and 8", vec!["7", "8"]),
            (json("$.a"), "not json", vec![]),
            (json("$[*]"), r#"["a\nb", "c"]"#, vec!["c"]),
        ];
        for (source, body, expected) in table {
            assert_eq!(taken(source.clone(), Target::Pool(0), body), expected, "{source:?}");
            let first = taken(source.clone(), Target::Variable(0), body);
            assert_eq!(first, expected[..expected.len().min(1)], "{source:?}");
        }
        let long = format!("\"{}\"", "x".repeat(VALUE_BYTES_MAX + 1));
        assert!(taken(json("$"), Target::Pool(0), &long).is_empty());
    }

    #[test]
    fn a_location_is_encoded_as_it_is_sent_again() {
        let table: [(&[u8], &str); 5] = [
            ("/café/a b?q=\"x\"".as_bytes(), "/caf%C3%A9/a%20b?q=%22x%22"),
            (b"/caf\xe9", "/caf%E9"),
            (b" https://h:1/a#part two ", "https://h:1/a#part%20two"),
            (b"/a%20b", "/a%20b"),
            (b"next", "next"),
        ];
        for (value, expected) in table {
            let headers =
                HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(value).unwrap())]);
            let source = Selector::Header(LOCATION);
            let extraction = Extraction { name: "any".into(), source, into: Target::Variable(0) };
            let answer = Answer::new(0, &headers, Body::Whole(b""));
            assert_eq!(extraction.values(&answer), [expected]);
        }
    }

    #[test]
    fn a_bad_pattern_is_told_in_one_line() {
        let error = Pattern::parse("a(b").unwrap_err();
        assert_eq!(error, "unclosed group");
        assert!(Pattern::parse(&"a".repeat(2000)).is_err());
        assert_eq!(Pattern::parse("(a{1000}){1000}").unwrap_err(), "it is too large");
    }

    #[test]
    fn a_full_ring_forgets_the_oldest() {
        let mut ring = Ring::new(3);
        for value in ["a", "b", "c", "d", "e"] {
            ring.push(value.to_owned());
        }
        let mut values = ring.values().to_vec();
        values.sort();
        assert_eq!(values, ["c", "d", "e"]);
        ring.push("a\nb".to_owned());
        assert!(!ring.values().iter().any(|value| value.contains('\n')));
        let mut none = Ring::new(0);
        none.push("a".to_owned());
        assert!(none.values().is_empty());
    }
}
