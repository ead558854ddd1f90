//! The ledger and the clocks against a packet capture, by the scripts that prove them at length.
//!
//! Everything runs in a network namespace of the script's own. Where the machine does not allow that or has no
//! tcpdump, the script says so by its exit code and the test is left out, which it says on stderr.
//! What the ledger holds must be on the wire in every attempt; figures must agree in one of [`ATTEMPTS`],
//! because a busy machine delays client and capture alike.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

const ATTEMPTS: usize = 6;
/// The script's exit code where it cannot measure.
const NOT_HERE: i32 = 77;

/// The one row that a script prints for one run; `None` where this machine cannot capture.
fn prove(script: &str, flags: &str) -> Option<Value> {
    let command = Command::new("python3")
        .arg(format!("{}/scripts/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(["--json", "--tries", "1", "--binary", env!("CARGO_BIN_EXE_steadfire")])
        .args(flags.split_whitespace())
        .stdin(Stdio::null())
        .output();
    let output = match command {
        Ok(output) if output.status.code() == Some(NOT_HERE) => {
            return left_out(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) => output,
        Err(error) => return left_out(&format!("python3: {error}")),
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    let rows: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error} from {script}:\n{stderr}"));
    let row = rows[0].clone();
    assert_eq!(row["disagreements"], Value::Array(Vec::new()), "ledger and wire");
    Some(row)
}

/// Past the test harness, which would swallow what a passing test prints.
fn left_out(reason: &str) -> Option<Value> {
    let _ = writeln!(std::io::stderr(), "LEFT OUT, no packet capture: {}", reason.trim());
    None
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn sends_on_the_wire_are_the_slots_of_the_ledger_and_lie_a_gap_apart() {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let Some(row) = prove("prove-pacing", "--rate 400 --seconds 1") else { return };
        assert_eq!(row["planned"], 400);
        let gap_us = number(&row["gap_median_us"]);
        let (lag_us, reported_us) =
            (number(&row["wire_lag_p50_us"]), number(&row["reported_lag_p50_us"]));
        if (gap_us / 2_500.0 - 1.0).abs() < 0.05 && (lag_us - reported_us).abs() < 100.0 {
            return;
        }
        seen.push((gap_us, lag_us, reported_us));
    }
    panic!("never a gap of 2,500 µs and the reported lag (gap, lag, reported, in µs): {seen:?}");
}

#[test]
fn reported_times_are_those_on_the_wire() {
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let flags = "--rate 1000 --seconds 1 --clock kernel";
        let Some(row) = prove("prove-latency", flags) else { return };
        let median = |kind: &str, side: &str| number(&row[kind]["p50"][side]) / 1e3;
        let pairs = ["service_time", "first_byte"]
            .map(|kind| (median(kind, "reported_ns"), median(kind, "wire_ns")));
        for (reported, wire) in pairs {
            assert!(reported > wire * 0.99 - 5.0, "faster than the wire: {reported} < {wire} µs");
        }
        if pairs.iter().all(|(reported, wire)| reported - wire < (wire * 0.1).max(40.0)) {
            return;
        }
        seen.push(pairs);
    }
    panic!("slower than the wire in every attempt (reported, wire, in µs): {seen:?}");
}
