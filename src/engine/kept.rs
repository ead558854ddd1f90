//! [`Keeper`]: what is kept of an answer for checks, extractions, redirects and cookies; nothing for the
//! rest, which most answers are.

use std::borrow::Cow;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};

use crate::load::answer::{Answer, BODY_BYTES_MAX, Body};
use crate::load::expect::Reads;
use crate::transport::exchange::Keep;

/// Keeps what is asked for, bounded; empty where nothing is.
pub(super) struct Keeper(Option<Box<Kept>>);

/// What was kept.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) headers: HeaderMap,
    /// Whether the body is kept as well.
    body_too: bool,
    /// As it came, up to the bound.
    body: Vec<u8>,
    cut: bool,
}

impl Keeper {
    pub(super) fn new(reads: Reads) -> Self {
        Self(match reads {
            Reads::Nothing => None,
            Reads::Headers => Some(Box::default()),
            Reads::Body => Some(Box::new(Kept { body_too: true, ..Kept::default() })),
        })
    }

    pub(super) fn into_kept(self) -> Kept {
        self.0.map(|kept| *kept).unwrap_or_default()
    }
}

impl Keep for Keeper {
    fn head(&mut self, headers: &HeaderMap) {
        if let Some(kept) = &mut self.0 {
            kept.headers.clone_from(headers);
        }
    }

    fn data(&mut self, piece: &Bytes) {
        let Some(kept) = &mut self.0 else { return };
        if kept.body_too {
            let room = BODY_BYTES_MAX - kept.body.len();
            kept.cut |= piece.len() > room;
            kept.body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
}

impl Kept {
    /// Of an answer that is there already.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let kept = &body[..body.len().min(BODY_BYTES_MAX)];
        let (body_too, cut) = (true, kept.len() < body.len());
        Self { headers: headers.clone(), body_too, body: kept.to_vec(), cut }
    }

    /// Shows the answer, its body decoded, to `look`; the body was `body_bytes` long on the wire.
    pub(super) fn show<T>(&self, body_bytes: u64, look: impl FnOnce(&Answer<'_>) -> T) -> T {
        let encoding = self.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
        let known = match encoding {
            None => Some((Cow::Borrowed(self.body.as_slice()), self.cut)),
            Some(name) if name.eq_ignore_ascii_case(b"identity") => {
                Some((Cow::Borrowed(self.body.as_slice()), self.cut))
            }
            Some(name)
                if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") =>
            {
                let (decoded, whole) = gunzip(&self.body);
                Some((Cow::Owned(decoded), self.cut || !whole))
            }
            Some(_) => None,
        };
        let body = match &known {
            None => Body::Encoded,
            Some((bytes, true)) => Body::Beginning(bytes),
            Some((bytes, false)) => Body::Whole(bytes),
        };
        look(&Answer::new(body_bytes, &self.headers, body))
    }
}

/// What `bytes` hold, as far as it fits, and whether that is all.
fn gunzip(bytes: &[u8]) -> (Vec<u8>, bool) {
    if bytes.is_empty() {
        return (Vec::new(), true);
    }
    let mut decoded = Vec::new();
    let most = BODY_BYTES_MAX as u64 + 1;
    // What was decoded before an error stays.
    let read = MultiGzDecoder::new(bytes).take(most).read_to_end(&mut decoded);
    let whole = read.is_ok() && decoded.len() <= BODY_BYTES_MAX;
    decoded.truncate(BODY_BYTES_MAX);
    (decoded, whole)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The body that is shown of pieces with this encoding: its length, and whether it is whole.
    fn shown(encoding: Option<&str>, pieces: &[Vec<u8>]) -> Option<(usize, bool)> {
        let mut keeper = Keeper::new(Reads::Body);
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        keeper.head(&headers);
        for piece in pieces {
            keeper.data(&Bytes::from(piece.clone()));
        }
        keeper.into_kept().show(0, |answer| match answer.body() {
            Body::Whole(bytes) => Some((bytes.len(), true)),
            Body::Beginning(bytes) => Some((bytes.len(), false)),
            Body::Encoded => None,
        })
    }

    #[test]
    fn a_body_is_kept_up_to_the_bound_and_decoded() {
        let half = vec![b'a'; BODY_BYTES_MAX / 2];
        let table = [
            (None, vec![b"ab".to_vec(), b"c".to_vec()], Some((3, true))),
            (None, vec![half.clone(), half.clone()], Some((BODY_BYTES_MAX, true))),
            (None, vec![half.clone(), half.clone(), vec![1]], Some((BODY_BYTES_MAX, false))),
            (Some("identity"), vec![b"ab".to_vec()], Some((2, true))),
            (Some("gzip"), vec![gzipped(b"abc")], Some((3, true))),
            (Some("GZIP"), vec![gzipped(b"ab"), gzipped(b"c")], Some((3, true))),
            (Some("gzip"), vec![], Some((0, true))),
            (Some("gzip"), vec![b"not gzip".to_vec()], Some((0, false))),
            (Some("gzip"), vec![gzipped(&half.repeat(3))], Some((BODY_BYTES_MAX, false))),
            (Some("br"), vec![b"ab".to_vec()], None),
        ];
        for (encoding, pieces, expected) in table {
            assert_eq!(shown(encoding, &pieces), expected, "{encoding:?}");
        }
    }

    #[test]
    fn nothing_is_kept_that_is_not_read() {
        for reads in [Reads::Nothing, Reads::Headers] {
            let mut keeper = Keeper::new(reads);
            let headers: HeaderMap =
                [(CONTENT_ENCODING, "gzip".parse().unwrap())].into_iter().collect();
            keeper.head(&headers);
            keeper.data(&Bytes::from_static(b"abc"));
            let kept = keeper.into_kept();
            assert_eq!(kept.headers.is_empty(), reads == Reads::Nothing);
            assert!(kept.body.is_empty());
        }
    }
}
