//! Text with `${VAR}` and `{{ … }}` compiled to a [`Template`].
//!
//! A value from the environment stands as if it were written in the file, but is never read for templates.

use crate::load::request::{Escape, Segment, Template, push_percent};
use crate::profile::compiler::Compiler;
use crate::profile::diagnostics::nearest;
use crate::profile::node::Span;

/// Part of a text before it is known how its place escapes.
#[derive(Clone, PartialEq, Eq)]
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
    /// Sent before there are pools.
    Setup,
    /// Part of the mix.
    Mix,
}

const FUNCTIONS: [&str; 3] = ["pick", "randint", "uuid"];

/// Names that variables can't take.
pub(super) const RESERVED: [&str; 5] = ["slot", "token", "pick", "randint", "uuid"];

/// A mistake in an expression: cause, and remedy.
type Mistake = (String, String);

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
        let Some(end) = rest.find("}}") else {
            self.mistakes.report_with(
                span.narrowed_to(rest, self.mistakes.source.text),
                "`{{` without its `}}`",
                "close the template with }}; for the two characters themselves write {{ \"{{\" }}",
            );
            return (None, rest.len());
        };
        let whole = &rest[..end + 2];
        let resolved = match place {
            Place::Fixed => Err((
                format!("`{whole}` is not possible here"),
                "only ${NAME} from the environment is".to_owned(),
            )),
            place => self.resolve(rest[2..end].trim(), place),
        };
        let piece = match resolved {
            Ok(piece) => Some(piece),
            Err((cause, remedy)) => {
                let span = span.narrowed_to(whole, self.mistakes.source.text);
                self.mistakes.report_with(span, cause, remedy);
                None
            }
        };
        (piece, whole.len())
    }

    fn resolve(&self, expression: &str, place: Place) -> Result<Piece, Mistake> {
        if let Some(text) = unquoted(expression) {
            return Ok(Piece::Inserted(text.to_owned()));
        }
        if is_name(expression) {
            return self.resolve_name(expression, place);
        }
        let call = expression
            .strip_suffix(')')
            .and_then(|call| call.split_once('('))
            .map(|(function, arguments)| (function.trim_end(), arguments.trim()))
            .filter(|(function, _)| is_name(function));
        match call {
            Some((function, arguments)) => self.resolve_call(function, arguments, place),
            None => Err((
                format!("`{expression}` is not a template"),
                "write a variable's name, slot, token, pick(pool), randint(1, 3) or uuid()".into(),
            )),
        }
    }

    fn resolve_name(&self, name: &str, place: Place) -> Result<Piece, Mistake> {
        if let Some((_, value)) = self.variables.iter().find(|(variable, _)| variable == name) {
            return Ok(Piece::Inserted(value.clone()));
        }
        if let Some(number) = self.flow_variables.iter().flatten().position(|known| known == name) {
            return Ok(Piece::Hole(Segment::Variable(number)));
        }
        match name {
            "slot" => return Ok(Piece::Hole(Segment::SlotIndex)),
            "token" if place == Place::Login => {
                return Err((
                    "the log-in request can't use `token`".into(),
                    "the token exists only once log-in has succeeded".into(),
                ));
            }
            "token" if self.authenticates => return Ok(Piece::Hole(Segment::Token)),
            "token" => {
                return Err((
                    "there is no `token` without a log-in".into(),
                    "add `auth` with a `login`, or take the token from ${TOKEN}".into(),
                ));
            }
            _ => {}
        }
        let variables = self.variables.iter().map(|(variable, _)| variable.as_str());
        let hint = if FUNCTIONS.contains(&name) {
            format!("a function takes brackets: {}", example(name))
        } else if self.pools.iter().any(|pool| pool.name == name) {
            format!("to take a value of the pool write pick({name})")
        } else if let Some(close) = nearest(name, variables.chain(["slot", "token"])) {
            format!("did you mean `{close}`?")
        } else if self.flow_variables.is_some() {
            format!("add `{name}` under `variables`, or extract it in an earlier step")
        } else {
            format!("add `{name}` under `variables`")
        };
        Err((format!("unknown variable `{name}`"), hint))
    }

    fn resolve_call(&self, name: &str, arguments: &str, place: Place) -> Result<Piece, Mistake> {
        let usage =
            || (format!("wrong arguments for `{name}`"), format!("write {}", example(name)));
        match name {
            "pick" => {
                let pool = unquoted(arguments).unwrap_or(arguments);
                if !is_name(pool) {
                    return Err(usage());
                }
                self.resolve_pick(pool, place)
            }
            "randint" => {
                let ends = arguments.split_once(',').ok_or_else(usage)?;
                let end = |text: &str| text.trim().parse::<i64>().map_err(|_| usage());
                let (low, high) = (end(ends.0)?, end(ends.1)?);
                if low > high {
                    return Err((
                        format!("randint({low}, {high}) has its ends the wrong way round"),
                        format!("write randint({high}, {low})"),
                    ));
                }
                Ok(Piece::Hole(Segment::RandomInt { low, high }))
            }
            "uuid" if arguments.is_empty() => Ok(Piece::Hole(Segment::Uuid)),
            "uuid" => Err(usage()),
            "slot" | "token" => {
                Err((format!("`{name}` is not a function"), format!("write {{{{ {name} }}}}")))
            }
            _ => {
                let hint = match nearest(name, FUNCTIONS) {
                    Some(function) => format!("did you mean {}?", example(function)),
                    None => "the functions are pick(pool), randint(1, 3) and uuid()".to_owned(),
                };
                Err((format!("unknown function `{name}`"), hint))
            }
        }
    }

    fn resolve_pick(&self, pool: &str, place: Place) -> Result<Piece, Mistake> {
        if place != Place::Mix {
            return Err((
                "log-in and set-up requests can't pick from a pool".into(),
                "pools are filled once set-up has run; only `requests` use them".into(),
            ));
        }
        if let Some(number) = self.gathered.iter().position(|gathered| gathered.name == pool) {
            return Ok(Piece::Hole(Segment::PickGathered(number)));
        }
        if let Some(id) = self.pools.iter().position(|source| source.name == pool) {
            return Ok(Piece::Hole(Segment::Pick(id)));
        }
        let hint = match nearest(pool, self.pools.iter().map(|source| source.name.as_str())) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("fill it in a set-up request: pools: {{{pool}: \"$.items[*].id\"}}"),
        };
        Err((format!("unknown pool `{pool}`"), hint))
    }
}

fn example(function: &str) -> &'static str {
    match function {
        "pick" => "pick(pool)",
        "randint" => "randint(1, 3), whole numbers, both ends included",
        _ => "uuid()",
    }
}

fn next_marker(text: &str) -> Option<usize> {
    text.match_indices(['$', '{']).map(|(at, _)| at).find(|&at| {
        let rest = &text[at..];
        rest.starts_with("${") || rest.starts_with("$${") || rest.starts_with("{{")
    })
}

/// Letters, digits and underscores, not beginning with a digit.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What stands between a pair of quotes.
fn unquoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote))
    })
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

/// `text` as it stands in a path, a query, a JSON string or elsewhere.
pub(super) fn escaped(escape: Escape, text: &str) -> String {
    match escape {
        Escape::None => text.to_owned(),
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
