//! [`Failures`]: the failed slots of a request name by kind, with when each kind was seen and what the first
//! of it broke on, in words.
//!
//! A worker owns its own and they merge without loss, in any order. They are bounded: kinds are a closed set
//! but for statuses, which have three digits, and checks, which the profile lists; of each kind one cause is
//! kept, of at most [`WORDS_MAX`] bytes. Nothing is entered for a good answer.

use std::collections::BTreeMap;

use crate::measure::fate::{Fate, TransportError};
use crate::measure::sample::Sample;
use crate::time::Offset;

/// The length of a cause in bytes; what exceeds it is cut off.
pub const WORDS_MAX: usize = 200;

/// What kind of failure a slot met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// An answer with this status, which was not expected.
    Status(u16),
    /// An answer that failed the check at this place; see [`crate::load::expect::Expect::name_of`].
    Check(usize),
    /// The exchange broke.
    Transport(TransportError),
    /// No complete answer in time.
    Timeout,
    /// Given up before it was sent.
    Shed,
    /// The run ended before it could be sent.
    Unsent,
    /// Still unanswered when the drain ended.
    Open,
}

impl FailureKind {
    /// The kind of a slot that has ended. None for a good answer, nor for one that failed checks, which may be
    /// several and are entered one by one.
    pub fn of(sample: &Sample) -> Option<Self> {
        match sample.fate {
            Fate::Ok | Fate::CheckFailed => None,
            Fate::BadStatus => sample.status.map(Self::Status),
            Fate::TransportError(kind) => Some(Self::Transport(kind)),
            Fate::Timeout => Some(Self::Timeout),
            Fate::Shed => Some(Self::Shed),
            Fate::Unsent => Some(Self::Unsent),
            Fate::Open => Some(Self::Open),
        }
    }

    /// The stable name used in results: the transport error's or the fate's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status(_) => Fate::BadStatus.name(),
            Self::Check(_) => Fate::CheckFailed.name(),
            Self::Transport(kind) => kind.name(),
            Self::Timeout => Fate::Timeout.name(),
            Self::Shed => Fate::Shed.name(),
            Self::Unsent => Fate::Unsent.name(),
            Self::Open => Fate::Open.name(),
        }
    }
}

/// What exactly broke, and what can be done about it. Free of secrets: no query, header value, body or token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// In words, on one line of at most [`WORDS_MAX`] bytes.
    words: Box<str>,
    /// Where there is one for just this.
    remedy: Option<&'static str>,
}

impl Reason {
    /// `words`, made one line and cut to the bound.
    pub fn new(words: &str) -> Self {
        let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words = &line[..line.floor_char_boundary(WORDS_MAX)];
        Self { words: words.trim().into(), remedy: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_remedy(self, remedy: &'static str) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// What broke.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// What to do about it, where there is something for just this.
    pub const fn remedy(&self) -> Option<&'static str> {
        self.remedy
    }
}

/// The first known reason for a failure of a kind; the earliest is the least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct First {
    seen: Offset,
    reason: Reason,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How many.
    pub count: u64,
    /// When the first of them showed.
    pub first_seen: Offset,
    /// When the last of them showed.
    pub last_seen: Offset,
    first: Option<First>,
}

impl Failure {
    /// Why the first of them failed of which that is known.
    pub fn reason(&self) -> Option<&Reason> {
        self.first.as_ref().map(|first| &first.reason)
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.first = match (self.first.take(), &other.first) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs.clone())),
            (ours, theirs) => ours.or_else(|| theirs.clone()),
        };
    }
}

/// Failures by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(BTreeMap<FailureKind, Failure>);

impl Failures {
    /// Enters one that showed at `seen`.
    pub fn enter(&mut self, kind: FailureKind, seen: Offset) {
        let one = Failure { count: 1, first_seen: seen, last_seen: seen, first: None };
        self.0.entry(kind).and_modify(|failure| failure.merge(&one)).or_insert(one);
    }

    /// Says why one that has been entered failed. Words are made only for the first of a kind.
    pub fn explain(&mut self, kind: FailureKind, seen: Offset, reason: impl FnOnce() -> Reason) {
        if let Some(failure) = self.0.get_mut(&kind).filter(|failure| failure.first.is_none()) {
            failure.first = Some(First { seen, reason: reason() });
        }
    }

    /// Adds everything `other` holds.
    pub fn merge(&mut self, other: &Self) {
        for (kind, theirs) in &other.0 {
            let ours = self.0.entry(*kind);
            ours.and_modify(|ours| ours.merge(theirs)).or_insert_with(|| theirs.clone());
        }
    }

    /// Those of one kind.
    pub fn of(&self, kind: FailureKind) -> Option<&Failure> {
        self.0.get(&kind)
    }

    /// All kinds that were met.
    pub fn all(&self) -> impl Iterator<Item = (FailureKind, &Failure)> {
        self.0.iter().map(|(kind, failure)| (*kind, failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: FailureKind = FailureKind::Transport(TransportError::Tls);

    fn failures(entries: &[(u64, Option<&str>)]) -> Failures {
        let mut failures = Failures::default();
        for (at, words) in entries {
            failures.enter(TLS, Offset::from_nanos(*at));
            if let Some(words) = words {
                failures.explain(TLS, Offset::from_nanos(*at), || Reason::new(words));
            }
        }
        failures
    }

    #[test]
    fn merging_keeps_counts_extremes_and_the_earliest_reason_in_any_order() {
        let parts = [
            failures(&[(50, Some("late")), (90, None)]),
            failures(&[(20, None), (30, Some("early")), (40, Some("not the first"))]),
            failures(&[(70, Some("later still"))]),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let mut sum = Failures::default();
            for place in order {
                sum.merge(&parts[place]);
            }
            let failure = sum.of(TLS).unwrap();
            assert_eq!(failure.count, 6);
            assert_eq!((failure.first_seen.as_nanos(), failure.last_seen.as_nanos()), (20, 90));
            assert_eq!(failure.reason().unwrap().words(), "early");
        }
    }

    #[test]
    fn a_reason_is_one_bounded_line() {
        assert_eq!(Reason::new("two\r\nlines\u{1b}[31m").words(), "two  lines [31m");
        let long = Reason::new(&"ä".repeat(300));
        assert_eq!((long.words().len(), long.words().chars().count()), (WORDS_MAX, 100));
    }
}
