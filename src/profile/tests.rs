//! What loads, what is refused and in which words, and that the shipped profiles are what they say.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::load::auth::{Auth, TokenPlace};
use crate::load::body::Body;
use crate::load::extract::Gathered;
use crate::load::feeder::Feeding;
use crate::load::random::SplitMix64;
use crate::load::request::{Escape, Fill, Rows, Segment, Template};

mod accepted;
mod answers;
mod auth;
mod diagnosed;
mod fed;
mod published_schema;
mod shipped;

const NO_ENVIRONMENT: Environment<'static> = &|_| None;

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "LOAD_TEST_EMAIL" => "load@example.com",
        "LOAD_TEST_PASSWORD" => "s3cret \"{{ slot }}\"",
        "PREFIX" => "/v2",
        "EMPTY" => "",
        "BREAK" => "s3cret\nX-Injected: 1",
        _ => return None,
    };
    Some(value.to_owned())
}

fn loaded(text: &str) -> Profile {
    load(Source { name: "test.yaml", text }, &environment).unwrap_or_else(|e| panic!("{e}"))
}

fn refused(text: &str) -> Diagnostics {
    load(Source { name: "test.yaml", text }, &environment).expect_err("should be refused")
}

/// Messages with their places, without excerpts.
fn messages(text: &str) -> Vec<String> {
    let list = refused(text).mistakes;
    list.iter().map(|m| format!("{}:{} {}", m.line, m.column, m.message)).collect()
}

fn rendered(template: &Template) -> String {
    let pools: Vec<Arc<[String]>> = vec![Arc::from(["a/b \"c\"".to_owned()])];
    let random = SplitMix64::for_slot(1, 7);
    let mut out = String::new();
    let variables = [Some("v/1".to_owned())];
    let gathered = Gathered { variables: &variables, pools: &[] };
    template.render(&mut Fill { gathered, ..Fill::of(random, 7, &pools, "t0ken") }, &mut out);
    out
}

/// The text of a request's body.
fn body(request: &RequestTemplate) -> String {
    sent(request.body.as_ref().unwrap())
}

fn sent(body: &Body) -> String {
    let pools: Vec<Arc<[String]>> = vec![Arc::from(["a/b \"c\"".to_owned()])];
    let bytes = body.render(&mut Fill::of(SplitMix64::for_slot(1, 7), 7, &pools, "t0ken"));
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header(request: &RequestTemplate, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| rendered(value))
}

proptest! {
    #[test]
    fn any_text_loads_or_is_refused(text in any::<String>()) {
        let outcome = load(Source { name: "p", text: &text }, &environment);
        if let Err(diagnostics) = outcome {
            prop_assert!(!diagnostics.to_string().is_empty());
        }
    }

    /// Pieces of profiles in random order reach further than random characters do.
    #[test]
    fn any_mutilated_profile_loads_or_is_refused(
        at in 0_usize..4000,
        length in 0_usize..40,
        insert in "[{}\\[\\]:,&*!|>'\"%@#$ü\t\n a-z0-9-]{0,8}",
    ) {
        let mut text = builtin("chat-center").unwrap().to_owned();
        let start = text.floor_char_boundary(at.min(text.len()));
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        text.replace_range(start..end, &insert);
        if let Err(diagnostics) = load(Source { name: "p", text: &text }, &environment) {
            let shown = diagnostics.to_string();
            prop_assert!(!shown.is_empty() && !shown.contains("s3cret"), "{}", shown);
        }
    }
}
