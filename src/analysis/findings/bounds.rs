//! Findings about the bounds that a run keeps to: on connections, on requests at once, on lateness.
//!
//! What waits at a bound of the user's or of this machine is not the target's doing.

use std::time::Duration;

use crate::analysis::findings::checks::{LOST_SHARE_MAX, finding};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity, send_lag_limit};
use crate::analysis::words::Count;
use crate::load::plan::{ChosenBy, LatePolicy, Limits};
use crate::measure::fate::Fate;
use crate::measure::summary::Summary;
use crate::time::Human;

impl Evidence<'_> {
    /// Whether all connections that may be open were, and requests were to wait for one. A bound that is not
    /// below that of requests never keeps one of them waiting.
    fn is_out_of_connections(&self) -> bool {
        let Limits { connections, in_flight, .. } = *self.limits;
        self.connections_peak >= connections && connections < in_flight
    }

    /// Whether requests had spent most of their deadline waiting for a connection, with answers that come
    /// quickly enough once they are sent.
    pub(super) fn is_lost_waiting(&self) -> bool {
        let waited = self.summary.send_lag.p50.value;
        let quick = self.is_quicker_than(self.patience());
        let lost = self.limits.deadline.is_some_and(|deadline| waited * 2 >= deadline);
        lost && quick && self.is_out_of_connections()
    }

    /// Whether a bound on requests at once of `places`, and not slow answers, keeps requests from being sent:
    /// answers are far below the tightest limit, or even the fastest of them would fill it.
    fn is_kept_by(&self, places: usize) -> bool {
        let (served, fates) = (&self.summary.total.service_time, &self.summary.total.fates);
        let silent = self.slots(fates.of(Fate::Timeout) + fates.of(Fate::Open)).share();
        let kept = match self.tightest_limit {
            Some(limit) => self.is_quicker_than(limit),
            None => self.rate_asked * served.min().as_secs_f64() * 2.0 >= places as f64,
        };
        served.count() > 0 && silent <= LOST_SHARE_MAX && kept
    }

    /// How soon answers come once requests are sent.
    fn answered_within(&self) -> String {
        let served = self.summary.total.service_time.quantile(0.95);
        format!("what is sent is answered within {} at p95", Human(served))
    }

    /// Whether answers take less than half of `limit` once requests are sent, as far as there are any.
    fn is_quicker_than(&self, limit: Duration) -> bool {
        let served = &self.summary.total.service_time;
        served.count() > 0 && served.quantile(0.95) * 2 < limit
    }

    /// Whether the target was too slow even with what reached it. More at once would not have been quicker.
    fn is_slow_once_sent(&self) -> bool {
        let fates = &self.summary.total.fates;
        let silent = self.slots(fates.of(Fate::Timeout) + fates.of(Fate::Open));
        let served = self.summary.total.service_time.quantile(0.95);
        silent.share() > LOST_SHARE_MAX || self.tightest_limit.is_some_and(|limit| served >= limit)
    }
}

/// How long TLS took to set up, where it was.
fn tls_set_up(summary: &Summary) -> String {
    let p99 = summary.tls.p99.value;
    if p99.is_zero() { String::new() } else { format!(" and TLS set up at p99 {}", Human(p99)) }
}

/// How long requests waited for connections at p99, where that is more than the generator may add and it
/// was on time itself.
fn wait_for_connections(evidence: &Evidence<'_>) -> Option<Duration> {
    let summary = evidence.summary;
    let (lag, limit) = (summary.send_lag.p99.value, send_lag_limit(evidence.tightest_limit));
    (lag > limit && summary.dispatch_lag.p99.value <= limit).then_some(lag)
}

/// Where answers come quickly once requests are sent, more might have been served with more connections.
pub(super) fn own_connection_limit(evidence: &Evidence<'_>) -> Option<Finding> {
    let lag = wait_for_connections(evidence)?;
    let own = evidence.limits.connections_by == ChosenBy::Program;
    if !own || !evidence.is_out_of_connections() || evidence.is_slow_once_sent() {
        return None;
    }
    Some(finding(
        Cause::ConnectionLimit,
        Severity::Invalid,
        format!(
            "the client was the limit: all connections that this machine leaves it ({}) were in use, so \
             requests waited for one: p99 {} from due to sent",
            Count(evidence.limits.connections as u64),
            Human(lag)
        ),
        "raise `ulimit -n` or widen net.ipv4.ip_local_port_range; if no more connections than these are \
         meant to be open, say so with --connections",
    ))
}

pub(super) fn connection_wait(evidence: &Evidence<'_>) -> Option<Finding> {
    let lag = wait_for_connections(evidence)?;
    if own_connection_limit(evidence).is_some() {
        return None;
    }
    let summary = evidence.summary;
    if evidence.is_out_of_connections() {
        let kept = evidence.is_kept_by(evidence.limits.connections) || evidence.is_lost_waiting();
        let blame = if kept {
            evidence.answered_within()
        } else {
            "the server holds more requests at once than there are connections".to_owned()
        };
        return Some(finding(
            Cause::ConnectionLimit,
            Severity::Warning,
            format!(
                "all connections ({}) were in use, so requests waited for one: p99 {} from due to sent; {}",
                Count(evidence.limits.connections as u64),
                Human(lag),
                evidence.unless_limited(&blame)
            ),
            "raise --connections if the target is meant to serve more at once; the wait is part of the response time",
        ));
    }
    Some(finding(
        Cause::ConnectWait,
        Severity::Info,
        format!(
            "requests waited for new connections: p99 {} from due to sent, with {} opened at p99 {} each{}; {}",
            Human(lag),
            Count(summary.connect.count),
            Human(summary.connect.p99.value),
            tls_set_up(summary),
            evidence.unless_limited("this is network and server time, the client was on time")
        ),
        "where connections are kept, a longer --warmup opens them before the measurement; check that the target \
         keeps them alive",
    ))
}

/// Names the bound that keeps requests back where that is not the server.
pub(super) fn shed(evidence: &Evidence<'_>) -> Option<Finding> {
    let part = evidence.fated(Fate::Shed)?;
    let Limits { in_flight, connections, late, .. } = *evidence.limits;
    let late = match late {
        LatePolicy::Send => None,
        LatePolicy::ShedAfter(limit) => Some(limit),
    };
    let or_late = late.map(|limit| format!(" or later than {}", Human(limit)));
    let served = evidence.answered_within();
    let (blame, remedy) = if evidence.is_out_of_connections() && evidence.is_kept_by(connections) {
        let connections = Count(connections as u64);
        (
            format!("all connections ({connections}) were in use, and {served}"),
            "raise --connections; what waits for one counts as in flight and is late the sooner",
        )
    } else if late.is_none() && evidence.is_kept_by(in_flight) {
        (
            format!("it is the cap that keeps them, for {served}"),
            "raise --max-in-flight, or leave it out",
        )
    } else {
        (
            "the server answers more slowly than requests arrive".to_owned(),
            match late {
                None => {
                    "the rate is beyond what the target holds; lower it, or raise --max-in-flight to let the \
                     queue grow"
                }
                Some(_) => {
                    "the rate is beyond what the target holds; lower it, or let requests be sent later (--late)"
                }
            },
        )
    };
    Some(finding(
        Cause::Shed,
        Severity::Warning,
        format!(
            "given up before they were sent: {part}, at the cap of {} in flight{}; {}",
            Count(in_flight as u64),
            or_late.unwrap_or_default(),
            evidence.unless_limited(&blame)
        ),
        evidence.remedy_unless_limited(remedy),
    ))
}
