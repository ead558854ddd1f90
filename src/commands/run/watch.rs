//! What the live view is told of a run before it begins.

use crate::analysis::findings::send_lag_limit;
use crate::commands::run::{Args, Session, find_max};
use crate::live::{Kind, Subject};

/// The session's run, to be watched.
pub(super) fn subject(session: &Session, args: &Args) -> Subject {
    let plan = &session.plan;
    let kind = if args.find_max_rps {
        Kind::Search { time: find_max::settings(session, args).search_time }
    } else {
        Kind::Run
    };
    Subject {
        name: plan.name.clone(),
        target: format!("{}{}", plan.origin.authority, plan.origin.base_path),
        kind,
        slo: plan.slo.clone(),
        requests: plan.rows().map(|request| request.name.clone()).collect(),
        lag_limit: send_lag_limit(plan.slo.tightest_time()),
        keys: session.keys,
    }
}
