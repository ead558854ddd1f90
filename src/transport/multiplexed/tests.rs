//! A session against h2's own server side, which each test lets do as it likes.

use std::time::Duration;

use h2::server::{Connection as Serving, SendResponse};
use http::Response;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::frames::{Event, Frames, Kind};
use super::*;

type Asked = (Request<h2::RecvStream>, SendResponse<Bytes>);

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// An open session, its driver at work on a task, and the server's side of it.
async fn session(settings: &h2::server::Builder) -> (Session, Serving<TcpStream, Bytes>) {
    let listener = listener().await;
    let dialed = Dialed::to(&listener).await;
    let (stream, _) = listener.accept().await.unwrap();
    let (opened, serving) = tokio::join!(Session::open(dialed), settings.handshake(stream));
    let (session, driver) = opened.unwrap();
    tokio::task::spawn_local(driver);
    (session, serving.unwrap())
}

/// The next request, while everything else of the connection goes on.
async fn asked(serving: &mut Serving<TcpStream, Bytes>) -> Asked {
    serving.accept().await.expect("the client is there").expect("it keeps to the protocol")
}

fn request(body: &str) -> Outgoing {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = Request::builder().method(method).uri("http://host/x?y=1");
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// One exchange on a stream of its own, with its instants.
async fn exchange(session: &Session, body: &str) -> (Exchange, Instants) {
    let mut stream = session.stream().unwrap();
    let outcome = stream.exchange(request(body), &mut |_: &Bytes| {}).await;
    (outcome, stream.instants())
}

/// Runs `test` where local tasks may be spawned.
fn locally(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    tokio::task::LocalSet::new().block_on(&runtime, bounded).expect("nothing hangs");
}

#[test]
fn first_and_last_byte_are_those_of_the_frames_that_carried_them() {
    const PAUSE: Duration = Duration::from_millis(30);
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let client = exchange(&session, "ask");
        let server = async {
            let (request, mut respond) = asked(&mut serving).await;
            assert_eq!(request.uri(), "http://host/x?y=1");
            let mut body = request.into_body();
            let work = async {
                assert_eq!(body.data().await.unwrap().unwrap(), "ask");
                tokio::time::sleep(PAUSE).await;
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                tokio::time::sleep(PAUSE).await;
                body.send_data(Bytes::from(vec![0; 100_000]), false).unwrap();
                tokio::time::sleep(PAUSE).await;
                body.send_data(Bytes::from_static(b"end"), true).unwrap();
            };
            tokio::join!(work, serving.accept());
        };
        let ((outcome, instants), ()) = tokio::join!(
            async {
                let done = client.await;
                session.retire();
                done
            },
            server
        );
        let Exchange::Answered { status: 200, body_bytes: 100_003, interim: 0 } = outcome else {
            panic!("{outcome:?}");
        };
        let pause = crate::time::whole_nanos(PAUSE);
        let first = instants.first_byte.unwrap();
        assert!(first - instants.sent.unwrap() >= pause, "{instants:?}");
        assert!(instants.last_byte.unwrap() - first >= 2 * pause, "{instants:?}");
    });
}

#[test]
fn a_stream_that_the_server_resets_fails_alone() {
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let table = [Reason::INTERNAL_ERROR, Reason::REFUSED_STREAM, Reason::CANCEL];
        for reason in table {
            let server = async {
                let (_, mut victim) = asked(&mut serving).await;
                let (_, mut other) = asked(&mut serving).await;
                victim.send_reset(reason);
                other.send_response(Response::new(()), true).unwrap();
                // Nothing more comes; waiting for it writes what is above.
                let _ = tokio::time::timeout(Duration::from_millis(50), serving.accept()).await;
            };
            let clients = async { tokio::join!(exchange(&session, ""), exchange(&session, "")) };
            let (((first, _), (second, _)), ()) = tokio::join!(clients, server);
            match reason {
                Reason::REFUSED_STREAM => {
                    assert!(
                        matches!(first, Exchange::Repeatable(Repeatable::Refused)),
                        "{first:?}"
                    );
                }
                _ => assert!(
                    matches!(first, Exchange::Failed(TransportError::Reset)),
                    "{reason}: {first:?}"
                ),
            }
            assert!(matches!(second, Exchange::Answered { status: 200, .. }), "{second:?}");
            assert!(session.streams_max() > 0);
        }
    });
}

#[test]
fn what_a_goodbye_leaves_unprocessed_was_not_sent_and_the_rest_is_answered() {
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let server = async {
            let (_, mut first) = asked(&mut serving).await;
            serving.graceful_shutdown();
            let work = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                first.send_response(Response::new(()), true).unwrap();
            };
            tokio::join!(work, async { while serving.accept().await.is_some() {} });
        };
        let ((first, _), ()) = tokio::join!(exchange(&session, ""), server);
        assert!(matches!(first, Exchange::Answered { .. }), "{first:?}");
        assert_eq!(session.streams_max(), 0);
        let (late, _) = exchange(&session, "").await;
        assert!(matches!(late, Exchange::Repeatable(Repeatable::NotSent)), "{late:?}");
    });
}

#[test]
fn an_exchange_that_is_given_up_cancels_its_stream_and_leaves_the_session() {
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let patience = Duration::from_millis(30);
        let given_up = tokio::time::timeout(patience, exchange(&session, ""));
        let (given_up, (_, mut unanswered)) = tokio::join!(given_up, asked(&mut serving));
        assert!(given_up.is_err(), "nothing was answered");
        let server = async {
            let (_, mut other) = asked(&mut serving).await;
            other.send_response(Response::new(()), true).unwrap();
            let reset = poll_fn(|cx| unanswered.poll_reset(cx));
            let _ = tokio::time::timeout(patience, serving.accept()).await;
            assert_eq!(reset.await.unwrap(), Reason::CANCEL);
        };
        let ((outcome, _), ()) = tokio::join!(exchange(&session, ""), server);
        assert!(matches!(outcome, Exchange::Answered { .. }), "{outcome:?}");
    });
}

#[test]
fn a_lost_connection_fails_what_was_sent_on_it() {
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let server = async {
            let _request = asked(&mut serving).await;
            serving.abrupt_shutdown(Reason::NO_ERROR);
            drop(serving);
        };
        let ((outcome, _), ()) = tokio::join!(exchange(&session, ""), server);
        let Exchange::Failed(TransportError::ClosedEarly | TransportError::Reset) = outcome else {
            panic!("{outcome:?}");
        };
    });
}

#[test]
fn an_idle_connection_that_closes_under_a_request_is_not_the_servers_failure() {
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let server = async {
            let (_, mut respond) = asked(&mut serving).await;
            respond.send_response(http::Response::new(()), true).unwrap();
            let _second = asked(&mut serving).await;
            serving.abrupt_shutdown(Reason::NO_ERROR);
            drop(serving);
        };
        let client = async {
            let (first, _) = exchange(&session, "").await;
            assert!(matches!(first, Exchange::Answered { .. }), "{first:?}");
            exchange(&session, "").await.0
        };
        let (outcome, ()) = tokio::join!(client, server);
        assert!(matches!(outcome, Exchange::Repeatable(Repeatable::Crossed)), "{outcome:?}");
    });
}

#[test]
fn the_servers_word_on_streams_is_known_once_the_session_is_open() {
    locally(async {
        let (session, _serving) =
            session(h2::server::Builder::new().max_concurrent_streams(3)).await;
        assert_eq!(session.streams_max(), 3);
        session.retire();
        assert_eq!(session.streams_max(), 0);
        assert!(session.stream().is_none());
    });
}

#[test]
fn a_server_of_http_1_is_no_session() {
    locally(async {
        let listener = listener().await;
        let dialed = Dialed::to(&listener).await;
        let (mut stream, _) = listener.accept().await.unwrap();
        let server = async {
            let mut preface = [0; 16];
            stream.read_exact(&mut preface).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
                .await
                .unwrap();
        };
        let (opened, ()) = tokio::join!(Session::open(dialed), server);
        assert_eq!(opened.err(), Some(TransportError::Protocol));
    });
}

#[test]
fn only_open_exchanges_are_followed() {
    locally(async {
        let (session, _serving) = session(&h2::server::Builder::new()).await;
        let mut stream = session.stream().unwrap();
        let patience = Duration::from_millis(10);
        for _ in 0..3 {
            let mut let_go = |_: &Bytes| {};
            let exchange = stream.exchange(request(""), &mut let_go);
            assert!(tokio::time::timeout(patience, exchange).await.is_err());
            assert_eq!(session.timeline.followed(), 1);
        }
        drop(stream);
        assert_eq!(session.timeline.followed(), 0);
    });
}

/// What h2 itself would never say, as bytes: a frame of this kind.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A GOAWAY without an error that leaves out streams above `last`.
fn goodbye(last: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

/// What a GET comes to on a session whose server says `said` to it, and then goes.
async fn told(said: &[u8]) -> (Exchange, Instants) {
    let listener = listener().await;
    let dialed = Dialed::to(&listener).await;
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    let (session, driver) = Session::open(dialed).await.unwrap();
    tokio::task::spawn_local(driver);
    let serve = async {
        let (mut frames, mut asked) = (Frames::of_client(), false);
        while !asked {
            let mut received = Vec::new();
            assert!(server.read_buf(&mut received).await.unwrap() > 0);
            frames.push(&received, |event| {
                asked |= matches!(event, Event::Ends(frame) if frame.kind == Kind::Headers);
            });
        }
        server.write_all(said).await.unwrap();
        // A reset would take back what has been said.
        server.shutdown().await.unwrap();
        server
    };
    let (told, _server) = tokio::join!(exchange(&session, ""), serve);
    told
}

#[test]
fn a_stream_that_a_goodbye_leaves_out_may_be_sent_again_and_one_it_took_is_the_servers() {
    locally(async {
        let (outcome, instants) = told(&goodbye(0)).await;
        assert!(matches!(outcome, Exchange::Repeatable(Repeatable::LeftOut)), "{outcome:?}");
        assert!(instants.sent.is_some() && instants.first_byte.is_none(), "{instants:?}");
        let (outcome, _) = told(&goodbye(1)).await;
        assert!(matches!(outcome, Exchange::Failed(TransportError::GoneAway)), "{outcome:?}");
        let (outcome, _) = told(&[]).await;
        assert!(matches!(outcome, Exchange::Failed(TransportError::ClosedEarly)), "{outcome:?}");
    });
}

/// A server's answer to a request of this method, and what that comes to.
async fn answer(method: &str, head: http::response::Builder, body: Option<usize>) -> Exchange {
    let (session, mut serving) = session(&h2::server::Builder::new()).await;
    let client = async {
        let request = Request::builder().method(method).uri("http://host/");
        let mut stream = session.stream().unwrap();
        let request = request.body(Full::new(Bytes::new())).unwrap();
        let outcome = stream.exchange(request, &mut |_: &Bytes| {}).await;
        drop(stream);
        session.retire();
        outcome
    };
    let server = async {
        let (_, mut respond) = asked(&mut serving).await;
        let sending = respond.send_response(head.body(()).unwrap(), body.is_none());
        // A client that has seen enough of the head cancels the stream.
        if let (Ok(mut sending), Some(bytes)) = (sending, body) {
            let _ = sending.send_data(Bytes::from(vec![b'x'; bytes]), true);
        }
        while serving.accept().await.is_some() {}
    };
    tokio::join!(client, server).0
}

#[test]
fn an_answer_is_as_long_as_it_says() {
    locally(async {
        let head = |status: u16, lengths: &[&str]| {
            let builder = Response::builder().status(status);
            lengths.iter().fold(builder, |head, length| head.header("content-length", *length))
        };
        let wrong = Some(TransportError::Protocol);
        let table = [
            ("GET", head(200, &["2"]), Some(2), None),
            ("GET", head(200, &[]), Some(2), None),
            ("GET", head(200, &["2", "2"]), Some(2), None),
            ("GET", head(200, &["1000"]), Some(2), wrong),
            ("GET", head(200, &["1"]), Some(2), wrong),
            ("GET", head(200, &["1000"]), None, wrong),
            ("GET", head(200, &["2", "3"]), Some(2), wrong),
            ("GET", head(200, &["two"]), Some(2), wrong),
            // Lengths of what is not sent.
            ("HEAD", head(200, &["1000"]), None, None),
            ("HEAD", head(200, &["1000"]), Some(0), None),
            ("GET", head(304, &["1000"]), None, None),
            ("GET", head(304, &["1000"]), Some(0), None),
            ("GET", head(204, &["1000"]), Some(0), None),
        ];
        for (method, head, body, fault) in table {
            let what = format!("{method} {head:?} {body:?}");
            let failed = match answer(method, head, body).await {
                Exchange::Answered { body_bytes, .. } => {
                    assert_eq!(body_bytes, body.unwrap_or(0) as u64, "{what}");
                    None
                }
                Exchange::Failed(fault) => Some(fault),
                Exchange::Repeatable(why) => panic!("{what}: {why:?}"),
            };
            assert_eq!(failed, fault, "{what}");
        }
    });
}

#[test]
fn a_head_past_the_bounds_is_too_large_and_nothing_else() {
    locally(async {
        let many = |count: usize| {
            let each =
                |head: http::response::Builder, number| head.header(format!("x-{number}"), "v");
            (0..count).fold(Response::builder(), each)
        };
        let large = |bytes: usize| Response::builder().header("x", "y".repeat(bytes));
        let table = [
            ("120 fields", many(120), None),
            ("1,001 fields", many(HEAD_FIELDS_MAX + 1), Some(TransportError::TooLarge)),
            ("200 kB", large(200 * 1024), None),
            ("310 kB", large(310 * 1024), Some(TransportError::TooLarge)),
        ];
        for (what, head, fault) in table {
            let failed = match answer("GET", head, Some(2)).await {
                Exchange::Answered { .. } => None,
                Exchange::Failed(fault) => Some(fault),
                Exchange::Repeatable(why) => panic!("{what}: {why:?}"),
            };
            assert_eq!(failed, fault, "{what}");
        }
    });
}

#[test]
fn interim_answers_are_counted_and_are_no_first_byte() {
    const PAUSE: Duration = Duration::from_millis(30);
    locally(async {
        let (session, mut serving) = session(&h2::server::Builder::new()).await;
        let server = async {
            let (_, mut respond) = asked(&mut serving).await;
            let work = async {
                for status in [100, 103] {
                    let interim = Response::builder().status(status).body(()).unwrap();
                    respond.send_informational(interim).unwrap();
                }
                tokio::time::sleep(PAUSE).await;
                let mut sending = respond.send_response(Response::new(()), false).unwrap();
                sending.send_data(Bytes::from_static(b"ok"), false).unwrap();
                sending.send_trailers(http::HeaderMap::new()).unwrap();
            };
            tokio::join!(work, async { while serving.accept().await.is_some() {} });
        };
        let client = async {
            let done = exchange(&session, "").await;
            session.retire();
            done
        };
        let ((outcome, instants), ()) = tokio::join!(client, server);
        assert!(
            matches!(outcome, Exchange::Answered { interim: 2, body_bytes: 2, .. }),
            "{outcome:?}"
        );
        let first_byte = instants.first_byte.unwrap() - instants.sent.unwrap();
        assert!(first_byte >= crate::time::whole_nanos(PAUSE), "{instants:?}");
    });
}
