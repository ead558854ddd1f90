//! Slots that are more than one exchange: flows, whose steps come up in turn, and redirects.

use std::rc::Rc;

use super::Dispatcher;
use crate::engine::journeys::JourneyId;
use crate::engine::seat::{Job, Seat, Wanted};
use crate::measure::fate::Fate;
use crate::measure::flow::Milestone;
use crate::measure::sample::Sample;
use crate::time::Offset;

impl Dispatcher {
    /// Takes up a slot that starts a flow. Flows under way have a bound of their own: one that thinks is not in
    /// flight.
    pub(in crate::engine) fn start_flow(self: &Rc<Self>, flow: usize, job: Job) {
        let job = self.journeys.start(flow, self.in_turn(job));
        self.recorder.flow(flow, Milestone::Started, job.measured);
        if self.journeys.under_way() > self.limits.flows {
            self.recorder.due(job.measured);
            self.finish(&job, Fate::Shed, job.taken);
        } else {
            self.take_up(job);
        }
    }

    /// Takes up a step that has come due. It keeps to the address of its flow as long as that takes
    /// connections.
    pub(in crate::engine) fn go_on(self: &Rc<Self>, job: Job) {
        let now_ns = self.recorder.clock().monotonic(job.taken);
        let stays = self.dialer.is_awake(job.lane, now_ns);
        self.take_up(if stays { job } else { self.in_turn(job) });
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
    /// brought the redirect if that stays open, else by one to the same address.
    pub(in crate::engine) fn follow(&self, job: Job, seat: &Seat) {
        self.recorder.redirected(job.request, job.measured);
        self.in_flight.set(self.in_flight.get() - 1);
        let lane = seat.lane.get();
        self.lanes.wait_again(Job { waited: true, wanted: Wanted::Any, lane, ..job });
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
