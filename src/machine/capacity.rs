//! [`Capacity`]: what this machine offers a generator of load, before any is sent.

use crate::machine::{cgroup, descriptors, ports, thread};

/// What this machine offers.
#[derive(Clone, Debug, Default)]
pub struct Capacity {
    /// Processors' worth of time that this process may use, by affinity and quota.
    pub cores: usize,
    /// Numbers of the processors it may run on, where the system tells.
    pub cpus: Option<Vec<usize>>,
    /// The control group's quota, in processors.
    pub cpu_quota: Option<f64>,
    /// Descriptors that this process may have open.
    pub descriptors_max: u64,
    /// Descriptors that are open already.
    pub descriptors_open: u64,
    /// Local ports for connections to one address.
    pub ports: Option<u64>,
}

impl Capacity {
    /// Looks around and changes nothing.
    pub fn inspect() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpus: thread::available_cpus(),
            cpu_quota: cgroup::quota(),
            descriptors_max: descriptors::hard_limit(),
            // Where nobody tells: the standard streams, signals and little else.
            descriptors_open: descriptors::open().unwrap_or(16),
            ports: ports::ephemeral().map(|range| range.len() as u64),
        }
    }
}
