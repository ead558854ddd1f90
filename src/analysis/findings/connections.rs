//! Findings about connections that ended under requests, and answers past the bounds of this program.

use crate::analysis::findings::checks::{PATTERN_SHARE, finding};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::measure::fate::TransportError;

pub(super) fn stale_connections(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.broken(TransportError::StaleConnection)?;
    Some(finding(
        Cause::StaleConnections,
        evidence.own_error(),
        format!(
            "the target closed kept connections just as requests were sent on them that must not be sent \
             twice (POST, PATCH): {part}; not charged to the server"
        ),
        "set --idle-timeout below the target's keep-alive timeout, or raise that above the longest pause \
         between requests; if they fail with --disable-keepalive as well, it is the server",
    ))
}

pub(super) fn too_large(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.broken(TransportError::TooLarge)?;
    Some(finding(
        Cause::TooLarge,
        evidence.own_error(),
        format!("{}: {part}; not charged to the server", TransportError::TooLarge.explanation()),
        "leave such requests out (--exclude-tags, --weight NAME=0), or let the target send fewer or shorter \
         fields",
    ))
}

/// Requests that went out once more. They count as what became of them then, so this must be said.
pub(super) fn sent_again(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.slots(evidence.summary.total.repeats);
    let severity = if part.share() < PATTERN_SHARE { Severity::Info } else { Severity::Warning };
    // A limit that is met again at once is no passing thing.
    let refused = evidence.broken(TransportError::RefusedStream).is_some();
    let remedy = if refused {
        "some were refused again and are errors: see what is said of refused streams"
    } else {
        "a limit on requests per connection, a short keep-alive timeout or a reload does it, and does \
         no harm; a worker that dies does it too: see whether the share is the same with \
         --disable-keepalive, where each of them is an error"
    };
    (part.count > 0).then(|| {
        finding(
            Cause::SentAgain,
            severity,
            format!(
                "sent once more on another connection, since the target closed the first one or refused \
                 the stream before it answered: {part}; their response times still count from when they \
                 were due"
            ),
            remedy,
        )
    })
}
