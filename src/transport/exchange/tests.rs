//! One connection of HTTP/1.1 against a server that says exactly what a test has it say.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An open connection and the server's end of it.
async fn opened() -> (Http1, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Http1::open(Dialed::to(&listener).await).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_nodelay(true).unwrap();
    (link, server)
}

async fn exchange(link: &mut Http1, method: &str) -> Exchange {
    let request = Request::builder().method(method).uri("/").header("host", "a");
    let request = request.body(Full::new(Bytes::new())).unwrap();
    link.exchange(request, &mut |_: &Bytes| {}).await
}

/// Waits for a request.
async fn asked(server: &mut TcpStream) {
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        assert!(server.read_buf(&mut received).await.unwrap() > 0, "the client is there");
    }
}

/// What a first GET comes to whose answer is `answer`, and then the end.
async fn answered(answer: String) -> Exchange {
    let (mut link, mut server) = opened().await;
    let serve = async {
        asked(&mut server).await;
        // A client that has seen enough may be gone.
        let _ = server.write_all(answer.as_bytes()).await;
        let _ = server.shutdown().await;
        server
    };
    tokio::join!(exchange(&mut link, "GET"), serve).0
}

fn fields(count: usize) -> String {
    (0..count)
        .map(|number| format!("x-{number}: v"))
        .flat_map(|field| [field, "\r\n".into()])
        .collect()
}

#[tokio::test(flavor = "current_thread")]
async fn an_answer_past_the_bounds_is_too_large_and_nothing_else() {
    let head = |fields: &str| format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\nok");
    let chunked =
        |chunks: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    let extensions = |bytes: usize| format!("2;x={}\r\nok\r\n0\r\n\r\n", "y".repeat(bytes));
    let trailers = |count| format!("2\r\nok\r\n0\r\n{}\r\n", fields(count));
    let large = |bytes: usize| format!("x: {}\r\n", "y".repeat(bytes));
    let table = [
        ("120 fields", head(&fields(120)), None),
        ("1,000 fields", head(&fields(HEAD_FIELDS_MAX - 1)), None),
        ("one more", head(&fields(HEAD_FIELDS_MAX)), Some(TransportError::TooLarge)),
        ("a head of 290 kB", head(&large(290 * 1024)), None),
        // What has been read by the time that hyper looks may be more than its bound.
        ("a head of 700 kB", head(&large(700 * 1024)), Some(TransportError::TooLarge)),
        ("extensions of 16,000 bytes", chunked(&extensions(16_000)), None),
        ("extensions of 17,000", chunked(&extensions(17_000)), Some(TransportError::TooLarge)),
        ("99 trailers", chunked(&trailers(99)), None),
        ("120 trailers", chunked(&trailers(120)), Some(TransportError::TooLarge)),
        ("trailers of 17,000 bytes", chunked(&trailers(1_900)), Some(TransportError::TooLarge)),
        ("no chunk", chunked("ok\r\n"), Some(TransportError::Protocol)),
        ("two lengths", head("content-length: 3\r\n"), Some(TransportError::Protocol)),
        ("one length twice", head("content-length: 2\r\n"), None),
        ("a length of letters", OK.replace("h: 2", "h: two"), Some(TransportError::Protocol)),
        ("too short", OK.replace("h: 2", "h: 3"), Some(TransportError::ClosedEarly)),
    ];
    for (what, answer, fault) in table {
        let failed = match answered(answer).await {
            Exchange::Answered { body_bytes: 2, .. } => None,
            Exchange::Failed(fault) => Some(fault),
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(failed, fault, "{what}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_connection_goes_on_after_a_head_of_many_fields() {
    let (mut link, mut server) = opened().await;
    let many = OK.replace("content", &format!("{}content", fields(300)));
    let (head, body) = many.split_at(many.len() - 2);
    // In pieces, one of which cuts the head and one the body off.
    for (method, pieces) in
        [("GET", vec![OK]), ("GET", vec![&head[..900], &head[900..], body]), ("HEAD", vec![head])]
            .into_iter()
            .chain([("POST", vec![many.as_str()]), ("GET", vec![OK])])
    {
        let serve = async {
            asked(&mut server).await;
            for piece in &pieces {
                server.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (outcome, ()) = tokio::join!(exchange(&mut link, method), serve);
        let length = if method == "HEAD" { 0 } else { 2 };
        let Exchange::Answered { status: 200, body_bytes, .. } = outcome else {
            panic!("{method}: {outcome:?}");
        };
        assert_eq!(body_bytes, length, "{method}");
        assert_eq!(link.settle().await, Reuse::Open, "{method}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_first_byte_is_that_of_the_final_answer() {
    let (mut link, mut server) = opened().await;
    let serve = async {
        for interim in ["100 Continue", "103 Early Hints"] {
            let head = format!("HTTP/1.1 {interim}\r\nlink: </a>\r\n\r\n");
            server.write_all(head.as_bytes()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        server.write_all(OK.as_bytes()).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(exchange(&mut link, "GET"), serve);
    assert!(matches!(outcome, Exchange::Answered { interim: 2, .. }), "{outcome:?}");
    let Instants { sent, first_byte, .. } = link.instants();
    assert!(first_byte.unwrap() - sent.unwrap() >= 30_000_000, "{:?}", link.instants());
    // And the next one has none.
    let (outcome, _) = tokio::join!(exchange(&mut link, "GET"), server.write_all(OK.as_bytes()));
    assert!(matches!(outcome, Exchange::Answered { interim: 0, .. }), "{outcome:?}");
    let Instants { first_byte, last_byte, .. } = link.instants();
    assert!(first_byte.is_some() && first_byte == last_byte, "it came in one piece");
}

/// What a request comes to on a connection that has carried one, or not, when the server closes it on that
/// request, after it has said `said`.
async fn broken(kept: bool, method: &str, said: &str) -> Exchange {
    let (mut link, mut server) = opened().await;
    if kept {
        let (first, _) = tokio::join!(exchange(&mut link, "POST"), server.write_all(OK.as_bytes()));
        assert!(matches!(first, Exchange::Answered { .. }), "{first:?}");
        assert_eq!(link.settle().await, Reuse::Open);
        asked(&mut server).await;
    }
    let serve = async {
        asked(&mut server).await;
        server.write_all(said.as_bytes()).await.unwrap();
        drop(server);
    };
    tokio::join!(exchange(&mut link, method), serve).0
}

#[tokio::test(flavor = "current_thread")]
async fn a_kept_connection_that_closes_unanswered_is_not_the_servers_failure() {
    let crossed = broken(true, "GET", "").await;
    assert!(matches!(crossed, Exchange::Repeatable(Repeatable::Crossed)), "{crossed:?}");
    let stale = broken(true, "POST", "").await;
    assert!(matches!(stale, Exchange::Failed(TransportError::StaleConnection)), "{stale:?}");
    // It was opened for this request, or had begun to answer it.
    for (kept, said) in
        [(false, ""), (true, "HTTP/1.1 100 Continue\r\n\r\n"), (true, "HTTP/1.1 200")]
    {
        let failed = broken(kept, "GET", said).await;
        assert!(
            matches!(failed, Exchange::Failed(TransportError::ClosedEarly)),
            "{said}: {failed:?}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_a_server_says_of_an_idle_connection_is_no_answer_to_the_request_that_it_crossed() {
    let said = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for method in ["GET", "POST"] {
        let crossed = broken(true, method, said).await;
        assert!(matches!(crossed, Exchange::Repeatable(Repeatable::Crossed)), "{crossed:?}");
    }
    let fresh = broken(false, "GET", said).await;
    assert!(matches!(fresh, Exchange::Answered { status: 408, .. }), "{fresh:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn nothing_is_sent_on_a_connection_that_has_closed() {
    let (mut link, mut server) = opened().await;
    let (first, _) = tokio::join!(exchange(&mut link, "GET"), server.write_all(OK.as_bytes()));
    assert!(matches!(first, Exchange::Answered { .. }), "{first:?}");
    assert_eq!(link.settle().await, Reuse::Open);
    asked(&mut server).await;
    drop(server);
    // The runtime does not get to look for events meanwhile.
    while !link.stamps().peer_has_closed() {
        std::hint::spin_loop();
    }
    let outcome = exchange(&mut link, "POST").await;
    assert!(matches!(outcome, Exchange::Repeatable(Repeatable::NotSent)), "{outcome:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_server_says_of_keeping_the_connection_is_heeded() {
    let table = [
        ("x: y", Reuse::Open, None),
        ("connection: close", Reuse::Closed, None),
        ("keep-alive: timeout=5, max=9", Reuse::Open, Some(Duration::from_secs(4))),
        ("keep-alive: max=0", Reuse::Closed, None),
        ("keep-alive: timeout=0", Reuse::Closed, Some(Duration::ZERO)),
    ];
    for (said, reuse, rest_max) in table {
        let (mut link, mut server) = opened().await;
        let answer = OK.replace("content", &format!("{said}\r\ncontent"));
        let (outcome, _) =
            tokio::join!(exchange(&mut link, "GET"), server.write_all(answer.as_bytes()));
        assert!(matches!(outcome, Exchange::Answered { .. }), "{outcome:?}");
        assert_eq!((link.settle().await, link.rest_max()), (reuse, rest_max), "{said}");
    }
}
