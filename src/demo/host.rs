//! [`Host`]: one running API server: the service, its queue of workers, its faults and its counters.
//!
//! Invariant: a request is charged to the queue at its arrival and answered no earlier than the queue says; the
//! state's lock is never held across a wait.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::api::{Api, Call};
use super::clock::Clock;
use super::endpoint::Endpoint;
use super::queue::{Admission, Queue, Ticket};
use super::reply::Reply;
use super::route::Route;
use super::settings::{Faults, Settings};
use super::strike::{Fault, Strike};
use crate::load::random::SplitMix64;

/// Longer request bodies are refused.
const BODY_MAX: usize = 4 << 20;
/// A request body must have come within this long.
const BODY_WAIT: Duration = Duration::from_secs(30);

/// A running API server.
pub(super) struct Host {
    clock: Clock,
    state: Mutex<State>,
    /// Connections that could not be accepted.
    accept_failures: AtomicU64,
}

struct State {
    api: Api,
    queue: Queue,
    faults: Faults,
    fate: SplitMix64,
    /// Answers by endpoint and status: a few dozen at most.
    answered: BTreeMap<(Endpoint, u16), u64>,
}

/// An admitted request: what it will be answered, and when.
struct Promise {
    reply: Reply,
    ticket: Ticket,
    fault: Option<Fault>,
}

impl Host {
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let clock = Clock::start();
        let state = State {
            api: Api::new(settings, clock.unix(clock.now()))?,
            queue: Queue::new(settings),
            faults: settings.faults,
            // Apart from the service times' sequence, so that adding faults leaves those alone.
            fate: SplitMix64::new(!settings.seed),
            answered: BTreeMap::new(),
        };
        Ok(Self { clock, state: Mutex::new(state), accept_failures: AtomicU64::new(0) })
    }

    /// Answers one request when it is due. `Err` says how to end the connection instead.
    pub(super) async fn handle(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Strike> {
        let (head, body) = request.into_parts();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or(""));
        let wanted = Route::find(&head.method, path).is_ok_and(Route::reads_body);
        let body = read_body(body, wanted).await;

        let now = self.clock.now();
        let unix = self.clock.unix(now);
        let promise = {
            let mut state = self.state();
            let reply = match &body {
                Err(refusal) => refusal.clone(),
                Ok(_) if path == "/api/metrics" => self.metrics(&state, &head.method),
                Ok(body) => {
                    let (method, headers) = (&head.method, &head.headers);
                    state.api.answer(&Call { method, path, query, headers, body, now: unix })
                }
            };
            state.promise(now, reply)
        };
        self.wait(promise.ticket).await;

        let Promise { reply, fault, .. } = promise;
        if let Some(fault) = fault {
            return Err(Strike::new(fault, &reply));
        }
        self.state().count(&reply);
        Ok(respond(reply))
    }

    /// Notes a connection that could not be accepted.
    pub(super) fn note_accept_failure(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
    }

    async fn wait(&self, ticket: Ticket) {
        loop {
            // Asked anew each time: a freeze that began meanwhile moves it.
            let due = self.state().queue.due(ticket);
            if due <= self.clock.now() {
                return;
            }
            self.clock.sleep_until(due).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metrics(&self, state: &State, method: &http::Method) -> Reply {
        match Route::find(method, "/api/metrics") {
            Ok(_) => {
                let failures = self.accept_failures.load(Ordering::Relaxed);
                Reply::text(Endpoint::Metrics, state.exposition(failures))
            }
            Err(refusal) => refusal,
        }
    }
}

impl State {
    fn promise(&mut self, now: crate::time::Offset, reply: Reply) -> Promise {
        let refusal = |status, detail| Reply::error(reply.endpoint, status, detail);
        match self.queue.arrive(now, reply.endpoint) {
            Admission::Full(ticket) => {
                let reply = refusal(StatusCode::SERVICE_UNAVAILABLE, "The queue is full");
                Promise { reply, ticket, fault: None }
            }
            Admission::Limited(ticket) => {
                let reply = refusal(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
                Promise { reply, ticket, fault: None }
            }
            Admission::Served(ticket) if reply.endpoint.is_plumbing() => {
                Promise { reply, ticket, fault: None }
            }
            Admission::Served(ticket) => match self.faults.draw(&mut self.fate) {
                Some(Fault::Error) => {
                    Promise { reply: Reply::server_error(reply.endpoint), ticket, fault: None }
                }
                fault => Promise { reply, ticket, fault },
            },
        }
    }

    fn count(&mut self, reply: &Reply) {
        *self.answered.entry((reply.endpoint, reply.status.as_u16())).or_default() += 1;
    }

    /// The counters as Prometheus text.
    fn exposition(&self, accept_failures: u64) -> String {
        let mut text = String::from("# TYPE http_requests_total counter\n");
        for ((endpoint, status), count) in &self.answered {
            let path = endpoint.template();
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "http_requests_total{{endpoint=\"{endpoint:?}\",path=\"{path}\",status_code=\"{status}\"}} {count}"
            );
        }
        let _ = write!(
            text,
            "# TYPE http_queue_waiting gauge\nhttp_queue_waiting {}\n\
             # TYPE tcp_accept_failures_total counter\ntcp_accept_failures_total {accept_failures}\n",
            self.queue.waiting()
        );
        text
    }
}

/// Takes in the whole body, keeping it only if it is wanted, so that the connection can be used again.
async fn read_body(body: Incoming, wanted: bool) -> Result<Bytes, Reply> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match timeout(BODY_WAIT, collect(body, wanted)).await {
        Ok(collected) => collected,
        Err(_) => {
            Err(Reply::refused(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"))
        }
    }
}

async fn collect(mut body: Incoming, wanted: bool) -> Result<Bytes, Reply> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let broken = |_| Reply::refused(StatusCode::BAD_REQUEST, "The body could not be read");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        length += data.len();
        if length > BODY_MAX {
            return Err(Reply::refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long"));
        }
        if wanted {
            kept.extend_from_slice(&data);
        }
    }
    Ok(kept.freeze())
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    let mut headers = HeaderMap::with_capacity(reply.extra.len() + 2);
    headers.insert(CONTENT_TYPE, reply.content_type);
    headers.extend(reply.extra);
    *response.headers_mut() = headers;
    response
}
