//! Lanes alone: what they give to whom, and that nothing is left behind.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::load::schedule::Slot;

/// A slot of `lane`, the `number`th to be taken up.
fn job(number: u64, lane: usize) -> Job {
    let due = Offset::ZERO + Duration::from_millis(number);
    Job { lane, ..Job::new(Slot { index: number, due }, 0, true, due) }
}

/// Lanes, each with so many connections, of which none is idle.
fn lanes(connections: &[usize], connections_max: usize) -> Lanes {
    let lanes = Lanes::new(connections.len(), connections_max, 1);
    for (lane, &count) in connections.iter().enumerate() {
        for _ in 0..count {
            lanes.opening(lane);
            lanes.opened(lane, lane);
        }
    }
    lanes
}

fn slot(job: Option<Job>) -> Option<u64> {
    job.map(|job| job.slot)
}

#[test]
fn a_connection_begins_with_the_slot_that_it_was_opened_for() {
    let lanes = lanes(&[0], 10);
    let mut opened_for = Vec::new();
    for number in 1..=3 {
        lanes.wait(job(number, 0));
        assert_eq!(lanes.wanting(), Some(0));
        opened_for.push(lanes.choose(0));
        lanes.opening(0);
    }
    assert_eq!((lanes.wanting(), lanes.choose(0)), (None, None), "each has one on the way");
    assert_eq!(opened_for, [Some(1), Some(2), Some(3)]);
    // The third is open first; the second fails.
    assert_eq!(slot(lanes.take_slot(0, 3)), Some(3));
    assert_eq!(slot(lanes.failed(0, Some(2))), Some(2));
    // A connection that was kept has taken the first meanwhile: nobody bears the failure of its own.
    assert_eq!(slot(lanes.next(0)), Some(1));
    assert_eq!(slot(lanes.failed(0, Some(1))), None);
    // One that comes back waits for another connection.
    lanes.wait_again(Job { dialed: true, ..job(3, 0) });
    assert_eq!(lanes.choose(0), Some(3));
}

#[test]
fn a_free_connection_takes_slots_of_its_lane_and_of_others_only_at_the_bound() {
    let roomy = lanes(&[1, 1], 3);
    roomy.wait(job(1, 1));
    roomy.wait(job(2, 0));
    assert_eq!(slot(roomy.next(0)), Some(2));
    assert_eq!((slot(roomy.next(0)), roomy.wanting()), (None, Some(1)));

    let full = lanes(&[1, 1], 2);
    full.wait(job(1, 1));
    full.wait(job(2, 0));
    assert_eq!(slot(full.next(0)), Some(2), "the other lane has a connection");
    assert_eq!((slot(full.next(0)), full.wanting()), (Some(1), None), "better than none");

    let short = lanes(&[1, 0], 1);
    short.wait(job(1, 1));
    short.wait(job(2, 0));
    assert_eq!([short.next(0), short.next(0)].map(slot), [Some(1), Some(2)], "as they came");
}

#[test]
fn an_idle_connection_stands_in_only_at_the_bound() {
    for (connections_max, stands_in) in [(2, false), (1, true)] {
        let lanes = lanes(&[1, 0], connections_max);
        lanes.park(&Rc::new(Seat::to(0)));
        assert_eq!(lanes.take_idle(1).is_some(), stands_in);
    }
}

#[test]
fn at_the_bound_a_lane_with_more_than_its_share_gives_way_to_one_with_less() {
    let uneven = lanes(&[3, 0], 3);
    assert!(uneven.gives_way(0, 1), "it stood in for a lane that has none");
    assert!(!uneven.gives_way(0, 0), "nobody waits");
    uneven.wait(job(1, 0));
    uneven.wait(job(2, 1));
    assert!(uneven.gives_way(0, 0));
    uneven.closed(0);
    assert_eq!(uneven.wanting(), Some(1), "though the other has waited longer");
    assert!(!lanes(&[2, 1], 3).gives_way(0, 1), "it has its share");
    assert!(!lanes(&[1, 0], 1).gives_way(0, 1), "there is no share");
    assert!(!lanes(&[3, 0], 4).gives_way(0, 1), "another may be opened");
}

#[test]
fn what_waits_longest_in_a_lane_bears_the_failure_of_its_connection() {
    let lanes = Lanes::new(2, 4, 1);
    lanes.wait(job(1, 0));
    lanes.wait(job(2, 1));
    lanes.opening(1);
    assert_eq!(slot(lanes.failed(1, None)), Some(2));
    lanes.closed(1);
    lanes.opening(1);
    assert_eq!(slot(lanes.failed(1, None)), None);
    assert_eq!((lanes.waiting(), lanes.connecting(), lanes.connections()), (1, 0, 1));
}

/// What happens to a worker's connections.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A slot of a lane comes.
    Slot(usize),
    /// A busy connection becomes free.
    Answered(usize),
    /// A busy connection closes after its answer.
    Closed(usize),
    /// A busy connection closes before it has sent its slot.
    Unsent(usize),
    /// A connection opens, to the lane it was opened for or to another.
    Opened(usize, usize),
    /// A connection cannot be opened.
    Failed(usize),
    /// All idle connections expire.
    Expired,
}

fn events() -> impl Strategy<Value = Event> {
    let place = 0_usize..8;
    prop_oneof![
        6 => place.clone().prop_map(Event::Slot),
        4 => place.clone().prop_map(Event::Answered),
        1 => place.clone().prop_map(Event::Closed),
        1 => place.clone().prop_map(Event::Unsent),
        4 => (place.clone(), 0_usize..16).prop_map(|(which, lane)| Event::Opened(which, lane)),
        1 => place.prop_map(Event::Failed),
        1 => Just(Event::Expired),
    ]
}

/// A dispatcher without sockets.
struct Model {
    lanes: Lanes,
    busy: Vec<(Rc<Seat>, Job)>,
    /// The lanes that connections are being opened for.
    opening: Vec<usize>,
    given: u64,
    ended: Vec<u64>,
}

impl Model {
    fn grow(&mut self) {
        while let Some(lane) = self.lanes.wanting() {
            self.lanes.opening(lane);
            self.opening.push(lane);
        }
    }

    fn close(&mut self, seat: &Seat) {
        self.lanes.closed(seat.lane.get());
        self.grow();
    }

    fn give(&mut self, seat: Rc<Seat>, job: Option<Job>) {
        match job {
            Some(job) => self.busy.push((seat, job)),
            None => self.lanes.park(&seat),
        }
    }

    fn take_busy(&mut self, which: usize) -> Option<(Rc<Seat>, Job)> {
        (!self.busy.is_empty()).then(|| self.busy.remove(which % self.busy.len()))
    }

    fn take_opening(&mut self, which: usize) -> Option<usize> {
        (!self.opening.is_empty()).then(|| self.opening.remove(which % self.opening.len()))
    }

    fn slot(&mut self, lane: usize) {
        let job = job(self.given, lane % self.lanes.count());
        self.given += 1;
        if let Some(seat) = self.lanes.take_idle(job.lane) {
            self.busy.push((seat, job));
        } else {
            self.lanes.wait(job);
            self.grow();
        }
    }

    fn answered(&mut self, which: usize) {
        let Some((seat, job)) = self.take_busy(which) else { return };
        self.ended.push(job.slot);
        let lane = seat.lane.get();
        if self.lanes.gives_way(lane, job.lane) {
            self.close(&seat);
        } else {
            let next = self.lanes.next(lane);
            self.give(seat, next);
        }
    }

    fn unsent(&mut self, which: usize) {
        let Some((seat, job)) = self.take_busy(which) else { return };
        if job.is_repeated() {
            self.ended.push(job.slot);
        } else {
            self.lanes.wait_again(Job { wanted: Wanted::Fresh, ..job });
            self.grow();
        }
        self.close(&seat);
    }

    fn opened(&mut self, which: usize, elsewhere: usize) {
        let Some(wanted) = self.take_opening(which) else { return };
        // One in four is led elsewhere.
        let lane = if elsewhere < 4 { elsewhere % self.lanes.count() } else { wanted };
        self.lanes.opened(wanted, lane);
        let own = self.lanes.next_again(wanted).or_else(|| self.lanes.next_own(wanted));
        let next = own.or_else(|| self.lanes.next(lane));
        self.give(Rc::new(Seat::to(lane)), next);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Slot(lane) => self.slot(lane),
            Event::Answered(which) => self.answered(which),
            Event::Closed(which) => {
                if let Some((seat, job)) = self.take_busy(which) {
                    self.ended.push(job.slot);
                    self.close(&seat);
                }
            }
            Event::Unsent(which) => self.unsent(which),
            Event::Opened(which, lane) => self.opened(which, lane),
            Event::Failed(which) => {
                if let Some(lane) = self.take_opening(which) {
                    self.ended.extend(slot(self.lanes.failed(lane, None)));
                    self.lanes.closed(lane);
                    self.grow();
                }
            }
            Event::Expired => {
                for seat in self.lanes.take_stale(u64::MAX) {
                    self.close(&seat);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn each_slot_leaves_once_and_none_waits_for_nothing(
        count in 1_usize..4,
        connections_max in 1_usize..6,
        course in prop::collection::vec(events(), 0..120),
    ) {
        let lanes = Lanes::new(count, connections_max, 1);
        let (busy, opening, ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut model = Model { lanes, busy, opening, given: 0, ended };
        for event in course {
            model.happen(event);
            prop_assert!(model.lanes.connections() <= connections_max);
            prop_assert_eq!(model.lanes.connecting(), model.opening.len());
            let under_way = model.busy.len() + model.opening.len();
            prop_assert!(model.lanes.waiting() == 0 || under_way > 0, "{:?} left it waiting", event);
        }
        // Whatever is under way ends well, one after the other.
        for _ in 0..2 * model.given {
            model.opened(0, usize::MAX);
            model.answered(0);
        }
        prop_assert_eq!(model.lanes.waiting(), 0);
        model.ended.sort_unstable();
        prop_assert_eq!(model.ended, (0..model.given).collect::<Vec<_>>());
    }
}
