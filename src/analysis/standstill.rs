//! [`Standstill`]: a time in which the target answered nothing though requests were under way, and which
//! requests it had in hand as it began.
//!
//! A standstill lies between two answers, so it is placed where slots were due and not where they timed
//! out. A pause of the generator is none: nothing is sent meanwhile. Who is named as its cause was in hand at
//! standstills far more often than at other times.

use std::time::Duration;

use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::stats::binomial;
use crate::analysis::words::{Count, counted};
use crate::measure::answering::{LONG, LongExchange};
use crate::measure::tally::RequestTally;
use crate::measure::window::Window;
use crate::time::{Human, Offset};

/// Shorter ones are part of the life of a server.
const LENGTH_MIN: Duration = Duration::from_millis(500);
/// Exchanges that must have waited for the end of it, with the one that began it.
const WAITED_MIN: u64 = 4;
/// What waited for the end ends at most this part of the standstill later …
const RELEASE_PART: u32 = 4;
/// … or this long after it.
const RELEASE_MIN: Duration = Duration::from_millis(250);
/// Standstills of a run that are kept; of more, the first tell as much.
const STANDSTILLS_MAX: usize = 200;
/// Requests under way at the beginning of one that are kept; among more, nobody stands out.
const SUSPECTS_MAX: usize = 100;
/// Exchanges without an answer that are held until it is known what became of the others.
const UNANSWERED_MAX: usize = 4_096;
/// More names than these are no longer few.
const CULPRITS_MAX: usize = 3;
/// How likely chance alone may be to make any of as many names look as guilty.
const CHANCE_MAX: f64 = 0.01;
/// Instants that are named at most.
const INSTANTS_MAX: usize = 3;

/// A time between two answers in which requests were under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// The last answer before, or the first request sent after it if none was under way.
    pub begin: Offset,
    /// The first answer after.
    pub end: Offset,
    /// The requests that the target had in hand, by their place in the mix, as often as each: those under
    /// way as it began, and the first that was sent after the last answer.
    pub suspects: Vec<usize>,
    /// Exchanges that ended only with it.
    pub waited: u64,
}

/// Finds standstills in the windows of a run.
#[derive(Debug, Default)]
pub struct Watch {
    latest_answer: Option<Offset>,
    /// Long exchanges that were given up since.
    unanswered: Vec<LongExchange>,
    gaps: Vec<Gap>,
    /// For how long exchanges were under way that a gap made long, by request.
    held: Vec<Duration>,
}

/// A time between two answers.
#[derive(Clone, Debug)]
struct Gap {
    begin: Offset,
    end: Offset,
    in_hand: Vec<usize>,
    first_sent: Option<LongExchange>,
    waited: u64,
}

/// What a request name takes of the target outside of standstills.
#[derive(Clone, Copy, Debug)]
pub struct Presence<'a> {
    /// The request's name.
    pub name: &'a str,
    /// Slots of it.
    pub calls: u64,
    /// For how long it was under way, all its exchanges together.
    pub under_way: Duration,
}

/// The standstills of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standstills {
    /// Each, in order.
    pub list: Vec<Standstill>,
    held: Vec<Duration>,
}

/// Who makes the target stand still.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Culprits {
    /// Their places in the mix.
    requests: Vec<usize>,
    /// Standstills at which one of them was in hand.
    standstills: Vec<Standstill>,
}

impl Watch {
    /// Takes the next window of all workers.
    pub fn push(&mut self, window: &Window) {
        let answering = &window.answering;
        if let Some((first, last)) = answering.answers {
            self.answered(first);
            self.latest_answer = self.latest_answer.max(Some(last));
        }
        for exchange in &answering.long {
            self.enter(exchange);
            if !exchange.answered && self.unanswered.len() < UNANSWERED_MAX {
                self.unanswered.push(*exchange);
            }
        }
    }

    /// An answer came, the first since the latest.
    fn answered(&mut self, first: Offset) {
        let unanswered = std::mem::take(&mut self.unanswered);
        let Some(begin) = self.latest_answer else { return };
        if first.since(begin) < LENGTH_MIN || self.gaps.len() == STANDSTILLS_MAX {
            return;
        }
        self.gaps.push(Gap::new(begin, first));
        for exchange in &unanswered {
            self.enter(exchange);
        }
    }

    fn enter(&mut self, exchange: &LongExchange) {
        let mut is_held = false;
        for gap in &mut self.gaps {
            is_held |= gap.enter(exchange);
        }
        if is_held {
            if self.held.len() <= exchange.request {
                self.held.resize(exchange.request + 1, Duration::ZERO);
            }
            self.held[exchange.request] += exchange.done.since(exchange.sent);
        }
    }

    /// What was found, in time since the end of `warmup`.
    pub fn finish(self, warmup: Duration) -> Standstills {
        let list = self.gaps.into_iter().filter(|gap| gap.waited >= WAITED_MIN);
        let list = list.filter_map(|gap| gap.standstill(warmup)).collect();
        Standstills { list, held: self.held }
    }
}

impl Gap {
    const fn new(begin: Offset, end: Offset) -> Self {
        Self { begin, end, in_hand: Vec::new(), first_sent: None, waited: 0 }
    }

    /// Enters an exchange; says whether it was held up.
    fn enter(&mut self, exchange: &LongExchange) -> bool {
        let LongExchange { request, sent, done, answered } = *exchange;
        let length = self.end.since(self.begin);
        // One that was given up was in hand if that was in the second half or later.
        let lasted = if answered { done >= self.end } else { done.since(self.begin) * 2 >= length };
        if sent >= self.end || !lasted {
            return false;
        }
        if sent <= self.begin {
            if self.in_hand.len() < SUSPECTS_MAX {
                self.in_hand.push(request);
            }
            return true;
        }
        if self.first_sent.is_none_or(|first| sent < first.sent) {
            self.first_sent = Some(*exchange);
        }
        let release = RELEASE_MIN.max(length / RELEASE_PART);
        let released = answered && done.since(self.end) <= release;
        self.waited += u64::from(released);
        released
    }

    fn standstill(self, warmup: Duration) -> Option<Standstill> {
        let Self { begin, end, in_hand, first_sent, waited } = self;
        let first = first_sent?;
        let begin = if in_hand.is_empty() { first.sent } else { begin };
        if end.since(begin) < LENGTH_MIN || begin.since(Offset::ZERO) < warmup {
            return None;
        }
        let suspects = in_hand.into_iter().chain([first.request]).collect();
        Some(Standstill { begin: begin - warmup, end: end - warmup, suspects, waited })
    }
}

impl Standstill {
    /// How long nothing was answered.
    pub const fn length(&self) -> Duration {
        self.end.since(self.begin)
    }

    fn has(&self, requests: &[usize]) -> bool {
        self.suspects.iter().any(|suspect| requests.contains(suspect))
    }
}

impl<'a> Presence<'a> {
    /// That of a request with this ledger.
    pub fn new(name: &'a str, tally: &RequestTally) -> Self {
        let times = [&tally.service_time, &tally.response_time.unanswered];
        let under_way = times.map(|times| times.mean().mul_f64(times.count() as f64));
        Self { name, calls: tally.fates.planned(), under_way: under_way.iter().sum() }
    }
}

impl Standstills {
    /// What there is to say of them in a run of these requests, in the order of the mix.
    pub fn finding(&self, requests: &[Presence<'_>]) -> Option<Finding> {
        if self.list.is_empty() {
            return None;
        }
        Some(match self.culprits(requests) {
            Some(culprits) => blocked(&culprits, requests),
            None => stood_still(&self.list),
        })
    }

    /// The share of arrivals or of the time under way that is theirs, whichever is more: how likely a
    /// request in hand at any instant is one of theirs.
    fn share(&self, chosen: &[usize], requests: &[Presence<'_>]) -> f64 {
        let sum = |of: &dyn Fn(usize, &Presence<'_>) -> f64, only: Option<&[usize]>| -> f64 {
            let places = requests.iter().enumerate();
            let counted = places.filter(|(at, _)| only.is_none_or(|only| only.contains(at)));
            counted.map(|(at, presence)| of(at, presence)).sum()
        };
        let part = |of: &dyn Fn(usize, &Presence<'_>) -> f64| match sum(of, None) {
            0.0 => 0.0,
            all => sum(of, Some(chosen)) / all,
        };
        let time = |at: usize, presence: &Presence<'_>| {
            let held = self.held.get(at).copied().unwrap_or_default();
            presence.under_way.saturating_sub(held).as_secs_f64()
        };
        part(&|_, presence| presence.calls as f64).max(part(&time))
    }

    /// How likely chance alone gives `chosen` a part in as many standstills.
    fn chance(&self, chosen: &[usize], requests: &[Presence<'_>]) -> f64 {
        let share = self.share(chosen, requests);
        let each = |one: &Standstill| 1.0 - (1.0 - share).powf(one.suspects.len() as f64);
        let probabilities: Vec<f64> = self.list.iter().map(each).collect();
        let hits = self.list.iter().filter(|one| one.has(chosen)).count();
        binomial::tail_of(&probabilities, hits)
    }

    /// The names that account for most standstills, if chance hardly does.
    fn culprits(&self, requests: &[Presence<'_>]) -> Option<Culprits> {
        let mut names: Vec<usize> =
            (0..requests.len()).filter(|&at| self.list.iter().any(|one| one.has(&[at]))).collect();
        let surprise = |at: &usize| self.chance(&[*at], requests);
        names.sort_by(|a, b| surprise(a).total_cmp(&surprise(b)));
        let mut chosen: Vec<usize> = Vec::new();
        let mut best: Option<(f64, Vec<usize>)> = None;
        for at in names {
            let adds = self.list.iter().any(|one| one.has(&[at]) && !one.has(&chosen));
            if !adds {
                continue;
            }
            chosen.push(at);
            if chosen.len() > CULPRITS_MAX {
                break;
            }
            let choices = binomial::choices(requests.len(), chosen.len());
            let chance = self.chance(&chosen, requests) * choices;
            if best.as_ref().is_none_or(|(least, _)| chance < *least) {
                best = Some((chance, chosen.clone()));
            }
        }
        let (_, mut chosen) = best.filter(|(chance, _)| *chance <= CHANCE_MAX)?;
        chosen.sort_unstable();
        let theirs: Vec<Standstill> =
            self.list.iter().filter(|one| one.has(&chosen)).cloned().collect();
        (2 * theirs.len() > self.list.len())
            .then_some(Culprits { requests: chosen, standstills: theirs })
    }
}

fn blocked(culprits: &Culprits, requests: &[Presence<'_>]) -> Finding {
    let Culprits { requests: chosen, standstills } = culprits;
    let names: Vec<&str> = chosen.iter().map(|&at| requests[at].name).collect();
    let calls: u64 = chosen.iter().map(|&at| requests[at].calls).sum();
    let in_hand = standstills.iter().flat_map(|one| &one.suspects);
    let theirs = in_hand.filter(|suspect| chosen.contains(suspect)).count() as u64;
    let whose = if names.len() == 1 { "its" } else { "their" };
    let after = match (theirs >= calls, calls) {
        (true, 1) => "its one call".to_owned(),
        (true, _) => format!("each of {whose} {} calls", Count(calls)),
        (false, _) => format!("{} of {whose} {} calls", Count(theirs), Count(calls)),
    };
    Finding {
        cause: Cause::Blocked,
        severity: Severity::Warning,
        message: format!(
            "{}: the server answered nothing for {} after {after}, the first at {}; {} waited for that",
            listed(&names),
            Human(typical(standstills)),
            instants(standstills),
            counted(waited(standstills), "exchange")
        ),
        remedy: "look for what blocks in the code that serves them: a synchronous call or a computation on \
                 the event loop, a lock that all requests need, the only worker"
            .to_owned(),
    }
}

fn stood_still(standstills: &[Standstill]) -> Finding {
    let often = match standstills.len() {
        1 => "once".to_owned(),
        several => format!("{several} times"),
    };
    Finding {
        cause: Cause::Standstill,
        severity: Severity::Info,
        message: format!(
            "the server, or the network before it, stood still {often}: it answered nothing for {}, \
             the first at {}; {} waited for that",
            Human(typical(standstills)),
            instants(standstills),
            counted(waited(standstills), "exchange")
        ),
        remedy: "look at the log at these instants for what held everything up: a blocking call on the event \
                 loop, a garbage collection, a lock, a checkpoint of the database, a scheduled job"
            .to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.join(", "),
    }
}

/// The median length.
fn typical(standstills: &[Standstill]) -> Duration {
    let mut lengths: Vec<Duration> = standstills.iter().map(Standstill::length).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}

fn waited(standstills: &[Standstill]) -> u64 {
    standstills.iter().map(|one| one.waited).sum()
}

/// When the first of them began.
fn instants(standstills: &[Standstill]) -> String {
    let begin = |one: &Standstill| {
        let tenths = one.begin.since(Offset::ZERO).as_millis() / 100;
        Human(Duration::from_millis(100) * u32::try_from(tenths).unwrap_or(u32::MAX)).to_string()
    };
    let first: Vec<String> = standstills.iter().take(INSTANTS_MAX).map(begin).collect();
    format!("{} into the run", first.join(", "))
}

const _: () = assert!(LONG.as_nanos() < LENGTH_MIN.as_nanos(), "what waits for an end is kept");

#[cfg(test)]
mod tests;
