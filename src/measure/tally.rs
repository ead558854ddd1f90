//! [`Tally`]: the ledger of a run, counts and distributions per request name and over all.
//!
//! A worker owns its tally and records without allocating (past the first entry of each histogram);
//! merging is associative and commutative, so workers and machines may be added up in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::load::expect::{Amiss, Trouble};
use crate::measure::failure::{FailureKind, Failures, Reason};
use crate::measure::fate::{Fate, FateCounts, TransportError};
use crate::measure::flow::{FlowTally, Milestone};
use crate::measure::histogram::{CensoredHistogram, LatencyHistogram};
use crate::measure::late::Late;
use crate::measure::sample::{Phase, Sample, SetUp};
use crate::measure::traffic::{Span, Traffic};
use crate::time::Offset;

/// What became of the slots of one request name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTally {
    /// Slots by fate.
    pub fates: FateCounts,
    /// Broken exchanges by [`TransportError::index`].
    pub errors: [u64; TransportError::COUNT],
    /// Answers by status; bounded, since a status has three digits.
    pub statuses: BTreeMap<u16, u64>,
    /// Of those, the answers whose status was not expected.
    pub bad_statuses: BTreeMap<u16, u64>,
    /// Good answers, and the ages of slots that were never answered; see [`Sample::answered`].
    pub response_time: CensoredHistogram,
    /// How many of the latter are errors of the generator's own.
    pub own_unanswered: u64,
    /// Good answers only.
    pub service_time: LatencyHistogram,
    /// What happened within the measured span, for rates.
    pub traffic: Traffic,
    /// What the generator's own lateness did.
    pub late: Late,
    /// Body bytes of all answers.
    pub bytes: u64,
    /// What was amiss with answers, by place; see [`crate::load::expect::Expect::name_of`].
    pub amiss: BTreeMap<usize, u64>,
    /// Failed slots by kind, with when and why.
    pub failures: Failures,
    /// Redirects that were followed.
    pub redirects: u64,
    /// Requests that were sent once more, since the target had left them unprocessed.
    pub repeats: u64,
    /// Interim answers (100 to 199) before final ones.
    pub interim: u64,
    /// Of good answers, by phase; zeros are left out, since most phases of most slots are.
    phases: [LatencyHistogram; Phase::COUNT],
}

/// The ledger of a run or of a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    requests: Vec<RequestTally>,
    /// By their place in the plan; those that none was started of may be left out.
    flows: BTreeMap<usize, FlowTally>,
    failed_response_time: LatencyHistogram,
    send_lag: LatencyHistogram,
    dispatch_lag: LatencyHistogram,
    connect: LatencyHistogram,
    reconnect: LatencyHistogram,
    tls: LatencyHistogram,
}

/// Why a connection was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// One more was needed, or the server had closed one.
    Needed,
    /// One had been given up because its request was not answered in time.
    AfterTimeout,
}

impl Tally {
    /// An empty ledger for a mix of `request_count` names.
    pub fn new(request_count: usize) -> Self {
        Self {
            requests: vec![RequestTally::default(); request_count],
            flows: BTreeMap::new(),
            failed_response_time: LatencyHistogram::default(),
            send_lag: LatencyHistogram::default(),
            dispatch_lag: LatencyHistogram::default(),
            connect: LatencyHistogram::default(),
            reconnect: LatencyHistogram::default(),
            tls: LatencyHistogram::default(),
        }
    }

    /// Enters a slot that has ended, all of it within the measured span.
    ///
    /// # Panics
    /// If the sample's request is not of this mix.
    pub fn record(&mut self, sample: &Sample) {
        self.record_within(sample, Span::ALL, sample.dispatch_lag().unwrap_or_default());
    }

    /// Enters a slot that has ended, of whose time `delay` is the generator's. Hot: two to nine histogram
    /// records.
    ///
    /// # Panics
    /// If the sample's request is not of this mix.
    pub fn record_within(&mut self, sample: &Sample, span: Span, delay: Duration) {
        self.requests[sample.request].record(sample, delay);
        self.requests[sample.request].traffic.record(sample, span);
        if sample.answered() && sample.fate != Fate::Ok {
            self.failed_response_time.record(sample.response_time());
        }
        if let Some(lag) = sample.send_lag() {
            self.send_lag.record(lag);
        }
        if let Some(lag) = sample.dispatch_lag() {
            self.dispatch_lag.record(lag);
        }
    }

    /// Enters a slot of the warm-up that has ended: it is in no count and no distribution, only in the rates
    /// of the span it reaches into.
    ///
    /// # Panics
    /// If the sample's request is not of this mix.
    pub fn record_carried(&mut self, sample: &Sample, span: Span) {
        self.requests[sample.request].traffic.record_carried(sample, span);
    }

    /// Enters that a slot of a request was lost since the generator came late to it; its fate is entered as
    /// that of any other.
    ///
    /// # Panics
    /// If the request is not of this mix.
    pub fn record_lost_late(&mut self, request: usize) {
        self.requests[request].late.lost += 1;
    }

    /// The measured span goes on after all: what was counted after it lies within.
    pub fn prolong(&mut self) {
        self.requests.iter_mut().for_each(|request| request.traffic.prolong());
    }

    /// Enters what was amiss with an answer of a request; `failed` is when that made its slot fail, if it did.
    ///
    /// # Panics
    /// If the request is not of this mix.
    pub fn record_amiss(&mut self, request: usize, amiss: Amiss, failed: Option<Offset>) {
        let request = &mut self.requests[request];
        for place in amiss.places() {
            *request.amiss.entry(place).or_default() += 1;
            if let Some(seen) = failed {
                request.failures.enter(FailureKind::Check(place), seen);
            }
        }
    }

    /// Says why a slot that has been entered failed.
    ///
    /// # Panics
    /// If the sample's request is not of this mix.
    pub fn explain(&mut self, sample: &Sample, reason: impl FnOnce() -> Reason) {
        if let Some(kind) = FailureKind::of(sample) {
            self.requests[sample.request].failures.explain(kind, sample.done, reason);
        }
    }

    /// Enters a redirect that a request follows.
    ///
    /// # Panics
    /// If the request is not of this mix.
    pub fn record_redirect(&mut self, request: usize) {
        self.requests[request].redirects += 1;
    }

    /// Enters that a request is sent once more.
    ///
    /// # Panics
    /// If the request is not of this mix.
    pub fn record_repeat(&mut self, request: usize) {
        self.requests[request].repeats += 1;
    }

    /// Enters so many interim answers to a request.
    ///
    /// # Panics
    /// If the request is not of this mix.
    pub fn record_interim(&mut self, request: usize, count: u32) {
        self.requests[request].interim += u64::from(count);
    }

    /// Enters what became of a flow of the plan.
    pub fn record_flow(&mut self, flow: usize, milestone: Milestone) {
        self.flows.entry(flow).or_default().record(milestone);
    }

    /// How far the flows at this place of the plan came.
    pub fn flow(&self, place: usize) -> FlowTally {
        self.flows.get(&place).cloned().unwrap_or_default()
    }

    /// Enters how long it took to open a connection.
    pub fn record_connect(&mut self, set_up: SetUp, opening: Opening) {
        match opening {
            Opening::Needed => self.connect.record(set_up.connect),
            Opening::AfterTimeout => self.reconnect.record(set_up.connect),
        }
        if !set_up.tls.is_zero() {
            self.tls.record(set_up.tls);
        }
    }

    /// Adds everything `other` holds.
    ///
    /// # Panics
    /// If `other` is of a mix with another number of requests.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.requests.len(), other.requests.len(), "tallies of different plans");
        for (ours, theirs) in self.requests.iter_mut().zip(&other.requests) {
            ours.merge(theirs);
        }
        for (place, flow) in &other.flows {
            self.flows.entry(*place).or_default().merge(flow);
        }
        self.failed_response_time.merge(&other.failed_response_time);
        self.send_lag.merge(&other.send_lag);
        self.dispatch_lag.merge(&other.dispatch_lag);
        self.connect.merge(&other.connect);
        self.reconnect.merge(&other.reconnect);
        self.tls.merge(&other.tls);
    }

    /// Per request name, in the order of the mix.
    pub fn requests(&self) -> &[RequestTally] {
        &self.requests
    }

    /// All request names together.
    pub fn all_requests(&self) -> RequestTally {
        let mut total = RequestTally::default();
        for request in &self.requests {
            total.merge(request);
        }
        total
    }

    /// Slots by fate over all request names.
    pub fn fates(&self) -> FateCounts {
        let mut total = FateCounts::default();
        for request in &self.requests {
            total += &request.fates;
        }
        total
    }

    /// Response times of failures that came with an answer or a part of one.
    pub const fn failed_response_time(&self) -> &LatencyHistogram {
        &self.failed_response_time
    }

    /// From due to sent, over everything that was sent.
    pub const fn send_lag(&self) -> &LatencyHistogram {
        &self.send_lag
    }

    /// The generator's own part of the send lag, over everything that a worker took up.
    pub const fn dispatch_lag(&self) -> &LatencyHistogram {
        &self.dispatch_lag
    }

    /// Times to open a connection without TLS, those after a timeout apart.
    pub const fn connect(&self) -> &LatencyHistogram {
        &self.connect
    }

    /// Times to open connections in place of those given up at a timeout.
    pub const fn reconnect(&self) -> &LatencyHistogram {
        &self.reconnect
    }

    /// Times to set up TLS, after a timeout or not.
    pub const fn tls(&self) -> &LatencyHistogram {
        &self.tls
    }
}

impl RequestTally {
    fn record(&mut self, sample: &Sample, delay: Duration) {
        self.fates.record(sample.fate);
        self.bytes += sample.bytes;
        if let Some(status) = sample.status {
            *self.statuses.entry(status).or_default() += 1;
            if sample.fate == Fate::BadStatus {
                *self.bad_statuses.entry(status).or_default() += 1;
                if matches!(status, 429 | 503) {
                    self.late.record_refused(delay);
                }
            }
        }
        match sample.fate {
            Fate::Ok => {
                self.response_time.answered.record(sample.response_time());
                self.late.record(sample.response_time(), delay);
                if let Some(time) = sample.service_time() {
                    self.service_time.record(time);
                }
                for (times, phase) in self.phases.iter_mut().zip(Phase::ALL) {
                    let time = sample.phase(phase);
                    if !time.is_zero() {
                        times.record(time);
                    }
                }
            }
            Fate::TransportError(kind) => {
                self.errors[kind.index()] += 1;
                self.own_unanswered += u64::from(kind.is_own() && !sample.answered());
            }
            Fate::BadStatus
            | Fate::CheckFailed
            | Fate::Timeout
            | Fate::Shed
            | Fate::Unsent
            | Fate::Open => {}
        }
        if !sample.answered() {
            self.response_time.unanswered.record(sample.response_time());
        }
        if let Some(kind) = FailureKind::of(sample) {
            self.failures.enter(kind, sample.done);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.fates += &other.fates;
        for (ours, theirs) in self.errors.iter_mut().zip(other.errors) {
            *ours += theirs;
        }
        for (ours, theirs) in
            [(&mut self.statuses, &other.statuses), (&mut self.bad_statuses, &other.bad_statuses)]
        {
            for (status, count) in theirs {
                *ours.entry(*status).or_default() += count;
            }
        }
        self.response_time.merge(&other.response_time);
        self.own_unanswered += other.own_unanswered;
        self.service_time.merge(&other.service_time);
        self.traffic += other.traffic;
        self.late.merge(&other.late);
        self.bytes += other.bytes;
        for (place, count) in &other.amiss {
            *self.amiss.entry(*place).or_default() += count;
        }
        self.failures.merge(&other.failures);
        self.redirects += other.redirects;
        self.repeats += other.repeats;
        self.interim += other.interim;
        for (ours, theirs) in self.phases.iter_mut().zip(&other.phases) {
            ours.merge(theirs);
        }
    }

    /// Adds slots of which only this is known.
    pub fn add(&mut self, fates: &FateCounts, response_time: &CensoredHistogram) {
        self.fates += fates;
        self.response_time.merge(response_time);
    }

    /// Slots lost to errors of the generator's own, its lateness and what it cannot read included.
    pub fn own_errors(&self) -> u64 {
        let own = TransportError::ALL.iter().filter(|kind| kind.is_own());
        let unread = Trouble::ALL.into_iter().filter(|trouble| trouble.is_own());
        let unread = unread.filter_map(|trouble| {
            self.failures.of(FailureKind::Check(trouble.place())).map(|failure| failure.count)
        });
        own.map(|kind| self.errors[kind.index()]).sum::<u64>()
            + unread.sum::<u64>()
            + self.late.lost
            + self.late.refused
    }

    /// Answers that met this trouble, whether that made them bad ones or not.
    pub fn troubles(&self, trouble: Trouble) -> u64 {
        self.amiss.get(&trouble.place()).copied().unwrap_or(0)
    }

    /// How long a phase was, over good answers, those without it as zero.
    pub fn phase(&self, phase: Phase) -> LatencyHistogram {
        let place = Phase::ALL.iter().position(|&one| one == phase).unwrap_or_default();
        let mut times = self.phases[place].clone();
        times.record_zeros(self.fates.ok() - times.count());
        times
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::sample::Wait;

    fn fates() -> impl Strategy<Value = Fate> {
        prop_oneof![
            4 => Just(Fate::Ok),
            1 => Just(Fate::BadStatus),
            1 => Just(Fate::CheckFailed),
            1 => (0..TransportError::COUNT).prop_map(|k| Fate::TransportError(TransportError::ALL[k])),
            1 => Just(Fate::Timeout),
            1 => Just(Fate::Shed),
            1 => Just(Fate::Unsent),
            1 => Just(Fate::Open),
        ]
    }

    prop_compose! {
        fn samples()(
            request in 0_usize..3,
            fate in fates(),
            due in 0_u64..1_000_000,
            lag in 0_u64..10_000_000,
            service in 0_u64..10_000_000_000,
            status in prop::sample::select(vec![200_u16, 404, 500]),
            broken_midway in any::<bool>(),
        ) -> Sample {
            let (due, at) = (Offset::from_nanos(due), Offset::from_nanos);
            let sent = !matches!(fate, Fate::Shed | Fate::Unsent);
            let sent = sent.then(|| at(due.as_nanos() + lag));
            let has_status = matches!(fate, Fate::Ok | Fate::BadStatus | Fate::CheckFailed);
            Sample {
                request,
                due,
                taken: (fate != Fate::Unsent).then_some(due),
                wait: Wait::default(),
                sent,
                first_byte: sent.filter(|_| has_status || broken_midway),
                done: at(due.as_nanos() + lag + service),
                fate,
                status: has_status.then_some(status),
                bytes: 10,
            }
        }
    }

    fn tally_of(samples: &[Sample]) -> Tally {
        let mut tally = Tally::new(3);
        for sample in samples {
            tally.record(sample);
            let set_up = SetUp { connect: sample.response_time(), ..SetUp::default() };
            tally.record_connect(set_up, Opening::Needed);
        }
        tally
    }

    fn merged(left: &Tally, right: &Tally) -> Tally {
        let mut sum = left.clone();
        sum.merge(right);
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn merge_is_associative_commutative_and_equals_recording_together(
            samples in prop::collection::vec(samples(), 0..24),
            cuts in (0_usize..24, 0_usize..24),
        ) {
            let first = cuts.0.min(cuts.1).min(samples.len());
            let second = cuts.0.max(cuts.1).min(samples.len());
            let whole = tally_of(&samples);
            let a = tally_of(&samples[..first]);
            let b = tally_of(&samples[first..second]);
            let c = tally_of(&samples[second..]);
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&c, &a), &b), whole);
        }

        #[test]
        fn every_slot_is_in_the_ledger_once(samples in prop::collection::vec(samples(), 0..40)) {
            let tally = tally_of(&samples);
            let total = tally.all_requests();
            prop_assert_eq!(total.fates.planned(), samples.len() as u64);
            prop_assert_eq!(total.fates, tally.fates());
            let unanswered = samples.iter().filter(|sample| !sample.answered()).count();
            prop_assert_eq!(total.response_time.unanswered.count(), unanswered as u64);
            prop_assert!(total.own_unanswered <= total.own_errors());
            prop_assert_eq!(total.response_time.answered.count(), total.fates.ok());
            let bad = total.bad_statuses.values().sum::<u64>();
            prop_assert_eq!(bad, total.fates.of(Fate::BadStatus));
            prop_assert_eq!(
                total.response_time.count() + tally.failed_response_time().count(),
                total.fates.planned()
            );
            for phase in Phase::ALL {
                prop_assert_eq!(total.phase(phase).count(), total.fates.ok());
            }
            let broken: u64 = total.errors.iter().sum();
            let kind = Fate::TransportError(TransportError::Reset);
            prop_assert_eq!(broken, total.fates.of(kind));
        }
    }
}
