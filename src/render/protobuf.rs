//! A load under way in Prometheus' protobuf format, the only one that carries native histograms.
//!
//! A histogram has both kinds of buckets, classic and native, and whoever scrapes chooses. Messages are
//! those of io.prometheus.client (`prometheus/client_model`, metrics.proto), as far as they are used here.

use prost::Message;

use crate::measure::running::{BOUNDS_US, NATIVE_SCHEMA, Running, RunningRequest};
use crate::render::families::{self, Kind, Series, Value, families};

/// What it is called in HTTP.
pub const CONTENT_TYPE: &str = "application/vnd.google.protobuf; \
    proto=io.prometheus.client.MetricFamily; encoding=delimited";
/// Names the format in what a client accepts.
const NAME: &str = "io.prometheus.client.MetricFamily";
/// What client libraries take as the width of the bucket around zero: 2⁻¹²⁸.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

#[derive(Clone, PartialEq, Message)]
struct MetricFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    /// COUNTER 0, GAUGE 1, HISTOGRAM 4.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Number>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Number>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Number {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    sample_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sample_sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<BucketSpan>,
    /// Each count as its difference from the one before.
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Bucket {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
}

/// Buckets next to each other.
#[derive(Clone, Copy, PartialEq, Message)]
struct BucketSpan {
    /// Of the first span its index, of the others the gap before it.
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

/// Whether a client that accepts this reads the format.
pub fn is_accepted(accept: &str) -> bool {
    accept.split(',').any(|one| one.contains(NAME) && one.contains("delimited"))
}

/// Each family behind its length; `names` are those of the requests.
pub fn render(running: &Running, names: &[String]) -> Vec<u8> {
    families(running, names).iter().fold(Vec::new(), |mut bytes, family| {
        bytes.extend(MetricFamily::from(family).encode_length_delimited_to_vec());
        bytes
    })
}

impl From<&families::Family<'_>> for MetricFamily {
    fn from(family: &families::Family<'_>) -> Self {
        let kind = match family.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        };
        Self {
            name: family.name.to_owned(),
            help: family.help.to_owned(),
            kind: Some(kind),
            metric: family.series.iter().map(|series| metric(series, family.kind)).collect(),
        }
    }
}

fn metric(series: &Series<'_>, kind: Kind) -> Metric {
    let label = series
        .labels
        .iter()
        .map(|(name, value)| LabelPair { name: (*name).to_owned(), value: (*value).to_owned() });
    let mut metric = Metric { label: label.collect(), ..Metric::default() };
    match (&series.value, kind) {
        (Value::Times(request), _) => metric.histogram = Some(histogram(request)),
        (Value::Number(value), Kind::Counter) => {
            metric.counter = Some(Number { value: Some(*value) });
        }
        (Value::Number(value), _) => metric.gauge = Some(Number { value: Some(*value) }),
    }
    metric
}

fn histogram(request: &RunningRequest) -> Histogram {
    let bounds = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
    let mut sum = 0;
    let classic = request.buckets.iter().zip(bounds).map(|(count, bound)| {
        sum += count;
        Bucket { cumulative_count: Some(sum), upper_bound: Some(bound) }
    });
    let (mut spans, mut deltas) = (Vec::<BucketSpan>::new(), Vec::new());
    let (mut next, mut before) = (None, 0);
    for (index, count) in &request.native {
        match (next, spans.last_mut()) {
            (Some(next), Some(span)) if next == *index => {
                span.length = span.length.map(|length| length + 1);
            }
            (next, _) => {
                let offset = Some(index - next.unwrap_or(0));
                spans.push(BucketSpan { offset, length: Some(1) });
            }
        }
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        (next, before) = (Some(index + 1), count);
    }
    Histogram {
        sample_count: Some(request.count()),
        sample_sum: Some(request.sum.as_secs_f64()),
        bucket: classic.collect(),
        schema: Some(NATIVE_SCHEMA),
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(0),
        positive_span: spans,
        positive_delta: deltas,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::running::NATIVE_OVERFLOW;
    use crate::render::exposition::tests::running;

    fn decoded() -> Vec<MetricFamily> {
        let (running, names) = running();
        let bytes = render(&running, &names);
        let mut rest = bytes.as_slice();
        let mut families = Vec::new();
        while !rest.is_empty() {
            families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
        }
        families
    }

    #[test]
    fn both_kinds_of_buckets_hold_every_entry() {
        let families = decoded();
        let times = families.iter().find(|one| one.kind == Some(4)).unwrap();
        assert_eq!((families.len(), times.metric.len()), (10, 2));
        for metric in &times.metric {
            let histogram = metric.histogram.as_ref().unwrap();
            let mut counts = Vec::new();
            for delta in &histogram.positive_delta {
                counts.push(counts.last().unwrap_or(&0) + delta);
            }
            let length: u32 = histogram.positive_span.iter().filter_map(|span| span.length).sum();
            assert_eq!(length as usize, counts.len());
            let total = histogram.sample_count.unwrap();
            assert_eq!(counts.iter().sum::<i64>().unsigned_abs(), total);
            assert_eq!(histogram.bucket.last().unwrap().cumulative_count, Some(total));
        }
        // 3 ms and 40 ms lie in (2^(-67/8), 2^(-66/8)] and (2^(-38/8), 2^(-37/8)].
        let spans = &times.metric[0].histogram.as_ref().unwrap().positive_span;
        let offsets: Vec<_> = spans.iter().map(|span| span.offset.unwrap()).collect();
        assert_eq!(offsets, [-67, 29]);
        // What was never answered lies above everything that a number can be.
        let lost = &times.metric[1].histogram.as_ref().unwrap().positive_span;
        assert_eq!(lost[0].offset, Some(NATIVE_OVERFLOW));
        assert_eq!(times.metric[1].label[0].value, "a \"b\"\\\n</script>");
    }

    #[test]
    fn the_format_is_only_for_those_who_ask() {
        let prometheus = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                          encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert!(is_accepted(prometheus));
        for accept in ["", "*/*", "text/plain;version=0.0.4", "application/openmetrics-text"] {
            assert!(!is_accepted(accept), "{accept}");
        }
    }
}
