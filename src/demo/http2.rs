//! HTTP/2 with prior knowledge, beside HTTP/1.1 on the same port: the same answers, on the streams of one
//! connection.
//!
//! Invariant: a struck exchange ends its own stream and no other. Idle connections are kept: there is
//! nothing on the wire that a client would have to renew.

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::strike::{Fault, Strike};

/// How a client that speaks HTTP/2 begins; no method of HTTP/1.1 does.
const PREFACE: &[u8; 3] = b"PRI";
/// Pause before another look at a preface that came in parts, as it never does.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

/// A client's first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

/// Waits for the client's first bytes and leaves them where they are; `None` once the server stops.
pub(super) async fn version(
    stream: &TcpStream,
    stopping: &mut watch::Receiver<()>,
) -> Option<Version> {
    tokio::select! {
        biased;
        version = first_word(stream) => Some(version),
        _ = stopping.changed() => None,
    }
}

async fn first_word(stream: &TcpStream) -> Version {
    let mut first = [0; PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(count @ 1..) if first[..count] == PREFACE[..count] => {
                if count == PREFACE.len() {
                    return Version::Http2;
                }
                sleep(LOOK_PAUSE).await;
            }
            // Whoever reads next meets the end or the error as well.
            _ => return Version::Http1,
        }
    }
}

/// Serves one connection until its client has gone or, once the server stops, its streams have ended.
pub(super) async fn serve<Answer>(
    stream: TcpStream,
    answer: impl Fn(Request<Incoming>) -> Answer,
    mut stopping: watch::Receiver<()>,
) where
    Answer: Future<Output = Result<Response<Full<Bytes>>, Strike>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(request);
        async move {
            match answer.await {
                Ok(response) => Ok(response.map(Either::Left)),
                Err(strike) if strike.fault() == Fault::Reset => Err(strike),
                Err(strike) => Ok(Response::new(Either::Right(Cut::from(strike)))),
            }
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        // Nothing that the settings do not name holds a client back or turns it away.
        .max_concurrent_streams(None)
        .max_pending_accept_reset_streams(usize::MAX)
        .max_local_error_reset_streams(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        // An error is the client's: it went away or sent what is not HTTP/2.
        _ = &mut connection => {}
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// The body of an exchange that ends badly on purpose: its beginning, then a reset or nothing.
struct Cut {
    fault: Fault,
    beginning: Option<Bytes>,
    length: u64,
}

impl From<Strike> for Cut {
    fn from(strike: Strike) -> Self {
        let beginning = strike.beginning().clone();
        Self { fault: strike.fault(), beginning: Some(beginning), length: strike.length() }
    }
}

impl Body for Cut {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match (self.beginning.take(), self.fault) {
            (Some(beginning), _) => Poll::Ready(Some(Ok(Frame::data(beginning)))),
            // Until the client gives up its stream.
            (None, Fault::Endless) => Poll::Pending,
            (None, _) => Poll::Ready(Some(Err("cut off on purpose".into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
