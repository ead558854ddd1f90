//! [`Plan`]: one resolved, validated run. If it exists, it can run.

use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::load::auth::Auth;
use crate::load::body::Body;
use crate::load::extract::Extraction;
use crate::load::feeder::Feeder;
use crate::load::flow::Flows;
use crate::load::rate::Rate;
use crate::load::request::{RequestTemplate, Template};
use crate::load::schedule::{Arrivals, Horizon, Schedule};
use crate::load::set_cookie::Channel;
use crate::load::slo::{Slo, Tiers};
use crate::load::stages::Stages;
use crate::load::trace::Trace;
use crate::load::way::Way;

/// Plain or encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS over TCP.
    Https,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Plain or encrypted.
    pub scheme: Scheme,
    /// Name or address, without brackets.
    pub host: String,
    /// Port number.
    pub port: u16,
    /// What the Host header says: the host, and the port unless it is the scheme's own.
    pub authority: String,
    /// Prefix of every path, without a trailing slash; often empty.
    pub base_path: String,
}

impl Origin {
    /// Whether the host is this machine, as far as its name tells (RFC 6761 for `localhost`).
    pub fn is_on_this_machine(&self) -> bool {
        let named = self.host == "localhost" || self.host.ends_with(".localhost");
        named || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether `Secure` cookies go there: browsers take loopback for as safe as TLS.
    pub fn channel(&self) -> Channel {
        match self.scheme {
            Scheme::Http if !self.is_on_this_machine() => Channel::Plain,
            Scheme::Http | Scheme::Https => Channel::Secure,
        }
    }
}

/// What an arrival that comes late is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatePolicy {
    /// It is sent, however late; its lag counts in the response time.
    #[default]
    Send,
    /// It is shed once it is later than this.
    ShedAfter(Duration),
}

/// Who tells when an answer arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReceiveClock {
    /// The kernel, where it stamps what a socket receives.
    #[default]
    Kernel,
    /// This program, once it has been woken and has read.
    User,
}

/// Who chose a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChosenBy {
    /// Nobody but this program: what it holds back is the generator's doing.
    #[default]
    Program,
    /// Whoever started the run.
    User,
    /// Whoever started the run, by another bound that it follows from.
    Implied,
}

/// Bounds on everything that could grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections, over all workers.
    pub connections: usize,
    /// Who chose that many.
    pub connections_by: ChosenBy,
    /// Requests at once on a connection of HTTP/2; the server may allow fewer.
    pub streams: usize,
    /// Requests sent and unanswered plus those waiting for a connection, over all workers; an arrival
    /// past it is shed.
    pub in_flight: usize,
    /// Flows under way, those that think included, over all workers; the start of one past it is shed.
    pub flows: usize,
    /// From the send to the last byte.
    pub timeout: Duration,
    /// From the due instant to the last byte; absent means no limit.
    pub deadline: Option<Duration>,
    /// For connecting, proxy and TLS set-up together.
    pub connect_timeout: Duration,
    /// A connection idle for longer is closed rather than used again.
    pub idle_timeout: Duration,
    /// How long unanswered requests are waited for once arrivals have ended.
    pub drain: Duration,
    /// What happens to late arrivals.
    pub late: LatePolicy,
}

impl Default for Limits {
    /// Those of the command line.
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_by: ChosenBy::Program,
            streams: 100,
            in_flight: 10_000,
            // With its variables and cookies, each takes a kilobyte or so.
            flows: 500_000,
            timeout: Duration::from_secs(10),
            deadline: None,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(4),
            drain: Duration::from_secs(30),
            late: LatePolicy::Send,
        }
    }
}

/// A request sent before the load, whose answer is read.
#[derive(Clone, Debug)]
pub struct SetupRequest {
    /// Shown in errors.
    pub name: String,
    /// HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: Template,
    /// In the order sent.
    pub headers: Vec<(http::HeaderName, Template)>,
    /// Absent sends none.
    pub body: Option<Body>,
    /// What it must answer.
    pub expect: crate::load::request::Expect,
}

/// One named list of values, filled by a set-up request before the load. A variable is one of a single
/// value.
#[derive(Clone, Debug)]
pub struct PoolSource {
    /// Name that templates use.
    pub name: String,
    /// Which of the plan's set-up requests fills it.
    pub setup: usize,
    /// Where the answer holds its values.
    pub values: PoolValues,
    /// What to tell the user when it stays empty.
    pub hint: Option<String>,
}

/// Where a set-up answer holds the values of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolValues {
    /// All that this `JSONPath` (RFC 9535) selects; lists and objects there are refused.
    Selected(String),
    /// What this takes; its target's number is the pool's.
    Extracted(Extraction),
}

impl PoolSource {
    /// Whether it stands for a single value, which must be there.
    pub fn is_variable(&self) -> bool {
        matches!(&self.values, PoolValues::Extracted(extraction) if extraction.into.is_needed())
    }
}

/// A run, resolved.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The profile's name, or the URL.
    pub name: String,
    /// SHA-256 of the profile's bytes in hexadecimal; absent for a plain URL.
    pub profile_sha256: Option<String>,
    /// Where requests go.
    pub origin: Origin,
    /// How they get there.
    pub way: Way,
    /// The mix; weights of 0 have been dropped.
    pub requests: Vec<RequestTemplate>,
    /// Requests in order, beside the mix's single ones; they share its weights.
    pub flows: Flows,
    /// Where tokens come from.
    pub auth: Option<Auth>,
    /// Sent once each, in order, after log-in.
    pub setup: Vec<SetupRequest>,
    /// Pools, by [`crate::load::request::PoolId`].
    pub pools: Vec<PoolSource>,
    /// Feeders, by [`crate::load::feeder::FeederId`].
    pub feeders: Vec<Arc<Feeder>>,
    /// Mean arrival rate; where a search begins, if there is one; the highest of the stages, if there are
    /// any.
    pub rate: Rate,
    /// Rates one after the other instead of a single one; together as long as the measurement.
    pub stages: Option<Stages>,
    /// Recorded arrivals instead of all that.
    pub trace: Option<Trace>,
    /// Spacing of arrivals.
    pub arrivals: Arrivals,
    /// Decides everything random.
    pub seed: u64,
    /// Sent before the measurement begins and left out of every figure.
    pub warmup: Duration,
    /// Length of the measurement.
    pub duration: Duration,
    /// Number of slots, if given instead of a length.
    pub slots: Option<u64>,
    /// Bounds.
    pub limits: Limits,
    /// Worker threads.
    pub workers: usize,
    /// Processors that workers are bound to, in turn; empty leaves them to the scheduler.
    pub pin: Vec<usize>,
    /// Who tells when an answer arrived.
    pub receive_clock: ReceiveClock,
    /// What the verdict is about.
    pub slo: Slo,
    /// Bars for the tier.
    pub tiers: Tiers,
}

impl Plan {
    /// A plan of `requests` to `origin` at a constant `rate` for `duration`; all else is as the command line
    /// has it by default, with one worker.
    pub fn new(
        origin: Origin,
        requests: Vec<RequestTemplate>,
        rate: Rate,
        duration: Duration,
    ) -> Self {
        Self {
            name: origin.authority.clone(),
            profile_sha256: None,
            origin,
            way: Way::default(),
            requests,
            flows: Flows::default(),
            auth: None,
            setup: Vec::new(),
            pools: Vec::new(),
            feeders: Vec::new(),
            rate,
            stages: None,
            trace: None,
            arrivals: Arrivals::default(),
            seed: 1,
            warmup: Duration::ZERO,
            duration,
            slots: None,
            limits: Limits::default(),
            workers: 1,
            pin: Vec::new(),
            receive_clock: ReceiveClock::default(),
            slo: Slo::standard(),
            tiers: Tiers::standard(),
        }
    }

    /// Mean requests per second that are asked for, over the whole measurement.
    pub fn rate_asked(&self) -> f64 {
        self.counted_rate() * self.requests_per_counted()
    }

    /// The same in what the rate counts.
    pub fn counted_rate(&self) -> f64 {
        let steady = || self.rate.as_per_second();
        self.stages.as_ref().map_or_else(steady, Stages::mean_per_second)
    }

    /// Warm-up and measurement as one schedule, so that the rate never breaks off between them.
    pub fn schedule(&self) -> Schedule {
        let rate = self.slot_rate(self.rate);
        let horizon = match self.slots {
            None => Horizon::after(self.warmup + self.duration),
            Some(slots) => Horizon {
                length: Duration::MAX,
                slots: rate.slots_within(self.warmup).saturating_add(self.slot_count(slots)),
            },
        };
        let stages = self.stages.as_ref().map(|all| all.map_rates(|rate| self.slot_rate(rate)));
        let stages = stages.map(|stages| stages.warmed_up(self.warmup));
        let trace = self.trace.clone();
        Schedule { stages, trace, ..self.steady(self.rate, self.seed, horizon) }
    }

    /// A schedule of one `rate`, whatever the plan's own.
    pub fn steady(&self, rate: Rate, seed: u64, horizon: Horizon) -> Schedule {
        let (rate, arrivals) = (self.slot_rate(rate), self.arrivals);
        Schedule { rate, stages: None, trace: None, arrivals, seed, horizon }
    }

    /// Whether its rate can be changed while it is sent: not where stages or a recording give it, nor with
    /// flows, whose steps follow from answers.
    pub fn is_steerable(&self) -> bool {
        self.stages.is_none() && self.trace.is_none() && self.flows.list.is_empty()
    }

    /// Slots of the measurement, without the warm-up.
    pub fn slots_measured(&self) -> u64 {
        Self { warmup: Duration::ZERO, ..self.clone() }.schedule().slots_expected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_safe_by_tls_or_by_staying_on_this_machine() {
        let table = [
            (Scheme::Http, "localhost", Channel::Secure),
            (Scheme::Http, "api.localhost", Channel::Secure),
            (Scheme::Http, "127.8.0.1", Channel::Secure),
            (Scheme::Http, "::1", Channel::Secure),
            (Scheme::Http, "10.0.0.1", Channel::Plain),
            (Scheme::Http, "localhost.example.org", Channel::Plain),
            (Scheme::Http, "notlocalhost", Channel::Plain),
            (Scheme::Https, "example.org", Channel::Secure),
        ];
        for (scheme, host, channel) in table {
            let (host, authority, base_path) = (host.to_owned(), host.to_owned(), String::new());
            let origin = Origin { scheme, host, port: 80, authority, base_path };
            assert_eq!(origin.channel(), channel, "{origin:?}");
        }
    }
}
