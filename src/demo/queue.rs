//! [`Queue`]: the capacity model, a pool of workers behind one first-in-first-out queue, in virtual time.
//!
//! A request's begin and end are settled in work time when it arrives; only freezes that later arrivals bring
//! can still move its end in wall time, so whoever waits asks [`Queue::due`] again after waking.
//! Invariant: begins are in order of arrival, and a request once admitted uses its worker even if its
//! client has gone.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::load::random::SplitMix64;
use crate::time::{Offset, whole_nanos};

use super::endpoint::Endpoint;
use super::settings::{COLLAPSE_WAIT, Overload, ServiceTime, Settings};
use super::work_time::{Work, WorkClock};

/// Service times are this much longer at the very beginning of a slow start.
const SLOW_START_FACTOR: f64 = 5.0;
/// Service times are this much longer while collapsed.
const COLLAPSE_FACTOR: f64 = 3.0;
/// Coefficient of variation of log-normal service times.
const LOGNORMAL_CV: f64 = 0.5;
/// A rate limit lets through as many requests at once as it allows in this long.
const BURST: Duration = Duration::from_millis(100);

/// The workers and their queue.
#[derive(Clone, Debug)]
pub struct Queue {
    settings: Settings,
    clock: WorkClock,
    random: SplitMix64,
    /// When each worker is free again.
    free: BinaryHeap<Reverse<Work>>,
    /// Begins of requests that still wait, in order; at most `settings.queue_limit`.
    waiting: VecDeque<Work>,
    limiter: Option<Limiter>,
    state: State,
}

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is served and may be answered when the ticket is due.
    Served(Ticket),
    /// The queue is full: status 503.
    Full(Ticket),
    /// The rate limit is exceeded: status 429.
    Limited(Ticket),
}

/// The instant of a request's answer, in work time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    end: Work,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Normal,
    Collapsed,
}

impl Queue {
    /// Idle workers at the server's start; `settings` must have passed [`Settings::check`].
    pub fn new(settings: &Settings) -> Self {
        Self {
            clock: WorkClock::new(settings.stalls),
            random: SplitMix64::new(settings.seed),
            free: (0..settings.workers.max(1)).map(|_| Reverse(Work(0))).collect(),
            waiting: VecDeque::new(),
            limiter: settings.reject_above.map(Limiter::new),
            state: State::Normal,
            settings: settings.clone(),
        }
    }

    /// Admits a request that arrives at `now`, or refuses it at once (but not while all stands still).
    /// Instants must not go backwards.
    pub fn arrive(&mut self, now: Offset, endpoint: Endpoint) -> Admission {
        let arrival = self.clock.work(now);
        // One nanosecond of work puts a refusal behind a freeze that is on.
        let refusal = Ticket { end: arrival.plus(1) };
        if self.limiter.as_mut().is_some_and(|limiter| !limiter.admit(now)) {
            return Admission::Limited(refusal);
        }
        while self.waiting.front().is_some_and(|begin| *begin <= arrival) {
            self.waiting.pop_front();
        }
        let earliest = self.free.peek().map_or(arrival, |free| free.0);
        if earliest > arrival && self.waiting.len() >= self.settings.queue_limit {
            return Admission::Full(refusal);
        }
        Admission::Served(self.serve(arrival, endpoint))
    }

    /// The wall time at which the answer may go out, as far as is known now; it may move later, never earlier.
    pub fn due(&self, ticket: Ticket) -> Offset {
        self.clock.wall(ticket.end)
    }

    /// Requests that wait for a worker, as of the last arrival.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn serve(&mut self, arrival: Work, endpoint: Endpoint) -> Ticket {
        let free = self.free.pop().map_or(arrival, |free| free.0);
        let begin = arrival.max(free);
        self.tip(begin.0 - arrival.0);
        let freeze = self.settings.freeze(endpoint);
        if !freeze.is_zero() {
            self.clock.freeze(begin, whole_nanos(freeze));
        }
        if begin > arrival {
            self.waiting.push_back(begin);
        }
        let end = begin.plus(self.service_nanos(begin, endpoint));
        self.free.push(Reverse(end));
        Ticket { end }
    }

    /// Enters collapse by a long wait, leaves it when an arrival finds a worker free.
    fn tip(&mut self, wait_nanos: u64) {
        if self.settings.overload == Overload::Steady {
            return;
        }
        if wait_nanos > whole_nanos(COLLAPSE_WAIT) {
            self.state = State::Collapsed;
        } else if wait_nanos == 0 {
            self.state = State::Normal;
        }
    }

    fn service_nanos(&mut self, begin: Work, endpoint: Endpoint) -> u64 {
        let variation = match self.settings.service {
            ServiceTime::Fixed => 1.0,
            ServiceTime::Exponential => self.random.exponential(),
            ServiceTime::LogNormal => self.random.lognormal(LOGNORMAL_CV),
        };
        let collapse = if self.state == State::Collapsed { COLLAPSE_FACTOR } else { 1.0 };
        let factor = variation * collapse * self.slowness(begin);
        whole_nanos(self.settings.mean_service(endpoint).mul_f64(factor)).max(1)
    }

    fn slowness(&self, begin: Work) -> f64 {
        let Some(length) = self.settings.slow_start.filter(|length| !length.is_zero()) else {
            return 1.0;
        };
        let passed = self.clock.wall(begin).as_secs_f64() / length.as_secs_f64();
        (1.0 - SLOW_START_FACTOR).mul_add(passed.min(1.0), SLOW_START_FACTOR)
    }
}

/// A token bucket.
#[derive(Clone, Debug)]
struct Limiter {
    rate_per_s: f64,
    size: f64,
    tokens: f64,
    filled_at: Offset,
}

impl Limiter {
    fn new(rate_per_s: f64) -> Self {
        let size = (rate_per_s * BURST.as_secs_f64()).max(1.0);
        Self { rate_per_s, size, tokens: size, filled_at: Offset::ZERO }
    }

    fn admit(&mut self, now: Offset) -> bool {
        let gained = self.rate_per_s * now.since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + gained).min(self.size);
        self.filled_at = now.max(self.filled_at);
        let admitted = self.tokens >= 1.0;
        if admitted {
            self.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests;
