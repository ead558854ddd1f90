//! [`Cookies`]: what a log-in's `Set-Cookie` headers leave to be sent.
//!
//! Pure. All cookies go to the target alone, so domain and path are not looked at.

use std::time::Duration;

use http::header::HeaderMap;

use crate::load::set_cookie::{Channel, Left, SetCookie};

/// In the order in which they were set; the last of a name counts.
#[derive(Default)]
pub(super) struct Cookies(Vec<SetCookie>);

impl Cookies {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut cookies: Vec<SetCookie> = Vec::new();
        for cookie in SetCookie::all(headers) {
            cookies.retain(|earlier| earlier.name != cookie.name);
            if cookie.left != Left::Gone {
                cookies.push(cookie);
            }
        }
        Self(cookies)
    }

    /// Those of these names, or all where none is named, that may be sent over `channel`.
    pub(super) fn chosen(mut self, names: &[String], channel: Channel) -> Self {
        self.0.retain(|cookie| {
            (names.is_empty() || names.contains(&cookie.name)) && channel.suits(cookie.channel)
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
        let lives = self.0.iter().filter_map(|cookie| match cookie.left {
            Left::For(life) => Some(life),
            Left::Gone | Left::Session => None,
        });
        lives.min()
    }
}

#[cfg(test)]
mod tests {
    use http::header::SET_COOKIE;

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
    fn names_and_the_channel_choose() {
        let sent = |names: &[&str], channel| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            cookies(&["a=1; Secure", "b=2"]).chosen(&names, channel).header()
        };
        assert_eq!(sent(&[], Channel::Secure), "a=1; b=2");
        assert_eq!(sent(&["a"], Channel::Secure), "a=1");
        assert_eq!(sent(&[], Channel::Plain), "b=2");
        assert_eq!(sent(&["a"], Channel::Plain), "");
    }
}
