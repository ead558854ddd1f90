//! [`Single`]: one exchange kept whole, for a look before the load.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use crate::engine::kept::decoded_body;
use crate::engine::ruling::inspected;
use crate::load::expect::{Expect, Trouble};
use crate::load::json_text;
use crate::transport::exchange::Outgoing;
use crate::transport::single::{Answer, SingleError};

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It obtains or renews a token, so it holds credentials.
    LogIn,
    /// It fills pools.
    SetUp,
    /// It is one of the mix.
    Mix,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// HTTP method.
    pub method: Method,
    /// As it stands in the request.
    pub uri: Uri,
    /// As they stand in the request.
    pub headers: HeaderMap,
    /// Empty where there is none.
    pub body: Bytes,
}

/// One exchange.
#[derive(Debug)]
pub struct Single {
    /// The request's name.
    pub name: String,
    /// What it is for.
    pub stage: Stage,
    /// What was sent.
    pub sent: Sent,
    /// What came back.
    pub outcome: Result<Answer, SingleError>,
    /// What was wrong with the answer.
    pub complaint: Option<String>,
    /// The token that it may have carried, which is not to be shown; empty where there is none.
    pub token: Arc<str>,
}

/// Is shown the exchanges of log-in and set-up as they are done.
pub type Witness<'a> = &'a (dyn Fn(Single) + 'a);

impl Single {
    /// Judges what came back.
    pub(super) fn new(
        (name, stage): (&str, Stage),
        sent: Sent,
        outcome: Result<Answer, SingleError>,
        expect: &Expect,
        token: &str,
    ) -> Self {
        let complaint = match &outcome {
            Ok(answer) => complaint(expect, answer),
            Err(error) => Some(error.to_string()),
        };
        Self { name: name.to_owned(), stage, sent, outcome, complaint, token: token.into() }
    }
}

impl Single {
    /// What an answer holds, decoded; as it came where that cannot be done.
    pub fn body(answer: &Answer) -> Cow<'_, [u8]> {
        decoded_body(answer).unwrap_or_else(|_| (&*answer.body).into())
    }
}

impl Sent {
    pub(super) fn of(outgoing: &Outgoing) -> Self {
        let (head, body) = outgoing.clone().into_parts();
        let body = body.into_inner().unwrap_or_default();
        Self { method: head.method, uri: head.uri, headers: head.headers, body }
    }
}

fn complaint(expect: &Expect, answer: &Answer) -> Option<String> {
    if !expect.accepts(answer.status) {
        return Some(match expect.statuses.as_slice() {
            [] => format!("status {}, expected 200 to 399", answer.status),
            statuses => format!("status {}, expected {}", answer.status, listed(statuses)),
        });
    }
    let inspection = inspected(expect, answer);
    let failed: Vec<String> =
        inspection.amiss.places().map(|place| expect.name_of(place)).collect();
    let no_json = inspection.amiss.troubles().any(|trouble| trouble == Trouble::NotJson);
    let body = decoded_body(answer).ok().filter(|_| no_json);
    let beginning = body.map(|body| format!(": it begins {}", json_text::beginning(&body)));
    inspection
        .failed
        .then(|| format!("failed: {}{}", failed.join(", "), beginning.unwrap_or_default()))
}

fn listed(statuses: &[RangeInclusive<u16>]) -> String {
    let one = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}"),
    };
    statuses.iter().map(one).collect::<Vec<_>>().join(", ")
}
