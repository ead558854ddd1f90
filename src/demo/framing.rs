//! [`Framer`]: counts complete HTTP/1 requests in a byte stream, bodies and pipelining included, and no more.
//!
//! Invariant: memory stays below [`HEAD_MAX`] per connection, however the bytes are cut.

/// Longer request heads are refused.
const HEAD_MAX: usize = 64 * 1_024;
/// Longer bodies are refused: more than any test sends, and far from overflow.
const BODY_MAX: u64 = 1 << 40;

/// Where in the stream the next byte belongs.
#[derive(Debug, Default)]
pub(super) struct Framer {
    state: State,
    /// The beginning of a head that came in parts.
    head: Vec<u8>,
    close: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Body {
        left: u64,
    },
    ChunkSize {
        size: u64,
        in_extension: bool,
    },
    ChunkData {
        left: u64,
    },
    ChunkEnd,
    Trailer {
        line_empty: bool,
    },
    /// The client's last request has been seen.
    Closed,
}

/// What a piece of the stream contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Requests completed in it.
    pub(super) complete: usize,
    pub(super) next: Next,
}

/// What the client expects after the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The connection stays open.
    More,
    /// It wants to hear `100 Continue` before it sends the body.
    Continue,
    /// The connection closes.
    Close,
}

/// The bytes are not HTTP/1, or too long for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    body: State,
    close: bool,
    expects_continue: bool,
}

impl Framer {
    /// Takes in the next piece.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<Seen, Malformed> {
        let mut seen = Seen { complete: 0, next: Next::More };
        while !bytes.is_empty() {
            let (used, done) = match self.state {
                State::Head => self.head(bytes, &mut seen)?,
                State::Body { left } => self.skip(bytes, left, |left| State::Body { left }),
                State::ChunkData { left } => {
                    let (used, done) = self.skip(bytes, left, |left| State::ChunkData { left });
                    if done {
                        self.state = State::ChunkEnd;
                    }
                    (used, false)
                }
                State::ChunkSize { .. } | State::ChunkEnd | State::Trailer { .. } => {
                    (1, self.chunk_byte(bytes[0])?)
                }
                State::Closed => (bytes.len(), false),
            };
            bytes = &bytes[used..];
            if done {
                seen.complete += 1;
                self.state = if self.close { State::Closed } else { State::Head };
            }
        }
        if self.state == State::Closed {
            seen.next = Next::Close;
        }
        Ok(seen)
    }

    /// Bytes used, and whether a request without a body is complete.
    fn head(&mut self, bytes: &[u8], seen: &mut Seen) -> Result<(usize, bool), Malformed> {
        if self.head.is_empty() {
            // Blank lines before a request are allowed, and some clients send one after a body.
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank > 0 {
                return Ok((blank, false));
            }
            if let Some(length) = head_end(bytes, 0) {
                return Ok(self.begin(parse(&bytes[..length])?, length, bytes.len(), seen));
            }
        }
        let known = self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(HEAD_MAX + 1 - known)]);
        let Some(length) = head_end(&self.head, known.saturating_sub(3)) else {
            return if self.head.len() > HEAD_MAX {
                Err(Malformed)
            } else {
                Ok((bytes.len(), false))
            };
        };
        let head = parse(&self.head[..length])?;
        self.head.clear();
        Ok(self.begin(head, length - known, bytes.len(), seen))
    }

    fn begin(
        &mut self,
        head: Head,
        used: usize,
        available: usize,
        seen: &mut Seen,
    ) -> (usize, bool) {
        self.close = head.close;
        self.state = head.body;
        // A client that sends the body along at once is not waiting.
        if head.expects_continue && head.body != State::Head && used == available {
            seen.next = Next::Continue;
        }
        (used, head.body == State::Head)
    }

    fn skip(&mut self, bytes: &[u8], left: u64, rest: fn(u64) -> State) -> (usize, bool) {
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - used as u64;
        self.state = rest(left);
        (used, left == 0)
    }

    /// One byte between chunks; true when the body is complete.
    fn chunk_byte(&mut self, byte: u8) -> Result<bool, Malformed> {
        self.state = match (self.state, byte) {
            (State::ChunkSize { size: 0, .. }, b'\n') => State::Trailer { line_empty: true },
            (State::ChunkSize { size, .. }, b'\n') => State::ChunkData { left: size },
            (State::ChunkSize { size, .. }, b';' | b'\r' | b' ' | b'\t') => {
                State::ChunkSize { size, in_extension: true }
            }
            (state @ State::ChunkSize { in_extension: true, .. }, _)
            | (state @ (State::ChunkEnd | State::Trailer { .. }), b'\r') => state,
            (State::ChunkSize { size, .. }, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Malformed)?;
                let size = size * 16 + u64::from(digit);
                if size > BODY_MAX {
                    return Err(Malformed);
                }
                State::ChunkSize { size, in_extension: false }
            }
            (State::ChunkEnd, b'\n') => State::ChunkSize { size: 0, in_extension: false },
            (State::Trailer { line_empty: true }, b'\n') => return Ok(true),
            (State::Trailer { .. }, byte) => State::Trailer { line_empty: byte == b'\n' },
            _ => return Err(Malformed),
        };
        Ok(false)
    }
}

/// The length of the head including its blank line, looking from `from` on.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

fn parse(head: &[u8]) -> Result<Head, Malformed> {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let request = lines.next().ok_or(Malformed)?;
    let old = request.ends_with(b" HTTP/1.0");
    if !old && !request.ends_with(b" HTTP/1.1") {
        return Err(Malformed);
    }
    let mut parsed = Head { body: State::Head, close: old, expects_continue: false };
    for line in lines {
        // Most headers are none of these four; their first letters say so.
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T' | b'e' | b'E')) {
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
            let left = text.parse().ok().filter(|left| *left <= BODY_MAX).ok_or(Malformed)?;
            if left > 0 && parsed.body == State::Head {
                parsed.body = State::Body { left };
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            parsed.body = State::ChunkSize { size: 0, in_extension: false };
        } else if name.eq_ignore_ascii_case(b"connection") {
            parsed.close = value.eq_ignore_ascii_case(b"close")
                || old && !value.eq_ignore_ascii_case(b"keep-alive");
        } else if name.eq_ignore_ascii_case(b"expect") {
            parsed.expects_continue = true;
        }
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\
        POST /x HTTP/1.1\r\ncontent-LENGTH: 5\r\n\r\n\n\n\r\n\
        \r\nPOST /y HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nab\r\n\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nT: x\r\n\r\n\
        GET / HTTP/1.1\nContent-Length: 0\n\n\
        GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET /after-close HTTP/1.1\r\n\r\n";

    fn whole(bytes: &[u8]) -> Result<Seen, Malformed> {
        Framer::default().push(bytes)
    }

    #[test]
    fn requests_are_counted() {
        let more = |complete| Ok(Seen { complete, next: Next::More });
        assert_eq!(whole(STREAM), Ok(Seen { complete: 5, next: Next::Close }));
        assert_eq!(whole(b"GET / HTTP/1.1\r\nA: b\r\n"), more(0));
        assert_eq!(whole(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"), more(0));
        assert_eq!(whole(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), more(1));
        assert_eq!(whole(b"GET / HTTP/1.0\r\n\r\n"), Ok(Seen { complete: 1, next: Next::Close }));
        let waiting = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(whole(waiting), Ok(Seen { complete: 0, next: Next::Continue }));
    }

    #[test]
    fn what_is_not_http_is_refused() {
        let long = [b"GET /".as_slice(), &b"a".repeat(HEAD_MAX)].concat();
        let table: [&[u8]; 6] = [
            b"\x16\x03\x01 hello\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            &long,
        ];
        for bytes in table {
            assert_eq!(whole(bytes), Err(Malformed), "{}", bytes.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_the_count(cuts in prop::collection::vec(0..STREAM.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.push(STREAM.len());
            cuts.sort_unstable();
            let (mut framer, mut from, mut complete) = (Framer::default(), 0, 0);
            for to in cuts {
                complete += framer.push(&STREAM[from..to]).unwrap().complete;
                from = to;
            }
            prop_assert_eq!(complete, 5);
        }

        #[test]
        fn no_bytes_are_too_odd(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let mut framer = Framer::default();
            for piece in pieces {
                if framer.push(&piece).is_err() {
                    break;
                }
            }
            prop_assert!(framer.head.len() <= HEAD_MAX + 1);
        }
    }
}
