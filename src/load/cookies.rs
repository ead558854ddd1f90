//! [`Jar`]: the cookies of one virtual session with one host (RFC 6265).

use http::HeaderMap;

use crate::load::set_cookie::{Channel, Left, SetCookie};
use crate::time::Offset;

/// Most cookies of a jar; the oldest makes room.
const COOKIES_MAX: usize = 50;

/// Whether a flow keeps cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cookies {
    /// It sends what the profile says and nothing else.
    #[default]
    Off,
    /// It keeps what answers set, for as long as it lasts.
    Kept,
}

/// Where a jar's cookies come from and go to.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Name or address, without a port.
    pub host: &'a str,
    /// How it is reached.
    pub channel: Channel,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// Absent for as long as the session lasts.
    expires: Option<Offset>,
    channel: Channel,
}

/// The cookies of one session, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar(Vec<Cookie>);

impl Jar {
    /// Takes in what an answer to `path` set at `now`. What `site` may not set is left out.
    pub fn keep(&mut self, headers: &HeaderMap, site: Site<'_>, path: &str, now: Offset) {
        for set in SetCookie::all(headers).filter(|set| site.may_set(set)) {
            let SetCookie { name, value, channel, left, .. } = set;
            let path = set.path.unwrap_or_else(|| folder(path).to_owned());
            self.0.retain(|kept| kept.name != name || kept.path != path);
            let expires = match left {
                Left::Gone => continue,
                Left::Session => None,
                Left::For(time) => Some(now + time),
            };
            self.0.push(Cookie { name, value, path, expires, channel });
            if self.0.len() > COOKIES_MAX {
                self.0.remove(0);
            }
        }
    }

    /// The `Cookie` header of a request for `path` at `now`; none if no cookie is meant for it. Those with
    /// the longest path come first.
    pub fn header(&self, channel: Channel, path: &str, now: Offset) -> Option<String> {
        let mut fitting: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|cookie| cookie.expires.is_none_or(|end| now < end))
            .filter(|cookie| channel.suits(cookie.channel))
            .filter(|cookie| is_below(path, &cookie.path))
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Site<'_> {
    fn may_set(&self, cookie: &SetCookie) -> bool {
        let at_home = cookie.domain.as_ref().is_none_or(|domain| belongs(self.host, domain));
        // A plain connection may not plant what a secure one would trust.
        at_home && self.channel.suits(cookie.channel)
    }
}

/// Whether a cookie for `domain` may come from `host`.
fn belongs(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    domain.is_empty()
        || host == domain
        || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
}

/// The path that a cookie has unless it says another: up to the last slash.
fn folder(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// Whether a request for `path` lies within a cookie's path.
fn is_below(path: &str, cookie: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use http::header::{DATE, SET_COOKIE};

    use super::*;

    const SITE: Site<'static> = Site { host: "shop.example.org", channel: Channel::Plain };

    fn at(seconds: u64) -> Offset {
        Offset::from_nanos(seconds * 1_000_000_000)
    }

    fn headers(cookies: &[&str], date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie.parse().unwrap());
        }
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    fn jar(cookies: &[&str]) -> Jar {
        let mut jar = Jar::default();
        jar.keep(&headers(cookies, None), SITE, "/a/login?x=/y", at(0));
        jar
    }

    #[test]
    fn a_cookie_goes_where_its_path_says() {
        let table = [
            ("s=1", "/a", true),
            ("s=1", "/a/b?c", true),
            ("s=1", "/ab", false),
            ("s=1", "/", false),
            ("s=1; Path=/", "/other", true),
            ("s=1; path=/x/", "/x/y", true),
            ("s=1; path=/x", "/x", true),
            ("s=1; path=relative", "/a/b", true),
        ];
        for (cookie, path, sent) in table {
            let header = jar(&[cookie]).header(Channel::Plain, path, at(1));
            assert_eq!(header.as_deref(), sent.then_some("s=1"), "{cookie} {path}");
        }
    }

    #[test]
    fn a_cookie_lasts_as_long_as_it_says() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let table = [
            ("s=1; Max-Age=10", None, 9, true),
            ("s=1; Max-Age=10", None, 10, false),
            ("s=1; Max-Age=0", None, 0, false),
            ("s=1; Max-Age=-5", None, 0, false),
            ("s=1; Expires=Sun, 06 Nov 1994 08:49:40 GMT", date, 2, true),
            ("s=1; Expires=Sun, 06 Nov 1994 08:49:40 GMT", date, 3, false),
            ("s=1; Expires=Sunday, 06-Nov-1994 08:49:40 GMT", date, 2, true),
            ("s=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", None, 0, false),
            ("s=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT", None, 1000, true),
            ("s=1; Expires=nonsense", date, 1000, true),
            ("s=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5", date, 4, true),
        ];
        for (cookie, date, seconds, sent) in table {
            let mut jar = Jar::default();
            jar.keep(&headers(&[cookie], date), SITE, "/", at(0));
            let header = jar.header(Channel::Plain, "/", at(seconds));
            assert_eq!(header.is_some(), sent, "{cookie} after {seconds} s");
        }
    }

    #[test]
    fn a_cookie_is_replaced_or_deleted_by_its_name_and_path() {
        let mut jar = jar(&["s=1; Path=/", "t=2; Path=/", "s=3; Path=/a"]);
        assert_eq!(jar.header(Channel::Plain, "/a", at(1)).unwrap(), "s=3; s=1; t=2");
        jar.keep(&headers(&["s=9; Path=/", "t=; Path=/; Max-Age=0"], None), SITE, "/", at(1));
        assert_eq!(jar.header(Channel::Plain, "/", at(1)).unwrap(), "s=9");
    }

    #[test]
    fn what_the_site_may_not_set_is_left_out() {
        for (cookie, kept) in [
            ("s=1; Domain=example.org", true),
            ("s=1; Domain=.shop.example.org", true),
            ("s=1; Domain=other.org", false),
            ("s=1; Domain=op.example.org", false),
            ("s=1; Secure", false),
            ("=1", false),
            ("s", false),
        ] {
            assert_eq!(jar(&[cookie]) != Jar::default(), kept, "{cookie}");
        }
        let secure = Site { channel: Channel::Secure, ..SITE };
        let mut jar = Jar::default();
        jar.keep(&headers(&["s=1; Secure"], None), secure, "/", at(0));
        assert!(jar.header(Channel::Plain, "/", at(0)).is_none());
        assert!(jar.header(Channel::Secure, "/", at(0)).is_some());
    }

    #[test]
    fn a_jar_is_bounded() {
        let mut jar = Jar::default();
        for number in 0..80 {
            jar.keep(&headers(&[&format!("s{number}=1")], None), SITE, "/", at(0));
        }
        jar.keep(&headers(&[&format!("big={}", "x".repeat(5000))], None), SITE, "/", at(0));
        assert_eq!(jar.0.len(), COOKIES_MAX);
        assert_eq!(jar.0[0].name, "s30");
    }
}
