//! The profile's `auth.oauth2`: the request of client credentials (RFC 6749, section 4.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::uri::Uri;

use crate::load::auth::{Auth, TokenPlace};
use crate::load::plan::SetupRequest;
use crate::load::request::{Escape, Expect, Template};
use crate::profile::compiler::Compiler;
use crate::profile::fields::{Fields, OAUTH2};
use crate::profile::template::escaped;
use crate::profile::users::User;

impl Compiler<'_> {
    /// Tokens by client credentials; `host` is set where another server issues them.
    pub(super) fn oauth2(
        &mut self,
        fields: &Fields<'_>,
        users: Vec<User>,
        host: &mut Option<String>,
    ) -> Option<Auth> {
        let oauth2 = self.mistakes.fields(fields.get("oauth2")?, &OAUTH2)?;
        let pool = self.pool(fields, users.len());
        let log_ins = self.for_each(users, pool, |compiler| {
            let (elsewhere, path) = compiler.token_url(&oauth2)?;
            if elsewhere.is_some() {
                host.clone_from(&elsewhere);
            }
            compiler.client_credentials(&oauth2, &path)
        });
        self.read_header(fields, (AUTHORIZATION, "Bearer {{ token }}"));
        let refresh = self.refresh(fields);
        self.issued(fields, log_ins, TokenPlace::Json("$.access_token".into()), refresh)
    }

    /// The server, unless it is the target, and path and query.
    fn token_url(&mut self, oauth2: &Fields<'_>) -> Option<(Option<String>, String)> {
        let text = self.required(oauth2, "oauth2", "token_url")?;
        let node = oauth2.get("token_url")?;
        let parsed = text.parse::<Uri>().ok().and_then(|uri| {
            let path = uri.path_and_query()?.to_string();
            match (uri.scheme_str(), uri.authority()) {
                (Some(scheme @ ("http" | "https")), Some(place))
                    if !place.as_str().contains('@') =>
                {
                    Some((Some(format!("{scheme}://{place}")), path))
                }
                (None, None) if path.starts_with('/') => Some((None, path)),
                _ => None,
            }
        });
        if parsed.is_none() {
            let hint = "write a URL, or a path such as /oauth/token on the target";
            self.mistakes.report_with(node.span, "`token_url` cannot be read", hint);
        }
        parsed
    }

    fn client_credentials(&mut self, oauth2: &Fields<'_>, path: &str) -> Option<SetupRequest> {
        let id = self.required(oauth2, "oauth2", "client_id");
        let secret = self.required(oauth2, "oauth2", "client_secret");
        let choices = [("basic", Credentials::Basic), ("body", Credentials::Body)];
        let way = oauth2
            .get("credentials")
            .and_then(|node| self.mistakes.choice(node, "`credentials`", &choices))
            .unwrap_or(Credentials::Basic);
        let mut form = "grant_type=client_credentials".to_owned();
        let mut add = |name: &str, value: &str| {
            form.extend(["&", name, "=", &escaped(Escape::Percent, value)]);
        };
        for name in ["scope", "audience"] {
            if let Some(value) = oauth2.get(name).and_then(|node| self.secret(node, name)) {
                add(name, &value);
            }
        }
        let (id, secret) = (id?, secret?);
        let mut headers = vec![
            (ACCEPT, Template::literal("application/json")),
            (CONTENT_TYPE, Template::literal("application/x-www-form-urlencoded")),
        ];
        match way {
            Credentials::Basic => {
                // Section 2.3.1: both are form-encoded before they become basic credentials.
                let [id, secret] = [&id, &secret].map(|text| escaped(Escape::Percent, text));
                let value = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
                headers.push((AUTHORIZATION, Template::literal(&value)));
            }
            Credentials::Body => {
                add("client_id", &id);
                add("client_secret", &secret);
            }
        }
        Some(SetupRequest {
            name: "token".into(),
            method: Method::POST,
            path: Template::literal(path),
            headers,
            body: Some(Template::literal(&form).into()),
            expect: Expect::SUCCESS,
        })
    }
}

/// How a client names itself to the server that issues tokens.
#[derive(Clone, Copy)]
enum Credentials {
    Basic,
    Body,
}
