//! What a load takes of the machine that sends it: workers, connections, ports.
//!
//! Upper estimates from the plan alone, by Little's law: what is in flight is the rate times how long each
//! stays. A plan that fits these bounds never runs short of them; one that does not may.

use std::time::Duration;

use crate::load::plan::Limits;

/// Requests per second that one worker is given. It can send several times as many, but on its way there
/// its sends come later and later; up to here they stay punctual on any processor of today.
const RATE_PER_WORKER: f64 = 25_000.0;
/// Connections opened before the clock starts, at the most: a slow set-up request is no reason for hundreds.
const AT_START_MAX: usize = 64;
/// How long a port stays taken after this side has closed its connection: Linux's `TIME_WAIT`, which no
/// setting changes.
const TIME_WAIT: Duration = Duration::from_mins(1);

/// Where the target runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// On the machine that sends, sharing its processors.
    SameMachine,
    /// Anywhere else.
    Elsewhere,
}

/// Worker threads for `rate` per second on `cores` processors, at least one.
///
/// As few as hold the rate: each more has connections of its own, wakes at instants of its own, and takes
/// a processor from the target where both share a machine. No more than there are processors, since two
/// workers on one make each other late; and where the target is on the same machine, one is left to it.
pub fn workers(rate: f64, cores: usize, target: Whereabouts) -> usize {
    let free = match target {
        Whereabouts::SameMachine => cores.saturating_sub(1),
        Whereabouts::Elsewhere => cores,
    };
    whole(rate / RATE_PER_WORKER).clamp(1, free.max(1))
}

/// Connections that `rate` per second can have open at once: each request holds one until it is answered
/// or given up, and its opening takes time as well. At least one, at most what `limits` allow.
pub fn connections(rate: f64, limits: &Limits) -> usize {
    let answered = limits.connect_timeout.saturating_add(limits.timeout);
    let held = limits.deadline.map_or(answered, |deadline| answered.min(deadline));
    whole(rate * held.as_secs_f64()).clamp(1, limits.connections.min(limits.in_flight).max(1))
}

/// Connections to open before the clock starts: what `rate` per second has open at once where an answer takes
/// as long as `answer`, by Little's law.
///
/// A server with a thread or a process per connection waits for a connection to speak and serves nobody else
/// meanwhile, so any more than needed would be measured as the server's own slowness.
pub fn connections_at_start(rate: f64, answer: Duration) -> usize {
    whole(rate * answer.as_secs_f64()).clamp(1, AT_START_MAX)
}

/// Local ports towards one address of the target for `connections` open at once, of which `closed_per_s`
/// are closed from this side and opened anew for `length`: none with keep-alive, the rate without.
pub fn ports(connections: usize, closed_per_s: f64, length: Duration) -> u64 {
    let closed = whole(closed_per_s * TIME_WAIT.min(length).as_secs_f64());
    (connections as u64).saturating_add(closed as u64)
}

/// The next whole number; what is too large for one is the largest.
fn whole(number: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates"
    )]
    let whole = number.ceil() as usize;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::{ChosenBy, LatePolicy};

    #[test]
    fn what_is_known_of_answers_decides_how_many_connections_are_open_at_the_start() {
        let ms = Duration::from_millis;
        let table = [
            (20_000.0, ms(0), 1),
            (5.0, ms(2), 1),
            (2_000.0, ms(2), 4),
            (2_000.0, ms(20), 40),
            (2_000.0, ms(5_000), 64),
        ];
        for (rate, answer, connections) in table {
            assert_eq!(connections_at_start(rate, answer), connections, "{rate} {answer:?}");
        }
    }

    #[test]
    fn workers_follow_the_rate_up_to_the_processors() {
        use Whereabouts::{Elsewhere, SameMachine};
        let table = [
            (1.0, 8, Elsewhere, 1),
            (25_000.0, 8, Elsewhere, 1),
            (25_001.0, 8, Elsewhere, 2),
            (1e9, 8, Elsewhere, 8),
            (1e9, 8, SameMachine, 7),
            (60_000.0, 8, SameMachine, 3),
            (1e9, 2, SameMachine, 1),
            (1e9, 1, SameMachine, 1),
            (1e9, 0, Elsewhere, 1),
            (f64::INFINITY, 4, Elsewhere, 4),
        ];
        for (rate, cores, target, expected) in table {
            assert_eq!(workers(rate, cores, target), expected, "{rate} {cores} {target:?}");
        }
    }

    #[test]
    fn connections_follow_littles_law_within_the_bounds() {
        let limits = |connections, in_flight, timeout_s, deadline_s: Option<u64>| Limits {
            connections,
            connections_by: ChosenBy::User,
            flows: 1000,
            streams: 100,
            in_flight,
            timeout: Duration::from_secs(timeout_s),
            deadline: deadline_s.map(Duration::from_secs),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(4),
            drain: Duration::from_secs(30),
            late: LatePolicy::Send,
        };
        let table = [
            (100.0, limits(10_000, 10_000, 10, None), 1_500),
            (100.0, limits(10_000, 10_000, 10, Some(2)), 200),
            (100.0, limits(64, 10_000, 10, None), 64),
            (100.0, limits(10_000, 50, 10, None), 50),
            (0.01, limits(10_000, 10_000, 10, None), 1),
            (f64::INFINITY, limits(300, 10_000, 10, None), 300),
        ];
        for (rate, limits, expected) in table {
            assert_eq!(connections(rate, &limits), expected, "{rate} {limits:?}");
        }
    }

    #[test]
    fn ports_of_closed_connections_stay_taken_for_a_minute() {
        let (short, long) = (Duration::from_secs(10), Duration::from_hours(1));
        let table = [
            (500, 0.0, long, 500),
            (500, 200.0, long, 12_500),
            (500, 200.0, short, 2_500),
            (1, f64::INFINITY, short, u64::MAX),
        ];
        for (connections, closed_per_s, length, expected) in table {
            assert_eq!(
                ports(connections, closed_per_s, length),
                expected,
                "{closed_per_s} {length:?}"
            );
        }
    }
}
