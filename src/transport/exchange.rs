//! [`Link`]: what carries one exchange of a request for an answer at a time, and [`Http1`], the open
//! HTTP/1.1 connection that does.
//!
//! The task that owns the latter polls hyper's connection future in place rather than as a task of its
//! own: one wake-up per arrival of data, none between the two halves of a connection.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::measure::failure::Reason;
use crate::measure::fate::TransportError;
use crate::transport::connect::Dialed;
use crate::transport::gate::{Gate, Round};
use crate::transport::io::{Instants, Stamps};
use crate::transport::reason;
use crate::transport::stream::Stream;

/// What a request carries: the whole body, in memory.
pub type Outgoing = Request<Full<Bytes>>;

/// hyper's connection future, which may be asked again after it has ended.
struct Connection {
    future: Pin<Box<http1::Connection<TokioIo<Stream>, Full<Bytes>>>>,
    ended: bool,
}

impl Connection {
    /// Ready once the connection has ended; the error comes out once.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Error>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let result = ready!(self.future.as_mut().poll(cx));
        self.ended = true;
        Poll::Ready(result.err())
    }
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

/// Bound on the header section of an answer that hyper buffers.
pub(super) const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// Servers keep an idle connection for longer than this, so one that breaks after a shorter rest was not
/// given up for being idle.
pub(super) const IDLE_MIN_NS: u64 = 1_000_000_000;

/// What is kept of an answer while it is read.
pub trait Keep {
    /// The answer begins.
    fn head(&mut self, _headers: &HeaderMap) {}

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

/// An open HTTP/1.1 connection.
pub struct Http1 {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    stamps: Rc<Stamps>,
    /// The end of the previous exchange, in monotonic nanoseconds.
    idle_since: Option<u64>,
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
    },
    /// The connection failed.
    Failed(TransportError),
    /// The connection had closed before a byte of the request left.
    NotSent,
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
        self.idle_since = self.stamps.last_read();
        self.stamps.clear();
        // Handed over here rather than in the future, which would carry the request about.
        let head = self.sender.send_request(request);
        async move {
            let response = match self.driver.drive(head).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) | Err(Some(error)) => return self.failure(&error),
                Err(None) => return self.closed(),
            };
            let status = response.status().as_u16();
            keep.head(response.headers());
            match self.read_body(response, keep).await {
                Ok(body_bytes) => Exchange::Answered { status, body_bytes },
                Err(failure) => failure,
            }
        }
    }

    async fn settle(&mut self) -> Reuse {
        let Self { sender, driver, .. } = self;
        poll_fn(|cx| {
            // The connection goes first: it has an end of the answer to take note of.
            if driver.poll_ended(cx).is_ready() {
                return Poll::Ready(Reuse::Closed);
            }
            let ready = ready!(sender.poll_ready(cx));
            Poll::Ready(if ready.is_ok() { Reuse::Open } else { Reuse::Closed })
        })
        .await
    }

    fn instants(&self) -> Instants {
        self.stamps.instants()
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
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX as usize)
            // Bodies are short: one buffer and a plain write cost less than a vector of two.
            .writev(false)
            .handshake(TokioIo::new(dialed.stream))
            .await
            .map_err(|_| TransportError::Protocol)?;
        let connection = Connection { future: Box::pin(connection), ended: false };
        let driver = Driver { connection, gate: Gate::new() };
        Ok(Self {
            sender,
            driver,
            stamps: dialed.stamps,
            idle_since: None,
            reason: Cell::default(),
        })
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
                Err(None) => return Err(self.closed()),
            }
        }
        Ok(body_bytes)
    }

    /// Polls the idle connection: ready once it has closed.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.driver.poll_ended(cx)
    }

    /// The connection ended cleanly where an answer was expected.
    fn closed(&self) -> Exchange {
        self.charge(TransportError::ClosedEarly)
    }

    fn failure(&self, error: &hyper::Error) -> Exchange {
        let fault = fault(error);
        // Of an end there is no more to say than that.
        if !matches!(fault, TransportError::Reset | TransportError::ClosedEarly) {
            self.reason.set(Some(reason::of(error)));
        }
        self.charge(fault)
    }

    /// A connection that had been idle and breaks before a byte came back had most likely been given up
    /// by the server meanwhile: that is its own kind.
    fn charge(&self, fault: TransportError) -> Exchange {
        let Some(sent) = self.stamps.sent() else { return Exchange::NotSent };
        let unanswered = self.stamps.first_read().is_none();
        let broken = matches!(fault, TransportError::Reset | TransportError::ClosedEarly);
        let rested = self.idle_since.is_some_and(|since| sent.saturating_sub(since) >= IDLE_MIN_NS);
        if rested && unanswered && broken {
            return Exchange::Failed(TransportError::StaleConnection);
        }
        Exchange::Failed(fault)
    }
}

/// The kind of failure that a hyper error means.
fn fault(error: &hyper::Error) -> TransportError {
    if error.is_parse() || error.is_parse_too_large() {
        return TransportError::Protocol;
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io_error) = inner.downcast_ref::<io::Error>() {
            return io_fault(io_error);
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return TransportError::ClosedEarly;
    }
    TransportError::Protocol
}

/// The kind of failure that an operating-system error means on an open connection.
pub(super) fn io_fault(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::TimedOut => TransportError::Reset,
        io::ErrorKind::UnexpectedEof => TransportError::ClosedEarly,
        io::ErrorKind::InvalidData => TransportError::Tls,
        _ => TransportError::Protocol,
    }
}
