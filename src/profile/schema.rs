//! [`json_schema`]: the published JSON Schema of the profile format, for editors and generators.
//!
//! Says what can be said about structure; references (pools, variables, the environment) are `load`'s part.

mod answers;
mod auth;
mod data;
mod flows;

use serde_json::{Value, json};

use crate::load::flow::FLOWS_MAX;
use crate::load::stages::Stages;
use crate::profile::schema::answers::{expect, extract, redirects, set_up_extract};
use crate::profile::schema::auth::auth;
use crate::profile::schema::data::{feeders, multipart, one_body};
use crate::profile::schema::flows::flow;
use crate::profile::{MONITORS_MAX, POOLS_MAX, REQUESTS_MAX, WEIGHT_MAX};

/// The JSON Schema (draft 2020-12) of a profile.
pub fn json_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "steadfire profile",
        "description": "What is sent, in what proportion, and what it must meet.",
        "type": "object",
        "additionalProperties": false,
        "anyOf": [{ "required": ["requests"] }, { "required": ["flows"] }],
        "properties": {
            "name": described(word(), "Name of the profile; the file's name unless given."),
            "host": {
                "type": "string", "minLength": 1,
                "description": "Address of the server, for example http://127.0.0.1:8001; --host overrides it.",
            },
            "variables": {
                "type": "object",
                "description": "Values that templates insert by {{ name }}.",
                "propertyNames": { "pattern": NAME },
                "additionalProperties": scalar(),
            },
            "feeders": feeders(),
            "headers": described(headers(), "Sent with every request that does not set them itself."),
            "auth": auth(),
            "setup": {
                "type": "array", "maxItems": REQUESTS_MAX, "items": setup(),
                "description": "Requests sent once each, in order, before the load.",
            },
            "requests": {
                "type": "array", "minItems": 1, "maxItems": REQUESTS_MAX, "items": request(),
                "description": "The mix: single requests.",
            },
            "flows": {
                "type": "array", "maxItems": FLOWS_MAX, "items": flow(),
                "description": "Requests in order, which share the weights of the mix.",
            },
            "rate_counts": {
                "enum": ["requests", "flows"], "default": "requests",
                "description": "What the rate counts: requests, each step of a flow for itself, or entries \
                                of the mix, a flow once.",
            },
            "slo": slo(),
            "rate": described(amount(), "Arrival rate, such as 200/s or 90/m; --rate overrides it."),
            "duration": described(time(), "Length of the measurement; --duration overrides it."),
            "stages": {
                "description": "Rates one after the other instead of rate and duration.",
                "anyOf": [
                    { "type": "string", "minLength": 1 },
                    { "type": "array", "minItems": 1, "maxItems": Stages::MAX, "items": stage() },
                ],
            },
            "warmup": described(time(), "Load before the measurement; --warmup overrides it."),
            "arrivals": {
                "enum": ["constant", "poisson", "uniform-jitter"],
                "description": "How arrivals are spread around the rate; --arrivals overrides it.",
            },
            "monitors": {
                "type": "array", "maxItems": MONITORS_MAX,
                "items": { "type": "string", "pattern": "^(prometheus|process|command|postgres(ql)?):" },
                "description": "What is looked at while the load goes on: prometheus:URL?series=a,b, \
                                process:PORT, process:pid:N, command:TEXT or postgres:URL.",
            },
        },
        "allOf": [
            { "not": { "required": ["stages", "rate"] } },
            { "not": { "required": ["stages", "duration"] } },
        ],
    })
}

/// An arrival rate: a bare number is per second.
fn amount() -> Value {
    json!({ "type": ["string", "number"], "minLength": 1 })
}

fn time() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn stage() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["rate", "duration"],
        "properties": {
            "rate": described(amount(), "Arrival rate."),
            "duration": described(time(), "How long it lasts."),
        },
    })
}

/// Of variables and pools.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

fn word() -> Value {
    json!({ "type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 200 })
}

/// Text with templates; numbers and truth values are sent as they are written.
fn scalar() -> Value {
    json!({ "type": ["string", "number", "boolean"] })
}

/// A list of values repeats the name.
fn headers() -> Value {
    let one_or_many = json!({ "anyOf": [scalar(), { "type": "array", "items": scalar() }] });
    json!({ "type": "object", "additionalProperties": one_or_many })
}

/// Names and values of a query or a form; a list repeats the name, null leaves it out.
fn pairs(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "additionalProperties": {
            "anyOf": [
                { "type": ["string", "number", "boolean", "null"] },
                { "type": "array", "items": { "type": ["string", "number", "boolean", "null"] } },
            ],
        },
    })
}

fn json_path(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^\\$", "description": description })
}

/// An object that holds an exchange and `more`.
fn exchange(more: Value) -> Value {
    let mut properties = json!({
        "method": {
            "type": "string", "pattern": "^[!-~]+$",
            "description": "HTTP method; GET unless given, POST if there is a body.",
        },
        "path": {
            "type": "string", "minLength": 1,
            "description": "Begins with /. Holes: {{ pick(pool) }}, {{ feeder.column }}, \
                            {{ randint(1, 3) }}, {{ slot }}, {{ uuid() }}, {{ token }}, \
                            {{ variable | upper }}; ${VAR} from the environment.",
        },
        "query": pairs("Appended to the path, percent-encoded; null leaves a name out."),
        "headers": described(headers(), "Sent with this request."),
        "json": { "description": "A body, sent as compact JSON." },
        "body": described(scalar(), "A body, sent as it is written."),
        "form": pairs("A body, sent as application/x-www-form-urlencoded."),
        "file": described(scalar(), "A file whose bytes are the body; beside the profile."),
        "multipart": multipart(),
        "compress": { "enum": ["gzip", "none"], "description": "How the body is compressed." },
        "expect": expect(),
    });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["path"],
        "properties": properties,
        "allOf": one_body(),
    })
}

fn setup() -> Value {
    exchange(json!({
        "name": described(word(), "Shown in errors; method and path unless given."),
        "pools": {
            "type": "object", "maxProperties": POOLS_MAX,
            "description": "Lists of values from the answer, by name.",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": json_path("Which values of the answer."),
        },
        "extract": set_up_extract(),
        "hint": described(scalar(), "What to do when a pool stays empty or a variable is not found."),
    }))
}

fn request() -> Value {
    exchange(json!({
        "name": described(word(), "Unique; method and path unless given."),
        "weight": {
            "type": "integer", "minimum": 0, "maximum": WEIGHT_MAX, "default": 1,
            "description": "Share of the mix; 0 is never sent.",
        },
        "group": described(word(), "Requests of one group share weight when a pool is empty."),
        "tags": {
            "description": "For --tags and --exclude-tags.",
            "anyOf": [word(), { "type": "array", "items": word() }],
        },
        "extract": extract("Pools that answers fill for later requests, by name."),
        "redirects": redirects(),
        "on_empty": {
            "enum": ["fail", "redistribute"], "default": "fail",
            "description": "When a pool it picks from is empty: refuse the run, or give its weight \
                            to its group.",
        },
        "slo": slo(),
    }))
}

fn slo() -> Value {
    let objectives =
        |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    json!({
        "description": "Limits such as p95<1000ms,errors<5%, or an object with limit and tiers.",
        "anyOf": [
            { "type": "string", "minLength": 1 },
            {
                "type": "object",
                "additionalProperties": false,
                "dependentRequired": {
                    "excellent": ["acceptable"], "acceptable": ["excellent"],
                },
                "properties": {
                    "limit": objectives("What the verdict is about."),
                    "excellent": objectives("The best tier."),
                    "acceptable": objectives("The tier that is good enough for production."),
                },
            },
        ],
    })
}
