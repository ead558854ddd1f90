//! A target of several addresses: requests go to each in turn, whatever the others do, and the result names
//! the one that is worse.

use std::net::TcpListener;
use std::time::Duration;

use steadfire::report::Report;
use steadfire::report::search::Bound;

use crate::server::{OK, Peer, Server, answer_each, pair, work};
use crate::support::{Finished, steadfire};
use crate::tls::TlsServer;

/// Bounds that a busy machine keeps, and a time limit that ends what is never answered.
const LOAD: &str = "-r 60 -n 60 --timeout 400ms --json --slo p50<60s,errors<1% --yes";

/// What one server does with each connection.
type Manners = Box<dyn Fn(Peer) + Send + Sync>;

fn healthy() -> Manners {
    Box::new(answer_each(|_| OK.to_vec()))
}

/// Accepts and reads, and says nothing.
fn dead() -> Manners {
    Box::new(|mut peer| while peer.receive().is_some() {})
}

fn slow() -> Manners {
    Box::new(answer_each(|_| {
        work(Duration::from_millis(120));
        OK.to_vec()
    }))
}

/// Two servers of one name.
struct Both {
    servers: [Server; 2],
}

impl Both {
    fn serving(first: Manners, second: Manners) -> Self {
        let [a, b] = pair();
        let on = |listener: TcpListener, manners: Manners| Server::on(listener, manners);
        Self { servers: [on(a, first), on(b, second)] }
    }

    fn url(&self) -> String {
        let port = self.servers[0].addr().port();
        format!("http://both.example:{port}/ --resolve both.example:{port}:127.0.0.1,127.0.0.2")
    }

    fn run(&self, flags: &str) -> Finished {
        steadfire(&format!("{} {LOAD} {flags}", self.url())).run()
    }
}

/// Requests to each address, and how many of them were answered.
fn asked(report: &Report) -> Vec<(u64, u64)> {
    report.addresses.iter().map(|one| (one.requests, one.answered)).collect()
}

/// The sentence on the address that stands out.
fn told(report: &Report) -> Option<&str> {
    let mut findings = report.verdict.findings.iter();
    findings.find(|one| one.id == "address_differs").map(|one| one.message.as_str())
}

#[test]
fn an_address_that_answers_nothing_is_asked_as_often_as_the_other_and_named() {
    for flags in ["--threads 1", "--threads 2 --disable-keepalive"] {
        let both = Both::serving(healthy(), dead());
        let finished = both.run(flags);
        let report = finished.report();
        assert_eq!(finished.code, 99, "half of it failed: {}", finished.stderr);
        assert_eq!(asked(&report), [(30, 30), (30, 0)], "{flags}");
        assert_eq!((report.fates.ok, report.fates.timeout), (30, 30));
        let address = both.servers[1].addr();
        let expected =
            format!("address {address} answered 0 of 30 requests, the other address 30 of 30");
        assert_eq!(told(&report), Some(expected.as_str()));
        let misled = ["saturated", "slow", "never_answered"];
        let findings = &report.verdict.findings;
        assert!(findings.iter().all(|one| !misled.contains(&one.id.as_str())), "{findings:?}");
    }
}

#[test]
fn a_slow_address_holds_up_its_own_requests_alone_and_is_named() {
    let report = Both::serving(slow(), healthy()).run("--threads 1").report();
    assert_eq!(asked(&report), [(30, 30), (30, 30)]);
    let [slow, quick] = [0, 1].map(|place| report.addresses[place].service_time.p50);
    assert!(slow >= 120_000_000 && quick < 60_000_000, "{slow} {quick}");
    let told = told(&report).expect("it differs");
    assert!(told.contains("is slow: its median is 1"), "{told}");
}

#[test]
fn addresses_that_are_alike_are_not_told_apart_and_every_request_name_reaches_both() {
    let both = Both::serving(healthy(), healthy());
    let place = tempfile::tempdir().expect("a temporary folder can be made");
    let profile = place.path().join("two.yaml");
    std::fs::write(&profile, "requests: [{path: /a}, {path: /b}]\n").expect("it can be written");
    let port = both.servers[0].addr().port();
    let words = format!(
        "{} --host http://both.example:{port} --resolve both.example:{port}:127.0.0.1,127.0.0.2 {LOAD} \
         --threads 1",
        profile.display()
    );
    let report = steadfire(&words).run().report();
    assert_eq!((asked(&report), told(&report)), (vec![(30, 30), (30, 30)], None));
    for server in &both.servers {
        for path in ["/a", "/b"] {
            let came = server.received().iter().filter(|one| one.path() == path).count();
            assert!(came >= 5, "{came} of {path}");
        }
    }
}

#[test]
fn fewer_connections_than_addresses_starve_nobody() {
    let both = Both::serving(healthy(), healthy());
    let finished = both.run("--threads 1 -c 1");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let asked = asked(&finished.report());
    assert_eq!(asked.iter().map(|one| one.1).sum::<u64>(), 60, "{asked:?}");
}

#[test]
fn at_the_bound_an_address_that_answers_nothing_does_not_take_all_connections() {
    let report = Both::serving(healthy(), dead()).run("--threads 1 -c 2").report();
    let [live, dead] = [0, 1].map(|place| asked(&report)[place]);
    assert_eq!(live.0, live.1, "what is not waiting is answered");
    assert!(dead.0 >= 1 && live.0 > dead.0, "{live:?} {dead:?}");
    assert_eq!(report.fates.ok + report.fates.timeout, 60, "{:?}", report.fates);
}

#[test]
fn with_an_address_that_answers_nothing_no_rate_meets_the_limits() {
    let both = Both::serving(healthy(), dead());
    let search = "--find-max-rps --effort quick -r 40 --max-rate 80 --search-time 20s --timeout 200ms \
                  --slo p95<1s,errors<5% --threads 1 --json --yes";
    let finished = steadfire(&format!("{} {search}", both.url())).run();
    let report = finished.report();
    let search = report.search.as_ref().expect("it is a search");
    assert_eq!((finished.code, search.bound), (99, Bound::BelowMinimum), "{search:?}");
    let told = told(&report).expect("all trials together tell");
    assert!(told.contains(&format!("address {} answered 0 of", both.servers[1].addr())), "{told}");
}

#[test]
fn an_address_that_takes_connections_and_sets_up_no_tls_fails_its_part() {
    let both = |_| {
        let live = TlsServer::start();
        let silent = TcpListener::bind(("127.0.0.2", live.addr.port())).ok()?;
        Some((live, silent))
    };
    let (live, silent) = (0..20).find_map(both).expect("some port is free on both addresses");
    let port = live.addr.port();
    let words = format!(
        "https://both.example:{port}/ --resolve both.example:{port}:127.0.0.1,127.0.0.2 {LOAD} -k \
         --threads 1 --connect-timeout 600ms"
    );
    let finished = steadfire(&words).run();
    let report = finished.report();
    assert_eq!((report.fates.ok, report.fates.transport_error), (30, 30), "{:?}", report.fates);
    let failed = report.verdict.findings.iter().find(|one| one.id == "address_failed");
    let failed = failed.map(|one| one.message.as_str()).unwrap_or_default();
    let address = silent.local_addr().expect("it is bound").to_string();
    assert!(failed.contains(&address) && !failed.contains("went to the others"), "{failed}");
    assert!(
        finished.stderr.contains("took a connection and went no further"),
        "{}",
        finished.stderr
    );
}
