//! Where a redirect leads and what is sent there (RFC 9110, 15.4).

use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::load::endpoint::Endpoint;
use crate::load::expect::Trouble;
use crate::load::plan::{Origin, Scheme};
use crate::load::url_text::encoded;

/// Most redirects that a request may follow.
pub const REDIRECTS_MAX: u32 = 20;

/// What of a request goes on to the next place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Method and body as they were.
    All,
    /// A GET, or HEAD, without a body.
    Nothing,
}

/// Whether `status` is that of a redirect that can be followed.
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// What goes on after an answer with `status` to a request with `method`: 301 and 302 turn a POST into a
/// GET, as browsers have it.
pub fn carries(status: u16, method: &Method) -> Carries {
    let see_other = status == StatusCode::SEE_OTHER && *method != Method::HEAD;
    let posted = matches!(status, 301 | 302) && *method == Method::POST;
    if see_other || posted { Carries::Nothing } else { Carries::All }
}

/// An answer that sends a request elsewhere, and the request.
#[derive(Clone, Copy, Debug)]
pub struct Redirection<'a> {
    /// Of the request.
    pub method: &'a Method,
    /// Of the request.
    pub uri: &'a Uri,
    /// Of the answer.
    pub status: u16,
    /// Of the answer.
    pub headers: &'a HeaderMap,
}

/// What is sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onward {
    /// Where to, on the same server.
    pub target: PathAndQuery,
    /// What of the request goes there.
    pub carries: Carries,
}

impl Redirection<'_> {
    /// What is sent next, of `most` redirects `followed` having been followed.
    ///
    /// # Errors
    /// [`Trouble::TooManyRedirects`], or that of [`target`].
    pub fn onward(self, origin: &Origin, followed: u32, most: u32) -> Result<Onward, Trouble> {
        if followed >= most {
            return Err(Trouble::TooManyRedirects);
        }
        let location = self.headers.get(LOCATION).ok_or(Trouble::NoLocation)?;
        let path = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let location = location.as_bytes().split(|&byte| byte == b'#').next().unwrap_or_default();
        let target = target(&encoded(location.trim_ascii()), origin, path)?;
        Ok(Onward { target, carries: carries(self.status, self.method) })
    }
}

/// The path and query to which `location`, a URL without a fragment, leads from `path`, on the same server.
///
/// # Errors
/// [`Trouble::OtherHost`], [`Trouble::OtherScheme`], or [`Trouble::NoLocation`] for what is no place on a
/// server.
pub fn target(location: &str, origin: &Origin, path: &str) -> Result<PathAndQuery, Trouble> {
    let scheme = match origin.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let rest = match location.split_once("://") {
        // A scheme stands before any slash or question mark.
        Some((other, rest)) if !other.contains(['/', '?']) => {
            if !other.eq_ignore_ascii_case(scheme) {
                return Err(other_scheme(other, rest, origin));
            }
            Some(rest)
        }
        _ => location.strip_prefix("//"),
    };
    let text = match rest {
        None => resolved(location, path),
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            if !is_origin(authority, origin) {
                return Err(Trouble::OtherHost);
            }
            if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
        }
    };
    text.parse().map_err(|_| Trouble::NoLocation)
}

/// What is wrong with a place that is reached by another scheme: whether the host is the same one.
fn other_scheme(scheme: &str, rest: &str, origin: &Origin) -> Trouble {
    let place: Result<Endpoint, _> = format!("{}://{rest}", scheme.to_ascii_lowercase()).parse();
    match place {
        Ok(place) if place.origin.host.eq_ignore_ascii_case(&origin.host) => Trouble::OtherScheme,
        _ => Trouble::OtherHost,
    }
}

/// Whether `authority` is the origin's, the scheme's port being optional.
fn is_origin(authority: &str, origin: &Origin) -> bool {
    let port = match origin.scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    };
    let with_port = |authority: &str| {
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if has_port { authority.to_owned() } else { format!("{authority}:{port}") }
    };
    with_port(authority).eq_ignore_ascii_case(&with_port(&origin.authority))
}

/// A reference without an authority, resolved against `path` (RFC 3986, 5.2).
fn resolved(reference: &str, path: &str) -> String {
    let (base, _) = path.split_once('?').unwrap_or((path, ""));
    let (place, query) = match reference.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (reference, None),
    };
    let whole = if reference.is_empty() {
        return path.to_owned();
    } else if place.is_empty() {
        base.to_owned()
    } else if place.starts_with('/') {
        place.to_owned()
    } else {
        format!("{}/{place}", base.rsplit_once('/').map_or("", |(folder, _)| folder))
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = whole.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        match part {
            "." | ".." => {
                if part == ".." {
                    segments.pop();
                }
                if parts.peek().is_none() {
                    segments.push("");
                }
            }
            part => segments.push(part),
        }
    }
    let path = format!("/{}", segments.join("/"));
    query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn origin(scheme: Scheme, authority: &str) -> Origin {
        Origin {
            scheme,
            host: authority.split(':').next().unwrap_or_default().to_owned(),
            port: 0,
            authority: authority.to_owned(),
            base_path: String::new(),
        }
    }

    #[test]
    fn a_location_is_resolved_on_the_same_server() {
        let table = [
            ("/x", Ok("/x")),
            ("/x?y=1", Ok("/x?y=1")),
            ("http://shop:8001/x", Ok("/x")),
            ("HTTP://SHOP:8001?q", Ok("/?q")),
            ("http://shop:8001", Ok("/")),
            ("//shop:8001/x", Ok("/x")),
            ("c", Ok("/a/c")),
            ("./c/", Ok("/a/c/")),
            ("../c", Ok("/c")),
            ("../../..", Ok("/")),
            ("?p=2", Ok("/a/b?p=2")),
            ("", Ok("/a/b?old=1")),
            ("/x?next=http://else/", Ok("/x?next=http://else/")),
            ("https://shop:8001/x", Err(Trouble::OtherScheme)),
            ("HTTPS://SHOP/x", Err(Trouble::OtherScheme)),
            ("https://other/x", Err(Trouble::OtherHost)),
            ("ftp://shop/x", Err(Trouble::OtherHost)),
            ("http://shop/x", Err(Trouble::OtherHost)),
            ("http://user@shop:8001/x", Err(Trouble::OtherHost)),
            ("//other/x", Err(Trouble::OtherHost)),
            ("/a b", Err(Trouble::NoLocation)),
        ];
        let origin = origin(Scheme::Http, "shop:8001");
        for (location, expected) in table {
            let found = target(location, &origin, "/a/b?old=1");
            let found = found.as_ref().map(PathAndQuery::as_str).map_err(|error| *error);
            assert_eq!(found, expected, "{location}");
        }
    }

    #[test]
    fn a_location_is_encoded_as_browsers_do_it() {
        let (uri, method) = (Uri::from_static("/a/b"), Method::GET);
        let table = [
            ("/café", Ok("/caf%C3%A9")),
            (" /end page ", Ok("/end%20page")),
            ("end?q=\"a\"#part", Ok("/a/end?q=%22a%22")),
            ("/a%20b", Ok("/a%20b")),
            ("http://shop:8001/<x>", Ok("/%3Cx%3E")),
        ];
        for (location, expected) in table {
            let value = HeaderValue::from_bytes(location.as_bytes()).unwrap();
            let headers = HeaderMap::from_iter([(LOCATION, value)]);
            let from = Redirection { method: &method, uri: &uri, status: 302, headers: &headers };
            let onward = from.onward(&origin(Scheme::Http, "shop:8001"), 0, 1);
            assert_eq!(
                onward.as_ref().map(|onward| onward.target.as_str()),
                expected.as_ref().copied()
            );
            assert_eq!(
                from.onward(&origin(Scheme::Http, "shop:8001"), 1, 1),
                Err(Trouble::TooManyRedirects)
            );
        }
    }

    #[test]
    fn the_schemes_own_port_may_be_written() {
        let table = [
            (Scheme::Http, "shop", "http://shop:80/x", true),
            (Scheme::Https, "shop", "https://shop:443/x", true),
            (Scheme::Http, "shop", "http://shop:443/x", false),
            (Scheme::Http, "[::1]", "http://[::1]:80/x", true),
        ];
        for (scheme, authority, location, same) in table {
            let found = target(location, &origin(scheme, authority), "/");
            assert_eq!(found.is_ok(), same, "{location}");
        }
    }

    #[test]
    fn methods_change_as_in_a_browser() {
        let table = [
            (301, Method::POST, Carries::Nothing),
            (302, Method::POST, Carries::Nothing),
            (302, Method::PUT, Carries::All),
            (303, Method::PUT, Carries::Nothing),
            (303, Method::HEAD, Carries::All),
            (307, Method::POST, Carries::All),
            (308, Method::POST, Carries::All),
            (301, Method::GET, Carries::All),
        ];
        for (status, method, carried) in table {
            assert_eq!(carries(status, &method), carried, "{status} {method}");
        }
        assert!(!is_redirect(304) && !is_redirect(300) && is_redirect(308));
    }
}
