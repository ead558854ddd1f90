//! Which recorded headers belong to the request and which to the browser or the connection.

/// What every browser sends by itself; it says nothing about the API.
const BROWSERS: [&str; 18] = [
    "accept-encoding",
    "accept-language",
    "cache-control",
    "dnt",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "proxy-connection",
    "purpose",
    "referer",
    "te",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "x-requested-with",
];
/// Set by the connection itself.
const CONNECTIONS: [&str; 5] =
    ["connection", "content-length", "expect", "host", "transfer-encoding"];

/// Whether a header is kept.
pub(super) fn belongs_to_the_request(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let legal = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    legal
        && !name.starts_with("sec-")
        && !BROWSERS.contains(&name.as_str())
        && !CONNECTIONS.contains(&name.as_str())
}

/// Whether a value can stand in a header.
pub(super) fn is_value(value: &str) -> bool {
    http::HeaderValue::from_str(value).is_ok()
}
