//! [`probe`]: which addresses of the target take connections, found out before anything is sent.

use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::measure::attempts::Attempts;
use crate::measure::sample::SetUp;
use crate::transport::connect::{DialError, Dialer};
use crate::transport::route::Route;

/// Once an address takes connections, the others are waited for until so long after the beginning.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a probe of an address went; nothing while it is under way.
type Outcome = Option<Result<SetUp, DialError>>;

/// A target that takes connections.
pub(super) struct Probed {
    /// Leads to what is worth trying, and knows what failed.
    pub(super) route: Route,
    /// From the first packet of the quickest connection to the last: a way there and back.
    pub(super) connect_time: Duration,
}

/// Opens a connection to every address at once and closes it again.
///
/// A name may stand for IPv4 and IPv6 addresses while the server listens on one kind, as with localhost: a
/// kind of which no address answers is left out. A dead address beside a live one of its kind stays.
pub(super) async fn probe(route: &Route, timeout: Duration) -> Result<Probed, DialError> {
    let (addresses, _) = route.tcp();
    if addresses.len() < 2 {
        let set_up = Dialer::new(route.clone(), timeout).probe().await?;
        return Ok(Probed { route: route.clone(), connect_time: set_up.connect });
    }
    let outcomes = probe_all(route, timeout).await;
    let worked = |v6: bool| {
        let mut probed = addresses.iter().zip(&outcomes);
        probed.any(|(address, outcome)| address.is_ipv6() == v6 && outcome.is_ok())
    };
    let (v6, v4) = (worked(true), worked(false));
    let quickest = outcomes.iter().flatten().map(|set_up| set_up.connect).min();
    let mut kept = Vec::new();
    let mut failed = Vec::new();
    let mut cause = None;
    for (address, outcome) in addresses.iter().zip(outcomes) {
        if if address.is_ipv6() { v6 } else { v4 } {
            kept.push(*address);
            failed.extend(outcome.as_ref().err().map(|error| failure(*address, error)));
        }
        cause = outcome.err().or(cause);
    }
    match cause {
        Some(cause) if kept.is_empty() => Err(cause),
        _ => Ok(Probed {
            route: route.only(&kept).after_failures(&failed),
            connect_time: quickest.unwrap_or_default(),
        }),
    }
}

fn failure(address: SocketAddr, error: &DialError) -> Attempts {
    let mut attempts = Attempts::none(address);
    if error.leads_elsewhere() {
        attempts.pass_over(error.fault());
    } else {
        attempts.record(Some(error.fault()));
    }
    attempts
}

/// By address; one that has not answered when patience is over has timed out.
async fn probe_all(route: &Route, timeout: Duration) -> Vec<Result<SetUp, DialError>> {
    let (addresses, _) = route.tcp();
    let dialer = |&address| Dialer::new(route.only(&[address]), timeout);
    let dialers: Vec<_> = addresses.iter().map(dialer).collect();
    let mut probes: Vec<_> = dialers.iter().map(|dialer| Box::pin(dialer.probe())).collect();
    let mut outcomes: Vec<Outcome> = vec![None; probes.len()];
    let mut patience = pin!(tokio::time::sleep(PATIENCE));
    poll_fn(|cx: &mut Context<'_>| {
        for (probe, outcome) in probes.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let Poll::Ready(done) = probe.as_mut().poll(cx)
            {
                *outcome = Some(done);
            }
        }
        let patient = patience.as_mut().poll(cx).is_pending();
        let one_worked = outcomes.iter().flatten().any(Result::is_ok);
        let all_done = outcomes.iter().all(Option::is_some);
        if all_done || one_worked && !patient { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outcomes = outcomes.into_iter().zip(&dialers);
    outcomes.map(|(outcome, dialer)| outcome.unwrap_or_else(|| Err(dialer.given_up()))).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::engine::example::plan;
    use crate::measure::fate::TransportError;

    #[tokio::test(flavor = "current_thread")]
    async fn only_a_kind_of_address_without_a_listener_is_left_out() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = plan(port);
        let all = Route::resolve(&plan.origin, &plan.way, None).await.unwrap();
        let v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
        let live = SocketAddr::from(([127, 0, 0, 1], port));
        let dead = SocketAddr::from(([127, 0, 0, 2], port));
        let timeout = Duration::from_secs(5);
        let Probed { route, connect_time } =
            probe(&all.only(&[v6, dead, live]), timeout).await.unwrap();
        assert!(!connect_time.is_zero());
        assert_eq!(route.addresses(), [dead.to_string(), live.to_string()]);
        let failed: Vec<_> = route.failed().iter().map(|one| (one.address, one.made)).collect();
        assert_eq!(failed, [(dead, 1)], "whoever dials begins with the other");
        let refused = probe(&all.only(&[v6, dead]), timeout).await.err().unwrap();
        assert_eq!(refused.fault(), TransportError::ConnectRefused);
    }
}
