//! [`Cookies`]: what a log-in's `Set-Cookie` headers leave to be sent (RFC 6265, section 5.2).
//!
//! Pure. All cookies go to the target alone, so domain and path are not looked at.

use std::time::Duration;

use http::header::{HeaderMap, SET_COOKIE};

/// Names and values, in the order in which they were set; the last of a name counts.
#[derive(Default)]
pub(super) struct Cookies(Vec<Cookie>);

struct Cookie {
    name: String,
    value: String,
    life: Option<Duration>,
    secure: bool,
}

impl Cookies {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut cookies: Vec<Cookie> = Vec::new();
        for header in headers.get_all(SET_COOKIE) {
            let Some(cookie) = header.to_str().ok().and_then(Cookie::parse) else { continue };
            cookies.retain(|earlier| earlier.name != cookie.name);
            // A life of nothing takes the cookie away.
            if cookie.life != Some(Duration::ZERO) {
                cookies.push(cookie);
            }
        }
        Self(cookies)
    }

    /// Those of these names, or all where none is named; `Secure` ones on safe ways only.
    pub(super) fn chosen(mut self, names: &[String], safe: Safe) -> Self {
        self.0.retain(|cookie| {
            (names.is_empty() || names.contains(&cookie.name))
                && (!cookie.secure || safe == Safe::Yes)
        });
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a `Cookie` header.
    pub(super) fn header(&self) -> String {
        let pairs = self.0.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|cookie| cookie.value.as_str())
    }

    /// The shortest life that is told.
    pub(super) fn life(&self) -> Option<Duration> {
        self.0.iter().filter_map(|cookie| cookie.life).min()
    }
}

/// Whether the way to the target is safe from others: TLS, or this machine's own loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safe {
    Yes,
    No,
}

impl Cookie {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let name = name.trim();
        if name.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.trim().to_owned(),
            life: None,
            secure: false,
        };
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            match attribute.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.secure = true,
                "max-age" => {
                    let seconds = value.trim().parse::<i64>().ok();
                    let seconds = seconds.map(|seconds| u64::try_from(seconds).unwrap_or(0));
                    cookie.life = seconds.map(Duration::from_secs);
                }
                _ => {}
            }
        }
        Some(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(set: &[&str]) -> Cookies {
        let mut headers = HeaderMap::new();
        for text in set {
            headers.append(SET_COOKIE, text.parse().unwrap());
        }
        Cookies::of(&headers)
    }

    #[test]
    fn what_is_set_is_sent() {
        let table: [(&[&str], &str, Option<u64>); 6] = [
            (&["a=1; Path=/; HttpOnly"], "a=1", None),
            (&["a=1; max-age=60", "b=x=y; Max-Age = 30"], "a=1; b=x=y", Some(30)),
            (&["a=1", "a=2"], "a=2", None),
            (&["a=1", "a=gone; Max-Age=0"], "", None),
            (&["a=1; Max-Age=-5", "b=2; Max-Age=soon"], "b=2", None),
            (&["nonsense", "=1", ""], "", None),
        ];
        for (set, sent, life) in table {
            let cookies = cookies(set);
            assert_eq!(cookies.header(), sent, "{set:?}");
            assert_eq!(cookies.life(), life.map(Duration::from_secs), "{set:?}");
            assert_eq!(cookies.is_empty(), sent.is_empty());
        }
    }

    #[test]
    fn names_and_safety_choose() {
        let sent = |names: &[&str], safe| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            cookies(&["a=1; Secure", "b=2"]).chosen(&names, safe).header()
        };
        assert_eq!(sent(&[], Safe::Yes), "a=1; b=2");
        assert_eq!(sent(&["a"], Safe::Yes), "a=1");
        assert_eq!(sent(&[], Safe::No), "b=2");
        assert_eq!(sent(&["a"], Safe::No), "");
    }
}
