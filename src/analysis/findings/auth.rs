//! Findings about tokens: answers of 401, and renewals that failed.

use crate::analysis::findings::checks::{PATTERN_SHARE, finding};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::analysis::words::{Count, Part};
use crate::measure::auth::AuthCounts;

/// The share of answers from which on 401s are what is measured.
const STORM_SHARE: f64 = 0.1;

/// The 401s of requests that carry tokens, if there are any.
fn rejected(evidence: &Evidence<'_>) -> Option<(Part, AuthCounts)> {
    let (part, auth) = (evidence.bad_answers(401), evidence.auth?);
    (part.count > 0).then_some((part, auth))
}

pub(super) fn auth_storm(evidence: &Evidence<'_>) -> Option<Finding> {
    let (part, auth) = rejected(evidence)?;
    if part.share() < STORM_SHARE {
        return None;
    }
    let remedy = if auth.log_ins == 0 {
        "check the key or credentials under `auth`; the other figures say little about the service"
    } else {
        "check the token's lifetime, the target's clock, and how many log-ins an account may have at once; \
         the other figures say little about the service"
    };
    Some(finding(
        Cause::AuthStorm,
        Severity::Warning,
        format!("a storm of 401s: {part} reject the token{}", renewals(auth)),
        remedy,
    ))
}

pub(super) fn token_rejected(evidence: &Evidence<'_>) -> Option<Finding> {
    let (part, auth) = rejected(evidence)?;
    let pattern = part.share() >= PATTERN_SHARE || auth.rejections > 0;
    if part.share() >= STORM_SHARE || !pattern {
        return None;
    }
    let issued = if auth.log_ins == 0 { "the token" } else { "the token it had issued" };
    Some(finding(
        Cause::TokenRejected,
        Severity::Warning,
        format!("the server rejected {issued}: {part} are 401{}", renewals(auth)),
        "check the token's lifetime and how many log-ins an account may have at once",
    ))
}

/// What renewing brought.
fn renewals(auth: AuthCounts) -> String {
    match (auth.rejections, auth.failures) {
        (0, 0) => String::new(),
        (0, failures) => format!("; renewing it failed {}", times(failures)),
        (rejections, _) => format!("; it was renewed {} because of that", times(rejections)),
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", Count(count)) }
}

pub(super) fn renewal_failed(evidence: &Evidence<'_>) -> Option<Finding> {
    let auth = evidence.auth.filter(|auth| auth.failures > 0)?;
    let last = evidence.auth_failure.map(|last| format!("; at last: {last}")).unwrap_or_default();
    Some(finding(
        Cause::RenewalFailed,
        Severity::Warning,
        format!(
            "renewing a token failed {} during the load, and the old one was kept{last}",
            times(auth.failures)
        ),
        "a log-in that works before the load and fails during it points to an overloaded or limited log-in; \
         lower auth.rate, or let tokens live for longer",
    ))
}
