//! Steps of flows beside the slots of the schedule, and slots that are given up.

use std::time::Duration;

use super::{BURST, Worker};
use crate::engine::arrivals::Arrivals;
use crate::engine::seat::Job;
use crate::time::Offset;

impl Worker<'_> {
    /// When the next step is due; none once steps have ended.
    pub(super) fn next_step(&self, arrivals: &Arrivals) -> Option<Offset> {
        let journeys = &self.dispatcher.journeys;
        if journeys.has_no_flows() {
            return None;
        }
        journeys.next_due().filter(|due| *due < arrivals.steps_end())
    }

    /// When slots and steps ended or end.
    pub(super) fn ended(&self, arrivals: &Arrivals) -> Offset {
        arrivals.ended().max(self.dispatcher.journeys.last_due())
    }

    /// Waits for `wake`, or for a step that turns out to be due before.
    pub(super) async fn rest(&mut self, wake: Offset) {
        let journeys = &self.dispatcher.journeys;
        if journeys.has_no_flows() {
            self.pacer.wait_until(wake).await;
        } else {
            journeys.wait(wake, self.pacer.wait_until(wake)).await;
        }
    }

    /// Gives up every slot that is due once they are too late to be worth sending.
    pub(super) fn give_up_late(&self, arrivals: &mut Arrivals, now: Offset, drain: Duration) {
        if !arrivals.past_sending(now, drain) {
            return;
        }
        while let Some((slot, entry, measured)) = arrivals.take(now, Offset::MAX) {
            let job = Job::new(slot, entry, measured, now);
            match entry.checked_sub(self.singles) {
                None => self.dispatcher.never_sent(&job, now),
                Some(flow) => self.dispatcher.never_started(flow, job, now),
            }
        }
    }

    /// Takes up the steps of flows that are due by `now` or within the head start, a burst at the most.
    pub(super) fn take_steps(
        &self,
        arrivals: &Arrivals,
        taken: Offset,
        head_start: Duration,
        window_end: Offset,
    ) {
        let journeys = &self.dispatcher.journeys;
        if journeys.has_no_flows() {
            return;
        }
        let end = window_end.min(arrivals.steps_end());
        for _ in 0..BURST {
            let Some(job) = journeys.take(taken + head_start, end, taken) else { return };
            self.dispatcher.go_on(job);
        }
    }
}
