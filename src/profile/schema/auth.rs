//! Where tokens come from.

use serde_json::{Value, json};

use crate::load::auth::TOKENS_MAX;
use crate::profile::schema::{NAME, described, exchange, json_path, scalar, word};
pub(super) fn auth() -> Value {
    let properties = json!({
        "login": described(exchange(json!({})), "The log-in request, sent for each token."),
        "oauth2": oauth2(),
        "basic": {
            "type": "object", "additionalProperties": false, "required": ["user", "password"],
            "description": "Basic credentials (RFC 7617).",
            "properties": { "user": scalar(), "password": scalar() },
        },
        "api_key": api_key(),
        "host": {
            "type": "string", "minLength": 1,
            "description": "Address of the server that issues tokens, if it is not the target.",
        },
        "token": json_path("Where the token stands in the log-in's answer."),
        "cookies": {
            "description": "Names of the cookies of the log-in's answer that are sent with every other \
                            request, or all.",
            "anyOf": [word(), { "type": "array", "minItems": 1, "items": word() }],
        },
        "header": {
            "type": "string", "pattern": ":",
            "description": "Sent with every other request; \
                            \"Authorization: Bearer {{ token }}\" unless given.",
        },
        "expires_in": {
            "type": "string",
            "description": "How long a token lives that does not say so itself: a time such as 15m, or \
                            where the seconds stand in the answer; $.expires_in unless given.",
        },
        "refresh": described(
            exchange(json!({})),
            "Renews a token; answers as the log-in does. Without it, logging in again does.",
        ),
        "refresh_token": json_path("Where {{ refresh_token }} stands in the answers."),
        "users": users(),
        "pool": {
            "type": "integer", "minimum": 1, "maximum": TOKENS_MAX,
            "description": "Tokens held at once, sent in turn; one for each user unless given.",
        },
        "rate": {
            "type": ["string", "number"],
            "description": "Log-ins and refreshes at most, such as 2/s, which is the default.",
        },
        "fill_timeout": {
            "type": "string",
            "description": "The longest that filling the pool may take before the load; 5m unless given.",
        },
    });
    json!({
        "type": "object",
        "description": "What proves who sends the requests, and how they carry it.",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": [
            {
                "required": ["login"],
                "oneOf": [{ "required": ["token"] }, { "required": ["cookies"] }],
            },
            { "required": ["oauth2"] },
            { "required": ["basic"] },
            { "required": ["api_key"] },
        ],
    })
}

fn oauth2() -> Value {
    json!({
        "type": "object",
        "description": "OAuth 2.0 client credentials (RFC 6749, section 4.4).",
        "additionalProperties": false,
        "required": ["token_url", "client_id", "client_secret"],
        "properties": {
            "token_url": described(scalar(), "A URL, or a path on the target."),
            "client_id": scalar(),
            "client_secret": scalar(),
            "scope": scalar(),
            "audience": scalar(),
            "credentials": {
                "enum": ["basic", "body"],
                "description": "Where id and secret are sent; as basic credentials unless given.",
            },
        },
    })
}

fn api_key() -> Value {
    json!({
        "type": "object",
        "description": "A key in one header, query parameter or cookie.",
        "additionalProperties": false,
        "required": ["value"],
        "properties": {
            "header": described(word(), "The header's name."),
            "query": described(word(), "The query parameter's name."),
            "cookie": described(word(), "The cookie's name."),
            "value": scalar(),
        },
        "oneOf": [
            { "required": ["header"] },
            { "required": ["query"] },
            { "required": ["cookie"] },
        ],
    })
}

fn users() -> Value {
    json!({
        "description": "Those who log in, in turn; each one's fields are variables of the log-in.",
        "anyOf": [
            {
                "type": "array", "minItems": 1, "maxItems": TOKENS_MAX,
                "items": {
                    "type": "object",
                    "propertyNames": { "pattern": NAME },
                    "additionalProperties": scalar(),
                },
            },
            {
                "type": "object", "additionalProperties": false, "required": ["file"],
                "properties": {
                    "file": described(
                        scalar(),
                        "A CSV file, from the profile's folder; its first line names the fields.",
                    ),
                },
            },
        ],
    })
}
