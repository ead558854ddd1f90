//! [`WorkerPool`]: the workers of a run, and the collector that merges what they measured.
//!
//! Workers and their connections outlive a leg, so that the trials of a search run on warm connections.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::engine::journeys::Journeys;
use crate::engine::leg::{Flow, Leg, LegOutcome, Start, WINDOW};
use crate::engine::load_control::LoadControl;
use crate::engine::prepare::Ready;
use crate::engine::prepared::{Prepared, RenderError};
use crate::engine::tokens::{Rejection, Renewed};
use crate::engine::worker::{self, Assignment, Command, Equipment, Finished, Message};
use crate::load::feeder::Taken;
use crate::load::plan::{Limits, Plan};
use crate::load::steering::{Steering, Turn};
use crate::load::way::KeepAlive;
use crate::measure::address_tally::AddressTally;
use crate::measure::attempts::Attempts;
use crate::measure::generator::WorkerTime;
use crate::measure::silent_connections::SilentConnections;
use crate::measure::tally::Tally;
use crate::measure::window::{Interval, Window};
use crate::time::Offset;
use crate::transport::clock::{Clock, Stamping, monotonic_ns};

/// From the order to the first due instant: time for every worker to take up its leg.
const START_DELAY: Duration = Duration::from_millis(20);

/// Why a worker pool cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerPoolError {
    /// The operating system refused a thread, a runtime or a timer.
    #[error("a worker cannot run: {0}")]
    Worker(#[from] std::io::Error),
    /// A request renders to something HTTP forbids.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A worker thread ended by itself.
    #[error("a worker thread ended unexpectedly")]
    Lost,
}

/// A set of running workers.
pub struct WorkerPool {
    ready: Ready,
    workers: Vec<WorkerHandle>,
    messages: Receiver<Message>,
    /// By the legs so far.
    taken: RefCell<Taken>,
    /// Until whoever renews tokens takes it.
    rejections: Option<UnboundedReceiver<Rejection>>,
}

struct WorkerHandle {
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

/// Where a running worker pool tells of rejected tokens and takes renewed ones; for any thread.
pub struct TokenPort {
    commands: Vec<UnboundedSender<Command>>,
    rejections: UnboundedReceiver<Rejection>,
}

impl TokenPort {
    /// Has every worker send this token from its next window on.
    pub(super) fn replace(&self, renewed: &Renewed) {
        for commands in &self.commands {
            // A worker that is gone sends nothing any more.
            let _ = commands.send(Command::Token(renewed.clone()));
        }
    }

    /// The next rejection; each worker tells of each version of a token once at most. `None` once all
    /// workers are gone.
    pub(super) async fn rejection(&mut self) -> Option<Rejection> {
        self.rejections.recv().await
    }
}

impl WorkerPool {
    /// Starts the plan's workers and opens `connections` connections among them, if connections are kept.
    pub fn launch(
        plan: &Arc<Plan>,
        ready: Ready,
        connections: usize,
    ) -> Result<Self, WorkerPoolError> {
        let (sender, messages) = channel();
        let count = plan.workers.max(1);
        let mut workers = Vec::with_capacity(count);
        let tokens: Vec<Arc<str>> = ready.tokens.iter().map(|one| Arc::clone(&one.text)).collect();
        let (rejected, rejections) = unbounded_channel();
        for number in 0..count {
            let filled = (Arc::clone(&ready.pools), Arc::clone(&ready.feeding));
            let prepared = Prepared::new(&ready.rows, plan, filled, &tokens)?;
            let equipment = Equipment {
                number,
                workers: count,
                cpu: plan.pin.get(number % plan.pin.len().max(1)).copied(),
                limits: share(&plan.limits, count),
                route: ready.route.clone(),
                prepared: prepared.telling(rejected.clone()),
                rows: ready.rows.len(),
                singles: ready.requests.len(),
                journeys: Journeys::new(
                    plan,
                    Arc::clone(&ready.flows),
                    ready.requests.len(),
                    &ready.pools,
                ),
                receive_clock: plan.receive_clock,
            };
            let (commands, inbox) = unbounded_channel();
            let messages = sender.clone();
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || worker::work(equipment, inbox, &messages))?;
            workers.push(WorkerHandle { commands, thread: Some(thread) });
        }
        let rejections = Some(rejections);
        let taken = RefCell::default();
        let worker_pool = Self { ready, workers, messages, taken, rejections };
        let connections = match plan.way.keep_alive {
            KeepAlive::On => connections,
            // Set up in advance, it would not count in the slot's time.
            KeepAlive::Off => 0,
        };
        worker_pool.command(|| Command::Open(connections.div_ceil(count)));
        for _ in 0..count {
            match worker_pool.messages.recv().map_err(|_| WorkerPoolError::Lost)? {
                Message::Broken(error) => return Err(error.into()),
                Message::Lost => return Err(WorkerPoolError::Lost),
                _opened => {}
            }
        }
        Ok(worker_pool)
    }

    /// For renewing tokens while legs run; there is one.
    pub fn token_port(&mut self) -> Option<TokenPort> {
        let commands = self.workers.iter().map(|worker| worker.commands.clone()).collect();
        self.rejections.take().map(|rejections| TokenPort { commands, rejections })
    }

    fn command(&self, mut command: impl FnMut() -> Command) {
        for WorkerHandle { commands, .. } in &self.workers {
            // A worker that is gone has said why, or its absence shows in the messages.
            let _ = commands.send(command());
        }
    }

    /// How many slots the next leg may have, and the feeder that has no rows for more; nothing if none ends.
    pub fn slots_max(&self) -> Option<(u64, String)> {
        let end = self.ready.feeding.end(&self.taken.borrow());
        end.map(|(slots, feeder)| (slots, feeder.name.clone()))
    }

    /// Takes what legs of so many slots take that an earlier sitting has sent.
    pub fn skip(&self, legs: &[u64]) {
        let mut taken = self.taken.borrow_mut();
        for &slots in legs {
            *taken = self.ready.feeding.after(&taken, slots);
        }
    }

    /// Sends a leg and waits until it is over. `observe` sees every window as it closes.
    pub fn run(
        &self,
        leg: Leg,
        observe: &mut dyn FnMut(&Interval) -> Flow,
    ) -> Result<LegOutcome, WorkerPoolError> {
        let leg = Arc::new(leg);
        let start_ns = monotonic_ns() + crate::time::whole_nanos(START_DELAY);
        let control = Arc::new(LoadControl::default());
        let mut steering = Steering::new(&leg.schedule);
        let start = Arc::new(Start {
            wall: leg.ordered_at.saturating_add(START_DELAY),
            taken: self.taken.borrow().clone(),
        });
        self.command(|| {
            Command::Run(Assignment {
                leg: Arc::clone(&leg),
                mix: Arc::clone(&self.ready.mix),
                start: Arc::clone(&start),
                start_ns,
                control: Arc::clone(&control),
            })
        });
        let mut collector = Collector::new(self.workers.len(), self.ready.rows.len());
        while collector.running() {
            match self.messages.recv().map_err(|_| WorkerPoolError::Lost)? {
                Message::Window { worker, end, window } => collector.window(worker, end, *window),
                Message::Finished(finished) => collector.finished(&finished),
                Message::Broken(error) => return Err(error.into()),
                Message::Lost => return Err(WorkerPoolError::Lost),
                Message::Opened => {}
            }
            while let Some(interval) = collector.next_interval() {
                // A window ahead: by now workers have taken up slots past this one's end, and
                // differently many.
                match observe(&interval) {
                    Flow::Continue => {}
                    Flow::Turn(change) => {
                        let now = Clock::starting_at(start_ns).now().max(interval.end);
                        let earliest = (now + WINDOW).max(Offset::ZERO + leg.warmup);
                        control.turn(steering.turn(earliest, change));
                    }
                    Flow::Stop => control.stop_at(interval.end + WINDOW),
                    Flow::Abandon => {
                        control.stop_at(interval.end + WINDOW);
                        control.abandon();
                    }
                }
            }
        }
        let outcome = collector.outcome(control.stop() != Offset::MAX, control.turns());
        let outcome = LegOutcome { start_ns, ..outcome };
        self.taken.replace(self.ready.feeding.after(&start.taken, outcome.slots));
        Ok(outcome)
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        // Whoever renews tokens may still hold a sender, so closing the channel would not do.
        self.command(|| Command::Quit);
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panic there has been printed by its thread.
                let _ = thread.join();
            }
        }
    }
}

/// One worker's share of the bounds; at least one connection and one request.
fn share(limits: &Limits, workers: usize) -> Limits {
    Limits {
        connections: limits.connections.div_ceil(workers).max(1),
        in_flight: limits.in_flight.div_ceil(workers).max(1),
        flows: limits.flows.div_ceil(workers).max(1),
        ..*limits
    }
}

/// Merges windows of the same place in time, and tallies at the end.
struct Collector {
    workers: Vec<Delivery>,
    delivered: BTreeMap<usize, (Offset, Window)>,
    emitted: usize,
    previous_end: Offset,
    requests: usize,
    /// What was due before the first turn, between two, and after the last.
    parts: Vec<Tally>,
    outcome: LegOutcome,
}

/// What has come of one worker.
#[derive(Clone, Copy, Default)]
struct Delivery {
    windows: usize,
    finished: bool,
}

impl Collector {
    fn new(workers: usize, requests: usize) -> Self {
        Self {
            workers: vec![Delivery::default(); workers],
            delivered: BTreeMap::new(),
            emitted: 0,
            previous_end: Offset::ZERO,
            requests,
            parts: Vec::new(),
            outcome: LegOutcome {
                tally: Tally::new(requests),
                start_ns: 0,
                turns: Vec::new(),
                parts: Vec::new(),
                arrivals_end: Offset::ZERO,
                end: Offset::ZERO,
                stopped: false,
                slots: 0,
                silent_connections: SilentConnections::default(),
                attempts: Vec::new(),
                by_address: Vec::new(),
                connections_peak: 0,
                workers: vec![WorkerTime::default(); workers],
                stamps: Stamping::default(),
            },
        }
    }

    fn running(&self) -> bool {
        self.workers.iter().any(|worker| !worker.finished)
    }

    fn window(&mut self, worker: usize, end: Offset, window: Window) {
        let place = self.workers[worker].windows;
        self.workers[worker].windows += 1;
        match self.delivered.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert((end, window));
            }
            Entry::Occupied(mut entry) => {
                let (latest, merged) = entry.get_mut();
                *latest = end.max(*latest);
                merged.merge(&window);
            }
        }
    }

    fn finished(&mut self, finished: &Finished) {
        self.workers[finished.worker].finished = true;
        let outcome = &mut self.outcome;
        for (place, part) in finished.parts.iter().enumerate() {
            if self.parts.len() == place {
                self.parts.push(Tally::new(self.requests));
            }
            self.parts[place].merge(part);
        }
        outcome.arrivals_end = outcome.arrivals_end.max(finished.arrivals_end);
        outcome.end = outcome.end.max(finished.end);
        outcome.slots = outcome.slots.max(finished.slots);
        outcome.silent_connections += finished.silent_connections;
        Attempts::merge(&mut outcome.attempts, &finished.attempts);
        AddressTally::merge(&mut outcome.by_address, &finished.by_address);
        outcome.connections_peak += finished.connections_peak;
        outcome.workers[finished.worker] = finished.time;
        outcome.stamps += finished.stamps;
    }

    /// The next interval, once no worker has anything to add to it.
    fn next_interval(&mut self) -> Option<Interval> {
        let whole = |worker: &Delivery| worker.finished || worker.windows > self.emitted;
        if !self.workers.iter().all(whole) {
            return None;
        }
        let (end, window) = self.delivered.remove(&self.emitted)?;
        self.emitted += 1;
        let end = end.max(self.previous_end);
        let length = end.since(self.previous_end);
        self.previous_end = end;
        Some(Interval { end, length, window })
    }

    fn outcome(self, stopped: bool, turns: Vec<Turn>) -> LegOutcome {
        let Self { mut parts, requests, outcome: LegOutcome { mut tally, .. }, .. } = self;
        for part in &parts {
            tally.merge(part);
        }
        if turns.is_empty() {
            parts.clear();
        } else {
            // Workers that were done before a turn have nothing after it.
            parts.resize_with(turns.len() + 1, || Tally::new(requests));
        }
        LegOutcome { tally, turns, parts, stopped, ..self.outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_finishes_first_takes_no_window_of_the_others_with_it() {
        let mut collector = Collector::new(2, 1);
        let end = Offset::ZERO + Duration::from_millis(100);
        collector.window(0, end, Window { planned: 1, ..Window::default() });
        let tally = Tally::new(1);
        collector.finished(&Finished {
            worker: 0,
            parts: vec![tally],
            silent_connections: SilentConnections::default(),
            attempts: Vec::new(),
            by_address: Vec::new(),
            connections_peak: 0,
            time: WorkerTime::default(),
            stamps: Stamping::default(),
            arrivals_end: end,
            end,
            slots: 0,
        });
        assert!(collector.next_interval().is_none(), "the other worker has not delivered yet");
        collector.window(1, end, Window { planned: 2, ..Window::default() });
        assert_eq!(collector.next_interval().map(|interval| interval.window.planned), Some(3));
        assert!(collector.running());
    }
}
