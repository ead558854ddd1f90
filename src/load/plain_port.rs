//! What servers answer to plain HTTP on a port that speaks TLS, in their own words.

/// Up to where such an answer's body is looked through, in bytes.
pub const LOOKED_THROUGH: usize = 1024;

/// The status that it has.
pub const STATUS: u16 = 400;

/// What is said of it.
pub const WORDS: &str = "the server says that plain HTTP was sent to a port that speaks TLS";

/// What to do about it.
pub const REMEDY: &str = "write https:// in the target's URL";

/// In small letters: nginx and cheroot, Apache, Go, Tomcat.
const PHRASES: [&str; 4] = [
    "plain http request",
    "speaking plain http to an ssl-enabled server",
    "http request to an https server",
    "requires tls",
];

/// Whether an answer says that its port speaks TLS.
pub fn is_told(status: u16, body: &[u8]) -> bool {
    let beginning = &body[..body.len().min(LOOKED_THROUGH)];
    let text = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    status == STATUS && PHRASES.iter().any(|phrase| text.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_words_are_known_and_other_refusals_are_not() {
        let nginx =
            "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>";
        let apache = "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />";
        let table = [
            (400, nginx, true),
            (400, apache, true),
            (400, "Client sent an HTTP request to an HTTPS server.\n", true),
            (400, "The client sent a plain HTTP request, but this server only speaks HTTPS", true),
            (400, "This combination of host and port requires TLS.", true),
            (200, nginx, false),
            (400, "{\"error\": \"page must be a number\"}", false),
            (400, "", false),
        ];
        for (status, body, told) in table {
            assert_eq!(is_told(status, body.as_bytes()), told, "{status} {body}");
        }
        let late = [vec![b' '; LOOKED_THROUGH], nginx.as_bytes().to_vec()].concat();
        assert!(!is_told(400, &late));
    }
}
