//! A worker: one thread, one current-thread runtime, its own connections, pacer and tally.
//!
//! It takes the slots of its stride as they come due and hands its windows to the collector; nothing
//! flows between workers.

mod steps;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;

use crate::engine::arrivals::Arrivals;
use crate::engine::dispatch::{Dispatcher, SILENT_MAX};
use crate::engine::journeys::Journeys;
use crate::engine::leg::{Leg, Start, WINDOW};
use crate::engine::load_control::LoadControl;
use crate::engine::pacer::Pacer;
use crate::engine::prepared::Prepared;
use crate::engine::pulse;
use crate::engine::quantile_estimator::{EstimatorSettings, QuantileEstimator};
use crate::engine::recorder::Recorder;
use crate::engine::rehearsal::rehearse;
use crate::engine::seat::Job;
use crate::engine::tokens::Renewed;
use crate::load::mix::Mix;
use crate::load::plan::{Limits, ReceiveClock};
use crate::load::way::HttpVersion;
use crate::machine::thread::{self, ThreadTime};
use crate::measure::address_tally::AddressTally;
use crate::measure::attempts::Attempts;
use crate::measure::generator::WorkerTime;
use crate::measure::silent_connections::SilentConnections;
use crate::measure::tally::Tally;
use crate::measure::window::Window;
use crate::time::Offset;
use crate::transport::clock::{Clock, SendStamps, Stamping, monotonic_ns};
use crate::transport::connect::Dialer;
use crate::transport::route::Route;

/// Late slots are taken up this many at a time, so that their requests leave before more are made.
const BURST: usize = 32;
/// How often a drain looks whether everything has been answered.
const DRAIN_STEP: Duration = Duration::from_millis(2);

/// From making room for it to having handed over a window.
const HAND_OVER: EstimatorSettings = EstimatorSettings {
    quantile: 0.9,
    step_ns: 5_000.0,
    start_ns: 100_000.0,
    min_ns: 10_000.0,
    max_ns: 2_000_000.0,
};
/// A window that has ended is handed over where that fits before the next slot; after this long in any
/// case.
const HAND_OVER_MAX: Duration = Duration::from_millis(20);

/// What the worker pool asks of a worker.
pub(super) enum Command {
    /// Open this many connections and say so.
    Open(usize),
    /// Send a leg.
    Run(Assignment),
    /// Send this token from now on.
    Token(Renewed),
    /// End the thread.
    Quit,
}

/// A leg, for one worker.
pub(super) struct Assignment {
    pub(super) leg: Arc<Leg>,
    pub(super) mix: Arc<Mix>,
    pub(super) start: Arc<Start>,
    /// Monotonic instant of the leg's offset zero.
    pub(super) start_ns: u64,
    /// How the worker pool ends arrivals early or turns them.
    pub(super) control: Arc<LoadControl>,
}

/// What a worker tells the worker pool.
pub(super) enum Message {
    /// The connections asked for are open, or have failed.
    Opened,
    /// A window has closed.
    Window { worker: usize, end: Offset, window: Box<Window> },
    /// The leg is over.
    Finished(Box<Finished>),
    /// It cannot go on.
    Broken(std::io::Error),
    /// It panicked.
    Lost,
}

/// A worker's part of a leg's outcome.
pub(super) struct Finished {
    pub(super) worker: usize,
    /// What was due before the first turn, between two, and after the last.
    pub(super) parts: Vec<Tally>,
    pub(super) silent_connections: SilentConnections,
    pub(super) attempts: Vec<Attempts>,
    pub(super) by_address: Vec<AddressTally>,
    pub(super) connections_peak: usize,
    pub(super) time: WorkerTime,
    pub(super) stamps: Stamping,
    pub(super) arrivals_end: Offset,
    pub(super) end: Offset,
    /// One more than the last slot it took up.
    pub(super) slots: u64,
}

/// What a worker is made of.
pub(super) struct Equipment {
    pub(super) number: usize,
    pub(super) workers: usize,
    /// The processor it is bound to.
    pub(super) cpu: Option<usize>,
    pub(super) limits: Limits,
    pub(super) route: Route,
    pub(super) prepared: Prepared,
    /// Rows of the ledger: the requests of the mix, then the steps of flows.
    pub(super) rows: usize,
    /// Those of them that the mix sends by themselves.
    pub(super) singles: usize,
    pub(super) journeys: Journeys,
    pub(super) receive_clock: ReceiveClock,
}

/// The thread's body: serves commands until it is told to quit or their sender is gone.
pub(super) fn work(
    equipment: Equipment,
    mut commands: UnboundedReceiver<Command>,
    messages: &Sender<Message>,
) {
    let _last_word = LastWord(messages);
    let pinned = equipment.cpu.map_or(Ok(()), thread::pin);
    let runtime = pinned.and_then(|()| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
    });
    let result = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let mut worker = Worker::new(equipment, messages)?;
            loop {
                // Between legs nobody else looks after connections.
                let heard = tokio::time::timeout(SILENT_MAX, commands.recv()).await;
                worker.dispatcher.close_stale();
                let Ok(command) = heard else { continue };
                match command {
                    None | Some(Command::Quit) => return Ok(()),
                    Some(command) => {
                        if worker.obey(command, &mut commands).await == Next::Quit {
                            return Ok(());
                        }
                    }
                }
            }
        })
    });
    if let Err(error) = result {
        // A worker pool that is gone needs no word.
        let _ = messages.send(Message::Broken(error));
    }
}

/// Tells of a panic, so that the worker pool does not wait for a worker that is gone.
struct LastWord<'a>(&'a Sender<Message>);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Message::Lost);
        }
    }
}

/// What a worker does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Quit,
}

struct Worker<'a> {
    number: usize,
    workers: usize,
    /// Entries of the mix that are single requests; those after them are flows.
    singles: usize,
    dispatcher: Rc<Dispatcher>,
    pacer: Pacer,
    /// How long handing over a window takes.
    hand_over: QuantileEstimator,
    messages: &'a Sender<Message>,
}

impl<'a> Worker<'a> {
    fn new(equipment: Equipment, messages: &'a Sender<Message>) -> std::io::Result<Self> {
        let Equipment { number, workers, limits, route, receive_clock, singles, .. } = equipment;
        let dialer = Dialer::new(route, limits.connect_timeout).part(number, workers);
        let dialer = match receive_clock {
            ReceiveClock::Kernel => dialer.with_kernel_clock(Rc::default()),
            ReceiveClock::User => dialer,
        };
        let Equipment { prepared, rows, journeys, .. } = equipment;
        let recorder = Recorder::new(rows)
            .with_deadline(limits.deadline)
            .with_pauses(Rc::clone(dialer.pauses()));
        let dispatcher = Dispatcher::new(recorder, dialer, limits, prepared, journeys);
        tokio::task::spawn_local(pulse::beat(Rc::clone(&dispatcher)));
        let (pacer, hand_over) = (Pacer::new()?, QuantileEstimator::new(HAND_OVER));
        Ok(Self { number, workers, singles, dispatcher, pacer, hand_over, messages })
    }

    async fn obey(&mut self, command: Command, commands: &mut UnboundedReceiver<Command>) -> Next {
        match command {
            Command::Open(connections) => {
                let Dispatcher { dialer, limits, .. } = &*self.dispatcher;
                // The first requests go to every address.
                let connections = connections.next_multiple_of(dialer.places());
                while self.dispatcher.connections() < connections.min(limits.connections) {
                    self.dispatcher.open_connection(dialer.next_place(monotonic_ns()));
                }
                if self.dispatcher.dialer.route().version() == HttpVersion::Http1 {
                    rehearse(&self.dispatcher.prepared).await;
                }
                while self.dispatcher.connecting() > 0 {
                    tokio::time::sleep(DRAIN_STEP).await;
                }
                self.tell(Message::Opened);
            }
            Command::Token(renewed) => self.dispatcher.prepared.renew(renewed),
            Command::Run(assignment) => return self.run(assignment, commands).await,
            Command::Quit => return Next::Quit,
        }
        Next::GoOn
    }

    /// Takes in what the worker pool has sent while a leg runs.
    fn hear(&self, commands: &mut UnboundedReceiver<Command>) -> Next {
        loop {
            match commands.try_recv() {
                Ok(Command::Token(renewed)) => self.dispatcher.prepared.renew(renewed),
                // One leg at a time: the worker pool asks for neither while one runs.
                Ok(Command::Open(_) | Command::Run(_)) => {}
                Ok(Command::Quit) | Err(TryRecvError::Disconnected) => return Next::Quit,
                Err(TryRecvError::Empty) => return Next::GoOn,
            }
        }
    }

    fn tell(&self, message: Message) {
        // The worker pool outlives its legs; if it is gone, so is everyone who would read this.
        let _ = self.messages.send(message);
    }

    /// Has sends stamped where that is worth it.
    fn stamp_sends(&self, leg: &Leg) {
        self.dispatcher.dialer.stamp_sends(match self.dispatcher.dialer.route().version() {
            HttpVersion::Http1 => leg.send_stamps(self.workers),
            // A write carries the frames of several requests.
            HttpVersion::Http2 => SendStamps::Off,
        });
    }

    async fn run(
        &mut self,
        assignment: Assignment,
        commands: &mut UnboundedReceiver<Command>,
    ) -> Next {
        let leg = Arc::clone(&assignment.leg);
        let clock = Clock::starting_at(assignment.start_ns);
        self.begin(&assignment, clock);
        self.stamp_sends(&leg);
        // Offsets begin at the start, so the wait for it is counted on the bare clock.
        self.pacer.begin(Clock::starting_at(0), leg.pacing);
        let began = ThreadTime::now();
        let mut time = None;
        self.pacer.wait_until(Offset::from_nanos(assignment.start_ns)).await;
        self.pacer.begin(clock, leg.pacing);
        let mut arrivals =
            Arrivals::new(&assignment, Rc::clone(&self.dispatcher), self.number, self.workers);
        let mut next_tick = first_tick(leg.warmup);
        loop {
            let now = clock.now();
            let head_start = self.head_start(now);
            // A slot that is due as a window ends is the next one's.
            if now + head_start >= next_tick {
                // A worker that never catches up must still be heard and stopped.
                if self.hand_over(commands) == Next::Quit {
                    return Next::Quit;
                }
                self.dispatcher.recorder.end_window(next_tick, leg.warmup);
                next_tick = next_tick + WINDOW;
            }
            self.dispatcher.recorder.arrivals_end(self.ended(&arrivals));
            self.give_up_late(&mut arrivals, now, leg.drain);
            let taken = clock.now();
            self.take_steps(&arrivals, taken, head_start, next_tick);
            if self.take_due(&mut arrivals, taken, head_start, next_tick) == Progress::More {
                // What has been taken up leaves before more is.
                tokio::task::yield_now().await;
                continue;
            }
            let mut wake = next_tick;
            let next_step = self.next_step(&arrivals);
            if let Some(due) = next_step {
                wake = wake.min(due - head_start);
            }
            if let Some(due) = arrivals.next_due() {
                wake = wake.min(due - head_start);
            } else if !arrivals.may_go_on(now) {
                // Waiting for the last answers says nothing about how busy the load made it.
                time.get_or_insert_with(|| ThreadTime::now().since(began));
                let last = self.ended(&arrivals).max(next_step.unwrap_or_default());
                let drained = last + arrivals.drain(leg.drain);
                let nothing_left = self.dispatcher.outstanding() == 0 && next_step.is_none();
                if nothing_left || now >= drained {
                    break;
                }
                wake = wake.min(drained).min(now + DRAIN_STEP);
            } else {
                wake = wake.min(arrivals.ended());
            }
            if self.may_hand_over(clock.now(), wake) {
                let began = clock.now();
                // What has been taken up leaves first.
                tokio::task::yield_now().await;
                if self.hand_over(commands) == Next::Quit {
                    return Next::Quit;
                }
                self.hand_over.observe(clock.now().since(began));
                continue;
            }
            self.rest(wake).await;
        }
        self.finish(&arrivals, clock.now(), time.unwrap_or_default(), leg.warmup);
        Next::GoOn
    }

    /// Gives what is left its fate and tells how the leg went.
    fn finish(&self, arrivals: &Arrivals, end: Offset, time: WorkerTime, warmup: Duration) {
        let dispatcher = &self.dispatcher;
        self.hand_over_window();
        dispatcher.abandon(end);
        while let Some(job) = dispatcher.journeys.take(end, arrivals.steps_end(), end) {
            dispatcher.never_sent(&job, end);
        }
        dispatcher.recorder.end_window(end, warmup);
        self.hand_over_window();
        self.tell(Message::Finished(Box::new(Finished {
            worker: self.number,
            parts: dispatcher.recorder.take_parts(),
            silent_connections: dispatcher.take_silent_connections(),
            attempts: dispatcher.dialer.take_attempts(),
            by_address: dispatcher.take_by_address(),
            connections_peak: dispatcher.take_connections_peak(),
            time,
            stamps: dispatcher.dialer.take_stamps(),
            arrivals_end: self.ended(arrivals),
            end,
            slots: arrivals.taken,
        })));
    }

    fn head_start(&self, now: Offset) -> Duration {
        if self.pacer.polls(now) { self.dispatcher.head_start() } else { Duration::ZERO }
    }

    fn begin(&self, assignment: &Assignment, clock: Clock) {
        let leg = &assignment.leg;
        self.dispatcher.start.replace(Arc::clone(&assignment.start));
        self.dispatcher.recorder.begin(clock, leg);
        self.dispatcher.journeys.begin(Offset::ZERO + leg.warmup);
    }

    /// Takes up the slots that are due by `now` or within the head start, a burst at the most. One due at
    /// the end of the window belongs to the next, which may be the first that counts.
    fn take_due(
        &self,
        arrivals: &mut Arrivals,
        taken: Offset,
        head_start: Duration,
        window_end: Offset,
    ) -> Progress {
        for _ in 0..BURST {
            let Some((slot, entry, measured)) = arrivals.take(taken + head_start, window_end)
            else {
                return Progress::Done;
            };
            let job = Job::new(slot, entry, measured, taken);
            match entry.checked_sub(self.singles) {
                None => self.dispatcher.dispatch(job),
                Some(flow) => self.dispatcher.start_flow(flow, job),
            }
        }
        Progress::More
    }

    /// Whether an ended window waits, and there is time to hand it over before `wake` or no more to lose.
    fn may_hand_over(&self, now: Offset, wake: Offset) -> bool {
        let ended = self.dispatcher.recorder.ended_at();
        ended.is_some_and(|end| fits(wake.since(now), now.since(end), self.hand_over.duration()))
    }

    /// Hands over the window that has ended, if there is one, and takes in what the worker pool has sent.
    fn hand_over(&self, commands: &mut UnboundedReceiver<Command>) -> Next {
        self.hand_over_window();
        self.hear(commands)
    }

    fn hand_over_window(&self) {
        let Dispatcher { recorder, .. } = &*self.dispatcher;
        let Some(end) = recorder.ended_at() else { return };
        self.dispatcher.sweep(end);
        if let Some(window) = recorder.hand_over(self.dispatcher.gauges(end)) {
            self.tell(Message::Window { worker: self.number, end, window: Box::new(window) });
        }
    }
}

/// Whether a window that ended `ago` is handed over now, which takes `cost`, with so much time `left`
/// before the next slot.
fn fits(left: Duration, ago: Duration, cost: Duration) -> bool {
    left >= cost || ago >= HAND_OVER_MAX
}

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    Done,
}

/// The first window's end: windows are laid so that one begins where the warm-up ends.
fn first_tick(warmup: Duration) -> Offset {
    let into = crate::time::whole_nanos(warmup) % crate::time::whole_nanos(WINDOW);
    if into == 0 { Offset::ZERO + WINDOW } else { Offset::from_nanos(into) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_handed_over_between_slots_and_soon_in_any_case() {
        let us = Duration::from_micros;
        let cost = us(80);
        assert!(!fits(us(0), us(0), cost), "a slot is due");
        assert!(!fits(us(79), us(19_999), cost));
        assert!(fits(us(80), us(0), cost), "there is room");
        assert!(fits(us(0), HAND_OVER_MAX, cost), "slots leave no room");
    }

    #[test]
    fn a_worker_that_panics_says_so() {
        let (sender, messages) = std::sync::mpsc::channel();
        let worker = std::thread::spawn(move || {
            let _last_word = LastWord(&sender);
            panic!("on purpose, for a test");
        });
        assert!(worker.join().is_err());
        assert!(matches!(messages.recv(), Ok(Message::Lost)));
        assert!(messages.recv().is_err(), "once");
    }
}
