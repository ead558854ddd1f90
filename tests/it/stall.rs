//! Honesty under a stall, by arithmetic.
//!
//! A server stands still for the last `S` = 500 ms of every `P` = 2 s, and arrivals are even. A slot that is due
//! `u` into a stall is answered after `S - u`, every other one at once. Over whole periods therefore
//! `P(response time > x) = (S - x) / P`, and the quantile q lies at `S - (1 - q) · P`:
//! p90 at 300 ms, p95 at 400 ms, p99 at 480 ms, and the median, outside of every stall, next to nothing.

use std::time::Duration;

use steadfire::demo::{DemoBackend, Mode, Settings, Stalls};
use steadfire::report::Report;

use crate::support::steadfire;

const MS: u64 = 1_000_000;
/// p90, p95 and p99 by arithmetic.
const ARITHMETIC: [u64; 3] = [300 * MS, 400 * MS, 480 * MS];
/// A busy machine holds up client and server as well, and adds to the stalls. It takes nothing away, so a
/// figure that is too low fails at once, and one that is too high only if it stays so.
const ATTEMPTS: usize = 6;

/// Two whole periods at 1,000/s, up to [`ATTEMPTS`] times.
fn measure(flags: &str) -> Report {
    let stalls = Stalls { every: Duration::from_secs(2), hold: Duration::from_millis(500) };
    let settings = Settings { mode: Mode::Instant, stalls: Some(stalls), ..Settings::default() };
    let backend = DemoBackend::start(settings).expect("a loopback port is free");
    let words = format!("http://{}/ -r 1000 -d 4s --json {flags}", backend.addr());
    let mut seen = Vec::new();
    for _ in 0..ATTEMPTS {
        let report = steadfire(&words).run().report();
        assert_eq!((report.fates.planned, report.fates.ok), (4_000, 4_000));
        let times = &report.response_time;
        let measured = [times.p90, times.p95, times.p99];
        let mut pairs = measured.into_iter().zip(ARITHMETIC);
        assert!(pairs.clone().all(|(at, by)| at >= by * 97 / 100), "{times:?}");
        assert!(times.max >= 485 * MS, "{times:?}");
        if times.p50 < 50 * MS && pairs.all(|(at, by)| at <= by * 103 / 100 + 15 * MS) {
            return report;
        }
        seen.push((times.p50, measured));
    }
    panic!("slower than the arithmetic in every attempt (p50; p90, p95, p99 in ns): {seen:?}");
}

#[test]
fn a_stall_shows_in_full_with_as_many_connections_as_it_takes() {
    let report = measure("");
    // Each of the 500 slots of a stall has a connection, so the service times show it as well.
    assert!(report.service_time.p95 > 350 * MS, "{:?}", report.service_time);
}

#[test]
fn a_stall_shows_in_full_with_fifty_connections_although_service_times_hide_it() {
    let report = measure("--connections 50");
    // Of the 2,000 slots of a period 50 are sent in the stall, 2.5 %: the p95 knows nothing of it.
    assert!(report.service_time.p95 < 200 * MS, "{:?}", report.service_time);
}

#[test]
fn a_stall_shows_in_full_over_http2() {
    let report = measure("--http-version 2");
    // More slots than four sessions have streams for wait for an answer; none of them waits to be sent.
    assert!(report.service_time.p95 > 350 * MS, "{:?}", report.service_time);
    assert_eq!(report.plan.way.http_version, "2");
}
