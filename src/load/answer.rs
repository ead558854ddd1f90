//! [`Answer`]: what checks and extractions read of an answer with an accepted status.

use std::cell::OnceCell;

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::load::expect::Trouble;
use crate::load::json_text;
use crate::load::url_text::encoded_url;

/// How much of a body is kept for checks and extractions, in bytes after decoding; a longer one is cut
/// there, and what would need the rest fails.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// A body as far as it was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// All of it, decoded.
    Whole(&'a [u8]),
    /// Its first bytes, decoded; there were more than [`BODY_BYTES_MAX`].
    Beginning(&'a [u8]),
    /// None, and why: its content encoding is not understood, or is not what the header says.
    Unread(Trouble),
}

/// An answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Length of the body as it was sent.
    pub body_bytes: u64,
    headers: &'a HeaderMap,
    body: Body<'a>,
    /// The body as JSON, once it was asked for.
    json: OnceCell<Option<Value>>,
    json_texts: OnceCell<Option<Value>>,
}

impl<'a> Answer<'a> {
    /// An answer whose body was `body_bytes` long on the wire.
    pub const fn new(body_bytes: u64, headers: &'a HeaderMap, body: Body<'a>) -> Self {
        Self { body_bytes, headers, body, json: OnceCell::new(), json_texts: OnceCell::new() }
    }

    /// The body.
    pub const fn body(&self) -> Body<'a> {
        self.body
    }

    /// The body as far as it is known; empty where nothing is.
    pub const fn bytes(&self) -> &'a [u8] {
        match self.body {
            Body::Whole(bytes) | Body::Beginning(bytes) => bytes,
            Body::Unread(_) => &[],
        }
    }

    /// The whole body as JSON, if it is that.
    pub fn json(&self) -> Option<&Value> {
        let read = || match self.body {
            Body::Whole(bytes) => json_text::read(bytes),
            Body::Beginning(_) | Body::Unread(_) => None,
        };
        self.json.get_or_init(read).as_ref()
    }

    /// The same with numbers whose text a 64-bit number would lose as texts, for what is sent again.
    pub fn json_texts(&self) -> Option<&Value> {
        let read = || match self.body {
            Body::Whole(bytes) => json_text::read_number_texts(bytes),
            Body::Beginning(_) | Body::Unread(_) => None,
        };
        self.json_texts.get_or_init(read).as_ref().or_else(|| self.json())
    }

    /// The values of a header that are text, in the order sent.
    pub fn header(&self, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        let values = self.headers.get_all(name).into_iter();
        values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// The values of a header to be sent on, in the order sent: a URL is percent-encoded as far as it must be,
    /// since there are servers that write it as it is.
    pub fn values(&self, name: &HeaderName) -> Vec<String> {
        if ![LOCATION, CONTENT_LOCATION].contains(name) {
            return self.header(name).map(str::to_owned).collect();
        }
        let urls = self.headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        urls.map(|url| encoded_url(url.trim_ascii())).collect()
    }
}
