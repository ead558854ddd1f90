//! What is done with an answer: the keys `expect`, `extract` and `redirects`.
//!
//! Checks are named after what they look at, never after the values they compare with: those may come from
//! the environment.

use std::ops::RangeInclusive;

use http::HeaderName;
use serde_json::Value as Json;

use crate::load::expect::{Check, Expect, JsonTest, JsonType, MARKS_MAX, Test, TextTest};
use crate::load::extract::{Extraction, GatheredPool, Pattern, Selector, Target};
use crate::load::json_path::JsonPath;
use crate::load::redirect::REDIRECTS_MAX;
use crate::profile::compiler::Compiler;
use crate::profile::fields::{EXPECT, EXTRACT, Fields, HEADER_TEST, JSON_TEST, Keys, one_or_many};
use crate::profile::node::{Key, Node, Value};
use crate::profile::template::{Place, is_name, is_reserved};

/// What holds an extracted value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Pool,
    Variable,
}

impl Compiler<'_> {
    /// What `fields` say of the answer.
    pub(super) fn expectation(&mut self, fields: &Fields<'_>, place: Place) -> Expect {
        let mut expect = Expect::SUCCESS;
        if let Some(node) = fields.get("expect") {
            self.expect(node, &mut expect);
        }
        // A set-up request's fills pools of the plan.
        if let Some(node) = fields.get("extract").filter(|_| place == Place::Mix) {
            expect.extract = self.extract(node);
        }
        if let Some(node) = fields.get("redirects") {
            let most = 0..=u64::from(REDIRECTS_MAX);
            let redirects = self.mistakes.whole(node, "`redirects`", most);
            expect.redirects = redirects.and_then(|most| u32::try_from(most).ok()).unwrap_or(0);
        }
        if expect.checks.len() + expect.extract.len() > MARKS_MAX {
            let message = format!("more than {MARKS_MAX} checks and extractions of one request");
            self.mistakes.report(fields.span, message);
        }
        expect
    }

    fn expect(&mut self, node: &Node, expect: &mut Expect) {
        let Some(fields) = self.mistakes.fields(node, &EXPECT) else { return };
        let statuses = fields.get("status").map(one_or_many).unwrap_or_default();
        expect.statuses = statuses.iter().filter_map(|node| self.status(node)).collect();
        let checks = &mut expect.checks;
        let bounds =
            [("max_bytes", Test::MaxBytes as fn(u64) -> Test), ("min_bytes", Test::MinBytes)];
        for (key, test) in bounds {
            let number = fields
                .get(key)
                .and_then(|node| self.mistakes.whole(node, &format!("`{key}`"), 0..=u64::MAX));
            checks.extend(number.map(|number| Check { name: key.to_owned(), test: test(number) }));
        }
        if let Some(node) = fields.get("contains") {
            self.contains(node, checks);
        }
        if let Some(node) = fields.get("header") {
            self.header_tests(node, checks);
        }
        if let Some(node) = fields.get("json") {
            self.json_tests(node, checks);
        }
    }

    /// `200`, `2xx` or `200-204`.
    fn status(&mut self, node: &Node) -> Option<RangeInclusive<u16>> {
        if let Value::Text(text) = &node.value {
            let found = status_range(text);
            if found.is_none() {
                let hint = "write a status such as 200, a class as 2xx, or a range as 200-204";
                self.mistakes.report_with(node.span, "this is not a status", hint);
            }
            return found;
        }
        let status = self.mistakes.whole(node, "a status", 100..=599)?;
        let status = u16::try_from(status).ok()?;
        Some(status..=status)
    }

    fn contains(&mut self, node: &Node, checks: &mut Vec<Check>) {
        let texts = one_or_many(node);
        for (text, number) in texts.iter().zip(1..) {
            let Some(text) = self.fixed(text, "`contains`") else { continue };
            let name =
                if texts.len() == 1 { "contains".to_owned() } else { format!("contains {number}") };
            checks.push(Check { name, test: Test::Contains(text) });
        }
    }

    /// `Name: value`, or a mapping of what must hold.
    fn header_tests(&mut self, node: &Node, checks: &mut Vec<Check>) {
        for (key, wanted) in self.mistakes.mapping(node, "`header`").unwrap_or_default() {
            let Some(name) = &key.text else { continue };
            let parsed = name.parse::<HeaderName>();
            if parsed.is_err() {
                self.mistakes.report(key.span, format!("`{name}` is not the name of a header"));
            }
            let tests = self.header_test(name, wanted);
            let Ok(header) = parsed else { continue };
            checks.extend(tests.into_iter().map(|(word, test)| Check {
                name: format!("header {header}: {word}"),
                test: Test::Header(header.clone(), test),
            }));
        }
    }

    fn header_test(&mut self, name: &str, node: &Node) -> Vec<(&'static str, TextTest)> {
        let what = format!("the header `{name}`");
        if !matches!(node.value, Value::Map(_)) {
            let text = self.fixed(node, &what);
            return text.map(|text| ("equals", TextTest::Equals(text))).into_iter().collect();
        }
        let Some(fields) = self.mistakes.fields(node, &HEADER_TEST) else { return Vec::new() };
        let mut tests = Vec::new();
        if let Some(there) = fields.get("exists").and_then(|node| self.truth(node, "`exists`")) {
            tests.push(if there {
                ("exists", TextTest::Exists)
            } else {
                ("absent", TextTest::Absent)
            });
        }
        if let Some(text) = fields.get("equals").and_then(|node| self.fixed(node, &what)) {
            tests.push(("equals", TextTest::Equals(text)));
        }
        if let Some(text) = fields.get("contains").and_then(|node| self.fixed(node, &what)) {
            tests.push(("contains", TextTest::Contains(text)));
        }
        tests
    }

    /// `$.path: value`, or a mapping of what must hold.
    fn json_tests(&mut self, node: &Node, checks: &mut Vec<Check>) {
        for (key, wanted) in self.mistakes.mapping(node, "`json`").unwrap_or_default() {
            let Some(text) = &key.text else { continue };
            let path = JsonPath::parse(text);
            if path.is_none() {
                let message = format!("`{text}` must be a JSONPath (RFC 9535)");
                self.mistakes.report_with(key.span, message, "write for example \"$.items[0].id\"");
            }
            let tests = self.json_test(text, wanted);
            let Some(path) = path else { continue };
            checks.extend(tests.into_iter().map(|(word, test)| Check {
                name: format!("json {text}: {word}"),
                test: Test::Json(path.clone(), test),
            }));
        }
    }

    fn json_test(&mut self, path: &str, node: &Node) -> Vec<(&'static str, JsonTest)> {
        if !matches!(node.value, Value::Map(_)) {
            let value = self.compared(node, path);
            return value.map(|value| ("equals", JsonTest::Equals(value))).into_iter().collect();
        }
        let Some(fields) = self.mistakes.fields(node, &JSON_TEST) else { return Vec::new() };
        let mut tests = Vec::new();
        if let Some(there) = fields.get("exists").and_then(|node| self.truth(node, "`exists`")) {
            tests.push(if there {
                ("exists", JsonTest::Exists)
            } else {
                ("absent", JsonTest::Absent)
            });
        }
        let kind = fields
            .get("type")
            .and_then(|node| self.mistakes.choice(node, "`type`", &JsonType::NAMED));
        tests.extend(kind.map(|kind| ("type", JsonTest::Is(kind))));
        let value = fields.get_even_null("equals").and_then(|node| self.compared(node, path));
        tests.extend(value.map(|value| ("equals", JsonTest::Equals(value))));
        tests
    }

    /// A value to compare with, `${VAR}` replaced in texts.
    fn compared(&mut self, node: &Node, what: &str) -> Option<Json> {
        Some(match &node.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::Text(_) => Json::String(self.fixed(node, &format!("`{what}`"))?),
            Value::List(items) => {
                items.iter().map(|item| self.compared(item, what)).collect::<Option<_>>()?
            }
            Value::Map(entries) => {
                let pairs = entries.iter().filter_map(|(key, value)| {
                    Some((key.text.clone()?, self.compared(value, what)?))
                });
                Json::Object(pairs.collect())
            }
        })
    }

    pub(super) fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        self.mistakes.wrong_type(node, what, "true or false");
        None
    }

    fn extract(&mut self, node: &Node) -> Vec<Extraction> {
        let mut extractions = Vec::new();
        for (key, wanted) in self.mistakes.mapping(node, "`extract`").unwrap_or_default() {
            let Some(name) = &key.text else { continue };
            let Some((source, into)) = self.selector(name, wanted, &EXTRACT) else { continue };
            let into = match (into, &self.flow_variables) {
                (Some(Holder::Pool), _) | (None, None) => {
                    self.gathered_pool(name).map(Target::Pool)
                }
                (Some(Holder::Variable), None) => {
                    let span = entry(wanted, "into").map_or(wanted.span, |node| node.span);
                    let message = "only set-up requests and steps of flows fill variables";
                    self.mistakes.report_with(span, message, "leave `into` out");
                    None
                }
                _ => self.flow_variable(key).map(Target::Variable),
            };
            extractions.extend(into.map(|into| Extraction { name: name.clone(), source, into }));
        }
        extractions
    }

    /// Where a value stands, and what it is for if that is said.
    pub(super) fn selector(
        &mut self,
        name: &str,
        node: &Node,
        keys: &Keys,
    ) -> Option<(Selector, Option<Holder>)> {
        let hint = "write a JSONPath such as $.items[*].id, a JSON pointer such as /items/0/id, or \
                    {header: Name} or {regex: 'id=(\\d+)'}";
        if let Value::Text(text) = &node.value {
            let source = match text.as_bytes().first() {
                Some(b'$') => JsonPath::parse(text).map(Selector::Json),
                Some(b'/') => Some(Selector::Pointer(text.clone())),
                _ => None,
            };
            if source.is_none() {
                let message = format!("`{name}` does not say where its value stands");
                self.mistakes.report_with(node.span, message, hint);
            }
            return Some((source?, None));
        }
        let fields = self.mistakes.fields(node, keys)?;
        let choices = [("pool", Holder::Pool), ("variable", Holder::Variable)];
        let into = match fields.get("into") {
            None => None,
            Some(node) => Some(self.mistakes.choice(node, "`into`", &choices)?),
        };
        let given: Vec<&str> = ["json", "pointer", "header", "regex"]
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        let [kind] = given[..] else {
            let message = format!("`{name}` needs one of json, pointer, header and regex");
            self.mistakes.report_with(node.span, message, hint);
            return None;
        };
        let node = fields.get(kind)?;
        let text = self.mistakes.scalar(node, &format!("`{kind}`"))?.to_owned();
        let source = match kind {
            "json" => JsonPath::parse(&text)
                .map(Selector::Json)
                .ok_or_else(|| "must be a JSONPath (RFC 9535)".to_owned()),
            "pointer" if text.is_empty() || text.starts_with('/') => Ok(Selector::Pointer(text)),
            "pointer" => Err("must begin with / (RFC 6901)".to_owned()),
            "header" => text
                .parse()
                .map(Selector::Header)
                .map_err(|_| "must be the name of a header".to_owned()),
            _ => Pattern::parse(&text)
                .map(Selector::Pattern)
                .map_err(|cause| format!("is not a regular expression: {cause}")),
        };
        match source {
            Ok(source) => Some((source, into)),
            Err(cause) => {
                self.mistakes.report(node.span, format!("`{kind}` {cause}"));
                None
            }
        }
    }

    fn gathered_pool(&self, name: &str) -> Option<usize> {
        self.gathered.iter().position(|pool| pool.name == name)
    }

    /// A variable of the flow that is being read; the same name again means the same variable.
    fn flow_variable(&mut self, key: &Key) -> Option<usize> {
        let name = key.text.as_ref()?;
        let taken = self.variables.iter().any(|(variable, _)| variable == name)
            || self.set_up_variable(name).is_some();
        if taken || is_reserved(name) || !is_name(name) {
            let message = format!("`{name}` can't be the name of a flow's variable");
            let hint = if taken {
                "there is a variable of that name already; take another"
            } else {
                "use letters, digits and _, and neither slot, token nor a function's name"
            };
            self.mistakes.report_with(key.span, message, hint);
            return None;
        }
        let variables = self.flow_variables.as_mut()?;
        let place = variables.iter().position(|variable| variable == name);
        Some(place.unwrap_or_else(|| {
            variables.push(name.clone());
            variables.len() - 1
        }))
    }

    /// Takes note of the pools that answers fill, before the requests that pick from them are read. What is
    /// wrong with them is reported when they are read.
    pub(super) fn note_gathered(&mut self, fields: &Fields<'_>) {
        for request in items(fields.get("requests")) {
            self.note_extracts(request, Target::Pool(0));
        }
        for flow in items(fields.get("flows")) {
            for step in items(entry(flow, "steps")) {
                self.note_extracts(step, Target::Variable(0));
            }
        }
    }

    fn note_extracts(&mut self, request: &Node, usual: Target) {
        let Some(Value::Map(entries)) = entry(request, "extract").map(|node| &node.value) else {
            return;
        };
        for (key, node) in entries {
            let into = entry(node, "into").map(|into| &into.value);
            let pool = match into {
                Some(Value::Text(word)) => word == "pool" || usual == Target::Pool(0),
                _ => usual == Target::Pool(0),
            };
            if let (true, Some(name)) = (pool, &key.text) {
                self.note_pool(key, name, entry(node, "keep"));
            }
        }
    }

    fn note_pool(&mut self, key: &Key, name: &str, keep: Option<&Node>) {
        if !is_name(name) {
            let message = format!("`{name}` can't be the name of a pool");
            self.mistakes.report_with(key.span, message, "use letters, digits and _");
            return;
        }
        if self.set_up_variable(name).is_some() {
            let message = format!("`{name}` is a variable that set-up fills");
            return self.mistakes.report_with(key.span, message, "give each a name of its own");
        }
        let most = 1..=GatheredPool::KEEP_MAX as u64;
        let keep = keep.and_then(|node| self.mistakes.whole(node, "`keep`", most));
        let keep = keep.and_then(|keep| usize::try_from(keep).ok());
        match self.gathered.iter_mut().find(|pool| pool.name == name) {
            Some(pool) => pool.keep = keep.unwrap_or(pool.keep).max(pool.keep),
            None => self.gathered.push(GatheredPool {
                name: name.to_owned(),
                keep: keep.unwrap_or(GatheredPool::KEEP),
                start: self.pools.iter().position(|pool| pool.name == name),
            }),
        }
    }
}

/// The items of a list, if it is one.
fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

/// The value of a key, if the node is a mapping with it.
fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(k, _)| k.text.as_deref() == Some(key)).map(|(_, node)| node)
}

/// `2xx` or `200-204`, also `200`.
fn status_range(text: &str) -> Option<RangeInclusive<u16>> {
    let status = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|status| digits && (100..=599).contains(status))
    };
    let text = text.trim();
    if let Some(class) = text.to_ascii_lowercase().strip_suffix("xx") {
        let first = status(&format!("{class}00"))?;
        return Some(first..=first + 99);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first.trim())?, status(last.trim())?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::status_range;

    #[test]
    fn statuses_are_numbers_classes_and_ranges() {
        let table = [
            ("200", Some(200..=200)),
            ("2xx", Some(200..=299)),
            ("5XX", Some(500..=599)),
            ("200-204", Some(200..=204)),
            ("200 - 204", Some(200..=204)),
            ("204-200", None),
            ("6xx", None),
            ("0xx", None),
            ("20x", None),
            ("ok", None),
            ("+20", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(status_range(text), expected, "{text}");
        }
    }
}
