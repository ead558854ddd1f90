//! One exchange on a connection of its own, with the answer kept: for log-in and set-up, which are not
//! measured.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::load::way::HttpVersion;
use crate::measure::failure::Reason;
use crate::measure::fate::TransportError;
use crate::transport::connect::{DialError, Dialer};
use crate::transport::exchange::{Exchange, Http1, Keep, Link, Outgoing, Repeatable};
use crate::transport::multiplexed::Session;

/// Largest answer kept.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An answer with its body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SingleError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The exchange failed.
    #[error("{}", broken(*.fault, .reason.as_ref()))]
    Transport {
        /// Its kind.
        fault: TransportError,
        /// What exactly broke, where the kind does not say it all.
        reason: Option<Reason>,
    },
    /// Nothing came back in time.
    #[error("no answer within {}", crate::time::Human(*.0))]
    Timeout(Duration),
    /// More than [`BODY_BYTES_MAX`].
    #[error("the answer is longer than {} MiB", BODY_BYTES_MAX / 1024 / 1024)]
    TooLong,
}

/// What broke, and what to do about it.
fn broken(fault: TransportError, reason: Option<&Reason>) -> String {
    let explanation = fault.explanation();
    let words = reason.map(Reason::words).filter(|words| !explanation.contains(words));
    let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
    let remedy = reason.and_then(Reason::remedy);
    let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("{explanation}{words}{remedy}")
}

/// Keeps all there is of an answer, up to a bound.
#[derive(Default)]
struct Whole {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Keep for Whole {
    fn head(&mut self, _status: u16, headers: &HeaderMap) {
        self.headers.clone_from(headers);
    }

    fn data(&mut self, data: &Bytes) {
        if self.body.len() <= BODY_BYTES_MAX {
            self.body.extend_from_slice(data);
        }
    }
}

/// Sends `request` on a fresh connection and returns the answer. What the target leaves unprocessed is sent
/// once more on another.
pub async fn fetch(
    dialer: &Dialer,
    request: Outgoing,
    timeout: Duration,
) -> Result<Answer, SingleError> {
    let whole = async {
        let first = attempt(dialer, request.clone()).await?;
        let answer = if first.is_ok() { first } else { attempt(dialer, request).await? };
        answer.map_err(|why| SingleError::Transport { fault: why.fault(), reason: None })
    };
    tokio::time::timeout(timeout, whole).await.map_err(|_| SingleError::Timeout(timeout))?
}

async fn attempt(
    dialer: &Dialer,
    request: Outgoing,
) -> Result<Result<Answer, Repeatable>, SingleError> {
    let fresh = dialer.dial().await?;
    let mut keep = Whole::default();
    let mut reason = None;
    let exchanged = match dialer.route().version() {
        HttpVersion::Http1 => match Http1::open(fresh).await {
            Ok(mut link) => {
                let exchanged = link.exchange(request, &mut keep).await;
                reason = link.take_reason();
                exchanged
            }
            Err(fault) => Exchange::Failed(fault),
        },
        HttpVersion::Http2 => match Session::open(fresh).await {
            Ok((session, driver)) => session.only(driver, request, &mut keep).await,
            Err(fault) => Exchange::Failed(fault),
        },
    };
    match exchanged {
        Exchange::Answered { .. } if keep.body.len() > BODY_BYTES_MAX => Err(SingleError::TooLong),
        Exchange::Answered { status, .. } => {
            Ok(Ok(Answer { status, headers: keep.headers, body: keep.body }))
        }
        Exchange::Failed(fault) => {
            let reason = reason.or_else(|| dialer.route().silence(fault));
            Err(SingleError::Transport { fault, reason })
        }
        Exchange::Repeatable(why) => Ok(Err(why)),
    }
}
