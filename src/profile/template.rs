//! Text with `${VAR}` and `{{ … }}` compiled to a [`Template`].
//!
//! A value from the environment stands as if it were written in the file, but is never read for templates.

use crate::load::expression::Writing;
use crate::load::feeder::FeederId;
use crate::load::request::{Escape, PoolId, Segment, Template, push_percent};
use crate::profile::compiler::Compiler;
use crate::profile::computed::Located;
use crate::profile::diagnostics::nearest;
use crate::profile::functions::{self, example};
use crate::profile::node::Span;
use crate::profile::scan::{expression_end, is_closed, next_marker, unquoted};

/// Part of a text before it is known how its place escapes.
#[derive(Clone, PartialEq)]
pub(super) enum Piece {
    /// As written, or from the environment.
    Written(String),
    /// The value of a `{{ variable }}` or of a quoted text; escaped like any hole.
    Inserted(String),
    Hole(Segment),
}

/// What a text may refer to, by where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The host, a variable: `${VAR}` alone.
    Fixed,
    /// Sent before there is a token.
    Login,
    /// Sent to renew a token.
    Refresh,
    /// Sent before pools are filled; variables of earlier set-up requests are.
    Setup,
    /// Part of the mix.
    Mix,
}

/// Whether a variable, a pool or a feeder can't take this name.
pub(super) fn is_reserved(name: &str) -> bool {
    name == "slot" || name == "token" || functions::names().any(|function| function == name)
}

/// The pool of a refresh request that holds the refresh token.
const REFRESH_TOKEN: PoolId = 0;

/// A mistake in an expression: cause, and remedy.
pub(super) type Mistake = (String, String);

impl Compiler<'_> {
    /// Reads a text; reports its mistakes, at `span`, and gives nothing if there are any.
    pub(super) fn pieces(&mut self, text: &str, span: Span, place: Place) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut whole = true;
        let mut rest = text;
        while let Some(at) = next_marker(rest) {
            pieces.push(Piece::Written(rest[..at].to_owned()));
            rest = &rest[at..];
            if let Some(tail) = rest.strip_prefix("$${") {
                pieces.push(Piece::Written("${".to_owned()));
                rest = tail;
                continue;
            }
            let (piece, length) = if rest.starts_with("${") {
                self.environment_value(rest, span)
            } else {
                self.expression(rest, span, place)
            };
            whole &= piece.is_some();
            pieces.extend(piece);
            rest = &rest[length..];
        }
        pieces.push(Piece::Written(rest.to_owned()));
        whole.then_some(pieces)
    }

    /// The value of the `${…}` that `rest` begins with, and the length of that part.
    fn environment_value(&mut self, rest: &str, span: Span) -> (Option<Piece>, usize) {
        let Some(end) = rest.find('}') else {
            self.mistakes.report_with(
                span.narrowed_to(rest, self.mistakes.source.text),
                "`${` without its `}`",
                "write ${NAME}, or $${ for the two characters themselves",
            );
            return (None, rest.len());
        };
        let (whole, inner) = (&rest[..=end], &rest[2..end]);
        let span = span.narrowed_to(whole, self.mistakes.source.text);
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let value = if is_name(name) {
            let set =
                (self.environment)(name).filter(|value| default.is_none() || !value.is_empty());
            let value = set.or_else(|| default.map(str::to_owned));
            if value.is_none() && self.missing.insert(name.to_owned()) {
                self.mistakes.report_with(
                    span,
                    format!("the environment variable `{name}` is not set"),
                    format!(
                        "export {name}=…, name a file that holds it with --env-file, or write \
                         ${{{name}:-default}}"
                    ),
                );
            }
            value
        } else {
            self.mistakes.report_with(
                span,
                format!("`{name}` is not the name of an environment variable"),
                "write ${NAME} or ${NAME:-default}, or $${ for the two characters themselves",
            );
            None
        };
        (value.map(Piece::Written), whole.len())
    }

    /// What the `{{ … }}` that `rest` begins with stands for, and the length of that part.
    fn expression(&mut self, rest: &str, span: Span, place: Place) -> (Option<Piece>, usize) {
        let Some(end) = expression_end(rest) else {
            self.mistakes.report_with(
                span.narrowed_to(rest, self.mistakes.source.text),
                "`{{` without its `}}`",
                "close the template with }}; for the two characters themselves write {{ \"{{\" }}",
            );
            return (None, rest.len());
        };
        let whole = &rest[..end + 2];
        let inner = whole[2..end].trim();
        let resolved = match place {
            Place::Fixed => Err((
                None,
                (
                    format!("`{whole}` is not possible here"),
                    "only ${NAME} from the environment is".to_owned(),
                ),
            )),
            place => self.resolve(inner, place),
        };
        match resolved {
            Ok(piece) => (Some(piece), whole.len()),
            Err((range, (cause, remedy))) => {
                let span = span.narrowed_to(whole, self.mistakes.source.text);
                let known = range.filter(|_| span.of(self.mistakes.source.text) == whole);
                let span = known.map_or(span, |range| {
                    let start = span.start + whole.find(inner).unwrap_or(0);
                    Span { start: start + range.start, end: start + range.end }
                });
                self.mistakes.report_with(span, cause, remedy);
                (None, whole.len())
            }
        }
    }

    fn resolve(&self, expression: &str, place: Place) -> Result<Piece, Located> {
        if let Some(text) = unquoted(expression) {
            return Ok(Piece::Inserted(text.to_owned()));
        }
        let (name, column) = match expression.split_once('.') {
            Some((name, column)) => (name, Some(column)),
            None => (expression, None),
        };
        if is_name(name) && column.is_none_or(is_name) {
            return self.resolve_name(name, column, place).map_err(|mistake| (None, mistake));
        }
        let call = expression
            .strip_suffix(')')
            .and_then(|call| call.split_once('('))
            .map(|(function, arguments)| (function.trim_end(), arguments.trim()))
            .filter(|(function, arguments)| is_name(function) && is_closed(arguments));
        match call.and_then(|(function, inner)| self.resolve_call(function, inner, place)) {
            Some(outcome) => outcome.map_err(|mistake| (None, mistake)),
            None => self.compute(expression, place, Writing::Text),
        }
    }

    fn resolve_name(
        &self,
        name: &str,
        column: Option<&str>,
        place: Place,
    ) -> Result<Piece, Mistake> {
        if let Some(feeder) = self.feeder(name) {
            let column = self.column(feeder, column, place)?.ok_or_else(|| {
                let columns = self.feeders[feeder].table.columns();
                let all = columns.join(", ");
                let hint = format!("write {{{{ {name}.{} }}}}; it has: {all}", columns[0]);
                (format!("the feeder `{name}` has several columns"), hint)
            })?;
            return Ok(Piece::Hole(Segment::Cell { feeder, column }));
        }
        if self.is_broken_feeder(name) {
            return Ok(Piece::Inserted(String::new()));
        }
        if column.is_some() {
            let (cause, hint) = self.unknown_name(name);
            return Err((cause.replace("variable", "feeder"), hint));
        }
        if let Some((_, value)) = self.variables.iter().find(|(variable, _)| variable == name) {
            return Ok(Piece::Inserted(value.clone()));
        }
        if let Some(number) = self.flow_variables.iter().flatten().position(|known| known == name) {
            return Ok(Piece::Hole(Segment::Variable(number)));
        }
        if let Some(pool) = self.set_up_variable(name) {
            // The only value there is.
            return Ok(Piece::Hole(Segment::Pick(pool)));
        }
        match name {
            "slot" => Ok(Piece::Hole(Segment::SlotIndex)),
            "token" => self.token(place).map(Piece::Hole),
            "refresh_token" if place == Place::Refresh => self.refresh_token().map(Piece::Hole),
            _ => Err(self.unknown_name(name)),
        }
    }

    /// The token, where there is one.
    pub(super) fn token(&self, place: Place) -> Result<Segment, Mistake> {
        if place == Place::Login {
            return Err((
                "the log-in request can't use `token`".into(),
                "the token exists only once log-in has succeeded".into(),
            ));
        }
        if self.authenticates {
            return Ok(Segment::Token);
        }
        Err((
            "there is no `token` without a log-in".into(),
            "add `auth` with a `login`, or take the token from ${TOKEN}".into(),
        ))
    }

    fn refresh_token(&self) -> Result<Segment, Mistake> {
        if self.refreshes_by_token {
            return Ok(Segment::Pick(REFRESH_TOKEN));
        }
        Err((
            "there is no `refresh_token`".into(),
            "say where the log-in's answer holds it: refresh_token: \"$.refresh_token\"".into(),
        ))
    }

    pub(super) fn feeder(&self, name: &str) -> Option<FeederId> {
        self.feeders.iter().position(|feeder| feeder.name == name)
    }

    /// Whether it is a feeder whose mistakes have been reported.
    pub(super) fn is_broken_feeder(&self, name: &str) -> bool {
        self.broken_feeders.iter().any(|broken| broken == name)
    }

    pub(super) fn unknown_name(&self, name: &str) -> Mistake {
        let set_up = self.pools.iter().filter(|pool| pool.is_variable());
        let variables = self.variables.iter().map(|(variable, _)| variable.as_str());
        let variables = variables.chain(set_up.map(|pool| pool.name.as_str()));
        let feeders = self.feeders.iter().map(|feeder| feeder.name.as_str());
        let hint = if functions::names().any(|function| function == name) {
            format!("a function takes brackets: {}", example(name))
        } else if self.pools.iter().any(|pool| pool.name == name) {
            format!("to take a value of the pool write pick({name})")
        } else if let Some(close) = nearest(name, variables.chain(feeders).chain(["slot", "token"]))
        {
            format!("did you mean `{close}`?")
        } else if self.flow_variables.is_some() {
            format!("add `{name}` under `variables`, or extract it in an earlier step")
        } else {
            format!("add `{name}` under `variables`")
        };
        (format!("unknown variable `{name}`"), hint)
    }

    /// What a text of `json` becomes that is nothing but `{{ … | tojson }}`: a value without quotes.
    pub(super) fn json_value(&self, text: &str, place: Place) -> Option<Result<Piece, Located>> {
        let text = text.trim().strip_prefix("{{")?;
        let end = expression_end(text)?;
        let inner = text[..end].trim_end().strip_suffix("tojson")?.trim_end().strip_suffix('|')?;
        let (inner, rest) = (inner.trim(), &text[end + 2..]);
        if !rest.is_empty() {
            return None;
        }
        let number = self.resolve(inner, place).ok().filter(|piece| match piece {
            Piece::Hole(Segment::RandomInt { .. } | Segment::SlotIndex) => true,
            Piece::Hole(Segment::Made(generator)) => generator.is_number(),
            _ => false,
        });
        Some(number.map_or_else(|| self.compute(inner, place, Writing::Json), Ok))
    }
}

/// Letters, digits and underscores, not beginning with a digit.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Joins pieces to a [`Template`]; adjacent literals become one.
pub(super) struct Builder {
    /// For text as written.
    written: Escape,
    /// For everything else.
    holes: Escape,
    segments: Vec<Segment>,
}

impl Builder {
    pub(super) fn new(written: Escape, holes: Escape) -> Self {
        Self { written, holes, segments: Vec::new() }
    }

    pub(super) fn push(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Written(text) => self.push_raw(&escaped(self.written, &text)),
                Piece::Inserted(text) => self.push_raw(&escaped(self.holes, &text)),
                Piece::Hole(segment) => self.segments.push(segment),
            }
        }
    }

    /// Appends text that is not escaped.
    pub(super) fn push_raw(&mut self, text: &str) {
        match self.segments.last_mut() {
            Some(Segment::Literal(literal)) => literal.push_str(text),
            _ if text.is_empty() => {}
            _ => self.segments.push(Segment::Literal(text.to_owned())),
        }
    }

    /// Appends another template's segments as they are.
    pub(super) fn append(&mut self, other: Template) {
        for segment in other.segments {
            match segment {
                Segment::Literal(text) => self.push_raw(&text),
                hole => self.segments.push(hole),
            }
        }
    }

    pub(super) fn finish(self) -> Template {
        Template { segments: self.segments, escape: self.holes }
    }
}

/// A template of fixed escapes in one go.
pub(super) fn template(escapes: (Escape, Escape), pieces: Vec<Piece>) -> Template {
    let mut builder = Builder::new(escapes.0, escapes.1);
    builder.push(pieces);
    builder.finish()
}

/// `text` as it stands in a path, a query, a JSON string or elsewhere.
pub(super) fn escaped(escape: Escape, text: &str) -> String {
    match escape {
        Escape::None | Escape::Link => text.to_owned(),
        Escape::Percent => {
            let mut out = String::new();
            push_percent(text, &mut out);
            out
        }
        Escape::Json => {
            let quoted = serde_json::Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
    }
}
