//! The part of the schema about answers: `expect`, `extract`, `redirects`.

use serde_json::{Value, json};

use super::{NAME, described, scalar};
use crate::load::extract::GatheredPool;
use crate::load::redirect::REDIRECTS_MAX;

pub(super) fn expect() -> Value {
    let text = || json!({ "type": ["string", "number", "boolean"] });
    json!({
        "type": "object",
        "description": "What counts as a good answer.",
        "additionalProperties": false,
        "properties": {
            "status": {
                "description": "Accepted statuses, also as 2xx or 200-204; 200 to 399 unless given.",
                "anyOf": [status(), { "type": "array", "items": status() }],
            },
            "max_bytes": {
                "type": "integer", "minimum": 0,
                "description": "Largest accepted body, as it is sent.",
            },
            "min_bytes": {
                "type": "integer", "minimum": 0,
                "description": "Smallest accepted body, as it is sent.",
            },
            "contains": {
                "description": "What the body, decoded, must hold.",
                "anyOf": [text(), { "type": "array", "items": text() }],
            },
            "header": {
                "type": "object",
                "description": "What headers must be, by name.",
                "additionalProperties": {
                    "anyOf": [text(), {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                            "exists": { "type": "boolean" },
                            "equals": text(),
                            "contains": text(),
                        },
                    }],
                },
            },
            "json": {
                "type": "object",
                "description": "What values of the body must be, by JSONPath.",
                "propertyNames": { "pattern": "^\\$" },
                "additionalProperties": {
                    "anyOf": [
                        { "type": ["string", "number", "boolean", "null", "array"] },
                        {
                            "type": "object",
                            "additionalProperties": false,
                            "properties": {
                                "exists": { "type": "boolean" },
                                "equals": { "description": "Any value." },
                                "type": {
                                    "enum": [
                                        "string", "number", "integer", "boolean", "array",
                                        "object", "null",
                                    ],
                                },
                            },
                        },
                    ],
                },
            },
        },
    })
}

fn status() -> Value {
    json!({
        "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            {
                "type": "string",
                "pattern": "^ *([1-5][0-9]{2}( *- *[1-5][0-9]{2})?|[1-5][xX]{2}) *$",
            },
        ],
    })
}

/// Of requests and steps.
pub(super) fn extract(description: &str) -> Value {
    let keep = json!({
        "type": "integer", "minimum": 1, "maximum": GatheredPool::KEEP_MAX,
        "default": GatheredPool::KEEP,
        "description": "Most values of a pool, per worker; the oldest makes room.",
    });
    let into = "Where it goes; only a step of a flow has variables.";
    let mut schema = extraction(description, into);
    schema["additionalProperties"]["anyOf"][1]["properties"]["keep"] = keep;
    schema
}

pub(super) fn set_up_extract() -> Value {
    extraction(
        "Variables that the answer fills for all that is sent later, by name.",
        "Where it goes: the first value to a variable, unless this says pool, which takes all.",
    )
}

fn extraction(description: &str, into: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "propertyNames": { "pattern": NAME },
        "additionalProperties": {
            "anyOf": [
                {
                    "type": "string", "pattern": "^[$/]",
                    "description": "A JSONPath or a JSON pointer.",
                },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "json": { "type": "string", "pattern": "^\\$", "description": "A JSONPath." },
                        "pointer": {
                            "type": "string", "pattern": "^(/|$)", "description": "A JSON pointer.",
                        },
                        "header": described(scalar(), "The name of a header."),
                        "regex": described(scalar(), "A regular expression; its first group counts."),
                        "into": { "enum": ["pool", "variable"], "description": into },
                    },
                    "oneOf": [
                        { "required": ["json"] },
                        { "required": ["pointer"] },
                        { "required": ["header"] },
                        { "required": ["regex"] },
                    ],
                },
            ],
        },
    })
}

pub(super) fn redirects() -> Value {
    json!({
        "type": "integer", "minimum": 0, "maximum": REDIRECTS_MAX, "default": 0,
        "description": "How many redirects on the same server are followed.",
    })
}
