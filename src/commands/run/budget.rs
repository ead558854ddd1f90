//! [`Budget`]: how many requests may be sent in all, --max-total-requests.
//!
//! Invariant: whatever is admitted stays within it, warm-ups, heads and trials that end early included.

use crate::analysis::words::Count;
use crate::commands::Failure;
use crate::commands::run::Args;
use crate::load::schedule::{Arrivals, Horizon, Schedule};
use crate::time::Offset;

/// Standard deviations by which Poisson arrivals may pass their mean: one count in a billion passes it further.
const POISSON_Z: f64 = 6.0;

/// What may still be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    most: u64,
    left: u64,
}

impl Budget {
    /// The whole of it; without the flag there is no bound.
    pub(super) fn of(args: &Args) -> Self {
        let most = args.max_total_requests.unwrap_or(u64::MAX);
        Self { most, left: most }
    }

    /// Whether `schedule` fits `times` over.
    ///
    /// # Errors
    /// It does not; the text says by how much and what to do.
    pub(super) fn allow(&self, schedule: &Schedule, times: u64) -> Result<(), Failure> {
        let planned = schedule.slots_expected().saturating_mul(times);
        if planned <= self.left {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "--max-total-requests {}: {} are planned, warm-up included; lower --rate or --duration, or \
             raise the bound",
            self.most,
            Count(planned)
        )))
    }

    /// `schedule`, ended where the budget is spent should random arrivals pass their mean; nothing if its
    /// mean is already too much.
    pub(super) fn admit(&self, schedule: Schedule) -> Option<Schedule> {
        let slots = schedule.horizon.slots.min(self.left);
        let horizon = Horizon { slots, ..schedule.horizon };
        (schedule.slots_expected() <= self.left).then_some(Schedule { horizon, ..schedule })
    }

    /// Takes off what was due of `schedule` before `end`.
    pub(super) fn spend(&mut self, schedule: &Schedule, end: Offset) {
        let length = end.since(Offset::ZERO).min(schedule.horizon.length);
        let horizon = Horizon { length, ..schedule.horizon };
        let mean = Schedule { horizon, ..schedule.clone() }.slots_expected();
        let spent = match schedule.arrivals {
            Arrivals::Constant | Arrivals::UniformJitter => mean,
            Arrivals::Poisson => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the root of a count is a count"
                )]
                let spread = (POISSON_Z * (mean as f64).sqrt()).ceil() as u64;
                mean.saturating_add(spread).min(schedule.horizon.slots)
            }
        };
        self.left = self.left.saturating_sub(spent);
    }

    /// Why a search ended before it was sure.
    pub(super) fn note(&self) -> String {
        format!(
            "--max-total-requests {} ended the search: the next trial did not fit; raise it for a surer answer",
            self.most
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::rate::Rate;

    fn schedule(arrivals: Arrivals, seconds: u64) -> Schedule {
        Schedule {
            rate: Rate::per_second(100).unwrap(),
            stages: None,
            trace: None,
            arrivals,
            seed: 7,
            horizon: Horizon::after(Duration::from_secs(seconds)),
        }
    }

    fn budget(most: u64) -> Budget {
        Budget { most, left: most }
    }

    #[test]
    fn a_plan_that_is_larger_is_refused_with_both_numbers() {
        let plan = schedule(Arrivals::Constant, 10);
        assert!(budget(1_000).allow(&plan, 1).is_ok());
        for (most, times) in [(999, 1), (1_999, 2)] {
            let refused = budget(most).allow(&plan, times).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("--max-total-requests {most}: ")), "{refused}");
            assert!(refused.contains("000 are planned"), "{refused}");
        }
    }

    #[test]
    fn whatever_is_admitted_stays_within_the_bound() {
        for arrivals in [Arrivals::Constant, Arrivals::UniformJitter, Arrivals::Poisson] {
            let mut budget = budget(1_234);
            let mut due = 0;
            while let Some(admitted) = budget.admit(schedule(arrivals, 2)) {
                // Ended early, as trials are.
                let end = Offset::from_nanos(1_250_000_000);
                due += admitted.stride(0, 1).take_while(|slot| slot.due < end).count();
                budget.spend(&admitted, end);
                assert!(due as u64 + budget.left <= 1_234, "{arrivals:?}");
            }
            assert!((900..=1_234).contains(&due) || arrivals == Arrivals::Poisson, "{due}");
            assert!(due >= 500, "{arrivals:?} {due}");
        }
    }

    #[test]
    fn random_arrivals_cannot_pass_the_bound() {
        let admitted = budget(200).admit(schedule(Arrivals::Poisson, 2)).unwrap();
        assert!(admitted.stride(0, 1).count() <= 200);
        assert!(budget(199).admit(schedule(Arrivals::Poisson, 2)).is_none());
    }
}
