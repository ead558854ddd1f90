//! The contract: names, types, and that what is written can be read.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::measure::millionths::millionths;
use crate::report::example::{
    CENSORED, FAILING, GOOD, LATE, report, search_report, segment, watched,
};

fn round_trip(report: &Report) -> Report {
    let text = serde_json::to_string_pretty(report).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn examples_conform_to_the_published_schema_and_come_back() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut steered = report(GOOD);
    steered.segments.extend([segment(), segment()]);
    let reports = vec![
        report(GOOD),
        report(FAILING),
        report(CENSORED),
        report(LATE),
        steered,
        watched(),
        search_report(),
    ];
    for report in reports {
        let value = serde_json::to_value(&report).unwrap();
        let faults: Vec<_> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(round_trip(&report), report);
    }
    assert!(!validator.is_valid(&json!({"schema": SCHEMA})));
}

#[test]
fn names_and_units_are_the_contract() {
    let value = serde_json::to_value(report(CENSORED)).unwrap();
    assert_eq!(value["schema"], "steadfire.result/1");
    assert_eq!(value["kind"], "run");
    assert_eq!(value["clock"], "kernel");
    assert_eq!(value["verdict"]["outcome"], "fail");
    assert_eq!(value["verdict"]["tier"], "critical");
    assert_eq!(value["plan"]["origin"], "http://127.0.0.1:8001/api");
    assert_eq!(value["plan"]["duration"], 30_000_000_000_u64);
    assert_eq!(value["plan"]["seed"], "18446744073709551615");
    assert_eq!(value["rate"]["target"], 200.0);
    assert_eq!(value["rate"]["achieved"], 194.0);
    assert_eq!(
        value["fates"],
        json!({
            "planned": 6000, "ok": 5400, "bad_status": 0, "check_failed": 0, "transport_error": 0,
            "timeout": 360, "shed": 180, "unsent": 0, "open": 60
        })
    );
    assert_eq!(value["error_rate"], 0.1);
    assert_eq!(value["response_time"]["censored"], 600);
    assert_eq!(
        value["response_time"]["at_least"],
        json!(["mean", "p95", "p98", "p99", "p999", "p9999", "max"])
    );
    let names = |value: &Value| {
        value.as_object().unwrap().keys().map(String::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let figures = "at_least censored count max mean min p50 p66 p75 p80 p90 p95 p98 p99 p999 p9999";
    let mut latency = names(&value["response_time"]);
    latency.sort();
    assert_eq!(latency.join(" "), figures);
    assert_eq!(value["series"].as_array().unwrap().len(), 30);
    assert_eq!(value["series"][0]["t"], 1_000_000_000);
    assert!(value.get("search").is_none());

    let failing = serde_json::to_value(report(FAILING)).unwrap();
    let requests = failing["requests"].as_array().unwrap();
    assert_eq!(requests[0]["statuses"], json!({"200": 3300, "503": 180}));
    assert_eq!(requests[0]["errors"], json!({"connect_refused": 60, "reset": 60}));
    assert_eq!(serde_json::to_value(search_report()).unwrap()["kind"], "find-max-rps");
}

#[test]
fn the_ledger_adds_up_everywhere() {
    for report in [report(GOOD), report(FAILING), report(CENSORED)] {
        let sum = |fates: &Fates| fates.named().iter().map(|(_, count)| count).sum::<u64>();
        assert_eq!(sum(&report.fates), report.fates.planned);
        let per_request: u64 = report.requests.iter().map(|request| request.fates.planned).sum();
        assert_eq!(per_request, report.fates.planned);
        for request in &report.requests {
            assert_eq!(sum(&request.fates), request.fates.planned);
        }
        let series: u64 = report.series.iter().map(|point| point.planned).sum();
        assert_eq!(series, report.fates.planned);
    }
}

#[test]
fn a_reader_ignores_fields_it_does_not_know() {
    let mut value = serde_json::to_value(report(GOOD)).unwrap();
    value["invented_later"] = json!(1);
    assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report(GOOD));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_figures_survive_writing_and_reading(
        shares in prop::collection::vec(0.0_f64..1.0, 3),
        rates in prop::collection::vec(0.0_f64..1e9, 4),
        times in prop::collection::vec(any::<u64>(), 4),
        name in "\\PC{0,20}",
        status in any::<u16>(),
    ) {
        let mut report = search_report();
        report.error_rate = millionths(shares[0]);
        report.rate = Rates {
            target: millionths(rates[0]),
            achieved: millionths(rates[1]),
            ended: Some(millionths(rates[2])),
            throughput_ok: millionths(rates[2]),
            drain_ok: times[2],
        };
        report.response_time.p99 = times[0];
        report.fates.ok = times[1];
        report.series[0].achieved = millionths(rates[3]);
        report.series[0].t = times[2];
        report.requests[0].name = name.clone();
        report.requests[0].statuses.insert(status, times[3]);
        report.requests[0].errors.insert(name, times[0]);
        report.verdict.objectives[0].measured = Some(millionths(times[0] as f64));
        let search = report.search.as_mut().unwrap();
        search.max_rps.confidence = millionths(shares[1]);
        search.trials[0].error_rate = millionths(shares[2]);
        search.trials[0].backlog_slope = -millionths(rates[1]);
        prop_assert_eq!(round_trip(&report), report);
    }
}
