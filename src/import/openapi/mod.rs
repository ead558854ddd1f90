//! OpenAPI 3.0 to 3.2, as FastAPI and others publish it: each operation a request, filled from examples,
//! defaults and bounds.

use serde_json::Value;

use crate::import::draft::{
    Body, Draft, Exchange, Json, PartContent, PartDraft, RequestDraft, Withheld, writes,
};
use crate::import::multipart::file_variable;
use crate::import::openapi::document::{Document, Operation, Parameter};
use crate::import::openapi::pools::Pools;
use crate::import::openapi::sample::{given, sample};
use crate::import::openapi::security::{Security, security};
use crate::import::text::{Part, Text, one_line, path_text, snake};
use crate::import::url::Url;
use crate::import::vault::wish;
use crate::import::{Choices, ImportError, Writes};
use crate::load::secrets::is_secret_name;

mod document;
mod pools;
mod sample;
mod security;

/// How much more often reads are sent than writes, where writes are sent at all.
const READS_PER_WRITE: u64 = 10;

/// Translates a document.
///
/// # Errors
/// What is not OpenAPI 3, or a document without an operation that could be sent.
pub fn translate_openapi(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let document = Document::parse(text)?;
    let info =
        |key: &str| document.get("info").get(key).and_then(Value::as_str).unwrap_or_default();
    let title = one_line(info("title"), 80);
    let mut draft = Draft {
        name: if title.is_empty() { "openapi".to_owned() } else { title.clone() },
        origin: format!(
            "'{title}' {} (OpenAPI {})",
            one_line(info("version"), 20),
            document.version
        ),
        ..Draft::default()
    };
    draft.host = host(&document, choices);
    if draft.host.is_none() {
        draft.note("the document names no server; give --host");
    }
    let operations = document.operations();
    let security = security(&document, &operations);
    let mut pools = Pools::new(&document, &operations);
    let mut importer = Importer { document: &document, security: &security, draft, deprecated: 0 };
    for operation in &operations {
        importer.take(operation, &mut pools, choices.writes);
    }
    let setup = pools.into_setup(|operation| importer.listing(operation));
    let Importer { mut draft, deprecated, .. } = importer;
    if deprecated > 0 {
        draft.note(format!("left out, deprecated operations: {deprecated}"));
    }
    draft.setup = setup;
    draft.auth = security.auth;
    draft.headers = security.headers;
    for note in security.notes {
        draft.note(note);
    }
    draft.settle(choices.writes)
}

/// The host that is asked for, else the document's first server, and the path in front of every other.
fn host(document: &Document, choices: &Choices) -> Option<String> {
    let server = document.get("servers").get(0);
    let mut url = server
        .and_then(|server| server.get("url"))
        .and_then(Value::as_str)
        .unwrap_or("/")
        .to_owned();
    let variables = server.and_then(|server| server.get("variables")).and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Value::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let absolute = Url::parse(&url);
    let path = absolute.as_ref().map_or(url.as_str(), |url| &url.path);
    let path = path_text(path.trim_end_matches('/'));
    match (&choices.host, &absolute) {
        (Some(host), _) => {
            let host = host.trim_end_matches('/');
            let has_path = host.split("://").last().is_some_and(|rest| rest.contains('/'));
            let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
            Some(if has_path { host.to_owned() } else { format!("{host}{slash}{path}") })
        }
        (None, Some(server)) => Some(format!("{}{path}", server.origin)),
        (None, None) => None,
    }
}

struct Importer<'d> {
    document: &'d Document,
    security: &'d Security,
    draft: Draft,
    deprecated: u64,
}

impl Importer<'_> {
    fn take(&mut self, operation: &Operation<'_>, pools: &mut Pools<'_>, writes_are: Writes) {
        let logs_in = self.security.login_path.as_deref() == Some(operation.path);
        let about_the_api = matches!(operation.method.as_str(), "OPTIONS" | "TRACE");
        if logs_in && operation.method == "POST" || about_the_api {
            return;
        }
        if operation.node.get("deprecated") == Some(&Value::Bool(true)) {
            self.deprecated += 1;
            return;
        }
        let mut request = RequestDraft::counted(Exchange::default(), 1);
        request.exchange.path = self.path(operation, pools, &mut request);
        self.fill(operation, &mut request);
        if writes_are == Writes::Sent && !writes(&operation.method) {
            request.count = READS_PER_WRITE;
        }
        let tags = operation.node.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags = tags.filter_map(Value::as_str).map(|tag| one_line(tag, 100));
        request.tags = tags.filter(|tag| !tag.is_empty()).collect();
        self.draft.requests.push(request);
    }

    /// The request that reads a list; its path has no holes.
    fn listing(&mut self, operation: &Operation<'_>) -> Exchange {
        let mut request = RequestDraft::counted(Exchange::default(), 1);
        request.exchange.path = Text::literal(path_text(operation.path));
        self.fill(operation, &mut request);
        Exchange { name: format!("list {}", operation.path), ..request.exchange }
    }

    /// Everything but the path.
    fn fill(&mut self, operation: &Operation<'_>, request: &mut RequestDraft) {
        request.exchange.name = format!("{} {}", operation.method, operation.path);
        request.exchange.method.clone_from(&operation.method);
        request.exchange.statuses = Document::good_statuses(operation);
        self.parameters(operation, request);
        self.body(operation, request);
        self.look_for_trouble(operation, request);
    }

    /// The path with its parameters filled: from the document, from a pool, or from a variable to be set.
    fn path(
        &mut self,
        operation: &Operation<'_>,
        pools: &mut Pools<'_>,
        request: &mut RequestDraft,
    ) -> Text {
        let mut parts = Vec::new();
        let mut rest = operation.path;
        let mut picks = 0;
        while let Some((before, name, after)) = hole(rest) {
            parts.push(Part::Literal(path_text(before)));
            rest = after;
            let parameter =
                operation.parameters.iter().find(|p| p.place == "path" && p.name == name);
            let said =
                parameter.and_then(|p| given(self.document, p.node, p.schema)).and_then(plain);
            if let Some(value) = said {
                parts.push(Part::Literal(path_text(&value)));
            } else if let Some(pool) = pools.pool_for(operation, name) {
                parts.push(Part::Pick(pool));
                picks += 1;
            } else {
                parts.push(Part::Variable(self.variable(operation, name, parameter)));
                request.withheld = Some(Withheld::Incomplete);
                request.comments.push(format!("Set {} under `variables` first.", snake(name)));
            }
        }
        parts.push(Part::Literal(path_text(rest)));
        if picks > 1 {
            request.withheld = Some(Withheld::Incomplete);
            request.comments.push(
                "Picks several ids independently of each other; they may not belong together."
                    .to_owned(),
            );
        }
        Text(parts)
    }

    fn variable(
        &mut self,
        operation: &Operation<'_>,
        name: &str,
        parameter: Option<&Parameter<'_>>,
    ) -> String {
        let variable = match snake(name) {
            reserved
                if ["slot", "token", "pick", "randint", "uuid"].contains(&reserved.as_str()) =>
            {
                format!("{reserved}_value")
            }
            free => free,
        };
        let value = match parameter.map(|parameter| sample(self.document, parameter.schema)) {
            Some(Json::Plain(text)) => text,
            Some(Json::Text(text)) if text.0 != [Part::Uuid] => text.as_template(),
            _ => "00000000-0000-4000-8000-000000000000".to_owned(),
        };
        let about = format!("For {} {}: put in one that exists.", operation.method, operation.path);
        self.draft.variables.entry(variable.clone()).or_insert((value, about));
        variable
    }

    /// Query, headers and cookies: what must be there, and what has a value in the document.
    fn parameters(&mut self, operation: &Operation<'_>, request: &mut RequestDraft) {
        let mut optional = Vec::new();
        for parameter in operation.parameters.iter().filter(|parameter| parameter.place != "path") {
            let Parameter { name, place, required, node, schema } = parameter;
            let value = given(self.document, node, schema);
            if *place != "query" && !required {
                continue;
            }
            if value.is_none() && !required {
                optional.push(*name);
                continue;
            }
            let texts = match value {
                Some(value) => texts(&Json::from(value)),
                None if is_secret_name(name) => vec![Text::environment(&wish(name))],
                None => {
                    self.guess(parameter, request);
                    texts(&sample(self.document, schema))
                }
            };
            match *place {
                "query" if self.security.carries(name) => {}
                "query" => {
                    let pairs = texts.into_iter().map(|text| ((*name).to_owned(), text));
                    request.exchange.query.extend(pairs);
                }
                "header" => self.header(name, texts, request),
                _ => request.comments.push(format!("Wants the cookie {name}.")),
            }
        }
        if !optional.is_empty() {
            request.comments.push(format!("Takes also: {}", optional.join(", ")));
        }
    }

    fn guess(&self, parameter: &Parameter<'_>, request: &mut RequestDraft) {
        let name = parameter.name;
        match self.document.present(parameter.schema).get("pattern").and_then(Value::as_str) {
            Some(pattern) => {
                request.comments.push(format!("{name} is a guess; it must match {pattern}"));
                request.withheld = Some(Withheld::Incomplete);
            }
            None => request.comments.push(format!("{name} is a guess.")),
        }
    }

    fn header(&self, name: &str, texts: Vec<Text>, request: &mut RequestDraft) {
        let lower = name.to_ascii_lowercase();
        let by_itself = ["authorization", "content-type", "accept", "host", "content-length"];
        let shared = self.security.carries(name);
        let legal = http::HeaderName::from_bytes(lower.as_bytes()).is_ok();
        if !by_itself.contains(&lower.as_str()) && !shared && legal {
            let pairs = texts.into_iter().take(1).map(|text| (name.to_owned(), text));
            request.exchange.headers.extend(pairs);
        }
    }

    fn body(&self, operation: &Operation<'_>, request: &mut RequestDraft) {
        let Some(described) = operation.node.get("requestBody") else { return };
        let content = self.document.resolve(described).get("content");
        let Some((media_type, media)) = content.and_then(|content| self.document.media(content))
        else {
            return;
        };
        let schema = media.get("schema").unwrap_or(&Value::Null);
        let said = given(self.document, media, schema).map(Json::from);
        let value = said.unwrap_or_else(|| sample(self.document, schema));
        request.exchange.body = match (media_type.split(';').next().unwrap_or_default(), value) {
            (name, value) if name == "application/json" || name.ends_with("+json") => {
                Some(Body::Json(value))
            }
            ("application/x-www-form-urlencoded", Json::Map(fields)) => {
                let pairs = fields.iter().flat_map(|(name, value)| {
                    texts(value).into_iter().map(move |text| (name.clone(), text))
                });
                Some(Body::Form(pairs.collect()))
            }
            ("multipart/form-data", Json::Map(fields)) if !fields.is_empty() => {
                Some(Body::Multipart(self.parts(schema, &fields)))
            }
            (name, Json::Text(text)) if name.starts_with("text/") => Some(Body::Text(text)),
            (name, _) => {
                request.comments.push(format!("Its body ({name}) is not translated; write it."));
                request.withheld = Some(Withheld::Incomplete);
                None
            }
        };
    }

    /// Parts of a multipart form; what the schema takes for bytes is a file.
    fn parts(&self, schema: &Value, fields: &[(String, Json)]) -> Vec<PartDraft> {
        let properties = self.document.properties(schema);
        let is_file = |name: &str| properties.get(name).is_some_and(|one| self.is_file(one, 2));
        let mut parts = Vec::new();
        for (name, value) in fields {
            let part = |content| PartDraft { name: name.clone(), content };
            if is_file(name) {
                let path = Text::environment(&file_variable(name));
                parts.push(part(PartContent::File { path, name: None, kind: None }));
            } else {
                parts.extend(texts(value).into_iter().map(PartContent::Text).map(part));
            }
        }
        parts
    }

    /// OpenAPI 3.0 says `format: binary`, 3.1 a media type; also of a list's items.
    fn is_file(&self, schema: &Value, depth: usize) -> bool {
        let schema = self.document.present(schema);
        let bytes = schema.get("format").and_then(Value::as_str) == Some("binary");
        let items = schema.get("items").filter(|_| depth > 0);
        bytes
            || schema.get("contentMediaType").is_some()
            || items.is_some_and(|items| self.is_file(items, depth - 1))
    }

    /// What would end the session or never end itself.
    fn look_for_trouble(&self, operation: &Operation<'_>, request: &mut RequestDraft) {
        let path = operation.path.to_ascii_lowercase();
        if ["logout", "signout", "sign-out"].iter().any(|part| path.contains(part)) {
            request.comments.push("Would end the session that all requests share.".to_owned());
            request.withheld = Some(Withheld::Incomplete);
        }
        let responses = operation.node.get("responses").and_then(Value::as_object);
        let streams = responses.into_iter().flatten().any(|(_, response)| {
            let content = self.document.resolve(response).get("content");
            content.is_some_and(|content| content.get("text/event-stream").is_some())
        });
        if streams {
            request
                .comments
                .push("Its answer is a stream of events, which may never end.".to_owned());
            request.withheld = Some(Withheld::Incomplete);
        }
    }
}

/// `/a/{b}/c` → `/a/`, `b`, `/c`.
fn hole(path: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = path.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// A value of a parameter as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A parameter's values: several of a list, none of an object.
fn texts(value: &Json) -> Vec<Text> {
    match value {
        Json::Plain(text) => vec![Text::literal(text)],
        Json::Text(text) => vec![text.clone()],
        Json::List(items) => items.iter().flat_map(texts).collect(),
        Json::Map(_) => Vec::new(),
    }
}
