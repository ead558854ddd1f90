//! [`JsonPath`]: values out of a JSON document by `JSONPath` (RFC 9535), compiled once and used for each
//! answer.

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

/// Longer than any path that a person writes.
const BYTES_MAX: usize = 1000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct JsonPath {
    text: String,
    way: Way,
}

/// How values are found.
#[derive(Clone, Debug)]
enum Way {
    /// Names and places alone, as most paths are: walked without building anything.
    Direct(Vec<Step>),
    /// Everything else.
    Query(JpQuery),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Place(usize),
}

impl PartialEq for JsonPath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for JsonPath {}

impl JsonPath {
    /// Compiles `text`; `None` if it is not an expression of RFC 9535.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        // Parsed in any case, so that both ways accept the same texts.
        let query = parse_json_path(text).ok()?;
        let way = direct(text).map_or(Way::Query(query), Way::Direct);
        Some(Self { text: text.to_owned(), way })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether values are compared on the way.
    pub fn has_filter(&self) -> bool {
        matches!(self.way, Way::Query(_)) && self.text.contains('?')
    }

    /// What it selects in `document`, in the document's order; nothing is no error.
    pub fn select<'v>(&self, document: &'v Value) -> Vec<&'v Value> {
        match &self.way {
            Way::Direct(steps) => {
                let found = steps.iter().try_fold(document, |value, step| match step {
                    Step::Name(name) => value.as_object()?.get(name),
                    Step::Place(place) => value.as_array()?.get(*place),
                });
                found.into_iter().collect()
            }
            Way::Query(query) => {
                let found = js_path_process(query, document).unwrap_or_default();
                found.into_iter().map(|found| found.val).collect()
            }
        }
    }
}

/// `$.name[0].other` as steps; `None` for any other form.
fn direct(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (name, after) = tail.split_at(end);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return None;
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else {
            let (place, after) = rest.strip_prefix('[')?.split_once(']')?;
            if !place.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            steps.push(Step::Place(place.parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

/// A value as a template can hold it: text as it is, numbers and truth values as JSON writes them; lists,
/// objects and null are none.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ways_select_the_same() {
        let document = json!({
            "total": 2, "items": [{"id": 7, "tags": ["a", "b"]}, {"id": "x", "n": null}],
        });
        let table = [
            ("$", json!([document])),
            ("$.total", json!([2])),
            ("$.items[1].id", json!(["x"])),
            ("$.items[0].tags[1]", json!(["b"])),
            ("$.items[9].id", json!([])),
            ("$.total.id", json!([])),
            ("$.items[1].n", json!([null])),
            ("$.items[*].id", json!([7, "x"])),
            ("$['total']", json!([2])),
            ("$..id", json!([7, "x"])),
        ];
        for (text, expected) in table {
            let path = JsonPath::parse(text).expect(text);
            let found: Vec<Value> = path.select(&document).into_iter().cloned().collect();
            assert_eq!(Value::Array(found), expected, "{text}");
            let general = JsonPath { way: Way::Query(parse_json_path(text).unwrap()), ..path };
            let found: Vec<Value> = general.select(&document).into_iter().cloned().collect();
            assert_eq!(Value::Array(found), expected, "{text} as a query");
        }
    }

    #[test]
    fn only_plain_paths_are_walked() {
        for (text, plain) in [
            ("$.a.b[0]", true),
            ("$", true),
            ("$.a-b", false),
            ("$.a[*]", false),
            ("$.a[-1]", false),
            ("$..a", false),
            ("$['a']", false),
        ] {
            assert_eq!(direct(text).is_some(), plain, "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "items", "$.items[", "$.items[*", "$..", "$.a]", "$.a[]", "$.1a"] {
            assert!(JsonPath::parse(text).is_none(), "{text}");
        }
        assert!(JsonPath::parse(&format!("$.{}", "a".repeat(BYTES_MAX))).is_none());
    }

    #[test]
    fn scalars_alone_become_text() {
        let table = [
            (json!("a b"), Some("a b")),
            (json!(1.5), Some("1.5")),
            (json!(true), Some("true")),
            (json!(null), None),
            (json!([1]), None),
            (json!({}), None),
        ];
        for (value, text) in table {
            assert_eq!(scalar_text(&value).as_deref(), text, "{value}");
        }
    }
}
