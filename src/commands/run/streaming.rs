//! What --prometheus and --otlp mean, with the environment's part of it (`OTEL_*`,
//! opentelemetry.io/docs/specs/otel/protocol/exporter).

use std::net::TcpListener;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::commands::Failure;
use crate::commands::environment::Environment;
use crate::commands::run::Screen;
use crate::commands::run::args::OutputArgs;
use crate::load::endpoint::Endpoint;
use crate::load::plan::Scheme;
use crate::session::Session;
use crate::stream::{Collector, Streams};
use crate::transport::tls::{TlsSettings, client_config};

const ENDPOINT_DEFAULT: &str = "http://localhost:4318";
/// Where metrics go below an endpoint that is for all signals.
const METRICS_PATH: &str = "/v1/metrics";
/// More often than the specification's minute: loads are short.
const INTERVAL_DEFAULT_MS: u64 = 10_000;
const INTERVAL_MIN_MS: u64 = 1_000;
const TIMEOUT_DEFAULT_MS: u64 = 10_000;

/// Opens what the flags ask for.
pub(super) fn open(
    args: &OutputArgs,
    session: &Session,
    screen: Screen,
) -> Result<Streams, Failure> {
    let listener = args.prometheus.map(|addr| {
        let listener = TcpListener::bind(addr);
        listener.map_err(|error| Failure::usage(format!("--prometheus {addr}: {error}")))
    });
    let listener = listener.transpose()?;
    if let Some(addr) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
        screen.note(&format!("figures for Prometheus at http://{addr}/metrics"));
    }
    if listener.is_none() && args.otlp.is_none() {
        return Ok(Streams::default());
    }
    let names = session.plan().requests.iter().map(|request| request.name.clone()).collect();
    let begun = session.started_at().as_nanosecond();
    let collector = args.otlp.as_deref().map(|url| {
        let process = Environment::default();
        collector(url, &|name| process.get(name), u64::try_from(begun).unwrap_or(0))
    });
    let collector = collector.transpose().map_err(Failure::usage)?;
    Streams::open(names, listener, collector).map_err(Failure::unexpected)
}

/// Looks up a variable; an empty one counts as not set, as the specification says.
type LookUp<'a> = &'a dyn Fn(&str) -> Option<String>;

fn collector(url: &str, look_up: LookUp<'_>, start_unix_ns: u64) -> Result<Collector, String> {
    let variable = |name: &str| look_up(name).filter(|value| !value.trim().is_empty());
    let endpoint = endpoint(url, &variable)?;
    let tls = if endpoint.origin.scheme == Scheme::Https {
        Some(client_config(&TlsSettings::default()).map_err(|error| error.to_string())?)
    } else {
        None
    };
    let milliseconds = |names: [&str; 2], default: u64| {
        let value = names.iter().find_map(|name| variable(name).map(|value| (*name, value)));
        let Some((name, value)) = value else { return Ok(default) };
        let parsed = value.trim().parse().ok().filter(|ms| *ms > 0);
        parsed.ok_or_else(|| format!("{name}: '{value}' is not a number of milliseconds above 0"))
    };
    let every = milliseconds(["OTEL_METRIC_EXPORT_INTERVAL"; 2], INTERVAL_DEFAULT_MS)?;
    let timeout = milliseconds(
        ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
        TIMEOUT_DEFAULT_MS,
    )?;
    Ok(Collector {
        endpoint,
        headers: headers(&variable)?,
        resource: resource(&variable)?,
        every: Duration::from_millis(every.max(INTERVAL_MIN_MS)),
        timeout: Duration::from_millis(timeout),
        tls,
        start_unix_ns,
    })
}

/// The flag, else the endpoint for metrics, which is taken as it is, else the one for all signals.
fn endpoint(url: &str, variable: LookUp<'_>) -> Result<Endpoint, String> {
    const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let below = |url: &str| format!("{}{METRICS_PATH}", url.trim_end_matches('/'));
    let (name, whole) = if !url.is_empty() {
        let is_root = url
            .split_once("://")
            .is_some_and(|(_, rest)| rest.trim_end_matches('/').find('/').is_none());
        ("--otlp", if is_root { below(url) } else { url.to_owned() })
    } else if let Some(url) = variable(METRICS) {
        (METRICS, url)
    } else {
        (ALL, below(&variable(ALL).unwrap_or_else(|| ENDPOINT_DEFAULT.to_owned())))
    };
    whole
        .trim()
        .parse()
        .map_err(|error| format!("{name}: {error}; write for example {ENDPOINT_DEFAULT}"))
}

/// Those for metrics go before those for all signals. No value is ever told.
fn headers(variable: LookUp<'_>) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"] {
        for (key, value) in pairs(name, variable)? {
            let wrong = || format!("{name}: '{key}' is no header, or its value cannot be sent");
            let header: HeaderName = key.parse().map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.retain(|(present, _)| *present != header);
            headers.push((header, value));
        }
    }
    Ok(headers)
}

/// `OTEL_SERVICE_NAME` goes before `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
fn resource(variable: LookUp<'_>) -> Result<Vec<(String, String)>, String> {
    const SERVICE: &str = "service.name";
    let mut resource = pairs("OTEL_RESOURCE_ATTRIBUTES", variable)?;
    let named = resource.iter().any(|(name, _)| name == SERVICE);
    let name = variable("OTEL_SERVICE_NAME");
    if let Some(name) = name.or_else(|| (!named).then(|| "steadfire".to_owned())) {
        resource.retain(|(present, _)| present != SERVICE);
        resource.push((SERVICE.to_owned(), name));
    }
    Ok(resource)
}

/// `key=value,key=value`, with `%XX` in values. The whole variable counts as absent if a part is wrong, the
/// specification says; here that is a mistake, since nobody would notice.
fn pairs(name: &str, variable: LookUp<'_>) -> Result<Vec<(String, String)>, String> {
    let Some(text) = variable(name) else { return Ok(Vec::new()) };
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((key.trim().to_owned(), value.into_owned())).filter(|(key, _)| !key.is_empty())
    });
    let pairs = pairs.collect::<Option<_>>();
    pairs.ok_or_else(|| format!("{name}: write key=value,key=value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables, the flag, and the endpoint that follows.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

    fn with(variables: &[(&str, &str)], url: &str) -> Result<Collector, String> {
        let look_up = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        collector(url, &look_up, 0)
    }

    #[test]
    fn the_flag_goes_before_the_environment() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318/otlp/");
        let metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:1/as/it/is");
        let table: [Row<'_>; 6] = [
            (&[], "", "http://localhost:4318/v1/metrics"),
            (&[all], "", "http://all:4318/otlp/v1/metrics"),
            (&[all, metrics], "", "http://metrics:1/as/it/is"),
            (&[all, metrics], "http://flag:4318", "http://flag:4318/v1/metrics"),
            (&[], "http://flag:4318/", "http://flag:4318/v1/metrics"),
            (
                &[],
                "http://flag:9090/api/v1/otlp/v1/metrics",
                "http://flag:9090/api/v1/otlp/v1/metrics",
            ),
        ];
        for (variables, url, expected) in table {
            let found = with(variables, url).map(|collector| collector.endpoint.to_string());
            assert_eq!(found.as_deref(), Ok(expected), "{url}");
        }
        let error = with(&[], "localhost:4318").err().unwrap();
        assert!(error.starts_with("--otlp: "), "{error}");
    }

    #[test]
    fn headers_and_resource_are_read_as_the_specification_says() {
        let found = with(
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret, x-a=b%20c"),
                ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "API-Key=other"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ignored,deployment.environment=a%2Cb"),
                ("OTEL_SERVICE_NAME", "chat"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "2000"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "700"),
            ],
            "",
        )
        .unwrap();
        let headers: Vec<(&str, &[u8])> =
            found.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("x-a", &b"b c"[..]), ("api-key", b"other")]);
        let row = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            found.resource,
            [row("deployment.environment", "a,b"), row("service.name", "chat")]
        );
        assert_eq!((found.every.as_millis(), found.timeout.as_millis()), (2000, 700));
        let plain = with(&[("OTEL_SERVICE_NAME", " ")], "").unwrap();
        assert_eq!(plain.resource, [row("service.name", "steadfire")]);
    }

    #[test]
    fn mistakes_name_the_variable_and_no_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a key=s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "key=s3cret%0A"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=s3cret"),
        ] {
            let error = with(&[(name, value)], "").err().unwrap();
            assert!(error.starts_with(name) && !error.contains("s3cret"), "{error}");
        }
        assert!(with(&[("OTEL_METRIC_EXPORT_INTERVAL", "soon")], "").is_err());
    }
}
