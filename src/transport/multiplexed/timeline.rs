//! [`Timeline`]: when each stream's request left and its answer arrived, and [`Watched`], the layer between
//! TLS and HTTP/2 that finds out.
//!
//! An instant is that of the system call that carried the frame, taken below TLS. Only streams that were
//! announced are followed, so the table is as large as the number of open exchanges.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::{Event, Frame, Frames, Kind};
use crate::transport::io::{Instants, Stamps};

/// A head that takes more than this on the wire may well pass the bound on what it holds. What this program
/// finds wrong with an answer behind such a head is put down to that bound.
const LARGE_HEAD_BYTES: u32 = 32 * 1024;
/// Heads of one stream that are followed: no server has reason to send more.
const HEADS_MAX: usize = 1000;

/// What is known of one stream.
#[derive(Debug, Default)]
struct Followed {
    instants: Instants,
    /// When heads behind the first one came. Whether that was interim is for HTTP/2 to find out.
    heads: VecDeque<u64>,
}

/// What is known of one connection's streams.
#[derive(Debug)]
pub(super) struct Timeline {
    stamps: Rc<Stamps>,
    streams: RefCell<BTreeMap<u32, Followed>>,
    /// Streams whose HEADERS TLS has taken but not written yet.
    unwritten: RefCell<Vec<u32>>,
    /// Whether a stream has ended.
    carried: Cell<bool>,
    last_heard: Cell<Option<u64>>,
    greeted: Cell<bool>,
    leaving: Cell<bool>,
    /// What the head under way has taken so far.
    head_bytes: Cell<u32>,
    large_head: Cell<bool>,
}

impl Timeline {
    pub(super) fn new(stamps: Rc<Stamps>) -> Self {
        Self {
            stamps,
            streams: RefCell::default(),
            unwritten: RefCell::default(),
            carried: Cell::new(false),
            last_heard: Cell::new(None),
            greeted: Cell::new(false),
            leaving: Cell::new(false),
            head_bytes: Cell::new(0),
            large_head: Cell::new(false),
        }
    }

    /// Those of the socket that all streams share.
    pub(super) fn stamps(&self) -> &Rc<Stamps> {
        &self.stamps
    }

    /// Follows a stream from here on.
    pub(super) fn begin(&self, stream: u32) {
        self.streams.borrow_mut().insert(stream, Followed::default());
    }

    /// Follows it no longer.
    pub(super) fn end(&self, stream: u32) {
        self.streams.borrow_mut().remove(&stream);
        self.carried.set(true);
    }

    /// Whether the server may take the connection for idle: it has carried streams, and none is open.
    pub(super) fn is_idle(&self) -> bool {
        self.carried.get() && self.is_quiet()
    }

    /// The instants of a stream; none if it is not followed.
    pub(super) fn of(&self, stream: u32) -> Instants {
        self.streams.borrow().get(&stream).map(|followed| followed.instants).unwrap_or_default()
    }

    /// Says that the first head of a stream that still counts was interim: the next one does.
    pub(super) fn skip_head(&self, stream: u32) {
        if let Some(Followed { instants, heads }) = self.streams.borrow_mut().get_mut(&stream) {
            instants.first_byte = heads.pop_front();
        }
    }

    /// Whether the answer to none is awaited.
    pub(super) fn is_quiet(&self) -> bool {
        self.streams.borrow().is_empty()
    }

    /// When anything last came from the server, in monotonic nanoseconds.
    pub(super) fn last_heard(&self) -> Option<u64> {
        self.last_heard.get()
    }

    /// Whether the server's settings have come: it speaks HTTP/2.
    pub(super) fn greeted(&self) -> bool {
        self.greeted.get()
    }

    /// Whether the server has said that it takes no more streams.
    pub(super) fn leaving(&self) -> bool {
        self.leaving.get()
    }

    /// Whether the server has sent a head that is larger than any has reason to be.
    pub(super) fn large_head(&self) -> bool {
        self.large_head.get()
    }

    /// How many streams are followed.
    #[cfg(test)]
    pub(super) fn followed(&self) -> usize {
        self.streams.borrow().len()
    }

    fn leaves(&self, event: Event) {
        if let Event::Begins(frame) = event
            && frame.kind == Kind::Headers
            && self.streams.borrow().contains_key(&frame.stream)
        {
            self.unwritten.borrow_mut().push(frame.stream);
        }
    }

    /// Gives the instant of a write, if there was one since it was last forgotten, to what waits for it.
    fn note_write(&self) {
        let Some(sent) = self.stamps.sent() else { return };
        let mut streams = self.streams.borrow_mut();
        for stream in self.unwritten.borrow_mut().drain(..) {
            if let Some(followed) = streams.get_mut(&stream) {
                followed.instants.sent.get_or_insert(sent);
            }
        }
    }

    fn arrives(&self, event: Event, at: u64) {
        let (Event::Begins(frame) | Event::Ends(frame)) = event;
        if event == Event::Begins(frame) {
            self.measure_head(frame);
        }
        let mut streams = self.streams.borrow_mut();
        let followed = streams.get_mut(&frame.stream);
        match (event, frame.kind, followed) {
            (Event::Begins(_), Kind::Headers, Some(Followed { instants, heads })) => {
                match instants.first_byte {
                    None => instants.first_byte = Some(at),
                    Some(_) if heads.len() < HEADS_MAX => heads.push_back(at),
                    Some(_) => {}
                }
            }
            (Event::Ends(_), _, Some(Followed { instants, .. })) if frame.ends_stream() => {
                instants.last_byte = Some(at);
            }
            // Of headers that end the stream and need more than one frame.
            (Event::Ends(_), Kind::Continuation, Some(Followed { instants, .. })) => {
                instants.last_byte = instants.last_byte.map(|_| at);
            }
            (Event::Ends(_), Kind::Settings, _) if !frame.is_ack() => self.greeted.set(true),
            (Event::Ends(_), Kind::GoAway, _) => self.leaving.set(true),
            _ => {}
        }
    }

    fn measure_head(&self, frame: Frame) {
        let before = match frame.kind {
            Kind::Headers => 0,
            Kind::Continuation => self.head_bytes.get(),
            _ => return,
        };
        self.head_bytes.set(before.saturating_add(frame.length));
        self.large_head.set(self.large_head.get() || self.head_bytes.get() > LARGE_HEAD_BYTES);
    }
}

/// A stream of bytes whose frames a [`Timeline`] follows.
#[derive(Debug)]
pub(super) struct Watched<T> {
    io: T,
    timeline: Rc<Timeline>,
    outgoing: Frames,
    incoming: Frames,
}

impl<T> Watched<T> {
    pub(super) const fn new(io: T, timeline: Rc<Timeline>) -> Self {
        Self { io, timeline, outgoing: Frames::of_client(), incoming: Frames::of_server() }
    }

    /// Runs one step of sending; what it wrote of `slices` is followed, and stamped if it reached the
    /// socket.
    fn send(
        &mut self,
        slices: &[IoSlice<'_>],
        step: impl FnOnce(&mut T) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let timeline = &self.timeline;
        timeline.stamps.forget_sent();
        let polled = step(&mut self.io);
        // Also when nothing was taken: TLS may have got rid of what it held.
        if let Poll::Ready(Ok(mut written)) = polled {
            for slice in slices {
                let part = &slice[..slice.len().min(written)];
                self.outgoing.push(part, |event| timeline.leaves(event));
                written -= part.len();
            }
        }
        timeline.note_write();
        polled
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        let (timeline, bytes) = (&this.timeline, &buffer.filled()[filled..]);
        if let Some(at) = timeline.stamps.last_read()
            && !bytes.is_empty()
        {
            timeline.last_heard.set(Some(at));
            this.incoming.push(bytes, |event| timeline.arrives(event, at));
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().send(&[IoSlice::new(bytes)], |io| Pin::new(io).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().send(slices, |io| Pin::new(io).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.get_mut().send(&[], |io| Pin::new(io).poll_flush(cx).map_ok(|()| 0));
        flushed.map_ok(|_| ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
