//! The life of one connection: open, carry one slot after another, park when there is nothing to do,
//! close on any doubt.
//!
//! A task per connection, none per request.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use crate::engine::dispatch::{Dispatcher, Job, Seat};
use crate::load::request::Expect;
use crate::measure::fate::{Fate, TransportError};
use crate::measure::sample::{Sample, SetUp, Wait};
use crate::time::Offset;
use crate::transport::exchange::{Exchange, Link, Reuse};
use crate::transport::io::Stamps;

/// Opens a connection and serves the dispatcher until it closes.
pub(super) async fn serve(dispatcher: Rc<Dispatcher>, seat: Rc<Seat>, number: u64) {
    // A task keeps one waker for life.
    let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    seat.waker.set(waker).expect("a seat is served by one task");
    match open(&dispatcher).await {
        Ok((link, set_up)) => {
            let mut connection = Connection {
                alarm: Box::pin(tokio::time::sleep(dispatcher.limits.timeout)),
                dispatcher: Rc::clone(&dispatcher),
                seat,
                link,
                set_up,
            };
            while let Some(job) = connection.next_job().await {
                if connection.carry(job).await == Reuse::Closed {
                    break;
                }
            }
        }
        Err(fault) => dispatcher.connect_failed(fault),
    }
    dispatcher.left(number);
}

async fn open(dispatcher: &Dispatcher) -> Result<(Link, SetUp), TransportError> {
    let dialed = dispatcher.dialer.dial().await?;
    let set_up = dialed.set_up;
    let link = Link::open(dialed).await?;
    dispatcher.connected(set_up);
    Ok((link, set_up))
}

struct Connection {
    dispatcher: Rc<Dispatcher>,
    seat: Rc<Seat>,
    link: Link,
    /// Zero once the first slot has borne it.
    set_up: SetUp,
    alarm: Pin<Box<Sleep>>,
}

impl Connection {
    /// A waiting slot, or the one assigned while idle; `None` once the connection is to close.
    async fn next_job(&mut self) -> Option<Job> {
        if self.seat.dismissed.get() {
            return None;
        }
        if let Some(job) = self.dispatcher.next_waiting() {
            return Some(job);
        }
        self.dispatcher.park(&self.seat);
        let Self { seat, link, dispatcher, .. } = self;
        poll_fn(|cx| {
            // The server's close is noticed before a slot is entrusted to the connection.
            let closed = link.poll_closed(cx).is_ready();
            let assigned = seat.assigned.take();
            match (closed || seat.dismissed.get(), assigned) {
                (false, None) => Poll::Pending,
                (false, Some(job)) => Poll::Ready(Some(job)),
                (true, None) => {
                    dispatcher.unpark(seat);
                    Poll::Ready(None)
                }
                (true, Some(job)) => {
                    dispatcher.give_back(job);
                    Poll::Ready(None)
                }
            }
        })
        .await
    }

    /// Sends one slot's request, waits for the answer and records what came of it.
    async fn carry(&mut self, job: Job) -> Reuse {
        let prepared = self.dispatcher.prepared();
        let clock = self.dispatcher.recorder.clock();
        let began = clock.now();
        self.seat.carrying.set(Some((job, began)));
        let request = prepared.request(job.request, job.slot);
        let limits = &self.dispatcher.limits;
        let to_deadline = limits.deadline.map(|deadline| (job.due + deadline).since(began));
        let patience = to_deadline.map_or(limits.timeout, |left| left.min(limits.timeout));
        let limit = Instant::now() + patience;
        let mut let_go = |_: &Bytes| {};
        let exchange = self.link.exchange(request, &mut let_go);
        match within(self.alarm.as_mut(), limit, &self.seat, exchange).await {
            Within::Ended(Exchange::Answered { status, body_bytes }) => {
                let fate = judge(prepared.expect(job.request), status, body_bytes);
                self.finish(&job, began, fate, Some((status, body_bytes)));
                match within(self.alarm.as_mut(), limit, &self.seat, self.link.settle()).await {
                    Within::Ended(reuse) => reuse,
                    Within::TimedOut | Within::Dismissed => Reuse::Closed,
                }
            }
            Within::Ended(Exchange::Failed(fault)) => {
                self.finish(&job, began, Fate::TransportError(fault), None);
                Reuse::Closed
            }
            Within::Ended(Exchange::NotSent) => {
                self.seat.carrying.set(None);
                self.dispatcher.give_back(job);
                Reuse::Closed
            }
            Within::TimedOut => {
                self.dispatcher.gave_up();
                self.finish(&job, began, Fate::Timeout, None);
                Reuse::Closed
            }
            // The leg is over, and the slot was given its fate then.
            Within::Dismissed => Reuse::Closed,
        }
    }

    fn finish(&mut self, job: &Job, began: Offset, fate: Fate, answer: Option<(u16, u64)>) {
        self.seat.carrying.set(None);
        let clock = self.dispatcher.recorder.clock();
        let set_up = std::mem::take(&mut self.set_up);
        let stamps: &Stamps = self.link.stamps();
        let sent = stamps.sent().map(|ns| clock.offset(ns));
        let last_read = stamps.last_read().map(|ns| clock.offset(ns));
        let sample = Sample {
            request: job.request,
            due: job.due,
            taken: Some(job.taken),
            wait: Wait::within(job.waited(began), set_up),
            sent,
            first_byte: stamps.first_read().map(|ns| clock.offset(ns)),
            // An answer was there when its last byte was read; anything else ends when it is noticed.
            done: answer.and(last_read).unwrap_or_else(|| clock.now()),
            fate,
            status: answer.map(|(status, _)| status),
            bytes: answer.map_or(0, |(_, bytes)| bytes),
        };
        self.dispatcher.carried(job, &sample);
    }
}

fn judge(expect: &Expect, status: u16, body_bytes: u64) -> Fate {
    if !expect.accepts(status) {
        Fate::BadStatus
    } else if expect.body_bytes_max.is_some_and(|max| body_bytes > max) {
        Fate::CheckFailed
    } else {
        Fate::Ok
    }
}

/// How a bounded wait ended.
enum Within<T> {
    Ended(T),
    TimedOut,
    Dismissed,
}

/// Runs `future` until `limit` or until the seat is dismissed.
///
/// The alarm is moved only when it goes off too early or would go off too late: successive requests have
/// later and later limits, so most of them never touch the timer.
async fn within<F: Future>(
    mut alarm: Pin<&mut Sleep>,
    limit: Instant,
    seat: &Seat,
    future: F,
) -> Within<F::Output> {
    let mut future = pin!(future);
    if alarm.deadline() > limit {
        alarm.as_mut().reset(limit);
    }
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if seat.dismissed.get() {
            return Poll::Ready(Within::Dismissed);
        }
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Within::Ended(output));
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= limit {
                return Poll::Ready(Within::TimedOut);
            }
            alarm.as_mut().reset(limit);
        }
        Poll::Pending
    })
    .await
}
