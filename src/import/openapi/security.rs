//! Security schemes → the profile's `auth`, or headers with `${VARIABLES}`.

use serde_json::Value;

use crate::import::draft::{AuthDraft, Body, Exchange, Json, KeyPlace, LoginDraft};
use crate::import::openapi::document::{Document, Operation};
use crate::import::openapi::sample::sample;
use crate::import::text::{Part, Text, path_text};
use crate::import::url::split_target;
use crate::import::vault::{is_password, wish};

/// What requests carry so that the server lets them pass.
#[derive(Default)]
pub(super) struct Security {
    pub(super) auth: Option<AuthDraft>,
    /// Path of the log-in, which is then no request of the mix.
    pub(super) login_path: Option<String>,
    pub(super) headers: Vec<(String, Text)>,
    pub(super) notes: Vec<String>,
}

/// Parts of paths where people log in, best first, and of paths that only look like it.
const LOGIN_PATHS: [&str; 7] =
    ["login", "signin", "sign-in", "token", "authenticate", "session", "auth"];
const NOT_LOGIN_PATHS: [&str; 9] =
    ["register", "signup", "sign-up", "reset", "change", "refresh", "forgot", "logout", "revoke"];
/// Where answers keep the token, best first.
const TOKEN_KEYS: [&str; 7] =
    ["access_token", "accessToken", "token", "jwt", "id_token", "auth_token", "key"];

impl Security {
    /// Whether requests carry this header or parameter for it.
    pub(super) fn carries(&self, name: &str) -> bool {
        let key = match &self.auth {
            Some(AuthDraft::Key { name, .. }) => Some(name),
            _ => None,
        };
        let headers = self.headers.iter().map(|(known, _)| known);
        headers.chain(key).any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Decides by the scheme that most operations ask for.
pub(super) fn security(document: &Document, operations: &[Operation<'_>]) -> Security {
    let mut uses: Vec<(String, usize)> = Vec::new();
    let global = document.get("security");
    for operation in operations {
        let asked = operation.node.get("security").unwrap_or(global);
        for name in asked.as_array().into_iter().flatten().filter_map(Value::as_object).flatten() {
            match uses.iter_mut().find(|(known, _)| known == name.0) {
                Some((_, count)) => *count += 1,
                None => uses.push((name.0.clone(), 1)),
            }
        }
    }
    let schemes = document.get("components").get("securitySchemes").unwrap_or(&Value::Null);
    let known = |name: &str| schemes.get(name).map(|scheme| document.resolve(scheme));
    uses.retain(|(name, _)| known(name).is_some());
    // The first of equals, and what logs in by itself before what does not.
    uses.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), known(name).map_or(9, rank)));
    let Some((name, _)) = uses.first() else { return undeclared(document, operations) };
    let scheme = known(name).unwrap_or(&Value::Null);
    let mut security = apply(document, operations, scheme);
    let others: Vec<&str> = uses[1..].iter().map(|(name, _)| name.as_str()).collect();
    if !others.is_empty() {
        security.notes.push(format!(
            "security scheme '{name}' is used; some operations take others: {}",
            others.join(", ")
        ));
    }
    security
}

fn rank(scheme: &Value) -> usize {
    match (kind(scheme), scheme.pointer("/flows/password").is_some()) {
        ("oauth2", true) => 0,
        ("http", _) => 1,
        ("oauth2", false) => 2,
        _ => 3,
    }
}

fn kind(scheme: &Value) -> &str {
    scheme.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn apply(document: &Document, operations: &[Operation<'_>], scheme: &Value) -> Security {
    let text = |pointer: &str| scheme.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match kind(scheme) {
        "oauth2" if scheme.pointer("/flows/password").is_some() => {
            oauth2(document, operations, text("/flows/password/tokenUrl"), "password")
        }
        "oauth2" if scheme.pointer("/flows/clientCredentials").is_some() => {
            let url = text("/flows/clientCredentials/tokenUrl");
            oauth2(document, operations, url, "client_credentials")
        }
        "http" if text("/scheme").eq_ignore_ascii_case("basic") => Security {
            auth: Some(AuthDraft::Basic {
                user: Text::environment("LOAD_TEST_USERNAME"),
                password: Text::environment("LOAD_TEST_PASSWORD"),
            }),
            ..Security::default()
        },
        "http" if text("/scheme").eq_ignore_ascii_case("bearer") => bearer(document, operations),
        "apiKey" => api_key(text("/in"), text("/name")),
        other => Security {
            notes: vec![format!("a security scheme of type '{other}' is taken for a bearer token")],
            ..token()
        },
    }
}

fn prefixed(prefix: &str, variable: &str) -> Text {
    Text(vec![Part::Literal(prefix.to_owned()), Part::Environment(variable.to_owned())])
}

/// A bearer token that the user brings.
fn token() -> Security {
    let header = ("Authorization".to_owned(), prefixed("Bearer ", "LOAD_TEST_TOKEN"));
    Security { headers: vec![header], ..Security::default() }
}

fn api_key(place: &str, name: &str) -> Security {
    let place = match place {
        "query" => KeyPlace::Query,
        "cookie" => KeyPlace::Cookie,
        _ => KeyPlace::Header,
    };
    let value = Text::environment("LOAD_TEST_API_KEY");
    let name = name.to_owned();
    if place.may_be_named(&name) {
        let auth = Some(AuthDraft::Key { place, name, value });
        return Security { auth, ..Security::default() };
    }
    let note = format!("an API key is called '{name}', which no {} can be", place.name());
    Security { notes: vec![note], ..Security::default() }
}

/// Operations that take an `Authorization` header as a parameter log in all the same.
fn undeclared(document: &Document, operations: &[Operation<'_>]) -> Security {
    let takes_it = |operation: &Operation<'_>| {
        operation.parameters.iter().any(|parameter| {
            parameter.place == "header" && parameter.name.eq_ignore_ascii_case("authorization")
        })
    };
    if operations.iter().any(takes_it) { bearer(document, operations) } else { Security::default() }
}

/// A bearer token from the operation that takes a password, else from the user.
fn bearer(document: &Document, operations: &[Operation<'_>]) -> Security {
    let score = |operation: &&Operation<'_>| {
        let path = operation.path.to_ascii_lowercase();
        let place = LOGIN_PATHS.iter().position(|part| path.contains(part))?;
        let other = NOT_LOGIN_PATHS.iter().any(|part| path.contains(part));
        let fits = operation.method == "POST" && !other && takes_password(document, operation);
        fits.then_some(place)
    };
    let best = operations.iter().filter(|o| score(o).is_some()).min_by_key(|o| score(o));
    match best {
        Some(operation) => log_in(document, operation),
        None => Security {
            notes: vec![
                "no log-in was found, so LOAD_TEST_TOKEN is to be brought along".to_owned(),
            ],
            ..token()
        },
    }
}

fn takes_password(document: &Document, operation: &Operation<'_>) -> bool {
    let schema = body(document, operation).and_then(|(_, media)| media.get("schema"));
    schema.is_some_and(|schema| document.properties(schema).keys().any(|name| is_password(name)))
}

fn body<'d>(document: &'d Document, operation: &Operation<'d>) -> Option<(&'d str, &'d Value)> {
    document.media(document.resolve(operation.node.get("requestBody")?).get("content")?)
}

fn log_in(document: &Document, operation: &Operation<'_>) -> Security {
    let (media_type, media) = body(document, operation).unwrap_or(("", &Value::Null));
    let fields = fields(document, media.get("schema").unwrap_or(&Value::Null), &[]);
    let body = if media_type.contains("json") {
        Body::Json(Json::Map(
            fields.into_iter().map(|(name, text)| (name, Json::Text(text))).collect(),
        ))
    } else {
        Body::Form(fields)
    };
    let (token, comment) = token_place(document, operation);
    let exchange = Exchange {
        method: "POST".to_owned(),
        path: Text::literal(path_text(operation.path)),
        body: Some(body),
        statuses: Document::good_statuses(operation),
        ..Exchange::default()
    };
    Security {
        auth: Some(AuthDraft::Login(LoginDraft { exchange, token, comment })),
        login_path: Some(operation.path.to_owned()),
        ..Security::default()
    }
}

/// The required fields of a log-in, credentials as variables; `more` are added.
fn fields(document: &Document, schema: &Value, more: &[(&str, &str)]) -> Vec<(String, Text)> {
    let required = document.required(schema);
    let properties = document.properties(schema);
    let is_user = |name: &str| ["username", "email", "login", "user", "phone"].contains(&name);
    // Where nothing is required, what looks like credentials is wanted.
    let wanted = |name: &String| {
        required.contains(name) || required.is_empty() && (is_user(name) || is_password(name))
    };
    let mut fields: Vec<(String, Text)> =
        more.iter().map(|(name, value)| ((*name).to_owned(), Text::literal(*value))).collect();
    for (name, property) in properties.iter().filter(|(name, _)| wanted(name)) {
        if fields.iter().any(|(known, _)| known == name) {
            continue;
        }
        let text =
            if is_user(name) || is_password(name) || crate::load::secrets::is_secret_name(name) {
                Text::environment(&wish(name))
            } else {
                match sample(document, property) {
                    Json::Text(text) => text,
                    Json::Plain(text) => Text::literal(text),
                    Json::List(_) | Json::Map(_) => continue,
                }
            };
        fields.push((name.clone(), text));
    }
    fields
}

/// RFC 6749, 4.3 and 4.4: a form to the token URL.
fn oauth2(document: &Document, operations: &[Operation<'_>], url: &str, grant: &str) -> Security {
    let (path, _) = match url.split_once("://") {
        Some((_, rest)) => split_target(rest.find('/').map_or("/", |at| &rest[at..])),
        None => split_target(url.trim_start_matches("./")),
    };
    let posts = || operations.iter().filter(|operation| operation.method == "POST");
    let operation = posts()
        .find(|operation| operation.path == path)
        .or_else(|| posts().find(|operation| path.ends_with(operation.path)));
    let credentials = match grant {
        "password" => [
            ("username", Text::environment("LOAD_TEST_USERNAME")),
            ("password", Text::environment("LOAD_TEST_PASSWORD")),
        ],
        _ => [
            ("client_id", Text::environment("LOAD_TEST_CLIENT_ID")),
            ("client_secret", Text::environment("LOAD_TEST_CLIENT_SECRET")),
        ],
    };
    let mut form = vec![("grant_type".to_owned(), Text::literal(grant))];
    form.extend(credentials.into_iter().map(|(name, text)| (name.to_owned(), text)));
    let schema = operation.and_then(|operation| body(document, operation)?.1.get("schema"));
    for (name, text) in schema.map(|schema| fields(document, schema, &[])).unwrap_or_default() {
        if form.iter().all(|(known, _)| *known != name) {
            form.push((name, text));
        }
    }
    let path = operation.map_or(path, |operation| operation.path.to_owned());
    let token = "$.access_token".to_owned();
    let exchange = Exchange {
        method: "POST".to_owned(),
        path: Text::literal(path_text(&path)),
        body: Some(Body::Form(form)),
        statuses: operation.map(Document::good_statuses).unwrap_or_default(),
        ..Exchange::default()
    };
    Security {
        auth: Some(AuthDraft::Login(LoginDraft { exchange, token, comment: None })),
        login_path: Some(path),
        ..Security::default()
    }
}

/// Where the answer of a log-in holds the token, and a comment where that is a guess.
fn token_place(document: &Document, operation: &Operation<'_>) -> (String, Option<String>) {
    let found = document.answer(operation).and_then(|schema| token_in(document, schema, "$", 3));
    match found {
        Some(path) => (path, None),
        None => (
            "$.access_token".to_owned(),
            Some("A guess: the document does not say where the token stands.".to_owned()),
        ),
    }
}

fn token_in(document: &Document, schema: &Value, path: &str, depth: usize) -> Option<String> {
    let properties = document.properties(schema);
    if let Some(key) = TOKEN_KEYS.iter().find(|key| properties.contains_key(**key)) {
        return Some(format!("{path}.{key}"));
    }
    let depth = depth.checked_sub(1)?;
    properties
        .iter()
        .find_map(|(name, schema)| token_in(document, schema, &format!("{path}.{name}"), depth))
}
