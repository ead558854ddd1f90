//! [`Recorded`]: requests as another tool wrote them down, and the way from there to a [`Draft`]: one host,
//! no secrets, the same request once with its count.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::import::credentials::take_shared;
use crate::import::draft::{
    AuthDraft, Body, Draft, Exchange, LoginDraft, PartContent, PartDraft, RequestDraft,
};
use crate::import::headers::{belongs_to_the_request, is_value};
use crate::import::multipart::{RecordedContent, RecordedPart, file_variable, parts};
use crate::import::text::{Text, path_text};
use crate::import::url::Url;
use crate::import::vault::{Vault, is_password};
use crate::import::{Choices, ImportError, StaticFiles};

/// Endings of files that a browser loads beside the API.
const STATIC_ENDINGS: [&str; 22] = [
    "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "ico", "webp", "avif", "woff",
    "woff2", "ttf", "eot", "otf", "mp4", "webm", "mp3", "wasm", "txt",
];
/// Bytes of a body that are kept.
const BODY_BYTES_MAX: usize = 256 << 10;
/// How deep in the answer of a log-in the token is looked for.
const TOKEN_DEPTH_MAX: usize = 4;

/// One request that was made.
pub(super) struct Recorded {
    /// In capitals.
    pub(super) method: String,
    /// Where to; its origin is empty where that was not written down.
    pub(super) url: Url,
    /// As they were sent.
    pub(super) headers: Vec<(String, String)>,
    /// As it was sent.
    pub(super) body: Option<String>,
    /// A multipart form instead of a body, where it was written down in parts.
    pub(super) parts: Vec<RecordedPart>,
    /// The answer's body, where it is known and JSON.
    pub(super) answer: Option<Value>,
    /// How many such requests it stands for.
    pub(super) count: u64,
    /// For the profile.
    pub(super) comments: Vec<String>,
}

impl Recorded {
    /// A request without headers and body.
    pub(super) fn new(method: &str, url: Url) -> Self {
        Self {
            method: method.to_ascii_uppercase(),
            url,
            headers: Vec::new(),
            body: None,
            parts: Vec::new(),
            answer: None,
            count: 1,
            comments: Vec::new(),
        }
    }

    pub(super) fn is_static(&self) -> bool {
        let ending = self.url.extension();
        ending.is_some_and(|ending| STATIC_ENDINGS.contains(&ending.as_str()))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

/// Fills `draft`, which has its name, origin and first notes, with what was recorded.
///
/// # Errors
/// Nothing is left that could be sent, or a host that is none.
pub(super) fn translate(
    mut recorded: Vec<Recorded>,
    mut draft: Draft,
    choices: &Choices,
) -> Result<Draft, ImportError> {
    keep_one_host(&mut recorded, &mut draft, choices)?;
    leave_out_static_files(&mut recorded, &mut draft, choices);
    if recorded.iter().any(|request| request.url.had_credentials) {
        draft.note("a user's name and password in a URL are left out; add an Authorization header");
    }
    let mut vault = Vault::default();
    if let Some((login, token)) = find_login(&recorded) {
        let exchange = exchange(&recorded[login], &mut vault, &mut draft);
        let path = recorded[login].url.path.clone();
        draft.auth = Some(AuthDraft::Login(LoginDraft { exchange, token, comment: None }));
        recorded.retain(|request| request.method != "POST" || request.url.path != path);
        for request in &mut recorded {
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        }
    }
    if draft.auth.is_none() {
        draft.auth = take_shared(&mut recorded, &mut vault);
    }
    let mut places: BTreeMap<Exchange, usize> = BTreeMap::new();
    for request in &recorded {
        let exchange = exchange(request, &mut vault, &mut draft);
        if let Some(&place) = places.get(&exchange) {
            draft.requests[place].count += request.count;
            continue;
        }
        places.insert(exchange.clone(), draft.requests.len());
        let mut added = RequestDraft::counted(exchange, request.count);
        added.comments.clone_from(&request.comments);
        draft.requests.push(added);
    }
    lift_shared_headers(&mut draft);
    draft.settle(choices.writes)
}

/// Keeps the requests to the host that is asked for, else to the one with most requests that are no files.
fn keep_one_host(
    recorded: &mut Vec<Recorded>,
    draft: &mut Draft,
    choices: &Choices,
) -> Result<(), ImportError> {
    let asked = match &choices.host {
        None => None,
        Some(host) => {
            let with_scheme =
                if host.contains("://") { host.clone() } else { format!("http://{host}") };
            let url = Url::parse(&with_scheme).ok_or_else(|| {
                ImportError::new(
                    format!("--host '{host}' is not the address of a server"),
                    "write for example --host http://127.0.0.1:8000",
                )
            })?;
            Some(url.origin)
        }
    };
    let mut counts: Vec<(String, u64, u64)> = Vec::new();
    for request in recorded.iter().filter(|request| !request.url.origin.is_empty()) {
        let weight = if request.is_static() { 0 } else { request.count };
        match counts.iter_mut().find(|(origin, ..)| *origin == request.url.origin) {
            Some((_, requests, weights)) => {
                *requests += request.count;
                *weights += weight;
            }
            None => counts.push((request.url.origin.clone(), request.count, weight)),
        }
    }
    // The first of equals.
    let most = counts.iter().rev().max_by_key(|(_, _, weights)| *weights);
    let most = most.map(|(origin, ..)| origin.clone());
    let known = |origin: &String| counts.iter().any(|(known, ..)| known == origin);
    // An address that does not occur is where the same requests shall go from now on.
    let kept = asked.clone().filter(known).or(most);
    for (origin, requests, _) in &counts {
        if Some(origin) != kept.as_ref() {
            draft.note(format!(
                "left out: {requests} {} to {origin} (a profile has one host; --host {origin} \
                 takes these instead)",
                if *requests == 1 { "request" } else { "requests" }
            ));
        }
    }
    recorded.retain(|request| {
        request.url.origin.is_empty() || Some(&request.url.origin) == kept.as_ref()
    });
    draft.host = asked.or(kept);
    Ok(())
}

fn leave_out_static_files(recorded: &mut Vec<Recorded>, draft: &mut Draft, choices: &Choices) {
    if choices.static_files == StaticFiles::Kept {
        return;
    }
    let count: u64 = recorded.iter().filter(|r| r.is_static()).map(|request| request.count).sum();
    if count > 0 {
        recorded.retain(|request| !request.is_static());
        draft.note(format!("left out: {count} requests for static files (--static keeps them)"));
    }
}

/// The log-in among the requests: it sends a password, and a later request carries a text of its answer as
/// its bearer token. Gives its place and the token's `JSONPath`.
fn find_login(recorded: &[Recorded]) -> Option<(usize, String)> {
    let logs_in = |request: &Recorded| {
        let body = request.body.as_deref().unwrap_or_default();
        request.method == "POST" && is_password(body)
    };
    recorded.iter().enumerate().filter(|(_, request)| logs_in(request)).find_map(|(at, request)| {
        let answer = request.answer.as_ref()?;
        recorded[at + 1..].iter().filter_map(Recorded::bearer).find_map(|token| {
            let path = place_of(token, answer, TOKEN_DEPTH_MAX)?;
            Some((at, format!("${path}")))
        })
    })
}

fn place_of(wanted: &str, document: &Value, depth: usize) -> Option<String> {
    match document {
        Value::String(text) if text == wanted => Some(String::new()),
        Value::Object(entries) if depth > 0 => entries.iter().find_map(|(name, value)| {
            let below = place_of(wanted, value, depth - 1)?;
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && name.starts_with(|c: char| !c.is_ascii_digit());
            plain.then(|| format!(".{name}{below}"))
        }),
        _ => None,
    }
}

/// What is sent, without secrets and without what the browser adds.
fn exchange(request: &Recorded, vault: &mut Vault, draft: &mut Draft) -> Exchange {
    let Recorded { method, url, .. } = request;
    let content_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let multipart = multipart(request, vault, draft);
    let body = request.body.as_deref().filter(|body| !body.is_empty() && multipart.is_none());
    if body.is_some_and(|body| body.len() > BODY_BYTES_MAX) {
        draft.note(format!("{method} {}: its body is longer than 256 KiB and left out", url.path));
    }
    let body = body.filter(|body| body.len() <= BODY_BYTES_MAX);
    let body = multipart.or_else(|| body.map(|body| vault.body(body, &content_type)));
    let implied = match &body {
        Some(Body::Json(_)) => content_type.contains("json"),
        Some(Body::Form(_) | Body::Multipart(_)) => true,
        _ => false,
    };
    let mut headers: Vec<(String, Text)> = Vec::new();
    for (name, value) in &request.headers {
        let lower = name.to_ascii_lowercase();
        if !belongs_to_the_request(name) || implied && lower == "content-type" {
            continue;
        }
        if !is_value(value) {
            draft.note(format!("{method} {}: the header {name} cannot be sent", url.path));
            continue;
        }
        // One spelling of a name, so that its values stand together.
        let first = headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name));
        let name = first.map_or(name, |(first, _)| first).clone();
        headers.push((name.clone(), vault.header(&name, value)));
    }
    // Clients send the same headers in different orders; the values of one keep theirs.
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    Exchange {
        name: name(method, url),
        method: method.clone(),
        path: Text::literal(path_text(&url.path)),
        query: vault.pairs(&url.query),
        headers,
        body,
        statuses: Vec::new(),
    }
}

/// A multipart form, its files left to the user.
fn multipart(request: &Recorded, vault: &mut Vault, draft: &mut Draft) -> Option<Body> {
    let found;
    let recorded = if request.parts.is_empty() {
        found = parts(request.body.as_deref()?, request.header("content-type")?);
        &found
    } else {
        &request.parts
    };
    let mut room = BODY_BYTES_MAX;
    let mut drafts = Vec::new();
    for RecordedPart { name, content } in recorded {
        let content = match content {
            RecordedContent::Text(text) if text.len() > room => {
                let (method, path) = (&request.method, &request.url.path);
                draft.note(format!("{method} {path}: the field {name} is too long and left out"));
                continue;
            }
            RecordedContent::Text(text) => {
                room -= text.len();
                PartContent::Text(vault.value(name, text))
            }
            RecordedContent::File(own, kind) => PartContent::File {
                path: Text::environment(&file_variable(name)),
                name: own.clone(),
                kind: kind.clone().filter(|kind| is_media_type(kind)),
            },
        };
        drafts.push(PartDraft { name: name.clone(), content });
    }
    (!drafts.is_empty()).then_some(Body::Multipart(drafts))
}

fn is_media_type(text: &str) -> bool {
    text.contains('/') && text.len() < 200 && is_value(text)
}

/// Method and path, and the query where it is short and holds no secret.
fn name(method: &str, url: &Url) -> String {
    let path = url.path.split('?').next().unwrap_or_default();
    let query: Vec<String> =
        url.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = query.join("&");
    let secret = url.query.iter().any(|(name, value)| {
        crate::load::secrets::is_secret_name(name) || crate::load::secrets::is_jwt(value)
    });
    if query.is_empty() || query.len() > 60 || secret {
        format!("{method} {path}")
    } else {
        format!("{method} {path}?{query}")
    }
}

/// Headers that every request has move to the profile's own.
fn lift_shared_headers(draft: &mut Draft) {
    let [first, others @ ..] = draft.requests.as_slice() else { return };
    if others.is_empty() {
        return;
    }
    // A request's own value replaces all shared ones of that name.
    let values = |request: &RequestDraft, name: &str| -> Vec<Text> {
        let named = request.exchange.headers.iter().filter(|(given, _)| given == name);
        named.map(|(_, value)| value.clone()).collect()
    };
    let everywhere = |(name, _): &&(String, Text)| {
        let all = values(first, name);
        others.iter().all(|request| values(request, name) == all)
    };
    let shared: Vec<_> = first.exchange.headers.iter().filter(everywhere).cloned().collect();
    for request in &mut draft.requests {
        request.exchange.headers.retain(|header| !shared.contains(header));
    }
    draft.headers = shared;
}
