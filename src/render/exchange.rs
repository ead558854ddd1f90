//! One exchange as text, secrets hidden: request and answer as they went over the wire, bodies up to a bound.

use std::fmt::Write as _;

use http::{HeaderMap, Method, StatusCode, Uri};

use crate::analysis::words::counted;
use crate::load::secrets::{HIDDEN, hidden_body, shown_body, shown_header, shown_target};

/// Characters of a body that are shown.
pub const BODY_CHARS_MAX: usize = 2_000;
/// Larger bodies are not searched for secrets, and so not shown.
const SEARCHED_BYTES_MAX: usize = 1 << 20;

/// How much of a body may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// All but what is a secret by its name or look.
    Shown,
    /// Its structure alone: that of a log-in, where any value may be a secret.
    Structure,
}

/// A request's lines, each with `> ` in front.
pub fn request(
    (method, uri): (&Method, &Uri),
    headers: &HeaderMap,
    body: &[u8],
    bodies: Bodies,
) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut text = format!("> {method} {}\n", shown_target(target));
    push_headers(headers, "> ", &mut text);
    push_body(body, bodies, "> ", &mut text);
    text
}

/// An answer's lines, each with `< ` in front.
pub fn answer(status: u16, headers: &HeaderMap, body: &[u8], bodies: Bodies) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut text = String::new();
    push_line("< ", &format!("{status} {}", reason.unwrap_or_default()), &mut text);
    push_headers(headers, "< ", &mut text);
    push_body(body, bodies, "< ", &mut text);
    text
}

fn push_headers(headers: &HeaderMap, mark: &str, text: &mut String) {
    for (name, value) in headers {
        let value = value.to_str().map_or(HIDDEN.into(), |value| shown_header(name, value));
        push_line(mark, &format!("{name}: {value}"), text);
    }
}

fn push_body(body: &[u8], bodies: Bodies, mark: &str, text: &mut String) {
    if body.is_empty() {
        return;
    }
    push_line(mark, "", text);
    let length = counted(body.len() as u64, "byte");
    let shown = match (std::str::from_utf8(body), bodies) {
        (Err(_), _) => {
            return push_line(mark, &format!("({length} that are not text)"), text);
        }
        (Ok(_), _) if body.len() > SEARCHED_BYTES_MAX => {
            return push_line(mark, &format!("({length}, too long to be shown)"), text);
        }
        (Ok(body), Bodies::Shown) => shown_body(body),
        (Ok(body), Bodies::Structure) => hidden_body(body),
    };
    let cut: String = shown.chars().take(BODY_CHARS_MAX).collect();
    for line in cut.lines() {
        push_line(mark, line, text);
    }
    if cut.len() < shown.len() {
        push_line(mark, &format!("… ({length})"), text);
    }
}

/// Control characters could drive the terminal.
fn push_line(mark: &str, line: &str, text: &mut String) {
    let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    writeln!(text, "{}", format!("{mark}{line}").trim_end())
        .expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, HOST, SET_COOKIE};

    use super::*;

    #[test]
    fn an_exchange_is_shown_without_its_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("h:81"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer t0ken"));
        let uri: Uri = "http://h:81/a?x=1&token=t0ken".parse().unwrap();
        let shown = request((&Method::POST, &uri), &headers, b"{\"a\":\n1}", Bodies::Shown);
        assert_eq!(
            shown,
            "> POST /a?x=1&token=***\n> host: h:81\n> authorization: Bearer ***\n>\n> {\"a\":\n> 1}\n"
        );
        headers.clear();
        headers.insert(SET_COOKIE, HeaderValue::from_static("sid=1"));
        let shown = answer(200, &headers, b"{\"jwt\":\"abc\",\"n\":[1]}", Bodies::Structure);
        assert_eq!(shown, "< 200 OK\n< set-cookie: ***\n<\n< {\"jwt\":\"***\",\"n\":[\"***\"]}\n");
    }

    #[test]
    fn long_and_strange_bodies_are_bounded() {
        let long = answer(200, &HeaderMap::new(), "ü".repeat(3_000).as_bytes(), Bodies::Shown);
        assert!(long.ends_with("… (6,000 bytes)\n") && long.chars().count() < 2_100);
        let huge = answer(200, &HeaderMap::new(), &vec![b'a'; 2 << 20], Bodies::Shown);
        assert!(huge.contains("(2,097,152 bytes, too long to be shown)"));
        let binary = answer(599, &HeaderMap::new(), &[0xff, 0xfe], Bodies::Shown);
        assert_eq!(binary, "< 599\n<\n< (2 bytes that are not text)\n");
        let odd = answer(200, &HeaderMap::new(), b"a\x1b[31m", Bodies::Shown);
        assert!(odd.contains("a\u{fffd}[31m"), "{odd}");
    }
}
