//! [`Body`]: what a request carries: text with holes, the bytes of files, or several parts of both.
//!
//! Rendered like any template, from the slot's number alone; compressed last.

use std::fmt;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::load::request::{Fill, Template};

/// A stretch of a body.
#[derive(Clone, PartialEq)]
pub enum Chunk {
    /// Filled for each slot.
    Text(Template),
    /// Sent as they are.
    Bytes(Bytes),
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    #[default]
    Identity,
    /// Compressed (RFC 1952).
    Gzip,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// One after the other.
    pub chunks: Vec<Chunk>,
    /// How they are sent.
    pub coding: Coding,
}

impl Body {
    /// The templates in it.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.chunks.iter().filter_map(|chunk| match chunk {
            Chunk::Text(template) => Some(template),
            Chunk::Bytes(_) => None,
        })
    }

    /// Whether a slot's index or chance changes it; the token alone does not.
    pub fn varies_by_slot(&self) -> bool {
        self.templates().any(Template::varies_by_slot)
    }

    /// The text of a body that is a single one.
    pub fn as_template(&self) -> Option<&Template> {
        match self.chunks.as_slice() {
            [Chunk::Text(template)] => Some(template),
            _ => None,
        }
    }

    /// The bytes for one slot.
    pub fn render(&self, fill: &mut Fill<'_>) -> Bytes {
        let plain = match self.chunks.as_slice() {
            [Chunk::Bytes(bytes)] => bytes.clone(),
            [Chunk::Text(template)] => Bytes::from(rendered(template, fill)),
            chunks => {
                let mut joined = Vec::new();
                for chunk in chunks {
                    match chunk {
                        Chunk::Text(template) => {
                            joined.extend_from_slice(rendered(template, fill).as_bytes());
                        }
                        Chunk::Bytes(bytes) => joined.extend_from_slice(bytes),
                    }
                }
                joined.into()
            }
        };
        match self.coding {
            Coding::Identity => plain,
            Coding::Gzip => gzip(&plain),
        }
    }
}

impl From<Template> for Body {
    fn from(text: Template) -> Self {
        Self { chunks: vec![Chunk::Text(text)], coding: Coding::Identity }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { chunks: vec![Chunk::Bytes(bytes)], coding: Coding::Identity }
    }
}

/// Of bytes, their number: a file may be large, or secret.
impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(template) => f.debug_tuple("Text").field(template).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
        }
    }
}

fn rendered(template: &Template, fill: &mut Fill<'_>) -> String {
    let mut text = String::new();
    template.render(fill, &mut text);
    text
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.expect("writing to a Vec cannot fail").into()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::load::random::SplitMix64;
    use crate::load::request::{Escape, Segment};

    #[test]
    fn chunks_follow_each_other_and_gzip_holds_them() {
        let slot = Template { segments: vec![Segment::SlotIndex], escape: Escape::None };
        let mut body = Body {
            chunks: vec![Chunk::Bytes(Bytes::from_static(b"\xff-")), Chunk::Text(slot)],
            coding: Coding::Identity,
        };
        let render = |body: &Body| body.render(&mut Fill::of(SplitMix64::new(1), 7, &[], ""));
        assert_eq!(render(&body), Bytes::from_static(b"\xff-7"));
        body.coding = Coding::Gzip;
        let mut plain = Vec::new();
        let packed = render(&body);
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, b"\xff-7");
        assert_eq!(packed, render(&body), "the same bytes every time");
        assert!(body.varies_by_slot() && body.as_template().is_none());
    }
}
