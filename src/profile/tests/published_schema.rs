//! The published schema agrees with the reader.

use super::*;

fn as_json(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_shipped_profiles_satisfy_it() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    for (name, text) in BUILTIN {
        let errors: Vec<String> =
            validator.iter_errors(&as_json(text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn editors_are_given_the_schema_as_it_is() {
    let published = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    assert!(
        published == include_str!("../../../profiles/profile.schema.json"),
        "run: cargo run -- schema profile > profiles/profile.schema.json"
    );
    for (name, text) in BUILTIN {
        let first = text.lines().next();
        assert_eq!(first, Some("# yaml-language-server: $schema=profile.schema.json"), "{name}");
    }
}

#[test]
fn bad_profiles_do_not() {
    let validator = jsonschema::validator_for(&json_schema()).unwrap();
    assert!(validator.is_valid(&as_json("requests: [{path: /}]")));
    for text in [
        "name: x",
        "requests: []",
        "requests: [{path: /, wieght: 1}]",
        "requests: [{path: /, weight: -1}]",
        "requests: [{path: /, json: {}, body: x}]",
        "requests: [{path: /, expect: {status: ok}}]",
        "requests: [{path: /, file: a, multipart: {fields: {a: b}}}]",
        "{requests: [{path: /}], rate: 5/s, stages: '5/s:1s'}",
        "{requests: [{path: /}], feeders: {f: {csv: a, jsonl: b}}}",
        "{requests: [{path: /}], feeders: {f: {list: [1], order: backwards}}}",
        "{requests: [{path: /}], auth: {login: {path: /}}}",
        "{requests: [{path: /}], auth: {pool: 2}}",
        "{requests: [{path: /}], auth: {basic: {user: a}}}",
        "{requests: [{path: /}], auth: {api_key: {value: a}}}",
        "{requests: [{path: /}], auth: {login: {path: /}, token: $.t, cookies: all}}",
        "{requests: [{path: /}], auth: {login: {path: /}, token: $.t, users: [], pool: 0}}",
        "{requests: [{path: /}], slo: {excellent: p95<1s}}",
    ] {
        assert!(!validator.is_valid(&as_json(text)), "{text}");
        refused(text);
    }
}

#[test]
fn it_knows_the_same_keys_as_the_reader() {
    let schema = json_schema();
    let table = [
        (&fields::PROFILE, "/properties"),
        (&fields::AUTH, "/properties/auth/properties"),
        (&fields::LOGIN, "/properties/auth/properties/login/properties"),
        (&fields::REFRESH, "/properties/auth/properties/refresh/properties"),
        (&fields::OAUTH2, "/properties/auth/properties/oauth2/properties"),
        (&fields::BASIC, "/properties/auth/properties/basic/properties"),
        (&fields::API_KEY, "/properties/auth/properties/api_key/properties"),
        (&fields::USERS, "/properties/auth/properties/users/anyOf/1/properties"),
        (&fields::SETUP, "/properties/setup/items/properties"),
        (
            &fields::SETUP_EXTRACT,
            "/properties/setup/items/properties/extract/additionalProperties/anyOf/1/properties",
        ),
        (&fields::REQUEST, "/properties/requests/items/properties"),
        (&fields::FEEDER, "/properties/feeders/additionalProperties/properties"),
        (&fields::STAGE, "/properties/stages/anyOf/1/items/properties"),
        (&fields::MULTIPART, "/properties/requests/items/properties/multipart/properties"),
        (
            &fields::PART,
            "/properties/requests/items/properties/multipart/properties/files\
             /additionalProperties/anyOf/0/anyOf/1/properties",
        ),
        (&fields::EXPECT, "/properties/requests/items/properties/expect/properties"),
        (
            &fields::HEADER_TEST,
            "/properties/requests/items/properties/expect/properties/header/additionalProperties/anyOf/1/properties",
        ),
        (
            &fields::JSON_TEST,
            "/properties/requests/items/properties/expect/properties/json/additionalProperties/anyOf/1/properties",
        ),
        (
            &fields::EXTRACT,
            "/properties/requests/items/properties/extract/additionalProperties/anyOf/1/properties",
        ),
        (&fields::FLOW, "/properties/flows/items/properties"),
        (&fields::STEP, "/properties/flows/items/properties/steps/items/properties"),
        (&fields::SLO, "/properties/slo/anyOf/1/properties"),
    ];
    for (keys, place) in table {
        let published = schema.pointer(place).and_then(|value| value.as_object()).unwrap();
        let mut published: Vec<&str> = published.keys().map(String::as_str).collect();
        let mut known = keys.known.to_vec();
        published.sort_unstable();
        known.sort_unstable();
        assert_eq!(published, known, "{}", keys.of);
    }
}
