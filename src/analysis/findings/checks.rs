//! The checks behind the findings, one function per cause or pair of causes that exclude each other.
//!
//! Each draws on the evidence alone and returns nothing where there is nothing to say.

use std::time::Duration;

use crate::analysis::findings::addresses::address_differs;
use crate::analysis::findings::auth::{auth_storm, renewal_failed, token_rejected};
use crate::analysis::findings::bounds::{connection_wait, own_connection_limit, shed};
use crate::analysis::findings::connections::{sent_again, stale_connections, too_large};
use crate::analysis::findings::machine::{
    accept_queue, client_cpu, client_waited, cpu_stolen, cpu_throttled, descriptors_near,
    ports_near, retransmits,
};
use crate::analysis::findings::silence::target_gone;
use crate::analysis::findings::{AddressFault, Cause, Evidence, Finding, Severity, send_lag_limit};
use crate::analysis::words::{Count, Part};
use crate::load::plan::Limits;
use crate::load::rate::Figures;
use crate::measure::fate::{Fate, TransportError};
use crate::measure::summary::LatencySummary;
use crate::time::Human;

/// The share of arrivals the generator may lose before the rate counts as missed.
pub(super) const LOST_SHARE_MAX: f64 = 0.01;
/// The share of answers from which on a status counts as a pattern rather than an accident.
pub(super) const PATTERN_SHARE: f64 = 0.01;
/// Entries that must lie beyond a quantile for it to be worth quoting.
const BEYOND_MIN: f64 = 10.0;

/// Every check, those about the generator first.
pub(super) const ALL: &[fn(&Evidence<'_>) -> Option<Finding>] = &[
    client_late,
    objective_late,
    rate_missed,
    client_cpu,
    client_waited,
    cpu_stolen,
    cpu_throttled,
    local_exhausted,
    neglected,
    descriptors_near,
    ports_near,
    retransmits,
    accept_queue,
    address_failed,
    address_differs,
    own_connection_limit,
    connection_wait,
    target_gone,
    connect_refused,
    timeouts,
    never_answered,
    shed,
    unsent,
    open,
    auth_storm,
    token_rejected,
    renewal_failed,
    rate_limited,
    stale_connections,
    sent_again,
    too_large,
    censored,
    few_samples,
    redistributed,
    interrupted,
];

/// The checks that tell whether the generator was the limit.
const OWN_LIMITS: &[fn(&Evidence<'_>) -> Option<Finding>] =
    &[client_late, objective_late, rate_missed, neglected, own_connection_limit];

/// Said in place of blame.
pub(super) const MAY_BE_OURS: &str = "the client was the limit, so this may be its own doing";
/// What to do then.
pub(super) const MEASURE_AGAIN: &str = "see to what is said of the client first and measure again; this run tells nothing of the target";

impl Evidence<'_> {
    pub(super) fn planned(&self) -> u64 {
        self.summary.total.fates.planned()
    }

    pub(super) fn slots(&self, count: u64) -> Part {
        Part { count, of: self.planned(), things: "slots" }
    }

    pub(super) fn fated(&self, fate: Fate) -> Option<Part> {
        let count = self.summary.total.fates.of(fate);
        (count > 0).then(|| self.slots(count))
    }

    pub(super) fn broken(&self, kind: TransportError) -> Option<Part> {
        let count = self.summary.errors(kind);
        (count > 0).then(|| self.slots(count))
    }

    /// Answers with `status` where another was expected.
    pub(super) fn bad_answers(&self, status: u16) -> Part {
        let of = self.summary.total.statuses.values().sum();
        Part { count: self.summary.bad_answers(status), of, things: "answers" }
    }

    /// How long an answer may take at most.
    pub(super) fn patience(&self) -> Duration {
        let Limits { timeout, deadline, .. } = *self.limits;
        deadline.map_or(timeout, |deadline| deadline.min(timeout))
    }

    /// Whether the generator was the limit. What took long or broke off may then be its doing.
    pub(super) fn is_limited(&self) -> bool {
        let own = OWN_LIMITS.iter().filter_map(|check| check(self));
        self.fails_by_own_errors || own.into_iter().any(|one| one.severity == Severity::Invalid)
    }

    /// `blame` of the target, unless the generator was the limit and may have caused it.
    pub(super) fn unless_limited<'b>(&self, blame: &'b str) -> &'b str {
        if self.is_limited() { MAY_BE_OURS } else { blame }
    }

    /// What to do about what the target is blamed for, unless the generator may have caused it.
    pub(super) fn remedy_unless_limited<'b>(&self, remedy: &'b str) -> &'b str {
        if self.is_limited() { MEASURE_AGAIN } else { remedy }
    }

    /// How much an error of the generator's own weighs: an objective must not fail by it. The rate that is
    /// lost with it is judged apart.
    pub(super) fn own_error(&self) -> Severity {
        if self.fails_by_own_errors { Severity::Invalid } else { Severity::Warning }
    }

    /// Unsent slots that no worker ever took up. One that was taken up waited for the target.
    fn never_taken_up(&self) -> u64 {
        let without_dispatch = self.planned().saturating_sub(self.summary.dispatch_lag.count);
        self.summary.total.fates.of(Fate::Unsent).min(without_dispatch)
    }
}

pub(super) fn finding(cause: Cause, severity: Severity, message: String, remedy: &str) -> Finding {
    Finding { cause, severity, message, remedy: remedy.to_owned() }
}

pub(super) fn client_late(evidence: &Evidence<'_>) -> Option<Finding> {
    let (lag, limit) =
        (evidence.summary.dispatch_lag.p99.value, send_lag_limit(evidence.tightest_limit));
    if lag <= limit {
        return None;
    }
    Some(finding(
        Cause::ClientLate,
        Severity::Invalid,
        format!(
            "the client was the limit: it came to its requests late, p99 {} after they were due (at most {})",
            Human(lag),
            Human(limit)
        ),
        "lower the rate, leave this machine more CPU, or raise --threads",
    ))
}

/// Its lateness may be rare enough for the run as a whole and still decide an objective at a high quantile.
fn objective_late(evidence: &Evidence<'_>) -> Option<Finding> {
    let objective = evidence.fails_by_lateness.filter(|_| client_late(evidence).is_none())?;
    let lag = evidence.summary.dispatch_lag.max.value;
    let how = if lag > send_lag_limit(evidence.tightest_limit) {
        format!("requests left up to {} after they were due", Human(lag))
    } else {
        "requests left on time, but it stood still while they were under way".to_owned()
    };
    Some(finding(
        Cause::ClientLate,
        Severity::Invalid,
        format!("the client was the limit: {objective} fails by its own lateness alone; {how}"),
        "measure again; if it stays so, leave this machine more CPU, or lower the rate",
    ))
}

pub(super) fn rate_missed(evidence: &Evidence<'_>) -> Option<Finding> {
    let left = if evidence.interrupted { 0 } else { evidence.never_taken_up() };
    let lost = evidence.slots(left + evidence.summary.errors(TransportError::LocalExhausted));
    if lost.share() <= LOST_SHARE_MAX {
        return None;
    }
    Some(finding(
        Cause::RateMissed,
        Severity::Invalid,
        format!(
            "the client missed the rate: {}/s of {}/s, since {lost} were lost on its side",
            Figures(evidence.summary.achieved()),
            Figures(evidence.rate_asked)
        ),
        "lower the rate, or raise --threads",
    ))
}

fn local_exhausted(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.broken(TransportError::LocalExhausted)?;
    Some(finding(
        Cause::LocalExhausted,
        evidence.own_error(),
        format!(
            "the client ran out of file descriptors or local ports: {part}; not charged to the server"
        ),
        "raise `ulimit -n`, widen net.ipv4.ip_local_port_range, or let the target keep connections alive",
    ))
}

/// Whatever the objectives say: a client that left answers unread knows nothing of the server.
fn neglected(evidence: &Evidence<'_>) -> Option<Finding> {
    let kinds = [TransportError::Unread, TransportError::Unwritten];
    let part = evidence.slots(kinds.iter().map(|&kind| evidence.summary.errors(kind)).sum());
    if part.count == 0 {
        return None;
    }
    Some(finding(
        Cause::Neglected,
        Severity::Invalid,
        format!(
            "the client was the limit: when the time of {part} was up, answers lay unread in its sockets, or \
             requests unwritten; not charged to the server"
        ),
        "lower the rate or ask for smaller answers; if this machine was not busy, it is a fault of this \
         program and worth a report",
    ))
}

/// Where the target has a single address, its failures are those of slots.
fn address_failed(evidence: &Evidence<'_>) -> Option<Finding> {
    let attempts = evidence.attempts;
    let failed = attempts.iter().filter(|one| one.failed() > 0);
    let told: Vec<String> = failed
        .filter_map(|one| {
            let part = Part { count: one.failed(), of: one.made, things: "attempts" };
            Some(format!("{} ({part}: {})", one.address, one.main_failure()?.explanation()))
        })
        .collect();
    if told.is_empty() || attempts.len() < 2 {
        return None;
    }
    let passed_over = attempts.iter().all(|one| one.failed() == one.passed_over);
    let rest = match told.len() < attempts.len() {
        true if passed_over => "; the load went to the others",
        true => "; requests that were given them failed where something took the connection",
        false => "",
    };
    Some(finding(
        Cause::Address(AddressFault::Unreachable),
        Severity::Warning,
        format!(
            "connections to {} of the target's {} addresses failed: {}{rest}",
            told.len(),
            attempts.len(),
            told.join(", ")
        ),
        "if it is meant to serve, bring it back; else take it out of the name, or name the others with --resolve",
    ))
}

fn connect_refused(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.broken(TransportError::ConnectRefused)?;
    Some(finding(
        Cause::ConnectRefused,
        Severity::Warning,
        format!("the server refused connections in mid-run: {part}"),
        "check whether it restarted, and its listen backlog and connection limit",
    ))
}

fn timeouts(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.fated(Fate::Timeout)?;
    let Limits { timeout, deadline, connections, .. } = *evidence.limits;
    if let Some(deadline) = deadline.filter(|_| evidence.is_lost_waiting()) {
        return Some(finding(
            Cause::Timeouts,
            Severity::Warning,
            format!(
                "no answer in time: {part}; of the deadline of {} after they were due, most was gone before \
                 one of the {} connections was free",
                Human(deadline),
                Count(connections as u64)
            ),
            "these count as slower than every answer; raise --connections, or the --deadline to let them wait",
        ));
    }
    let limit = match deadline.filter(|deadline| *deadline < timeout) {
        Some(deadline) => format!("the deadline of {} after they were due", Human(deadline)),
        None => Human(timeout).to_string(),
    };
    let blame = format!("the server, or the network before it, took longer than {limit}");
    Some(finding(
        Cause::Timeouts,
        Severity::Warning,
        format!("no answer in time: {part}; {}", evidence.unless_limited(&blame)),
        evidence.remedy_unless_limited(
            "these count as slower than every answer; find what the target waited for: a free database \
             connection, a lock, an upstream service, or an event loop that something blocks",
        ),
    ))
}

/// The kernel accepts a connection for a server that may never come to it. What looks like a slow answer is
/// then a place in a queue.
fn never_answered(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.slots(evidence.silent_connections.unanswered);
    // An address that answers less than the others is not full.
    if part.count == 0 || evidence.is_limited() || address_differs(evidence).is_some() {
        return None;
    }
    Some(finding(
        Cause::NeverAnswered,
        Severity::Info,
        format!(
            "nothing ever came back on the connection of {part}: the target's system accepted it, the target \
             itself perhaps never; it may serve fewer connections at once than the {} that were open",
            Count(evidence.connections_peak as u64)
        ),
        "if the target has a worker or thread per connection, give it more of them, or hold fewer \
         connections: --disable-keepalive, or a smaller --connections",
    ))
}

fn unsent(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.fated(Fate::Unsent)?;
    Some(finding(
        Cause::Unsent,
        Severity::Warning,
        format!("still unsent when the run ended: {part}"),
        "they count as errors; if the run was not stopped by hand, the backlog outgrew it",
    ))
}

fn open(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.fated(Fate::Open)?;
    if evidence.interrupted && evidence.drained < evidence.limits.drain {
        return Some(finding(
            Cause::Open,
            Severity::Warning,
            format!("unanswered when the wait for it was ended: {part}"),
            "they count as errors, although they may have been answered soon; let the run end by itself",
        ));
    }
    Some(finding(
        Cause::Open,
        Severity::Warning,
        format!(
            "unanswered after a drain of {}: {part}; {}",
            Human(evidence.limits.drain),
            evidence.unless_limited("the server still held them")
        ),
        "raise --drain to wait for them; they count as errors, slower than every answer",
    ))
}

fn rate_limited(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.bad_answers(429);
    if part.count == 0 || part.share() < PATTERN_SHARE {
        return None;
    }
    Some(finding(
        Cause::RateLimited,
        Severity::Warning,
        format!("a rate limiter before or in the server answered: {part} are 429"),
        "switch it off for the test or raise its limit; otherwise it is the limiter that is measured",
    ))
}

fn censored(evidence: &Evidence<'_>) -> Option<Finding> {
    let times = LatencySummary::from(&evidence.summary.total.response_time);
    let named = [("p50", times.p50), ("p95", times.p95), ("p99", times.p99)];
    let (name, quantile) = named.into_iter().find(|(_, quantile)| quantile.at_least)?;
    let above = if name == "p99" { "" } else { " and what lies above it" };
    let fates = &evidence.summary.total.fates;
    let waited_for = fates.of(Fate::Timeout) + fates.of(Fate::Open);
    let Limits { timeout, deadline, .. } = *evidence.limits;
    let remedy = if 2 * waited_for < times.censored {
        "no wait would have shown more of most of them: see what is said of how they ended"
    } else if deadline.is_some_and(|deadline| deadline < timeout) {
        "the true value is larger; raise --deadline and --drain to see more of it, or lower the rate"
    } else {
        "the true value is larger; raise --timeout and --drain to see more of it, or lower the rate"
    };
    Some(finding(
        Cause::Censored,
        Severity::Warning,
        format!(
            "{name}{above} can only be bounded, {name} ≥ {}: {} were never answered",
            Human(quantile.value),
            evidence.slots(times.censored)
        ),
        remedy,
    ))
}

fn few_samples(evidence: &Evidence<'_>) -> Option<Finding> {
    let count = evidence.summary.total.response_time.count();
    let (name, quantile) = [("p95", 0.95), ("p99", 0.99)]
        .into_iter()
        .find(|(_, quantile)| (count as f64) * (1.0 - quantile) < BEYOND_MIN - 1e-6)
        // Where nothing was answered, other findings say so.
        .filter(|_| count > 0)?;
    Some(finding(
        Cause::FewSamples,
        Severity::Info,
        format!(
            "{} response times are few for {name}: it takes {} to have ten beyond it",
            Count(count),
            Figures(BEYOND_MIN / (1.0 - quantile))
        ),
        "run longer or at a higher rate before quoting it",
    ))
}

fn redistributed(evidence: &Evidence<'_>) -> Option<Finding> {
    let names: Vec<_> = evidence
        .redistributed
        .iter()
        .map(|gone| format!("{} (pool {} is empty)", gone.request, gone.pool))
        .collect();
    if names.is_empty() {
        return None;
    }
    Some(finding(
        Cause::Redistributed,
        Severity::Info,
        format!("not sent, their weight went to the rest of their group: {}", names.join(", ")),
        "seed the target's data so that the whole mix is measured",
    ))
}

fn interrupted(evidence: &Evidence<'_>) -> Option<Finding> {
    if !evidence.interrupted {
        return None;
    }
    Some(finding(
        Cause::Interrupted,
        Severity::Warning,
        format!("stopped before its end; the figures cover {}", Human(evidence.summary.length)),
        "let it run to the end for figures that can be compared",
    ))
}
