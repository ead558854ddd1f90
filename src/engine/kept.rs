//! [`Keeper`]: what is kept of an answer for checks, extractions, redirects and cookies; nothing for the
//! rest, which most answers are.

use std::borrow::Cow;
use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::load::answer::{Answer, BODY_BYTES_MAX, Body};
use crate::load::expect::{Reads, Trouble};
use crate::load::plain_port;
use crate::measure::failure::Reason;
use crate::transport::exchange::Keep;
use crate::transport::single;

/// How a gzip member begins (RFC 1952, 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

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

/// What is looked at of every answer, beside what is kept of it: a refusal that says why.
pub(super) struct Glance<'k> {
    keeper: Option<&'k mut Keeper>,
    status: u16,
    /// The beginning of its body, if it may be one.
    refusal: Vec<u8>,
}

impl<'k> Glance<'k> {
    /// At an answer of which `keeper` keeps what is needed.
    pub(super) fn new(keeper: Option<&'k mut Keeper>) -> Self {
        Self { keeper, status: 0, refusal: Vec::new() }
    }

    /// Why the server refused the request, if it says so.
    pub(super) fn reason(&self) -> Option<Reason> {
        let told = plain_port::is_told(self.status, &self.refusal);
        told.then(|| Reason::new(plain_port::WORDS).with_remedy(plain_port::REMEDY))
    }
}

impl Keep for Glance<'_> {
    fn head(&mut self, status: u16, headers: &HeaderMap) {
        self.status = status;
        if let Some(keeper) = &mut self.keeper {
            keeper.head(status, headers);
        }
    }

    fn data(&mut self, piece: &Bytes) {
        if let Some(keeper) = &mut self.keeper {
            keeper.data(piece);
        }
        if self.status == plain_port::STATUS {
            let room = plain_port::LOOKED_THROUGH - self.refusal.len();
            self.refusal.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }
}

impl Keep for Keeper {
    fn head(&mut self, _status: u16, headers: &HeaderMap) {
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
        let decoded = decoded(&self.headers, &self.body, self.cut, BODY_BYTES_MAX);
        let body = match &decoded {
            Err(why) => Body::Unread(*why),
            Ok((bytes, whole)) if *whole && !self.cut => Body::Whole(bytes),
            Ok((bytes, _)) => Body::Beginning(bytes),
        };
        look(&Answer::new(body_bytes, &self.headers, body))
    }
}

/// The body of an answer that is there in whole, decoded.
pub(super) fn decoded_body(answer: &single::Answer) -> Result<Cow<'_, [u8]>, Trouble> {
    match decoded(&answer.headers, &answer.body, false, single::BODY_BYTES_MAX)? {
        (body, true) => Ok(body),
        (_, false) => Err(Trouble::TooLong),
    }
}

/// What a body holds, as far as it fits, and whether that is all.
type Decoded<'a> = (Cow<'a, [u8]>, bool);

/// What is in the body by its `Content-Encoding`, of which so many bytes are wanted at most; names that encode
/// nothing are passed over, as clients do.
fn decoded<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    cut: bool,
    most: usize,
) -> Result<Decoded<'a>, Trouble> {
    let listed = headers.get_all(CONTENT_ENCODING).into_iter();
    let names = listed.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let names = names.map(|name| name.trim_ascii().to_ascii_lowercase());
    let mut names =
        names.filter(|name| !matches!(&name[..], b"" | b"identity" | b"none" | b"utf-8"));
    let name = names.next();
    match name.as_deref() {
        None => Ok((body.into(), true)),
        Some(_) if names.next().is_some() => Err(Trouble::Encoding),
        Some(_) if body.is_empty() => Ok((body.into(), true)),
        Some(b"gzip" | b"x-gzip") => gunzip(body, cut, most),
        Some(b"deflate") => inflate(body, cut, most),
        Some(b"br") => Err(Trouble::Brotli),
        Some(b"zstd") => Err(Trouble::Zstandard),
        Some(_) => Err(Trouble::Encoding),
    }
}

/// All members of a gzip file (RFC 1952), or as many as there are before it is `cut`. Padding behind the last
/// one is passed over, as gzip does.
fn gunzip(bytes: &[u8], cut: bool, most: usize) -> Result<Decoded<'static>, Trouble> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while rest.starts_with(&GZIP_MAGIC) {
        let mut decoder = GzDecoder::new(rest);
        if !read_bounded(&mut decoder, &mut out, most) {
            return beginning(out, cut, most).ok_or(Trouble::NotGzip);
        }
        rest = decoder.into_inner();
    }
    if rest.len() == bytes.len() { Err(Trouble::NotGzip) } else { Ok((out.into(), true)) }
}

/// What servers call deflate: zlib's format (RFC 1950), or without its frame (RFC 1951).
fn inflate(bytes: &[u8], cut: bool, most: usize) -> Result<Decoded<'static>, Trouble> {
    let mut out = Vec::new();
    let whole = if has_zlib_header(bytes) {
        read_bounded(&mut ZlibDecoder::new(bytes), &mut out, most)
    } else {
        read_bounded(&mut DeflateDecoder::new(bytes), &mut out, most)
    };
    if whole {
        return Ok((out.into(), true));
    }
    beginning(out, cut, most).ok_or(Trouble::NotDeflate)
}

/// RFC 1950, 2.2: the method is deflate, and the first two bytes are a multiple of 31.
fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..]
        if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31))
}

/// What was decoded before there was no more, if that was for a bound of ours and not a broken body.
fn beginning(out: Vec<u8>, cut: bool, most: usize) -> Option<Decoded<'static>> {
    (cut || out.len() == most).then(|| (out.into(), false))
}

/// Appends what `decoder` gives, up to the bound, and says whether that was all and sound.
fn read_bounded(decoder: &mut impl Read, out: &mut Vec<u8>, most: usize) -> bool {
    let room = (most - out.len()) as u64 + 1;
    let read = decoder.take(room).read_to_end(out);
    let whole = read.is_ok() && out.len() <= most;
    out.truncate(most);
    whole
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The body that is shown of pieces with this encoding: its length, and whether it is whole.
    fn shown(encoding: Option<&str>, pieces: &[Vec<u8>]) -> Result<(usize, bool), Trouble> {
        let mut keeper = Keeper::new(Reads::Body);
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        keeper.head(200, &headers);
        for piece in pieces {
            keeper.data(&Bytes::from(piece.clone()));
        }
        keeper.into_kept().show(0, |answer| match answer.body() {
            Body::Whole(bytes) => Ok((bytes.len(), true)),
            Body::Beginning(bytes) => Ok((bytes.len(), false)),
            Body::Unread(why) => Err(why),
        })
    }

    #[test]
    fn a_body_is_kept_up_to_the_bound_and_decoded() {
        let half = vec![b'a'; BODY_BYTES_MAX / 2];
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"abc").unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"abc").unwrap();
        let table = [
            (None, vec![b"ab".to_vec(), b"c".to_vec()], Ok((3, true))),
            (None, vec![half.clone(), half.clone()], Ok((BODY_BYTES_MAX, true))),
            (None, vec![half.clone(), half.clone(), vec![1]], Ok((BODY_BYTES_MAX, false))),
            (Some("identity"), vec![b"ab".to_vec()], Ok((2, true))),
            (Some("gzip"), vec![gzipped(b"abc")], Ok((3, true))),
            (Some("GZIP"), vec![gzipped(b"ab"), gzipped(b"c")], Ok((3, true))),
            (Some("gzip"), vec![], Ok((0, true))),
            (Some("gzip"), vec![b"not gzip".to_vec()], Err(Trouble::NotGzip)),
            (Some("gzip"), vec![gzipped(b"abc"), vec![0; 8]], Ok((3, true))),
            (Some("gzip"), vec![gzipped(b"abc")[..12].to_vec()], Err(Trouble::NotGzip)),
            (Some("gzip"), vec![gzipped(&half.repeat(3))], Ok((BODY_BYTES_MAX, false))),
            (Some(""), vec![b"ab".to_vec()], Ok((2, true))),
            (Some("none"), vec![b"ab".to_vec()], Ok((2, true))),
            (Some("UTF-8, identity"), vec![b"ab".to_vec()], Ok((2, true))),
            (Some("deflate"), vec![zlib.finish().unwrap()], Ok((3, true))),
            (Some("deflate"), vec![bare.finish().unwrap()], Ok((3, true))),
            (Some("deflate"), vec![b"{\"id\": 7}".to_vec()], Err(Trouble::NotDeflate)),
            (Some("br"), vec![b"ab".to_vec()], Err(Trouble::Brotli)),
            (Some("zstd"), vec![b"ab".to_vec()], Err(Trouble::Zstandard)),
            (Some("gzip, br"), vec![b"ab".to_vec()], Err(Trouble::Encoding)),
            (Some("aws-chunked"), vec![b"ab".to_vec()], Err(Trouble::Encoding)),
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
            keeper.head(200, &headers);
            keeper.data(&Bytes::from_static(b"abc"));
            let kept = keeper.into_kept();
            assert_eq!(kept.headers.is_empty(), reads == Reads::Nothing);
            assert!(kept.body.is_empty());
        }
    }
}
