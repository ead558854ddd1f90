//! The generator's own side of a measurement, as a result tells it.
//!
//! A field that is absent is unknown, on this system or to this version; it never means zero.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::generator::{Generator, Supply, WorkerTime};
use crate::measure::millionths::millionths;
use crate::time::whole_nanos;

/// What the machine gave the generator; in a search, during the trial that the result rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorReport {
    /// One for each worker thread.
    #[serde(default)]
    pub workers: Vec<WorkerReport>,
    /// Processors that the process's control group allows it at most; absent without a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<f64>,
    /// Share of the machine's processor time that the hypervisor gave to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_share: Option<f64>,
    /// Share of the machine's processor time that nobody used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_share: Option<f64>,
    /// Stops by the control group's quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<ThrottledReport>,
    /// TCP on this machine, all its connections together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpReport>,
    /// File descriptors of this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<SupplyReport>,
    /// Local ports towards one address of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<SupplyReport>,
    /// Connections that were opened and closed again, since there was nothing to send on them.
    #[serde(default)]
    pub connections_unused: u64,
}

/// Where a worker's time went while requests came due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerReport {
    /// Share of its time on a processor, polling included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_share: Option<f64>,
    /// Share of its time in which it was ready to run and others ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_share: Option<f64>,
}

/// Stops by a control group's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThrottledReport {
    /// Scheduling periods in which the quota ran out.
    pub periods: u64,
    /// ns stopped, summed over processors.
    pub time: u64,
}

/// TCP counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TcpReport {
    /// Segments sent, the repeated ones left out.
    pub segments: u64,
    /// Segments sent again.
    pub retransmitted: u64,
    /// Retransmission timers that ran out.
    pub timeouts: u64,
    /// Of those, the ones that turned out to have run out too early.
    #[serde(default)]
    pub spurious_timeouts: u64,
    /// Segments sent again at once, since later ones had been acknowledged.
    #[serde(default)]
    pub fast: u64,
    /// Segments sent again to learn whether the last ones had been lost.
    #[serde(default)]
    pub probes: u64,
    /// Segments that the other side had already.
    #[serde(default)]
    pub duplicates: u64,
    /// Connections that found a listener's accept queue full.
    pub accept_overflows: u64,
}

/// Something of which there is a fixed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupplyReport {
    /// How many there are.
    pub limit: u64,
    /// How many were needed at once.
    pub needed: u64,
}

impl From<&Generator> for GeneratorReport {
    fn from(generator: &Generator) -> Self {
        let strain = &generator.strain;
        Self {
            workers: generator.workers.iter().map(WorkerReport::from).collect(),
            cpu_quota: generator.cpu_quota.map(millionths),
            steal_share: strain.steal_share.map(millionths),
            idle_share: strain.idle_share.map(millionths),
            throttled: strain.throttled.map(|stops| ThrottledReport {
                periods: stops.periods,
                time: whole_nanos(stops.time),
            }),
            tcp: strain.tcp.map(|tcp| TcpReport {
                segments: tcp.segments,
                retransmitted: tcp.retransmitted,
                timeouts: tcp.timeouts,
                spurious_timeouts: tcp.spurious_timeouts,
                fast: tcp.fast,
                probes: tcp.probes,
                duplicates: tcp.duplicates,
                accept_overflows: tcp.accept_overflows,
            }),
            descriptors: generator.descriptors.map(SupplyReport::from),
            ports: generator.ports.map(SupplyReport::from),
            connections_unused: generator.connections_unused,
        }
    }
}

impl From<&WorkerTime> for WorkerReport {
    fn from(worker: &WorkerTime) -> Self {
        Self {
            cpu_share: worker.cpu_share().map(millionths),
            waited_share: worker.waited_share().map(millionths),
        }
    }
}

impl From<Supply> for SupplyReport {
    fn from(supply: Supply) -> Self {
        Self { limit: supply.limit, needed: supply.needed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_absent() {
        let text = serde_json::to_string(&GeneratorReport::from(&Generator::default())).unwrap();
        assert_eq!(text, r#"{"workers":[],"connections_unused":0}"#);
        let generator = Generator { workers: vec![WorkerTime::default()], ..Generator::default() };
        let text = serde_json::to_string(&GeneratorReport::from(&generator)).unwrap();
        assert_eq!(text, r#"{"workers":[{}],"connections_unused":0}"#);
        let old: GeneratorReport = serde_json::from_str("{}").unwrap();
        assert_eq!(old, GeneratorReport::default());
    }
}
