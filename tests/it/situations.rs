//! What is found in which situation, by the real program against servers that behave in one way each.
//!
//! A row says what must be found, and what must not be: a fault that is charged to the wrong side is worse
//! than one that is not found.

use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use steadfire::report::Outcome;

use crate::server::{ERROR, OK, Peer, Received, Server, answer_each, work};
use crate::support::steadfire;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Two names, of which the second is called a twentieth of the time.
const MIX: &str = "name: situations
requests:
  - {name: list, path: /list, weight: 19}
  - {name: export, path: /export, weight: 1}
";

/// What is not to be said of a server that is merely slow, or of one request.
const NONE_OF_IT: &[&str] =
    &["target_gone", "collapsed", "standstill", "blocked", "saturated", "slow", "slow_requests"];

/// A server, how it is loaded, and what must come of it.
struct Situation {
    what: &'static str,
    server: Server,
    /// When the server goes, and for how long.
    outage: Option<Outage>,
    profile: &'static str,
    flags: &'static str,
    expected: Expected,
}

/// An outage begins once so many requests have come; it lasts until the end unless told.
struct Outage {
    after: usize,
    lasts: Option<Duration>,
}

struct Expected {
    code: i32,
    outcome: Outcome,
    /// Ids of findings that there must be, each with a part of its message.
    found: &'static [(&'static str, &'static str)],
    /// Ids of findings that there must not be.
    absent: &'static [&'static str],
}

const FAIL: Expected = Expected { code: 99, outcome: Outcome::Fail, found: &[], absent: &[] };
const PASS: Expected = Expected { code: 0, outcome: Outcome::Pass, found: &[], absent: &[] };

impl Situation {
    /// Of a server that stays, under the mix.
    fn of(what: &'static str, server: Server, flags: &'static str, expected: Expected) -> Self {
        Self { what, server, outage: None, profile: MIX, flags, expected }
    }

    /// Runs it; what is wrong with what was found.
    fn complaints(self) -> Vec<String> {
        let Self { what, server, outage, profile, flags, expected } = self;
        let url = server.url();
        let program = steadfire(&format!(
            "run profile.yaml --host {url} --threads 1 --no-tui --json {flags}"
        ));
        std::fs::write(program.home().join("profile.yaml"), profile).expect("a profile is written");
        // Either way the server ends after the run.
        let (ended, _server) = match outage {
            None => (program.run(), Some(server)),
            Some(outage) => thread::scope(|scope| {
                let back = scope.spawn(|| outage.befall(server));
                (program.run(), back.join().expect("the server is there"))
            }),
        };
        let report = ended.report();
        let findings = &report.verdict.findings;
        let mut complaints = Vec::new();
        if (ended.code, report.verdict.outcome) != (expected.code, expected.outcome) {
            complaints.push(format!("exit {}, {:?}", ended.code, report.verdict.outcome));
        }
        for (id, words) in expected.found {
            if !findings.iter().any(|one| one.id == *id && one.message.contains(words)) {
                complaints.push(format!("no {id} with '{words}'"));
            }
        }
        let wrong = findings.iter().filter(|one| expected.absent.contains(&one.id.as_str()));
        complaints.extend(wrong.map(|one| format!("{} is not true", one.id)));
        if !complaints.is_empty() {
            let found = findings.iter().map(|one| format!("  {}: {}", one.id, one.message));
            complaints.insert(0, format!("{what}:"));
            complaints.extend(found);
        }
        complaints
    }
}

impl Outage {
    /// Ends `server` when it is time, and starts it again after; what runs then.
    fn befall(self, server: Server) -> Option<Server> {
        // A load that never comes is another test's matter.
        for _ in 0..2_000 {
            if server.received().len() >= self.after {
                break;
            }
            work(MS(5));
        }
        let address = server.addr();
        drop(server);
        work(self.lasts?);
        let listener = TcpListener::bind(address).expect("the port is still this test's");
        Some(Server::on(listener, answer_each(|_| OK.to_vec())))
    }
}

/// Runs all at once: they wait most of the time.
fn hold(situations: Vec<Situation>) {
    let complaints: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> =
            situations.into_iter().map(|one| scope.spawn(|| one.complaints())).collect();
        running.into_iter().flat_map(|one| one.join().expect("the program ends")).collect()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn status(line: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\ncontent-length: 2\r\n\r\nno").into_bytes()
}

fn always(line: &'static str) -> Server {
    Server::answering(move |_| status(line))
}

/// Answers, but for one request in so many, for which it does nothing until the client goes.
fn hanging(every: usize) -> Server {
    Server::start(move |mut peer: Peer| {
        while let Some(received) = peer.receive() {
            if received.number % every == every - 1 {
                return peer.wait_for_close();
            }
            peer.send(OK);
        }
    })
}

/// What is said where nothing comes within the time limit.
const TIMEOUTS: &[(&str, &str)] =
    &[("timeouts", "the server, or the network before it, took longer than 400 ms")];

#[test]
fn servers_that_are_late_or_silent() {
    let late = Server::answering(|_| {
        work(MS(900));
        OK.to_vec()
    });
    let silent = Server::start(|mut peer: Peer| peer.wait_for_close());
    let one_of_sixteen = Server::answering(|received| {
        work(if received.number == 7 { MS(2_600) } else { MS(8) });
        OK.to_vec()
    });
    hold(vec![
        Situation::of(
            "all answers come later than the time limit",
            late,
            "-r 20/s -d 5s --timeout 400ms",
            Expected { found: TIMEOUTS, absent: NONE_OF_IT, ..FAIL },
        ),
        Situation::of(
            "connections are accepted and never answered",
            silent,
            "-r 20/s -d 5s --timeout 400ms",
            Expected { found: TIMEOUTS, absent: NONE_OF_IT, ..FAIL },
        ),
        Situation::of(
            "one request in twenty hangs",
            hanging(20),
            "-r 20/s -d 2s --timeout 1500ms --drain 6s --slo p50<2s,errors<50%",
            Expected {
                found: &[("timeouts", "took longer than 1.5 s")],
                absent: NONE_OF_IT,
                ..PASS
            },
        ),
        Situation::of(
            "a healthy server with one slow answer of sixteen",
            one_of_sixteen,
            "-r 8/s -d 2s --drain 5s --slo p95<2s",
            Expected { absent: NONE_OF_IT, ..FAIL },
        ),
    ]);
}

#[test]
fn servers_that_go_and_come_back() {
    let healthy = || Server::answering(|_| OK.to_vec());
    let gone = |what, after, lasts, expected| Situation {
        outage: Some(Outage { after, lasts }),
        ..Situation::of(what, healthy(), "-r 20/s -d 6s --slo p50<2s,errors<5%", expected)
    };
    hold(vec![
        gone(
            "it dies and stays away",
            20,
            None,
            Expected {
                found: &[
                    ("target_gone", "the server stopped answering"),
                    ("connect_refused", "the server refused connections"),
                ],
                absent: &["way_gone", "collapsed", "timeouts", "standstill"],
                ..FAIL
            },
        ),
        gone(
            "it dies and comes back",
            20,
            Some(MS(1_500)),
            Expected {
                found: &[("connect_refused", "the server refused connections")],
                absent: &["target_gone", "way_gone", "timeouts", "blocked"],
                ..FAIL
            },
        ),
        gone(
            "it refuses connections from the beginning of the load on",
            1,
            None,
            Expected {
                found: &[("connect_refused", "the server refused connections")],
                absent: &["way_gone", "collapsed", "timeouts", "local_exhausted"],
                ..FAIL
            },
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of situations")]
fn servers_that_refuse_or_fail() {
    const EXPECTED: &str = "name: situations
requests:
  - {name: refused, path: /refused, expect: {status: 400}}
";
    const TYPED: &str = "name: situations
requests:
  - {name: typed, path: /typed, expect: {header: {content-type: application/json}}}
";
    const FOLLOWED: &str = "name: situations
requests:
  - {name: looped, path: /loop, redirects: 3}
";
    let refusals = Server::answering(|received: &Received| match received.number % 5 {
        0 => ERROR.to_vec(),
        _ => status("400 Bad Request"),
    });
    let storm = Server::answering(|received: &Received| match received.number % 5 {
        0 => OK.to_vec(),
        _ => status("503 Service Unavailable"),
    });
    let typed = Server::answering(|_| {
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nok".to_vec()
    });
    let looped = Server::answering(|_| {
        b"HTTP/1.1 302 Found\r\nlocation: /loop\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let closing = Server::start(|mut peer: Peer| drop(peer.receive()));
    let errors = "-r 20/s -d 2s --slo p50<4s,errors<5%";
    let with = |profile, situation| Situation { profile, ..situation };
    hold(vec![
        with(
            EXPECTED,
            Situation::of(
                "400 is expected, and one in five fails otherwise",
                refusals,
                errors,
                Expected {
                    found: &[("server_errors", "the server failed")],
                    absent: &["rejected", "checks_failed", "target_gone"],
                    ..FAIL
                },
            ),
        ),
        Situation::of(
            "most answers are 503, and the objective is about times alone",
            storm,
            "-r 20/s -d 2s --slo p50<4s",
            Expected {
                found: &[("server_errors", "the server failed")],
                absent: &["rejected", "rate_limited", "target_gone", "timeouts"],
                ..PASS
            },
        ),
        Situation::of(
            "a limiter answers",
            always("429 Too Many Requests"),
            errors,
            Expected {
                found: &[("rate_limited", "a rate limiter before or in the server")],
                absent: &["rejected", "server_errors", "target_gone"],
                ..FAIL
            },
        ),
        Situation::of(
            "nobody is logged in",
            always("401 Unauthorized"),
            errors,
            Expected {
                found: &[("unauthorized", "the profile logs nobody in before the load")],
                absent: &["rejected", "auth_storm", "token_rejected", "target_gone"],
                ..FAIL
            },
        ),
        with(
            TYPED,
            Situation::of(
                "answers are of another type than expected",
                typed,
                errors,
                Expected {
                    found: &[("checks_failed", "failed their checks")],
                    absent: &["rejected", "server_errors", "target_gone"],
                    ..FAIL
                },
            ),
        ),
        with(
            FOLLOWED,
            Situation::of(
                "a redirect leads to itself",
                looped,
                errors,
                Expected {
                    found: &[("checks_failed", "failed their checks")],
                    absent: &["rejected", "target_gone", "timeouts", "standstill"],
                    ..FAIL
                },
            ),
        ),
        Situation::of(
            "each request is answered by closing the connection",
            closing,
            errors,
            Expected {
                found: &[("connections_broken", "broke off in the middle of requests")],
                absent: &["timeouts", "way_gone", "stale_connections", "rejected"],
                ..FAIL
            },
        ),
    ]);
}

#[test]
fn a_server_that_one_request_stops() {
    let at_work = Mutex::new(());
    let server = Server::answering(move |received: &Received| {
        let _one_at_a_time = at_work.lock().expect("nobody panics in here");
        work(if received.path() == "/export" { MS(900) } else { MS(2) });
        OK.to_vec()
    });
    hold(vec![Situation::of(
        "a request holds up all others",
        server,
        "-r 20/s -d 6s --drain 5s --slo p99<9s,errors<5%",
        Expected {
            found: &[("blocked", "export: the server answered nothing for 90")],
            absent: &["standstill", "target_gone", "collapsed", "timeouts"],
            ..PASS
        },
    )]);
}
