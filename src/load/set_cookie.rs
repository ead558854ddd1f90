//! [`SetCookie`]: what one `Set-Cookie` header says (RFC 6265, section 5.2).
//!
//! Lifetimes are counted from the answer that sets the cookie, by the server's own `Date` where one is given,
//! so that no clock of ours is asked what the date is.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, SET_COOKIE};
use jiff::Timestamp;

/// Longest name and value together, in bytes.
const BYTES_MAX: usize = 4096;
/// Servers delete a cookie by a date in the past, mostly the beginning of time.
const LONG_AGO: i64 = 946_684_800;

/// Whether cookies for secure connections may be set and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Plain HTTP.
    Plain,
    /// HTTPS; loopback, as in browsers.
    Secure,
}

impl Channel {
    /// Whether a cookie that asks for `wanted` may be set and sent over it.
    pub fn suits(self, wanted: Self) -> bool {
        wanted == Self::Plain || self == Self::Secure
    }
}

/// A cookie as an answer sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    /// Not empty.
    pub name: String,
    /// As it is sent back.
    pub value: String,
    /// Begins with a slash; absent means the folder of the request.
    pub path: Option<String>,
    /// Absent means the host that set it alone.
    pub domain: Option<String>,
    /// What it is sent over at least.
    pub channel: Channel,
    /// How long it lasts.
    pub left: Left,
}

/// What is left of a cookie's life when it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: the cookie is deleted.
    Gone,
    /// As long as the session lasts.
    Session,
    /// This long, more than zero.
    For(Duration),
}

impl SetCookie {
    /// The cookies that an answer sets, in order; what is none is left out.
    pub fn all(headers: &HeaderMap) -> impl Iterator<Item = Self> {
        let date = headers.get(DATE).and_then(|date| timestamp(date.to_str().ok()?));
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|text| text.to_str().ok());
        texts.filter_map(move |text| Self::parse(text, date))
    }

    fn parse(text: &str, date: Option<Timestamp>) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if name.is_empty() || name.len() + value.len() > BYTES_MAX {
            return None;
        }
        let (path, domain, channel, left) = (None, None, Channel::Plain, Left::Session);
        let mut cookie = Self { name, value, path, domain, channel, left };
        let mut lifetime = Lifetime::default();
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match attribute.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => cookie.path = Some(value.to_owned()),
                "domain" => cookie.domain = Some(value.to_owned()),
                "secure" => cookie.channel = Channel::Secure,
                "max-age" => lifetime.max_age_s = value.parse().ok().or(lifetime.max_age_s),
                "expires" => lifetime.expires = timestamp(value).or(lifetime.expires),
                _ => {}
            }
        }
        cookie.left = lifetime.left(date);
        Some(cookie)
    }
}

/// What a cookie says of its end.
#[derive(Clone, Copy, Debug, Default)]
struct Lifetime {
    /// Goes before `expires`.
    max_age_s: Option<i64>,
    expires: Option<Timestamp>,
}

impl Lifetime {
    /// What is left at `date`, if the answer says what date it is.
    fn left(self, date: Option<Timestamp>) -> Left {
        let seconds = match (self.max_age_s, self.expires, date) {
            (Some(seconds), ..) => seconds,
            (None, Some(end), Some(date)) => end.as_second() - date.as_second(),
            (None, Some(end), None) if end.as_second() < LONG_AGO => 0,
            (None, ..) => return Left::Session,
        };
        match u64::try_from(seconds) {
            Ok(seconds @ 1..) => Left::For(Duration::from_secs(seconds)),
            _ => Left::Gone,
        }
    }
}

/// A date as HTTP writes it, also with the dashes of old.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(',')?;
    let day = weekday.get(..3)?;
    let rest = rest.trim().replace('-', " ").replace("GMT", "+0000").replace("UTC", "+0000");
    jiff::fmt::rfc2822::parse(&format!("{day}, {rest}")).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_and_nonsense_is_left_out() {
        let read = |text: &str| SetCookie::parse(text, None);
        let plain = |name: &str, value: &str| SetCookie {
            name: name.into(),
            value: value.into(),
            path: None,
            domain: None,
            channel: Channel::Plain,
            left: Left::Session,
        };
        let table = [
            ("a=1", plain("a", "1")),
            (" a = x=y ; HttpOnly; Path=relative", plain("a", "x=y")),
            ("a=1; PATH=/x", SetCookie { path: Some("/x".into()), ..plain("a", "1") }),
            ("a=1; Domain=b.c", SetCookie { domain: Some("b.c".into()), ..plain("a", "1") }),
            ("a=; secure", SetCookie { channel: Channel::Secure, ..plain("a", "") }),
            ("a=1; Max-Age = -5", SetCookie { left: Left::Gone, ..plain("a", "1") }),
            ("a=1; Max-Age=soon", plain("a", "1")),
        ];
        for (text, cookie) in table {
            assert_eq!(read(text), Some(cookie), "{text}");
        }
        for text in ["", "a", "=1", &format!("a={}", "x".repeat(5000))] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
