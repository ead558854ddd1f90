//! What `auth` reads, refuses and hides.

use std::time::Duration;

use super::*;
use crate::load::auth::{Issuance, Lifetime};
use crate::load::plan::SetupRequest;

fn issued(auth: &str) -> (Arc<Issuance>, Profile) {
    let profile = loaded(&format!("auth: {auth}\nrequests: [{{path: /}}]\n"));
    let Some(Auth::Issued(issuance)) = &profile.auth else { panic!("issued tokens") };
    (Arc::clone(issuance), profile)
}

fn given(auth: &str) -> (Vec<String>, Profile) {
    let profile = loaded(&format!("auth: {auth}\nrequests: [{{path: '/?a=1'}}]\n"));
    let Some(Auth::Given(tokens)) = &profile.auth else { panic!("given tokens") };
    (tokens.clone(), profile)
}

/// Header section and body as they are sent.
fn text(request: &SetupRequest) -> String {
    let headers = request.headers.iter();
    let headers: Vec<String> =
        headers.map(|(name, value)| format!("{name}: {}", rendered(value))).collect();
    let body = request.body.as_ref().map(sent).unwrap_or_default();
    format!("{} {}\n{}\n{body}", request.method, rendered(&request.path), headers.join("\n"))
}

#[test]
fn defaults_are_gentle_on_the_server() {
    let (issuance, profile) = issued("{login: {path: /l}, token: $.t}");
    assert_eq!((issuance.pool, issuance.log_ins.len()), (1, 1));
    assert_eq!(
        (issuance.rate.to_string(), issuance.fill_max),
        ("2/s".into(), Duration::from_mins(5))
    );
    assert_eq!(issuance.lifetime, Lifetime::InAnswer("$.expires_in".into()));
    assert!(issuance.refresh.is_none() && profile.auth_host.is_none());
}

#[test]
fn every_user_logs_in_with_fields_of_its_own() {
    let (issuance, _) = issued(
        "{users: [{email: a@b.c, password: '${LOAD_TEST_PASSWORD}'}, {email: d@e.f, password: 'x\"'}], \
         login: {path: '/l/{{ email }}', json: {p: '{{ password }}'}}, token: $.t, pool: 5, rate: 30/m, \
         expires_in: 15m, fill_timeout: 1h}",
    );
    assert_eq!((issuance.pool, issuance.log_ins.len()), (5, 2));
    assert_eq!(
        text(&issuance.log_ins[0]),
        "POST /l/a%40b.c\ncontent-type: application/json\n{\"p\":\"s3cret \\\"{{ slot }}\\\"\"}"
    );
    assert_eq!(
        text(&issuance.log_ins[1]),
        "POST /l/d%40e.f\ncontent-type: application/json\n{\"p\":\"x\\\"\"}"
    );
    assert_eq!(issuance.lifetime, Lifetime::Fixed(Duration::from_mins(15)));
    assert_eq!(issuance.fill_time(), Duration::from_secs(8));
    let one = issued("{users: [{u: a}, {u: b}], login: {path: '/{{ u }}'}, token: $.t, pool: 1}").0;
    assert_eq!((one.pool, one.log_ins.len()), (1, 1), "no more users than tokens");
}

#[test]
fn users_may_stand_in_a_file() {
    let text = "auth:\n  users: {file: '${PREFIX}/users.csv'}\n  login: {path: '/{{ email }}'}\n  token: $.t\n\
                requests: [{path: /}]\n";
    let source = Source { name: "test.yaml", text };
    let csv = |outside: &Outside<'_>| {
        let Outside::File(path) = outside else { panic!("a file") };
        assert_eq!(*path, "/v2/users.csv");
        Ok(Box::new("email,other\na,1\nb,2\n".as_bytes()) as Box<dyn std::io::Read>)
    };
    let profile = load_with(source, &environment, &csv).unwrap();
    let Some(Auth::Issued(issuance)) = &profile.auth else { panic!("issued tokens") };
    let paths: Vec<String> = issuance.log_ins.iter().map(|one| rendered(&one.path)).collect();
    assert_eq!(paths, ["/a", "/b"]);
    let empty = |_: &Outside<'_>| Ok(Box::new("email\n".as_bytes()) as Box<dyn std::io::Read>);
    let refused = load_with(source, &environment, &empty).unwrap_err().to_string();
    assert!(refused.contains("names no user"), "{refused}");
    assert!(load(source, &environment).unwrap_err().to_string().contains("cannot be read here"));
}

#[test]
fn client_credentials_are_sent_as_the_standard_says() {
    let (basic, profile) = issued(
        "{oauth2: {token_url: 'https://id.example/oauth/token?x=1', client_id: 'a b', \
         client_secret: 's:1', scope: 'read write', audience: api}}",
    );
    assert_eq!(profile.auth_host.as_deref(), Some("https://id.example"));
    // base64 of a%20b:s%3A1
    assert_eq!(
        text(&basic.log_ins[0]),
        "POST /oauth/token?x=1\naccept: application/json\n\
         content-type: application/x-www-form-urlencoded\nauthorization: Basic YSUyMGI6cyUzQTE=\n\
         grant_type=client_credentials&scope=read%20write&audience=api"
    );
    assert_eq!(header(&profile.requests[0], "authorization").unwrap(), "Bearer t0ken");
    let (body, profile) =
        issued("{oauth2: {token_url: /token, client_id: i, client_secret: s, credentials: body}}");
    assert!(profile.auth_host.is_none());
    let sent = text(&body.log_ins[0]);
    let expected = "grant_type=client_credentials&client_id=i&client_secret=s";
    assert!(sent.ends_with(expected) && !sent.contains("authorization"), "{sent}");
    assert_eq!(body.token, TokenPlace::Json("$.access_token".into()));
}

#[test]
fn keys_and_credentials_go_where_they_belong() {
    let sent = |auth: &str, name: &str| {
        let (tokens, profile) = given(auth);
        (tokens, rendered(&profile.requests[0].path), header(&profile.requests[0], name))
    };
    let basic = sent("{basic: {user: eve, password: s3cret}}", "authorization");
    assert_eq!(
        basic,
        (vec!["ZXZlOnMzY3JldA==".into()], "/?a=1".into(), Some("Basic t0ken".into()))
    );
    let key = sent("{api_key: {header: X-Key, value: k}}", "x-key");
    assert_eq!(key, (vec!["k".into()], "/?a=1".into(), Some("t0ken".into())));
    let query = sent("{api_key: {query: 'a key', value: k}}", "authorization");
    assert_eq!(query, (vec!["k".into()], "/?a=1&a%20key=t0ken".into(), None));
    let cookie = sent("{api_key: {cookie: sid, value: k}}", "cookie");
    assert_eq!(cookie, (vec!["k".into()], "/?a=1".into(), Some("sid=t0ken".into())));
    let users = given("{users: [{k: a}, {k: b}], api_key: {header: X-Key, value: '{{ k }}'}}").0;
    assert_eq!(users, ["a", "b"]);
}

#[test]
fn cookies_are_sent_as_cookies() {
    let (all, profile) = issued("{login: {path: /l}, cookies: all}");
    assert_eq!(all.token, TokenPlace::Cookies(Vec::new()));
    assert_eq!(header(&profile.requests[0], "cookie").unwrap(), "t0ken");
    let (named, _) = issued("{login: {path: /l}, cookies: [sid, csrf]}");
    assert_eq!(named.token, TokenPlace::Cookies(vec!["sid".into(), "csrf".into()]));
}

#[test]
fn a_refresh_carries_the_token_or_the_refresh_token() {
    let (bearer, _) = issued("{login: {path: /l}, token: $.t, refresh: {method: POST, path: /r}}");
    let refresh = bearer.refresh.as_ref().unwrap();
    assert_eq!(text(&refresh.request), "POST /r\nauthorization: Bearer t0ken\n");
    assert!(refresh.refresh_token.is_none());
    let (by_token, profile) = issued(
        "{login: {path: /l}, token: $.t, refresh_token: $.r, \
         refresh: {path: /r, json: {r: '{{ refresh_token }}'}}}",
    );
    let refresh = by_token.refresh.as_ref().unwrap();
    assert_eq!(refresh.refresh_token.as_deref(), Some("$.r"));
    // A test's pool 0 holds this value.
    assert_eq!(
        text(&refresh.request),
        "POST /r\ncontent-type: application/json\n{\"r\":\"a/b \\\"c\\\"\"}"
    );
    assert_eq!(header(&profile.requests[0], "authorization").unwrap(), "Bearer t0ken");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let login = "login: {path: /l}, token: $.t";
    for (auth, expected) in [
        ("{token: $.t}".to_owned(), "`auth` has no `login` request"),
        (
            format!("{{{login}, basic: {{user: a, password: b}}}}"),
            "`auth` is of one kind, not login and basic",
        ),
        ("{login: {path: /l}}".into(), "`auth` does not say where the token stands"),
        (format!("{{{login}, cookies: all}}"), "in the body or in cookies, not in both"),
        (format!("{{{login}, pool: 0}}"), "`pool` must be a whole number from 1"),
        (
            format!("{{{login}, pool: 5000}}"),
            "5000 log-ins at 2/s take 41 min 40 s, longer than `fill_timeout`, 5 min",
        ),
        (format!("{{{login}, rate: fast}}"), "`rate` cannot be read"),
        (format!("{{{login}, expires_in: 0s}}"), "`expires_in` must be a length of time above 0"),
        (format!("{{{login}, refresh_token: $.r}}"), "`refresh_token` without a `refresh` request"),
        (
            format!("{{{login}, refresh: {{path: '/{{{{ refresh_token }}}}'}}}}"),
            "there is no `refresh_token`",
        ),
        (format!("{{{login}, users: []}}"), "`users` names no user"),
        (format!("{{{login}, users: {{}}}}"), "`users` names no `file`"),
        (format!("{{{login}, users: [{{a: 1}}, {{b: 1}}]}}"), "this user has no `a`"),
        (
            format!("{{{login}, users: [{{slot: 1}}]}}"),
            "`slot` can't be the name of a user's field",
        ),
        ("{login: {path: '/{{ email }}'}, token: $.t}".into(), "unknown variable `email`"),
        ("{basic: {user: a}}".into(), "`basic` has no `password`"),
        ("{basic: {user: 'a:b', password: c}}".into(), "can't hold a colon"),
        (
            "{basic: {user: '{{ slot }}', password: c}}".into(),
            "`user` can't change from request to request",
        ),
        ("{basic: {user: a, password: b}, pool: 3}".into(), "`pool` means nothing beside `basic`"),
        ("{api_key: {value: k}}".into(), "`api_key` stands in one place"),
        ("{api_key: {header: A, query: b, value: k}}".into(), "`api_key` stands in one place"),
        ("{api_key: {header: A, value: '${BREAK}'}}".into(), "a key can't hold line breaks"),
        ("{oauth2: {client_id: a, client_secret: b}}".into(), "`oauth2` has no `token_url`"),
        (
            "{oauth2: {token_url: 'ftp://x/y', client_id: a, client_secret: b}}".into(),
            "`token_url` cannot be read",
        ),
        (
            "{oauth2: {token_url: /t, client_id: a, client_secret: b}, token: $.t}".into(),
            "`token` means nothing beside `oauth2`",
        ),
    ] {
        let shown = refused(&format!("auth: {auth}\nrequests: [{{path: /}}]\n")).to_string();
        assert!(shown.contains(expected), "{auth}\n{shown}");
    }
}

#[test]
fn a_mistake_of_all_users_is_told_once() {
    let users: Vec<String> = (0..50).map(|number| format!("{{a: {number}}}")).collect();
    let text = format!(
        "auth: {{users: [{}], login: {{path: '/{{{{ b }}}}'}}, token: $.t}}\nrequests: [{{path: /}}]\n",
        users.join(", ")
    );
    assert_eq!(messages(&text).len(), 1);
}

#[test]
fn no_message_shows_a_secret() {
    for auth in [
        "{basic: {user: '${BREAK}:', password: '${LOAD_TEST_PASSWORD}'}, pool: 2}",
        "{api_key: {header: X, value: '${BREAK}'}}",
        "{login: {path: '/${LOAD_TEST_PASSWORD}'}, token: $.t}",
        "{users: [{p: '${LOAD_TEST_PASSWORD}'}, {q: x}], login: {path: '{{ p }}'}, token: x}",
        "{oauth2: {token_url: '${LOAD_TEST_PASSWORD}', client_id: a, client_secret: '${BREAK}'}}",
    ] {
        let shown = refused(&format!("auth: {auth}\nrequests: [{{path: /}}]\n")).to_string();
        assert!(!shown.contains("s3cret"), "{auth}\n{shown}");
    }
}
