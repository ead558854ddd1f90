//! Before the load: what there is to say of a target that has been tried, and how many connections are opened
//! to it ahead.

use crate::engine::bystander::Serving;
use crate::engine::prepare::Ready;
use crate::load::footprint;
use crate::load::plan::Plan;
use crate::load::way::HttpVersion;
use crate::measure::attempts::Attempts;
use crate::measure::fate::TransportError;
use crate::session::event::{Observer, warn};
use crate::time::Human;
use crate::transport::connect::RETRY_AFTER;
use crate::transport::proxy::PROXY_CREDENTIALS;

/// HTTP/2 connections opened before the clock starts, each of which carries many requests.
const SESSIONS_AT_START: usize = 4;
/// What a server that serves one connection at a time means for a load.
const ONE_AT_A_TIME: &str = "this server seems to serve one connection at a time: a second one was answered \
    only once the first, on which nothing was said, was closed; if it has a worker for each connection, give \
    it more workers, or use --disable-keepalive or -c 1 so that no connection is held idle";

/// What a forwarding proxy said that may keep every request from the server.
const CREDENTIALS_WANTED: &str = "the proxy wants a user name and password for tunnels (status 407), and may \
    refuse requests as well";

/// Reports what was seen of the target, if it is worth a warning.
pub(super) fn report(ready: &Ready, observer: &mut dyn Observer) {
    let addresses = ready.route.addresses().len();
    for failed in ready.route.failed() {
        warn(observer, dead_address(failed, addresses));
    }
    if ready.serving == Serving::OneAtATime {
        warn(observer, ONE_AT_A_TIME);
    }
    if ready.proxy_wants_credentials {
        warn(observer, format!("{CREDENTIALS_WANTED}; {PROXY_CREDENTIALS}"));
    }
}

/// Connections to open before the clock starts.
pub(super) fn connections(plan: &Plan, ready: &Ready) -> usize {
    match ready.route.version() {
        HttpVersion::Http1 => {
            let rate = plan.request_rate().as_per_second();
            footprint::connections_at_start(rate, ready.answer_time)
        }
        HttpVersion::Http2 => SESSIONS_AT_START,
    }
}

fn dead_address(failed: &Attempts, addresses: usize) -> String {
    let reason = failed.main_failure().map_or("", TransportError::explanation);
    let which = format!("{}, one of {addresses} addresses of the target", failed.address);
    if failed.passed_over == 0 {
        return format!(
            "{which}, took a connection and went no further ({reason}); requests that are given it may fail"
        );
    }
    format!(
        "{which}, took no connection ({reason}); requests go to the others, and it is tried again every {}",
        Human(RETRY_AFTER)
    )
}
