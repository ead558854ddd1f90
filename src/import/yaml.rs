//! [`write()`]: a [`Draft`] as a commented YAML profile.

use std::fmt::Write as _;

use crate::import::draft::{
    AuthDraft, Body, Draft, Exchange, Json, LoginDraft, PartContent, PartDraft, RequestDraft,
    Withheld,
};
use crate::import::text::{Text, one_line};

/// A value of the document: on the line of its key, or on lines of its own below it.
enum Value {
    Inline(String),
    Block(Vec<String>),
}

/// The keys of a mapping, one after the other.
#[derive(Default)]
struct Map(Vec<String>);

impl Map {
    fn put(&mut self, key: &str, value: Value) {
        let key = scalar(key);
        match value {
            Value::Inline(text) => self.0.push(format!("{key}: {text}")),
            Value::Block(lines) => {
                self.0.push(format!("{key}:"));
                self.0.extend(lines.into_iter().map(|line| format!("  {line}")));
            }
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.put(key, Value::Inline(scalar(text)));
    }

    fn comment(&mut self, text: &str) {
        self.0.push(comment(text));
    }

    fn into_value(self) -> Value {
        if self.0.is_empty() { Value::Inline("{}".to_owned()) } else { Value::Block(self.0) }
    }
}

/// The profile's text.
pub fn write(draft: &Draft) -> String {
    let mut document = Map::default();
    opening(draft, &mut document);
    document.text("name", &draft.name);
    if let Some(host) = &draft.host {
        document.text("host", host);
    }
    if !draft.variables.is_empty() {
        let mut variables = Map::default();
        for (name, (value, about)) in &draft.variables {
            variables.comment(about);
            variables.put(name, Value::Inline(quoted(value)));
        }
        section(&mut document, "variables", variables.into_value());
    }
    if !draft.headers.is_empty() {
        section(&mut document, "headers", pairs(&draft.headers));
    }
    if let Some(auth) = &draft.auth {
        section(&mut document, "auth", self::auth(auth));
    }
    if !draft.setup.is_empty() {
        let setups = draft.setup.iter().map(|setup| {
            let mut map = Map::default();
            map.text("name", &setup.exchange.name);
            exchange(&setup.exchange, &mut map);
            let mut pools = Map::default();
            for (pool, path) in &setup.pools {
                pools.text(pool, path);
            }
            map.put("pools", pools.into_value());
            map.text("hint", &setup.hint);
            (Vec::new(), map.into_value())
        });
        section(&mut document, "setup", list(setups));
    }
    let weighted = draft.requests.iter().zip(draft.weights());
    let requests = weighted.map(|(request, weight)| self::request(request, weight));
    section(&mut document, "requests", list(requests));
    if !draft.stages.is_empty() {
        let stages = draft.stages.iter().map(|(rate, duration)| {
            (Vec::new(), Value::Inline(format!("{{rate: {rate}, duration: {duration}}}")))
        });
        section(&mut document, "stages", list(stages));
    }
    if let Some(slo) = &draft.slo {
        section(&mut document, "slo", Value::Inline(scalar(slo)));
    }
    let mut text = document.0.join("\n");
    text.push('\n');
    text
}

fn section(document: &mut Map, key: &str, value: Value) {
    document.0.push(String::new());
    document.put(key, value);
}

fn opening(draft: &Draft, document: &mut Map) {
    document.comment(&format!("Imported from {}.", draft.origin));
    let environment = draft.environment();
    if !environment.is_empty() {
        document.comment("Needs these variables, from the environment or by --env-file:");
        for name in &environment {
            document.comment(&format!("  {name}"));
        }
    }
    let withheld = draft.requests.iter().filter(|request| request.withheld.is_some()).count();
    if withheld > 0 {
        document.comment(&format!(
            "Requests with weight 0 are not sent ({withheld} of {}); give one a weight to send it.",
            draft.requests.len()
        ));
    }
    let flags = draft.flags.as_deref().unwrap_or("-r 10/s -d 1m");
    document.comment("Next: steadfire check FILE, steadfire once FILE, then");
    document.comment(&format!("  steadfire run FILE {flags}"));
    if !draft.notes.is_empty() {
        document.comment("");
        document.comment("To look at:");
        for note in &draft.notes {
            document.comment(&format!("- {note}"));
        }
    }
}

fn comment(text: &str) -> String {
    // Leading blanks stay: they set apart what belongs together.
    let blanks = text.len() - text.trim_start().len();
    format!("# {}{}", &text[..blanks], one_line(text, 500)).trim_end().to_owned()
}

fn auth(auth: &AuthDraft) -> Value {
    let mut map = Map::default();
    match auth {
        AuthDraft::Login(login) => return self::login(login),
        AuthDraft::Basic { user, password } => {
            let mut basic = Map::default();
            basic.text("user", &user.as_template());
            basic.text("password", &password.as_template());
            map.put("basic", basic.into_value());
        }
        AuthDraft::Key { place, name, value } => {
            let mut key = Map::default();
            key.text(place.name(), name);
            key.text("value", &value.as_template());
            map.put("api_key", key.into_value());
        }
    }
    map.into_value()
}

fn login(login: &LoginDraft) -> Value {
    let mut request = Map::default();
    exchange(&login.exchange, &mut request);
    let mut map = Map::default();
    map.put("login", request.into_value());
    if let Some(about) = &login.comment {
        map.comment(about);
    }
    map.text("token", &login.token);
    map.into_value()
}

fn request(request: &RequestDraft, weight: u64) -> (Vec<String>, Value) {
    let mut comments = request.comments.clone();
    comments.extend(request.withheld.map(|why| {
        let why = match why {
            Withheld::Write => "Changes the server's state, so it is not sent.",
            Withheld::Delete => "Removes what other requests may need, so it is not sent.",
            Withheld::Incomplete => "Needs a look before it can be sent.",
        };
        match request.count {
            0 | 1 => why.to_owned(),
            count => format!("{why} Occurred {count} times."),
        }
    }));
    let mut map = Map::default();
    map.text("name", &request.exchange.name);
    map.put("weight", Value::Inline(weight.to_string()));
    if !request.tags.is_empty() {
        let tags: Vec<String> = request.tags.iter().map(|tag| quoted(tag)).collect();
        map.put("tags", Value::Inline(format!("[{}]", tags.join(", "))));
    }
    exchange(&request.exchange, &mut map);
    (comments, map.into_value())
}

fn exchange(exchange: &Exchange, map: &mut Map) {
    map.text("method", &exchange.method);
    map.text("path", &exchange.path.as_template());
    if !exchange.query.is_empty() {
        map.put("query", pairs(&exchange.query));
    }
    if !exchange.headers.is_empty() {
        map.put("headers", pairs(&exchange.headers));
    }
    match &exchange.body {
        Some(Body::Json(json)) => map.put("json", json_value(json)),
        Some(Body::Form(form)) => map.put("form", pairs(form)),
        Some(Body::Multipart(parts)) => map.put("multipart", multipart(parts)),
        Some(Body::Text(text)) => map.text("body", &text.as_template()),
        None => {}
    }
    let statuses: Vec<String> = exchange.statuses.iter().map(u16::to_string).collect();
    match statuses.as_slice() {
        [] => {}
        [status] => map.put("expect", Value::Inline(format!("{{status: {status}}}"))),
        many => map.put("expect", Value::Inline(format!("{{status: [{}]}}", many.join(", ")))),
    }
}

/// Names and texts.
fn pairs(pairs: &[(String, Text)]) -> Value {
    let value = |text: &Text| Value::Inline(scalar(&text.as_template()));
    grouped(pairs.iter().map(|(name, text)| (name.as_str(), value(text))).collect())
}

/// A mapping in which a repeated name has a list of values.
fn grouped(pairs: Vec<(&str, Value)>) -> Value {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for (name, value) in pairs {
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    let mut map = Map::default();
    for (name, mut values) in groups {
        match (values.pop(), values.is_empty()) {
            (Some(only), true) => map.put(name, only),
            (last, _) => {
                let values = values.into_iter().chain(last);
                map.put(name, list(values.map(|value| (Vec::new(), value))));
            }
        }
    }
    map.into_value()
}

fn multipart(parts: &[PartDraft]) -> Value {
    let (mut fields, mut files) = (Vec::new(), Vec::new());
    for PartDraft { name, content } in parts {
        match content {
            PartContent::Text(text) => {
                fields.push((name.as_str(), Value::Inline(scalar(&text.as_template()))));
            }
            PartContent::File { path, name: own, kind } => {
                let mut file = Map::default();
                file.text("path", &path.as_template());
                if let Some(own) = own {
                    file.text("name", &Text::literal(own).as_template());
                }
                if let Some(kind) = kind {
                    file.text("type", kind);
                }
                files.push((name.as_str(), file.into_value()));
            }
        }
    }
    let mut map = Map::default();
    for (key, entries) in [("fields", fields), ("files", files)] {
        if !entries.is_empty() {
            map.put(key, grouped(entries));
        }
    }
    map.into_value()
}

fn json_value(json: &Json) -> Value {
    match json {
        Json::Plain(text) => Value::Inline(text.clone()),
        Json::Text(text) => Value::Inline(json_text(&text.as_template())),
        Json::List(items) => list(items.iter().map(|item| (Vec::new(), json_value(item)))),
        Json::Map(entries) => {
            let mut map = Map::default();
            for (name, value) in entries {
                map.put(name, json_value(value));
            }
            map.into_value()
        }
    }
}

/// A list of values, each with the comments above it.
fn list(items: impl Iterator<Item = (Vec<String>, Value)>) -> Value {
    let mut lines = Vec::new();
    for (comments, item) in items {
        lines.extend(comments.iter().map(|text| comment(text)));
        match item {
            Value::Inline(text) => lines.push(format!("- {text}")),
            Value::Block(block) => {
                let marks = std::iter::once("- ").chain(std::iter::repeat("  "));
                lines.extend(marks.zip(block).map(|(mark, line)| format!("{mark}{line}")));
            }
        }
    }
    if lines.is_empty() { Value::Inline("[]".to_owned()) } else { Value::Block(lines) }
}

/// Text where a number would mean the same: quoted only where YAML needs it.
fn scalar(text: &str) -> String {
    let whole = !text.is_empty()
        && text.len() < 16
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if whole || is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Text that must stay text.
fn json_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "/_.-$".contains(c);
    let braced = |c: char| word(c) || "{} ".contains(c);
    // `${NAME}` and words parted by single blanks.
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$')
        && text.chars().all(braced)
        && !text.ends_with(' ')
        && !KEYWORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// What YAML reads as something else than text.
const KEYWORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// In double quotes, with JSON's escapes, which are YAML's too.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_would_read_otherwise_is_quoted() {
        for plain in ["/items/{{ pick(ids) }}", "Bearer"] {
            // A call's brackets are not plain.
            let expected =
                if plain.contains('(') { format!("\"{plain}\"") } else { plain.to_owned() };
            assert_eq!(scalar(plain), expected);
        }
        for (text, written) in [
            ("12", "12"),
            ("012", "\"012\""),
            ("1.5", "\"1.5\""),
            ("true", "\"true\""),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("${X}", "${X}"),
            ("{{ x }}", "\"{{ x }}\""),
            ("a\u{0}\"\\\u{2028}", "\"a\\u0000\\\"\\\\\\u2028\""),
            ("trailing ", "\"trailing \""),
        ] {
            assert_eq!(scalar(text), written);
        }
        assert_eq!(json_text("12"), "\"12\"");
    }

    #[test]
    fn a_nested_body_reads_back_as_it_was() {
        let body = serde_json::json!({
            "a": [[1, -2.5], {"b": [], "c": {}}, "x: y", null, true, "1e5"],
            "k: 1": {"deep": [{"text": "line\nbreak"}]},
            "": "~",
        });
        let Value::Block(lines) = json_value(&Json::from(&body)) else { panic!("a block") };
        let read: serde_json::Value = serde_saphyr::from_str(&lines.join("\n")).unwrap();
        assert_eq!(read, body);
    }
}
