//! What a request carries: `json`, `body`, `form`, `file` or `multipart`, and `compress`.
//!
//! Files are read here, once, and their bytes go out as they are.

use std::io::Read as _;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::load::body::{Body, Chunk, Coding};
use crate::load::request::{Escape, Segment, Template};
use crate::profile::compiler::Compiler;
use crate::profile::exchange::{AS_IT_IS, IN_JSON};
use crate::profile::fields::{Fields, MULTIPART, PART, one_or_many};
use crate::profile::node::{Node, Span, Value};
use crate::profile::template::{Builder, Place, escaped, template};
use crate::profile::{BODY_BYTES_MAX, FILE_BYTES_MAX, Outside, hexadecimal};

/// The ways to give a body, of which a request has one.
pub(super) const BODIES: [&str; 5] = ["json", "body", "form", "file", "multipart"];

/// Holes of a file's name are percent-encoded: a quote or a line break would end it.
const IN_NAME: (Escape, Escape) = (Escape::None, Escape::Percent);
const ANY_BYTES: &str = "application/octet-stream";

/// A body, and the headers that go with it unless the request has others.
#[derive(Default)]
pub(super) struct Carried {
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<(HeaderName, Template)>,
}

/// What a way to give a body comes to: the chunks, and the content type.
type Content = (Vec<Chunk>, Option<String>);

impl Compiler<'_> {
    /// What the request carries; nothing where there are mistakes.
    pub(super) fn carried(&mut self, fields: &Fields<'_>, place: Place) -> Carried {
        let given: Vec<&str> =
            BODIES.into_iter().filter(|key| fields.get_even_null(key).is_some()).collect();
        if given.len() > 1 {
            let message = format!("a request has one body, not {}", given.join(" and "));
            let span = fields.get_even_null(given[1]).map_or(fields.span, |node| node.span);
            self.mistakes.report_with(span, message, format!("keep one of {}", given.join(", ")));
        }
        let coding = fields.get("compress").and_then(|node| {
            let codings = [("gzip", Coding::Gzip), ("none", Coding::Identity)];
            Some((self.mistakes.choice(node, "`compress`", &codings)?, node.span))
        });
        let Some((key, node)) =
            given.first().and_then(|key| Some((*key, fields.get_even_null(key)?)))
        else {
            if let Some((_, span)) = coding {
                let message = "`compress` is about a body, and there is none";
                self.mistakes.report_with(span, message, "remove it");
            }
            return Carried::default();
        };
        let Some((chunks, content_type)) = self.content(key, node, place) else {
            return Carried::default();
        };
        let coding = coding.map(|(coding, _)| coding).unwrap_or_default();
        let encoding =
            (coding == Coding::Gzip).then(|| (CONTENT_ENCODING, Template::literal("gzip")));
        let content_type = content_type.map(|value| (CONTENT_TYPE, Template::literal(&value)));
        let body = Body { chunks, coding };
        let texts = body.templates().flat_map(|text| &text.segments);
        if texts.map(literal_bytes).sum::<usize>() > BODY_BYTES_MAX {
            let message = format!("the body is larger than {BODY_BYTES_MAX} bytes");
            self.mistakes.report_with(node.span, message, "put it into a file, and write file: …");
        }
        Carried { body: Some(body), headers: content_type.into_iter().chain(encoding).collect() }
    }

    fn content(&mut self, key: &str, node: &Node, place: Place) -> Option<Content> {
        let text = |text: Template, content_type: Option<&str>| {
            (vec![Chunk::Text(text)], content_type.map(str::to_owned))
        };
        Some(match key {
            "json" => {
                let mut builder = Builder::new(IN_JSON.0, IN_JSON.1);
                self.json(node, &mut builder, place);
                text(builder.finish(), Some("application/json"))
            }
            "form" => {
                let form = self.pairs(node, "`form`", place)?;
                text(form, Some("application/x-www-form-urlencoded"))
            }
            "file" => {
                let path = self.fixed(node, "`file`")?;
                let bytes = self.file(&path, node.span)?;
                (vec![Chunk::Bytes(bytes)], Some(ANY_BYTES.to_owned()))
            }
            "multipart" => self.multipart(node, place)?,
            _ => text(self.text_body(node, place)?, None),
        })
    }

    fn text_body(&mut self, node: &Node, place: Place) -> Option<Template> {
        if let Value::List(_) | Value::Map(_) = node.value {
            let message = format!("`body` must be text, found {}", node.kind());
            self.mistakes.report_with(node.span, message, "for a JSON body write `json`");
            return None;
        }
        let text = self.mistakes.scalar(node, "`body`")?.to_owned();
        let pieces = self.pieces(&text, node.span, place)?;
        Some(template(AS_IT_IS, pieces))
    }

    /// A file's bytes.
    fn file(&mut self, path: &str, span: Span) -> Option<Bytes> {
        let read = (self.inputs)(&Outside::File(path)).and_then(|input| {
            let mut bytes = Vec::new();
            let read = input.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
            read.map_err(|error| format!("cannot be read: {error}"))?;
            match bytes.len() as u64 {
                0..=FILE_BYTES_MAX => Ok(Bytes::from(bytes)),
                _ => Err(format!("larger than {} MiB", FILE_BYTES_MAX >> 20)),
            }
        });
        read.map_err(|cause| self.mistakes.report(span, cause)).ok()
    }

    /// Fields and files as multipart/form-data (RFC 7578).
    fn multipart(&mut self, node: &Node, place: Place) -> Option<Content> {
        let fields = self.mistakes.fields(node, &MULTIPART)?;
        let mut parts: Vec<(Template, Chunk)> = Vec::new();
        for (key, values) in self.entries(&fields, "fields") {
            let Some(name) = &key.text else { continue };
            for value in one_or_many(values) {
                if matches!(value.value, Value::Null) {
                    continue;
                }
                let what = format!("the field `{name}`");
                let Some(text) = self.mistakes.scalar(value, &what) else { continue };
                let text = text.to_owned();
                let Some(pieces) = self.pieces(&text, value.span, place) else { continue };
                let head =
                    format!("Content-Disposition: form-data; name=\"{}\"\r\n", quotable(name));
                parts.push((Template::literal(&head), Chunk::Text(template(AS_IT_IS, pieces))));
            }
        }
        for (key, values) in self.entries(&fields, "files") {
            let Some(name) = &key.text else { continue };
            for value in one_or_many(values) {
                parts.extend(self.part(name, value, place));
            }
        }
        if parts.is_empty() {
            let hint = "write for example multipart: {files: {photo: cat.jpg}}";
            self.mistakes.report_with(node.span, "`multipart` has neither fields nor files", hint);
            return None;
        }
        let boundary = boundary(&parts);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        Some((joined(parts, &boundary), Some(content_type)))
    }

    fn entries<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [(super::node::Key, Node)] {
        let node = fields.get(key);
        node.and_then(|node| self.mistakes.mapping(node, &format!("`{key}`"))).unwrap_or_default()
    }

    /// A file's part: its path, or path, name and type.
    fn part(&mut self, name: &str, node: &Node, place: Place) -> Option<(Template, Chunk)> {
        let (path, span, own_name, own_type) = match &node.value {
            Value::Map(_) => {
                let fields = self.mistakes.fields(node, &PART)?;
                let Some(path) = fields.get("path") else {
                    let hint = "write for example {path: cat.jpg, type: image/jpeg}";
                    self.mistakes.report_with(fields.span, "a file needs a `path`", hint);
                    return None;
                };
                (self.fixed(path, "`path`")?, path.span, fields.get("name"), fields.get("type"))
            }
            _ => (self.fixed(node, "a file")?, node.span, None, None),
        };
        let bytes = self.file(&path, span)?;
        let mut head = Builder::new(IN_NAME.0, IN_NAME.1);
        head.push_raw(&format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"",
            quotable(name)
        ));
        match own_name {
            Some(node) => {
                let text = quotable(self.mistakes.scalar(node, "`name`")?);
                let pieces = self.pieces(&text, node.span, place)?;
                head.push(pieces);
            }
            None => head.push_raw(&quotable(path.rsplit(['/', '\\']).next().unwrap_or(&path))),
        }
        let kind = match own_type {
            Some(node) => self.mistakes.word(node, "`type`")?,
            None => ANY_BYTES.to_owned(),
        };
        head.push_raw(&format!("\"\r\nContent-Type: {kind}\r\n"));
        Some((head.finish(), Chunk::Bytes(bytes)))
    }

    /// Appends a value as compact JSON; text stays text, whatever it is filled with, unless it is nothing
    /// but a template that says `tojson`.
    fn json(&mut self, node: &Node, builder: &mut Builder, place: Place) {
        match &node.value {
            Value::Null => builder.push_raw("null"),
            Value::Bool(value) => builder.push_raw(&value.to_string()),
            Value::Number(number) => {
                // As written where JSON allows it, so that 1.50 and large numbers arrive unchanged.
                let written = node.defined.of(self.mistakes.source.text);
                match serde_json::from_str::<serde_json::Number>(written) {
                    Ok(_) => builder.push_raw(written),
                    Err(_) => builder.push_raw(&number.to_string()),
                }
            }
            Value::Text(text) => match self.json_value(text, place) {
                Some(Ok(piece)) => builder.push(vec![piece]),
                Some(Err((_, (cause, remedy)))) => {
                    self.mistakes.report_with(node.span, cause, remedy);
                }
                None => {
                    builder.push_raw("\"");
                    builder.push(self.pieces(text, node.span, place).unwrap_or_default());
                    builder.push_raw("\"");
                }
            },
            Value::List(items) => {
                builder.push_raw("[");
                for (at, item) in items.iter().enumerate() {
                    builder.push_raw(if at > 0 { "," } else { "" });
                    self.json(item, builder, place);
                }
                builder.push_raw("]");
            }
            Value::Map(entries) => {
                builder.push_raw("{");
                for (at, (key, value)) in entries.iter().enumerate() {
                    let name = escaped(Escape::Json, key.text.as_deref().unwrap_or_default());
                    builder.push_raw(if at > 0 { ",\"" } else { "\"" });
                    builder.push_raw(&name);
                    builder.push_raw("\":");
                    self.json(value, builder, place);
                }
                builder.push_raw("}");
            }
        }
    }
}

/// As browsers write the names of parts, so that none can end before its quote.
fn quotable(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A line that no part holds, the same for the same parts.
fn boundary(parts: &[(Template, Chunk)]) -> String {
    let mut context = Context::new(&SHA256);
    for (head, content) in parts {
        context.update(format!("{head:?}").as_bytes());
        match content {
            Chunk::Text(text) => context.update(format!("{text:?}").as_bytes()),
            Chunk::Bytes(bytes) => context.update(bytes),
        }
    }
    let digest = hexadecimal(context.finish().as_ref());
    format!("steadfire-{}", &digest[..32])
}

fn joined(parts: Vec<(Template, Chunk)>, boundary: &str) -> Vec<Chunk> {
    let literal = |text: &str| Chunk::Text(Template::literal(text));
    let mut chunks = Vec::new();
    for (head, content) in parts {
        chunks.push(literal(&format!("--{boundary}\r\n")));
        chunks.extend([Chunk::Text(head), literal("\r\n"), content, literal("\r\n")]);
    }
    chunks.push(literal(&format!("--{boundary}--\r\n")));
    chunks
}

fn literal_bytes(segment: &Segment) -> usize {
    match segment {
        Segment::Literal(text) => text.len(),
        _ => 0,
    }
}
