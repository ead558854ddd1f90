//! What log-in, set-up and weighted requests have in common: method, path, query, headers, body, expectation.
//!
//! What comes out can be sent as it is: escaped for its place, and free of characters that would break HTTP.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method};

use crate::load::plan::SetupRequest;
use crate::load::request::{Escape, Segment, Template, add_header};
use crate::load::url_text::is_allowed;
use crate::profile::body::{BODIES, Carried};
use crate::profile::compiler::Compiler;
use crate::profile::fields::{Fields, one_or_many};
use crate::profile::node::{Node, Span, Value};
use crate::profile::template::{Builder, Piece, Place, escaped, template};

/// How text and holes are escaped in each place. A path is written by hand, so only its holes are.
const IN_PATH: (Escape, Escape) = (Escape::None, Escape::Percent);
/// A path that is one value, such as the link to the next page.
const AS_LINK: (Escape, Escape) = (Escape::Link, Escape::Link);
const IN_QUERY: (Escape, Escape) = (Escape::Percent, Escape::Percent);
pub(super) const IN_JSON: (Escape, Escape) = (Escape::Json, Escape::Json);
pub(super) const AS_IT_IS: (Escape, Escape) = (Escape::None, Escape::None);

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];

impl Compiler<'_> {
    /// The exchange that `fields` describe. Parts with mistakes, which are reported, are left out.
    pub(super) fn exchange(
        &mut self,
        name: String,
        fields: &Fields<'_>,
        place: Place,
    ) -> SetupRequest {
        let Carried { body, headers: of_body } = self.carried(fields, place);
        let default = if body.is_some() { Method::POST } else { Method::GET };
        let method = fields.get("method").map_or(Some(default), |node| self.method(node));
        let path = self.path(fields, place);
        let headers = fields.get("headers").map(|node| self.headers(node, place));
        let mut headers = headers.unwrap_or_default();
        let token = if place == Place::Login { &[] } else { self.token_header.as_slice() };
        for shared in [self.shared_headers.as_slice(), token, of_body.as_slice()] {
            let own = headers.len();
            for header in shared {
                if headers[..own].iter().all(|(name, _)| *name != header.0) {
                    headers.push(header.clone());
                }
            }
        }
        let expect = self.expectation(fields, place);
        SetupRequest {
            name,
            method: method.unwrap_or_default(),
            path: path.unwrap_or_else(|| Template::literal("/")),
            headers,
            body,
            expect,
        }
    }

    /// `name`, else method and path as they are written.
    pub(super) fn request_name(&mut self, fields: &Fields<'_>) -> String {
        if let Some(node) = fields.get("name") {
            return self.mistakes.word(node, "`name`").unwrap_or_default();
        }
        let source = self.mistakes.source.text;
        let written = |key| fields.get(key).and_then(|node| node.scalar(source));
        let has_body = BODIES.iter().any(|key| fields.get_even_null(key).is_some());
        let method = written("method").unwrap_or(if has_body { "POST" } else { "GET" });
        format!("{method} {}", written("path").unwrap_or_default())
    }

    fn method(&mut self, node: &Node) -> Option<Method> {
        let text = self.mistakes.scalar(node, "`method`")?;
        let upper = text.to_ascii_uppercase();
        let method = Method::from_bytes(text.as_bytes()).ok();
        match method {
            Some(Method::CONNECT) | None => {
                let hint = format!("write one of {}", METHODS.join(", "));
                self.mistakes.report_with(node.span, "`method` is not an HTTP method", hint);
                None
            }
            Some(_) if upper != text && METHODS.contains(&upper.as_str()) => {
                let message = format!("HTTP methods are in capitals, `{text}` is another method");
                self.mistakes.report_with(node.span, message, format!("write {upper}"));
                None
            }
            method => method,
        }
    }

    /// Path and query as one template.
    fn path(&mut self, fields: &Fields<'_>, place: Place) -> Option<Template> {
        let Some(node) = fields.get("path") else {
            let message = "a request needs a `path`";
            self.mistakes.report_with(fields.span, message, "add for example path: /api/items");
            return None;
        };
        let query = fields.get("query").and_then(|node| self.query(node, place));
        let text = self.mistakes.scalar(node, "`path`")?.to_owned();
        let pieces = self.pieces(&text, node.span, place)?;
        let key = self.token_query.clone().filter(|_| place != Place::Login);
        let query = query.filter(|query| !query.segments.is_empty());
        if is_one_value(&pieces) {
            if query.is_some() || key.is_some() {
                let message = "a `path` that is one value has its query in it";
                let hint = "put the query into the value, or write the path out: path: /…";
                self.mistakes.report_with(node.span, message, hint);
            }
            return Some(template(AS_LINK, pieces));
        }
        let mut builder = Builder::new(IN_PATH.0, IN_PATH.1);
        builder.push(pieces);
        let path = builder.finish();
        self.check_path(&path, &text, node.span);
        if query.is_none() && key.is_none() {
            return Some(path);
        }
        let mut builder = Builder::new(IN_PATH.0, IN_PATH.1);
        builder.append(path);
        let mut separator = if text.contains('?') { "&" } else { "?" };
        if let Some(query) = query {
            builder.push_raw(std::mem::replace(&mut separator, "&"));
            builder.append(query);
        }
        if let Some(key) = key {
            builder.push_raw(&format!("{separator}{}=", escaped(Escape::Percent, &key)));
            builder.push(vec![Piece::Hole(Segment::Token)]);
        }
        Some(builder.finish())
    }

    fn check_path(&mut self, path: &Template, written: &str, span: Span) {
        let begins = matches!(path.segments.first(),
            Some(Segment::Literal(text)) if text.starts_with('/') && !text.starts_with("//"));
        if !begins {
            let hint = if written.contains("://") {
                "put the scheme and the server under `host`, or give them with --host"
            } else {
                "write for example path: /api/items, or one value alone: \"{{ next }}\""
            };
            self.mistakes.report_with(span, "`path` must begin with a single /", hint);
        }
        let illegal = path.segments.iter().any(|segment| match segment {
            Segment::Literal(text) => !text.bytes().all(is_allowed),
            _ => false,
        });
        if illegal {
            let hint = if written.contains(['{', '}']) {
                "write {{ name }} or {{ pick(pool) }} for a value that is filled in"
            } else {
                "percent-encode it, for example a space as %20, or move it to `query`"
            };
            let message = "`path` holds a character that URLs can't";
            self.mistakes.report_with(span, message, hint);
        }
    }

    /// `name=value&…`; a key without a value is left out.
    fn query(&mut self, node: &Node, place: Place) -> Option<Template> {
        self.pairs(node, "`query`", place)
    }

    pub(super) fn pairs(&mut self, node: &Node, what: &str, place: Place) -> Option<Template> {
        let mut builder = Builder::new(IN_QUERY.0, IN_QUERY.1);
        let mut separator = "";
        for (key, values) in self.mistakes.mapping(node, what)? {
            let Some(name) = &key.text else { continue };
            for value in one_or_many(values) {
                if matches!(value.value, Value::Null) {
                    continue;
                }
                let what = format!("`{name}` in {what}");
                let Some(text) = self.mistakes.scalar(value, &what) else { continue };
                let text = text.to_owned();
                let Some(pieces) = self.pieces(&text, value.span, place) else { continue };
                builder.push_raw(separator);
                builder.push_raw(&escaped(Escape::Percent, name));
                builder.push_raw("=");
                builder.push(pieces);
                separator = "&";
            }
        }
        Some(builder.finish())
    }

    /// A list of values repeats the name.
    pub(super) fn headers(&mut self, node: &Node, place: Place) -> Vec<(HeaderName, Template)> {
        let mut headers: Vec<(HeaderName, Template)> = Vec::new();
        for (key, values) in self.mistakes.mapping(node, "`headers`").unwrap_or_default() {
            let Some(name) = &key.text else { continue };
            let parsed = self.header_name(name, key.span);
            let what = format!("the header `{name}`");
            if parsed.as_ref().is_some_and(|parsed| headers.iter().any(|(name, _)| name == parsed))
            {
                let hint = format!("write its values as a list: {name}: [one, two]");
                self.mistakes.report_with(key.span, format!("{what} stands here twice"), hint);
            }
            for value in one_or_many(values) {
                let Some(text) = self.mistakes.scalar(value, &what) else { continue };
                let text = text.to_owned();
                let template = self.header_value(&text, value.span, place);
                if let Some((name, value)) = parsed.clone().zip(template) {
                    add_header(&mut headers, name, value);
                }
            }
        }
        headers
    }

    pub(super) fn header_name(&mut self, name: &str, span: Span) -> Option<HeaderName> {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) if [HOST, CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING].contains(&name) => {
                let message = format!("the header `{name}` is set by the connection itself");
                self.mistakes.report_with(span, message, "remove it");
                None
            }
            Ok(name) => Some(name),
            Err(_) => {
                self.mistakes.report(span, format!("`{name}` is not the name of a header"));
                None
            }
        }
    }

    pub(super) fn header_value(
        &mut self,
        text: &str,
        span: Span,
        place: Place,
    ) -> Option<Template> {
        let pieces = self.pieces(text, span, place)?;
        let value = template(AS_IT_IS, pieces);
        let illegal = value.segments.iter().any(|segment| match segment {
            Segment::Literal(text) => HeaderValue::from_str(text).is_err(),
            _ => false,
        });
        if illegal {
            let message = "a header's value can't hold line breaks or other control characters";
            self.mistakes.report(span, message);
            return None;
        }
        Some(value)
    }
}

/// Whether a text is one `{{ … }}` and nothing else.
fn is_one_value(pieces: &[Piece]) -> bool {
    let mut filled =
        pieces.iter().filter(|piece| !matches!(piece, Piece::Written(text) if text.is_empty()));
    matches!(filled.next(), Some(Piece::Hole(_) | Piece::Inserted(_))) && filled.next().is_none()
}
