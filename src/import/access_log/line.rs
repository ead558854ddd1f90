//! [`Line`]: one request of an access log, whatever wrote it.

use jiff::Timestamp;
use serde_json::Value;

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// In capitals.
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) status: Option<u16>,
    pub(super) time: Option<Timestamp>,
}

/// Where JSON logs keep each part: nginx, Caddy, Traefik, Envoy and those of applications.
const METHODS: [&str; 6] =
    ["method", "request_method", "RequestMethod", "http_method", "http.method", "request.method"];
const TARGETS: [&str; 9] = [
    "request_uri",
    "uri",
    "request.uri",
    "RequestPath",
    "path",
    "url",
    "http.target",
    "url.path",
    "request_path",
];
const STATUSES: [&str; 6] =
    ["status", "status_code", "response_code", "DownstreamStatus", "http.status_code", "code"];
const TIMES: [&str; 9] = [
    "time",
    "ts",
    "timestamp",
    "@timestamp",
    "time_iso8601",
    "time_local",
    "StartUTC",
    "start_time",
    "msec",
];

impl Line {
    /// Reads a line; nothing if it holds no request.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('{') { Self::json(text) } else { Self::plain(text) }
    }

    /// `… [time] "METHOD target HTTP/x" status …`: common, combined, and what uvicorn and gunicorn print.
    fn plain(text: &str) -> Option<Self> {
        let (before, after) = text.split_once('"')?;
        let (request, after) = after.split_once('"')?;
        let (method, target) = request_line(request)?;
        let status = after.split_whitespace().next().and_then(|word| word.parse().ok());
        let time = before.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let time = time.and_then(|(time, _)| moment(time));
        Some(Self { method, target, status, time })
    }

    fn json(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let text_of = |names: &[&str]| find(&document, names).and_then(Value::as_str);
        let whole = find(&document, &["request"]).and_then(Value::as_str).and_then(request_line);
        let parts = text_of(&METHODS).zip(text_of(&TARGETS));
        let parts = parts.and_then(|(method, target)| {
            let target = match target.split_once("://") {
                Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
                None => target,
            };
            request_line(&format!("{method} {target}"))
        });
        let (method, target) = parts.or(whole)?;
        let status = find(&document, &STATUSES).and_then(|value| match value {
            Value::Number(number) => number.as_u64().and_then(|status| u16::try_from(status).ok()),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let time = find(&document, &TIMES).and_then(|value| match value {
            Value::Number(number) => number.as_f64().and_then(since_epoch),
            Value::String(text) => {
                moment(text).or_else(|| text.parse::<f64>().ok().and_then(since_epoch))
            }
            _ => None,
        });
        Some(Self { method, target, status, time })
    }
}

/// The first of the names that is there; a dot goes down one level where the name is not there as it is.
fn find<'v>(document: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| {
        document.get(name).or_else(|| {
            let (outer, inner) = name.split_once('.')?;
            document.get(outer)?.get(inner)
        })
    })
}

/// `GET /path HTTP/1.1`, with or without its end.
fn request_line(text: &str) -> Option<(String, String)> {
    let mut words = text.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let method_like = method.len() <= 20 && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    (method_like && target.starts_with('/'))
        .then(|| (method.to_ascii_uppercase(), target.to_owned()))
}

/// `25/Nov/2026:23:15:17 +0000`, or what RFC 3339 allows.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let parsed = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
        parsed.to_timestamp().ok()
    })
}

/// Seconds, or milliseconds where seconds would lie thousands of years ahead.
fn since_epoch(number: f64) -> Option<Timestamp> {
    let seconds = if number > 1e11 { number / 1000.0 } else { number };
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, Option<u16>, Option<i64>)> {
        let Line { method, target, status, time } = Line::parse(text)?;
        Some((method, target, status, time.map(Timestamp::as_millisecond)))
    }

    #[test]
    fn every_kind_of_line_says_the_same() {
        let at = Some(1_795_648_517_000);
        for (line, time) in [
            (
                r#"10.0.0.1 - bob [25/Nov/2026:22:35:17 -0040] "GET /a?b=1 HTTP/1.1" 200 5 "-" "x""#,
                at,
            ),
            (r#"INFO:     127.0.0.1:5000 - "GET /a?b=1 HTTP/1.1" 200 OK"#, None),
            (r#"{"request":"GET /a?b=1 HTTP/2","status":"200","time":"2026-11-25T23:15:17Z"}"#, at),
            (r#"{"method":"get","path":"/a?b=1","status":200,"ts":1795648517}"#, at),
            (r#"{"ts":1795648517.0,"request":{"method":"GET","uri":"/a?b=1"},"status":200}"#, at),
            (
                r#"{"http_method":"GET","url":"https://h/a?b=1","status_code":200,"ts":1795648517000}"#,
                at,
            ),
        ] {
            let expected = ("GET".to_owned(), "/a?b=1".to_owned(), Some(200), time);
            assert_eq!(read(line), Some(expected), "{line}");
        }
        for line in ["", "nonsense", "{\"a\":1}", "\"GET\" 200", "\"\\x16\\x03\" 400", "{"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
