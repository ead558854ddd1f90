//! Targets of vegeta, in its `http` and its `json` format: each target a request.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::Deserialize;

use crate::import::draft::Draft;
use crate::import::recorded::{Recorded, translate};
use crate::import::url::Url;
use crate::import::{Choices, ImportError, Writes};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    method: String,
    url: String,
    #[serde(default)]
    header: BTreeMap<String, Vec<String>>,
    /// In base64.
    body: Option<String>,
}

const REMEDY: &str = "write vegeta's http format (GET http://host/path, headers below it) or one \
                      JSON object per line with method and url";

/// Translates a list of targets.
///
/// # Errors
/// A line that is neither, or no target at all.
pub fn translate_vegeta(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let mut draft = Draft { name: "vegeta".to_owned(), ..Draft::default() };
    let recorded = if text.trim_start().starts_with('{') {
        read_json(text, &mut draft)?
    } else {
        read_http(text, &mut draft)?
    };
    if recorded.is_empty() {
        return Err(ImportError::new("it holds no target", REMEDY));
    }
    draft.origin = match recorded.len() {
        1 => "1 target of vegeta".to_owned(),
        count => format!("{count} targets of vegeta"),
    };
    // A list of targets is what was sent before, in exactly this proportion.
    translate(recorded, draft, &Choices { writes: Writes::Sent, ..choices.clone() })
}

fn read_json(text: &str, draft: &mut Draft) -> Result<Vec<Recorded>, ImportError> {
    let mut recorded = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let target: Target = serde_json::from_str(line).map_err(|error| {
            let mut error = ImportError::json(&error, REMEDY);
            error.place = Some((number, error.place.and_then(|(_, column)| column)));
            error
        })?;
        let mut request = Recorded::new(&target.method, url(&target.url, number)?);
        for (name, values) in target.header {
            request.headers.extend(values.into_iter().map(|value| (name.clone(), value)));
        }
        if let Some(body) = target.body {
            let decoded = base64::engine::general_purpose::STANDARD.decode(&body).ok();
            match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
                Some(text) => request.body = Some(text),
                None => draft.note(format!("line {number}: its body is not text, and is left out")),
            }
        }
        recorded.push(request);
    }
    Ok(recorded)
}

fn read_http(text: &str, draft: &mut Draft) -> Result<Vec<Recorded>, ImportError> {
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            open = false;
        } else if line.starts_with('#') {
        } else if let Some(file) = line.strip_prefix('@') {
            draft.note(format!(
                "line {number}: the body is in the file '{file}', which is not read; write it under `body` or `json`"
            ));
        } else if let Some((method, target)) = request_line(line) {
            recorded.push(Recorded::new(method, url(target, number)?));
            open = true;
        } else {
            let header = line.split_once(':').filter(|_| open);
            let (Some((name, value)), Some(request)) = (header, recorded.last_mut()) else {
                let cause = "neither a target (METHOD URL) nor a header of one";
                return Err(ImportError::at_line(number, cause, REMEDY));
            };
            request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(recorded)
}

fn request_line(line: &str) -> Option<(&str, &str)> {
    let (method, target) = line.split_once(' ')?;
    let method_like = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    method_like.then(|| (method, target.trim()))
}

fn url(text: &str, line: usize) -> Result<Url, ImportError> {
    Url::parse(text).ok_or_else(|| {
        ImportError::at_line(line, "its URL is not one of http or https", "write http://host/path")
    })
}
