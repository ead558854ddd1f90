//! [`jwt_expiry`]: when a token runs out, as it says of itself.
//!
//! The signature is not checked: the answer only times the renewal, the server decides what is valid.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The `exp` claim of a JSON Web Token (RFC 7519) in seconds since 1970-01-01 UTC; nothing for any other
/// token.
pub fn jwt_expiry(token: &str) -> Option<u64> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let expiry = claims.get("exp")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = |seconds: f64| seconds as u64;
    expiry.as_u64().or_else(|| expiry.as_f64().filter(|&seconds| seconds > 0.0).map(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_expiry_is_read() {
        assert_eq!(jwt_expiry(&token(r#"{"sub":"1","exp":1700000000}"#)), Some(1_700_000_000));
        assert_eq!(jwt_expiry(&token(r#"{"exp":1.7e9}"#)), Some(1_700_000_000));
        assert_eq!(jwt_expiry("e30.eyJleHAiOjV9==.c2ln"), Some(5), "padding is tolerated");
    }

    #[test]
    fn other_tokens_have_none() {
        for text in ["", "opaque", "a.b", "a.b.c", "e30.!!.x", "e30.bm90IGpzb24.x"] {
            assert_eq!(jwt_expiry(text), None, "{text}");
        }
        for claims in ["{}", "[]", r#"{"exp":"soon"}"#, r#"{"exp":-5}"#] {
            assert_eq!(jwt_expiry(&token(claims)), None, "{claims}");
        }
    }
}
