//! Findings about exchanges that broke: one for each kind that no other check speaks of, with what exactly
//! broke, whose doing it is, and what to do.

use crate::analysis::findings::checks::finding;
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::measure::failure::{FailureKind, Reason};
use crate::measure::fate::TransportError as Kind;
use crate::time::{Human, Offset};

/// What is said of a kind, whatever it broke on.
struct Account {
    cause: Cause,
    /// Whose doing it is.
    blame: &'static str,
    /// What to do where the reason does not say it better.
    remedy: &'static str,
}

/// Everything there is to say about broken exchanges.
pub(super) fn find(evidence: &Evidence<'_>) -> Vec<Finding> {
    let broken = Kind::ALL.into_iter().filter_map(|kind| {
        let account = account(kind)?;
        Some(told(evidence, kind, &account)).flatten()
    });
    broken.chain(proxy_credentials(evidence)).collect()
}

fn told(evidence: &Evidence<'_>, kind: Kind, account: &Account) -> Option<Finding> {
    let part = evidence.broken(kind)?;
    let failure = evidence.summary.total.failures.of(FailureKind::Transport(kind));
    let since = failure.map(|failure| {
        format!("; first {} into the run", Human(failure.first_seen.since(Offset::ZERO)))
    });
    let reason = failure.and_then(|failure| failure.reason());
    // The reason may say no more than the kind does.
    let words = reason.map(Reason::words).filter(|words| !kind.explanation().contains(words));
    let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
    let severity = if kind.is_own() { evidence.own_error() } else { Severity::Warning };
    let perhaps_ours = comes_of_waiting(kind);
    let blame = if perhaps_ours { evidence.unless_limited(account.blame) } else { account.blame };
    let message =
        format!("{}{words}: {part}; {blame}{}", kind.explanation(), since.unwrap_or_default());
    let broken_off = matches!(kind, Kind::Reset | Kind::ClosedEarly);
    let nothing_answered = evidence.summary.total.statuses.is_empty();
    let general = if broken_off && nothing_answered { NOTHING_ANSWERED } else { account.remedy };
    let general = if perhaps_ours { evidence.remedy_unless_limited(general) } else { general };
    let remedy = reason.and_then(Reason::remedy).unwrap_or(general);
    Some(finding(account.cause, severity, message, remedy))
}

/// Whether a generator that does not come to its connections brings it about: its own time for a connection
/// runs out, or the server no longer waits for it.
const fn comes_of_waiting(kind: Kind) -> bool {
    matches!(kind, Kind::ConnectTimeout | Kind::Reset | Kind::ClosedEarly | Kind::Tls)
}

/// What to say of a kind; `None` where another check does.
const fn account(kind: Kind) -> Option<Account> {
    let (cause, blame, remedy) = match kind {
        Kind::Dns => (
            Cause::Dns,
            "neither the server nor its load is to blame, but the name service",
            "check the name, or give its address with --resolve",
        ),
        Kind::ConnectTimeout => (
            Cause::ConnectTimeout,
            "the network drops packets, or the server's accept queue is full",
            "check routes and firewalls, the listen backlog, and whether every address of the name is alive \
             (--resolve leaves one out)",
        ),
        Kind::ConnectFailed => (
            Cause::ConnectFailed,
            "the network or this machine's routes, not the server",
            "check routes, interfaces and firewalls of this machine, and whether every address of the name \
             can be reached (--resolve leaves one out)",
        ),
        Kind::Reset => (Cause::ConnectionReset, BROKEN_OFF, LOOK_AT_THE_SERVER),
        Kind::ClosedEarly => (Cause::ConnectionsBroken, BROKEN_OFF, LOOK_AT_THE_SERVER),
        Kind::Tls => (
            Cause::Tls,
            "server and client do not agree on TLS; it says nothing of the server's capacity",
            "check certificate, TLS versions and cipher suites of the server",
        ),
        Kind::Protocol => (
            Cause::Protocol,
            "the server, or a proxy before it, breaks the protocol",
            "look at one such answer with `steadfire once`, or with curl -v",
        ),
        Kind::RefusedStream => (
            Cause::RefusedStream,
            "the server takes no more of them, by its own limit on streams or as it shuts down",
            "raise its limit on concurrent streams, or look for restarts",
        ),
        Kind::Proxy => (
            Cause::Proxy,
            "the proxy is to blame, not the server behind it",
            "check that the proxy runs, is of the right kind, and may be used to reach the target",
        ),
        Kind::Template => (
            Cause::Template,
            "the profile's doing, not charged to the server",
            "`steadfire once PROFILE` shows which request cannot be filled",
        ),
        Kind::GoneAway => (
            Cause::GoneAway,
            "the server took the request and left without a word of it",
            "look for a limit on requests per connection or a reload that does not wait for requests under way",
        ),
        // These have checks of their own.
        Kind::ConnectRefused
        | Kind::StaleConnection
        | Kind::TooLarge
        | Kind::Unread
        | Kind::Unwritten
        | Kind::LocalExhausted => return None,
    };
    Some(Account { cause, blame, remedy })
}

const BROKEN_OFF: &str =
    "the server, or what stands before it, broke off in the middle of requests";
const LOOK_AT_THE_SERVER: &str = "a worker that crashed or was killed (memory), a restart, or a proxy's \
    limit: look at the log and at dmesg; a keep-alive timeout shorter than --idle-timeout does it too";
const NOTHING_ANSWERED: &str = "nothing was answered at all: a TLS port that is spoken to by http:// does so, \
    then write https://; else look at the target's log";

/// A forwarding proxy asks for credentials in place of the server.
fn proxy_credentials(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.bad_answers(407);
    (part.count > 0).then(|| {
        finding(
            Cause::ProxyCredentials,
            Severity::Warning,
            format!("the proxy wants a user name and password, the server was not reached: {part} are 407"),
            "put them before its host: --proxy http://USER:PASSWORD@HOST:PORT",
        )
    })
}
