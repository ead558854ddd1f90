//! Log-in: once, however many workers share its token, and again before that expires.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use steadfire::report::Report;
use steadfire::target::{DemoBackend, Settings, TEST_EMAIL, TEST_PASSWORD};

use crate::support::steadfire;

fn measure(backend: &DemoBackend, flags: &str) -> Report {
    let words = format!(
        "chat-center --host http://{} --json --slo p95<60s,errors<5% {flags} \
         -e LOAD_TEST_EMAIL={TEST_EMAIL} -e LOAD_TEST_PASSWORD={TEST_PASSWORD}",
        backend.addr()
    );
    let finished = steadfire(&words).run();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    finished.report()
}

/// Log-ins by the backend's own count.
fn log_ins(addr: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(addr).expect("the backend listens");
    let request = "GET /api/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("the backend reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the backend answers");
    let counts = answer.lines().filter(|line| line.contains("path=\"/api/auth/login\""));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn all_workers_share_one_log_in() {
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let report = measure(&backend, "-r 100 -d 1s --threads 3");
    assert_eq!((report.fates.ok, report.plan.workers), (100, 3));
    assert_eq!(log_ins(backend.addr()), 1);
}

#[test]
fn the_token_is_renewed_before_it_expires() {
    let token_lifetime = Duration::from_secs(3);
    let settings = Settings { token_lifetime, ..Settings::default() };
    let backend = DemoBackend::start(settings).expect("a loopback port is free");
    let report = measure(&backend, "-r 100 -d 7s --threads 2");
    assert_eq!((report.fates.planned, report.fates.ok), (700, 700), "no answer is a 401");
    let log_ins = log_ins(backend.addr());
    assert!((3..=8).contains(&log_ins), "{log_ins}");
}
