//! What requests are filled from and carry: feeders and bodies.

use serde_json::{Value, json};

use crate::profile::FEEDERS_MAX;
use crate::profile::body::BODIES;
use crate::profile::schema::{NAME, described, pairs, scalar, time, word};

pub(super) fn feeders() -> Value {
    let word = |description: &str| described(word(), description);
    json!({
        "type": "object",
        "maxProperties": FEEDERS_MAX,
        "description": "Rows of which each slot is given one, by {{ feeder.column }}.",
        "propertyNames": { "pattern": NAME },
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "oneOf": [
                { "required": ["csv"] }, { "required": ["jsonl"] },
                { "required": ["list"] }, { "required": ["process"] },
            ],
            "properties": {
                "csv": word("File of comma-separated values; its first row names the columns."),
                "jsonl": word("File of one JSON object a line."),
                "list": {
                    "type": "array", "minItems": 1,
                    "description": "Rows: mappings of columns, or values of one column, `value`.",
                },
                "process": {
                    "description": "Program and arguments, or a shell's line; what it prints are rows.",
                    "anyOf": [
                        { "type": "string", "minLength": 1 },
                        { "type": "array", "minItems": 1, "items": scalar() },
                    ],
                },
                "format": { "enum": ["csv", "jsonl"], "description": "What a process prints." },
                "delimiter": {
                    "type": "string", "minLength": 1, "maxLength": 1,
                    "description": "Between values of CSV; a comma unless given.",
                },
                "columns": {
                    "description": "Names of CSV's columns, where the first row has none.",
                    "anyOf": [scalar(), { "type": "array", "items": scalar() }],
                },
                "rows": {
                    "type": "integer", "minimum": 1,
                    "description": "How many rows of a process are read; 10000 unless given.",
                },
                "wait": described(time(), "Longest wait for a process's next line; 10s unless given."),
                "order": {
                    "enum": ["sequential", "random", "unique"], "default": "sequential",
                    "description": "Which row follows which; unique ones are shuffled.",
                },
                "at_end": {
                    "enum": ["rewind", "stop"],
                    "description": "After the last row: the first again, or the end of the run.",
                },
            },
        },
    })
}

/// A body of parts.
pub(super) fn multipart() -> Value {
    let files = json!({
        "anyOf": [
            scalar(),
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["path"],
                "properties": {
                    "path": described(scalar(), "The file."),
                    "name": described(scalar(), "What the target is told it is called."),
                    "type": described(word(), "Its content type."),
                },
            },
        ],
    });
    json!({
        "type": "object",
        "description": "A body, sent as multipart/form-data.",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {
            "fields": pairs("Fields by name."),
            "files": {
                "type": "object",
                "description": "Files by the name of their field; a list repeats it.",
                "additionalProperties": {
                    "anyOf": [files.clone(), { "type": "array", "items": files }],
                },
            },
        },
    })
}

/// No two of the ways to give a body.
pub(super) fn one_body() -> Value {
    let pairs = BODIES.iter().enumerate().flat_map(|(at, first)| {
        BODIES[..at].iter().map(move |second| json!({ "not": { "required": [first, second] } }))
    });
    pairs.collect()
}
