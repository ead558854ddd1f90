//! [`Generator`]: what this machine gave the generator and what it denied it while a load was sent.
//!
//! Whatever the operating system does not tell is `None`, never zero: unknown is no alibi.

use std::time::Duration;

/// The generator's own side of a measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generator {
    /// One for each worker thread, in their order.
    pub workers: Vec<WorkerTime>,
    /// What the machine as a whole went through.
    pub strain: Strain,
    /// Processors that the process may use up at most, by its control group; a fraction is possible.
    pub cpu_quota: Option<f64>,
    /// File descriptors.
    pub descriptors: Option<Supply>,
    /// Local ports towards one address of the target.
    pub ports: Option<Supply>,
}

/// Where a worker's time went, from the first due instant to the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerTime {
    /// All of it.
    pub over: Duration,
    /// On a processor, user and system time together, polling included.
    pub cpu: Option<Duration>,
    /// Ready to run, while the scheduler let others run.
    pub waited: Option<Duration>,
}

/// What happened to the machine between two looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Strain {
    /// Share of all processor time that the hypervisor gave to others, 0 to 1.
    pub steal_share: Option<f64>,
    /// Share of all processor time that nobody used, 0 to 1.
    pub idle_share: Option<f64>,
    /// How often the control group's quota stopped this process.
    pub throttled: Option<Throttled>,
    /// TCP on this machine, all its connections together.
    pub tcp: Option<Tcp>,
}

/// Stops by a control group's quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttled {
    /// Scheduling periods, usually of 100 ms, in which the quota ran out.
    pub periods: u64,
    /// Time stopped, summed over processors.
    pub time: Duration,
}

/// TCP counters of one network namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tcp {
    /// Segments sent, the repeated ones left out.
    pub segments: u64,
    /// Segments sent again.
    pub retransmitted: u64,
    /// Retransmission timers that ran out.
    pub timeouts: u64,
    /// Of those, the ones that turned out to have run out too early.
    pub spurious_timeouts: u64,
    /// Segments sent again at once, since later ones had been acknowledged.
    pub fast: u64,
    /// Segments sent again to learn whether the last ones had been lost; a quiet link has them too.
    pub probes: u64,
    /// Segments that the other side had already.
    pub duplicates: u64,
    /// Connections that found a listener's accept queue full.
    pub accept_overflows: u64,
}

/// Something of which there is a fixed number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// How many there are.
    pub limit: u64,
    /// How many were needed at once.
    pub needed: u64,
}

impl WorkerTime {
    /// Share of its time on a processor, 0 to 1.
    pub fn cpu_share(&self) -> Option<f64> {
        self.share(self.cpu)
    }

    /// Share of its time in which it was kept off a processor, 0 to 1.
    pub fn waited_share(&self) -> Option<f64> {
        self.share(self.waited)
    }

    fn share(&self, part: Option<Duration>) -> Option<f64> {
        part.filter(|_| !self.over.is_zero())
            .map(|part| part.as_secs_f64() / self.over.as_secs_f64())
    }
}

impl Generator {
    /// The largest share of its time that a worker was on a processor.
    pub fn busiest(&self) -> Option<f64> {
        self.workers.iter().filter_map(WorkerTime::cpu_share).max_by(f64::total_cmp)
    }

    /// The largest share of its time that a worker was kept off a processor.
    pub fn longest_wait(&self) -> Option<f64> {
        self.workers.iter().filter_map(WorkerTime::waited_share).max_by(f64::total_cmp)
    }
}

impl Supply {
    /// The part of the supply that was needed; above 1 if there was too little.
    pub fn share(&self) -> f64 {
        self.needed as f64 / self.limit.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_time_watched_and_unknown_stays_unknown() {
        let ms = Duration::from_millis;
        let worker = WorkerTime { over: ms(200), cpu: Some(ms(100)), waited: None };
        assert_eq!((worker.cpu_share(), worker.waited_share()), (Some(0.5), None));
        let unseen = WorkerTime { over: Duration::ZERO, ..worker };
        assert_eq!(unseen.cpu_share(), None, "nothing of no time is no share");
        let idler = WorkerTime { cpu: Some(ms(50)), waited: Some(ms(25)), ..worker };
        let generator = Generator { workers: vec![idler, worker, unseen], ..Generator::default() };
        assert_eq!((generator.busiest(), generator.longest_wait()), (Some(0.5), Some(0.125)));
        assert_eq!(Generator::default().busiest(), None);
        assert!((Supply { limit: 40, needed: 30 }.share() - 0.75).abs() < 1e-12);
    }
}
