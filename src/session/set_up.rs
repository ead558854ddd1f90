//! Log-in and set-up: what is sent before the load, and the client's side of TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use crate::engine::prepare::{PrepareError, Ready, Surroundings, prepare};
use crate::load::auth::Auth;
use crate::load::monitor::Monitor;
use crate::load::plan::{Origin, Plan, Scheme};
use crate::load::way::{ProxyKind, Via};
use crate::machine::wall_clock;
use crate::monitor::Watch;
use crate::profile;
use crate::session::control::RunControl;
use crate::session::error::SessionError;
use crate::session::event::{Observer, note};
use crate::session::options::RunOptions;
use crate::transport::tls::{TlsSettings, client_config};

/// Lines that tell how a pool of tokens fills.
const PROGRESS_LINES: usize = 20;

/// Logs in and sends the set-up requests; a request to stop ends it at once.
pub(super) fn prepare_target(
    plan: &Plan,
    tls: &TlsSettings,
    control: &RunControl,
    observer: &mut dyn Observer,
) -> Result<Ready, SessionError> {
    let tls = tls_client(plan, tls)?;
    let of = plan.auth.as_ref().map_or(0, Auth::tokens);
    let mut filled = |done: usize| {
        if of > 1 && (done == of || done.is_multiple_of(of.div_ceil(PROGRESS_LINES))) {
            note(observer, format!("logged in {done} of {of}"));
        }
    };
    let surroundings = Surroundings {
        tls: tls.as_ref(),
        own_life: token_life,
        filled: &mut filled,
        witness: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SessionError::unexpected)?;
    runtime.block_on(async {
        tokio::select! {
            ready = prepare(plan, surroundings) => ready.map_err(|error| match error {
                PrepareError::ConnectionHeader { .. } => SessionError::usage(error),
                _ => SessionError::Unreachable(error.to_string()),
            }),
            () = control.stopped() => Err(SessionError::Interrupted),
        }
    })
}

/// The client's side of TLS, if the target, the server that issues tokens or a proxy speaks it: reading the
/// system's certificates takes time.
///
/// # Errors
/// Settings that do not fit each other, or certificates that cannot be used.
pub fn tls_client(
    plan: &Plan,
    settings: &TlsSettings,
) -> Result<Option<Arc<ClientConfig>>, SessionError> {
    let proxy = matches!(&plan.way.via, Via::Proxy(proxy) if proxy.kind == ProxyKind::Https);
    let issuer = plan.auth.as_ref().and_then(Auth::origin);
    let secure = |origin: &Origin| origin.scheme == Scheme::Https;
    if !secure(&plan.origin) && !issuer.is_some_and(secure) && !proxy {
        return Ok(None);
    }
    client_config(settings).map(Some).map_err(SessionError::usage)
}

/// How long a token is still valid, if it says so.
pub fn token_life(token: &str) -> Option<Duration> {
    // To the fraction: a token of seconds is no longer valid when whole seconds say it is.
    profile::jwt_life(token, wall_clock::since_1970())
}

/// Starts the monitors, if there are any.
pub(super) fn monitors(options: &RunOptions) -> Result<Option<Watch>, SessionError> {
    let RunOptions { monitors, monitor_interval, tls, .. } = options;
    if monitors.is_empty() {
        return Ok(None);
    }
    let secure = monitors.iter().any(|monitor| {
        matches!(monitor, Monitor::Prometheus { endpoint, .. } if endpoint.origin.scheme == Scheme::Https)
    });
    let tls = secure.then(|| client_config(tls)).transpose().map_err(SessionError::usage)?;
    Watch::start(monitors.clone(), *monitor_interval, tls)
        .map(Some)
        .map_err(SessionError::unexpected)
}
