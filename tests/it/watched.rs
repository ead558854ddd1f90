//! What is seen of a run beside its answers, and from outside while it goes on: monitors, a scrape
//! endpoint, an OTLP collector, and a run that is ended because it has failed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use steadfire::measure::exposition::{Exposition, parse};
use steadfire::report::monitors::MonitorReport;
use steadfire::report::{Outcome, Report};

use crate::server::{ERROR, OK, Received, Server};
use crate::support::steadfire;

fn with_body(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Counts what it is asked.
fn counting() -> Server {
    Server::answering(|request: &Received| match request.path() {
        "/metrics?all=1" => with_body(&format!(
            "# TYPE hits_total counter\nhits_total {}\n# TYPE depth gauge\ndepth{{q=\"a\"}} 3\n",
            request.number
        )),
        _ => OK.to_vec(),
    })
}

fn mean(series: &MonitorReport) -> f64 {
    series.points.iter().map(|point| point.value).sum::<f64>() / series.points.len() as f64
}

#[test]
fn monitors_lie_on_the_runs_axis_and_their_failures_are_notes() {
    let server = counting();
    let port = server.addr().port();
    let words = format!(
        "{} -r 50 -d 2s --warmup 500ms --json --monitor-interval 200ms --monitor process:{port} \
         --monitor command:./nothing-here --monitor postgres:$DATABASE_URL",
        server.url()
    );
    let run = steadfire(&words)
        .arg(&format!(
            "--monitor=prometheus:{}/metrics?all=1&series=hits_total,depth",
            server.url()
        ))
        .arg("--monitor=command:echo queue_depth 4; echo noise")
        .env("DATABASE_URL", "postgresql+asyncpg://eve:s3cret@127.0.0.1:1/chat");
    let finished = run.run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let report = finished.report();
    let named = |name: &str| {
        let found = report.monitors.iter().find(|series| series.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {:?}", report.monitors))
    };
    let hits = named("hits_total");
    assert_eq!((hits.kind.as_str(), hits.unit.as_str()), ("prometheus", "/s"));
    // The load's 50 and five looks a second.
    assert!((40.0..70.0).contains(&mean(hits)), "{hits:?}");
    assert!((mean(named("depth{q=\"a\"}")) - 3.0).abs() < 1e-9);
    assert!((mean(named("queue_depth")) - 4.0).abs() < 1e-9);
    assert!(mean(named(&format!("threads of port {port}"))) >= 2.0);
    for series in report.monitors.iter().filter(|series| !series.points.is_empty()) {
        assert!((3..=14).contains(&series.points.len()), "{series:?}");
        assert!(series.points.is_sorted_by_key(|point| point.t), "{series:?}");
        assert!(series.points.iter().all(|point| point.t < 4_000_000_000), "{series:?}");
    }
    let failed = named("command ./nothing-here");
    assert!(failed.points.is_empty() && failed.notes[0].contains("looks failed"), "{failed:?}");
    let database = named("postgres 127.0.0.1:1/chat");
    assert!(database.points.is_empty() && database.notes.len() == 1, "{database:?}");
    assert!(!finished.stdout.contains("s3cret") && !finished.stderr.contains("s3cret"));
    assert!(finished.files().iter().all(|(_, text)| !text.contains("s3cret")));
}

#[test]
fn a_monitor_that_cannot_be_is_told_before_the_load_and_without_its_secret() {
    let server = counting();
    let start = format!("{} --monitor", server.url());
    let table = [
        ("postgres:mysql://eve:s3cret@db/x", "postgresql://USER@HOST/DATABASE"),
        ("prometheus:http://eve:s3cret@h/", "user names and passwords"),
        ("cpu", "KIND:WHAT"),
        ("postgres:$MISSING", "MISSING is not set"),
    ];
    for (monitor, told) in table {
        let finished = steadfire(&format!("{start} {monitor}")).run();
        finished.refused(2, &["--monitor: ", told]);
        assert!(!finished.stderr.contains("s3cret"), "{}", finished.stderr);
    }
    assert_eq!(server.received().len(), 0);
}

#[test]
fn a_run_that_has_failed_beyond_doubt_is_ended_and_says_so() {
    let server = Server::answering(|_| ERROR.to_vec());
    // The limit on the time is there so that a busy machine's lag is none of the run's faults.
    let slo = "p95<60s,errors<5%";
    let words = format!("{} -r 100 -d 8s --slo {slo} --abort-on-fail=1s --json", server.url());
    let finished = steadfire(&words).run();
    assert_eq!(finished.code, 99, "{}", finished.stderr);
    let report = finished.report();
    assert_eq!(report.verdict.outcome, Outcome::Fail);
    let found = report.verdict.findings.iter().find(|finding| finding.id == "aborted");
    let message = &found.expect("it was ended").message;
    assert!(message.contains("errors < 5 % was broken beyond doubt"), "{message}");
    assert!(report.fates.planned < 400, "{:?}", report.fates);
    // Every slot was sent and answered: nothing is left unsent by ending early.
    assert_eq!(report.fates.bad_status, report.fates.planned);
    assert!(!report.verdict.findings.iter().any(|finding| finding.id == "interrupted"));
}

/// The text of the endpoint at `url`, and its head.
fn scrape(url: &str) -> (String, String) {
    let place = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/metrics"));
    let place = place.expect("a URL of the form http://ADDR/metrics");
    let mut stream = TcpStream::connect(place).expect("the endpoint listens");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), body.to_owned())
}

fn total(exposition: &Exposition<'_>, name: &str) -> f64 {
    exposition.samples.iter().filter(|one| one.name == name).map(|one| one.value).sum()
}

#[test]
fn a_load_can_be_scraped_while_it_goes_on() {
    let server = counting();
    let words = format!("{} -r 100 -d 4s --prometheus 127.0.0.1:0 --json", server.url());
    let mut run = steadfire(&words).spawn();
    let line = run.await_progress("figures for Prometheus at ");
    let url = line.rsplit(' ').next().expect("the line ends with the URL");
    // The figures of an interval are shown in one place after the other.
    let counted = |text: &str| total(&parse(text), "steadfire_slots_total") > 0.0;
    let (head, first) = (0..2)
        .find_map(|_| {
            run.await_progress("/s");
            Some(scrape(url)).filter(|(_, text)| counted(text))
        })
        .expect("slots are counted by the second line");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("version=0.0.4"), "{head}");
    let slots = |text: &str| total(&parse(text), "steadfire_slots_total");
    // On a busy machine the next line may have been printed before the first look.
    let second = (0..2)
        .find_map(|_| {
            run.await_progress("/s");
            Some(scrape(url).1).filter(|text| slots(text) > slots(&first))
        })
        .expect("more slots are counted later");
    let finished = run.finish();
    let report = finished.report();
    assert_eq!((parse(&first).damaged, parse(&second).damaged), (0, 0));
    assert!(slots(&second) <= report.fates.planned as f64, "{}", slots(&second));
    let rate = total(&parse(&second), "steadfire_rate_planned");
    assert!((80.0..120.0).contains(&rate), "{rate}");
}

/// The data points of one metric in a request.
fn points<'a>(body: &'a Value, metric: &str, kind: &str) -> &'a Vec<Value> {
    let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    let metrics = metrics.as_array().expect("there are metrics");
    let found = metrics.iter().find(|one| one["name"] == metric).expect("this one is there");
    found[kind]["dataPoints"].as_array().expect("it has points")
}

fn sum_of(points: &[Value], field: &str) -> u64 {
    points.iter().filter_map(|point| point[field].as_str()?.parse::<u64>().ok()).sum()
}

#[track_caller]
fn assert_totals(body: &Value, report: &Report) {
    let slots = points(body, "steadfire.slots", "sum");
    assert_eq!(sum_of(slots, "asInt"), report.fates.planned);
    for (fate, count) in report.fates.named() {
        let with: Vec<Value> = slots
            .iter()
            .filter(|point| point["attributes"][1]["value"]["stringValue"] == fate)
            .cloned()
            .collect();
        assert_eq!(sum_of(&with, "asInt"), count, "{fate}");
    }
    let times = points(body, "steadfire.response_time", "histogram");
    assert_eq!(sum_of(times, "count"), report.response_time.count);
}

#[test]
fn a_collector_gets_the_totals_of_the_result() {
    let server = Server::answering(|request| {
        if request.number.is_multiple_of(10) { ERROR.to_vec() } else { OK.to_vec() }
    });
    let collector = Server::answering(|_| with_body("{}"));
    let words = format!("{} -r 100 -d 2s --json --otlp={}", server.url(), collector.url());
    let finished = steadfire(&words)
        .env("OTEL_METRIC_EXPORT_INTERVAL", "1000")
        .env("OTEL_SERVICE_NAME", "chat")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret")
        .run();
    let report = finished.report();
    let received = collector.received();
    assert!(received.len() >= 2, "{received:?}");
    for request in &received {
        assert!(request.line.starts_with("POST /v1/metrics "), "{}", request.line);
        assert!(request.headers.to_lowercase().contains("content-type: application/json"));
        assert!(request.headers.contains("api-key: s3cret"), "{}", request.headers);
    }
    let last = received.last().expect("there are some");
    let body: Value = serde_json::from_str(&last.body).expect("a body is JSON");
    let service = &body["resourceMetrics"][0]["resource"]["attributes"][0]["value"]["stringValue"];
    assert_eq!(service, "chat");
    assert_totals(&body, &report);
    assert!(!finished.stderr.contains("s3cret") && !finished.stderr.contains("OTLP"));
}

#[test]
fn a_collector_that_is_down_is_one_warning_and_a_count() {
    let server = counting();
    let words = format!("{} -r 50 -d 3s --json --otlp=http://127.0.0.1:1", server.url());
    let finished = steadfire(&words).env("OTEL_METRIC_EXPORT_INTERVAL", "1000").run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let count = |text: &str| finished.stderr.matches(text).count();
    assert_eq!(count("does not take the figures"), 1, "{}", finished.stderr);
    assert_eq!(count("exports never reached"), 1, "{}", finished.stderr);
}
