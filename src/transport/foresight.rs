//! What would refuse requests, found out without sending one: a forwarding proxy that wants credentials, and a
//! port that speaks TLS where plain HTTP is meant.
//!
//! Both open a connection of their own and give it up; whoever does not answer in time is not judged.

use std::time::Duration;

use crate::load::way::{Place, Proxy};
use crate::transport::connect::{DialError, Dialed, Dialer};
use crate::transport::proxy::{self, ProxyFault};
use crate::transport::tls;

/// Longest wait for a word.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a proxy answers that wants credentials, or others.
const CREDENTIALS_WANTED: u16 = 407;

/// Whether a proxy that forwards requests answers 407: it wants other credentials than it is given. It is asked
/// for a tunnel to the target, through which nothing is sent; that it may refuse for other reasons.
pub async fn wants_credentials(dialer: &Dialer, proxy: &Proxy, target: Place) -> bool {
    let asked = async {
        let Dialed { stream, .. } = dialer.dial().await?;
        proxy::open(stream, proxy, target).await.map_err(DialError::from)
    };
    matches!(
        tokio::time::timeout(PATIENCE, asked).await,
        Ok(Err(DialError::Proxy(ProxyFault::Status(CREDENTIALS_WANTED))))
    )
}

/// Whether the other side takes up a TLS handshake for `host`, however that ends.
pub async fn speaks_tls(dialer: &Dialer, host: &str) -> bool {
    let greeted = async {
        let Dialed { stream, .. } = dialer.dial().await.ok()?;
        tls::is_spoken(stream, host).await
    };
    tokio::time::timeout(PATIENCE, greeted).await.ok().flatten().unwrap_or(false)
}
