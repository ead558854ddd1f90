//! [`Attempts`]: how often one address of the target was connected to, and why that failed.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use crate::measure::fate::TransportError;

/// What became of the attempts to connect to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Where to.
    pub address: SocketAddr,
    /// All of them.
    pub made: u64,
    /// Of those that failed, the ones after which another address is tried: nothing was there.
    pub passed_over: u64,
    failures: BTreeMap<TransportError, u64>,
}

impl Attempts {
    /// None so far.
    pub const fn none(address: SocketAddr) -> Self {
        Self { address, made: 0, passed_over: 0, failures: BTreeMap::new() }
    }

    /// Enters one more, with the reason if it failed.
    pub fn record(&mut self, failure: Option<TransportError>) {
        self.made += 1;
        if let Some(failure) = failure {
            *self.failures.entry(failure).or_default() += 1;
        }
    }

    /// Enters one more that failed and after which another address is tried.
    pub fn pass_over(&mut self, failure: TransportError) {
        self.record(Some(failure));
        self.passed_over += 1;
    }

    /// Those that failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The most frequent reason; none where nothing failed.
    pub fn main_failure(&self) -> Option<TransportError> {
        self.failures.iter().max_by_key(|(_, count)| **count).map(|(failure, _)| *failure)
    }

    /// Adds `more` to `all`, address by address.
    pub fn merge(all: &mut Vec<Self>, more: &[Self]) {
        for one in more {
            let Some(ours) = all.iter_mut().find(|ours| ours.address == one.address) else {
                all.push(one.clone());
                continue;
            };
            ours.made += one.made;
            ours.passed_over += one.passed_over;
            for (failure, count) in &one.failures {
                *ours.failures.entry(*failure).or_default() += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_added_address_by_address() {
        let address = |last| SocketAddr::from(([127, 0, 0, last], 80));
        let mut first = Attempts::none(address(1));
        first.record(None);
        let mut second = Attempts::none(address(2));
        second.record(Some(TransportError::ConnectRefused));
        second.record(Some(TransportError::ConnectRefused));
        second.pass_over(TransportError::ConnectTimeout);
        let mut all = Vec::new();
        Attempts::merge(&mut all, &[first.clone(), second.clone()]);
        Attempts::merge(&mut all, &[second]);
        assert_eq!((all.len(), &all[0]), (2, &first));
        assert_eq!((all[1].made, all[1].failed(), all[1].passed_over), (6, 6, 2));
        assert_eq!(all[1].main_failure(), Some(TransportError::ConnectRefused));
    }
}
