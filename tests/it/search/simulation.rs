//! A target in virtual time: one FIFO queue before several servers, with the faults that searches meet.
//!
//! Invariant: the same seed gives the same target and the same results.

use std::collections::VecDeque;
use std::time::Duration;

use steadfire::analysis::findings::send_lag_limit;
use steadfire::analysis::trial::{
    ClientState, ObjectiveFigure, Point, SLOT, Trial, TrialResult, Watch, is_disturbed, judge,
};
use steadfire::load::random::SplitMix64;
use steadfire::load::slo::{Objective, Slo};
use steadfire::measure::histogram::LatencyHistogram;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Service {
    Fixed,
    Exponential,
    /// The sum of so many exponential phases: squared variation 1 / phases.
    Erlang(u32),
    /// With this squared variation.
    LogNormal(f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrivals {
    Constant,
    Poisson,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Answers per second of all servers together.
    pub(crate) capacity: f64,
    pub(crate) servers: usize,
    pub(crate) service: Service,
    pub(crate) arrivals: Arrivals,
    /// Every `.0` seconds, nothing moves for `.1` seconds.
    pub(crate) stalls: Option<(f64, f64)>,
    /// Requests per second above which the rest is refused at once, and how many may come at once.
    pub(crate) limiter: Option<(f64, f64)>,
    /// Requests in the system beyond which others are refused; one server only.
    pub(crate) room: Option<usize>,
    /// A request that waited longer than `.0` seconds takes `.1` times as long.
    pub(crate) collapse: Option<(f64, f64)>,
    /// Once one waited longer than `.0` seconds, all take three times as long for `.1` seconds.
    pub(crate) hangover: Option<(f64, f64)>,
    /// Capacity swings by the share `.0` in `.1` seconds.
    pub(crate) drift: Option<(f64, f64)>,
    /// The first requests take `1 + .0` times as long, which fades over `.1` requests.
    pub(crate) warm_up: Option<(f64, f64)>,
    /// Above 80 % of use for 20 s, 10 s later there is one server more, up to so many.
    pub(crate) scaling: Option<usize>,
    /// The share `.0` of requests takes `.1` seconds longer, and keeps no server busy meanwhile.
    pub(crate) slow_share: Option<(f64, f64)>,
    /// The share `.0` of requests keeps every server busy for `.1` seconds.
    pub(crate) freezing: Option<(f64, f64)>,
    pub(crate) broken: bool,
    /// From then on, seconds since the search began, every request is refused.
    pub(crate) dies_at: Option<f64>,
    /// Requests per second that the generator can send.
    pub(crate) client: f64,
    /// The generator pauses every `.0` seconds in the mean, at random, for `.1` seconds.
    pub(crate) pauses: Option<(f64, f64)>,
}

impl Target {
    pub(crate) fn new(capacity: f64, servers: usize, service: Service) -> Self {
        Self {
            capacity,
            servers,
            service,
            arrivals: Arrivals::Constant,
            stalls: None,
            limiter: None,
            room: None,
            collapse: None,
            hangover: None,
            drift: None,
            warm_up: None,
            scaling: None,
            slow_share: None,
            freezing: None,
            broken: false,
            dies_at: None,
            client: f64::INFINITY,
            pauses: None,
        }
    }
}

/// The target and its clock; what a trial leaves unfinished is still there in the next.
pub(crate) struct Simulation {
    target: Target,
    slo: Slo,
    random: SplitMix64,
    /// Seconds since the search began.
    pub(crate) now: f64,
    /// When each server is free, in seconds without stalls.
    free: Vec<f64>,
    /// Departures of those in the system, where room is limited.
    inside: VecDeque<f64>,
    /// Until when a target is slow after overload.
    slow_until: f64,
    served: f64,
    /// Seconds of high use, and when the next server comes.
    busy_for: f64,
    next_server: Option<f64>,
    phase: f64,
    tokens: f64,
    refilled: f64,
    stall_phase: f64,
    /// When the generator's next pause begins.
    next_pause: f64,
}

const DRAIN_S: f64 = 10.0;
const SLOT_S: f64 = 0.1;

/// What the requests of one trial came to.
#[derive(Default)]
struct Tally {
    /// Indexed by slot, also those after the trial's end.
    slots: Vec<Slot>,
    unfinished: u64,
    overdue: u64,
    response_s: Vec<f64>,
    planned: u64,
    failed: u64,
    open: u64,
    last_done: f64,
    lags: LatencyHistogram,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    point: Point,
    finished: u64,
    became_overdue: u64,
    overdue_finished: u64,
}

impl Tally {
    fn slot(&mut self, at: f64) -> &mut Slot {
        // A request due at a slot's very beginning belongs to it, whatever rounding makes of it.
        let index = count(at / SLOT_S + 1e-6).min(4_000);
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Slot::default());
        }
        &mut self.slots[index]
    }

    /// The point of slot `index`, all requests due in it being known.
    fn close(&mut self, index: usize) -> Point {
        let slot = *self.slot((index as f64 + 0.5) * SLOT_S);
        self.unfinished += slot.point.planned;
        self.unfinished -= slot.finished;
        self.overdue += slot.became_overdue;
        self.overdue -= slot.overdue_finished;
        Point {
            at: SLOT * u32::try_from(index + 1).expect("a trial is short"),
            unfinished: self.unfinished,
            overdue: self.overdue,
            ..slot.point
        }
    }
}

/// Whole units in `value`, which is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn count(value: f64) -> usize {
    (value + 1e-9) as usize
}

impl Simulation {
    pub(crate) fn new(target: Target, slo: Slo, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let phase = random.unit();
        let stall_phase = random.unit();
        Self {
            free: vec![0.0; target.servers],
            inside: VecDeque::new(),
            slow_until: 0.0,
            served: 0.0,
            busy_for: 0.0,
            next_server: None,
            phase,
            tokens: target.limiter.map_or(0.0, |(_, burst)| burst),
            target,
            slo,
            random,
            now: 0.0,
            refilled: 0.0,
            stall_phase,
            next_pause: 0.0,
        }
    }

    pub(crate) fn run(&mut self, trial: &Trial) -> TrialResult {
        let rate = trial.rate.min(self.target.client);
        let slots = count(trial.duration().as_secs_f64() / SLOT_S);
        let mut watch = Watch::new(trial, &self.slo);
        let mut tally = Tally::default();
        let mut points = Vec::new();
        let mut ended = false;
        let mut due = 0.0;
        while points.len() < slots && !ended {
            let end = (points.len() + 1) as f64 * SLOT_S;
            while due < end - 1e-9 {
                self.request(due, trial, &mut tally);
                due += match self.target.arrivals {
                    Arrivals::Constant => 1.0 / rate,
                    Arrivals::Poisson => self.random.exponential() / rate,
                };
            }
            self.scale(rate, self.now + end);
            let point = tally.close(points.len());
            ended = watch.observe(&point).is_some();
            points.push(point);
        }
        let ran = points.len() as f64 * SLOT_S;
        let took = ran.max(tally.last_done.min(ran + DRAIN_S));
        if took > ran + SLOT_S {
            self.busy_for = 0.0;
        }
        self.now += took;
        self.result(trial, points, tally, Duration::from_secs_f64(took))
    }

    fn scale(&mut self, rate: f64, now: f64) {
        let Some(most) = self.target.scaling else { return };
        let each = self.target.capacity / self.target.servers as f64;
        let busy = rate / (each * self.free.len() as f64) > 0.8;
        self.busy_for = if busy { self.busy_for + SLOT_S } else { 0.0 };
        if self.next_server.is_none() && self.busy_for >= 20.0 && self.free.len() < most {
            self.next_server = Some(now + 10.0);
        }
        if self.next_server.is_some_and(|at| now >= at) {
            self.free.push(now);
            self.next_server = None;
            self.busy_for = 0.0;
        }
    }

    /// Answers per second when the search was over.
    pub(crate) fn final_capacity(&self) -> f64 {
        self.target.capacity / self.target.servers as f64 * self.free.len() as f64
    }

    fn result(
        &self,
        trial: &Trial,
        points: Vec<Point>,
        mut tally: Tally,
        took: Duration,
    ) -> TrialResult {
        let length = (SLOT * u32::try_from(points.len()).expect("a trial is short"))
            .saturating_sub(trial.head);
        let errors = tally.failed + tally.open;
        let error_rate = errors as f64 / tally.planned.max(1) as f64;
        let measure = |&objective: &Objective| {
            let value = match objective {
                Objective::ResponseTime { quantile, .. } => {
                    quantile_of(&mut tally.response_s, quantile)
                }
                Objective::ErrorRate { .. } => error_rate,
                other => panic!("{other} is not simulated"),
            };
            let at_least = value >= DRAIN_S;
            ObjectiveFigure { objective, value, at_least }
        };
        let measured = self.slo.objectives.iter().map(measure).collect();
        let mut result = TrialResult {
            points,
            length,
            took,
            planned: tally.planned,
            ok: tally.planned - errors,
            error_rate,
            measured,
            missed: Vec::new(),
            achieved: tally.planned as f64 / length.max(SLOT).as_secs_f64(),
            send_lag_p99: Duration::ZERO,
            median: Duration::from_secs_f64(quantile_of(&mut tally.response_s, 0.5)),
            interval: None,
            client: ClientState::Healthy,
        };
        result.client = self.client_state(trial, &result, &tally.lags);
        result
    }

    fn client_state(
        &self,
        trial: &Trial,
        result: &TrialResult,
        lags: &LatencyHistogram,
    ) -> ClientState {
        let limit = self.slo.tightest_time();
        let held = judge(trial, result, &self.slo).held();
        if trial.rate > self.target.client {
            ClientState::Limited { reason: "CPU".to_owned() }
        } else if is_disturbed(lags, send_lag_limit(limit), (limit, held)) {
            ClientState::Disturbed { reason: "a pause".to_owned() }
        } else {
            ClientState::Healthy
        }
    }

    /// When what is due at `due` is sent.
    fn sent(&mut self, due: f64) -> f64 {
        let Some((every, pause)) = self.target.pauses else { return due };
        while self.next_pause + pause < due {
            self.next_pause += pause + every * self.random.exponential();
        }
        if due < self.next_pause { due } else { self.next_pause + pause }
    }

    /// One request due `at` seconds after the trial's start.
    fn request(&mut self, at: f64, trial: &Trial, tally: &mut Tally) {
        let judged = at >= trial.head.as_secs_f64() - 1e-9;
        tally.planned += u64::from(judged);
        tally.slot(at).point.planned += 1;
        let due = self.now + at;
        let gone = self.target.dies_at.is_some_and(|at| due >= at);
        if self.target.broken || gone || self.refused(due) {
            let slot = tally.slot(at);
            slot.point.failed += 1;
            slot.finished += 1;
            tally.failed += u64::from(judged);
            return;
        }
        let limit = self.slo.tightest_time().expect("a limit on time").as_secs_f64();
        let sent = self.sent(due);
        if judged {
            tally.lags.record(Duration::from_secs_f64(sent - due));
        }
        let done = self.serve(sent) + self.aside();
        if self.target.room.is_some() {
            self.inside.push_back(done);
        }
        let response = done - due;
        let done = at + response;
        tally.last_done = tally.last_done.max(done);
        let late = response >= limit;
        let slot = tally.slot(done);
        slot.finished += 1;
        slot.overdue_finished += u64::from(late);
        slot.point.answered_ok += 1;
        slot.point.slow += u64::from(late);
        tally.slot(at + limit).became_overdue += u64::from(late);
        if judged {
            tally.open += u64::from(response > DRAIN_S);
            tally.response_s.push(response);
        }
    }

    /// Seconds that a request takes besides those that it keeps a server busy.
    fn aside(&mut self) -> f64 {
        self.target.slow_share.map_or(
            0.0,
            |(share, seconds)| {
                if self.random.unit() < share { seconds } else { 0.0 }
            },
        )
    }

    fn refused(&mut self, due: f64) -> bool {
        if let Some(room) = self.target.room {
            while self.inside.front().is_some_and(|done| *done <= due) {
                self.inside.pop_front();
            }
            return self.inside.len() >= room;
        }
        let Some((limit, burst)) = self.target.limiter else { return false };
        self.tokens = (self.tokens + (due - self.refilled) * limit).min(burst);
        self.refilled = due;
        let refused = self.tokens < 1.0;
        self.tokens -= if refused { 0.0 } else { 1.0 };
        refused
    }

    /// When the request that is sent at `sent` is answered.
    fn serve(&mut self, sent: f64) -> f64 {
        let arrival = self.without_stalls(sent);
        let (server, &free) =
            self.free.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).expect("a server");
        let start = free.max(arrival);
        let mean = self.target.servers as f64 / self.target.capacity;
        let done = start + mean * self.slower(sent, start - arrival) * self.drawn();
        self.served += 1.0;
        self.free[server] = done;
        let done = self.frozen(done);
        self.with_stalls(done)
    }

    /// When a request is answered that may freeze the target, and would else be at `done`.
    fn frozen(&mut self, done: f64) -> f64 {
        let Some((share, seconds)) = self.target.freezing else { return done };
        if self.random.unit() >= share {
            return done;
        }
        let until = self.free.iter().copied().fold(done, f64::max) + seconds;
        self.free.fill(until);
        until
    }

    /// How many times as long a request takes that is due at `due` and has waited `waited` seconds.
    fn slower(&mut self, due: f64, waited: f64) -> f64 {
        let mut slower = 1.0;
        if let Some((limit, times)) = self.target.collapse {
            slower *= if waited > limit { times } else { 1.0 };
        }
        if let Some((limit, lasts)) = self.target.hangover {
            slower *= if due < self.slow_until { 3.0 } else { 1.0 };
            if waited > limit && due >= self.slow_until {
                self.slow_until = due + lasts;
            }
        }
        if let Some((swing, period)) = self.target.drift {
            slower /= 1.0 + swing * (std::f64::consts::TAU * (due / period + self.phase)).sin();
        }
        if let Some((extra, requests)) = self.target.warm_up {
            slower *= 1.0 + extra * (-self.served / requests).exp();
        }
        slower
    }

    /// A service time with mean 1.
    fn drawn(&mut self) -> f64 {
        match self.target.service {
            Service::Fixed => 1.0,
            Service::Exponential => self.random.exponential(),
            Service::Erlang(phases) => {
                (0..phases).map(|_| self.random.exponential()).sum::<f64>() / f64::from(phases)
            }
            Service::LogNormal(squared) => self.random.lognormal(squared.sqrt()),
        }
    }

    /// Seconds the target has moved until `at`; each period begins with movement and ends in a stall.
    fn without_stalls(&self, at: f64) -> f64 {
        let Some((period, stall)) = self.target.stalls else { return at };
        let at = at + self.stall_phase * period;
        let periods = (at / period).floor();
        periods * (period - stall) + (at - periods * period).min(period - stall)
    }

    fn with_stalls(&self, moved: f64) -> f64 {
        let Some((period, stall)) = self.target.stalls else { return moved };
        let periods = (moved / (period - stall)).floor();
        moved + periods * stall - self.stall_phase * period
    }
}

fn quantile_of(values: &mut [f64], quantile: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let rank = count(quantile * values.len() as f64).min(last);
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}
