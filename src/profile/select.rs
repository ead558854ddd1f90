//! [`select`]: values out of a JSON answer by `JSONPath` (RFC 9535), as text.
//!
//! Errors name the path and what was found, never the document's values: an answer may hold a token.

use jsonpath_rust::JsonPath;
use jsonpath_rust::parser::parse_json_path;
use serde_json::Value;

/// Why no values could be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Not an expression of RFC 9535.
    #[error("'{0}' is not a JSONPath")]
    Malformed(String),
    /// A selected value is a list or an object, which no template can hold.
    #[error("'{path}' selects {found}, not text or a number")]
    NotScalar {
        /// The expression.
        path: String,
        /// `a list` or `an object`.
        found: &'static str,
    },
}

/// The values that `path` selects in `document`: text as it is, numbers and truth values as JSON writes
/// them, nulls left out. Selecting nothing is no error.
pub fn select(path: &str, document: &Value) -> Result<Vec<String>, SelectError> {
    let found = document.query(path).map_err(|_| SelectError::Malformed(path.to_owned()))?;
    let not_scalar = |found| SelectError::NotScalar { path: path.to_owned(), found };
    found
        .into_iter()
        .filter(|value| !value.is_null())
        .map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Array(_) => Err(not_scalar("a list")),
            Value::Object(_) => Err(not_scalar("an object")),
            scalar => Ok(scalar.to_string()),
        })
        .collect()
}

/// Whether `path` is a `JSONPath`.
pub(super) fn is_path(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX && parse_json_path(path).is_ok()
}

/// Longer than any path that a person writes.
const PATH_BYTES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_text_and_nulls_are_left_out() {
        let document = json!({
            "items": [{"id": 7}, {"id": "a b"}, {"id": null}, {"id": true}, {"id": 1.5}, {}],
        });
        assert_eq!(select("$.items[*].id", &document).unwrap(), ["7", "a b", "true", "1.5"]);
        assert_eq!(select("$.items[0].id", &document).unwrap(), ["7"]);
        assert!(select("$.nothing[*].id", &document).unwrap().is_empty());
    }

    #[test]
    fn lists_and_objects_are_refused_without_their_content() {
        let document = json!({"token": {"secret": "s3cret"}, "list": ["s3cret"]});
        let object = select("$.token", &document).unwrap_err().to_string();
        assert_eq!(object, "'$.token' selects an object, not text or a number");
        let list = select("$.list", &document).unwrap_err().to_string();
        assert_eq!(list, "'$.list' selects a list, not text or a number");
    }

    #[test]
    fn bad_paths_are_refused() {
        for path in ["", "items", "$.items[", "$.items[*", "$..", "$.a]"] {
            assert!(!is_path(path), "{path}");
            let error = SelectError::Malformed(path.to_owned());
            assert_eq!(select(path, &json!({})), Err(error));
        }
    }
}
