//! A load under way as families of series, before they become text or protobuf for whoever scrapes them.

use crate::measure::fate::Fate;
use crate::measure::running::{Running, RunningRequest};

/// Series of one name.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) series: Vec<Series<'a>>,
}

/// How the values of a family are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One series.
#[derive(Debug)]
pub(super) struct Series<'a> {
    pub(super) labels: Vec<(&'static str, &'a str)>,
    pub(super) value: Value<'a>,
}

/// Its value now.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Number(f64),
    /// Response times.
    Times(&'a RunningRequest),
}

/// Everything there is to say; `names` are those of the requests.
pub(super) fn families<'a>(running: &'a Running, names: &'a [String]) -> Vec<Family<'a>> {
    let levels = &running.levels;
    let each = running.requests.iter().zip(names.iter().map(String::as_str));
    let slots = each.clone().flat_map(|(request, name)| {
        Fate::ALL.map(|fate| Series {
            labels: vec![("request", name), ("fate", fate.name())],
            value: Value::Number(request.fates.of(fate) as f64),
        })
    });
    let times = each.map(|(request, name)| Series {
        labels: vec![("request", name)],
        value: Value::Times(request),
    });
    let lag = ["p50", "p99"].into_iter().zip(levels.send_lag).map(|(figure, lag)| Series {
        labels: vec![("figure", figure)],
        value: Value::Number(lag.as_secs_f64()),
    });
    let version =
        Series { labels: vec![("version", env!("CARGO_PKG_VERSION"))], value: Value::Number(1.0) };
    let gauges = &levels.gauges;
    let count = |name, help, value: u64| one(name, Kind::Counter, help, value as f64);
    let level = |name, help, value| one(name, Kind::Gauge, help, value);
    vec![
        several("steadfire_build_info", Kind::Gauge, "Which steadfire this is.", vec![version]),
        count("steadfire_planned_total", "Slots that came due.", running.planned),
        count("steadfire_sent_total", "Requests sent.", running.sent),
        several(
            "steadfire_slots_total",
            Kind::Counter,
            "Slots that ended, by request and fate.",
            slots.collect(),
        ),
        several(
            "steadfire_response_time_seconds",
            Kind::Histogram,
            "From due to the last byte; never answered is +Inf.",
            times.collect(),
        ),
        level("steadfire_rate_planned", "Arrivals per second, asked for.", levels.planned),
        level("steadfire_rate_achieved", "Requests sent per second.", levels.achieved),
        level("steadfire_in_flight", "Requests sent and unanswered.", gauges.in_flight as f64),
        level(
            "steadfire_waiting",
            "Requests due that wait for a connection.",
            gauges.waiting as f64,
        ),
        several(
            "steadfire_send_lag_seconds",
            Kind::Gauge,
            "From due to sent, over the latest second.",
            lag.collect(),
        ),
    ]
}

fn several<'a>(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    series: Vec<Series<'a>>,
) -> Family<'a> {
    Family { name, kind, help, series }
}

fn one(name: &'static str, kind: Kind, help: &'static str, value: f64) -> Family<'static> {
    several(name, kind, help, vec![Series { labels: Vec::new(), value: Value::Number(value) }])
}
