//! k6's options as JSON: scenarios → rate and length, thresholds → limits.
//!
//! Options hold no requests, so the profile has one to be replaced.

use serde_json::{Map, Value};

use crate::import::draft::{Draft, Exchange, RequestDraft};
use crate::import::text::Text;
use crate::import::{Choices, ImportError};
use crate::load::slo::Slo;

/// Translates options.
///
/// # Errors
/// What is not the JSON of options.
pub fn translate_k6_options(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let remedy = "`k6 inspect script.js` prints a script's options as JSON";
    let document: Value =
        serde_json::from_str(text).map_err(|error| ImportError::json(&error, remedy))?;
    let options = document.get("options").unwrap_or(&document);
    let Value::Object(options) = options else {
        return Err(ImportError::new("JSON, but no object with options", remedy));
    };
    let known = ["scenarios", "thresholds", "stages", "vus", "duration", "iterations"];
    if !options.keys().any(|key| known.contains(&key.as_str())) {
        let cause = "JSON, but none of k6's scenarios, thresholds, stages or vus";
        return Err(ImportError::new(cause, remedy));
    }
    let mut draft = Draft {
        name: "k6".to_owned(),
        origin: "k6's options".to_owned(),
        host: choices.host.clone(),
        ..Draft::default()
    };
    draft.flags = flags(options, &mut draft);
    draft.slo = thresholds(options, &mut draft);
    for key in options.keys().filter(|key| !known.contains(&key.as_str())) {
        if let Some(hint) = elsewhere(key) {
            draft.note(format!("k6's `{key}`: {hint}"));
        }
    }
    draft.note("k6's options hold no requests; replace the one below, or import har or openapi");
    let mut request = RequestDraft::counted(
        Exchange {
            name: "replace me".to_owned(),
            method: "GET".to_owned(),
            path: Text::literal("/"),
            ..Exchange::default()
        },
        1,
    );
    request.comments.push("k6 keeps its requests in the script; write them here.".to_owned());
    draft.requests.push(request);
    draft.settle(choices.writes)
}

fn flags(options: &Map<String, Value>, draft: &mut Draft) -> Option<String> {
    let scenarios = options.get("scenarios").and_then(Value::as_object);
    let found: Vec<String> = scenarios
        .into_iter()
        .flatten()
        .filter_map(|(name, scenario)| scenario_flags(name, scenario, draft))
        .collect();
    if found.len() > 1 {
        draft.note(format!(
            "several scenarios: a run has one rate, that of the first; the others were: {}",
            found[1..].join(" | ")
        ));
    }
    if found.is_empty()
        && ["vus", "stages", "iterations"].iter().any(|key| options.contains_key(*key))
    {
        users_note("the options", options.get("vus"), draft);
    }
    found.into_iter().next()
}

fn scenario_flags(name: &str, scenario: &Value, draft: &mut Draft) -> Option<String> {
    let text = |key: &str| scenario.get(key).and_then(Value::as_str);
    let executor = text("executor").unwrap_or_default();
    let unit = seconds(text("timeUnit").unwrap_or("1s")).filter(|unit| *unit > 0.0)?;
    let per_second = |value: &Value| Some(rate(value.as_f64()? / unit));
    let in_flight = match scenario.get("maxVUs").or_else(|| scenario.get("preAllocatedVUs")) {
        Some(users) => format!(" --max-in-flight {users}"),
        None => String::new(),
    };
    match executor {
        "constant-arrival-rate" => {
            let rate = scenario.get("rate").and_then(per_second)?;
            let duration = text("duration").unwrap_or("30s");
            Some(format!("-r {rate}/s -d {duration}{in_flight}"))
        }
        "ramping-arrival-rate" => {
            let stages = scenario.get("stages")?.as_array()?;
            let written = stages.iter().filter_map(|stage| {
                let target = stage.get("target").and_then(per_second).filter(|rate| rate != "0")?;
                Some(format!("{target}/s:{}", stage.get("duration")?.as_str()?))
            });
            let written: Vec<String> = written.collect();
            draft.note(format!(
                "scenario '{name}' ramps from rate to rate; --stages holds each stage's target for \
                 its whole length, and stages with target 0 are left out"
            ));
            (!written.is_empty()).then(|| format!("--stages {}{in_flight}", written.join(",")))
        }
        _ => {
            users_note(&format!("scenario '{name}' ({executor})"), scenario.get("vus"), draft);
            None
        }
    }
}

fn users_note(what: &str, users: Option<&Value>, draft: &mut Draft) {
    let users = users.map_or_else(|| "N".to_owned(), Value::to_string);
    draft.note(format!(
        "{what}: users wait for answers, so the rate is not known; say it with --rate, or convert \
         it: --users {users} --wait 1..3"
    ));
}

/// A rate per second with as few digits as it takes.
fn rate(per_second: f64) -> String {
    let rounded = (per_second * 1000.0).round() / 1000.0;
    rounded.to_string()
}

/// k6's durations: `1m30s`, `500ms`; a bare number counts milliseconds.
fn seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let length = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..length] {
            "ms" | "" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[length..];
    }
    Some(total)
}

/// Thresholds that limits can say.
fn thresholds(options: &Map<String, Value>, draft: &mut Draft) -> Option<String> {
    let mut limits = Vec::new();
    for (metric, conditions) in options.get("thresholds").and_then(Value::as_object)? {
        for condition in conditions.as_array().map(Vec::as_slice).unwrap_or_default() {
            let expression = match condition {
                Value::String(text) => Some(text.as_str()),
                other => other.get("threshold").and_then(Value::as_str),
            };
            if condition.get("abortOnFail") == Some(&Value::Bool(true)) {
                draft.note("abortOnFail is not part of a profile");
            }
            let Some(expression) = expression else { continue };
            match limit(metric, expression) {
                Some(limit) => limits.push(limit),
                None => draft.note(format!("threshold `{metric}: {expression}` has no equivalent")),
            }
        }
    }
    (!limits.is_empty()).then(|| limits.join(","))
}

/// The limit that a threshold says; its grammar is understood as it is.
fn limit(metric: &str, expression: &str) -> Option<String> {
    let compact: String = expression.split_whitespace().collect();
    let fits = match metric {
        "http_req_duration" => !compact.starts_with("rate"),
        "http_req_failed" => compact.starts_with("rate<"),
        _ => false,
    };
    (fits && compact.parse::<Slo>().is_ok()).then_some(compact)
}

/// Where what an option says is decided.
fn elsewhere(key: &str) -> Option<&'static str> {
    Some(match key {
        "hosts" => "give --resolve to run",
        "insecureSkipTLSVerify" => "give -k to run",
        "userAgent" => "add the header User-Agent",
        "tlsAuth" => "give --cert and --key to run",
        "rps" => "the rate is --rate of run",
        "setupTimeout" | "teardownTimeout" | "gracefulStop" => {
            "the wait at the end is --drain of run"
        }
        // k6 prints these for every script.
        "summaryTrendStats"
        | "systemTags"
        | "paused"
        | "executionSegment"
        | "executionSegmentSequence"
        | "noSetup"
        | "noTeardown"
        | "summaryTimeUnit" => return None,
        _ => "has no equivalent",
    })
}
