//! [`CheckedPlan`]: a plan that this machine can send and whose objectives can be judged, before anything has
//! left it.

use crate::load::plan::Plan;
use crate::machine::capacity::Capacity;
use crate::session::budget::Budget;
use crate::session::error::SessionError;
use crate::session::judgeable;
use crate::session::options::{Mode, RunOptions};
use crate::session::preflight::{self, Supplies};

/// A plan, fitted to the machine.
#[derive(Clone)]
pub struct CheckedPlan {
    pub(super) plan: Plan,
    pub(super) options: RunOptions,
    pub(super) supplies: Supplies,
    pub(super) budget: Budget,
    warnings: Vec<String>,
}

impl CheckedPlan {
    /// Fits `plan` to what the machine has, and raises the limit on open files to what it may need. `limited`
    /// names the requests that were given limits of their own, whether they are sent or not.
    ///
    /// # Errors
    /// Connections that cannot be had, an objective that cannot hold, or more requests than the bound.
    pub fn new(
        mut plan: Plan,
        options: RunOptions,
        capacity: &Capacity,
        limited: &[String],
    ) -> Result<Self, SessionError> {
        let peak_rate = options.mode.peak_rate(plan.request_rate());
        let (supplies, mut warnings) =
            preflight::fit(&mut plan, peak_rate, options.own_target, capacity)
                .map_err(SessionError::Usage)?;
        let budget = Budget::new(options.requests_max, &plan)?;
        if let Mode::FixedRate { times, .. } = options.mode {
            judgeable::allow(&plan).map_err(SessionError::Usage)?;
            warnings.extend(judgeable::notes(&plan, limited));
            budget.allow(&plan.schedule(), times)?;
        }
        Ok(Self { plan, options, supplies, budget, warnings })
    }

    /// The plan as it will be sent.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How it will be run.
    pub const fn options(&self) -> &RunOptions {
        &self.options
    }

    /// What is worth knowing before it is sent, one line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
