//! [`parse`]: Prometheus' text format (version 0.0.4), as targets write it, to samples.
//!
//! Lines that are none of the format are counted and passed over: a target's slip costs that line alone.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats>.

use crate::load::selector::{is_name, unescaped};

/// What the target says a series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It only grows, but for a restart: its rate is what tells something.
    Counter,
    /// It goes up and down.
    Gauge,
    /// One bucket of a histogram or one quantile of a summary.
    Part,
}

/// One series at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Its name, with `_total`, `_sum` and the like.
    pub name: &'a str,
    /// In the order of the text.
    pub labels: Vec<(String, String)>,
    /// What it is.
    pub nature: Nature,
    /// Maybe infinite or not a number.
    pub value: f64,
}

/// What a text holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition<'a> {
    /// In the order of the text.
    pub samples: Vec<Sample<'a>>,
    /// Lines that could not be read.
    pub damaged: usize,
}

/// Reads a whole text.
pub fn parse(text: &str) -> Exposition<'_> {
    let mut exposition = Exposition::default();
    let mut family = ("", "untyped");
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.split_whitespace();
            if words.next() == Some("TYPE")
                && let (Some(name), Some(kind)) = (words.next(), words.next())
            {
                family = (name, kind);
            }
            continue;
        }
        match sample(line, family) {
            Some(sample) => exposition.samples.push(sample),
            None => exposition.damaged += 1,
        }
    }
    exposition
}

/// `name{label="value",…} value [timestamp]`
fn sample<'a>(line: &'a str, family: (&str, &str)) -> Option<Sample<'a>> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.trim_start().strip_prefix('{') {
        None => (Vec::new(), rest),
        Some(inner) => labels(inner)?,
    };
    let mut words = rest.split_whitespace();
    let value = number(words.next()?)?;
    // A timestamp may follow, and OpenMetrics' exemplars behind a `#`.
    let timed = words.next().is_none_or(|word| word == "#" || word.parse::<f64>().is_ok());
    let nature = nature(name, &labels, family);
    (is_name(name) && timed).then_some(Sample { name, labels, nature, value })
}

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, tail) = rest.split_once('=')?;
        let tail = tail.trim_start().strip_prefix('"')?;
        let end = closing_quote(tail)?;
        if !is_name(name.trim()) {
            return None;
        }
        labels.push((name.trim().to_owned(), unescaped(&tail[..end])?));
        rest = tail[end + 1..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        text => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

fn nature(name: &str, labels: &[(String, String)], (family, kind): (&str, &str)) -> Nature {
    let of_family = name.strip_prefix(family).filter(|_| !family.is_empty());
    let labelled = |label: &str| labels.iter().any(|(name, _)| name == label);
    match (of_family, kind) {
        (Some("" | "_total"), "counter") | (Some("_sum" | "_count"), "histogram" | "summary") => {
            Nature::Counter
        }
        (Some("_bucket"), "histogram") | (Some("_created"), _) => Nature::Part,
        (Some(""), "summary") if labelled("quantile") => Nature::Part,
        (Some(""), "gauge") => Nature::Gauge,
        // Without a type the name alone tells.
        _ if name.ends_with("_total") => Nature::Counter,
        _ if name.ends_with("_bucket") && labelled("le") => Nature::Part,
        _ => Nature::Gauge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method=\"GET\",path=\"/a \\\"b\\\\\"} 1027 1395066363000
http_requests_total{method=\"PUT\",} 3
# TYPE queue_depth gauge
queue_depth 4.5e1

# TYPE took histogram
took_bucket{le=\"0.1\"} 3
took_bucket{le=\"+Inf\"} 4
took_sum 0.7
took_count 4
# TYPE rpc summary
rpc{quantile=\"0.5\"} 4773
rpc_sum 1.7e+07
bare_total 9
bare NaN
";

    #[test]
    fn every_form_of_line_is_read() {
        let found = parse(TEXT);
        assert_eq!(found.damaged, 0);
        let seen: Vec<(&str, Nature)> =
            found.samples.iter().map(|sample| (sample.name, sample.nature)).collect();
        assert_eq!(
            seen,
            [
                ("http_requests_total", Nature::Counter),
                ("http_requests_total", Nature::Counter),
                ("queue_depth", Nature::Gauge),
                ("took_bucket", Nature::Part),
                ("took_bucket", Nature::Part),
                ("took_sum", Nature::Counter),
                ("took_count", Nature::Counter),
                ("rpc", Nature::Part),
                ("rpc_sum", Nature::Counter),
                ("bare_total", Nature::Counter),
                ("bare", Nature::Gauge),
            ]
        );
        let first = &found.samples[0];
        assert_eq!(first.labels[1], ("path".to_owned(), "/a \"b\\".to_owned()));
        assert!((first.value - 1027.0).abs() < f64::EPSILON && found.samples[10].value.is_nan());
        assert!((found.samples[2].value - 45.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_slip_costs_its_own_line() {
        for line in [
            "a",
            "a x",
            "a{b=\"c} 1",
            "a{b} 1",
            "a{b=\"\\q\"} 1",
            "1a 1",
            "a 1 x",
            "{a=\"b\"} 1",
            "a{b=\"c\"}",
            "<html>",
        ] {
            let text = format!("{line}\ngood 1\n");
            let found = parse(&text);
            assert_eq!((found.samples.len(), found.damaged), (1, 1), "{line}");
        }
    }
}
