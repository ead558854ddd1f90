//! A plan for tests: nothing to send yet, to a loopback port.

use std::time::Duration;

use crate::load::flow::Flows;
use crate::load::plan::{ChosenBy, LatePolicy, Limits, Origin, Plan, ReceiveClock, Scheme};
use crate::load::rate::Rate;
use crate::load::schedule::Arrivals;
use crate::load::slo::{Slo, Tiers};
use crate::load::way::Way;

pub(super) fn plan(port: u16) -> Plan {
    let second = Duration::from_secs(1);
    Plan {
        name: "test".into(),
        profile_sha256: None,
        origin: Origin {
            scheme: Scheme::Http,
            host: "127.0.0.1".into(),
            port,
            authority: format!("127.0.0.1:{port}"),
            base_path: String::new(),
        },
        way: Way::default(),
        requests: Vec::new(),
        flows: Flows::default(),
        auth: None,
        setup: Vec::new(),
        pools: Vec::new(),
        feeders: Vec::new(),
        rate: Rate::per_second(1).unwrap(),
        stages: None,
        trace: None,
        arrivals: Arrivals::Constant,
        seed: 1,
        warmup: second,
        duration: second,
        slots: None,
        limits: Limits {
            connections: 1,
            connections_by: ChosenBy::User,
            streams: 100,
            in_flight: 1,
            timeout: second,
            deadline: None,
            connect_timeout: second,
            idle_timeout: second,
            drain: second,
            late: LatePolicy::Send,
        },
        workers: 1,
        pin: Vec::new(),
        receive_clock: ReceiveClock::Kernel,
        slo: Slo::standard(),
        tiers: Tiers::standard(),
    }
}
