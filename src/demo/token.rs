//! [`Signer`]: makes and checks access tokens (JWT, HS256).
//!
//! Invariant: the key is drawn at the start and never leaves this module, nor does a password.

use std::io;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Signs tokens, and fingerprints passwords.
pub(super) struct Signer {
    key: hmac::Key,
}

/// What a token says; times in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The seller's id, as text.
    pub(super) sub: String,
    pub(super) email: String,
    pub(super) exp: u64,
    pub(super) iat: u64,
}

impl Signer {
    /// With a fresh key; an error only if the system has no randomness.
    pub(super) fn new() -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| io::Error::other("the system gives no random numbers"))?;
        Ok(Self { key })
    }

    pub(super) fn token(&self, claims: &Claims) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let claims = serde_json::to_vec(claims).expect("text and integers always serialise");
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The claims of a token that is ours and has not expired at `now` (Unix seconds).
    pub(super) fn verify(&self, token: &str, now: u64) -> Option<Claims> {
        let (signed, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        // Only tokens signed here pass, so the header can't name another algorithm.
        hmac::verify(&self.key, signed.as_bytes(), &tag).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (claims.exp > now).then_some(claims)
    }

    /// A keyed fingerprint of a password, so that none is kept.
    pub(super) fn fingerprint(&self, email: &str, password: &str) -> Vec<u8> {
        hmac::sign(&self.key, &fingerprinted(email, password)).as_ref().to_vec()
    }

    /// Whether `password` has this fingerprint; takes the same time either way.
    pub(super) fn matches(&self, fingerprint: &[u8], email: &str, password: &str) -> bool {
        hmac::verify(&self.key, &fingerprinted(email, password), fingerprint).is_ok()
    }
}

/// The leading NUL keeps fingerprints apart from token signatures, which never contain one.
fn fingerprinted(email: &str, password: &str) -> Vec<u8> {
    format!("\0{email}\0{password}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_until_they_expire_or_change() {
        let signer = Signer::new().unwrap();
        let claims =
            Claims { sub: "1".into(), email: "loadtest@agentiq.ru".into(), exp: 200, iat: 100 };
        let token = signer.token(&claims);
        assert_eq!(signer.verify(&token, 199), Some(claims.clone()));
        assert_eq!(signer.verify(&token, 200), None);
        assert_eq!(Signer::new().unwrap().verify(&token, 150), None, "another server's key");
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'Q' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(signer.verify(&changed, 150), None, "byte {at}");
        }
        for junk in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert_eq!(signer.verify(junk, 150), None, "{junk}");
        }
    }

    #[test]
    fn passwords_are_kept_as_fingerprints() {
        let signer = Signer::new().unwrap();
        let print = signer.fingerprint("a@b.c", "secret");
        assert!(signer.matches(&print, "a@b.c", "secret"));
        assert!(!signer.matches(&print, "a@b.c", "Secret"));
        assert!(!signer.matches(&print, "b@b.c", "secret"));
    }
}
