//! The profile's `auth`: log-in, OAuth 2.0 client credentials, basic credentials or an API key; for one
//! user or several.
//!
//! Each user's log-in is compiled on its own, with the user's fields as variables.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue};

use crate::load::auth::{Auth, Issuance, Lifetime, Refresh, TOKENS_MAX, TokenPlace};
use crate::load::plan::SetupRequest;
use crate::load::rate::Rate;
use crate::load::request::{Escape, Segment};
use crate::profile::Profile;
use crate::profile::compiler::Compiler;
use crate::profile::fields::{API_KEY, AUTH, BASIC, Fields, LOGIN, REFRESH, one_or_many};
use crate::profile::node::{Node, Span};
use crate::profile::template::template;
use crate::profile::template::{Piece, Place};
use crate::profile::users::User;
use crate::time::{Human, parse_duration};

/// A log-in may stop a server that hashes a password on the thread that serves everything.
const RATE_DEFAULT: u64 = 2;
const FILL_MAX_DEFAULT: Duration = Duration::from_mins(5);
/// Where OAuth 2.0 (RFC 6749, section 5.1) puts the seconds a token lives, and most others too.
const EXPIRES_IN: &str = "$.expires_in";
const KINDS: [&str; 4] = ["login", "oauth2", "basic", "api_key"];
/// Keys that read a log-in's answer.
const OF_LOGIN: [&str; 3] = ["token", "cookies", "refresh_token"];
/// Keys that mean nothing where tokens are written down.
const OF_ISSUED: [&str; 7] =
    ["host", "header", "expires_in", "pool", "rate", "fill_timeout", "refresh"];

impl Compiler<'_> {
    /// Reads `auth`; afterwards requests that are compiled carry the token.
    pub(super) fn auth(&mut self, node: &Node, profile: &mut Profile) {
        let Some(fields) = self.mistakes.fields(node, &AUTH) else { return };
        let Some(kind) = self.kind(&fields) else { return };
        let users = match fields.get("users") {
            Some(node) => self.users(node).unwrap_or_else(|| vec![User::new()]),
            None => vec![User::new()],
        };
        self.check_kind(&fields, kind);
        profile.auth_host = fields.get("host").and_then(|node| self.host(node));
        profile.auth = match kind {
            "login" => self.log_in(&fields, users),
            "oauth2" => self.oauth2(&fields, users, &mut profile.auth_host),
            "basic" => self.basic(&fields, users),
            _ => self.api_key(&fields, users),
        };
    }

    fn kind(&mut self, fields: &Fields<'_>) -> Option<&'static str> {
        let given: Vec<_> = KINDS.into_iter().filter(|kind| fields.get(kind).is_some()).collect();
        match given[..] {
            [kind] => return Some(kind),
            [] => {
                let hint = "add login: {path: /…, json: {…}}, or oauth2, basic or api_key";
                self.mistakes.report_with(fields.span, "`auth` has no `login` request", hint);
            }
            [_, second, ..] => {
                let span = fields.get(second).map_or(fields.span, |node| node.span);
                let message = format!("`auth` is of one kind, not {}", given.join(" and "));
                self.mistakes.report_with(span, message, "keep one of them");
            }
        }
        None
    }

    /// Reports keys that mean nothing for this kind.
    fn check_kind(&mut self, fields: &Fields<'_>, kind: &str) {
        let issued = matches!(kind, "login" | "oauth2");
        for (key, _) in fields.entries {
            let Some(name) = key.text.as_deref() else { continue };
            let alien =
                OF_LOGIN.contains(&name) && kind != "login" || OF_ISSUED.contains(&name) && !issued;
            if alien {
                let message = format!("`{name}` means nothing beside `{kind}`");
                self.mistakes.report_with(key.span, message, format!("remove `{name}`"));
            }
        }
    }

    fn log_in(&mut self, fields: &Fields<'_>, users: Vec<User>) -> Option<Auth> {
        let token = self.token_place(fields);
        let pool = self.pool(fields, users.len());
        let log_ins = fields.get("login").and_then(|node| self.mistakes.fields(node, &LOGIN));
        let log_ins = log_ins.map(|login| {
            self.for_each(users, pool, |compiler| {
                Some(compiler.exchange("login".into(), &login, Place::Login))
            })
        });
        let default = match &token {
            Some(TokenPlace::Cookies(_)) => (COOKIE, "{{ token }}"),
            _ => (AUTHORIZATION, "Bearer {{ token }}"),
        };
        self.read_header(fields, default);
        let refresh = self.refresh(fields);
        self.issued(fields, log_ins?, token?, refresh)
    }

    fn token_place(&mut self, fields: &Fields<'_>) -> Option<TokenPlace> {
        match (fields.get("token"), fields.get("cookies")) {
            (Some(node), None) => self.json_path(node, "`token`").map(TokenPlace::Json),
            (None, Some(node)) => {
                if node.scalar(self.mistakes.source.text) == Some("all") {
                    return Some(TokenPlace::Cookies(Vec::new()));
                }
                let names = one_or_many(node).iter();
                let names = names.filter_map(|node| self.mistakes.word(node, "a cookie's name"));
                Some(TokenPlace::Cookies(names.collect()))
            }
            (Some(_), Some(node)) => {
                let message = "the token stands in the body or in cookies, not in both";
                self.mistakes.report_with(node.span, message, "keep `token` or `cookies`");
                None
            }
            (None, None) => {
                self.mistakes.report_with(
                    fields.span,
                    "`auth` does not say where the token stands in the answer",
                    "add a JSONPath, for example token: \"$.access_token\", or cookies: all",
                );
                None
            }
        }
    }

    pub(super) fn pool(&mut self, fields: &Fields<'_>, users: usize) -> usize {
        let largest = u64::try_from(TOKENS_MAX).unwrap_or(u64::MAX);
        let given =
            fields.get("pool").and_then(|node| self.mistakes.whole(node, "`pool`", 1..=largest));
        given.and_then(|pool| usize::try_from(pool).ok()).unwrap_or(users)
    }

    /// What `read` makes of each of the first `count` users, whose fields it sees as variables.
    pub(super) fn for_each<T>(
        &mut self,
        users: Vec<User>,
        count: usize,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for user in users.into_iter().take(count) {
            let fields = user.len();
            self.variables.splice(0..0, user);
            all.extend(read(self));
            self.variables.drain(..fields);
            if !self.mistakes.is_empty() {
                // The others would repeat what is wrong.
                break;
            }
        }
        all
    }

    pub(super) fn refresh(&mut self, fields: &Fields<'_>) -> Option<Refresh> {
        let refresh_token =
            fields.get("refresh_token").and_then(|node| self.json_path(node, "`refresh_token`"));
        let Some(node) = fields.get("refresh") else {
            if let Some(node) = fields.get("refresh_token") {
                let message = "`refresh_token` without a `refresh` request that sends it";
                let hint =
                    "add refresh: {path: /…, json: {refresh_token: \"{{ refresh_token }}\"}}";
                self.mistakes.report_with(node.span, message, hint);
            }
            return None;
        };
        let request = self.mistakes.fields(node, &REFRESH)?;
        self.refreshes_by_token = refresh_token.is_some();
        // The refresh token stands for the token, which may have expired.
        let header = self.token_header.take_if(|_| refresh_token.is_some());
        let request = self.exchange("refresh".into(), &request, Place::Refresh);
        self.token_header = self.token_header.take().or(header);
        Some(Refresh { request, refresh_token })
    }

    /// What all tokens that a server issues have in common.
    pub(super) fn issued(
        &mut self,
        fields: &Fields<'_>,
        log_ins: Vec<SetupRequest>,
        token: TokenPlace,
        refresh: Option<Refresh>,
    ) -> Option<Auth> {
        let rate = match fields.get("rate") {
            Some(node) => self.issue_rate(node)?,
            None => Rate::per_second(RATE_DEFAULT).ok()?,
        };
        let fill_max = match fields.get("fill_timeout") {
            Some(node) => self.time(node, "`fill_timeout`")?,
            None => FILL_MAX_DEFAULT,
        };
        let lifetime = match fields.get("expires_in") {
            None => Lifetime::InAnswer(EXPIRES_IN.to_owned()),
            Some(node) if self.mistakes.scalar(node, "`expires_in`")?.starts_with('$') => {
                Lifetime::InAnswer(self.json_path(node, "`expires_in`")?)
            }
            Some(node) => Lifetime::Fixed(self.time(node, "`expires_in`")?),
        };
        let pool = self.pool(fields, log_ins.len());
        let issuance =
            Issuance { origin: None, log_ins, pool, rate, fill_max, token, lifetime, refresh };
        if issuance.fill_time() > fill_max {
            let span = fields.get("pool").map_or(fields.span, |node| node.span);
            let message = format!(
                "{pool} log-ins at {rate} take {}, longer than `fill_timeout`, {}",
                Human(issuance.fill_time()),
                Human(fill_max)
            );
            let hint = "give a smaller `pool`, a longer `fill_timeout`, or a higher `rate` if the \
                        server stands it";
            self.mistakes.report_with(span, message, hint);
        }
        Some(Auth::Issued(Arc::new(issuance)))
    }

    fn issue_rate(&mut self, node: &Node) -> Option<Rate> {
        let text = self.mistakes.scalar(node, "`rate`")?;
        match text.parse() {
            Ok(rate) => Some(rate),
            Err(error) => {
                let message = format!("`rate` cannot be read: {error}");
                self.mistakes.report_with(node.span, message, "write for example 2/s or 30/m");
                None
            }
        }
    }

    fn time(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.mistakes.scalar(node, what)?;
        match parse_duration(text) {
            Ok(length) if !length.is_zero() => Some(length),
            _ => {
                let message = format!("{what} must be a length of time above 0");
                self.mistakes.report_with(node.span, message, "write for example 90s or 15m");
                None
            }
        }
    }

    /// `header: "Name: value"`, where the value holds `{{ token }}`, else the default.
    pub(super) fn read_header(&mut self, fields: &Fields<'_>, default: (HeaderName, &str)) {
        let Some(node) = fields.get("header") else {
            let (name, value) = default;
            return self.carry(name, value);
        };
        let hint = "write for example header: \"Authorization: Bearer {{ token }}\"";
        let Some(text) = self.mistakes.scalar(node, "`header`").map(str::to_owned) else { return };
        let Some((name, value)) = text.split_once(':') else {
            let message = "`header` must be a name, a colon and a value";
            return self.mistakes.report_with(node.span, message, hint);
        };
        let name = self.header_name(name.trim(), node.span);
        let value = self.header_value(value.trim(), node.span, Place::Setup);
        let Some((name, value)) = name.zip(value) else { return };
        if !value.carries_token() {
            self.mistakes.report_with(node.span, "`header` does not hold {{ token }}", hint);
        }
        self.token_header = Some((name, value));
    }

    /// Sends the token in this header, where `{{ token }}` stands.
    fn carry(&mut self, name: HeaderName, value: &str) {
        let (before, after) = value.split_once("{{ token }}").unwrap_or((value, ""));
        let pieces = vec![
            Piece::Written(before.to_owned()),
            Piece::Hole(Segment::Token),
            Piece::Written(after.to_owned()),
        ];
        self.token_header = Some((name, template((Escape::None, Escape::None), pieces)));
    }

    /// Basic credentials (RFC 7617).
    fn basic(&mut self, fields: &Fields<'_>, users: Vec<User>) -> Option<Auth> {
        let basic = self.mistakes.fields(fields.get("basic")?, &BASIC)?;
        let tokens = self.for_each(users, TOKENS_MAX, |compiler| {
            let user = compiler.required(&basic, "basic", "user");
            let password = compiler.required(&basic, "basic", "password");
            let (user, password) = (user?, password?);
            if user.contains(':') {
                let span = basic.get("user")?.span;
                compiler.mistakes.report(span, "a user's name can't hold a colon in `basic`");
            }
            Some(STANDARD.encode(format!("{user}:{password}")))
        });
        self.carry(AUTHORIZATION, "Basic {{ token }}");
        (!tokens.is_empty()).then_some(Auth::Given(tokens))
    }

    fn api_key(&mut self, fields: &Fields<'_>, users: Vec<User>) -> Option<Auth> {
        let key = self.mistakes.fields(fields.get("api_key")?, &API_KEY)?;
        let values = self.for_each(users, TOKENS_MAX, |compiler| {
            let value = compiler.required(&key, "api_key", "value")?;
            if HeaderValue::from_str(&value).is_err() {
                let message = "a key can't hold line breaks or other control characters";
                compiler.mistakes.report(key.get("value")?.span, message);
            }
            Some(value)
        });
        let places: Vec<_> = ["header", "query", "cookie"]
            .into_iter()
            .filter_map(|name| key.get(name).map(|node| (name, node)))
            .collect();
        let &[(place, node)] = places.as_slice() else {
            let hint = "write for example api_key: {header: X-API-Key, value: \"${API_KEY}\"}";
            let message = "`api_key` stands in one place: `header`, `query` or `cookie`";
            self.mistakes.report_with(key.span, message, hint);
            return None;
        };
        let name = self.mistakes.word(node, "the key's name")?;
        match place {
            "header" => {
                let name = self.header_name(&name, node.span)?;
                self.carry(name, "{{ token }}");
            }
            "cookie" => {
                self.check_cookie(&name, node.span);
                self.carry(COOKIE, &format!("{name}={{{{ token }}}}"));
            }
            _ => self.token_query = Some(name),
        }
        (!values.is_empty()).then_some(Auth::Given(values))
    }

    fn check_cookie(&mut self, name: &str, span: Span) {
        if name.contains(['=', ';', ',', ' ']) || HeaderValue::from_str(name).is_err() {
            self.mistakes.report(span, format!("`{name}` is not the name of a cookie"));
        }
    }

    /// A key's text, `${VAR}` and variables inserted; its absence is a mistake.
    pub(super) fn required(&mut self, fields: &Fields<'_>, of: &str, name: &str) -> Option<String> {
        let Some(node) = fields.get(name) else {
            let message = format!("`{of}` has no `{name}`");
            self.mistakes.report_with(fields.span, message, format!("add {name}: \"${{…}}\""));
            return None;
        };
        self.secret(node, name)
    }

    /// Text that is the same whenever it is sent.
    pub(super) fn secret(&mut self, node: &Node, name: &str) -> Option<String> {
        let text = self.mistakes.scalar(node, &format!("`{name}`"))?.to_owned();
        let pieces = self.pieces(&text, node.span, Place::Login)?;
        let text = template((Escape::None, Escape::None), pieces);
        let literal = text.as_literal().map(str::to_owned);
        if literal.is_none() {
            let message = format!("`{name}` can't change from request to request");
            self.mistakes.report_with(node.span, message, "use ${NAME} or a variable");
        }
        literal
    }
}
