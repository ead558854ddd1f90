//! [`Journeys`]: what slots go on with beyond one exchange: flows under way, redirects that are followed,
//! and what answers have left for later requests. One per worker, which keeps its flows to itself.
//!
//! A journey has at most one exchange or one pause at a time, and it ends with its last one.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use http::header::{COOKIE, HeaderMap, HeaderValue};
use http::{Method, Uri};
use slab::Slab;

use crate::engine::leg::Start;
use crate::engine::prepared::{Prepared, Turn, Unsendable};
use crate::engine::seat::{Job, Wanted};
use crate::load::cookies::{Cookies, Jar, Site};
use crate::load::extract::{Gathered, Ring, Target};
use crate::load::flow::{Flows, OnFailure};
use crate::load::plan::{Origin, Plan};
use crate::load::random::SplitMix64;
use crate::load::redirect::{Carries, Onward};
use crate::load::request::Pools;
use crate::measure::fate::Fate;
use crate::measure::flow::Milestone;
use crate::measure::sample::{Sample, Wait};
use crate::time::Offset;
use crate::transport::exchange::Outgoing;

/// Names a journey while it lasts.
pub(super) type JourneyId = usize;

/// One worker's journeys.
pub(super) struct Journeys {
    flows: Arc<Flows>,
    /// The ledger's row of each flow's first step.
    first_rows: Vec<usize>,
    origin: Origin,
    seed: u64,
    under_way: RefCell<Slab<Journey>>,
    /// Steps that wait until they are due, the earliest on top.
    pauses: RefCell<BinaryHeap<Reverse<(Offset, JourneyId)>>>,
    /// When the latest step was due that was taken up.
    last_due: Cell<Offset>,
    warmup_end: Cell<Offset>,
    gathered: RefCell<Vec<Ring>>,
    /// Wakes the worker when a step is due sooner than what it waits for.
    waker: RefCell<Option<Waker>>,
}

/// Why a slot has nothing to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// No answer has brought yet what it is filled with.
    Yet,
    /// A template fails, or gives what HTTP forbids.
    Never,
    /// The link that is its path leads to another server.
    Elsewhere,
}

/// A flow, a redirect that is followed, or both.
#[derive(Default)]
struct Journey {
    walk: Option<Walk>,
    hop: Option<Hop>,
}

/// A flow under way.
struct Walk {
    flow: usize,
    /// The step that is under way or comes next.
    step: usize,
    slot: u64,
    /// Whether its first step counted.
    measured: bool,
    /// The place of the target's address that the whole flow was given, as whoever walks it keeps the
    /// connection that it has.
    lane: usize,
    variables: Vec<Option<String>>,
    jar: Jar,
}

/// A redirect that is followed: where to, and what is known of the exchanges before.
pub(super) struct Hop {
    pub(super) onward: Onward,
    /// How many have been followed, this one included.
    pub(super) followed: u32,
    /// When the first exchange began, was sent and answered.
    pub(super) began: Offset,
    pub(super) sent: Option<Offset>,
    pub(super) first_byte: Option<Offset>,
    pub(super) wait: Wait,
    /// Of all bodies so far.
    pub(super) bytes: u64,
}

impl Journeys {
    /// Those of a worker of `plan`, of which `flows` are sent, their steps listed after `requests` others.
    pub(super) fn new(plan: &Plan, flows: Arc<Flows>, requests: usize, pools: &Pools) -> Self {
        let lengths = flows.list.iter().map(|flow| flow.steps.len());
        let first_rows = lengths.scan(requests, |next, length| {
            let first = *next;
            *next += length;
            Some(first)
        });
        let gathered = flows.gathered.iter().map(|pool| pool.begun(pools));
        Self {
            first_rows: first_rows.collect(),
            gathered: RefCell::new(gathered.collect()),
            flows,
            origin: plan.origin.clone(),
            seed: plan.seed,
            under_way: RefCell::default(),
            pauses: RefCell::default(),
            last_due: Cell::default(),
            warmup_end: Cell::default(),
            waker: RefCell::default(),
        }
    }

    /// Whether there are no flows to start.
    pub(super) fn has_no_flows(&self) -> bool {
        self.flows.list.is_empty()
    }

    /// Begins a leg; steps due from `warmup_end` on count.
    pub(super) fn begin(&self, warmup_end: Offset) {
        self.under_way.borrow_mut().clear();
        self.pauses.borrow_mut().clear();
        self.last_due.set(Offset::ZERO);
        self.warmup_end.set(warmup_end);
    }

    /// How many there are.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.borrow().len()
    }

    /// Makes a slot the first step of a flow.
    pub(super) fn start(&self, flow: usize, job: Job) -> Job {
        let walk = Walk {
            flow,
            step: 0,
            slot: job.slot,
            measured: job.measured,
            lane: job.lane,
            variables: vec![None; self.flows.list[flow].variables],
            jar: Jar::default(),
        };
        let journey = Journey { walk: Some(walk), hop: None };
        let id = self.under_way.borrow_mut().insert(journey);
        Job { request: self.first_rows[flow], journey: Some(id), ..job }
    }

    /// When the next step is due.
    pub(super) fn next_due(&self) -> Option<Offset> {
        self.pauses.borrow().peek().map(|Reverse((due, _))| *due)
    }

    /// When the latest step was due that was taken up.
    pub(super) fn last_due(&self) -> Offset {
        self.last_due.get()
    }

    /// The next step if it is due by `now` and so before `end`.
    pub(super) fn take(&self, now: Offset, end: Offset, taken: Offset) -> Option<Job> {
        let due = self.next_due().filter(|due| *due <= now && *due < end)?;
        let Reverse((_, id)) = self.pauses.borrow_mut().pop()?;
        self.last_due.set(due.max(self.last_due.get()));
        let journeys = self.under_way.borrow();
        let walk = journeys.get(id)?.walk.as_ref()?;
        Some(Job {
            slot: walk.slot,
            due,
            request: self.first_rows[walk.flow] + walk.step,
            measured: due >= self.warmup_end.get(),
            taken,
            waited: false,
            dialed: false,
            wanted: Wanted::Any,
            journey: Some(id),
            lane: walk.lane,
        })
    }

    /// Waits, but not beyond the instant at which a step turns out to be due before `wake`.
    pub(super) async fn wait(&self, wake: Offset, wait: impl Future<Output = ()>) {
        let mut wait = pin!(wait);
        poll_fn(|cx| {
            if self.next_due().is_some_and(|due| due < wake) {
                return Poll::Ready(());
            }
            self.waker.borrow_mut().get_or_insert_with(|| cx.waker().clone());
            wait.as_mut().poll(cx)
        })
        .await;
    }

    /// What a slot sends at `now`, in a leg that began with `start`.
    pub(super) fn outgoing(
        &self,
        prepared: &Prepared,
        job: &Job,
        (now, start): (Offset, &Start),
    ) -> Result<Outgoing, Unfilled> {
        let due = start.wall.saturating_add(job.due.since(Offset::ZERO));
        let filled = |step, gathered| {
            if !prepared.is_filled_by(job.request, gathered) {
                return Err(Unfilled::Yet);
            }
            let turn = Turn { slot: job.slot, step, gathered, due, taken: &start.taken };
            prepared.request(job.request, &turn).map_err(|why| match why {
                Unsendable::Forbidden => Unfilled::Never,
                Unsendable::Elsewhere(_) => Unfilled::Elsewhere,
            })
        };
        let gathered = self.gathered.borrow();
        let Some(id) = job.journey else {
            return filled(0, Gathered { variables: &[], pools: &gathered });
        };
        let journeys = self.under_way.borrow();
        let Journey { walk, hop } = &journeys[id];
        let variables = walk.as_ref().map_or(&[][..], |walk| &walk.variables);
        let step = walk.as_ref().map_or(0, |walk| walk.step as u64);
        let mut outgoing = filled(step, Gathered { variables, pools: &gathered })?;
        if let Some(hop) = hop {
            redirect(&mut outgoing, &hop.onward);
        }
        if let Some(walk) = walk.as_ref().filter(|walk| self.keeps_cookies(walk)) {
            let cookies = walk.jar.header(self.origin.channel(), outgoing.uri().path(), now);
            add_cookies(outgoing.headers_mut(), cookies);
        }
        Ok(outgoing)
    }

    fn keeps_cookies(&self, walk: &Walk) -> bool {
        self.flows.list[walk.flow].cookies == Cookies::Kept
    }

    /// Whether the cookies of its answers are kept.
    pub(super) fn wants_cookies(&self, id: JourneyId) -> bool {
        let journeys = self.under_way.borrow();
        journeys[id].walk.as_ref().is_some_and(|walk| self.keeps_cookies(walk))
    }

    /// Takes in the cookies that an answer to `path` set at `now`.
    pub(super) fn keep_cookies(&self, id: JourneyId, headers: &HeaderMap, path: &str, now: Offset) {
        let site = Site { host: &self.origin.host, channel: self.origin.channel() };
        if let Some(walk) = &mut self.under_way.borrow_mut()[id].walk {
            walk.jar.keep(headers, site, path, now);
        }
    }

    /// Where the plan's requests go.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Puts away what was taken from an answer.
    pub(super) fn store(&self, job: &Job, taken: Vec<(Target, Vec<String>)>) {
        for (target, values) in taken {
            match (target, job.journey) {
                (Target::Pool(pool), _) => {
                    if let Some(ring) = self.gathered.borrow_mut().get_mut(pool) {
                        for value in values {
                            ring.push(value);
                        }
                    }
                }
                (Target::Variable(number), Some(id)) => {
                    let mut journeys = self.under_way.borrow_mut();
                    let walk = journeys[id].walk.as_mut();
                    let place = walk.and_then(|walk| walk.variables.get_mut(number));
                    if let Some(place) = place {
                        *place = values.into_iter().next();
                    }
                }
                (Target::Variable(_), None) => {}
            }
        }
    }

    /// How many redirects a slot has followed, and when its first exchange began.
    pub(super) fn followed(&self, job: &Job) -> Option<(u32, Offset)> {
        let journeys = self.under_way.borrow();
        let hop = journeys[job.journey?].hop.as_ref()?;
        Some((hop.followed, hop.began))
    }

    /// Has a slot follow a redirect; `hop` tells of the latest exchange alone.
    pub(super) fn follow(&self, job: &Job, hop: Hop) -> Job {
        let mut journeys = self.under_way.borrow_mut();
        let id = job.journey.unwrap_or_else(|| journeys.insert(Journey::default()));
        let earlier = journeys[id].hop.take();
        journeys[id].hop = Some(match earlier {
            None => hop,
            Some(first) => Hop {
                onward: match first.onward.carries {
                    Carries::All => hop.onward,
                    carries @ Carries::Nothing => Onward { carries, ..hop.onward },
                },
                followed: first.followed + 1,
                bytes: first.bytes + hop.bytes,
                ..first
            },
        });
        Job { journey: Some(id), ..*job }
    }

    /// A slot's sample over all exchanges of it.
    pub(super) fn spanning(&self, id: JourneyId, sample: Sample) -> Sample {
        let journeys = self.under_way.borrow();
        let Some(hop) = &journeys[id].hop else { return sample };
        let fate = match sample.fate {
            // It had been sent; what was not is the next exchange.
            Fate::Unsent => Fate::Open,
            fate => fate,
        };
        let (sent, first_byte, wait) = (hop.sent, hop.first_byte, hop.wait);
        Sample { sent, first_byte, wait, fate, bytes: sample.bytes + hop.bytes, ..sample }
    }

    /// Goes on after an exchange: to the next step once it is due, or to the end, of which it tells: the
    /// flow, and whether it counts.
    pub(super) fn go_on(&self, id: JourneyId, sample: &Sample) -> Option<(usize, Milestone, bool)> {
        let mut journeys = self.under_way.borrow_mut();
        journeys[id].hop = None;
        let Some(walk) = &mut journeys[id].walk else {
            journeys.remove(id);
            return None;
        };
        let flow = &self.flows.list[walk.flow];
        let (number, step, measured) = (walk.flow, walk.step, walk.measured);
        let end = match sample.fate {
            Fate::Unsent | Fate::Open => None,
            fate if fate != Fate::Ok && flow.on_failure == OnFailure::Stop => {
                Some((number, Milestone::EndedEarly(step), measured))
            }
            _ if step + 1 == flow.steps.len() => Some((number, Milestone::Completed, measured)),
            _ => {
                walk.step += 1;
                let mut random = SplitMix64::for_pause(self.seed, walk.slot, walk.step as u64);
                let pause = flow.steps[walk.step].think.drawn(&mut random);
                self.pauses.borrow_mut().push(Reverse((sample.done + pause, id)));
                if let Some(waker) = self.waker.borrow_mut().take() {
                    waker.wake();
                }
                return None;
            }
        };
        journeys.remove(id);
        end
    }
}

/// Turns a request into the one that a redirect asks for.
pub(super) fn redirect(outgoing: &mut Outgoing, onward: &Onward) {
    let mut parts = outgoing.uri().clone().into_parts();
    parts.path_and_query = Some(onward.target.clone());
    if let Ok(uri) = Uri::from_parts(parts) {
        *outgoing.uri_mut() = uri;
    }
    if onward.carries == Carries::Nothing {
        *outgoing.body_mut() = http_body_util::Full::default();
        outgoing.headers_mut().remove(http::header::CONTENT_TYPE);
        outgoing.headers_mut().remove(http::header::CONTENT_LENGTH);
        if outgoing.method() != Method::HEAD {
            *outgoing.method_mut() = Method::GET;
        }
    }
}

/// Adds a jar's cookies to those that the profile itself sends.
fn add_cookies(headers: &mut HeaderMap, cookies: Option<String>) {
    let Some(cookies) = cookies else { return };
    let own = headers.get(COOKIE).and_then(|own| own.to_str().ok());
    let both = own.map_or_else(|| cookies.clone(), |own| format!("{own}; {cookies}"));
    if let Ok(value) = HeaderValue::from_str(&both) {
        headers.insert(COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::uri::PathAndQuery;

    use super::*;
    use crate::engine::example;
    use crate::load::flow::{Flow, Step, Think};
    use crate::load::request::{Expect, OnEmpty, RequestTemplate, Template};
    use crate::load::schedule::Slot;

    const MS: u64 = 1_000_000;

    fn at(ms: u64) -> Offset {
        Offset::from_nanos(ms * MS)
    }

    /// A flow of three steps with pauses of 10 ms, after two single requests.
    fn journeys(on_failure: OnFailure) -> Journeys {
        let step = |pause_ms| Step {
            request: RequestTemplate {
                name: "f / s".to_owned(),
                weight: 1,
                group: None,
                tags: Vec::new(),
                method: Method::GET,
                path: Template::literal("/"),
                headers: Vec::new(),
                body: None,
                expect: Expect::SUCCESS,
                on_empty: OnEmpty::Fail,
                goals: crate::load::slo::Goals::default(),
            },
            think: Think {
                low: Duration::from_millis(pause_ms),
                high: Duration::from_millis(pause_ms),
            },
        };
        let flow = Flow {
            name: "f".to_owned(),
            weight: 1,
            tags: Vec::new(),
            steps: vec![step(0), step(10), step(10)],
            on_failure,
            cookies: Cookies::Off,
            variables: 1,
        };
        let flows = Flows { list: vec![flow], ..Flows::default() };
        let pools: Pools = Arc::from([]);
        let journeys = Journeys::new(&example::plan(9), Arc::new(flows), 2, &pools);
        journeys.begin(at(100));
        journeys
    }

    fn started(journeys: &Journeys, due: Offset) -> Job {
        let job = Job::new(Slot { index: 7, due }, 0, due >= at(100), due);
        journeys.start(0, Job { lane: 1, ..job })
    }

    /// Ends a job's exchange; what follows from it for its flow.
    fn ended(
        journeys: &Journeys,
        job: &Job,
        done: Offset,
        fate: Fate,
    ) -> Option<(usize, Milestone, bool)> {
        let sample = Sample::unsent(job.request, job.due, fate, done);
        let sample = journeys.spanning(job.journey.unwrap(), sample);
        journeys.go_on(job.journey.unwrap(), &sample)
    }

    #[test]
    fn each_step_is_due_a_pause_after_the_end_of_the_one_before() {
        let journeys = journeys(OnFailure::Stop);
        let first = started(&journeys, at(90));
        assert_eq!((first.request, first.measured), (2, false));
        assert_eq!(ended(&journeys, &first, at(95), Fate::Ok), None);
        assert_eq!(journeys.next_due(), Some(at(105)));
        assert!(journeys.take(at(104), Offset::MAX, at(104)).is_none(), "not due yet");
        assert!(journeys.take(at(200), at(105), at(200)).is_none(), "not before the end");
        let second = journeys.take(at(105), at(106), at(105)).unwrap();
        assert_eq!((second.request, second.due, second.slot), (3, at(105), 7));
        assert_eq!(second.lane, 1, "it keeps its address");
        assert!(second.measured, "the warm-up is over when it is due");
        assert_eq!(ended(&journeys, &second, at(130), Fate::Ok), None);
        let third = journeys.take(at(140), Offset::MAX, at(140)).unwrap();
        let end = ended(&journeys, &third, at(150), Fate::Ok);
        assert_eq!(end, Some((0, Milestone::Completed, false)), "it began in the warm-up");
        assert_eq!((journeys.under_way(), journeys.last_due()), (0, at(140)));
    }

    #[test]
    fn a_failure_ends_a_flow_or_does_not() {
        let stopping = journeys(OnFailure::Stop);
        let first = started(&stopping, at(200));
        let end = ended(&stopping, &first, at(210), Fate::BadStatus);
        assert_eq!(end, Some((0, Milestone::EndedEarly(0), true)));
        assert_eq!((stopping.under_way(), stopping.next_due()), (0, None));

        let going_on = journeys(OnFailure::Continue);
        let first = started(&going_on, at(200));
        assert_eq!(ended(&going_on, &first, at(210), Fate::Timeout), None);
        assert_eq!(going_on.next_due(), Some(at(220)));
    }

    #[test]
    fn the_end_of_a_run_is_nobodys_failure() {
        for fate in [Fate::Open, Fate::Unsent] {
            let journeys = journeys(OnFailure::Stop);
            let first = started(&journeys, at(200));
            assert_eq!(ended(&journeys, &first, at(210), fate), None);
            assert_eq!((journeys.under_way(), journeys.next_due()), (0, None), "{fate:?}");
        }
    }

    #[test]
    fn a_sample_spans_all_hops() {
        let journeys = journeys(OnFailure::Stop);
        let slot = Slot { index: 1, due: at(100) };
        let job = Job::new(slot, 0, true, at(100));
        let hop = |began, bytes| Hop {
            onward: Onward { target: PathAndQuery::from_static("/b"), carries: Carries::All },
            followed: 1,
            began,
            sent: Some(began),
            first_byte: Some(began + Duration::from_millis(1)),
            wait: Wait::default(),
            bytes,
        };
        let job = journeys.follow(&job, hop(at(101), 5));
        let job = journeys.follow(&job, hop(at(120), 6));
        assert_eq!(journeys.followed(&job), Some((2, at(101))));
        let last = Sample { bytes: 7, ..Sample::unsent(0, at(100), Fate::Unsent, at(150)) };
        let whole = journeys.spanning(job.journey.unwrap(), last);
        assert_eq!((whole.sent, whole.bytes, whole.fate), (Some(at(101)), 18, Fate::Open));
        assert_eq!(journeys.go_on(job.journey.unwrap(), &whole), None);
        assert_eq!(
            (journeys.under_way(), journeys.followed(&Job { journey: None, ..job })),
            (0, None)
        );
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_wait_ends_when_a_step_turns_out_to_be_due_sooner() {
        let journeys = journeys(OnFailure::Stop);
        let first = started(&journeys, at(200));
        let never = std::future::pending();
        let wait = journeys.wait(at(300), never);
        let end = async { ended(&journeys, &first, at(210), Fate::Ok) };
        let ((), end) = tokio::join!(wait, end);
        assert_eq!((end, journeys.next_due()), (None, Some(at(220))));
    }
}
