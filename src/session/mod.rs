//! The application without its command line: a [`Session`] sets a plan up, sends its load and judges what
//! was measured.
//!
//! ```text
//! Plan + RunOptions → CheckedPlan → Session::begin → run | search | block → Report
//!                                        ↑ RunControl            ↓ RunEvent
//! ```
//!
//! Whoever starts a session hands it an [`event::Observer`], which is told what happens, and keeps a
//! [`control::RunControl`], by which any thread may steer or end it. Nothing here knows a flag, a terminal or
//! a file.

mod block;
mod budget;
mod checked_plan;
pub mod control;
mod error;
pub mod event;
mod find_max;
mod fixed;
mod interval_recorder;
pub mod judgeable;
mod measured_load;
mod opening;
mod options;
mod preflight;
pub mod queue;
mod search_answer;
mod search_report;
mod set_up;
mod trial_figures;
mod trial_shortlist;
mod verdict;

use std::sync::Arc;

pub use block::CompletedBlock;
pub use checked_plan::CheckedPlan;
pub use error::SessionError;
pub use find_max::EarlierSitting;
pub use options::{Mode, RunOptions, SearchOptions};
pub use set_up::{tls_client, token_life};

use crate::engine::renewal::{AuthRecord, Renewal};
use crate::engine::worker_pool::WorkerPool;
use crate::load::plan::Plan;
use crate::load::way::{HttpChoice, Way};
use crate::machine::wall_clock;
use crate::measure::attempts::Attempts;
use crate::monitor::Watch;
use crate::profile::Redistributed;
use crate::report::profile_weights::ProfileWeights;
use crate::session::budget::Budget;
use crate::session::control::RunControl;
use crate::session::event::Observer;
use crate::session::preflight::Supplies;

/// A target that is set up, and workers that are ready to load it. Loads follow one another on warm
/// connections.
pub struct Session {
    plan: Arc<Plan>,
    options: RunOptions,
    control: RunControl,
    worker_pool: WorkerPool,
    supplies: Supplies,
    budget: Budget,
    redistributed: Vec<Redistributed>,
    profile_weights: ProfileWeights,
    /// Where connections go.
    addresses: Vec<String>,
    /// Which of them failed before the load.
    probed: Vec<Attempts>,
    started_at: jiff::Timestamp,
    /// What is polled beside the answers.
    monitors: Option<Watch>,
    /// Tokens that are sent in turn.
    tokens: usize,
    /// Renews them as long as the session lives, where they can be.
    renewal: Option<Renewal>,
}

impl Session {
    /// Logs in, sends the set-up requests and starts the workers, which open their first connections.
    ///
    /// # Errors
    /// A target that cannot be used, a request to stop, or a machine that fails the generator.
    pub fn begin(
        checked: CheckedPlan,
        control: RunControl,
        observer: &mut dyn Observer,
    ) -> Result<Self, SessionError> {
        let CheckedPlan { plan, options, supplies, budget, .. } = checked;
        let ready = set_up::prepare_target(&plan, &options.tls, &control, observer)?;
        let version = ready.route.version();
        let profile_weights = ProfileWeights::of(&plan);
        let way = Way { http: HttpChoice::Exactly(version), ..plan.way };
        let (requests, flows) = (ready.requests.to_vec(), (*ready.flows).clone());
        let plan = Arc::new(Plan { way, requests, flows, ..plan });
        let redistributed = ready.redistributed.clone();
        let (tokens, provider) = (ready.tokens.clone(), ready.provider.clone());
        let addresses = ready.route.addresses();
        let probed = ready.route.failed().to_vec();
        opening::report(&ready, observer);
        let connections = opening::connections(&plan, &ready);
        let mut worker_pool =
            WorkerPool::launch(&plan, ready, connections).map_err(SessionError::unexpected)?;
        let held = tokens.len();
        let renewal = provider
            .zip(worker_pool.token_port())
            .map(|(provider, port)| Renewal::start(provider, tokens, port))
            .transpose()
            .map_err(SessionError::unexpected)?;
        Ok(Self {
            plan,
            monitors: set_up::monitors(&options)?,
            options,
            control,
            worker_pool,
            supplies,
            budget,
            redistributed,
            profile_weights,
            addresses,
            probed,
            started_at: wall_clock::now(),
            tokens: held,
            renewal,
        })
    }

    /// What it sends.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How it is run.
    pub const fn options(&self) -> &RunOptions {
        &self.options
    }

    /// When it was set up.
    pub const fn started_at(&self) -> jiff::Timestamp {
        self.started_at
    }

    /// What it has taken to hold tokens so far; `None` where requests carry none.
    fn auth(&self) -> Option<AuthRecord> {
        let given = || AuthRecord::given(self.tokens as u64);
        self.plan.auth.as_ref().map(|_| self.renewal.as_ref().map_or_else(given, Renewal::record))
    }
}
