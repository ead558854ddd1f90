//! A plan for tests: nothing to send yet, to a loopback port.

use std::time::Duration;

use crate::load::plan::{ChosenBy, Limits, Origin, Plan, Scheme};
use crate::load::rate::Rate;

pub(super) fn plan(port: u16) -> Plan {
    let second = Duration::from_secs(1);
    let origin = Origin {
        scheme: Scheme::Http,
        host: "127.0.0.1".into(),
        port,
        authority: format!("127.0.0.1:{port}"),
        base_path: String::new(),
    };
    let limits = Limits {
        connections: 1,
        connections_by: ChosenBy::User,
        in_flight: 1,
        timeout: second,
        connect_timeout: second,
        idle_timeout: second,
        drain: second,
        ..Limits::default()
    };
    let plan = Plan::new(origin, Vec::new(), Rate::per_second(1).unwrap(), second);
    Plan { warmup: second, limits, ..plan }
}
