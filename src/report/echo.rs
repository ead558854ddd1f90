//! What was asked for and where it ran, as a result repeats it.
//!
//! Bodies, headers and tokens are left out, so no secret can reach a result by this way.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::words::counted;
use crate::load::plan::{LatePolicy, Origin, Plan, Scheme};
use crate::load::way::{HttpChoice, HttpVersion, KeepAlive, Via, Way};
use crate::measure::millionths::millionths;
use crate::time::whole_nanos;

/// The plan, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanEcho {
    /// The profile's name, or the URL.
    pub name: String,
    /// Scheme, host, port and path prefix of the target.
    pub origin: String,
    /// How the target was reached, where its URL alone does not say.
    #[serde(default)]
    pub way: WayEcho,
    /// Mean arrivals per second of what the rate counts, over all stages if there were any; where a search
    /// began.
    pub rate: f64,
    /// Rates and lengths, as `100/s:30s,500/s:2m`; absent at a single rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<String>,
    /// The recording that was sent instead of a rate and a mix, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayEcho>,
    /// Spacing of arrivals.
    pub arrivals: String,
    /// Decides everything random. Text, since JSON readers lose integers beyond 2⁵³.
    pub seed: String,
    /// ns that were left out of every figure.
    pub warmup: u64,
    /// Length of the measurement in ns, as planned.
    pub duration: u64,
    /// Number of slots, if given instead of a length.
    pub slots: Option<u64>,
    /// Open connections at most.
    pub connections: u64,
    /// Requests at once on a connection of HTTP/2 at most.
    #[serde(default)]
    pub streams: u64,
    /// Requests in flight and waiting at most.
    pub max_in_flight: u64,
    /// ns from the send.
    pub timeout: u64,
    /// ns from the due instant, if limited.
    pub deadline: Option<u64>,
    /// ns for connecting, proxy and TLS set-up together.
    #[serde(default)]
    pub connect_timeout: u64,
    /// ns after which an idle connection is not used again.
    #[serde(default)]
    pub idle_timeout: u64,
    /// ns that unanswered requests were waited for at the end.
    pub drain: u64,
    /// `send`, or `shed-after:` and a duration.
    pub late: String,
    /// Worker threads.
    pub workers: u64,
    /// Processors that workers were bound to, in turn; empty if to none.
    #[serde(default)]
    pub pin: Vec<u64>,
    /// What the verdict is about.
    pub slo: String,
    /// Bar of the tier excellent.
    pub tier_excellent: String,
    /// Bar of the tier acceptable.
    pub tier_acceptable: String,
    /// SHA-256 of the profile's bytes in hexadecimal; absent for a plain URL.
    pub profile_sha256: Option<String>,
}

/// A recording, sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayEcho {
    /// Name of the log's file.
    pub log: String,
    /// Requests taken from it.
    pub requests: u64,
    /// So many times as fast as it was recorded.
    pub speed: f64,
}

/// How the target was reached. Credentials are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayEcho {
    /// Path of the Unix socket that was connected to instead of an address.
    pub unix_socket: Option<String>,
    /// The proxy's URL.
    pub proxy: Option<String>,
    /// `HOST:PORT:ADDRESS,…` that went before the resolver.
    pub resolve: Vec<String>,
    /// `HOST:PORT:HOST:PORT`: where connections went instead.
    pub connect_to: Vec<String>,
    /// Source addresses.
    pub local_addresses: Vec<String>,
    /// Whether a connection carried more than one request.
    pub keep_alive: bool,
    /// Version of HTTP that was used: `1.1` or `2`.
    pub http_version: String,
}

/// Where a run took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Operating system, such as `linux`.
    pub os: String,
    /// Its release, if known.
    pub kernel: Option<String>,
    /// Processor architecture, such as `x86_64`.
    pub arch: String,
    /// Processors this process may use.
    pub cpus: u64,
    /// Version of steadfire.
    pub steadfire: String,
    /// Addresses that were connected to, of the target or the proxy before it; a Unix socket's path.
    #[serde(default)]
    pub addresses: Vec<String>,
}

impl From<&Plan> for PlanEcho {
    fn from(plan: &Plan) -> Self {
        let limits = &plan.limits;
        Self {
            name: without_secrets(&plan.name),
            origin: origin_url(&plan.origin),
            way: WayEcho::from(&plan.way),
            rate: millionths(plan.counted_rate()),
            stages: plan.stages.as_ref().map(ToString::to_string),
            replay: plan.trace.as_ref().map(|trace| ReplayEcho {
                log: trace.log().to_owned(),
                requests: trace.slots(),
                speed: trace.speed(),
            }),
            arrivals: plan.arrivals.name().to_owned(),
            seed: plan.seed.to_string(),
            warmup: whole_nanos(plan.warmup),
            duration: whole_nanos(plan.duration),
            slots: plan.slots,
            connections: limits.connections as u64,
            streams: limits.streams as u64,
            max_in_flight: limits.in_flight as u64,
            timeout: whole_nanos(limits.timeout),
            deadline: limits.deadline.map(whole_nanos),
            connect_timeout: whole_nanos(limits.connect_timeout),
            idle_timeout: whole_nanos(limits.idle_timeout),
            drain: whole_nanos(limits.drain),
            late: match limits.late {
                LatePolicy::Send => "send".to_owned(),
                LatePolicy::ShedAfter(limit) => format!("shed-after:{}ns", whole_nanos(limit)),
            },
            workers: plan.workers as u64,
            pin: plan.pin.iter().map(|cpu| *cpu as u64).collect(),
            slo: plan.slo.to_string(),
            tier_excellent: plan.tiers.excellent.to_string(),
            tier_acceptable: plan.tiers.acceptable.to_string(),
            profile_sha256: plan.profile_sha256.clone(),
        }
    }
}

impl fmt::Display for ReplayEcho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = if (self.speed - 1.0).abs() < f64::EPSILON {
            "its own pace".to_owned()
        } else {
            format!("{} times its pace", self.speed)
        };
        write!(f, "{} of {} at {pace}", counted(self.requests, "request"), self.log)
    }
}

impl Default for WayEcho {
    /// The one way that the first version knew.
    fn default() -> Self {
        Self::from(&Way { http: HttpChoice::Exactly(HttpVersion::Http1), ..Way::default() })
    }
}

impl From<&Way> for WayEcho {
    fn from(way: &Way) -> Self {
        let (unix_socket, proxy) = match &way.via {
            Via::Direct => (None, None),
            Via::UnixSocket(path) => (Some(path.display().to_string()), None),
            Via::Proxy(proxy) => (None, Some(proxy.to_string())),
        };
        Self {
            unix_socket,
            proxy,
            resolve: texts(&way.resolve),
            connect_to: texts(&way.connect_to),
            local_addresses: texts(&way.local_addresses),
            keep_alive: way.keep_alive == KeepAlive::On,
            http_version: way.http.name().to_owned(),
        }
    }
}

fn texts<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(T::to_string).collect()
}

/// A name that is a URL, without its user information and query, where passwords and keys are put.
fn without_secrets(name: &str) -> String {
    let Some((scheme, rest)) = name.split_once("://") else { return name.to_owned() };
    let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

fn origin_url(origin: &Origin) -> String {
    let scheme = match origin.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    // An IPv6 address is stored without its brackets.
    let host =
        if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.clone() };
    format!("{scheme}://{host}:{}{}", origin.port, origin.base_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_told_with_its_pace() {
        let told =
            |speed| ReplayEcho { log: "access.log".to_owned(), requests: 1234, speed }.to_string();
        assert_eq!(told(1.0), "1,234 requests of access.log at its own pace");
        assert_eq!(told(0.5), "1,234 requests of access.log at 0.5 times its pace");
    }

    #[test]
    fn a_url_loses_what_may_be_secret() {
        let table = [
            ("chat center", "chat center"),
            ("http://localhost:8001/api", "http://localhost:8001/api"),
            ("https://eve:s3cret@host/a?key=k#f", "https://host/a"),
            ("https://eve:p@ss@host?key=a/b", "https://host"),
        ];
        for (name, expected) in table {
            assert_eq!(without_secrets(name), expected);
        }
    }
}
