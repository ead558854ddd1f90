//! The life of one HTTP/1.1 connection: open, carry one slot after another, park when there is nothing to
//! do, close on any doubt; and [`Carrier`], which carries one slot over any link.
//!
//! A task per connection, none per request.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::engine::alarm::Alarm;
use crate::engine::dispatch::Dispatcher;
use crate::engine::kept::Glance;
use crate::engine::overtime::{Judgement, Overtime};
use crate::engine::ruling::{Received, Ruling, by_status};
use crate::engine::seat::{Job, Seat, Wanted};
use crate::load::way::KeepAlive;
use crate::measure::fate::{Fate, TransportError};
use crate::measure::pauses::Pauses;
use crate::measure::sample::{Sample, SetUp, Wait};
use crate::time::{Offset, whole_nanos};
use crate::transport::clock::monotonic_ns;
use crate::transport::connect::DialError;
use crate::transport::exchange::{Exchange, Http1, Keep, Link, Outgoing, Repeatable, Reuse};
use crate::transport::io::{Instants, Stamps};

/// Opens a connection and serves the dispatcher until it closes.
pub(super) async fn serve(dispatcher: Rc<Dispatcher>, seat: Rc<Seat>, number: u64) {
    take_place(&seat).await;
    let wanted = seat.lane.get();
    match open(&dispatcher, &seat).await {
        Ok((link, set_up)) => {
            let mut carrier = Carrier::new(Rc::clone(&dispatcher), Rc::clone(&seat), link, set_up);
            while let Some(job) = carrier.next_job(wanted).await {
                match carrier.carry(job).await {
                    After::Open if dispatcher.dialer.route().keep_alive() == KeepAlive::On => {}
                    After::Open | After::Closed => break,
                    After::Repeat(job, _) => {
                        dispatcher.give_back(job, Wanted::Fresh);
                        break;
                    }
                    After::GivenUp => {
                        dispatcher.gave_up();
                        break;
                    }
                }
            }
        }
        Err(error) => dispatcher.connect_failed(wanted, seat.opened_for.take(), &error),
    }
    dispatcher.left(number);
    dispatcher.closed(seat.lane.get());
}

/// Lets `seat` wake the task that this is called on.
pub(super) async fn take_place(seat: &Seat) {
    // A task keeps one waker for life.
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    seat.waker.set(waker).expect("a seat is served by one task");
}

/// Opens a connection to the address of `seat`, or to another where that one takes none.
async fn open(dispatcher: &Dispatcher, seat: &Seat) -> Result<(Http1, SetUp), DialError> {
    let wanted = seat.lane.get();
    let dialed = dispatcher.dialer.dial_at(wanted).await?;
    let (set_up, place) = (dialed.set_up, dialed.place);
    let link = Http1::open(dialed).await.map_err(DialError::from)?;
    seat.lane.set(place);
    dispatcher.recorder.arrivals_by(link.stamps().receive_clock());
    dispatcher.connected(set_up, wanted, place);
    Ok((link, set_up))
}

/// A seat with the link that carries its slots.
pub(super) struct Carrier<L> {
    dispatcher: Rc<Dispatcher>,
    seat: Rc<Seat>,
    link: L,
    stamps: Rc<Stamps>,
    /// Zero once the first slot has borne it.
    set_up: SetUp,
    alarm: Alarm,
    /// The lane of the slot that it has carried last.
    carried: usize,
}

/// What is left of a link after a slot.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// It carries another.
    Open,
    /// It does not.
    Closed,
    /// It does not, and the slot goes out again over another.
    Repeat(Job, Repeatable),
    /// It does not, since the answer was not there in time.
    GivenUp,
}

impl From<Reuse> for After {
    fn from(reuse: Reuse) -> Self {
        match reuse {
            Reuse::Open => Self::Open,
            Reuse::Closed => Self::Closed,
        }
    }
}

impl Carrier<Http1> {
    /// A waiting slot, or the one assigned while idle; `None` once the connection, which was opened for lane
    /// `wanted`, is to close.
    async fn next_job(&mut self, wanted: usize) -> Option<Job> {
        let lane = self.seat.lane.get();
        let fresh = self.link.is_fresh();
        let gives_way = !fresh && self.dispatcher.lanes.gives_way(lane, self.carried);
        if self.seat.dismissed.get() || gives_way {
            return None;
        }
        let waiting = if fresh {
            self.dispatcher.next_on_fresh(&self.seat, wanted)
        } else {
            self.dispatcher.next_waiting(lane)
        };
        if waiting.is_some() {
            return waiting;
        }
        if self.dispatcher.dialer.route().keep_alive() == KeepAlive::Off {
            // A later slot would not pay for this connection's set-up.
            return None;
        }
        let last_byte = self.link.instants().last_byte;
        let idle_since = last_byte.unwrap_or_else(monotonic_ns);
        self.dispatcher.park(&self.seat, idle_since, self.link.rest_max());
        let Self { seat, link, dispatcher, .. } = self;
        // A connection that has settled after an exchange has just been polled.
        let mut settled = last_byte.is_some();
        poll_fn(|cx| {
            let assigned = seat.assigned.take();
            if let (false, Some(job)) = (seat.dismissed.get(), assigned) {
                // Should the server have closed at this very moment, nothing will be sent.
                return Poll::Ready(Some(job));
            }
            let closed = !std::mem::take(&mut settled) && link.poll_closed(cx).is_ready();
            match (closed || seat.dismissed.get(), assigned) {
                (false, _) => Poll::Pending,
                (true, None) => {
                    dispatcher.lanes.unpark(seat);
                    Poll::Ready(None)
                }
                (true, Some(job)) => {
                    dispatcher.give_back(job, Wanted::Fresh);
                    Poll::Ready(None)
                }
            }
        })
        .await
    }
}

impl<L: Link> Carrier<L> {
    pub(super) fn new(dispatcher: Rc<Dispatcher>, seat: Rc<Seat>, link: L, set_up: SetUp) -> Self {
        let alarm = Alarm::new(dispatcher.limits.timeout);
        let stamps = Rc::clone(link.stamps());
        // A seat is served by one carrier.
        let _ = seat.stamps.set(Rc::clone(&stamps));
        let carried = seat.lane.get();
        Self { dispatcher, seat, link, stamps, set_up, alarm, carried }
    }

    /// Sends one slot's request, waits for the answer and records what came of it.
    pub(super) async fn carry(&mut self, job: Job) -> After {
        self.carried = job.lane;
        let dispatcher = Rc::clone(&self.dispatcher);
        let prepared = &dispatcher.prepared;
        let clock = self.dispatcher.recorder.clock();
        let began = if job.waited { clock.now() } else { job.taken };
        self.seat.carrying.set(Some((job, began)));
        let start = self.dispatcher.start.borrow().clone();
        let token_version = prepared.token_version(job.slot);
        let request = match self.dispatcher.journeys.outgoing(prepared, &job, (began, &start)) {
            Ok(request) => request,
            Err(unfilled) => {
                self.seat.carrying.set(None);
                self.dispatcher.unfilled(&self.seat, &job, unfilled);
                return After::Open;
            }
        };
        let expect = prepared.expect(job.request);
        let mut case = self.dispatcher.case(expect, &job, &request);
        let time = self.time(&job, began);
        self.note_sending(&job);
        self.link.hold_until(clock.monotonic(job.due));
        let mut glance = Glance::new(case.as_mut().map(|case| &mut case.keeper));
        let exchange = self.exchange(request, &mut glance, time).await;
        let refusal = glance.reason();
        match exchange {
            Within::Ended(Exchange::Answered { status, body_bytes, interim }) => {
                dispatcher.recorder.interim(job.request, interim, job.measured);
                prepared.heed(status, job.request, job.slot, token_version);
                let sample = self.sample(&job, began, Some((status, body_bytes)));
                let ruling = match case {
                    None => Ruling::Ended(by_status(expect, status)),
                    Some(case) => {
                        let answer = Received { status, body_bytes, began, sample };
                        self.dispatcher.rule(expect, &job, case, &answer)
                    }
                };
                self.seat.carrying.set(None);
                match ruling {
                    Ruling::Ended(fate) => {
                        let sample = Sample { fate, ..sample };
                        self.dispatcher.carried(&self.seat, &job, &sample);
                        if let Some(reason) = refusal {
                            self.dispatcher.recorder.explain(&sample, job.measured, || reason);
                        }
                    }
                    Ruling::Follow(job) => self.dispatcher.follow(job, &self.seat),
                }
                self.settle(time).await
            }
            Within::Ended(Exchange::Failed(fault)) => {
                self.fail(&job, began, Fate::TransportError(fault));
                After::Closed
            }
            Within::Ended(Exchange::Repeatable(why)) => self.repeat(job, began, why),
            Within::TimedOut => {
                self.fail(&job, began, Fate::Timeout);
                After::GivenUp
            }
            Within::Neglected(own) => {
                self.fail(&job, began, Fate::TransportError(own));
                After::GivenUp
            }
            // The leg is over, and the slot was given its fate then.
            Within::Dismissed => After::Closed,
        }
    }

    async fn exchange(
        &mut self,
        request: Outgoing,
        keep: &mut impl Keep,
        time: Time,
    ) -> Within<Exchange> {
        let exchange = self.link.exchange(request, keep);
        let pauses = self.dispatcher.dialer.pauses();
        let bound = Bound { time, seat: &self.seat, stamps: &self.stamps, pauses };
        within(&mut self.alarm, bound, exchange).await
    }

    /// Has a slot that was not processed go out again, once.
    fn repeat(&mut self, job: Job, began: Offset, why: Repeatable) -> After {
        if job.is_repeated() {
            self.fail(&job, began, Fate::TransportError(why.fault()));
            return After::Closed;
        }
        self.seat.carrying.set(None);
        self.note_unsent(&job);
        if why.was_sent() {
            self.dispatcher.recorder.repeated(job.request, job.measured);
        }
        After::Repeat(job, why)
    }

    /// Whether this is the slot's own request and not a redirect that is followed.
    fn is_first(&self, job: &Job) -> bool {
        self.dispatcher.journeys.followed(job).is_none()
    }

    fn note_sending(&self, job: &Job) {
        if self.is_first(job) {
            self.dispatcher.recorder.sending(job.measured);
        }
    }

    fn note_unsent(&self, job: &Job) {
        if self.is_first(job) {
            self.dispatcher.recorder.not_sent(job.measured);
        }
    }

    async fn settle(&mut self, time: Time) -> After {
        let pauses = self.dispatcher.dialer.pauses();
        let bound = Bound { time, seat: &self.seat, stamps: &self.stamps, pauses };
        match within(&mut self.alarm, bound, self.link.settle()).await {
            Within::Ended(reuse) => reuse.into(),
            Within::TimedOut | Within::Neglected(_) | Within::Dismissed => After::Closed,
        }
    }

    /// What time there is for the answer, redirects included.
    fn time(&self, job: &Job, began: Offset) -> Time {
        let limits = &self.dispatcher.limits;
        let began = match job.journey {
            None => began,
            Some(_) => self.dispatcher.journeys.followed(job).map_or(began, |(_, first)| first),
        };
        let to_deadline = limits.deadline.map(|deadline| (job.due + deadline).since(began));
        let limit = began + to_deadline.map_or(limits.timeout, |left| left.min(limits.timeout));
        let clock = self.dispatcher.recorder.clock();
        Time { begin_ns: clock.monotonic(began), limit_ns: clock.monotonic(limit) }
    }

    fn fail(&mut self, job: &Job, began: Offset, fate: Fate) {
        self.seat.carrying.set(None);
        if fate == Fate::Timeout {
            self.dispatcher.unanswered(&self.seat, job, began);
        }
        let sample = Sample { fate, ..self.sample(job, began, None) };
        if sample.sent.is_none() {
            self.note_unsent(job);
        }
        self.dispatcher.carried(&self.seat, job, &sample);
        if let Some(reason) = self.link.take_reason() {
            self.dispatcher.recorder.explain(&sample, job.measured, || reason);
        }
    }

    /// The latest exchange, its fate left open.
    fn sample(&mut self, job: &Job, began: Offset, answer: Option<(u16, u64)>) -> Sample {
        let clock = self.dispatcher.recorder.clock();
        let set_up = std::mem::take(&mut self.set_up);
        if answer.is_some() {
            self.seat.answered.set(true);
        }
        let Instants { ready, sent, first_byte, last_byte } = self.link.instants();
        if let Some(ready) = ready.filter(|_| !job.waited) {
            self.dispatcher.observe_way_out(clock.offset(ready).since(job.taken));
        }
        let sent = sent.map(|ns| clock.offset(ns));
        let last_byte = last_byte.map(|ns| clock.offset(ns));
        Sample {
            request: job.request,
            due: job.due,
            taken: Some(job.taken_up()),
            wait: Wait::within(job.waited(began), set_up),
            sent,
            first_byte: first_byte.map(|ns| clock.offset(ns)),
            // An answer was there when its last byte was read; anything else ends when it is noticed.
            done: answer.and(last_byte).unwrap_or_else(|| clock.now()),
            fate: Fate::Open,
            status: answer.map(|(status, _)| status),
            bytes: answer.map_or(0, |(_, bytes)| bytes),
        }
    }
}

/// The time an exchange has, in monotonic nanoseconds.
#[derive(Clone, Copy)]
struct Time {
    begin_ns: u64,
    limit_ns: u64,
}

/// What bounds the wait for an exchange.
struct Bound<'a> {
    time: Time,
    /// Pauses of this program, which the limit does not count.
    pauses: &'a RefCell<Pauses>,
    /// Whose dismissal ends it.
    seat: &'a Seat,
    /// What may lie in its socket when the time is up.
    stamps: &'a Stamps,
}

/// How a bounded wait ended.
enum Within<T> {
    Ended(T),
    /// The server was late.
    TimedOut,
    /// This program did not move what lay in the socket.
    Neglected(TransportError),
    Dismissed,
}

/// Runs `future` within its bound.
async fn within<F: Future>(alarm: &mut Alarm, bound: Bound<'_>, future: F) -> Within<F::Output> {
    let Bound { time: Time { begin_ns, mut limit_ns }, seat, stamps, pauses } = bound;
    let mut prolonged = false;
    let mut future = pin!(future);
    let mut overtime: Option<Overtime> = None;
    alarm.at_latest(limit_ns);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if seat.dismissed.get() {
            return Poll::Ready(Within::Dismissed);
        }
        if let Poll::Ready(output) = polled {
            return Poll::Ready(match &overtime {
                Some(overtime) if !overtime.was_in_time(stamps) => Within::TimedOut,
                _ => Within::Ended(output),
            });
        }
        if overtime.is_none() {
            if !alarm.poll_past(cx, limit_ns) {
                return Poll::Pending;
            }
            if !std::mem::replace(&mut prolonged, true) {
                let ours = pauses.borrow().within(begin_ns, monotonic_ns());
                limit_ns = limit_ns.saturating_add(whole_nanos(ours));
                if !alarm.poll_past(cx, limit_ns) {
                    return Poll::Pending;
                }
            }
            overtime = Overtime::begin(stamps, monotonic_ns());
        }
        let judged = overtime.as_ref().map(|overtime| overtime.judge(stamps, monotonic_ns()));
        match judged {
            None | Some(Judgement::ServerLate) => Poll::Ready(Within::TimedOut),
            Some(Judgement::Own(fault)) => Poll::Ready(Within::Neglected(fault)),
            Some(Judgement::Open) => {
                // Whatever should have woken this task may be what is wrong.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream as Peer;
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::UnixStream;

    use super::*;
    use crate::transport::io::MeasuredIo;
    use crate::transport::socket::Socket;

    /// How a wait of a few milliseconds for `future` ends, beside a socket that `future` is given.
    async fn ends<F: Future>(
        sent: &[u8],
        future: impl FnOnce(MeasuredIo) -> F,
    ) -> Within<F::Output> {
        let (ours, mut peer) = Peer::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let stamps = Rc::new(Stamps::default());
        let io =
            MeasuredIo::new(Socket::unix(UnixStream::from_std(ours).unwrap()), Rc::clone(&stamps));
        peer.write_all(sent).unwrap();
        let place = Seat::default();
        let begin_ns = monotonic_ns();
        let time = Time { begin_ns, limit_ns: begin_ns + 2_000_000 };
        let pauses = RefCell::default();
        let bound = Bound { time, seat: &place, stamps: &stamps, pauses: &pauses };
        within(&mut Alarm::new(Duration::from_mins(1)), bound, future(io)).await
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_answer_that_is_left_unread_is_not_the_servers_timeout() {
        let neglected = ends(b"an answer", async |_io| pending::<()>().await).await;
        assert!(matches!(neglected, Within::Neglected(TransportError::Unread)));
        let late = ends(b"", async |_io| pending::<()>().await).await;
        assert!(matches!(late, Within::TimedOut));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn half_an_answer_is_the_servers_timeout() {
        let late = ends(b"half", async |mut io| io.read_exact(&mut [0; 8]).await).await;
        assert!(matches!(late, Within::TimedOut));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_answer_that_had_arrived_counts_however_late_it_is_read() {
        let answered = ends(b"an answer", async |mut io| {
            // Put aside for longer than the limit.
            let resumes = monotonic_ns() + 6_000_000;
            while monotonic_ns() < resumes {
                tokio::task::yield_now().await;
            }
            io.read_exact(&mut [0; 9]).await.map_err(drop)
        });
        assert!(matches!(answered.await, Within::Ended(Ok(9))));
    }
}
