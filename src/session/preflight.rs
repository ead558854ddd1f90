//! Before any load: whether the machine can hold the connections that the plan may need.
//!
//! What the user's own setting makes impossible is refused with the remedy; a bound that was chosen for
//! the user is lowered to what fits, and that is said.

use std::net::IpAddr;
use std::time::Duration;

use crate::analysis::words::{Count, counted};
use crate::engine::leg::LegOutcome;
use crate::load::footprint;
use crate::load::plan::{ChosenBy, Plan};
use crate::load::way::{KeepAlive, Way};
use crate::machine::capacity::Capacity;
use crate::machine::descriptors;
use crate::measure::generator::{Generator, Strain, Supply};

/// Descriptors that a worker's runtime and timer take, and one for a connection in passing.
const DESCRIPTORS_PER_WORKER: u64 = 6;
/// Descriptors for the run folder, log-in and set-up requests, and what libraries open in passing.
const DESCRIPTORS_SPARE: u64 = 16;

/// What the run has of everything that it needs by the piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Supplies {
    cpu_quota: Option<f64>,
    descriptors: u64,
    /// Descriptors for everything but connections.
    descriptors_reserved: u64,
    /// Descriptors that a connection takes in this process.
    ends: u64,
    ports: Option<u64>,
}

impl Supplies {
    /// The generator's own side of what was measured, over connections to `addresses` of the target.
    pub(super) fn generator(
        &self,
        outcome: &LegOutcome,
        strain: Strain,
        addresses: usize,
    ) -> Generator {
        let peak = outcome.connections_peak;
        let limited = self.descriptors < u64::MAX;
        Generator {
            workers: outcome.workers.clone(),
            strain,
            cpu_quota: self.cpu_quota,
            descriptors: limited.then(|| Supply {
                limit: self.descriptors,
                needed: self.descriptors_reserved + peak as u64 * self.ends,
            }),
            ports: self.ports.map(|limit| Supply {
                limit,
                needed: footprint::ports(peak.div_ceil(addresses.max(1)), 0.0, Duration::ZERO),
            }),
            connections_unused: outcome.silent_connections.unused,
        }
    }
}

/// Fits the plan's bound on connections to the machine and raises the limit on open files to what that
/// takes, at `peak_rate` requests per second at most. `own_target` is whether the target's ends of
/// connections are in this process as well. Returns notes for the user where there is something to say.
///
/// # Errors
/// The connections asked for cannot be had; the text says what to do.
pub(super) fn fit(
    plan: &mut Plan,
    peak_rate: f64,
    own_target: bool,
    machine: &Capacity,
) -> Result<(Supplies, Vec<String>), String> {
    let ends = if own_target { 2 } else { 1 };
    let reserved =
        machine.descriptors_open + DESCRIPTORS_PER_WORKER * plan.workers as u64 + DESCRIPTORS_SPARE;
    let demand = Demand {
        needed: footprint::connections(peak_rate, &plan.limits),
        bound: plan.limits.connections,
        explicit: plan.limits.connections_by == ChosenBy::User,
    };
    let files = reserved + demand.needed as u64 * ends;
    let mut rooms = vec![Room {
        connections: machine.descriptors_max.saturating_sub(reserved) / ends,
        why: format!("this process may open {} files", Count(machine.descriptors_max)),
        remedy: format!("`ulimit -n {files}` before the start (as root beyond the hard limit)"),
    }];
    if let Some(ports) = machine.ports.filter(|_| is_one_address(plan)) {
        rooms.push(Room {
            connections: ports,
            why: format!("there are {} local ports towards one address", Count(ports)),
            remedy: "`sysctl -w net.ipv4.ip_local_port_range='1024 65535'`".to_owned(),
        });
    }
    let (connections, note) = demand.fit(&rooms)?;
    if connections < plan.limits.connections {
        plan.limits.connections = connections;
        plan.limits.connections_by = ChosenBy::Program;
    }
    let descriptors = descriptors::raise(reserved + connections as u64 * ends);
    let Capacity { cpu_quota, ports, .. } = *machine;
    let supplies = Supplies { cpu_quota, descriptors, descriptors_reserved: reserved, ends, ports };
    let spent = ports.and_then(|ports| ports_spent(plan, peak_rate, ports));
    Ok((supplies, note.into_iter().chain(spent).collect()))
}

/// What to know where each request takes a local port and the ports may not suffice. Not refused: where the
/// target is the first to close, it bears the wait.
fn ports_spent(plan: &Plan, rate: f64, ports: u64) -> Option<String> {
    let address = plan.origin.host.parse::<IpAddr>().ok().filter(|_| is_one_address(plan))?;
    // On loopback Linux takes a port again that waits.
    if plan.way.keep_alive == KeepAlive::On || address.is_loopback() {
        return None;
    }
    let needed = footprint::ports(0, rate, plan.warmup + plan.duration);
    let needed = needed.min(plan.slots.unwrap_or(u64::MAX));
    (needed > ports).then(|| {
        format!(
            "without keep-alive each request takes a local port for a minute, up to {} at this rate, and \
             there are {} towards one address; `sysctl -w net.ipv4.tcp_tw_reuse=1` takes them again, \
             further --local-address bring more",
            Count(needed),
            Count(ports)
        )
    })
}

/// Whether all connections go from one address to one: ports are counted for each such pair, and a name may
/// stand for several addresses.
fn is_one_address(plan: &Plan) -> bool {
    let direct = Way { keep_alive: plan.way.keep_alive, http: plan.way.http, ..Way::default() };
    plan.way == direct && plan.origin.host.parse::<IpAddr>().is_ok()
}

/// Connections that are asked for.
#[derive(Clone, Copy, Debug)]
struct Demand {
    /// By Little's law, within the bound.
    needed: usize,
    bound: usize,
    /// Whether the user set the bound.
    explicit: bool,
}

/// Connections that one kind of supply allows.
#[derive(Clone, Debug)]
struct Room {
    connections: u64,
    why: String,
    remedy: String,
}

impl Demand {
    /// The bound that fits into every room, with a note if it had to be lowered and that may be felt.
    fn fit(self, rooms: &[Room]) -> Result<(usize, Option<String>), String> {
        let Some(Room { connections, why, remedy }) = rooms.iter().min_by_key(|r| r.connections)
        else {
            return Ok((self.bound, None));
        };
        let room = usize::try_from(*connections).unwrap_or(usize::MAX);
        let (needed, bound) = (Count(self.needed as u64), Count(self.bound as u64));
        if self.bound <= room {
            return Ok((self.bound, None));
        }
        if room == 0 {
            return Err(format!("{why}, which leaves none for connections; {remedy} allows more"));
        }
        if self.explicit && self.needed > room {
            return Err(format!(
                "--connections {}: {needed} may be needed at once, but {why}, enough for {}; {remedy} \
                 allows them, or give --connections {room}",
                self.bound,
                Count(room as u64)
            ));
        }
        // The need is that of a target which answers nothing until the timeout: a bound somewhat below it
        // is not felt.
        let felt = self.explicit || self.needed / 2 > room;
        let note = felt.then(|| {
            format!(
                "at most {} instead of {bound}, since {why}; the load may need {needed}; \
                 {remedy} allows more",
                counted(room as u64, "connection")
            )
        });
        Ok((room, note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(files: u64, ports: u64) -> [Room; 2] {
        let room = |connections, why: &str, remedy: &str| Room {
            connections,
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        };
        [room(files, "few files", "`ulimit -n 500`"), room(ports, "few ports", "`sysctl`")]
    }

    #[test]
    fn what_fits_is_left_alone() {
        let demand = Demand { needed: 50, bound: 100, explicit: true };
        assert_eq!(demand.fit(&rooms(100, 100)), Ok((100, None)));
        assert_eq!(demand.fit(&[]), Ok((100, None)));
    }

    #[test]
    fn a_bound_of_the_users_that_cannot_be_kept_is_refused_with_the_remedy() {
        let demand = Demand { needed: 100, bound: 100, explicit: true };
        let refused = demand.fit(&rooms(40, 90)).unwrap_err();
        assert!(refused.contains("few files, enough for 40; `ulimit -n 500`"), "{refused}");
        assert!(refused.contains("give --connections 40"), "{refused}");
        assert!(demand.fit(&rooms(90, 40)).unwrap_err().contains("`sysctl`"));
        // A load that never needs so many is not stopped by them.
        let idle = Demand { needed: 10, ..demand };
        let (bound, note) = idle.fit(&rooms(40, 90)).unwrap();
        assert!(bound == 40 && note.is_some());
    }

    #[test]
    fn an_automatic_bound_is_lowered_and_that_is_said_where_it_may_be_felt() {
        let demand = Demand { needed: 100, bound: 10_000, explicit: false };
        let (bound, note) = demand.fit(&rooms(40, 90)).unwrap();
        let note = note.unwrap();
        assert!(bound == 40 && note.contains("40 connections instead of 10,000"), "{note}");
        assert_eq!(demand.fit(&rooms(400, 9_000)), Ok((400, None)));
        assert!(demand.fit(&rooms(0, 90)).unwrap_err().contains("none for connections"));
    }

    #[test]
    fn ports_that_requests_without_keep_alive_take_are_counted_beforehand() {
        let plan = |host: &str, keep_alive| {
            let mut plan = crate::report::example::plan();
            plan.origin.host = host.to_owned();
            plan.way.keep_alive = keep_alive;
            plan.duration = Duration::from_mins(2);
            plan
        };
        let near = plan("10.1.2.3", KeepAlive::Off);
        let note = ports_spent(&near, 500.0, 28_232).unwrap();
        assert!(note.contains("up to 30,000 at this rate, and there are 28,232"), "{note}");
        assert_eq!(ports_spent(&near, 400.0, 28_232), None);
        let few = Plan { slots: Some(1_000), ..near };
        assert_eq!(ports_spent(&few, 500.0, 28_232), None);
        for (host, keep_alive) in
            [("10.1.2.3", KeepAlive::On), ("127.0.0.1", KeepAlive::Off), ("a.test", KeepAlive::Off)]
        {
            assert_eq!(ports_spent(&plan(host, keep_alive), 500.0, 28_232), None, "{host}");
        }
    }
}
