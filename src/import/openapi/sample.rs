//! A value that fits a schema: its example, its default, its first choice, or one within its bounds.

use serde_json::Value;

use crate::import::draft::Json;
use crate::import::openapi::document::Document;
use crate::import::text::{Part, Text};

/// How deep objects and lists are filled; a schema that holds itself ends here.
const DEPTH_MAX: usize = 6;
/// Longest text that a `minLength` brings about.
const TEXT_CHARS_MAX: usize = 200;

/// What the document itself says the value could be: example, default, constant or first choice. `node` is
/// where examples stand beside the schema: a parameter or a media type.
pub(super) fn given<'d>(
    document: &'d Document,
    node: &'d Value,
    schema: &'d Value,
) -> Option<&'d Value> {
    let named = |node: &'d Value| {
        let first = node.get("examples")?.as_object()?.values().next()?;
        document.resolve(first).get("value")
    };
    let own = node.get("example").or_else(|| named(node));
    own.or_else(|| said(schema)).or_else(|| said(document.present(schema))).filter(|v| !v.is_null())
}

fn said(schema: &Value) -> Option<&Value> {
    let first = |key: &str| schema.get(key)?.as_array()?.first();
    schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("default"))
        .or_else(|| schema.get("const"))
        .or_else(|| first("enum"))
        .filter(|value| !value.is_null())
}

/// A value that fits the schema as far as the schema says.
pub(super) fn sample(document: &Document, schema: &Value) -> Json {
    fill(document, schema, DEPTH_MAX).unwrap_or_else(|| Json::Plain("null".to_owned()))
}

fn fill(document: &Document, schema: &Value, depth: usize) -> Option<Json> {
    let outer = document.resolve(schema);
    if let Some(value) = said(outer) {
        return Some(value.into());
    }
    let schema = document.present(outer);
    if let Some(value) = said(schema) {
        return Some(value.into());
    }
    let depth = depth.checked_sub(1)?;
    let known = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() || schema.get("allOf").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    };
    Some(match known {
        "object" => object(document, schema, depth),
        "array" => {
            let item = schema.get("items").and_then(|items| fill(document, items, depth));
            Json::List(item.into_iter().collect())
        }
        "boolean" => Json::Plain("true".to_owned()),
        "integer" => Json::Plain(number(schema, 1.0).to_string()),
        "number" => Json::Plain(number(schema, 0.5).to_string()),
        "null" => Json::Plain("null".to_owned()),
        _ => Json::Text(text(schema)),
    })
}

/// What must be there, and what has a value in the document.
fn object(document: &Document, schema: &Value, depth: usize) -> Json {
    let required = document.required(schema);
    let mut entries = Vec::new();
    for (name, property) in document.properties(schema) {
        let wanted = required.contains(&name) || said(document.resolve(&property)).is_some();
        if !wanted {
            continue;
        }
        let value = fill(document, &property, depth);
        if required.contains(&name) || value.is_some() {
            entries.push((name, value.unwrap_or_else(|| Json::Plain("null".to_owned()))));
        }
    }
    // `allOf` around a plain value.
    let parts = schema.get("allOf").and_then(Value::as_array);
    match parts.and_then(|parts| parts.first()) {
        Some(part) if entries.is_empty() => {
            fill(document, part, depth).unwrap_or(Json::Map(entries))
        }
        _ => Json::Map(entries),
    }
}

/// A number within the bounds, whole if `wish` is.
fn number(schema: &Value, wish: f64) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    // OpenAPI 3.0 has the exclusive bounds as truth values.
    let exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let step = if wish.fract() == 0.0 { 1.0 } else { 0.5 };
    let low =
        bound("minimum").map(|low| if exclusive("exclusiveMinimum") { low + step } else { low });
    let low = low.or_else(|| bound("exclusiveMinimum").map(|low| low + step));
    let high =
        bound("maximum").map(|high| if exclusive("exclusiveMaximum") { high - step } else { high });
    let high = high.or_else(|| bound("exclusiveMaximum").map(|high| high - step));
    let value = wish.max(low.unwrap_or(f64::MIN)).min(high.unwrap_or(f64::MAX));
    match bound("multipleOf") {
        Some(unit) if unit > 0.0 => (value / unit).ceil() * unit,
        _ => value,
    }
}

fn text(schema: &Value) -> Text {
    let fixed = match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "uuid" => return Text(vec![Part::Uuid]),
        "date-time" => "2026-01-31T12:00:00Z",
        "date" => "2026-01-31",
        "time" => "12:00:00",
        "duration" => "PT1H",
        "email" => "user@example.com",
        "uri" | "url" => "https://example.com/",
        "hostname" => "example.com",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        _ => "string",
    };
    let length = |key: &str| {
        schema.get(key).and_then(Value::as_u64).and_then(|length| usize::try_from(length).ok())
    };
    let mut text = fixed.to_owned();
    if fixed == "string" {
        let least = length("minLength").unwrap_or(0).min(TEXT_CHARS_MAX);
        while text.len() < least {
            text.push('x');
        }
        text.truncate(length("maxLength").unwrap_or(usize::MAX).max(least));
    }
    Text::literal(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(schemas: &Value) -> Document {
        let document = json!({"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}});
        Document::parse(&document.to_string()).unwrap()
    }

    fn plain(json: &Json) -> Value {
        match json {
            Json::Plain(text) => serde_json::from_str(text).unwrap(),
            Json::Text(text) => text.as_template().into(),
            Json::List(items) => items.iter().map(plain).collect(),
            Json::Map(entries) => {
                entries.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
            }
        }
    }

    #[test]
    fn values_fit_their_schema() {
        let document = document(&json!({
            "Node": {
                "type": "object", "required": ["id", "next"],
                "properties": {
                    "id": {"type": "integer", "minimum": 5},
                    "next": {"$ref": "#/components/schemas/Node"},
                    "note": {"type": "string"},
                },
            },
            "Dog": {"allOf": [
                {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                {"required": ["age"], "properties": {"age": {"type": "integer"}}},
            ]},
            "Kind": {"type": "string", "enum": ["a", "b"]},
        }));
        for (schema, expected) in [
            (json!({"type": "integer", "exclusiveMinimum": 7}), json!(8)),
            (json!({"type": "integer", "maximum": 0}), json!(0)),
            (json!({"type": "integer", "minimum": 2, "multipleOf": 5}), json!(5)),
            (json!({"type": "string", "minLength": 8}), json!("stringxx")),
            (json!({"type": "string", "maxLength": 3}), json!("str")),
            (json!({"type": ["null", "string"], "format": "email"}), json!("user@example.com")),
            (json!({"type": "string", "format": "uuid"}), json!("{{ uuid() }}")),
            (json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]}), json!(true)),
            (json!({"anyOf": [{"type": "integer"}], "default": 3}), json!(3)),
            (json!({"$ref": "#/components/schemas/Kind"}), json!("a")),
            (json!({"allOf": [{"$ref": "#/components/schemas/Kind"}]}), json!("a")),
            (json!({"$ref": "#/components/schemas/Dog"}), json!({"name": "string", "age": 1})),
            (json!({"type": "array", "items": {"type": "number"}}), json!([0.5])),
            (json!({"$ref": "elsewhere.json#/X"}), json!("string")),
            (json!({}), json!("string")),
        ] {
            assert_eq!(plain(&sample(&document, &schema)), expected, "{schema}");
        }
        // A schema that holds itself ends.
        let node = plain(&sample(&document, &json!({"$ref": "#/components/schemas/Node"})));
        assert_eq!(node["next"]["next"]["id"], 5);
        assert!(node.to_string().ends_with("null}}}}}}"), "{node}");
    }
}
