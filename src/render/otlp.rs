//! A load under way as an OTLP request for metrics, in OTLP's JSON encoding.
//!
//! Sums and histograms are cumulative since the start, so a request that is lost costs a step in time and
//! no count. Source: opentelemetry.io/docs/specs/otlp (JSON: 64-bit integers are text, names are in
//! camel case, enumerations are numbers).

use serde_json::{Value, json};

use crate::measure::fate::Fate;
use crate::measure::running::{BOUNDS_US, Running};

/// Since the start: `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u32 = 2;

/// What an export says beside the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Attributes of what sends, such as `service.name`.
    pub resource: &'a [(String, String)],
    /// Names of the requests.
    pub names: &'a [String],
    /// When the load began, ns since 1970.
    pub start_unix_ns: u64,
    /// Now, ns since 1970.
    pub now_unix_ns: u64,
}

/// The request's body.
pub fn render(running: &Running, frame: &Frame<'_>) -> String {
    let resource: Vec<Value> =
        frame.resource.iter().map(|(name, value)| attribute(name, value)).collect();
    json!({
        "resourceMetrics": [{
            "resource": { "attributes": resource },
            "scopeMetrics": [{
                "scope": { "name": "steadfire", "version": env!("CARGO_PKG_VERSION") },
                "metrics": metrics(running, frame),
            }],
        }],
    })
    .to_string()
}

fn metrics(running: &Running, frame: &Frame<'_>) -> Vec<Value> {
    let levels = &running.levels;
    let one = |count: u64| vec![frame.count(count, &[])];
    let lag = ["p50", "p99"].into_iter().zip(levels.send_lag);
    let lag = lag.map(|(p, lag)| frame.level(lag.as_secs_f64(), &[attribute("figure", p)]));
    let level = |value: f64| vec![frame.level(value, &[])];
    vec![
        sum("steadfire.planned", "{slot}", "Slots that came due", &one(running.planned)),
        sum("steadfire.sent", "{request}", "Requests sent", &one(running.sent)),
        sum("steadfire.slots", "{slot}", "Slots that ended", &frame.slots(running)),
        json!({
            "name": "steadfire.response_time",
            "unit": "s",
            "description": "From due to the last byte; what was never answered lies above every bound",
            "histogram": {
                "dataPoints": frame.times(running),
                "aggregationTemporality": CUMULATIVE,
            },
        }),
        gauge("steadfire.rate.planned", "{slot}/s", &level(levels.planned)),
        gauge("steadfire.rate.achieved", "{request}/s", &level(levels.achieved)),
        gauge("steadfire.in_flight", "{request}", &level(levels.gauges.in_flight as f64)),
        gauge("steadfire.waiting", "{request}", &level(levels.gauges.waiting as f64)),
        gauge("steadfire.send_lag", "s", &lag.collect::<Vec<_>>()),
    ]
}

fn sum(name: &str, unit: &str, description: &str, points: &[Value]) -> Value {
    json!({
        "name": name,
        "unit": unit,
        "description": description,
        "sum": {
            "dataPoints": points,
            "aggregationTemporality": CUMULATIVE,
            "isMonotonic": true,
        },
    })
}

fn gauge(name: &str, unit: &str, points: &[Value]) -> Value {
    json!({ "name": name, "unit": unit, "gauge": { "dataPoints": points } })
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

impl Frame<'_> {
    fn point(&self, attributes: &[Value]) -> Value {
        json!({
            "attributes": attributes,
            "startTimeUnixNano": self.start_unix_ns.to_string(),
            "timeUnixNano": self.now_unix_ns.to_string(),
        })
    }

    fn count(&self, count: u64, attributes: &[Value]) -> Value {
        let mut point = self.point(attributes);
        point["asInt"] = count.to_string().into();
        point
    }

    fn level(&self, value: f64, attributes: &[Value]) -> Value {
        let mut point = self.point(attributes);
        point["asDouble"] = value.into();
        point
    }

    fn slots(&self, running: &Running) -> Vec<Value> {
        let named = running.requests.iter().zip(self.names);
        let points = named.flat_map(|(request, name)| {
            Fate::ALL.map(|fate| {
                let attributes = [attribute("request", name), attribute("fate", fate.name())];
                self.count(request.fates.of(fate), &attributes)
            })
        });
        points.collect()
    }

    fn times(&self, running: &Running) -> Vec<Value> {
        let bounds: Vec<f64> = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6).collect();
        let named = running.requests.iter().zip(self.names);
        let points = named.map(|(request, name)| {
            let mut point = self.point(&[attribute("request", name)]);
            let buckets: Vec<String> = request.buckets.iter().map(u64::to_string).collect();
            point["count"] = request.count().to_string().into();
            point["sum"] = request.sum.as_secs_f64().into();
            point["bucketCounts"] = buckets.into();
            point["explicitBounds"] = bounds.clone().into();
            point
        });
        points.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::exposition::tests::running;

    #[test]
    fn the_request_has_the_form_that_the_protocol_asks_for() {
        let (running, names) = running();
        let resource = [("service.name".to_owned(), "chat \"load\"".to_owned())];
        let frame =
            Frame { resource: &resource, names: &names, start_unix_ns: 5, now_unix_ns: 1 << 60 };
        let body: Value = serde_json::from_str(&render(&running, &frame)).unwrap();
        let resource = &body["resourceMetrics"][0];
        assert_eq!(
            resource["resource"]["attributes"],
            json!([{ "key": "service.name", "value": { "stringValue": "chat \"load\"" } }])
        );
        let metrics = resource["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let of = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap();
        let planned = &of("steadfire.planned")["sum"];
        assert_eq!(
            planned,
            &json!({
                "dataPoints": [{
                    "attributes": [], "asInt": "5",
                    "startTimeUnixNano": "5", "timeUnixNano": "1152921504606846976",
                }],
                "aggregationTemporality": 2,
                "isMonotonic": true,
            })
        );
        let slots = of("steadfire.slots")["sum"]["dataPoints"].as_array().unwrap();
        assert_eq!(slots.len(), 2 * Fate::COUNT);
        let times = &of("steadfire.response_time")["histogram"]["dataPoints"][1];
        let counts = times["bucketCounts"].as_array().unwrap();
        let bounds = times["explicitBounds"].as_array().unwrap();
        assert_eq!((counts.len(), bounds.len()), (BOUNDS_US.len() + 1, BOUNDS_US.len()));
        assert_eq!((&counts[BOUNDS_US.len()], &times["count"]), (&json!("1"), &json!("1")));
        assert_eq!(of("steadfire.in_flight")["gauge"]["dataPoints"][0]["asDouble"], 7.0);
    }
}
