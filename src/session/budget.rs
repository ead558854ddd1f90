//! [`Budget`]: how many requests a session may send in all.
//!
//! Invariant: whatever is admitted stays within it, warm-ups, heads and trials that end early included.

use std::sync::Arc;

use crate::analysis::words::Count;
use crate::load::plan::Plan;
use crate::load::request_cost::RequestCost;
use crate::load::schedule::{Horizon, Schedule};
use crate::session::error::SessionError;
use crate::time::Offset;

/// What may still be sent.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    most: u64,
    left: u64,
    /// What slots come to.
    cost: Arc<RequestCost>,
}

impl Budget {
    /// The whole of it: `most` requests of what `plan` sends; absent means no bound.
    ///
    /// # Errors
    /// The plan has nothing to send.
    pub(super) fn new(most: Option<u64>, plan: &Plan) -> Result<Self, SessionError> {
        let most = most.unwrap_or(u64::MAX);
        let cost = RequestCost::of(plan).map_err(SessionError::usage)?;
        Ok(Self { most, left: most, cost: Arc::new(cost) })
    }

    /// Whether `schedule` fits `times` over.
    ///
    /// # Errors
    /// It does not; the text says by how much and what to do.
    pub(super) fn allow(&self, schedule: &Schedule, times: u64) -> Result<(), SessionError> {
        let planned = self.cost.requests(schedule.slots_expected()).saturating_mul(times);
        if planned <= self.left {
            return Ok(());
        }
        Err(SessionError::usage(format!(
            "--max-total-requests {}: {} are planned, with warm-up, steps of flows and redirects; lower \
             --rate or --duration, or raise the bound",
            self.most,
            Count(planned)
        )))
    }

    /// `schedule`, ended where the budget is spent should random arrivals pass their mean; nothing if its
    /// mean is already too much.
    pub(super) fn admit(&self, schedule: Schedule) -> Option<Schedule> {
        let fits = self.cost.requests(schedule.slots_expected()) <= self.left;
        let slots = schedule.horizon.slots.min(self.cost.slots(self.left));
        let horizon = Horizon { slots, ..schedule.horizon };
        fits.then_some(Schedule { horizon, ..schedule })
    }

    /// Takes off what was due of `schedule` before `end`.
    pub(super) fn spend(&mut self, schedule: &Schedule, end: Offset) {
        let length = end.since(Offset::ZERO).min(schedule.horizon.length);
        let horizon = Horizon { length, ..schedule.horizon };
        let slots = Schedule { horizon, ..schedule.clone() }.slots_at_most();
        self.left = self.left.saturating_sub(self.cost.requests(slots));
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
    use crate::load::schedule::Arrivals;
    use crate::report::example;

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
        let cost = Arc::new(RequestCost::of(&example::plan()).unwrap());
        Budget { most, left: most, cost }
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
    fn steps_and_redirects_count_as_requests() {
        let mut plan = example::plan();
        for request in &mut plan.requests {
            request.expect.redirects = 2;
        }
        let cost = Arc::new(RequestCost::of(&plan).unwrap());
        let tripled = |most| Budget { cost: Arc::clone(&cost), ..budget(most) };
        let schedule = schedule(Arrivals::Constant, 10);
        assert!(tripled(3_000).allow(&schedule, 1).is_ok());
        assert!(tripled(2_999).admit(schedule.clone()).is_none());
        let mut spent = tripled(6_000);
        spent.spend(&schedule, Offset::from_nanos(5_000_000_000));
        assert_eq!(spent.left, 4_500);
    }

    #[test]
    fn random_arrivals_cannot_pass_the_bound() {
        let admitted = budget(200).admit(schedule(Arrivals::Poisson, 2)).unwrap();
        assert!(admitted.stride(0, 1).count() <= 200);
        assert!(budget(199).admit(schedule(Arrivals::Poisson, 2)).is_none());
    }
}
