//! Findings about answers that came and could not be dealt with: bodies that are not read, and redirects.

use std::collections::BTreeMap;

use crate::analysis::findings::checks::{PATTERN_SHARE, finding};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::analysis::words::Part;
use crate::load::expect::Trouble;
use crate::load::redirect::is_redirect;

/// What is said of a trouble.
struct Account {
    cause: Cause,
    /// What happened, and whose doing it is.
    words: &'static str,
    remedy: &'static str,
}

/// Everything there is to say about such answers.
pub(super) fn find(evidence: &Evidence<'_>) -> Vec<Finding> {
    let troubles = Trouble::ALL.into_iter().filter_map(|trouble| told(evidence, trouble));
    troubles.chain(taken_for_good(evidence)).chain(taken_for_bad(evidence)).collect()
}

fn told(evidence: &Evidence<'_>, trouble: Trouble) -> Option<Finding> {
    let Account { cause, words, remedy } = account(trouble)?;
    let part = answers(evidence, evidence.summary.total.troubles(trouble));
    let severity = if trouble.is_own() { evidence.own_error() } else { Severity::Warning };
    (part.count > 0).then(|| finding(cause, severity, format!("{words}: {part}"), remedy))
}

fn answers(evidence: &Evidence<'_>, count: u64) -> Part {
    Part { count, of: evidence.summary.total.statuses.values().sum(), things: "answers" }
}

/// What to say of a trouble; `None` where it is the profile's to explain.
const fn account(trouble: Trouble) -> Option<Account> {
    let (cause, words, remedy) = match trouble {
        Trouble::Brotli => (Cause::UnreadBodies, BROTLI, PLAIN_BODIES),
        Trouble::Zstandard => (Cause::UnreadBodies, ZSTANDARD, PLAIN_BODIES),
        Trouble::Encoding => (Cause::UnreadBodies, ENCODING, PLAIN_BODIES),
        Trouble::TooLong => (
            Cause::UnreadBodies,
            "bodies were to be looked into past the first MiB, which is what is kept here; not charged to \
             the server",
            "look for what stands in the first MiB, or ask for shorter answers",
        ),
        Trouble::NotGzip | Trouble::NotDeflate => (
            Cause::UnreadBodies,
            "bodies are not encoded as their Content-Encoding says, or are broken off; the server's doing",
            "look at one with `steadfire once`; a proxy or a middleware may have set the header twice",
        ),
        Trouble::OtherScheme => (
            Cause::Redirects,
            "redirects lead to the same host by another scheme, mostly from http:// to https://, and were \
             not followed",
            "give the target with the scheme that it redirects to: https://…",
        ),
        Trouble::OtherHost => (
            Cause::Redirects,
            "redirects lead to another host and were not followed",
            "give that host as the target, or leave such requests out",
        ),
        Trouble::TooManyRedirects => (
            Cause::Redirects,
            "there were more redirects than `redirects` in the profile allows",
            "raise it, or see with `steadfire once` whether they go round in a circle",
        ),
        Trouble::NoLocation => (
            Cause::Redirects,
            "redirects do not say where to, and could not be followed; the server's doing",
            "look at one with `steadfire once`",
        ),
        Trouble::NothingToFill | Trouble::NotJson | Trouble::LinkElsewhere => return None,
    };
    Some(Account { cause, words, remedy })
}

const BROTLI: &str = "bodies in br (Brotli) were to be looked into, which is not read here; not charged to the server";
const ZSTANDARD: &str = "bodies in zstd (Zstandard) were to be looked into, which is not read here; not charged to the server";
const ENCODING: &str = "bodies in a content encoding that is not read here were to be looked into; not \
    charged to the server";
const PLAIN_BODIES: &str =
    "ask for bodies that can be read: the header Accept-Encoding: gzip, or identity";

/// Redirects that count as good answers, since nothing says otherwise, and that nobody may have meant.
fn taken_for_good(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = answers(evidence, evidence.redirects_taken_for_good);
    (part.count > 0 && part.share() >= PATTERN_SHARE).then(|| {
        finding(
            Cause::Redirects,
            Severity::Warning,
            format!(
                "redirects were counted as good answers and not followed: {part}; the figures are those of \
                 the redirects, not of what they lead to"
            ),
            "see with `steadfire once` or curl -sI where they lead (Location), mostly from http:// to \
             https://, and give that as the target; or follow them with `redirects` in the profile, or say \
             that they are meant with `expect: {status: 301}`",
        )
    })
}

/// Redirects that count as errors, since another status is expected and nothing says to follow them.
fn taken_for_bad(evidence: &Evidence<'_>) -> Option<Finding> {
    let redirects = |statuses: &BTreeMap<u16, u64>| -> u64 {
        statuses.iter().filter(|(status, _)| is_redirect(**status)).map(|(_, count)| count).sum()
    };
    let total = &evidence.summary.total;
    let followed = Trouble::ALL.into_iter().filter(|trouble| is_of_redirects(*trouble));
    let followed: u64 = followed.map(|trouble| total.troubles(trouble)).sum();
    let part = answers(evidence, redirects(&total.bad_statuses).saturating_sub(followed));
    (part.count > 0 && part.share() >= PATTERN_SHARE).then(|| {
        finding(
            Cause::Redirects,
            Severity::Warning,
            format!("redirects were counted as errors and not followed: {part}"),
            "see with `steadfire once` or curl -sI where they lead (Location), and give that as the target; or \
             follow them with `redirects: 3` in the profile, or say that they are meant with \
             `expect: {status: 302}`",
        )
    })
}

/// Whether a trouble is told as one with redirects.
fn is_of_redirects(trouble: Trouble) -> bool {
    account(trouble).is_some_and(|account| account.cause == Cause::Redirects)
}
