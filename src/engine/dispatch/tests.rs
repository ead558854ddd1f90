//! The dispatcher alone, without a socket.

use std::sync::Arc;

use super::*;
use crate::engine::example;
use crate::load::request::Pools;
use crate::load::schedule::Slot;
use crate::measure::fate::TransportError;
use crate::transport::route::Route;

async fn dispatcher(connections: usize) -> Rc<Dispatcher> {
    let pools: Pools = Arc::from([]);
    let plan = example::plan(9);
    let limits = Limits { connections, in_flight: 10, ..plan.limits };
    let route = Route::resolve(&plan.origin, &plan.way, None).await.unwrap();
    let filled = (Arc::clone(&pools), Arc::default());
    let prepared = Prepared::new(&[], &plan, filled, &[]).unwrap();
    let journeys = Journeys::new(&plan, Arc::default(), 0, &pools);
    let dialer = Dialer::new(route, limits.connect_timeout);
    Dispatcher::new(Recorder::new(1), dialer, limits, prepared, journeys)
}

fn job() -> Job {
    let due = Offset::ZERO + Duration::from_millis(5);
    let taken = Offset::ZERO + Duration::from_millis(6);
    Job::new(Slot { index: 0, due }, 0, true, taken)
}

#[tokio::test(flavor = "current_thread")]
async fn a_connection_that_carried_nothing_is_closed_soon_and_counted() {
    let dispatcher = dispatcher(0).await;
    let parked = |answered, idle: Duration| {
        let seat = Rc::new(Seat::default());
        seat.answered.set(answered);
        dispatcher.park(&seat, monotonic_ns() - whole_nanos(idle), None);
        seat
    };
    let within = SILENT_MAX / 2;
    let (silent, fresh) = (parked(false, SILENT_MAX), parked(false, within));
    let (spoken, said_sooner) = (parked(true, SILENT_MAX), Rc::new(Seat::default()));
    said_sooner.answered.set(true);
    let idle_since = monotonic_ns() - whole_nanos(within);
    dispatcher.park(&said_sooner, idle_since, Some(within));
    dispatcher.close_stale();
    let dismissed = [&silent, &fresh, &spoken, &said_sooner].map(|seat| seat.dismissed.get());
    assert_eq!(dismissed, [true, false, false, true]);
    let counted = dispatcher.take_silent_connections();
    assert_eq!(counted, SilentConnections { unused: 1, unanswered: 0 });
}

#[tokio::test(flavor = "current_thread")]
async fn a_slot_that_ends_on_a_connection_that_never_answered_is_counted() {
    let mut dispatcher = dispatcher(0).await;
    let (seat, at) = (Seat::default(), |ms| Offset::ZERO + Duration::from_millis(ms));
    dispatcher.unanswered(&seat, &job(), at(6));
    seat.answered.set(true);
    dispatcher.unanswered(&seat, &job(), at(6));
    let deadline = Some(Duration::from_millis(100));
    Rc::get_mut(&mut dispatcher).unwrap().limits.deadline = deadline;
    let waited = Job { waited: true, ..job() };
    dispatcher.unanswered(&Seat::default(), &waited, at(97));
    let counted = dispatcher.take_silent_connections();
    assert_eq!(counted, SilentConnections { unused: 0, unanswered: 1 });
}

#[tokio::test(flavor = "current_thread")]
async fn a_slot_given_back_by_a_closed_connection_waits_for_another() {
    // No room for a connection: nothing is dialed.
    let dispatcher = dispatcher(0).await;
    let seat = Rc::new(Seat::default());
    dispatcher.park(&seat, monotonic_ns(), None);
    dispatcher.dispatch(job());
    let given = seat.assigned.take().expect("the idle connection gets it");
    assert!(!given.waited);
    dispatcher.give_back(given, Wanted::Fresh);
    assert_eq!(dispatcher.outstanding(), 1);
    assert!(dispatcher.next_waiting(0).is_none(), "not for a connection that was in use");
    let again = dispatcher.next_again(0).unwrap();
    assert!(again.waited, "the time until another connection takes it is not the generator's");
    // The server closed twice on it.
    dispatcher.give_back(again, Wanted::Fresh);
    assert_eq!(dispatcher.outstanding(), 0);
    let tally = dispatcher.recorder.take_parts().remove(0);
    let fates = tally.all_requests().fates;
    assert_eq!(fates.of(Fate::TransportError(TransportError::ClosedEarly)), 1);
    let lag = tally.dispatch_lag().max();
    assert!(lag < Duration::from_millis(2), "from due to taken up, no more: {lag:?}");
}
