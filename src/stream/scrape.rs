//! [`Scrape`]: the endpoint that Prometheus fetches, on a thread of its own.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::render::{exposition, protobuf};
use crate::stream::Feed;

/// Connections at once; others wait.
const CONNECTIONS_MAX: usize = 16;
/// A connection that is not done by then is closed; Prometheus comes again.
const CONNECTION_MAX: Duration = Duration::from_secs(30);
/// For a request's head, and between requests.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// Pause after a failed accept; shorter would spin while file descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running endpoint; dropping it stops it.
pub(super) struct Scrape {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Scrape {
    /// Serves `feed` to whoever connects to `listener`.
    pub(super) fn start(listener: std::net::TcpListener, feed: Feed) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("scrape".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, feed) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Scrape {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by its thread.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, feed: Feed) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let feed = feed.clone();
                tokio::spawn(async move {
                    // Whoever goes away or is too slow is not missed.
                    let _ = timeout(CONNECTION_MAX, converse(stream, feed)).await;
                    drop(seat);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream, feed: Feed) -> hyper::Result<()> {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &feed);
        async { Ok::<_, Infallible>(answer) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn answer(request: &Request<Incoming>, feed: &Feed) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut answer = Response::new(Full::from(text));
        *answer.status_mut() = status;
        answer
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "the figures are at /metrics\n");
    }
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let (running, names) = (feed.now(), &feed.names);
    let (body, kind) = if accept.is_some_and(protobuf::is_accepted) {
        (Bytes::from(protobuf::render(&running, names)), protobuf::CONTENT_TYPE)
    } else {
        (Bytes::from(exposition::render(&running, names)), exposition::CONTENT_TYPE)
    };
    let mut answer = Response::new(Full::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
