//! [`Exporter`]: sends the figures to an OTLP collector over HTTP, on a thread of its own.
//!
//! What is not taken waits in a queue with a bound and is tried again; the oldest goes first, and what
//! falls out at the bound is counted. Which answers allow another try is the protocol's
//! (opentelemetry.io/docs/specs/otlp, Failures).

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::load::endpoint::Endpoint;
use crate::load::way::Way;
use crate::render::otlp::{Frame, render};
use crate::stream::Feed;
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::Dialer;
use crate::transport::exchange::Outgoing;
use crate::transport::route::Route;
use crate::transport::single::{Answer, fetch};

/// Requests that wait for the collector at most.
const QUEUE_MAX: usize = 16;
/// For the last ones, once the load has ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where the figures go, and how.
#[derive(Clone)]
pub struct Collector {
    /// What is posted to.
    pub endpoint: Endpoint,
    /// Sent with each request, such as a key; never shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Attributes of what sends.
    pub resource: Vec<(String, String)>,
    /// Time between two requests.
    pub every: Duration,
    /// For one request.
    pub timeout: Duration,
    /// For an endpoint that speaks https.
    pub tls: Option<Arc<ClientConfig>>,
    /// When the load began, ns since 1970.
    pub start_unix_ns: u64,
}

/// A running exporter.
pub(super) struct Exporter {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    account: Arc<Mutex<Account>>,
    told: AtomicBool,
    shown: String,
}

/// What became of the requests.
#[derive(Default)]
struct Account {
    made: u64,
    dropped: u64,
    /// The first reason why one was not taken.
    reason: Option<String>,
}

impl Exporter {
    pub(super) fn start(to: Collector, feed: Feed) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let account = Arc::new(Mutex::new(Account::default()));
        let shown = to.endpoint.to_string();
        let kept = Arc::clone(&account);
        let thread = std::thread::Builder::new().name("otlp".to_owned()).spawn(move || {
            runtime.block_on(Sender::new(to, feed).run(stopped, &kept));
        })?;
        let told = AtomicBool::new(false);
        Ok(Self { stop: Some(stop), thread: Some(thread), account, told, shown })
    }

    /// The first failure, once.
    pub(super) fn trouble(&self) -> Option<String> {
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = account.reason.as_ref()?;
        let first = !self.told.swap(true, Ordering::Relaxed);
        first.then(|| {
            format!(
                "OTLP: {} does not take the figures: {reason}; they are tried again",
                self.shown
            )
        })
    }

    /// Ends it; the last figures are sent before.
    pub(super) fn close(mut self) -> Option<String> {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by its thread.
            let _ = thread.join();
        }
        let account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        let Account { made, dropped, reason } = &*account;
        let reason = reason.as_deref().unwrap_or("no time was left");
        (*dropped > 0).then(|| {
            format!("OTLP: {dropped} of {made} exports never reached {}: {reason}", self.shown)
        })
    }
}

struct Sender {
    to: Collector,
    feed: Feed,
    begun_ns: u64,
    dialer: Option<Dialer>,
    /// Bodies, the oldest first.
    queue: VecDeque<Bytes>,
}

/// What became of one request.
enum Outcome {
    Taken,
    /// Another try may succeed.
    Later(String),
    /// No try will.
    Refused(String),
}

impl Sender {
    fn new(to: Collector, feed: Feed) -> Self {
        Self { to, feed, begun_ns: monotonic_ns(), dialer: None, queue: VecDeque::new() }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>, account: &Mutex<Account>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.to.every) => {}
                _ = &mut stopped => break,
            }
            self.enqueue(account);
            // Whoever ends the load does not wait for a collector that is slow.
            tokio::select! {
                () = self.send(account) => {}
                _ = &mut stopped => break,
            }
        }
        self.enqueue(account);
        let _ = timeout_at(Instant::now() + FAREWELL, self.send(account)).await;
        note(account, |account| account.dropped += self.queue.len() as u64);
    }

    /// Writes down the figures of now.
    fn enqueue(&mut self, account: &Mutex<Account>) {
        let passed = monotonic_ns().saturating_sub(self.begun_ns);
        let frame = Frame {
            resource: &self.to.resource,
            names: &self.feed.names,
            start_unix_ns: self.to.start_unix_ns,
            now_unix_ns: self.to.start_unix_ns + passed,
        };
        self.queue.push_back(Bytes::from(render(&self.feed.now(), &frame)));
        let full = self.queue.len() > QUEUE_MAX;
        if full {
            self.queue.pop_front();
        }
        note(account, |account| {
            account.made += 1;
            account.dropped += u64::from(full);
        });
    }

    /// Sends what waits, until the first that is not taken.
    async fn send(&mut self, account: &Mutex<Account>) {
        while let Some(body) = self.queue.front().cloned() {
            let outcome = self.post(body).await;
            if !matches!(outcome, Outcome::Later(_)) {
                self.queue.pop_front();
            }
            match outcome {
                Outcome::Taken => {}
                Outcome::Later(reason) => {
                    note(account, |account| {
                        account.reason.get_or_insert(reason);
                    });
                    return;
                }
                Outcome::Refused(reason) => note(account, |account| {
                    account.dropped += 1;
                    account.reason.get_or_insert(reason);
                }),
            }
        }
    }

    async fn post(&mut self, body: Bytes) -> Outcome {
        if self.dialer.is_none() {
            let origin = &self.to.endpoint.origin;
            match Route::resolve(origin, &Way::default(), self.to.tls.as_ref()).await {
                Ok(route) => self.dialer = Some(Dialer::new(route, self.to.timeout)),
                Err(_) => return Outcome::Later(format!("{} is not resolved", origin.host)),
            }
        }
        let Some(dialer) = &self.dialer else { return Outcome::Later("no way to it".to_owned()) };
        match self.to.request(body) {
            Err(reason) => Outcome::Refused(reason),
            Ok(request) => match fetch(dialer, request, self.to.timeout).await {
                Err(error) => Outcome::Later(error.to_string()),
                Ok(answer) => outcome(&answer),
            },
        }
    }
}

impl Collector {
    fn request(&self, body: Bytes) -> Result<Outgoing, String> {
        let Endpoint { origin, path } = &self.endpoint;
        let mut request = Request::post(path)
            .header(HOST, &origin.authority)
            .header(USER_AGENT, concat!("steadfire/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .header(CONNECTION, "close");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::from(body)).map_err(|error| error.to_string())
    }
}

fn outcome(answer: &Answer) -> Outcome {
    let status = format!("answered with status {}", answer.status);
    match answer.status {
        200..300 => match rejected(&answer.body) {
            0 => Outcome::Taken,
            points => Outcome::Refused(format!("{points} data points were rejected")),
        },
        429 | 502..=504 => Outcome::Later(status),
        _ => Outcome::Refused(status),
    }
}

/// Points that a collector says it did not take, in an answer that else says nothing.
fn rejected(body: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let points = &answer["partialSuccess"]["rejectedDataPoints"];
    points.as_u64().or_else(|| points.as_str()?.parse().ok()).unwrap_or(0)
}

fn note(account: &Mutex<Account>, change: impl FnOnce(&mut Account)) {
    change(&mut account.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_says_which_answers_allow_another_try() {
        let of = |status, body: &str| {
            outcome(&Answer { status, headers: http::HeaderMap::new(), body: body.into() })
        };
        for status in [429, 502, 503, 504] {
            assert!(matches!(of(status, ""), Outcome::Later(_)), "{status}");
        }
        for status in [301, 400, 401, 404, 500] {
            assert!(matches!(of(status, ""), Outcome::Refused(_)), "{status}");
        }
        assert!(matches!(of(200, "{}"), Outcome::Taken) && matches!(of(202, ""), Outcome::Taken));
        for body in ["{\"rejectedDataPoints\":\"3\"}", "{\"rejectedDataPoints\":3}"] {
            let partial = format!("{{\"partialSuccess\":{body}}}");
            assert!(
                matches!(of(200, &partial), Outcome::Refused(reason) if reason.starts_with('3'))
            );
        }
    }
}
