//! [`Latency`]: a distribution of times as a result holds it, and [`Phases`], where a response time went.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A distribution of times in ns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Entries, censored ones included.
    pub count: u64,
    /// Smallest.
    pub min: u64,
    /// Arithmetic mean.
    pub mean: u64,
    /// Median.
    pub p50: u64,
    /// 66th percentile.
    #[serde(default)]
    pub p66: u64,
    /// 75th percentile.
    pub p75: u64,
    /// 80th percentile.
    #[serde(default)]
    pub p80: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 98th percentile.
    #[serde(default)]
    pub p98: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// 99.99th percentile.
    #[serde(default)]
    pub p9999: u64,
    /// Largest.
    pub max: u64,
    /// Entries that were never answered and rank behind all others.
    pub censored: u64,
    /// Names of the figures above that are lower bounds.
    #[serde(default)]
    pub at_least: Vec<String>,
}

impl Latency {
    /// The figures that tables show, with their field names.
    pub const fn shown(&self) -> [(&'static str, u64); 8] {
        [
            ("min", self.min),
            ("mean", self.mean),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
            ("max", self.max),
        ]
    }

    /// Whether the figure with this field name is only a lower bound.
    pub fn bounds(&self, figure: &str) -> bool {
        self.at_least.iter().any(|name| name == figure)
    }
}

/// The parts of the response time of good answers. Their means add up to its mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// The generator's own lag.
    pub client: Latency,
    /// Waiting for a connection to become free.
    pub wait: Latency,
    /// Waiting while the connection was opened.
    pub connect: Latency,
    /// Waiting while TLS was set up on it.
    pub tls: Latency,
    /// From sent to the first byte of the answer.
    pub first_byte: Latency,
    /// From there to the last byte.
    pub body: Latency,
}

impl Phases {
    /// The mean of each in ns, in the order of the way.
    pub fn means(&self) -> [u64; 6] {
        let Self { client, wait, connect, tls, first_byte, body } = self;
        [client, wait, connect, tls, first_byte, body].map(|times| times.mean)
    }
}
