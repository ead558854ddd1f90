//! [`Link`]: what carries one exchange of a request for an answer at a time, and [`Http1`], the open
//! HTTP/1.1 connection that does.
//!
//! The task that owns the latter polls hyper's connection future in place rather than as a task of its
//! own: one wake-up per arrival of data, none between the two halves of a connection.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::measure::failure::Reason;
use crate::measure::fate::TransportError;
use crate::transport::broken::{self, Broken};
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::Dialed;
use crate::transport::fault::{self, HEAD_BYTES_MAX, HEAD_FIELDS_MAX};
use crate::transport::gate::{Gate, Round};
use crate::transport::interim::{Heard, Interim};
use crate::transport::io::{Instants, Stamps};
use crate::transport::keep_alive::Promise;
use crate::transport::reason;

/// What a request carries: the whole body, in memory.
pub type Outgoing = Request<Full<Bytes>>;

type Sender = http1::SendRequest<Full<Bytes>>;

/// hyper's connection future, which may be asked again after it has ended.
struct Connection {
    /// Absent once it is taken apart.
    future: Option<Box<http1::Connection<TokioIo<Heard>, Full<Bytes>>>>,
    ended: bool,
}

impl Connection {
    /// Ready once the connection has ended; the error comes out once. What lies below stays open until it
    /// is dropped.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Error>> {
        let Some(future) = self.future.as_mut().filter(|_| !self.ended) else {
            return Poll::Ready(None);
        };
        let result = ready!(future.poll_without_shutdown(cx));
        self.ended = true;
        Poll::Ready(result.err())
    }

    /// What lay below, and what had been read and not understood.
    fn take_apart(&mut self) -> Option<(Heard, Bytes)> {
        let parts = self.future.take()?.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }
}

/// How many fields of an answer's head hyper has places for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Places {
    /// A hundred, on the stack and for nothing.
    Few,
    /// [`HEAD_FIELDS_MAX`], which costs more than a microsecond for each answer.
    All,
}

/// Speaks HTTP/1.1 over `heard`.
async fn handshake(heard: Heard, places: Places) -> Result<(Sender, Connection), TransportError> {
    let mut builder = http1::Builder::new();
    // Bodies are short: one buffer and a plain write cost less than a vector of two.
    builder.max_buf_size(HEAD_BYTES_MAX as usize).writev(false);
    // What curl and browsers put up with in a head; a slip in a header says nothing of an answer's worth.
    builder
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    if places == Places::All {
        builder.max_headers(HEAD_FIELDS_MAX);
    }
    let opened = builder.handshake(TokioIo::new(heard)).await;
    let (sender, connection) = opened.map_err(|_| TransportError::Protocol)?;
    Ok((sender, Connection { future: Some(Box::new(connection)), ended: false }))
}

/// Polls the connection along with whatever waits for it.
struct Driver {
    connection: Connection,
    gate: Gate,
}

impl Driver {
    /// Runs `future` on what the connection brings. `Err` means that the connection ended first.
    async fn drive<F: Future>(&mut self, future: F) -> Result<F::Output, Option<hyper::Error>> {
        let Self { connection, gate } = self;
        let mut future = pin!(future);
        poll_fn(|cx| {
            gate.poll(cx, |cx, gate| {
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Round::Done(Ok(output));
                }
                gate.serve();
                let ended = connection.poll(cx);
                // The connection hands over what it read while being polled, also in its last moment.
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Round::Done(Ok(output));
                }
                match ended {
                    Poll::Ready(error) => Round::Done(Err(error)),
                    Poll::Pending => Round::Waiting,
                }
            })
        })
        .await
    }

    /// Ready once the connection has ended.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { connection, gate } = self;
        gate.poll(cx, |cx, _| match connection.poll(cx) {
            Poll::Ready(_) => Round::Done(()),
            Poll::Pending => Round::Waiting,
        })
    }
}

/// What is kept of an answer while it is read.
pub trait Keep {
    /// The answer begins.
    fn head(&mut self, _status: u16, _headers: &HeaderMap) {}

    /// A piece of its body.
    fn data(&mut self, piece: &Bytes);
}

/// Keeps pieces of the body alone.
impl<F: FnMut(&Bytes)> Keep for F {
    fn data(&mut self, piece: &Bytes) {
        self(piece);
    }
}

/// Carries one exchange at a time. The version of HTTP is a type, so that neither pays for the other.
pub trait Link {
    /// Sends `request` and reads the answer to its last byte; the body is counted and let go, unless
    /// `keep` collects it.
    fn exchange(
        &mut self,
        request: Outgoing,
        keep: &mut impl Keep,
    ) -> impl Future<Output = Exchange>;

    /// Finishes the exchange's bookkeeping and says whether another one can follow.
    fn settle(&mut self) -> impl Future<Output = Reuse>;

    /// The instants of the latest exchange.
    fn instants(&self) -> Instants;

    /// The connection's socket, as it is seen from below.
    fn stamps(&self) -> &Rc<Stamps>;

    /// What the latest exchange broke on, once; `None` where its kind says all there is to say.
    fn take_reason(&mut self) -> Option<Reason>;

    /// Holds the next request back at the socket until the monotonic instant `due_ns`, microseconds ahead,
    /// where it has the connection for itself.
    fn hold_until(&mut self, _due_ns: u64) {}
}

/// The status by which a server says that it has waited too long for a request.
const REQUEST_TIMEOUT: u16 = 408;

/// An open HTTP/1.1 connection.
pub struct Http1 {
    sender: Sender,
    driver: Driver,
    places: Places,
    stamps: Rc<Stamps>,
    interim: Rc<RefCell<Interim>>,
    /// What the server has said of keeping it.
    promise: Promise,
    /// Whether the server may take it for idle: it has carried an exchange, or waited for its first one.
    kept: bool,
    /// The latest request's.
    method: Method,
    /// About what it takes to the server and back.
    round_trip: Duration,
    /// What the latest exchange broke on.
    reason: Cell<Option<Reason>>,
}

/// How an exchange ended.
#[derive(Debug)]
pub enum Exchange {
    /// A whole answer arrived.
    Answered {
        /// Its status.
        status: u16,
        /// Length of its body.
        body_bytes: u64,
        /// How many interim answers came before it.
        interim: u32,
    },
    /// The connection failed.
    Failed(TransportError),
    /// It failed, and the request may go out once more on another connection.
    Repeatable(Repeatable),
}

/// Why a request may be sent once more: the server has not processed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeatable {
    /// The connection had closed before a byte of it left.
    NotSent,
    /// The server closed a connection that it may have taken for idle, and the method is idempotent.
    Crossed,
    /// The server said goodbye before it came to the stream.
    LeftOut,
    /// The server refused the stream, and keeps the connection.
    Refused,
}

impl Repeatable {
    /// What has failed where it is not sent once more.
    pub const fn fault(self) -> TransportError {
        match self {
            Self::NotSent | Self::Crossed => TransportError::ClosedEarly,
            Self::LeftOut | Self::Refused => TransportError::RefusedStream,
        }
    }

    /// Whether the request had been sent.
    pub const fn was_sent(self) -> bool {
        !matches!(self, Self::NotSent)
    }
}

/// A link's fitness after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Carries another exchange.
    Open,
    /// Closed by the server or broken.
    Closed,
}

impl Link for Http1 {
    fn exchange(
        &mut self,
        request: Outgoing,
        keep: &mut impl Keep,
    ) -> impl Future<Output = Exchange> {
        // The runtime learns of an end only when it looks for events, which may be after the send.
        let closed = self.kept && self.stamps.peer_has_closed();
        self.stamps.clear();
        self.interim.borrow_mut().expect();
        self.method.clone_from(request.method());
        // Handed over here rather than in the future, which would carry the request about.
        let head = (!closed).then(|| self.sender.send_request(request));
        async move {
            let Some(head) = head else { return Exchange::Repeatable(Repeatable::NotSent) };
            let mut response = self.answer(head).await;
            if let Err(Exchange::Failed(TransportError::TooLarge)) = response
                && self.places == Places::Few
            {
                response = self.read_again().await;
            }
            let response = match response {
                Ok(response) => response,
                Err(failure) => return failure,
            };
            let status = response.status().as_u16();
            if self.is_for_idling(status) {
                return Exchange::Repeatable(Repeatable::Crossed);
            }
            self.kept = true;
            self.promise.hear(response.headers());
            keep.head(status, response.headers());
            match self.read_body(response, keep).await {
                Ok(body_bytes) => {
                    let interim = self.interim.borrow().count();
                    Exchange::Answered { status, body_bytes, interim }
                }
                Err(failure) => failure,
            }
        }
    }

    async fn settle(&mut self) -> Reuse {
        let Self { sender, driver, promise, .. } = self;
        poll_fn(|cx| {
            // The connection goes first: it has an end of the answer to take note of.
            if driver.poll_ended(cx).is_ready() || promise.has_ended() {
                return Poll::Ready(Reuse::Closed);
            }
            let ready = ready!(sender.poll_ready(cx));
            Poll::Ready(if ready.is_ok() { Reuse::Open } else { Reuse::Closed })
        })
        .await
    }

    fn instants(&self) -> Instants {
        self.stamps.instants(self.interim.borrow().first_byte())
    }

    fn stamps(&self) -> &Rc<Stamps> {
        &self.stamps
    }

    fn take_reason(&mut self) -> Option<Reason> {
        self.reason.take()
    }

    fn hold_until(&mut self, due_ns: u64) {
        self.stamps.hold_until(due_ns);
    }
}

impl Http1 {
    /// Speaks HTTP/1.1 over a fresh connection.
    pub async fn open(dialed: Dialed) -> Result<Self, TransportError> {
        let Dialed { stream, stamps, set_up, .. } = dialed;
        let interim = Rc::<RefCell<Interim>>::default();
        let heard = Heard::new(stream, Rc::clone(&stamps), Rc::clone(&interim));
        let (sender, connection) = handshake(heard, Places::Few).await?;
        let driver = Driver { connection, gate: Gate::new() };
        Ok(Self {
            sender,
            driver,
            places: Places::Few,
            stamps,
            interim,
            promise: Promise::default(),
            kept: false,
            method: Method::GET,
            round_trip: set_up.connect,
            reason: Cell::default(),
        })
    }

    /// Whether it is for the request that it was opened for.
    pub fn is_fresh(&self) -> bool {
        !self.kept
    }

    /// How long it may rest and still be used, by the server's word; `None` if it gave none.
    pub fn rest_max(&self) -> Option<Duration> {
        self.promise.rest_max()
    }

    /// The head of the final answer.
    async fn answer(
        &mut self,
        head: impl Future<Output = hyper::Result<Response<Incoming>>>,
    ) -> Result<Response<Incoming>, Exchange> {
        match self.driver.drive(head).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) | Err(Some(error)) => Err(self.failure(&error)),
            Err(None) => Err(self.broke(TransportError::ClosedEarly)),
        }
    }

    /// Has a head with more fields than usual read once more, with places for all of them, by a connection
    /// that takes the request for sent. It stays, since the next head will be like this one.
    async fn read_again(&mut self) -> Result<Response<Incoming>, Exchange> {
        let failed = |fault| Err(Exchange::Failed(fault));
        self.places = Places::All;
        let Some((mut below, read)) = self.driver.connection.take_apart() else {
            return failed(TransportError::TooLarge);
        };
        below.repeat(read);
        match handshake(below, self.places).await {
            Ok((sender, connection)) => {
                self.sender = sender;
                self.driver.connection = connection;
            }
            Err(fault) => return failed(fault),
        }
        // What an answer may hold depends on the method alone.
        let mut stand_in = Request::new(Full::default());
        stand_in.method_mut().clone_from(&self.method);
        let head = self.sender.send_request(stand_in);
        self.answer(head).await
    }

    async fn read_body(
        &mut self,
        response: Response<Incoming>,
        keep: &mut impl Keep,
    ) -> Result<u64, Exchange> {
        let mut body = response.into_body();
        let mut body_bytes = 0_u64;
        // A body of known length says itself when it is whole, one poll sooner than the connection.
        while !body.is_end_stream() {
            match self.driver.drive(body.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        body_bytes += data.len() as u64;
                        keep.data(data);
                    }
                }
                Ok(Some(Err(error))) | Err(Some(error)) => return Err(self.failure(&error)),
                Err(None) => return Err(self.broke(TransportError::ClosedEarly)),
            }
        }
        Ok(body_bytes)
    }

    /// Polls the idle connection: ready once it has closed.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.kept = true;
        self.driver.poll_ended(cx)
    }

    /// Whether an answer of this status is what some servers say as they close an idle connection, and crossed
    /// the request on its way (RFC 9110, section 15.5.9). No part of a request was read then, whatever its
    /// method.
    fn is_for_idling(&self, status: u16) -> bool {
        let crossed = |sent| {
            let age = Duration::from_nanos(monotonic_ns().saturating_sub(sent));
            broken::may_have_crossed(age, self.round_trip)
        };
        status == REQUEST_TIMEOUT && self.kept && self.stamps.sent().is_some_and(crossed)
    }

    fn failure(&self, error: &hyper::Error) -> Exchange {
        let fault = fault::of_hyper(error);
        // Of an end there is no more to say than that.
        if !matches!(fault, TransportError::Reset | TransportError::ClosedEarly) {
            self.reason.set(Some(reason::of(error)));
        }
        self.broke(fault)
    }

    fn broke(&self, fault: TransportError) -> Exchange {
        let Some(sent) = self.stamps.sent() else {
            return Exchange::Repeatable(Repeatable::NotSent);
        };
        let broken = Broken {
            fault,
            kept: self.kept,
            heard: self.interim.borrow().has_begun(),
            idempotent: self.method.is_idempotent(),
            age: Duration::from_nanos(monotonic_ns().saturating_sub(sent)),
            round_trip: self.round_trip,
        };
        broken.outcome()
    }
}

#[cfg(test)]
mod tests;
