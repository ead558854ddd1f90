//! How connections and streams end: what a client could have known, or may send again, is no error, and what
//! the server did is told as that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use steadfire::report::{Outcome, Report};

use crate::server::{OK, Peer, Received, Server, work};
use crate::support::steadfire;

/// The slots of most tests.
const PLANNED: u64 = 200;

fn load(server: &Server, flags: &str) -> Report {
    offer(server, &format!("-r 200 -n {PLANNED} {flags}"))
}

fn offer(server: &Server, flags: &str) -> Report {
    let words = format!("{}/ --json --slo p50<60s,errors<5% {flags}", server.url());
    steadfire(&words).run().report()
}

fn errors(report: &Report) -> Vec<(&str, u64)> {
    report.requests[0].errors.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()
}

fn finding<'r>(report: &'r Report, id: &str) -> Option<&'r str> {
    let findings = &report.verdict.findings;
    findings.iter().find(|finding| finding.id == id).map(|finding| finding.message.as_str())
}

/// Gives a connection so many answers, each with `fields` of its number, and closes as `last` does.
fn answering(
    answers: usize,
    fields: impl Fn(usize) -> String + Send + Sync + 'static,
    last: impl Fn(Peer) + Send + Sync + 'static,
) -> Server {
    Server::start(move |mut peer| {
        for number in 1..=answers {
            if peer.receive().is_none() {
                return;
            }
            let answer = String::from_utf8_lossy(OK);
            peer.send(answer.replace("content", &format!("{}content", fields(number))).as_bytes());
        }
        last(peer);
    })
}

/// Reads one more request, and closes instead of answering.
fn hang_up(mut peer: Peer) {
    peer.receive();
}

#[test]
fn a_server_that_closes_between_requests_has_not_failed() {
    let silent = answering(5, |_| String::new(), drop);
    let says_so = answering(
        5,
        |number| if number == 5 { "connection: close\r\n".to_owned() } else { String::new() },
        drop,
    );
    for server in [silent, says_so] {
        let report = load(&server, "");
        assert_eq!(report.fates.ok, PLANNED, "{:?}", errors(&report));
        // Each slot was processed once.
        assert_eq!(server.received().len() as u64, PLANNED);
    }
}

#[test]
fn an_idempotent_request_goes_out_once_more_and_is_counted() {
    let server = answering(3, |_| String::new(), hang_up);
    let report = load(&server, "");
    assert_eq!(report.fates.ok, PLANNED, "{:?}", errors(&report));
    let again = report.requests[0].repeats;
    assert!((1..=PLANNED / 3 + 1).contains(&again), "{again}");
    assert_eq!(server.received().len() as u64, PLANNED + again);
    let told = finding(&report, "sent_again").expect("it is told");
    assert!(told.contains(&format!("{again} of 200 slots")), "{told}");
}

#[test]
fn a_request_that_is_not_idempotent_goes_out_once_and_the_server_is_not_blamed() {
    let server = answering(3, |_| String::new(), hang_up);
    let report = load(&server, "-X POST --data x");
    let stale = PLANNED - report.fates.ok;
    assert_eq!(errors(&report), [("stale_connection", stale)]);
    assert_eq!((server.received().len() as u64, report.requests[0].repeats), (PLANNED, 0));
    assert_eq!(report.verdict.outcome, Outcome::Invalid);
    assert!(finding(&report, "stale_connections").is_some_and(|told| told.contains("POST")));
}

#[test]
fn a_server_that_always_hangs_up_is_charged_with_it() {
    let server = Server::start(hang_up);
    let report = load(&server, "");
    assert_eq!(errors(&report), [("closed_early", PLANNED)]);
    // But for connections that were opened before they were needed, and that it may have given up.
    let again = report.requests[0].repeats;
    assert_eq!(server.received().len() as u64, PLANNED + again);
    assert!(again < PLANNED / 4, "{again}");
    // Having had the request for a while, the server had taken it.
    let server = Server::start(|mut peer| {
        while let Some(Received { number, .. }) = peer.receive() {
            if number % 4 == 3 {
                return work(Duration::from_millis(250));
            }
            peer.send(OK);
        }
    });
    let report = load(&server, "");
    assert_eq!(errors(&report), [("closed_early", PLANNED / 4)]);
}

#[test]
fn what_keep_alive_says_is_obeyed() {
    // With Apache's way to count and with Node's; a client that asks once more is hung up on.
    for left in [true, false] {
        let fields = move |number: usize| {
            let max = if left { 5 - number } else { 5 };
            format!("keep-alive: timeout=5, max={max}\r\n")
        };
        let server = answering(5, fields, hang_up);
        let report = load(&server, "-X POST --data x");
        assert_eq!(report.fates.ok, PLANNED, "{left}: {:?}", errors(&report));
        assert_eq!(report.requests[0].repeats, 0);
    }
    // A server that keeps a connection for no longer than a rest between two slots.
    let hung_up = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&hung_up);
    let server = answering(
        1,
        |_| "keep-alive: timeout=1\r\n".to_owned(),
        move |mut peer| {
            if peer.receive().is_some() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        },
    );
    let report = offer(&server, "-r 90/m -n 3 -c 1");
    assert_eq!((report.fates.ok, hung_up.load(Ordering::Relaxed)), (3, 0));
}

#[test]
fn an_answer_that_refuses_the_rest_of_a_long_request_is_read() {
    // Closed with most of the request unread, which resets the connection behind the answer.
    let server = Server::start(|mut peer| {
        if peer.take(1000).is_some() {
            peer.send(
                b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
            );
        }
    });
    for flags in ["", "--clock user"] {
        let words =
            format!("{}/ --json -r 50 -n 20 -X POST --data-file long {flags}", server.url());
        let program = steadfire(&words);
        std::fs::write(program.home().join("long"), vec![b'x'; 5_000_000]).expect("it is written");
        let report = program.run().report();
        assert_eq!(report.fates.bad_status, 20, "{flags} {:?}", errors(&report));
        assert_eq!(report.requests[0].statuses[&413], 20);
    }
}

#[test]
fn interim_answers_are_counted_apart() {
    let server = Server::start(|mut peer| {
        while peer.receive().is_some() {
            peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
            work(Duration::from_millis(20));
            peer.send(OK);
        }
    });
    let report = load(&server, "");
    assert_eq!((report.fates.ok, report.requests[0].interim), (PLANNED, PLANNED));
    assert!(report.first_byte.min >= 20_000_000, "{:?}", report.first_byte);
}

#[test]
fn an_answer_past_our_bounds_makes_a_run_invalid_and_says_which() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = format!("{chunked}2;x={}\r\nok\r\n0\r\n\r\n", "y".repeat(17_000));
    let server = Server::answering(move |_| answer.clone().into_bytes());
    let report = load(&server, "");
    assert_eq!(errors(&report), [("too_large", PLANNED)]);
    assert_eq!(report.verdict.outcome, Outcome::Invalid);
    assert!(finding(&report, "too_large").is_some_and(|told| told.contains("16 kB")));
}

/// HTTP/2 as bytes, which lets a server say what no library would.
mod frames {
    use super::{Peer, Server};

    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const PREFACE_BYTES: usize = 24;

    /// What becomes of a stream.
    #[derive(Clone, Copy)]
    pub(super) enum Deed {
        Answer,
        /// With a `content-length` of 1000 and two bytes.
        AnswerShort,
        Refuse,
        /// Nothing.
        Keep,
    }

    /// How a connection goes on after so many streams.
    #[derive(Clone, Copy)]
    pub(super) enum End {
        /// It says goodbye and answers no other.
        Goodbye,
        /// It says goodbye to streams far above any, and closes.
        Forsake,
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("a short frame");
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn answer(stream: u32, length: Option<&str>) -> Vec<u8> {
        // The eighth of HPACK's static table is status 200.
        let mut head = vec![0x88];
        if let Some(length) = length {
            // A literal, never indexed; 28 is the name.
            head.extend([0x1f, 28 - 15, u8::try_from(length.len()).expect("a few digits")]);
            head.extend(length.as_bytes());
        }
        [frame(HEADERS, 4, stream, &head), frame(DATA, 1, stream, b"ok")].concat()
    }

    fn goodbye(last: u32) -> Vec<u8> {
        frame(GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
    }

    /// Does with a stream as `deed` says by its number on the connection, from 1, and ends after `streams`.
    pub(super) fn server(deed: fn(usize) -> Deed, streams: usize, end: End) -> Server {
        Server::start(move |peer| {
            converse(peer, deed, (streams, end));
        })
    }

    fn converse(
        mut peer: Peer,
        deed: fn(usize) -> Deed,
        (streams, end): (usize, End),
    ) -> Option<()> {
        peer.take(PREFACE_BYTES)?;
        peer.send(&frame(SETTINGS, 0, 0, &[]));
        let mut seen = 0;
        loop {
            let head = peer.take(9)?;
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            let (kind, flags) = (head[3], head[4]);
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            peer.take(length)?;
            match kind {
                SETTINGS if flags & 1 == 0 => peer.send(&frame(SETTINGS, 1, 0, &[])),
                HEADERS => {
                    seen += 1;
                    if seen > streams {
                        continue;
                    }
                    match deed(seen) {
                        Deed::Answer => peer.send(&answer(stream, None)),
                        Deed::AnswerShort => peer.send(&answer(stream, Some("1000"))),
                        Deed::Refuse => peer.send(&frame(RESET, 0, stream, &7_u32.to_be_bytes())),
                        Deed::Keep => {}
                    }
                    match end {
                        _ if seen < streams => {}
                        End::Goodbye => peer.send(&goodbye(stream)),
                        End::Forsake => {
                            peer.send(&goodbye(u32::MAX >> 1));
                            return Some(());
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

use frames::{Deed, End};

#[test]
fn goodbyes_lose_no_slot_however_often_they_come() {
    for answers in [5, 20] {
        let server = frames::server(|_| Deed::Answer, answers, End::Goodbye);
        let report = offer(&server, "--http-version 2 -r 2000 -n 2000");
        assert_eq!(report.fates.ok, 2000, "{:?}", errors(&report));
    }
}

#[test]
fn a_stream_that_is_refused_goes_out_again_on_another_connection() {
    // With a bound of one there is no other, and the same has to do.
    for connections in [10, 1] {
        let server = frames::server(
            |number| if number % 3 == 2 { Deed::Refuse } else { Deed::Answer },
            usize::MAX,
            End::Goodbye,
        );
        let flags = format!("--http-version 2 --threads 1 -c {connections}");
        let report = load(&server, &flags);
        let failed = PLANNED - report.fates.ok;
        let again = report.requests[0].repeats;
        assert!(again > 0, "{again}");
        assert!(errors(&report).iter().all(|(kind, _)| *kind == "refused_stream"));
        assert!(failed < again, "{failed} of {again}");
    }
    let server = frames::server(|_| Deed::Refuse, usize::MAX, End::Goodbye);
    let report = load(&server, "--http-version 2");
    assert_eq!(errors(&report), [("refused_stream", PLANNED)]);
    assert_eq!(report.requests[0].repeats, PLANNED);
}

#[test]
fn a_stream_that_was_taken_and_closed_on_is_the_servers_and_named_so() {
    let deed = |number| if number == 4 { Deed::Keep } else { Deed::Answer };
    let server = frames::server(deed, 4, End::Forsake);
    let report = load(&server, "--http-version 2");
    let forsaken = PLANNED - report.fates.ok;
    assert!(forsaken >= PLANNED / 5, "{forsaken}");
    assert_eq!(errors(&report), [("goaway", forsaken)]);
    assert_eq!(report.verdict.outcome, Outcome::Fail);
}

#[test]
fn a_length_that_lies_is_an_error_also_for_once() {
    let server = frames::server(|_| Deed::AnswerShort, usize::MAX, End::Goodbye);
    let report = load(&server, "--http-version 2");
    assert_eq!(errors(&report), [("protocol", PLANNED)]);
    let once = steadfire(&format!("once {}/ --http-version 2", server.url())).run();
    assert_ne!(once.code, 0, "{}", once.stdout);
    assert!(once.stdout.contains("not valid HTTP"), "{}", once.stdout);
}
