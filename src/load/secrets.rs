//! Which values are secrets, judged by the name they stand under and by their own look.
//!
//! Errs on the side of hiding: a shown secret cannot be taken back.

use http::HeaderName;
use serde_json::Value;

/// What is shown instead of a secret.
pub const HIDDEN: &str = "***";

/// Parts of a name, without separators and in small letters, that say the value is a secret.
const SECRET_PARTS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
    "credential",
    "sessionid",
    "signature",
];

/// Parts of names of places in a list, which end in `token` and are none.
const PLACE_PARTS: [&str; 4] = ["pagetoken", "nexttoken", "continuationtoken", "tokentype"];

/// Whether a header, query parameter or field of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_PARTS.iter().any(|part| plain.contains(part))
        && !PLACE_PARTS.iter().any(|part| plain.contains(part))
}

/// Whether `text` is a JSON Web Token (RFC 7519) by its look: three parts, the first two of them JSON in
/// base64url.
pub fn is_jwt(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let base64url = |part: &&str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    parts.len() == 3
        && text.len() >= 20
        && parts[..2].iter().all(|part| part.starts_with("eyJ"))
        && parts.iter().all(base64url)
}

/// A header's value as it may be shown: of a secret one, the scheme (`Bearer`, `Basic`) at most.
pub fn shown_header<'v>(name: &HeaderName, value: &'v str) -> std::borrow::Cow<'v, str> {
    if !is_secret_name(name.as_str()) && !value.split([' ', '=', ';']).any(is_jwt) {
        return value.into();
    }
    match value.split_once(' ') {
        Some((scheme, _)) if name.as_str().ends_with("authorization") => {
            format!("{scheme} {HIDDEN}").into()
        }
        _ => HIDDEN.into(),
    }
}

/// A path and query as they may be shown: values of secret parameters are hidden.
pub fn shown_target(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    format!("{path}?{}", shown_pairs(query))
}

/// `name=value&…` with the values of secret names hidden.
fn shown_pairs(pairs: &str) -> String {
    let shown = pairs.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_secret_name(name) || is_jwt(value) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

/// A body as it may be shown. JSON and forms lose the values of secret names; any other text is shown as it
/// is unless it holds a token by its look.
pub fn shown_body(body: &str) -> String {
    if let Ok(mut document) = serde_json::from_str::<Value>(body) {
        let changed = hide_in(&mut document);
        return if changed { document.to_string() } else { body.to_owned() };
    }
    if body.contains('=') && !body.contains(char::is_whitespace) {
        return shown_pairs(body);
    }
    let suspect = |word: &str| is_jwt(word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    if body.split_whitespace().any(suspect) { HIDDEN.to_owned() } else { body.to_owned() }
}

/// The structure of a body whose every value may be a secret.
pub fn hidden_body(body: &str) -> String {
    if let Ok(mut document) = serde_json::from_str::<Value>(body) {
        hide_all(&mut document);
        return document.to_string();
    }
    if body.contains('=') && !body.contains(char::is_whitespace) {
        let names = body.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        return names.map(|name| format!("{name}={HIDDEN}")).collect::<Vec<_>>().join("&");
    }
    HIDDEN.to_owned()
}

fn hide_all(value: &mut Value) {
    match value {
        Value::Object(entries) => entries.values_mut().for_each(hide_all),
        Value::Array(items) => items.iter_mut().for_each(hide_all),
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => *value = HIDDEN.into(),
    }
}

/// `text` with each of `secrets` hidden wherever it stands; those of few characters would hide too much.
pub fn without(text: &str, secrets: &[String]) -> String {
    let long = secrets.iter().filter(|secret| secret.chars().count() >= 4);
    long.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
}

/// Hides secrets anywhere below `value`; says whether there were any.
fn hide_in(value: &mut Value) -> bool {
    match value {
        Value::Object(entries) => {
            let mut changed = false;
            for (name, value) in entries {
                let hidden = match value {
                    Value::String(text) => is_secret_name(name) || is_jwt(text),
                    _ => false,
                };
                if hidden {
                    *value = HIDDEN.into();
                }
                changed |= hidden || hide_in(value);
            }
            changed
        }
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= hide_in(item);
            }
            changed
        }
        Value::String(text) if is_jwt(text) => {
            *value = HIDDEN.into();
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

    #[test]
    fn secrets_are_known_by_name_and_look() {
        for name in ["password", "X-API-Key", "csrf_token", "Set-Cookie", "clientSecret", "api_key"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["page", "nextPageToken", "token_type", "email", "key"] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(is_jwt(JWT));
        for text in ["", "a.b.c", "eyJ.eyJ", "example.com.au"] {
            assert!(!is_jwt(text), "{text}");
        }
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let header = |name: &'static str, value| {
            shown_header(&HeaderName::from_static(name), value).into_owned()
        };
        assert_eq!(header("authorization", "Bearer abc"), "Bearer ***");
        assert_eq!(header("authorization", "abc"), "***");
        assert_eq!(header("set-cookie", "sid=1; Path=/"), "***");
        assert_eq!(header("x-anything", JWT), "***");
        assert_eq!(header("accept", "text/html"), "text/html");
        assert_eq!(shown_target("/a?page=1&api_key=x"), "/a?page=1&api_key=***");
        assert_eq!(shown_target("/a"), "/a");
        let table = [
            (r#"{"email": "a@b.c", "password": "x"}"#, r#"{"email":"a@b.c","password":"***"}"#),
            (r#"{"data": [{"access_token": "x"}]}"#, r#"{"data":[{"access_token":"***"}]}"#),
            (r#"{"max_tokens": 5}"#, r#"{"max_tokens": 5}"#),
            ("username=a&password=b", "username=a&password=***"),
            ("plain text", "plain text"),
        ];
        for (body, shown) in table {
            assert_eq!(shown_body(body), shown);
        }
        assert_eq!(hidden_body("username=a&password=b"), "username=***&password=***");
        assert_eq!(hidden_body("{\"a\":[1,null,\"x\"]}"), "{\"a\":[\"***\",null,\"***\"]}");
        assert_eq!(hidden_body("any text"), HIDDEN);
        assert_eq!(without("a=s3cret&b=x", &["s3cret".into(), "x".into()]), "a=***&b=x");
        assert_eq!(shown_body(&format!("the token is {JWT}.")), HIDDEN);
        assert_eq!(shown_body(&format!("[\"{JWT}\"]")), "[\"***\"]");
    }
}
