//! [`Endpoint`]: a URL beside the target's: where figures are fetched from, or sent to.

use std::fmt;
use std::str::FromStr;

use crate::load::plan::{Origin, Scheme};

/// A server and what is asked of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub origin: Origin,
    /// Path and query; keys may stand in the query, so it is never shown.
    pub path: String,
}

/// Why a text is no such URL. The text itself may hold a password and is never quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither http nor https.
    #[error("the URL does not begin with http:// or https://")]
    Scheme,
    /// A user name or a password in it.
    #[error("user names and passwords in this URL are not supported")]
    Credentials,
    /// Not a URL beyond that.
    #[error("the URL's host, port or path cannot be read")]
    Malformed,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `http://HOST[:PORT][/PATH][?QUERY]`.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let (scheme, default_port) = match scheme.as_deref() {
            Some("http") => (Scheme::Http, 80),
            Some("https") => (Scheme::Https, 443),
            _ => return Err(EndpointError::Scheme),
        };
        let uri: http::Uri = text.parse().map_err(|_| EndpointError::Malformed)?;
        let authority = uri.authority().ok_or(EndpointError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(EndpointError::Credentials);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() || authority.port_u16() == Some(0) {
            return Err(EndpointError::Malformed);
        }
        let port = authority.port_u16().unwrap_or(default_port);
        let origin = Origin {
            scheme,
            host,
            port,
            authority: authority.to_string(),
            base_path: String::new(),
        };
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        Ok(Self { origin, path })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.origin.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.origin.authority)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_and_shown_without_their_query() {
        let table = [
            ("http://127.0.0.1:8001/api/metrics?key=k", 8001, "/api/metrics?key=k"),
            ("HTTP://localhost", 80, "/"),
            ("https://[::1]/v1/metrics", 443, "/v1/metrics"),
        ];
        for (url, port, path) in table {
            let endpoint: Endpoint = url.parse().unwrap();
            assert_eq!((endpoint.origin.port, endpoint.path.as_str()), (port, path), "{url}");
            assert!(!format!("{endpoint} {endpoint:?}").contains("key"), "{url}");
        }
        assert_eq!("https://[::1]/x".parse::<Endpoint>().unwrap().origin.host, "::1");
    }

    #[test]
    fn what_cannot_be_used_is_told_without_its_text() {
        let table = [
            ("127.0.0.1:8001/metrics", EndpointError::Scheme),
            ("ftp://host/", EndpointError::Scheme),
            ("http://eve:s3cret@host/", EndpointError::Credentials),
            ("http://host:0/", EndpointError::Malformed),
            ("http:///metrics", EndpointError::Malformed),
            ("http://ho st/", EndpointError::Malformed),
        ];
        for (url, error) in table {
            assert_eq!(url.parse::<Endpoint>(), Err(error), "{url}");
        }
    }
}
