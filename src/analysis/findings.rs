//! [`Finding`]: a reason to distrust a figure or to act, with its numbers, who is to blame (client,
//! network or server) and what to do.
//!
//! The list of causes is closed, and each finding reaches the result, so no reader sees less than another.

mod addresses;
mod answers;
mod auth;
mod bounds;
mod checks;
mod connections;
mod exchanges;
mod machine;
mod shortfall;
mod silence;

pub use shortfall::{Shortfall, feeder_ended, flows_unfinished};

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::plan::Limits;
use crate::measure::address_tally::AddressTally;
use crate::measure::attempts::Attempts;
use crate::measure::auth::AuthCounts;
use crate::measure::generator::Generator;
use crate::measure::silence::Silence;
use crate::measure::silent_connections::SilentConnections;
use crate::measure::summary::Summary;

/// A p99 of the send lag up to this is the noise of a healthy machine.
const LAG_FLOOR: Duration = Duration::from_millis(1);
/// The share of the tightest limit that the generator may add to a response time.
const LAG_SHARE: f64 = 0.05;

/// How much a finding weighs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SeverityName")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A figure is worse, or means something else, than it seems.
    Warning,
    /// The measurement says nothing about the target.
    Invalid,
}

/// What is wrong with one of several addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFault {
    /// Connections to it failed.
    Unreachable,
    /// Its answers are worse than those of the others, or fewer.
    Worse,
}

impl AddressFault {
    /// The stable name used in results.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unreachable => "address_failed",
            Self::Worse => "address_differs",
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The generator sent late.
    ClientLate,
    /// The generator lost arrivals.
    RateMissed,
    /// This machine ran out of file descriptors or ports.
    LocalExhausted,
    /// Workers had no processor time left.
    ClientCpu,
    /// Workers were kept off their processors.
    ClientWaited,
    /// The hypervisor ran something else.
    CpuStolen,
    /// A control group's quota stopped the generator.
    CpuThrottled,
    /// TCP had to send segments again.
    Retransmits,
    /// A listener on this machine had no room for connections.
    AcceptQueueFull,
    /// The generator did not move what lay in its sockets.
    Neglected,
    /// Hardly a file descriptor was left.
    DescriptorsNear,
    /// Hardly a local port was left.
    PortsNear,
    /// Of several addresses of the target, one has a fault.
    Address(AddressFault),
    /// Connections were accepted, and nothing ever came back on them.
    NeverAnswered,
    /// Requests waited for a connection because all were in use.
    ConnectionLimit,
    /// Requests waited for connections to be opened.
    ConnectWait,
    /// Arrivals were given up at the in-flight cap or by the late policy.
    Shed,
    /// Arrivals were not sent before the run ended.
    Unsent,
    /// Requests were unanswered after the drain.
    Open,
    /// Requests got no answer in time.
    Timeouts,
    /// Most of what the target did was to reject tokens.
    AuthStorm,
    /// The target rejected tokens now and then.
    TokenRejected,
    /// Tokens could not be renewed in time.
    RenewalFailed,
    /// The target limits the rate.
    RateLimited,
    /// The generator used connections that the target had given up.
    StaleConnections,
    /// Answers were past the bounds of what this program reads.
    TooLarge,
    /// Requests were sent once more, since the target had left them unprocessed.
    SentAgain,
    /// The target refused connections.
    ConnectRefused,
    /// The target stopped answering for good.
    TargetGone,
    /// The target could not be reached any more, for a reason that is not its own.
    WayGone,
    /// Requests without data gave their weight to others.
    Redistributed,
    /// A part of the load did not come up.
    Shortfall(Shortfall),
    /// Quantiles lie among slots that were never answered.
    Censored,
    /// Too few entries for a quantile.
    FewSamples,
    /// The run was stopped before its end.
    Interrupted,
    /// A figure moved in the course of the run.
    Drift,
    /// No figure moved in the course of the run.
    Stable,
    /// Whether a figure moved cannot be told.
    DriftUnknown,
    /// The rate is past what the target serves.
    Saturated,
    /// A few request names hold most of what is slow.
    SlowRequests,
    /// The target stood still now and then.
    StoodStill,
    /// The target answered nothing for a time, and nobody is to be named.
    Standstill,
    /// The target answered nothing each time after certain requests.
    Blocked,
    /// The served rate fell under a load that stayed.
    Collapsed,
    /// Everything is slow alike.
    Slow,
    /// The target failed with 5xx.
    ServerErrors,
    /// Nobody is logged in, and the target wants somebody.
    Unauthorized,
    /// The account lacks rights.
    Forbidden,
    /// The target refuses requests with 4xx.
    Rejected,
    /// The target closed connections in the middle of requests.
    ConnectionsBroken,
    /// The target reset connections.
    ConnectionReset,
    /// Names were not resolved.
    Dns,
    /// Connections were not made in time.
    ConnectTimeout,
    /// Connections could not be made.
    ConnectFailed,
    /// TLS failed.
    Tls,
    /// Answers broke the protocol.
    Protocol,
    /// The target left streams unanswered that it had taken.
    GoneAway,
    /// The target refused streams.
    RefusedStream,
    /// The proxy did not lead to the target.
    Proxy,
    /// The proxy wants credentials.
    ProxyCredentials,
    /// Requests could not be filled.
    Template,
    /// Answers lacked what was expected of them.
    ChecksFailed,
    /// Bodies were to be looked into and could not be read.
    UnreadBodies,
    /// Redirects were not followed.
    Redirects,
    /// The beginning of the run was unlike the rest.
    Unsettled,
    /// The run was ended because an objective was broken beyond doubt.
    Aborted,
    /// What was monitored, and what of it turned before the response time did.
    TurnedFirst,
    /// Somebody changed the rate or set a mark while it ran.
    Steered,
}

impl Cause {
    /// The stable name used in results.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ClientLate => "client_late",
            Self::RateMissed => "rate_missed",
            Self::LocalExhausted => "local_exhausted",
            Self::ClientCpu => "client_cpu",
            Self::ClientWaited => "client_waited",
            Self::CpuStolen => "cpu_stolen",
            Self::CpuThrottled => "cpu_throttled",
            Self::Retransmits => "retransmits",
            Self::AcceptQueueFull => "accept_queue_full",
            Self::Neglected => "neglected",
            Self::DescriptorsNear => "descriptors_near",
            Self::PortsNear => "ports_near",
            Self::Address(fault) => fault.id(),
            Self::NeverAnswered => "never_answered",
            Self::ConnectionLimit => "connection_limit",
            Self::ConnectWait => "connect_wait",
            Self::Shed => "shed",
            Self::Unsent => "unsent",
            Self::Open => "open",
            Self::Timeouts => "timeouts",
            Self::AuthStorm => "auth_storm",
            Self::TokenRejected => "token_rejected",
            Self::RenewalFailed => "renewal_failed",
            Self::RateLimited => "rate_limited",
            Self::StaleConnections => "stale_connections",
            Self::TooLarge => "too_large",
            Self::SentAgain => "sent_again",
            Self::ConnectRefused => "connect_refused",
            Self::TargetGone => "target_gone",
            Self::WayGone => "way_gone",
            Self::Redistributed => "redistributed",
            Self::Shortfall(shortfall) => shortfall.id(),
            Self::Censored => "censored",
            Self::FewSamples => "few_samples",
            Self::Interrupted => "interrupted",
            Self::Drift => "drift",
            Self::Stable => "stable",
            Self::DriftUnknown => "drift_unknown",
            Self::Saturated => "saturated",
            Self::SlowRequests => "slow_requests",
            Self::StoodStill => "stood_still",
            Self::Standstill => "standstill",
            Self::Blocked => "blocked",
            Self::Collapsed => "collapsed",
            Self::Slow => "slow",
            Self::ServerErrors => "server_errors",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Rejected => "rejected",
            Self::ConnectionsBroken => "connections_broken",
            Self::ConnectionReset => "connection_reset",
            Self::Dns => "dns",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectFailed => "connect_failed",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::GoneAway => "goaway",
            Self::RefusedStream => "refused_stream",
            Self::Proxy => "proxy",
            Self::ProxyCredentials => "proxy_credentials",
            Self::Template => "template",
            Self::ChecksFailed => "checks_failed",
            Self::UnreadBodies => "unread_bodies",
            Self::Redirects => "redirects",
            Self::Unsettled => "unsettled",
            Self::Aborted => "aborted",
            Self::TurnedFirst => "turned_first",
            Self::Steered => "steered",
        }
    }
}

impl Cause {
    /// Whether it is that the generator could not hold the schedule.
    const fn is_lateness(self) -> bool {
        matches!(self, Self::ClientLate | Self::RateMissed)
    }

    /// Whether it is a reason for that.
    const fn explains_lateness(self) -> bool {
        matches!(self, Self::ClientCpu | Self::ClientWaited | Self::CpuStolen | Self::CpuThrottled)
    }
}

/// One reason to distrust a figure or to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub cause: Cause,
    /// How much it weighs.
    pub severity: Severity,
    /// What was seen, with numbers, and whose doing it is.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    /// Whether the generator is at a limit that another try would meet again, rather than disturbed for a
    /// moment.
    pub fn is_steady_limit(&self) -> bool {
        let worn_out = matches!(self.cause, Cause::ClientCpu | Cause::CpuThrottled);
        worn_out || self.severity == Severity::Invalid && self.cause != Cause::ClientLate
    }
}

/// A request whose pool stayed empty, so that others took over its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redistribution {
    /// The request that is not sent.
    pub request: String,
    /// The pool that is empty.
    pub pool: String,
}

/// All that findings are drawn from.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The run's totals.
    pub summary: &'a Summary,
    /// The smallest limit on a response time, if any.
    pub tightest_limit: Option<Duration>,
    /// The plan's bounds.
    pub limits: &'a Limits,
    /// Arrivals per second that the plan asked for.
    pub rate_asked: f64,
    /// Attempts to connect, by address of the target.
    pub attempts: &'a [Attempts],
    /// What came of requests, by address of the target; empty where it has one.
    pub by_address: &'a [AddressTally],
    /// Connections on which nothing was said.
    pub silent_connections: SilentConnections,
    /// The most connections open at one time, over all workers.
    pub connections_peak: usize,
    /// What it took to hold tokens; `None` where requests carry none.
    pub auth: Option<AuthCounts>,
    /// Why the latest attempt to renew one failed.
    pub auth_failure: Option<&'a str>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// How long what was unanswered was waited for once arrivals had ended.
    pub drained: Duration,
    /// The stretch at the end in which nothing was answered, if there is one.
    pub silence: Option<&'a Silence>,
    /// Redirects among the good answers that were neither followed nor expected.
    pub redirects_taken_for_good: u64,
    /// Requests that gave their weight to others.
    pub redistributed: &'a [Redistribution],
    /// Whether an objective fails that would hold but for errors of the generator's own.
    pub fails_by_own_errors: bool,
    /// An objective that fails and would hold but for the generator's own lateness.
    pub fails_by_lateness: Option<&'a str>,
    /// What the machine gave the generator.
    pub generator: Generator,
}

/// The largest p99 of the send lag with which a run is valid: 1 ms, or 5 % of the tightest limit if that
/// is more.
pub fn send_lag_limit(tightest_limit: Option<Duration>) -> Duration {
    tightest_limit.map_or(LAG_FLOOR, |limit| limit.mul_f64(LAG_SHARE).max(LAG_FLOOR))
}

/// Everything there is to say about a run, the gravest first.
pub fn find(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = checks::ALL.iter().filter_map(|check| check(evidence)).collect();
    findings.extend(exchanges::find(evidence));
    findings.extend(answers::find(evidence));
    gravest_first(&mut findings);
    findings
}

/// What to say of a run that was steered by hand into so many segments; `changed` says whether the load
/// itself was changed and not only marked.
pub fn steered(segments: usize, changed: bool) -> Finding {
    let (severity, what) = if changed {
        (Severity::Warning, "its rate was changed by hand while it ran")
    } else {
        (Severity::Info, "it was marked by hand while it ran")
    };
    Finding {
        cause: Cause::Steered,
        severity,
        message: format!("{what}: the figures of the whole mix {segments} segments"),
        remedy: "read its segments; for figures that can be compared, leave a run alone".to_owned(),
    }
}

/// Sorts by severity and keeps the order otherwise.
pub fn gravest_first(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
}

/// Why the generator was the limit, with what explains it; `None` if it was not.
pub fn generator_limit(findings: &[Finding]) -> Option<String> {
    let first = findings.first().filter(|finding| finding.severity == Severity::Invalid)?;
    let reason = findings.iter().find(|finding| finding.cause.explains_lateness());
    Some(match reason {
        Some(reason) if first.cause.is_lateness() => {
            format!("{}; {}", first.message, reason.message)
        }
        _ => first.message.clone(),
    })
}

#[cfg(test)]
mod tests;
