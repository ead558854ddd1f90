//! [`jwt_life`]: how long a token is still valid, as it says of itself.
//!
//! The signature is not checked: the answer only times the renewal, the server decides what is valid.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long a JSON Web Token (RFC 7519) that has just been issued lives, `now` since 1970-01-01 UTC by our
/// clock; nothing for a token without `exp`.
///
/// Where the token tells when it was issued, its life is no longer than from `iat` to `exp`, so a clock
/// that is behind does no harm; one that is ahead of the whole life is not believed.
pub fn jwt_life(token: &str, now: Duration) -> Option<Duration> {
    let claims = claims(token)?;
    let expiry = instant(&claims, "exp")?;
    let whole = instant(&claims, "iat").map(|issued| expiry.saturating_sub(issued));
    let left = expiry.saturating_sub(now);
    Some(match whole.filter(|whole| !whole.is_zero()) {
        Some(whole) if left.is_zero() => whole,
        Some(whole) => left.min(whole),
        None => left,
    })
}

fn claims(token: &str) -> Option<serde_json::Value> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A `NumericDate`, since 1970-01-01 UTC.
fn instant(claims: &serde_json::Value, name: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(claims.get(name)?.as_f64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn life_is_what_is_left_and_never_more_than_was_granted() {
        let second = Duration::from_secs;
        let table = [
            (r#"{"sub":"1","exp":1700}"#, 1_000, 700),
            (r#"{"exp":1.7e3}"#, 1_000, 700),
            (r#"{"exp":1700,"iat":1000}"#, 1_200, 500),
            (r#"{"exp":1700,"iat":1000}"#, 400, 700),
            (r#"{"exp":1700,"iat":1000}"#, 9_000, 700),
            (r#"{"exp":1700,"iat":1700}"#, 1_600, 100),
            (r#"{"exp":1700}"#, 9_000, 0),
        ];
        for (claims, now, life) in table {
            assert_eq!(jwt_life(&token(claims), second(now)), Some(second(life)), "{claims} {now}");
        }
        assert_eq!(
            jwt_life("e30.eyJleHAiOjV9==.c2ln", second(1)),
            Some(second(4)),
            "padding is tolerated"
        );
    }

    #[test]
    fn other_tokens_have_none() {
        for text in ["", "opaque", "a.b", "a.b.c", "e30.!!.x", "e30.bm90IGpzb24.x"] {
            assert_eq!(jwt_life(text, Duration::ZERO), None, "{text}");
        }
        for claims in ["{}", "[]", r#"{"exp":"soon"}"#, r#"{"exp":-5}"#, r#"{"exp":1e300}"#] {
            assert_eq!(jwt_life(&token(claims), Duration::ZERO), None, "{claims}");
        }
    }
}
