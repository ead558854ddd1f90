//! [`Compiler`]: from the tree to a [`Profile`]: name, requests, objectives; `auth` has the log-in, `setup`
//! what comes after it, `exchange` the requests' insides.
//!
//! Goes through the whole file whatever it meets; a profile results only when nothing was reported.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use http::HeaderName;

use crate::load::extract::GatheredPool;
use crate::load::feeder::{Feeder, Feeding};
use crate::load::plan::{PoolSource, SetupRequest};
use crate::load::request::{OnEmpty, RequestTemplate, Template};
use crate::load::slo::{Goals, Slo, Tiers};
use crate::profile::diagnostics::{Mistakes, Source};
use crate::profile::fields::{Fields, PROFILE, REQUEST, SLO, one_or_many};
use crate::profile::node::{Node, Span, Value};
use crate::profile::template::{Piece, Place, is_name, is_reserved};
use crate::profile::{
    Environment, Inputs, Profile, REQUESTS_MAX, TEXT_BYTES_MAX, WEIGHT_MAX, select,
};

pub(super) struct Compiler<'a> {
    pub(super) mistakes: Mistakes<'a>,
    pub(super) environment: Environment<'a>,
    pub(super) inputs: Inputs<'a>,
    /// Environment variables that have been reported.
    pub(super) missing: BTreeSet<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) authenticates: bool,
    pub(super) pools: Vec<PoolSource>,
    /// Pools that answers fill.
    pub(super) gathered: Vec<GatheredPool>,
    /// Variables that the steps read so far fill, within a flow.
    pub(super) flow_variables: Option<Vec<String>>,
    pub(super) feeders: Vec<Arc<Feeder>>,
    /// Names of those with mistakes; what refers to them is not reported again.
    pub(super) broken_feeders: Vec<String>,
    /// What expressions are tried out with.
    pub(super) sample: Feeding,
    /// Sent with every request that does not set them itself.
    pub(super) shared_headers: Vec<(HeaderName, Template)>,
    /// Sent with every request but the log-in.
    pub(super) token_header: Option<(HeaderName, Template)>,
    /// The name under which it stands in every query but the log-in's.
    pub(super) token_query: Option<String>,
    /// Whether a token is renewed by a refresh token.
    pub(super) refreshes_by_token: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        source: Source<'a>,
        environment: Environment<'a>,
        inputs: Inputs<'a>,
    ) -> Self {
        Self {
            mistakes: Mistakes::new(source),
            environment,
            inputs,
            missing: BTreeSet::new(),
            variables: Vec::new(),
            authenticates: false,
            pools: Vec::new(),
            gathered: Vec::new(),
            flow_variables: None,
            feeders: Vec::new(),
            broken_feeders: Vec::new(),
            sample: Feeding::NONE,
            shared_headers: Vec::new(),
            token_header: None,
            token_query: None,
            refreshes_by_token: false,
        }
    }

    /// The whole profile; incomplete if anything was reported.
    pub(super) fn profile(&mut self) -> Profile {
        let mut profile = Profile::named(file_stem(self.mistakes.source.name));
        let text = self.mistakes.source.text;
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the profile is larger than {TEXT_BYTES_MAX} bytes");
            self.mistakes.report(Span::default(), message);
            return profile;
        }
        match Node::parse(text) {
            Err((span, cause)) => self.report_syntax(span, cause),
            Ok(Node { value: Value::Null, span, .. }) => self.mistakes.report_with(
                span,
                "the profile is empty",
                "begin with `requests:` and a list of at least one `- path: /…`",
            ),
            Ok(root) => {
                self.mistakes.check_keys(&root);
                if let Some(fields) = self.mistakes.fields(&root, &PROFILE) {
                    self.fill(&mut profile, &fields);
                }
            }
        }
        profile
    }

    fn report_syntax(&mut self, span: Span, cause: String) {
        let hint = if cause.contains("mapping values") {
            "put quotes around a text that holds `: `, and align keys that belong together"
        } else if cause.contains("tab") {
            "indent with spaces"
        } else if cause.contains("tag") || cause.contains("unexpected character") {
            "put quotes around a text that begins with a sign such as ! @ % & *"
        } else if cause.contains("aliases") {
            "let fewer requests share this anchor (&name); what all of them send stands once under `headers` or `variables` of the profile"
        } else if cause.contains("multiple") {
            "a profile is one document, without a second `---`"
        } else {
            return self.mistakes.report(span, cause);
        };
        self.mistakes.report_with(span, cause, hint);
    }

    /// In an order in which everything that a template may name is known before it is read.
    fn fill(&mut self, profile: &mut Profile, fields: &Fields<'_>) {
        if let Some(name) = fields.get("name").and_then(|node| self.mistakes.word(node, "`name`")) {
            profile.name = name;
        }
        profile.host = fields.get("host").and_then(|node| self.host(node));
        if let Some(node) = fields.get("variables") {
            self.read_variables(node);
        }
        if let Some(node) = fields.get("feeders") {
            self.read_feeders(node);
            self.sample = Feeding::sample(&self.feeders);
            profile.feeders.clone_from(&self.feeders);
        }
        self.authenticates = fields.get("auth").is_some();
        if let Some(node) = fields.get("headers") {
            self.shared_headers = self.headers(node, Place::Login);
        }
        if let Some(node) = fields.get("auth") {
            self.auth(node, profile);
        }
        if let Some(node) = fields.get("setup") {
            profile.setup = self.setup(node);
        }
        profile.pools.clone_from(&self.pools);
        self.note_gathered(fields);
        profile.requests = self.requests(fields);
        profile.flows = self.flows(fields, &profile.requests);
        self.check_mix(fields, &profile.requests, &profile.flows);
        if let Some(node) = fields.get("slo") {
            Goals { limit: profile.slo, tiers: profile.tiers } = self.objectives(node);
        }
        self.timing(profile, fields);
        profile.monitors =
            fields.get("monitors").map(|node| self.monitors(node)).unwrap_or_default();
    }

    /// Text in which `${VAR}` alone is replaced.
    pub(super) fn fixed(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.mistakes.scalar(node, what)?.to_owned();
        let pieces = self.pieces(&text, node.span, Place::Fixed)?;
        let written = pieces.into_iter().filter_map(|piece| match piece {
            Piece::Written(text) => Some(text),
            Piece::Inserted(_) | Piece::Hole(_) => None,
        });
        Some(written.collect())
    }

    pub(super) fn host(&mut self, node: &Node) -> Option<String> {
        let host = self.fixed(node, "`host`")?;
        if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let hint = "write for example http://127.0.0.1:8001";
            self.mistakes.report_with(node.span, "`host` is not the address of a server", hint);
            return None;
        }
        Some(host)
    }

    fn read_variables(&mut self, node: &Node) {
        for (key, value) in self.mistakes.mapping(node, "`variables`").unwrap_or_default() {
            let Some(name) = &key.text else { continue };
            if is_reserved(name) || !is_name(name) {
                let message = format!("`{name}` can't be the name of a variable");
                let hint =
                    "use letters, digits and _, and neither slot, token nor a function's name";
                self.mistakes.report_with(key.span, message, hint);
            }
            // Known even when its value is wrong, so that one mistake is reported once.
            let value = self.fixed(value, &format!("the variable `{name}`")).unwrap_or_default();
            self.variables.push((name.clone(), value));
        }
    }

    pub(super) fn json_path(&mut self, node: &Node, what: &str) -> Option<String> {
        let path = self.mistakes.scalar(node, what)?;
        if select::is_path(path) {
            return Some(path.to_owned());
        }
        let message = format!("{what} must be a JSONPath (RFC 9535)");
        let hint = "write for example \"$.access_token\" or \"$.items[*].id\"";
        self.mistakes.report_with(node.span, message, hint);
        None
    }

    fn requests(&mut self, fields: &Fields<'_>) -> Vec<RequestTemplate> {
        let hint = "add a list of at least one `- path: /…`";
        let Some(node) = fields.get("requests") else {
            if fields.get("flows").is_some() {
                return Vec::new();
            }
            self.mistakes.report_with(fields.span, "the profile has no `requests`", hint);
            return Vec::new();
        };
        let items = self.mistakes.list(node, "`requests`");
        match items {
            Some([]) => self.mistakes.report_with(node.span, "`requests` is empty", hint),
            Some(items) if items.len() > REQUESTS_MAX => {
                self.mistakes.report(node.span, format!("more than {REQUESTS_MAX} requests"));
                return Vec::new();
            }
            _ => {}
        }
        let mut seen = HashMap::new();
        let mut requests = Vec::new();
        for item in items.unwrap_or_default() {
            let Some(fields) = self.mistakes.fields(item, &REQUEST) else { continue };
            let request = self.request(&fields);
            let span = fields.get("name").map_or(fields.span, |name| name.span);
            if let Some(first) = seen.insert(request.name.clone(), span) {
                let message = format!("two requests are named `{}`", request.name);
                let text = self.mistakes.source.text;
                let line = text[..first.start.min(text.len())].matches('\n').count() + 1;
                let hint = format!("give each its own `name`; the first is on line {line}");
                self.mistakes.report_with(span, message, hint);
            }
            requests.push(request);
        }
        requests
    }

    fn request(&mut self, fields: &Fields<'_>) -> RequestTemplate {
        let name = self.request_name(fields);
        let weight = match fields.get("weight") {
            Some(node) => self.mistakes.whole(node, "`weight`", 0..=u64::from(WEIGHT_MAX)),
            None => None,
        };
        let group = fields.get("group").and_then(|node| self.mistakes.word(node, "`group`"));
        let tags = fields.get("tags").map(one_or_many).unwrap_or_default();
        let tags = tags.iter().filter_map(|node| self.mistakes.word(node, "a tag")).collect();
        let choices = [("fail", OnEmpty::Fail), ("redistribute", OnEmpty::Redistribute)];
        let on_empty = fields
            .get("on_empty")
            .and_then(|node| self.mistakes.choice(node, "`on_empty`", &choices));
        let SetupRequest { name, method, path, headers, body, expect } =
            self.exchange(name, fields, Place::Mix);
        RequestTemplate {
            name,
            weight: weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1),
            group,
            tags,
            method,
            path,
            headers,
            body,
            expect,
            on_empty: on_empty.unwrap_or_default(),
            goals: self.goals(fields),
        }
    }

    /// What a request or a step must meet.
    pub(super) fn goals(&mut self, fields: &Fields<'_>) -> Goals {
        fields.get("slo").map(|node| self.objectives(node)).unwrap_or_default()
    }

    /// One text, or `limit` and the two tiers.
    fn objectives(&mut self, node: &Node) -> Goals {
        if let Value::Text(_) = node.value {
            return Goals { limit: self.slo(node), tiers: None };
        }
        let Some(fields) = self.mistakes.fields(node, &SLO) else { return Goals::default() };
        let limit = fields.get("limit").and_then(|node| self.slo(node));
        let (excellent, acceptable) = (fields.get("excellent"), fields.get("acceptable"));
        if excellent.is_some() != acceptable.is_some() {
            let hint = "the tiers `excellent` and `acceptable` come together";
            self.mistakes.report_with(fields.span, "one of the two tiers is missing", hint);
        }
        let excellent = excellent.and_then(|node| self.slo(node));
        let acceptable = acceptable.and_then(|node| self.slo(node));
        let tiers = excellent.zip(acceptable);
        Goals { limit, tiers: tiers.map(|(excellent, acceptable)| Tiers { excellent, acceptable }) }
    }

    fn slo(&mut self, node: &Node) -> Option<Slo> {
        let text = self.mistakes.scalar(node, "an objective")?;
        match text.parse::<Slo>() {
            Ok(slo) => Some(slo),
            Err(error) => {
                let span = node.span.narrowed_to(&error.part, self.mistakes.source.text);
                self.mistakes.report(span, error.to_string());
                None
            }
        }
    }
}

/// `profiles/chat-center.yaml` → `chat-center`.
fn file_stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}
