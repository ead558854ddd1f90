//! [`Frames`]: follows the frames in one direction of an HTTP/2 connection (RFC 9113, section 4.1).
//!
//! Payloads are skipped, not kept. However the stream of bytes is cut, the same frames begin and end in it.

const HEADER_BYTES: usize = 9;
/// What a client sends before its first frame (RFC 9113, section 3.4).
const PREFACE_BYTES: usize = 24;

/// What a frame is for, as far as that is of interest here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Settings,
    GoAway,
    Continuation,
    Other,
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    flags: u8,
    pub(super) stream: u32,
    /// Of the payload, in bytes.
    pub(super) length: u32,
}

impl Frame {
    /// Whether the sender's half of the stream ends with it.
    pub(super) const fn ends_stream(self) -> bool {
        matches!(self.kind, Kind::Data | Kind::Headers) && self.flags & 0x1 != 0
    }

    /// Whether it only confirms the other side's.
    pub(super) const fn is_ack(self) -> bool {
        matches!(self.kind, Kind::Settings) && self.flags & 0x1 != 0
    }
}

/// What happens in a piece of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A frame's header is complete.
    Begins(Frame),
    /// Its payload is complete.
    Ends(Frame),
}

/// Where in the stream the next byte belongs.
#[derive(Debug)]
enum State {
    Preface { left: usize },
    Header { bytes: [u8; HEADER_BYTES], filled: usize },
    Payload { frame: Frame, left: usize },
}

impl State {
    const START: Self = Self::Header { bytes: [0; HEADER_BYTES], filled: 0 };
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames(State);

impl Frames {
    /// What a client sends.
    pub(super) const fn of_client() -> Self {
        Self(State::Preface { left: PREFACE_BYTES })
    }

    /// What a server sends.
    pub(super) const fn of_server() -> Self {
        Self(State::START)
    }

    /// Takes in the next piece.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Event)) {
        while !bytes.is_empty() {
            let used;
            (used, self.0) = match self.0 {
                State::Preface { left } => {
                    let used = left.min(bytes.len());
                    match left - used {
                        0 => (used, State::START),
                        left => (used, State::Preface { left }),
                    }
                }
                State::Header { bytes: mut header, filled } => {
                    let used = bytes.len().min(HEADER_BYTES - filled);
                    header[filled..filled + used].copy_from_slice(&bytes[..used]);
                    let next = match filled + used {
                        HEADER_BYTES => begin(header, &mut seen),
                        filled => State::Header { bytes: header, filled },
                    };
                    (used, next)
                }
                State::Payload { frame, left } => {
                    let used = left.min(bytes.len());
                    (used, payload(frame, left - used, &mut seen))
                }
            };
            bytes = &bytes[used..];
        }
    }
}

fn begin(header: [u8; HEADER_BYTES], seen: &mut impl FnMut(Event)) -> State {
    let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = header;
    let kind = match kind {
        0x0 => Kind::Data,
        0x1 => Kind::Headers,
        0x4 => Kind::Settings,
        0x7 => Kind::GoAway,
        0x9 => Kind::Continuation,
        _ => Kind::Other,
    };
    // The highest bit is reserved.
    let stream = u32::from_be_bytes([s0, s1, s2, s3]) & !(1 << 31);
    let length = u32::from_be_bytes([0, l0, l1, l2]);
    let frame = Frame { kind, flags, stream, length };
    seen(Event::Begins(frame));
    payload(frame, length as usize, seen)
}

fn payload(frame: Frame, left: usize, seen: &mut impl FnMut(Event)) -> State {
    if left > 0 {
        return State::Payload { frame, left };
    }
    seen(Event::Ends(frame));
    State::START
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame's bytes.
    fn bytes(length: u32, kind: u8, flags: u8, stream: u32) -> Vec<u8> {
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        // Payloads that look like headers must not matter.
        bytes.extend((0..length).map(|at| [0, 0, 1, 1, 5][at as usize % 5]));
        bytes
    }

    fn events(mut frames: Frames, pieces: &[&[u8]]) -> Vec<Event> {
        let mut events = Vec::new();
        for piece in pieces {
            frames.push(piece, |event| events.push(event));
        }
        events
    }

    #[test]
    fn a_frame_is_known_by_its_header() {
        let table = [
            (bytes(3, 0x0, 0x1, 5), Kind::Data, 5, (true, false)),
            (bytes(3, 0x0, 0x8, 5), Kind::Data, 5, (false, false)),
            (bytes(40, 0x1, 0x5, 7), Kind::Headers, 7, (true, false)),
            (bytes(40, 0x1, 0x4, 1 << 31 | 7), Kind::Headers, 7, (false, false)),
            (bytes(6, 0x4, 0x0, 0), Kind::Settings, 0, (false, false)),
            (bytes(0, 0x4, 0x1, 0), Kind::Settings, 0, (false, true)),
            (bytes(8, 0x7, 0x0, 0), Kind::GoAway, 0, (false, false)),
            (bytes(9, 0x9, 0x4, 3), Kind::Continuation, 3, (false, false)),
            // The flag of a PING's answer is the bit that ends a stream elsewhere.
            (bytes(8, 0x6, 0x1, 0), Kind::Other, 0, (false, false)),
            (bytes(70_000, 0x0, 0x1, 9), Kind::Data, 9, (true, false)),
        ];
        for (sent, kind, stream, (ends_stream, is_ack)) in table {
            let seen = events(Frames::of_server(), &[&sent]);
            let [Event::Begins(frame), Event::Ends(same)] = seen[..] else {
                panic!("{seen:?}");
            };
            assert_eq!((frame.kind, frame.stream), (kind, stream));
            assert_eq!((frame.ends_stream(), frame.is_ack()), (ends_stream, is_ack), "{frame:?}");
            assert_eq!(frame, same);
        }
    }

    #[test]
    fn a_frame_ends_with_its_last_byte_and_no_earlier() {
        let sent = bytes(100, 0x0, 0x1, 1);
        let (most, last) = sent.split_at(sent.len() - 1);
        assert_eq!(events(Frames::of_server(), &[most]).len(), 1);
        assert_eq!(events(Frames::of_server(), &[most, last]).len(), 2);
    }

    #[test]
    fn the_clients_preface_is_no_frame() {
        let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        assert!(events(Frames::of_client(), &[&sent]).is_empty());
        sent.extend(bytes(4, 0x4, 0x0, 0));
        assert_eq!(events(Frames::of_client(), &[&sent]).len(), 2);
    }

    proptest! {
        #[test]
        fn the_cut_does_not_matter(
            frames in prop::collection::vec((0..300_u32, 0..12_u8, any::<u8>(), 0..9_u32), 1..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
            for (length, kind, flags, stream) in &frames {
                sent.extend(bytes(*length, *kind, *flags, *stream));
            }
            let whole = events(Frames::of_client(), &[&sent]);
            prop_assert_eq!(whole.len(), 2 * frames.len());
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(sent.len())).collect();
            places.extend([0, sent.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> =
                places.windows(2).map(|pair| &sent[pair[0]..pair[1]]).collect();
            prop_assert_eq!(events(Frames::of_client(), &pieces), whole);
        }
    }
}
