//! Sign-in: registration, log-in, refresh, and the demo data for a new seller.
//!
//! Invariant: no answer repeats a password.

use http::header::SET_COOKIE;
use serde_json::{Map, Value};

use super::super::accounts::RegisterError;
use super::{Api, Call, Endpoint, HeaderValue, Reply, Seller, StatusCode, json};

/// Longest e-mail, name or password taken, bytes.
const FIELD_MAX: usize = 320;

impl Api {
    pub(super) fn register(&mut self, call: &Call<'_>) -> Result<Reply, Reply> {
        let fields = json_object(call.body)?;
        let (email, password) = (email(&fields)?, text(&fields, "password")?);
        let name = if fields.contains_key("name") { text(&fields, "name")? } else { email };
        let registered = self.accounts.register(email, password, name, call.now);
        let id = match registered {
            Ok(seller) => seller.id,
            Err(RegisterError::Taken) => {
                let detail = "This email is registered already";
                return Ok(Reply::error(Endpoint::Register, StatusCode::BAD_REQUEST, detail));
            }
            Err(RegisterError::Full) => {
                let detail = "No more accounts on a demo";
                return Ok(Reply::error(
                    Endpoint::Register,
                    StatusCode::INSUFFICIENT_STORAGE,
                    detail,
                ));
            }
        };
        Ok(self
            .grant(Endpoint::Register, self.accounts.seller(id), call.now)
            .with_status(StatusCode::CREATED))
    }

    pub(super) fn login(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        use super::super::accounts::LoginError;
        let fields = json_object(call.body)?;
        let (email, password) = (email(&fields)?, text(&fields, "password")?);
        let rejected = Reply::unauthorized("Wrong email or password");
        match self.accounts.login(email, password) {
            Ok(seller) => Ok(self.grant(Endpoint::Login, Some(seller), call.now)),
            // A wrong password is found out by the same costly check as a right one.
            Err(LoginError::WrongPassword) => Ok(Reply { endpoint: Endpoint::Login, ..rejected }),
            Err(LoginError::UnknownEmail) => Err(rejected),
        }
    }

    pub(super) fn refresh(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        let seller = self.bearer(call)?;
        Ok(self.grant(Endpoint::Refresh, Some(seller), call.now))
    }

    pub(super) fn seed_demo(&mut self, call: &Call<'_>) -> Result<Reply, Reply> {
        let id = self.bearer(call)?.id;
        let body = if self.accounts.seed(id) {
            json!({ "created": 12, "events_created": 3, "message": "Demo data is ready" })
        } else {
            json!({ "created": 0, "skipped": 1, "message": "This seller has data already" })
        };
        Ok(Reply::json(Endpoint::SeedDemo, &body))
    }

    fn grant(&self, endpoint: Endpoint, seller: Option<&Seller>, now: u64) -> Reply {
        let Some(seller) = seller else { return Reply::server_error(endpoint) };
        let (token, body) = self.accounts.grant(seller, now);
        let reply = Reply::json(endpoint, &body);
        let cookie = format!(
            "access_token={token}; HttpOnly; Max-Age={}; Path=/api; SameSite=lax; Secure",
            self.accounts.lifetime_s()
        );
        match HeaderValue::try_from(cookie) {
            Ok(cookie) => reply.with(SET_COOKIE, cookie),
            Err(_) => reply,
        }
    }
}

/// The body as a JSON object: 422 if it is empty or something else, 400 if it can't be parsed.
pub(super) fn json_object(body: &[u8]) -> Result<Map<String, Value>, Reply> {
    if body.is_empty() {
        return Err(Reply::invalid(
            ["body", ""],
            "missing",
            "A JSON object is required",
            &Value::Null,
        ));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => {
            Err(Reply::invalid(["body", ""], "dict_type", "This must be an object", &Value::Null))
        }
        Err(_) => Err(Reply::refused(StatusCode::BAD_REQUEST, "The body is not valid JSON")),
    }
}

fn email(fields: &Map<String, Value>) -> Result<&str, Reply> {
    let email = text(fields, "email")?;
    let well_formed = email.split_once('@').is_some_and(|(user, domain)| {
        let labels = domain.split('.').count();
        !user.is_empty()
            && labels > 1
            && domain.split('.').all(|label| !label.is_empty())
            && !email.contains(|c: char| c.is_whitespace() || c.is_control())
            && !domain.contains('@')
    });
    if well_formed {
        Ok(email)
    } else {
        let message = "This is no e-mail address";
        Err(Reply::invalid(["body", "email"], "value_error", message, &json!(email)))
    }
}

/// A text that is there and not empty. The input is not repeated: it may be a password.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Reply> {
    let invalid = |kind, message| Err(Reply::invalid(["body", name], kind, message, &Value::Null));
    match fields.get(name) {
        None => invalid("missing", "This field is required"),
        Some(Value::String(text)) if text.is_empty() => {
            invalid("string_too_short", "This must not be empty")
        }
        Some(Value::String(text)) if text.len() > FIELD_MAX => {
            invalid("string_too_long", "This is too long")
        }
        Some(Value::String(text)) => Ok(text),
        Some(_) => invalid("string_type", "This must be text"),
    }
}
