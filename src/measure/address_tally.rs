//! [`AddressTally`]: what came of the requests that one address of the target was sent.

use core::net::SocketAddr;

use crate::measure::fate::Fate;
use crate::measure::histogram::CensoredHistogram;
use crate::measure::sample::Sample;

/// The requests that one address was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressTally {
    /// Where to.
    pub address: SocketAddr,
    /// Of them, those that were not answered well.
    pub failed: u64,
    /// From sent to the last byte of the answer, good or not, and the ages of those that were never
    /// answered: one entry for each request.
    pub service_time: CensoredHistogram,
}

impl AddressTally {
    /// One for each of several addresses; none where there is one, of which the run's own figures tell.
    pub fn list(addresses: &[SocketAddr]) -> Vec<Self> {
        let empty = |&address: &SocketAddr| Self {
            address,
            failed: 0,
            service_time: CensoredHistogram::default(),
        };
        if addresses.len() < 2 { Vec::new() } else { addresses.iter().map(empty).collect() }
    }

    /// Enters a slot that has ended. One that was not sent, or that the generator itself made fail, tells
    /// nothing of the address.
    pub fn record(&mut self, sample: &Sample) {
        let own = matches!(sample.fate, Fate::TransportError(kind) if kind.is_own());
        let Some(time) = sample.service_time().filter(|_| !own) else { return };
        self.failed += u64::from(sample.fate != Fate::Ok);
        let CensoredHistogram { answered, unanswered } = &mut self.service_time;
        if sample.answered() { answered.record(time) } else { unanswered.record(time) }
    }

    /// Requests.
    pub fn requests(&self) -> u64 {
        self.service_time.count()
    }

    /// Requests to which an answer came, good or not, or a part of one.
    pub fn answered(&self) -> u64 {
        self.service_time.answered.count()
    }

    /// Adds `more` to `all`, address by address.
    pub fn merge(all: &mut Vec<Self>, more: &[Self]) {
        for one in more {
            match all.iter_mut().find(|ours| ours.address == one.address) {
                None => all.push(one.clone()),
                Some(ours) => {
                    ours.failed += one.failed;
                    ours.service_time.merge(&one.service_time);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::fate::TransportError;
    use crate::time::Offset;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 80))
    }

    fn sample(fate: Fate, ms: u64) -> Sample {
        let due = Offset::ZERO;
        let done = due + Duration::from_millis(ms);
        Sample { sent: Some(due), ..Sample::unsent(0, due, fate, done) }
    }

    #[test]
    fn what_tells_of_an_address_is_counted_address_by_address() {
        assert!(AddressTally::list(&[address(1)]).is_empty(), "the run itself tells");
        let mut all = AddressTally::list(&[address(1), address(2)]);
        all[0].record(&sample(Fate::Ok, 2));
        all[0].record(&sample(Fate::BadStatus, 3));
        all[0].record(&sample(Fate::Timeout, 500));
        all[0].record(&sample(Fate::TransportError(TransportError::Unread), 500));
        all[0].record(&Sample { sent: None, ..sample(Fate::Unsent, 500) });
        let [first, second] = [0, 1].map(|place| all[place].clone());
        assert_eq!((first.requests(), first.answered(), first.failed), (3, 2, 2));
        let p95 = first.service_time.quantile(0.95);
        assert!(p95.at_least && p95.value > Duration::from_millis(400));
        AddressTally::merge(&mut all, &[second, first]);
        assert_eq!(all.iter().map(AddressTally::requests).collect::<Vec<_>>(), [6, 0]);
    }
}
