//! Browser recordings (HTTP Archive 1.2): each request once, weighted by how often it occurred.
//!
//! Read leniently: browsers leave out fields that the format requires.

use serde::Deserialize;

use crate::import::draft::Draft;
use crate::import::multipart::{RecordedContent, RecordedPart};
use crate::import::recorded::{Recorded, translate};
use crate::import::url::Url;
use crate::import::{Choices, ImportError};

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
    #[serde(default)]
    creator: Named,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    #[serde(default)]
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(rename = "postData")]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

/// Of a posted form.
#[derive(Deserialize)]
struct Param {
    name: String,
    #[serde(default)]
    value: String,
    #[serde(rename = "fileName")]
    file_name: Option<String>,
    #[serde(rename = "contentType")]
    content_type: Option<String>,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(default, rename = "mimeType")]
    mime_type: String,
    text: Option<String>,
    #[serde(default)]
    params: Vec<Param>,
}

#[derive(Default, Deserialize)]
struct Response {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    content: Content,
}

#[derive(Default, Deserialize)]
struct Content {
    text: Option<String>,
}

/// Translates a recording.
///
/// # Errors
/// What is not a recording, or one without a request that could be sent.
pub fn translate_har(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let remedy = "save the recording with the browser's developer tools: Network, Save all as HAR";
    let archive: Archive = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ImportError {
            cause: "JSON, but not a browser recording (HAR)".to_owned(),
            ..ImportError::json(&error, remedy)
        },
        _ => ImportError::json(&error, remedy),
    })?;
    let tool = archive.log.creator.name;
    let by = if tool.is_empty() { String::new() } else { format!(" by {tool}") };
    let requests = match archive.log.entries.len() {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    };
    let mut draft = Draft {
        name: "recording".to_owned(),
        origin: format!("a browser recording{by} of {requests}"),
        ..Draft::default()
    };
    let mut recorded = Vec::new();
    let mut skipped = [0_u64; 3];
    for entry in archive.log.entries {
        let url = Url::parse(&entry.request.url);
        let skip = match (&url, entry.response.status) {
            (None, _) | (_, 101) => Some(0),
            _ if entry.request.method.eq_ignore_ascii_case("OPTIONS") => Some(1),
            (_, status) if status <= 0 => Some(2),
            _ => None,
        };
        match (skip, url) {
            (None, Some(url)) => recorded.push(entry.recorded(url)),
            (reason, _) => skipped[reason.unwrap_or(0)] += 1,
        }
    }
    let reasons = [
        "that are not HTTP, such as WebSockets and data: addresses",
        "by which the browser asks for leave (CORS preflight)",
        "that were blocked, aborted or taken from the cache",
    ];
    for (count, reason) in skipped.iter().zip(reasons).filter(|(count, _)| **count > 0) {
        draft.note(format!("left out, requests {reason}: {count}"));
    }
    draft.note(
        "headers that every browser sends are left out, Accept-Encoding too: answers come uncompressed",
    );
    translate(recorded, draft, choices)
}

impl Entry {
    fn recorded(self, url: Url) -> Recorded {
        let mut recorded = Recorded::new(&self.request.method, url);
        recorded.headers = self
            .request
            .headers
            .into_iter()
            .filter(|header| !header.name.starts_with(':'))
            .map(|Pair { name, value }| (name, value))
            .collect();
        if let Some(data) = self.request.post_data {
            let typed =
                recorded.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            if !typed && !data.mime_type.is_empty() {
                recorded.headers.push(("Content-Type".to_owned(), data.mime_type.clone()));
            }
            if data.mime_type.to_ascii_lowercase().starts_with("multipart/form-data") {
                recorded.parts = data.params.iter().map(Param::part).collect();
            }
            recorded.body = data.text.or_else(|| encoded(&data.params));
        }
        let answer = self.response.content.text;
        recorded.answer = answer.and_then(|text| serde_json::from_str(&text).ok());
        recorded
    }
}

impl Param {
    fn part(&self) -> RecordedPart {
        let content = match &self.file_name {
            Some(_) => RecordedContent::File(self.file_name.clone(), self.content_type.clone()),
            None => RecordedContent::Text(self.value.clone()),
        };
        RecordedPart { name: self.name.clone(), content }
    }
}

/// Firefox gives forms as pairs alone at times.
fn encoded(params: &[Param]) -> Option<String> {
    let mut text = String::new();
    for Param { name, value, .. } in params {
        text.push_str(if text.is_empty() { "" } else { "&" });
        crate::load::request::push_percent(name, &mut text);
        text.push('=');
        crate::load::request::push_percent(value, &mut text);
    }
    (!text.is_empty()).then_some(text)
}
