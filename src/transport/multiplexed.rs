//! [`Session`]: one open HTTP/2 connection, and [`Http2`], the exchange of one request for one answer on a
//! stream of it.
//!
//! Whoever opens a session polls its [`Driver`]; exchanges only wait. Flow control never holds a body back,
//! and an exchange that is dropped cancels its stream alone.

mod frames;
mod timeline;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use http::Request;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http_body_util::BodyExt;

use self::timeline::{Timeline, Watched};
use crate::measure::failure;
use crate::measure::fate::TransportError;
use crate::transport::broken::Broken;
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::Dialed;
use crate::transport::exchange::{Exchange, Keep, Link, Outgoing, Repeatable, Reuse};
use crate::transport::fault::{self, HEAD_BYTES_MAX, HEAD_FIELDS_MAX};
use crate::transport::io::{Instants, Stamps};
use crate::transport::reason;
use crate::transport::stream::Stream;

/// For the connection and for each stream: bodies are taken in and let go as they come, so that a window
/// never has to bound them.
const WINDOW_BYTES: u32 = 1 << 30;
/// What the small frames of all streams may cost between two looks at their bodies. The default of a
/// hundred frames is soon reached when a hundred streams are answered at once.
const SMALL_FRAMES_BYTES: usize = 16 << 20;
/// Where streams are open, a server that gives a session up says goodbye first. One that has not been heard
/// for this long may have been given up by something between, whatever is open.
const IDLE_MIN_NS: u64 = 1_000_000_000;

/// An open connection that carries many exchanges at once.
pub struct Session {
    /// Absent once the session is retired.
    sender: RefCell<Option<SendRequest<Bytes>>>,
    timeline: Rc<Timeline>,
    /// About what it takes to the server and back.
    round_trip: Duration,
}

/// Moves the bytes of a session; ready once the connection has ended.
pub struct Driver {
    connection: Option<Connection<Watched<Stream>, Bytes>>,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(connection) = &mut self.connection else { return Poll::Ready(()) };
        let ended = Pin::new(connection).poll(cx);
        if ended.is_ready() {
            // Dropped at once, so that no exchange waits for an answer that cannot come.
            self.connection = None;
        }
        // The error reaches the exchanges it concerns.
        ended.map(|_| ())
    }
}

impl Session {
    /// Speaks HTTP/2 over a fresh connection; returns once the server's settings are there. The caller
    /// bounds the wait.
    pub async fn open(dialed: Dialed) -> Result<(Self, Driver), TransportError> {
        let round_trip = dialed.set_up.connect;
        let timeline = Rc::new(Timeline::new(dialed.stamps));
        let io = Watched::new(dialed.stream, Rc::clone(&timeline));
        let (sender, mut connection) = Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .data_frame_budget(SMALL_FRAMES_BYTES)
            .max_header_list_size(HEAD_BYTES_MAX)
            // Answers to requests that have timed out may come at any time and in any number.
            .max_local_error_reset_streams(None)
            .handshake(io)
            .await
            .map_err(|error| fault::of_h2(&error))?;
        poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Err(TransportError::ClosedEarly)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(fault::of_h2(&error))),
            Poll::Pending if timeline.greeted() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        })
        .await?;
        let session = Self { sender: RefCell::new(Some(sender)), timeline, round_trip };
        Ok((session, Driver { connection: Some(connection) }))
    }

    /// How many streams the server lets be open at once; zero once it has said goodbye.
    pub fn streams_max(&self) -> usize {
        match &*self.sender.borrow() {
            Some(sender) if !self.timeline.leaving() => sender.current_max_send_streams(),
            _ => 0,
        }
    }

    /// A place for one exchange; `None` once the session is retired.
    pub fn stream(&self) -> Option<Http2> {
        let sender = self.sender.borrow().clone()?;
        Some(Http2 {
            sender,
            timeline: Rc::clone(&self.timeline),
            round_trip: self.round_trip,
            stream: None,
            heard: None,
            idle: false,
            idempotent: false,
            interim: 0,
            reason: Cell::default(),
        })
    }

    /// Carries one exchange and nothing else.
    pub async fn only(self, driver: Driver, request: Outgoing, keep: &mut impl Keep) -> Exchange {
        let Some(mut stream) = self.stream() else {
            return Exchange::Repeatable(Repeatable::NotSent);
        };
        let mut driver = pin!(driver);
        let mut exchange = pin!(stream.exchange(request, keep));
        poll_fn(|cx| {
            // What it read in its last moment is still there for the exchange.
            let _ = driver.as_mut().poll(cx);
            exchange.as_mut().poll(cx)
        })
        .await
    }

    /// Takes no more exchanges; the connection closes once those under way have ended.
    pub fn retire(&self) {
        self.sender.take();
    }
}

/// One stream of a session, for one exchange at a time.
pub struct Http2 {
    sender: SendRequest<Bytes>,
    timeline: Rc<Timeline>,
    round_trip: Duration,
    /// The latest exchange's.
    stream: Option<u32>,
    /// When the server had last been heard as the exchange began.
    heard: Option<u64>,
    /// Whether the server may have taken the connection for idle then.
    idle: bool,
    /// Whether the latest request's method is.
    idempotent: bool,
    /// Interim answers of the latest exchange.
    interim: u32,
    /// What the latest exchange broke on.
    reason: Cell<Option<failure::Reason>>,
}

impl Link for Http2 {
    fn exchange(
        &mut self,
        request: Outgoing,
        keep: &mut impl Keep,
    ) -> impl Future<Output = Exchange> {
        self.run(request, keep)
    }

    async fn settle(&mut self) -> Reuse {
        // The next exchange takes a stream of its own.
        if self.timeline.leaving() { Reuse::Closed } else { Reuse::Open }
    }

    fn instants(&self) -> Instants {
        self.stream.map(|stream| self.timeline.of(stream)).unwrap_or_default()
    }

    fn stamps(&self) -> &Rc<Stamps> {
        self.timeline.stamps()
    }

    fn take_reason(&mut self) -> Option<failure::Reason> {
        self.reason.take()
    }
}

impl Http2 {
    async fn run(&mut self, request: Outgoing, keep: &mut impl Keep) -> Exchange {
        self.forget_stream();
        // The runtime learns of an end only when it looks for events, which may be after the send.
        if self.timeline.is_quiet() && self.stamps().peer_has_closed() {
            return Exchange::Repeatable(Repeatable::NotSent);
        }
        self.heard = self.timeline.last_heard();
        self.idle = self.timeline.is_idle();
        self.idempotent = request.method().is_idempotent();
        self.interim = 0;
        let (mut head, mut body) = request.into_parts();
        // A whole body is one frame; to send none of it tells the server that there is none.
        let body = match body.frame().await {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            _ => Bytes::new(),
        };
        if !body.is_empty() {
            head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(body.len()));
        }
        let sent = self.sender.send_request(Request::from_parts(head, ()), body.is_empty());
        let (response, mut sending) = match sent {
            Ok(handles) => handles,
            Err(error) => return self.failure(&error),
        };
        self.follow(response.stream_id().as_u32());
        if !body.is_empty()
            && let Err(error) = sending.send_data(body, true)
        {
            return self.failure(&error);
        }
        let response = match self.answer(response).await {
            Ok(response) => response,
            Err(error) => return self.failure(&error),
        };
        if response.headers().len() > HEAD_FIELDS_MAX {
            return Exchange::Failed(TransportError::TooLarge);
        }
        let status = response.status().as_u16();
        keep.head(status, response.headers());
        let mut body = response.into_body();
        let mut body_bytes = 0_u64;
        while let Some(data) = body.data().await {
            match data {
                Ok(data) => {
                    body_bytes += data.len() as u64;
                    keep.data(&data);
                    // It fails for a stream that is closed, which needs no capacity.
                    let _ = body.flow_control().release_capacity(data.len());
                }
                Err(error) if self.is_whole(&error, (status, body_bytes)) => break,
                Err(error) => return self.failure(&error),
            }
        }
        Exchange::Answered { status, body_bytes, interim: self.interim }
    }

    /// The head of the final answer; interim ones are counted.
    async fn answer(
        &mut self,
        mut response: ResponseFuture,
    ) -> Result<http::Response<h2::RecvStream>, h2::Error> {
        poll_fn(|cx| {
            while let Poll::Ready(Some(Ok(_))) = response.poll_informational(cx) {
                self.interim += 1;
                if let Some(stream) = self.stream {
                    self.timeline.skip_head(stream);
                }
            }
            Pin::new(&mut response).poll(cx)
        })
        .await
    }

    /// Whether the answer, of this status and so many bytes, had come in full when `error` did.
    fn is_whole(&self, error: &h2::Error, (status, body_bytes): (u16, u64)) -> bool {
        // The length of an answer that never has content is that of another one, which h2 knows only
        // where the head ends the stream.
        let has_none = matches!(status, 204 | 304) && body_bytes == 0;
        // A server that has answered in full may cut off the rest of the request. What h2 itself finds
        // wrong is that the answer is not what its head says.
        self.instants().last_byte.is_some() && (has_none || !error.is_library())
    }

    fn follow(&mut self, stream: u32) {
        self.timeline.begin(stream);
        self.stream = Some(stream);
    }

    fn forget_stream(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.timeline.end(stream);
        }
    }

    fn failure(&self, error: &h2::Error) -> Exchange {
        let Instants { sent, first_byte, .. } = self.instants();
        let heard = first_byte.is_some() || self.interim > 0;
        let lost = is_lost(error);
        let fault = self.fault(error);
        let Some(sent) = sent else {
            let unsent = Exchange::Repeatable(Repeatable::NotSent);
            return if lost { unsent } else { Exchange::Failed(fault) };
        };
        if error.is_remote() && !heard {
            // A GOAWAY reaches only the streams that it says were not processed.
            if error.is_go_away() {
                return Exchange::Repeatable(Repeatable::LeftOut);
            }
            if error.reason() == Some(Reason::REFUSED_STREAM) {
                return Exchange::Repeatable(Repeatable::Refused);
            }
        }
        self.reason.set(Some(reason::of(error)));
        let rested = self.heard.is_some_and(|heard| sent.saturating_sub(heard) >= IDLE_MIN_NS);
        let broken = Broken {
            fault,
            kept: lost && (self.idle || rested),
            heard,
            idempotent: self.idempotent,
            age: Duration::from_nanos(monotonic_ns().saturating_sub(sent)),
            round_trip: self.round_trip,
        };
        broken.outcome()
    }

    /// The kind of failure, in the light of what the server has sent on this connection.
    fn fault(&self, error: &h2::Error) -> TransportError {
        match fault::of_h2(error) {
            TransportError::ClosedEarly | TransportError::Reset
                if is_lost(error) && self.timeline.leaving() =>
            {
                TransportError::GoneAway
            }
            TransportError::Protocol if error.is_library() && self.timeline.large_head() => {
                TransportError::TooLarge
            }
            fault => fault,
        }
    }
}

/// Whether it is the connection that failed, and not a stream.
fn is_lost(error: &h2::Error) -> bool {
    error.is_io() || error.is_go_away()
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.forget_stream();
    }
}

#[cfg(test)]
mod tests;
