//! The target's URL: where its requests go and what they ask for.

use crate::load::plan::{Origin, Scheme};
use crate::load::url_text::encoded;

/// Whether a text begins like a URL that a target can have.
pub fn is_url(text: &str) -> bool {
    let begins = |scheme: &str| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    begins("http://") || begins("https://")
}

/// Longest path and query, in bytes: a little below what the HTTP library takes for a whole URL (65,534).
const PATH_BYTES_MAX: usize = 65_000;

/// Splits a URL into where and what, the latter as it can be sent. User names and passwords in it are refused.
pub fn split_url(url: &str) -> Result<(Origin, String), String> {
    let (scheme, rest) =
        url.split_once("://").ok_or("it does not begin with http:// or https://")?;
    let (scheme, default_port) = match &*scheme.to_ascii_lowercase() {
        "http" => (Scheme::Http, 80),
        "https" => (Scheme::Https, 443),
        _ => return Err("it does not begin with http:// or https://".to_owned()),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(
            "user names and passwords in a URL are not supported; use -H 'Authorization: …'"
                .to_owned(),
        );
    }
    if authority.starts_with('[') && authority.contains('%') {
        return Err(
            "an IPv6 address with a zone (%eth0) cannot be a target; use the host's name or another \
             of its addresses"
                .to_owned(),
        );
    }
    let parsed: http::uri::Authority =
        authority.parse().map_err(|_| "its host and port cannot be read".to_owned())?;
    let host = parsed.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = match authority.rsplit_once(':') {
        Some((_, digits)) if !digits.ends_with(']') => digits
            .parse::<u16>()
            .ok()
            .filter(|port| *port > 0)
            .ok_or("its port is not a number from 1 to 65535")?,
        _ => default_port,
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    let authority =
        if port == default_port { parsed.host().to_owned() } else { parsed.to_string() };
    let path = match path {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    let path = encoded(path.as_bytes());
    if path.len() > PATH_BYTES_MAX {
        return Err(format!(
            "its path and query are {} bytes long, and at most {PATH_BYTES_MAX} can be sent",
            path.len()
        ));
    }
    let origin = Origin { scheme, host, port, authority, base_path: String::new() };
    Ok((origin, path))
}

/// Where a profile's requests go: a URL whose path, if it has one, goes before every request's.
pub fn split_host(host: &str) -> Result<Origin, String> {
    let with_scheme = if host.contains("://") { host.to_owned() } else { format!("http://{host}") };
    let (mut origin, path) = split_url(&with_scheme)?;
    if path.contains('?') {
        return Err("a host has no query".to_owned());
    }
    path.trim_end_matches('/').clone_into(&mut origin.base_path);
    Ok(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_split_into_where_and_what() {
        let table = [
            ("http://localhost", "localhost", 80, "localhost", "/"),
            ("http://127.0.0.1:8001/a?b=c#d", "127.0.0.1", 8001, "127.0.0.1:8001", "/a?b=c"),
            ("https://example.org?x=1", "example.org", 443, "example.org", "/?x=1"),
            ("https://example.org:443/", "example.org", 443, "example.org", "/"),
            ("http://[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"),
            ("http://[::1]/x", "::1", 80, "[::1]", "/x"),
            ("HTTP://h/a b?q=\"<`é>\"", "h", 80, "h", "/a%20b?q=%22%3C%60%C3%A9%3E%22"),
            ("Https://h/a%20b", "h", 443, "h", "/a%20b"),
        ];
        for (url, host, port, authority, path) in table {
            let (origin, found) = split_url(url).unwrap();
            assert_eq!(
                (origin.host.as_str(), origin.port, origin.authority.as_str(), found.as_str()),
                (host, port, authority, path),
                "{url}"
            );
        }
        for url in [
            "ftp://x",
            "http://",
            "http://:80/",
            "http://u:p@host/",
            "http://h:99999/",
            "http://h:x/",
        ] {
            assert!(split_url(url).is_err(), "{url}");
        }
        let long = format!("http://h/?q={}", "x".repeat(70_000));
        assert!(split_url(&long).unwrap_err().contains("70004 bytes long"));
        for zone in ["http://[fe80::1%eth0]/", "http://[fe80::1%25eth0]:80/"] {
            assert!(split_url(zone).unwrap_err().contains("zone"), "{zone}");
        }
        assert!(is_url("HTTP://h") && is_url("https://h") && !is_url("ftp://h") && !is_url("ünï"));
    }

    #[test]
    fn a_host_may_carry_a_path_before_every_request() {
        let origin = split_host("https://example.org/api/").unwrap();
        assert_eq!((origin.base_path.as_str(), origin.port), ("/api", 443));
        assert_eq!(split_host("127.0.0.1:8001").unwrap().port, 8001);
        assert!(split_host("http://h/?q=1").is_err());
        assert!(split_host("htp://h:8001").unwrap_err().contains("begin with http://"));
    }
}
