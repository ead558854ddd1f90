//! [`Url`]: where a recorded request went, and what for.

/// An absolute http or https URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// Scheme, host and port, without a slash at the end.
    pub(super) origin: String,
    /// Begins with a slash; as it was written.
    pub(super) path: String,
    /// Decoded; a query that does not decode to text stays with the path.
    pub(super) query: Vec<(String, String)>,
    /// Whether it held a user's name and password, which are dropped.
    pub(super) had_credentials: bool,
}

impl Url {
    /// Reads a URL; nothing if it is not one of http or https.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (had_credentials, authority) = match authority.rsplit_once('@') {
            Some((_, authority)) => (true, authority),
            None => (false, authority),
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(legal) {
            return None;
        }
        let default_port = if scheme == "http" { ":80" } else { ":443" };
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        let (path, query) = split_target(target);
        let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
        Some(Self { origin, path, query, had_credentials })
    }

    /// The last part of the path behind its last dot, in small letters.
    pub(super) fn extension(&self) -> Option<String> {
        let file = self.path.rsplit('/').next()?;
        file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
    }
}

/// A path beginning with a slash, and the decoded query; what stands behind a # is dropped.
pub(super) fn split_target(target: &str) -> (String, Vec<(String, String)>) {
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    // Two slashes in front would be read as a host.
    let path = format!("/{}", path.trim_start_matches('/'));
    match decoded_pairs(query) {
        Some(pairs) => (path, pairs),
        None => (format!("{path}?{query}"), Vec::new()),
    }
}

/// `name=value&…`, decoded; nothing if it is not UTF-8 then.
pub(super) fn decoded_pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let value = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (value, bytes[at]) {
            (Some(byte), _) => {
                out.push(byte);
                at += 2;
            }
            (None, b'+') => out.push(b' '),
            (None, byte) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = Url::parse("HTTPS://u:p@API.example.com:443/a/b.JS?x=1&y=a%20b+c#top").unwrap();
        assert_eq!(url.origin, "https://api.example.com");
        assert_eq!(url.path, "/a/b.JS");
        assert_eq!(url.query, [("x".into(), "1".into()), ("y".into(), "a b c".into())]);
        assert!(url.had_credentials);
        assert_eq!(url.extension().as_deref(), Some("js"));
        assert_eq!(Url::parse("http://h").unwrap().path, "/");
        assert_eq!(Url::parse("http://h//x?%ff").unwrap().path, "/x?%ff");
        for text in ["", "ftp://h/", "/path", "http://", "http://a b/", "data:,x"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decoded("100%"), Some("100%".into()));
        assert_eq!(decoded("%zz%2"), Some("%zz%2".into()));
        assert_eq!(decoded("%+5"), Some("% 5".into()));
        assert_eq!(decoded("%C3%BC"), Some("ü".into()));
        assert_eq!(decoded("%ff"), None);
    }
}
