//! [`Snapshot`]: the machine's counters at one instant; two of them tell what happened in between.

use crate::machine::cgroup::{self, Throttling};
use crate::machine::processors::Ticks;
use crate::machine::tcp;
use crate::measure::generator::{Strain, Tcp};

/// Counters since the machine's start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    ticks: Option<Ticks>,
    throttling: Option<Throttling>,
    tcp: Option<Tcp>,
}

impl Snapshot {
    /// Reads them now; everywhere but on Linux, all are unknown.
    pub fn take() -> Self {
        Self { ticks: Ticks::read(), throttling: cgroup::throttling(), tcp: tcp::read() }
    }

    /// What happened since `earlier`.
    pub fn since(&self, earlier: &Self) -> Strain {
        let ticks = self.ticks.zip(earlier.ticks).map(|(now, then)| now.since(then));
        Strain {
            steal_share: ticks.and_then(Ticks::steal_share),
            idle_share: ticks.and_then(Ticks::idle_share),
            throttled: self.throttling.zip(earlier.throttling).map(|(now, then)| now.since(then)),
            tcp: self.tcp.zip(earlier.tcp).map(|(now, then)| tcp::since(now, then)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_of_two_looks_does_not_know_stays_unknown() {
        let known = Snapshot { tcp: Some(Tcp::default()), ..Snapshot::default() };
        assert_eq!(known.since(&Snapshot::default()), Strain::default());
        assert_eq!(known.since(&known).tcp, Some(Tcp::default()));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_linux_machine_tells_of_its_processors_and_its_network() {
        let first = Snapshot::take();
        let strain = Snapshot::take().since(&first);
        assert!(first.ticks.is_some() && strain.tcp.is_some(), "{first:?}");
    }
}
