//! k6's options as JSON: scenarios → rate and length, thresholds → limits.
//!
//! Options hold no requests, so the profile has one to be replaced.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::import::draft::{Draft, Exchange, RequestDraft};
use crate::import::text::Text;
use crate::import::{Choices, ImportError};
use crate::load::stages::Stages;
use crate::load::threshold;

/// Most steps that stand for one ramp.
const STEPS_PER_RAMP: usize = 10;

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
    if let Some(Load { flags, stages }) = load(options, &mut draft) {
        draft.flags = Some(flags);
        draft.stages = stages;
    }
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

/// How much load, and for how long.
struct Load {
    /// Of `run`.
    flags: String,
    /// Rates and lengths, where it is not a single rate.
    stages: Vec<(String, String)>,
}

fn load(options: &Map<String, Value>, draft: &mut Draft) -> Option<Load> {
    let scenarios = options.get("scenarios").and_then(Value::as_object);
    let mut found: Vec<(&str, Load)> = Vec::new();
    for (name, scenario) in scenarios.into_iter().flatten() {
        found.extend(scenario_load(name, scenario, draft).map(|load| (name.as_str(), load)));
    }
    if found.len() > 1 {
        let others = found[1..].iter().map(|(name, load)| format!("{name} {}", load.flags));
        let others: Vec<String> = others.collect();
        draft.note(format!(
            "several scenarios: a run has one rate, that of the first; the others were: {}",
            others.join(" | ")
        ));
    }
    if found.is_empty()
        && ["vus", "stages", "iterations"].iter().any(|key| options.contains_key(*key))
    {
        users_note("the options", options.get("vus"), draft);
    }
    found.into_iter().next().map(|(_, load)| load)
}

fn scenario_load(name: &str, scenario: &Value, draft: &mut Draft) -> Option<Load> {
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
            let flags = format!("-r {rate}/s -d {duration}{in_flight}");
            Some(Load { flags, stages: Vec::new() })
        }
        "ramping-arrival-rate" => {
            let stages = scenario.get("stages")?.as_array()?;
            let rates = |value: &Value| Some(value.as_f64()? / unit);
            let start = scenario.get("startRate").and_then(rates).unwrap_or(0.0);
            let targets = stages.iter().filter_map(|stage| {
                let length = seconds(stage.get("duration")?.as_str()?)?;
                Some((stage.get("target").and_then(rates)?, length))
            });
            let targets: Vec<_> = targets.collect();
            if targets.len() > Stages::MAX {
                draft.note(format!("scenario '{name}': the first {} stages are kept", Stages::MAX));
            }
            let stages = steps(start, targets);
            if stages.is_empty() {
                draft.note(format!("scenario '{name}' ramps in a way that no stages can say"));
                return None;
            }
            draft.note(format!(
                "scenario '{name}' ramps from rate to rate; `stages` goes there in steps, each at the \
                 ramp's mean over its time, so that as many requests are sent"
            ));
            Some(Load { flags: in_flight.trim_start().to_owned(), stages })
        }
        _ => {
            users_note(&format!("scenario '{name}' ({executor})"), scenario.get("vus"), draft);
            None
        }
    }
}

/// Ramps as steps of one second at the least: a stage's target is reached by its end. Stretches at no rate
/// and what a run has no stages for are left out.
fn steps(start: f64, targets: Vec<(f64, f64)>) -> Vec<(String, String)> {
    let most = (Stages::MAX / targets.len().max(1)).clamp(1, STEPS_PER_RAMP);
    let mut from = start;
    let mut steps = Vec::new();
    for (target, length) in targets {
        let level = (target - from).abs() < f64::EPSILON;
        let count = if level { 1 } else { whole_steps(length, most) };
        for step in 0..count {
            let middle = (f64::from(step) + 0.5) / f64::from(count);
            let rate = rate(from + (target - from) * middle);
            let length = length_text(length / f64::from(count));
            if format!("{rate}/s:{length}").parse::<Stages>().is_ok() {
                steps.push((format!("{rate}/s"), length));
            }
        }
        from = target;
    }
    steps.truncate(Stages::MAX);
    steps
}

/// As many steps as there are seconds, 1 to `most`.
fn whole_steps(seconds: f64, most: usize) -> u32 {
    (1..=u32::try_from(most).unwrap_or(1))
        .rev()
        .find(|count| f64::from(*count) <= seconds)
        .unwrap_or(1)
}

/// A length to the millisecond, as stages have it.
fn length_text(seconds: f64) -> String {
    let milliseconds = Duration::try_from_secs_f64(seconds).map_or(0, |length| length.as_millis());
    if milliseconds.is_multiple_of(1000) {
        format!("{}s", milliseconds / 1000)
    } else {
        format!("{milliseconds}ms")
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
                draft.note("abortOnFail is not part of a profile; give --abort-on-fail to run");
            }
            let Some(expression) = expression else { continue };
            match threshold::objective(metric, expression) {
                Ok(objective) => limits.push(objective.to_string()),
                Err(refused) => draft.note(format!("threshold left out: {refused}")),
            }
        }
    }
    (!limits.is_empty()).then(|| limits.join(", "))
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
