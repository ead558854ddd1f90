//! [`Keeper`]: which token is renewed when. Time comes in as an argument, so hours pass in a test at once.
//!
//! One renewal at a time and at least a gap between two, whatever the server does: a storm of 401s cannot
//! become a storm of log-ins.

use std::time::Duration;

use crate::engine::tokens::Rejection;
use crate::measure::auth::AuthCounts;
use crate::time::Offset;

/// A token is renewed when this share of its life is left.
const MARGIN: f64 = 0.2;
/// The wait after a first setback; it doubles with each one that follows.
const BACKOFF: Duration = Duration::from_secs(1);
/// The longest wait; a version that lived for longer before it was rejected starts anew.
const BACKOFF_MAX: Duration = Duration::from_mins(1);

/// How a token is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// By the refresh request, where there is one.
    Refresh,
    /// By logging in: the token was rejected, or renewing it failed.
    LogIn,
}

/// The state of all tokens.
pub(super) struct Keeper {
    tokens: Vec<Kept>,
    gap: Duration,
    /// No renewal begins before.
    free_from: Offset,
    pub(super) counts: AuthCounts,
}

struct Kept {
    version: u64,
    renewed_at: Offset,
    /// Absent for a token that does not say how long it lives.
    renew_at: Option<Offset>,
    /// Failed attempts since it was renewed.
    failures: u32,
    /// Whether a 401 asks for its renewal.
    rejected: bool,
    /// How many versions in a row were rejected soon after they were issued.
    short_lived: u32,
}

impl Keeper {
    /// Tokens with their lives, if known, and their ages at offset zero.
    pub(super) fn new(
        tokens: impl Iterator<Item = (Option<Duration>, Duration)>,
        gap: Duration,
    ) -> Self {
        let tokens: Vec<Kept> = tokens
            .map(|(life, age)| Kept {
                version: 0,
                renewed_at: Offset::ZERO,
                renew_at: life.map(|life| Offset::ZERO + ahead(life).saturating_sub(age)),
                failures: 0,
                rejected: false,
                short_lived: 0,
            })
            .collect();
        let held = tokens.len() as u64;
        let counts = AuthCounts { tokens: held, log_ins: held, ..AuthCounts::default() };
        Self { tokens, gap, free_from: Offset::ZERO, counts }
    }

    /// The token that is next to be renewed, and when; `None` while none asks for it.
    pub(super) fn next(&self) -> Option<(usize, Offset)> {
        let asking = self.tokens.iter().enumerate();
        let asking = asking.filter_map(|(token, kept)| Some((token, kept.renew_at?)));
        let (token, at) = asking.min_by_key(|(_, at)| *at)?;
        Some((token, at.max(self.free_from)))
    }

    /// A renewal begins.
    pub(super) fn begin(&mut self, token: usize, now: Offset) -> Means {
        self.free_from = now + self.gap;
        let kept = &self.tokens[token];
        if kept.rejected || kept.failures > 0 { Means::LogIn } else { Means::Refresh }
    }

    /// It succeeded, and the new token lives for `life`, if that is known. Returns its version.
    pub(super) fn renewed(&mut self, token: usize, now: Offset, life: Option<Duration>) -> u64 {
        let kept = &mut self.tokens[token];
        self.counts.refreshes += 1;
        if kept.rejected {
            self.counts.rejections += 1;
            kept.short_lived += 1;
        } else {
            kept.short_lived = 0;
        }
        kept.version += 1;
        kept.renewed_at = now;
        kept.renew_at = life.map(|life| now + ahead(life));
        kept.failures = 0;
        kept.rejected = false;
        kept.version
    }

    /// It failed: the old token is kept, and another attempt is made.
    pub(super) fn failed(&mut self, token: usize, now: Offset) {
        let kept = &mut self.tokens[token];
        self.counts.failures += 1;
        kept.failures += 1;
        kept.renew_at = Some(now + backoff(kept.failures));
    }

    /// A request was answered 401. Rejections of a version that has been replaced are old news.
    pub(super) fn rejected(&mut self, rejection: Rejection, now: Offset) {
        let Some(kept) = self.tokens.get_mut(rejection.token) else { return };
        if kept.version != rejection.version || kept.rejected {
            return;
        }
        if now.since(kept.renewed_at) > BACKOFF_MAX {
            kept.short_lived = 0;
        }
        kept.rejected = true;
        if kept.failures == 0 {
            let earliest = kept.renewed_at + backoff(kept.short_lived);
            kept.renew_at = Some(now.max(earliest));
        }
    }
}

fn ahead(life: Duration) -> Duration {
    life.mul_f64(1.0 - MARGIN)
}

/// The wait after so many setbacks in a row.
fn backoff(setbacks: u32) -> Duration {
    match setbacks.checked_sub(1) {
        None => Duration::ZERO,
        Some(more) => BACKOFF.saturating_mul(2_u32.saturating_pow(more)).min(BACKOFF_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(500);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn at(offset: f64) -> Offset {
        Offset::ZERO + seconds(offset)
    }

    fn keeper(lives: &[f64]) -> Keeper {
        Keeper::new(lives.iter().map(|life| (Some(seconds(*life)), Duration::ZERO)), GAP)
    }

    #[test]
    fn tokens_are_renewed_ahead_of_their_end() {
        let mut keeper = keeper(&[10.0]);
        for version in 1..=100 {
            let due = version as f64 * 8.0;
            assert_eq!(keeper.next(), Some((0, at(due))));
            assert_eq!(keeper.begin(0, at(due)), Means::Refresh);
            assert_eq!(keeper.renewed(0, at(due), Some(seconds(10.0))), version);
        }
        assert_eq!((keeper.counts.refreshes, keeper.counts.failures), (100, 0));
        let old = Keeper::new(std::iter::once((Some(seconds(10.0)), seconds(3.0))), GAP);
        assert_eq!(old.next(), Some((0, at(5.0))), "it was three seconds old");
        let opaque = Keeper::new(std::iter::once((None, seconds(3.0))), GAP);
        assert_eq!(opaque.next(), None);
    }

    #[test]
    fn renewals_keep_their_distance() {
        let mut keeper = keeper(&[1.0; 10]);
        let mut begun = Vec::new();
        while begun.len() < 10 {
            let (token, due) = keeper.next().unwrap();
            keeper.begin(token, due);
            keeper.renewed(token, due, Some(seconds(1_000.0)));
            begun.push((token, due));
        }
        for (place, (token, due)) in begun.into_iter().enumerate() {
            assert_eq!((token, due), (place, at(0.8 + place as f64 * 0.5)));
        }
    }

    #[test]
    fn a_failure_is_retried_with_growing_waits_by_logging_in() {
        let mut keeper = keeper(&[100.0]);
        let mut now = keeper.next().unwrap().1;
        let mut waits = Vec::new();
        for attempt in 0..9 {
            let means = if attempt == 0 { Means::Refresh } else { Means::LogIn };
            assert_eq!(keeper.begin(0, now), means);
            keeper.failed(0, now);
            let next = keeper.next().unwrap().1;
            waits.push(next.since(now).as_secs());
            now = next;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!((keeper.counts.failures, keeper.counts.refreshes), (9, 0));
        keeper.begin(0, now);
        keeper.renewed(0, now, Some(seconds(100.0)));
        assert_eq!(keeper.next(), Some((0, now + seconds(80.0))));
        assert_eq!(keeper.begin(0, now), Means::Refresh, "the slate is clean");
    }

    #[test]
    fn a_rejected_token_is_renewed_at_once_and_once() {
        let mut keeper = keeper(&[1_000.0, 1_000.0]);
        let rejection = |version| Rejection { token: 1, version };
        for millis in 0..50 {
            keeper.rejected(rejection(0), at(100.0) + Duration::from_millis(millis));
        }
        assert_eq!(keeper.next(), Some((1, at(100.0))));
        assert_eq!(keeper.begin(1, at(100.0)), Means::LogIn);
        assert_eq!(keeper.renewed(1, at(100.2), Some(seconds(1_000.0))), 1);
        keeper.rejected(rejection(0), at(100.3));
        assert_eq!(keeper.next(), Some((0, at(800.0))), "old news asks for nothing");
        assert_eq!((keeper.counts.refreshes, keeper.counts.rejections), (1, 1));
    }

    #[test]
    fn a_server_that_rejects_every_token_is_asked_ever_more_rarely() {
        let mut keeper = keeper(&[1_000.0]);
        let mut now = at(0.0);
        let mut version = 0;
        let mut renewals = 0;
        while now < at(600.0) {
            keeper.rejected(Rejection { token: 0, version }, now);
            let due = keeper.next().unwrap().1;
            now = due.max(now + Duration::from_millis(10));
            keeper.begin(0, now);
            version = keeper.renewed(0, now, Some(seconds(1_000.0)));
            renewals += 1;
        }
        // 0, 1, 3, 7, 15, 31 and 63 s, then one a minute.
        assert!((15..=18).contains(&renewals), "{renewals}");
    }
}
