//! A text endpoint of the target in Prometheus' format: fetched on a connection of its own each time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use http_body_util::Full;
use rustls::ClientConfig;

use crate::load::endpoint::Endpoint;
use crate::load::selector::{Fold, Selector, escaped};
use crate::load::way::Way;
use crate::measure::exposition::{Exposition, Nature, Sample, parse};
use crate::measure::monitored::{Reading, Reads, one_line};
use crate::monitor::Look;
use crate::monitor::lines::unit;
use crate::transport::connect::Dialer;
use crate::transport::route::Route;
use crate::transport::single::fetch;

/// Longer texts are not read: parsing them would take a processor from the target.
const BYTES_MAX: usize = 4 << 20;

/// Whoever looks at an endpoint.
pub(super) struct Viewer {
    endpoint: Endpoint,
    series: Vec<Selector>,
    tls: Option<Arc<ClientConfig>>,
    dialer: Option<Dialer>,
}

impl Viewer {
    pub(super) fn new(
        endpoint: Endpoint,
        series: Vec<Selector>,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self { endpoint, series, tls, dialer: None }
    }

    /// Fetches and reads the text within `limit`.
    pub(super) async fn look(&mut self, limit: Duration) -> Look {
        let Endpoint { origin, path } = &self.endpoint;
        if self.dialer.is_none() {
            let route = Route::resolve(origin, &Way::default(), self.tls.as_ref()).await;
            let route = route.map_err(|_| format!("{} cannot be resolved", origin.host))?;
            self.dialer = Some(Dialer::new(route, limit));
        }
        let dialer = self.dialer.as_ref().ok_or("there is no way to it")?;
        let request = Request::get(path)
            .header(HOST, &origin.authority)
            .header(ACCEPT, "text/plain;version=0.0.4")
            .header(USER_AGENT, concat!("steadfire/", env!("CARGO_PKG_VERSION")))
            .header(CONNECTION, "close")
            .body(Full::<Bytes>::default())
            .map_err(|error| error.to_string())?;
        let answer = fetch(dialer, request, limit).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("answered with status {}", answer.status));
        }
        if answer.body.len() > BYTES_MAX {
            return Err(format!("the text is longer than {} MiB", BYTES_MAX >> 20));
        }
        let text = std::str::from_utf8(&answer.body).map_err(|_| "the text is not UTF-8")?;
        let found = readings(&parse(text), &self.series);
        if found.is_empty() {
            return Err("no chosen series is there".to_owned());
        }
        Ok(found)
    }
}

/// What `series` choose; everything but buckets and quantiles if they are empty.
fn readings(exposition: &Exposition<'_>, series: &[Selector]) -> Vec<Reading> {
    let samples = &exposition.samples;
    if series.is_empty() {
        return samples.iter().filter(|one| one.nature != Nature::Part).map(reading).collect();
    }
    let mut found = Vec::new();
    for selector in series {
        let mut fitting =
            samples.iter().filter(|one| selector.fits(one.name, &one.labels)).peekable();
        match (selector.fold, fitting.peek()) {
            (Fold::Sum, Some(first)) => {
                let first = reading(first);
                let value = fitting.map(|one| one.value).sum();
                found.push(Reading { name: one_line(&selector.to_string()), value, ..first });
            }
            _ => found.extend(fitting.map(reading)),
        }
    }
    found
}

fn reading(sample: &Sample<'_>) -> Reading {
    // A bucket or quantile that was asked for by name: the former counts, the latter is a level.
    let counts = sample.nature == Nature::Counter || sample.name.ends_with("_bucket");
    let reads = if counts { Reads::Growth } else { Reads::Level };
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
        .collect();
    let name = match labels.join(",") {
        none if none.is_empty() => sample.name.to_owned(),
        labels => format!("{}{{{labels}}}", sample.name),
    };
    Reading { name: one_line(&name), unit: unit(sample.name, reads), reads, value: sample.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# TYPE http_requests_total counter
http_requests_total{path=\"/a\",status=\"200\"} 10
http_requests_total{path=\"/b\",status=\"200\"} 5
http_requests_total{path=\"/b\",status=\"500\"} 1
# TYPE depth gauge
depth 3
# TYPE took_seconds histogram
took_seconds_bucket{le=\"+Inf\"} 4
took_seconds_sum 2.5
";

    fn chosen(series: &str) -> Vec<(String, &'static str, f64)> {
        let series =
            if series.is_empty() { Vec::new() } else { Selector::parse_list(series).unwrap() };
        let found = readings(&parse(TEXT), &series);
        found.into_iter().map(|one| (one.name, one.unit, one.value)).collect()
    }

    #[test]
    fn series_are_chosen_by_name_and_label_and_may_be_added_up() {
        let row = |name: &str, unit, value| (name.to_owned(), unit, value);
        assert_eq!(
            chosen("depth,http_requests_total{status!=\"200\"},sum(http_requests_total)"),
            [
                row("depth", "", 3.0),
                row("http_requests_total{path=\"/b\",status=\"500\"}", "/s", 1.0),
                row("sum(http_requests_total)", "/s", 16.0),
            ]
        );
        assert_eq!(chosen("absent,sum(absent)"), []);
        assert_eq!(chosen("took_seconds_bucket")[0].1, "/s");
    }

    #[test]
    fn without_a_choice_everything_but_parts_of_distributions_is_taken() {
        let names: Vec<String> = chosen("").into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), 5);
        assert!(names.iter().all(|name| !name.contains("bucket")), "{names:?}");
    }
}
