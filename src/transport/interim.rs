//! [`Interim`]: finds where the final answer begins behind interim ones, 100 to 199, over HTTP/1.1 (RFC
//! 9110, section 15.2).
//!
//! Only the beginnings of heads are looked at, and nothing beyond the final one's. [`Heard`] is the layer
//! between TLS and HTTP that does.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::io::Stamps;
use crate::transport::stream::Stream;

/// Up to the first digit of the status.
const VERSION: &[u8] = b"HTTP/1.1 ";
/// Heads of interim answers end with it.
const END: &[u8] = b"\r\n\r\n";

/// Where in the answer the next byte belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Nothing is expected, or the final answer has begun.
    #[default]
    Final,
    /// In the status line of a head that may be interim, after so many bytes of it.
    Status { seen: usize },
    /// In the rest of an interim head, of whose end so many bytes have come.
    Head { ending: usize },
}

/// The answer under way, on one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interim {
    place: Place,
    count: u32,
    /// When the head under way, or the final one, began; monotonic nanoseconds.
    began: Option<u64>,
}

impl Interim {
    /// Expects another answer.
    pub(super) fn expect(&mut self) {
        *self = Self { place: Place::Status { seen: 0 }, ..Self::default() };
    }

    /// How many interim answers have come whole.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Whether a byte of an answer has come. Over TLS the socket may have brought other things.
    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    /// When the answer's first byte came, by the read that made it readable; the final answer's, once an
    /// interim one has come.
    pub(super) fn first_byte(&self) -> Option<u64> {
        self.began.filter(|_| self.count == 0 || self.place == Place::Final)
    }

    /// Takes in the next piece, which arrived at the monotonic instant `at`.
    pub(super) fn push(&mut self, piece: &[u8], at: u64) {
        for byte in piece {
            self.place = match self.place {
                Place::Final => return,
                Place::Status { seen } => self.status(seen, *byte, at),
                Place::Head { ending } => self.head(ending, *byte),
            };
        }
    }

    fn status(&mut self, seen: usize, byte: u8, at: u64) -> Place {
        if seen == 0 {
            self.began = Some(at);
        }
        match VERSION.get(seen) {
            // The digit after HTTP/1 may be any; what is no head at all is not for this to say.
            Some(expected) if *expected == byte || seen == 7 => Place::Status { seen: seen + 1 },
            None if byte == b'1' => Place::Head { ending: 0 },
            _ => Place::Final,
        }
    }

    fn head(&mut self, ending: usize, byte: u8) -> Place {
        let ending = match byte {
            _ if byte == END[ending] => ending + 1,
            // Lines may end with the line feed alone.
            b'\n' if ending == 0 => 2,
            b'\n' if ending == 2 => END.len(),
            b'\r' => 1,
            _ => 0,
        };
        if ending < END.len() {
            return Place::Head { ending };
        }
        self.count += 1;
        Place::Status { seen: 0 }
    }
}

/// A stream whose answers [`Interim`] looks into.
pub(super) struct Heard {
    stream: Stream,
    stamps: Rc<Stamps>,
    interim: Rc<RefCell<Interim>>,
    repetition: Repetition,
    /// Why nothing more can be written. Whoever reads to the end is told.
    unwritable: Option<io::Error>,
}

/// A part of an answer that is to be read a second time.
enum Repetition {
    None,
    /// Nothing comes before a request, which is not sent a second time.
    Requested {
        bytes: Bytes,
        reader: Waker,
    },
    Bytes(Bytes),
}

impl Heard {
    pub(super) fn new(stream: Stream, stamps: Rc<Stamps>, interim: Rc<RefCell<Interim>>) -> Self {
        Self { stream, stamps, interim, repetition: Repetition::None, unwritable: None }
    }

    /// Takes the next write for a request that has been sent, and answers it with `bytes` and what follows
    /// them.
    pub(super) fn repeat(&mut self, bytes: Bytes) {
        self.repetition = Repetition::Requested { bytes, reader: Waker::noop().clone() };
    }
}

impl Heard {
    /// What comes of `write`, which waits for good once the server has ended the connection: it may have refused
    /// the rest of a long request, and its answer is still to be read (RFC 9112, section 9.5).
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        if self.unwritable.is_some() {
            return Poll::Pending;
        }
        match ready!(write(Pin::new(&mut self.stream), cx)) {
            Err(error)
                if matches!(error.kind(), BrokenPipe | ConnectionReset | ConnectionAborted) =>
            {
                self.unwritable = Some(error);
                // Reading has something to tell now.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            done => Poll::Ready(done),
        }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.repetition {
            Repetition::None => {}
            Repetition::Requested { reader, .. } => {
                reader.clone_from(cx.waker());
                return Poll::Pending;
            }
            Repetition::Bytes(bytes) => {
                buffer.put_slice(&bytes.split_to(bytes.len().min(buffer.remaining())));
                if bytes.is_empty() {
                    this.repetition = Repetition::None;
                }
                return Poll::Ready(Ok(()));
            }
        }
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        if let Some(at) = this.stamps.last_read() {
            this.interim.borrow_mut().push(&buffer.filled()[filled..], at);
        }
        let ended = buffer.filled().len() == filled && buffer.remaining() > 0;
        let failure = if ended { this.unwritable.take() } else { None };
        Poll::Ready(failure.map_or(Ok(()), Err))
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Repetition::Requested { bytes: repeated, reader } = &mut this.repetition {
            reader.wake_by_ref();
            this.repetition = Repetition::Bytes(std::mem::take(repeated));
            return Poll::Ready(Ok(bytes.len()));
        }
        this.written(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().written(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx:\r\n\r\n";
    const BARE: &str = "HTTP/1.1 102 Processing\nx: y\n\n";
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\nHTTP/1.1 100 no\r\n\r\n";

    /// Pushes `pieces`, the first at instant 1 and so on: interim answers and where the final one began.
    fn found(pieces: &[&str]) -> (u32, Option<u64>) {
        let mut interim = Interim::default();
        interim.expect();
        for (at, piece) in (1..).zip(pieces) {
            interim.push(piece.as_bytes(), at);
        }
        (interim.count(), interim.first_byte())
    }

    /// Pieces, interim answers among them, and in which piece the final one begins.
    type Row<'a> = (&'a [&'a str], (u32, Option<u64>));

    #[test]
    fn the_final_answer_begins_behind_the_interim_ones() {
        let together = format!("{CONTINUE}{HINTS}{BARE}{OK}");
        let table: [Row<'_>; 10] = [
            (&[OK], (0, Some(1))),
            (&[CONTINUE, OK], (1, Some(2))),
            (&[CONTINUE, HINTS, BARE, OK], (3, Some(4))),
            (&[&together], (3, Some(1))),
            // Only what it begins with has come.
            (&[CONTINUE, "HTTP/1.1 "], (1, None)),
            (&[CONTINUE], (1, None)),
            (&["garbage"], (0, Some(1))),
            // Nothing of it yet, or as little as tells that it is there.
            (&[], (0, None)),
            (&["", OK], (0, Some(2))),
            (&["HTTP/1.1 20", "0 OK"], (0, Some(1))),
        ];
        for (pieces, expected) in table {
            assert_eq!(found(pieces), expected, "{pieces:?}");
        }
    }

    proptest! {
        #[test]
        fn the_cut_does_not_matter(cut in any::<prop::sample::Index>()) {
            let all = format!("{HINTS}{CONTINUE}{OK}");
            let cut = cut.index(all.len());
            let (head, rest) = all.split_at(cut);
            let begins = HINTS.len() + CONTINUE.len();
            let expected = if cut > begins { 1 } else { 2 };
            prop_assert_eq!(found(&[head, rest]), (2, Some(expected)));
        }
    }
}
