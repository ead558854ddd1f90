//! Slots that are more than one exchange: flows, whose steps come up in turn, and redirects.

use std::rc::Rc;

use super::Dispatcher;
use crate::engine::journeys::JourneyId;
use crate::engine::seat::{Job, Wanted};
use crate::measure::fate::Fate;
use crate::measure::flow::Milestone;
use crate::measure::sample::Sample;
use crate::time::Offset;

impl Dispatcher {
    /// Takes up a slot that starts a flow. Flows under way have a bound of their own: one that thinks is not in
    /// flight.
    pub(in crate::engine) fn start_flow(self: &Rc<Self>, flow: usize, job: Job) {
        let job = self.journeys.start(flow, job);
        self.recorder.flow(flow, Milestone::Started, job.measured);
        if self.journeys.under_way() > self.limits.flows {
            self.recorder.due(job.measured);
            self.finish(&job, Fate::Shed, job.taken);
        } else {
            self.dispatch(job);
        }
    }

    /// Counts a flow for which the run was over before the generator came to its slot.
    pub(in crate::engine) fn never_started(&self, flow: usize, job: Job, now: Offset) {
        let job = self.journeys.start(flow, job);
        self.recorder.flow(flow, Milestone::Started, job.measured);
        self.never_sent(&job, now);
    }

    /// Counts a slot or step for which the run was over before the generator came to it.
    pub(in crate::engine) fn never_sent(&self, job: &Job, now: Offset) {
        self.recorder.due(job.measured);
        self.ended(job, &Sample::unsent(job.request, job.due, Fate::Unsent, now));
    }

    /// Lets a slot go on to where a redirect leads: it is the first to be carried on, by the connection that
    /// brought the redirect if that stays open.
    pub(in crate::engine) fn follow(&self, job: Job) {
        self.recorder.redirected(job.request, job.measured);
        self.in_flight.set(self.in_flight.get() - 1);
        self.waiting.borrow_mut().push_front(Job { waited: true, wanted: Wanted::Any, ..job });
    }

    /// Enters a slot that has ended, and what follows from it for its journey.
    pub(super) fn ended(&self, job: &Job, sample: &Sample) {
        match job.journey {
            None => self.recorder.ended(sample, job.measured),
            Some(id) => self.journey_ended(id, job, sample),
        }
    }

    fn journey_ended(&self, id: JourneyId, job: &Job, sample: &Sample) {
        let sample = self.journeys.spanning(id, *sample);
        self.recorder.ended(&sample, job.measured);
        if let Some((flow, milestone, measured)) = self.journeys.go_on(id, &sample) {
            self.recorder.flow(flow, milestone, measured);
        }
    }
}
