//! What statuses tell: server errors, missing or refused authentication, requests the server does not
//! understand.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Evidence, PATTERN_SHARE, hint};
use crate::analysis::findings::{Cause, Finding};
use crate::analysis::words::Part;
use crate::measure::failure::{Failure, FailureKind, Reason};
use crate::measure::tally::RequestTally;
use crate::time::Human;

/// Errors that take so long came of a wait inside the server that timed out.
const LONG_WAIT: Duration = Duration::from_secs(5);
/// Client errors with rules of their own.
const OWN_RULES: [u16; 3] = [401, 403, 429];

/// A status that came so often that it is a pattern.
struct Pattern {
    status: u16,
    /// Answers of its class.
    part: Part,
    /// Whose they are, where that can be told, with a comma before.
    whose: String,
}

fn count(tally: &RequestTally, class: &RangeInclusive<u16>, status: Option<u16>) -> u64 {
    let counted = tally
        .bad_statuses
        .range(class.clone())
        .filter(|(found, _)| status.map_or(!OWN_RULES.contains(found), |status| status == **found));
    counted.map(|(_, count)| count).sum()
}

/// The commonest status of a class, if the class is a pattern. A status that the profile expects is none.
fn pattern(
    evidence: &Evidence<'_>,
    class: RangeInclusive<u16>,
    only: Option<u16>,
) -> Option<Pattern> {
    let times = |status: Option<u16>| -> u64 {
        evidence.requests.iter().map(|(_, tally)| count(tally, &class, status)).sum()
    };
    let part = Part { count: times(only), of: evidence.answers(), things: "answers" };
    if part.count == 0 || part.share() < PATTERN_SHARE {
        return None;
    }
    let commonest = || {
        let statuses = class.clone().filter(|status| !OWN_RULES.contains(status));
        statuses.max_by_key(|status| times(Some(*status)))
    };
    let status = only.or_else(commonest)?;
    let blamed = evidence.blamed(|tally| count(tally, &class, only));
    let whose = blamed.map(|blamed| format!(", {}", blamed.sentence())).unwrap_or_default();
    Some(Pattern { status, part, whose })
}

pub(super) fn server_errors(evidence: &Evidence<'_>) -> Option<Finding> {
    let Pattern { status, part, whose } = pattern(evidence, 500..=599, None)?;
    let took = evidence.summary.failed_response_time.p50.value;
    let late = took >= LONG_WAIT;
    let after =
        if late { format!(", half of them after {} or more", Human(took)) } else { String::new() };
    let remedy = match status {
        _ if late => {
            "a wait inside the server timed out, mostly for a database connection (pool_size, max_overflow, \
             pool_timeout) or an upstream service; errors that come so late cost more than good answers"
        }
        502 | 504 => {
            "a proxy got no answer from the server behind it in time: look at that server's health, its \
             number of workers, and the proxy's timeouts"
        }
        503 => {
            "the server or a proxy turns load away: look at worker and connection limits, queue lengths and \
             health checks"
        }
        _ => {
            "its log has a stack trace for each: mostly an exception under load, such as exhausted database \
             connections, a time-out of an external call, or memory"
        }
    };
    let message = format!("the server failed: {part} are 5xx, mostly {status}{after}{whose}");
    Some(hint(Cause::ServerErrors, message, remedy))
}

/// Without a log-in; a token that is rejected is a finding of its own.
pub(super) fn unauthorized(evidence: &Evidence<'_>) -> Option<Finding> {
    if evidence.logged_in {
        return None;
    }
    let Pattern { part, whose, .. } = pattern(evidence, 401..=401, Some(401))?;
    Some(hint(
        Cause::Unauthorized,
        format!("the profile logs nobody in before the load, and {part} are 401{whose}"),
        "add an auth section to the profile, or send a token with -H 'Authorization: Bearer …'; if a step of a flow \
         logs in by itself, check its credentials",
    ))
}

pub(super) fn forbidden(evidence: &Evidence<'_>) -> Option<Finding> {
    let Pattern { part, whose, .. } = pattern(evidence, 403..=403, Some(403))?;
    Some(hint(
        Cause::Forbidden,
        format!("the account may not do this: {part} are 403{whose}"),
        "check the test account's rights, and that the ids it asks for are its own",
    ))
}

pub(super) fn rejected(evidence: &Evidence<'_>) -> Option<Finding> {
    let Pattern { status, part, whose } = pattern(evidence, 400..=499, None)?;
    let failure = evidence.summary.total.failures.of(FailureKind::Status(status));
    let reason = failure.and_then(Failure::reason);
    let words = reason.map(|reason| format!(" ({})", reason.words())).unwrap_or_default();
    let general = match status {
        404 => "check the paths, the prefix in --host, and that the ids exist (seed the demo data)",
        405 => "check the methods, and whether a path redirects or lacks its trailing slash",
        408 => "the server gave up waiting for requests: look at its header and body timeouts",
        413 => "bodies are larger than the server or a proxy takes",
        _ => {
            "the answer's body says what is wrong with the request: compare parameters, body and Content-Type"
        }
    };
    let remedy = reason.and_then(Reason::remedy).unwrap_or(general);
    let message =
        format!("the server refuses requests: {part} are 4xx, mostly {status}{words}{whose}");
    Some(hint(Cause::Rejected, message, remedy))
}
