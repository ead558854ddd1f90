//! The instant server: one small answer to any request, as cheaply as a socket allows, so that a load generator
//! finds its own limit first.
//!
//! Answers are held back in stalls only. Invariant: every complete request is answered once, in order.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::clock::Clock;
use super::framing::{Framer, Malformed, Next, Seen};
use super::settings::Stalls;
use super::strike::Strike;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 59\r\n\r\n";
const BODY: &str = r#"{"status":"ok","id":1,"items":[1,2,3],"server":"steadfire"}"#;
const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Answers that go out in one write.
const BATCH: usize = 64;
static ANSWERS: LazyLock<Vec<u8>> = LazyLock::new(|| [HEAD, BODY].concat().repeat(BATCH).into());
const ANSWER_BYTES: usize = HEAD.len() + BODY.len();

/// Serves one connection until its client has gone or, between answers, the server stops.
pub(super) async fn serve(
    mut stream: TcpStream,
    clock: Clock,
    stalls: Option<Stalls>,
    mut stopping: watch::Receiver<()>,
) -> io::Result<()> {
    let mut framer = Framer::default();
    let mut stopped = pin!(stopping.changed());
    loop {
        let read = tokio::select! {
            biased;
            read = poll_fn(|context| poll_requests(&mut stream, &mut framer, context)) => read?,
            _ = &mut stopped => return Ok(()),
        };
        let Some(seen) = read else { return Ok(()) };
        let Ok(Seen { complete, next }) = seen else {
            stream.write_all(BAD_REQUEST).await?;
            return stream.shutdown().await;
        };
        if complete > 0 || next == Next::Continue {
            hold(&clock, stalls).await;
        }
        answer(&mut stream, complete).await?;
        match next {
            Next::More => {}
            Next::Continue => stream.write_all(GO_ON).await?,
            Next::Close => return stream.shutdown().await,
        }
    }
}

/// One answer, over HTTP/2.
pub(super) async fn respond(
    clock: Clock,
    stalls: Option<Stalls>,
) -> Result<Response<Full<Bytes>>, Strike> {
    hold(&clock, stalls).await;
    let mut response = Response::new(Full::new(Bytes::from_static(BODY.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Reads once and counts; `None` when the client has gone.
///
/// Polled by hand because the buffer then lives on the stack and not in each of thousands of connections, and
/// because a short read tells tokio that the socket is empty, which spares a system call per request.
fn poll_requests(
    stream: &mut TcpStream,
    framer: &mut Framer,
    context: &mut Context<'_>,
) -> Poll<io::Result<Option<Result<Seen, Malformed>>>> {
    let mut buffer = [0; 8 * 1_024];
    let mut read = ReadBuf::new(&mut buffer);
    ready!(Pin::new(stream).poll_read(context, &mut read))?;
    let bytes = read.filled();
    Poll::Ready(Ok((!bytes.is_empty()).then(|| framer.push(bytes))))
}

async fn hold(clock: &Clock, stalls: Option<Stalls>) {
    let Some(stalls) = stalls else { return };
    let now = clock.now();
    let release = stalls.release(now);
    if release > now {
        clock.sleep_until(release).await;
    }
}

async fn answer(stream: &mut TcpStream, mut count: usize) -> io::Result<()> {
    while count > 0 {
        let now = count.min(BATCH);
        stream.write_all(&ANSWERS[..now * ANSWER_BYTES]).await?;
        count -= now;
    }
    Ok(())
}
