//! [`Fields`]: the keys of one of the profile's mappings, unknown ones reported; and typed reads of values.
//!
//! The tables of keys below are all that the format knows; the published schema is tested against them.

use std::ops::RangeInclusive;

use crate::profile::diagnostics::{Mistakes, nearest};
use crate::profile::node::{Key, Node, Span, Value};

/// What may stand in one kind of mapping.
pub(super) struct Keys {
    /// For messages: "a request".
    pub(super) of: &'static str,
    pub(super) known: &'static [&'static str],
    /// Part of the format, but not of this version.
    pub(super) planned: &'static [&'static str],
}

pub(super) const PROFILE: Keys = Keys {
    of: "a profile",
    known: &[
        "name",
        "host",
        "variables",
        "feeders",
        "headers",
        "auth",
        "setup",
        "requests",
        "flows",
        "rate_counts",
        "slo",
        "rate",
        "duration",
        "stages",
        "warmup",
        "arrivals",
        "monitors",
    ],
    planned: &[],
};
pub(super) const AUTH: Keys = Keys {
    of: "`auth`",
    known: &[
        "login",
        "oauth2",
        "basic",
        "api_key",
        "host",
        "token",
        "cookies",
        "header",
        "expires_in",
        "refresh",
        "refresh_token",
        "users",
        "pool",
        "rate",
        "fill_timeout",
    ],
    planned: &[],
};
pub(super) const OAUTH2: Keys = Keys {
    of: "`oauth2`",
    known: &["token_url", "client_id", "client_secret", "scope", "audience", "credentials"],
    planned: &[],
};
pub(super) const BASIC: Keys = Keys { of: "`basic`", known: &["user", "password"], planned: &[] };
pub(super) const API_KEY: Keys =
    Keys { of: "`api_key`", known: &["header", "query", "cookie", "value"], planned: &[] };
pub(super) const USERS: Keys = Keys { of: "`users`", known: &["file"], planned: &[] };
pub(super) const REFRESH: Keys = Keys { of: "`refresh`", ..LOGIN };
pub(super) const LOGIN: Keys = Keys {
    of: "`login`",
    known: &[
        "method",
        "path",
        "query",
        "headers",
        "json",
        "body",
        "form",
        "file",
        "multipart",
        "compress",
        "expect",
    ],
    planned: &[],
};
pub(super) const SETUP: Keys = Keys {
    of: "a set-up request",
    known: &[
        "name",
        "method",
        "path",
        "query",
        "headers",
        "json",
        "body",
        "form",
        "file",
        "multipart",
        "compress",
        "expect",
        "pools",
        "extract",
        "hint",
    ],
    planned: &[],
};
pub(super) const REQUEST: Keys = Keys {
    of: "a request",
    known: &[
        "name",
        "weight",
        "group",
        "tags",
        "method",
        "path",
        "query",
        "headers",
        "json",
        "body",
        "form",
        "file",
        "multipart",
        "compress",
        "expect",
        "extract",
        "redirects",
        "on_empty",
        "slo",
    ],
    planned: &[],
};
pub(super) const FEEDER: Keys = Keys {
    of: "a feeder",
    known: &[
        "csv",
        "jsonl",
        "list",
        "process",
        "format",
        "delimiter",
        "columns",
        "rows",
        "wait",
        "order",
        "at_end",
    ],
    planned: &[],
};
pub(super) const MULTIPART: Keys =
    Keys { of: "`multipart`", known: &["fields", "files"], planned: &[] };
pub(super) const PART: Keys =
    Keys { of: "a file of `multipart`", known: &["path", "name", "type"], planned: &[] };
pub(super) const STAGE: Keys = Keys { of: "a stage", known: &["rate", "duration"], planned: &[] };
pub(super) const FLOW: Keys = Keys {
    of: "a flow",
    known: &["name", "weight", "tags", "cookies", "on_failure", "steps"],
    planned: &[],
};
pub(super) const STEP: Keys = Keys {
    of: "a step",
    known: &[
        "name",
        "think",
        "method",
        "path",
        "query",
        "headers",
        "json",
        "body",
        "form",
        "file",
        "multipart",
        "compress",
        "expect",
        "extract",
        "redirects",
        "slo",
    ],
    planned: &[],
};
pub(super) const EXPECT: Keys = Keys { of: "`expect`", known: &EXPECT_KEYS, planned: &[] };
const EXPECT_KEYS: [&str; 6] = ["status", "max_bytes", "min_bytes", "contains", "header", "json"];
pub(super) const HEADER_TEST: Keys =
    Keys { of: "a header's check", known: &["exists", "equals", "contains"], planned: &[] };
pub(super) const JSON_TEST: Keys =
    Keys { of: "a value's check", known: &["exists", "equals", "type"], planned: &[] };
pub(super) const EXTRACT: Keys = Keys {
    of: "an extraction",
    known: &["json", "pointer", "header", "regex", "into", "keep"],
    planned: &[],
};
/// The values of a set-up pool are all kept.
pub(super) const SETUP_EXTRACT: Keys = Keys {
    of: "a set-up request's extraction",
    known: &["json", "pointer", "header", "regex", "into"],
    planned: &[],
};
pub(super) const SLO: Keys =
    Keys { of: "`slo`", known: &["limit", "excellent", "acceptable"], planned: &[] };

/// Keys that people look for in a profile, and where the matter is decided instead.
const ELSEWHERE: [(&str, &str); 3] = [
    ("seed", "the seed is the flag --seed"),
    ("timeout", "the time limit is the flag --timeout"),
    ("thresholds", "limits stand under `slo`"),
];

/// A mapping whose keys have been checked.
pub(super) struct Fields<'n> {
    pub(super) entries: &'n [(Key, Node)],
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    /// The value of a key; a key without a value counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.get_even_null(key).filter(|node| !matches!(node.value, Value::Null))
    }

    pub(super) fn get_even_null(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(k, _)| k.text.as_deref() == Some(key)).map(|(_, node)| node)
    }
}

impl<'a> Mistakes<'a> {
    /// The node as a mapping with these keys.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, keys: &Keys) -> Option<Fields<'n>> {
        let entries = self.mapping(node, keys.of)?;
        for (key, _) in entries {
            if let Some(text) = &key.text {
                self.check_key(key.span, text, keys);
            }
        }
        Some(Fields { entries, span: node.span })
    }

    fn check_key(&mut self, span: Span, key: &str, keys: &Keys) {
        if keys.known.contains(&key) {
            return;
        }
        if keys.planned.contains(&key) {
            let message = format!("`{key}` is not supported yet by this version");
            return self.report_with(span, message, format!("remove `{key}` from {}", keys.of));
        }
        let elsewhere = ELSEWHERE.iter().find(|(word, _)| *word == key);
        let hint = match (nearest(key, keys.known.iter().copied()), elsewhere) {
            (_, Some((_, place))) => (*place).to_owned(),
            (Some(known), None) => format!("did you mean `{known}`?"),
            (None, None) => format!("{} has: {}", keys.of, keys.known.join(", ")),
        };
        self.report_with(span, format!("unknown key `{key}` of {}", keys.of), hint);
    }

    /// The node's keys and values.
    pub(super) fn mapping<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        if let Value::Map(entries) = &node.value {
            return Some(entries);
        }
        self.wrong_type(node, what, "a mapping of keys to values");
        None
    }

    /// The node's items.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Value::List(items) = &node.value {
            return Some(items);
        }
        self.wrong_type(node, what, "a list");
        None
    }

    /// Text, or a number or truth value as it is written.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str>
    where
        'a: 'n,
    {
        let text = node.scalar(self.source.text);
        if text.is_none() {
            self.wrong_type(node, what, "text");
        }
        text
    }

    /// A short text on one line: a name, a tag.
    pub(super) fn word(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.scalar(node, what)?.to_owned();
        if text.trim().is_empty() || text.chars().any(char::is_control) || text.len() > WORD_MAX {
            let message = format!("{what} must be one line of 1 to {WORD_MAX} bytes");
            self.report(node.span, message);
            return None;
        }
        Some(text)
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        node: &Node,
        what: &str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let number = match &node.value {
            Value::Number(number) => number.as_u64().filter(|number| range.contains(number)),
            _ => None,
        };
        if number.is_none() {
            let wanted = format!("a whole number from {} to {}", range.start(), range.end());
            match node.value {
                Value::Number(_) => self.report(node.span, format!("{what} must be {wanted}")),
                _ => self.wrong_type(node, what, &wanted),
            }
        }
        number
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let word = self.scalar(node, what)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let message = format!("{what} must be one of: {}", names.join(", "));
        match nearest(word, names) {
            Some(name) => self.report_with(node.span, message, format!("did you mean `{name}`?")),
            None => self.report(node.span, message),
        }
        None
    }

    pub(super) fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        // An unquoted template reads as such a mapping, which has been reported already.
        let unquoted_template = matches!(&node.value, Value::Map(entries)
            if entries.iter().any(|(key, _)| key.text.is_none()));
        if !unquoted_template {
            self.report(node.span, format!("{what} must be {wanted}, found {}", node.kind()));
        }
    }

    /// Reports what is wrong with keys anywhere below `node`: repeated ones, and ones that are no text.
    pub(super) fn check_keys(&mut self, node: &Node) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|item| self.check_keys(item)),
            Value::Map(entries) => {
                let mut seen = std::collections::HashSet::new();
                for (key, value) in entries {
                    match &key.text {
                        Some(text) if seen.insert(text) => {}
                        Some(text) => {
                            self.report(key.span, format!("the key `{text}` stands here twice"));
                        }
                        None => self.report_with(
                            key.span,
                            "a key must be text",
                            "put quotes around a value that begins with `{{`",
                        ),
                    }
                    self.check_keys(value);
                }
            }
            _ => {}
        }
    }
}

/// The longest name, group or tag, in bytes.
const WORD_MAX: usize = 200;

/// A list's items, or the node itself as the only one.
pub(super) fn one_or_many(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}
