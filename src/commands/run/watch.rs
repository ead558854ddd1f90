//! What the live view is told of a run before it begins.

use crate::analysis::findings::send_lag_limit;
use crate::live::{Keys, Kind, Subject};
use crate::session::{Mode, Session};

/// The session's run, to be watched.
pub(super) fn subject(session: &Session) -> Subject {
    let plan = session.plan();
    let (kind, keys) = match &session.options().mode {
        Mode::Search(options) => {
            (Kind::Search { time: options.settings(plan).search_time }, Keys::StopAndMark)
        }
        Mode::FixedRate { .. } if plan.is_steerable() => (Kind::Run, Keys::Everything),
        Mode::FixedRate { .. } => (Kind::Run, Keys::StopAndMark),
    };
    Subject {
        name: plan.name.clone(),
        target: format!("{}{}", plan.origin.authority, plan.origin.base_path),
        kind,
        slo: plan.slo.clone(),
        requests: plan.requests.iter().map(|request| request.name.clone()).collect(),
        lag_limit: send_lag_limit(plan.slo.tightest_time()),
        keys,
    }
}
