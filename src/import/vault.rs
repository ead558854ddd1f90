//! [`Vault`]: takes secrets out of what was recorded and gives a `${VARIABLE}` for each.

use std::collections::BTreeMap;

use crate::import::draft::{Body, Json};
use crate::import::text::{Part, Text, snake};
use crate::load::secrets::{is_jwt, is_secret_name};

/// Names under which a secret's partner stands: who logs in.
const USER_NAMES: [&str; 4] = ["username", "email", "login", "user"];

/// The secrets found so far, by value. They live as long as the import and are written nowhere.
#[derive(Default)]
pub(super) struct Vault {
    /// Value → name of the variable.
    names: BTreeMap<String, String>,
}

impl Vault {
    /// A variable for this secret; the same value has the same variable.
    fn variable(&mut self, wish: &str, secret: &str) -> Part {
        if let Some(name) = self.names.get(secret) {
            return Part::Environment(name.clone());
        }
        let taken = |name: &str| self.names.values().any(|taken| taken == name);
        let mut name = wish.to_owned();
        for number in 2.. {
            if !taken(&name) {
                break;
            }
            name = format!("{wish}_{number}");
        }
        self.names.insert(secret.to_owned(), name.clone());
        Part::Environment(name)
    }

    /// A variable for this secret, called as wished if that is free.
    pub(super) fn secret(&mut self, wish: &str, secret: &str) -> Text {
        Text(vec![self.variable(wish, secret)])
    }

    /// A header's value; of `Authorization` the scheme stays.
    pub(super) fn header(&mut self, name: &str, value: &str) -> Text {
        let lower = name.to_ascii_lowercase();
        if lower == "authorization" || lower == "proxy-authorization" {
            let (scheme, secret) = value.split_once(' ').unwrap_or(("", value));
            let basic = scheme.eq_ignore_ascii_case("basic");
            let wish = if basic { "LOAD_TEST_BASIC" } else { "LOAD_TEST_TOKEN" };
            let space = if scheme.is_empty() { "" } else { " " };
            let variable = self.variable(wish, secret.trim());
            return Text(vec![Part::Literal(format!("{scheme}{space}")), variable]);
        }
        self.value(name, value)
    }

    /// The value of a header, a parameter or a field.
    pub(super) fn value(&mut self, name: &str, value: &str) -> Text {
        if value.is_empty() || !(is_secret_name(name) || is_jwt(value)) {
            return Text::literal(value);
        }
        Text(vec![self.variable(&wish(name), value)])
    }

    /// Names and values; where there is a password, the user's name is a variable too.
    pub(super) fn pairs(&mut self, pairs: &[(String, String)]) -> Vec<(String, Text)> {
        let logs_in = pairs.iter().any(|(name, _)| is_password(name));
        let mut texts = Vec::new();
        for (name, value) in pairs {
            let text = if logs_in { self.user(name, value) } else { None };
            texts.push((name.clone(), text.unwrap_or_else(|| self.value(name, value))));
        }
        texts
    }

    fn user(&mut self, name: &str, value: &str) -> Option<Text> {
        let is_user = USER_NAMES.contains(&name.to_ascii_lowercase().as_str()) && !value.is_empty();
        is_user.then(|| Text(vec![self.variable(&wish(name), value)]))
    }

    /// A JSON document.
    pub(super) fn json(&mut self, value: &serde_json::Value) -> Json {
        use serde_json::Value;
        match value {
            Value::Object(entries) => {
                let logs_in = entries.keys().any(|name| is_password(name));
                let mut fields = Vec::new();
                for (name, value) in entries {
                    let field = match value {
                        Value::String(text) => {
                            let user = if logs_in { self.user(name, text) } else { None };
                            Json::Text(user.unwrap_or_else(|| self.value(name, text)))
                        }
                        other => self.json(other),
                    };
                    fields.push((name.clone(), field));
                }
                Json::Map(fields)
            }
            Value::Array(items) => Json::List(items.iter().map(|item| self.json(item)).collect()),
            Value::String(text) => Json::Text(self.value("", text)),
            plain => Json::from(plain),
        }
    }

    /// A body, by its content type; text that holds a token by its look becomes a variable as a whole.
    pub(super) fn body(&mut self, text: &str, content_type: &str) -> Body {
        let json_like = content_type.contains("json") || text.starts_with(['{', '[']);
        if json_like && let Ok(document) = serde_json::from_str(text) {
            return Body::Json(self.json(&document));
        }
        let form = content_type.contains("x-www-form-urlencoded");
        if form && let Some(pairs) = crate::import::url::decoded_pairs(text) {
            return Body::Form(self.pairs(&pairs));
        }
        let suspect = |word: &str| is_jwt(word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
        if text.split_whitespace().any(suspect) {
            return Body::Text(Text(vec![self.variable("LOAD_TEST_BODY", text)]));
        }
        Body::Text(Text::literal(text))
    }
}

/// Whether a field of this name holds a password.
pub(super) fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "pwd", "passphrase"].iter().any(|part| name.contains(part))
}

/// The variable that a field of this name gets: `password` → `LOAD_TEST_PASSWORD`.
pub(super) fn wish(name: &str) -> String {
    let name = snake(name).to_ascii_uppercase();
    let name = name.strip_prefix("LOAD_TEST_").unwrap_or(&name);
    format!("LOAD_TEST_{}", if name.is_empty() || name == "VALUE" { "SECRET" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_and_variables_stay() {
        let mut vault = Vault::default();
        let header = vault.header("Authorization", "Bearer abc").as_template();
        assert_eq!(header, "Bearer ${LOAD_TEST_TOKEN}");
        assert_eq!(vault.header("authorization", "Bearer abc").as_template(), header);
        let other = vault.header("Authorization", "Bearer def").as_template();
        assert_eq!(other, "Bearer ${LOAD_TEST_TOKEN_2}");
        assert_eq!(vault.header("Accept", "*/*").as_template(), "*/*");
        assert_eq!(vault.header("X-API-Key", "k").as_template(), "${LOAD_TEST_X_API_KEY}");
        assert_eq!(vault.value("api_key", "k").as_template(), "${LOAD_TEST_X_API_KEY}");
    }

    #[test]
    fn who_logs_in_is_a_variable_beside_a_password_only() {
        let mut vault = Vault::default();
        let body = vault.body(r#"{"email": "a@b.c", "password": "pw", "keep": true}"#, "");
        let Body::Json(Json::Map(fields)) = body else { panic!("an object") };
        let texts: Vec<String> = fields
            .iter()
            .filter_map(|(_, field)| match field {
                Json::Text(text) => Some(text.as_template()),
                _ => None,
            })
            .collect();
        assert_eq!(texts, ["${LOAD_TEST_EMAIL}", "${LOAD_TEST_PASSWORD}"]);
        let body = vault.body("email=a%40b.c&x=1", "application/x-www-form-urlencoded");
        let Body::Form(pairs) = body else { panic!("a form") };
        // The address is known by now, but nothing says that it is a secret here.
        assert_eq!(pairs[0].1.as_template(), "a@b.c");
    }
}
