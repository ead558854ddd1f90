//! The part of the schema about flows.

use serde_json::{Value, json};

use super::answers::{extract, redirects};
use super::{described, exchange, slo, word};
use crate::load::flow::STEPS_MAX;
use crate::profile::WEIGHT_MAX;

pub(super) fn flow() -> Value {
    let step = exchange(json!({
        "name": described(word(), "Unique within the flow; method and path unless given."),
        "think": {
            "type": "string", "minLength": 1,
            "description": "The pause before this step, as 2s or 1s..3s; none before the first.",
        },
        "extract": extract("Variables of the flow, by name; with `into: pool` pools."),
        "redirects": redirects(),
        "slo": slo(),
    }));
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "steps"],
        "properties": {
            "name": described(word(), "Unique among requests and flows."),
            "weight": {
                "type": "integer", "minimum": 0, "maximum": WEIGHT_MAX, "default": 1,
                "description": "Share of the mix; 0 is never started.",
            },
            "tags": {
                "description": "For --tags and --exclude-tags.",
                "anyOf": [word(), { "type": "array", "items": word() }],
            },
            "cookies": {
                "type": "boolean", "default": false,
                "description": "Whether the flow keeps the cookies that answers set.",
            },
            "on_failure": {
                "enum": ["stop", "continue"], "default": "stop",
                "description": "When a step does not go well: end the flow, or go on with the next.",
            },
            "steps": {
                "type": "array", "minItems": 1, "maxItems": STEPS_MAX, "items": step,
                "description": "The first is due with the schedule, each other one when the one before it \
                                has ended and its own `think` has passed.",
            },
        },
    })
}
