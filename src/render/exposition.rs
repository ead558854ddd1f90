//! A load under way in Prometheus' text format (version 0.0.4), for whoever scrapes it.
//!
//! Counters only grow; a histogram's buckets are classic ones, cumulative up to `+Inf`, where slots that
//! were never answered are.

use std::fmt::Write as _;

use crate::load::selector::escaped;
use crate::measure::running::{BOUNDS_US, Running, RunningRequest};
use crate::render::families::{Family, Kind, Value, families};

/// What the text is called in HTTP.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole text; `names` are those of the requests.
pub fn render(running: &Running, names: &[String]) -> String {
    let mut page = Page(String::new());
    for family in families(running, names) {
        page.family(&family);
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.0.write_fmt(line);
        self.0.push('\n');
    }

    fn family(&mut self, family: &Family<'_>) {
        let Family { name, kind, help, series } = family;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        for one in series {
            let labels: Vec<String> = one
                .labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                .collect();
            match (&one.value, labels.join(",").as_str()) {
                (Value::Number(value), "") => self.line(format_args!("{name} {value}")),
                (Value::Number(value), labels) => {
                    self.line(format_args!("{name}{{{labels}}} {value}"));
                }
                (Value::Times(request), labels) => self.times(name, labels, request),
            }
        }
    }

    fn times(&mut self, name: &str, labels: &str, request: &RunningRequest) {
        let mut count = 0;
        for (bucket, bound) in request.buckets.iter().zip(BOUNDS_US) {
            count += bucket;
            let bound = bound as f64 / 1e6;
            self.line(format_args!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}"));
        }
        let (count, sum) = (request.count(), request.sum.as_secs_f64());
        self.line(format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {count}"));
        self.line(format_args!("{name}_sum{{{labels}}} {sum}"));
        self.line(format_args!("{name}_count{{{labels}}} {count}"));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::exposition::{Nature, Sample, parse};
    use crate::measure::fate::Fate;
    use crate::measure::slice::Ended;
    use crate::measure::window::{Gauges, Interval, Window};
    use crate::time::Offset;

    /// Two requests, one of them with a name that needs care.
    pub(crate) fn running() -> (Running, Vec<String>) {
        let names = vec!["list".to_owned(), "a \"b\"\\\n</script>".to_owned()];
        let mut running = Running::new(names.len());
        let ended = vec![
            Ended::new(0, Fate::Ok, Duration::from_millis(3)),
            Ended::new(0, Fate::Ok, Duration::from_millis(40)),
            Ended::new(1, Fate::Timeout, Duration::from_secs(10)),
            Ended::new(1, Fate::BadStatus, Duration::from_millis(1)),
        ];
        let gauges = Gauges { in_flight: 7, waiting: 1, overdue: 0 };
        let mut window = Window { planned: 5, gauges, ended, ..Window::default() };
        window.record_sent();
        window.record_lag(Duration::from_micros(20));
        let length = Duration::from_secs(1);
        running.observe(&Interval { end: Offset::ZERO, length, window });
        (running, names)
    }

    #[test]
    fn what_is_written_is_read_back_and_adds_up() {
        let (running, names) = running();
        let text = render(&running, &names);
        let found = parse(&text);
        assert_eq!(found.damaged, 0, "{text}");
        let value = |name: &str, labels: &[(&str, &str)]| {
            let fits = |sample: &&Sample<'_>| {
                sample.name == name
                    && labels.iter().all(|(label, value)| {
                        sample.labels.iter().any(|(l, v)| l == label && v == value)
                    })
            };
            found.samples.iter().filter(fits).map(|sample| sample.value).sum::<f64>()
        };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        close(value("steadfire_slots_total", &[]), 4.0);
        close(value("steadfire_slots_total", &[("request", &names[1]), ("fate", "timeout")]), 1.0);
        let times = "steadfire_response_time_seconds";
        close(value(&format!("{times}_bucket"), &[("request", "list"), ("le", "0.003")]), 1.0);
        close(value(&format!("{times}_bucket"), &[("request", "list"), ("le", "+Inf")]), 2.0);
        close(value(&format!("{times}_bucket"), &[("request", &names[1]), ("le", "60")]), 0.0);
        close(value(&format!("{times}_count"), &[("request", &names[1])]), 1.0);
        close(value(&format!("{times}_sum"), &[]), 10.043);
        close(value("steadfire_in_flight", &[]), 7.0);
        close(value("steadfire_planned_total", &[]), 5.0);
    }

    #[test]
    fn the_text_is_strict() {
        let (running, names) = running();
        let text = render(&running, &names);
        let mut families = std::collections::BTreeSet::new();
        let mut series = std::collections::BTreeSet::new();
        let mut family = String::new();
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                family = head.split(' ').next().unwrap().to_owned();
                assert!(families.insert(family.clone()), "{family} comes twice");
            } else if !line.starts_with('#') {
                let (id, _) = line.rsplit_once(' ').unwrap();
                assert!(id.starts_with(&family), "{id} stands under {family}");
                assert!(series.insert(id.to_owned()), "{id} comes twice");
            }
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
        let counters = parse(&text).samples;
        let counted = counters.iter().filter(|sample| sample.nature == Nature::Counter).count();
        assert_eq!(counted, 2 + 2 * Fate::COUNT + 2 * 2);
    }
}
