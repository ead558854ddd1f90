//! [`Route`]: the way to the target with everything looked up, shared by all workers.
//!
//! Names are resolved once, before the load; all addresses are kept, and connections take them in turn.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::load::plan::{Origin, Scheme};
use crate::load::way::{HttpChoice, HttpVersion, KeepAlive, Place, ProxyKind, Via, Way};
use crate::measure::attempts::Attempts;
use crate::measure::failure::Reason;
use crate::measure::fate::TransportError;
use crate::transport::proxy::{ProxyHop, Tunnel};
use crate::transport::tls::{self, TlsClient};

/// Where and how to connect.
#[derive(Clone)]
pub struct Route {
    pub(super) hop: Hop,
    pub(super) proxy: Option<Arc<ProxyHop>>,
    pub(super) tls: Option<TlsClient>,
    /// Addresses that failed when they were tried before the load.
    pub(super) failed: Arc<[Attempts]>,
    keep_alive: KeepAlive,
    version: HttpVersion,
}

/// What is connected to first: the target, or the proxy before it.
#[derive(Clone)]
pub(super) enum Hop {
    /// All addresses of it, and the source addresses to use, if any.
    Tcp {
        addresses: Arc<[SocketAddr]>,
        sources: Arc<[IpAddr]>,
    },
    Unix(Arc<Path>),
}

/// Why an origin cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The name does not resolve.
    #[error("the host '{host}' cannot be resolved ({reason}); check the name in {flag}")]
    Resolve {
        /// The name asked for.
        host: String,
        /// The resolver's words.
        reason: String,
        /// Where the name was given.
        flag: &'static str,
    },
    /// Source addresses of one kind, a destination of the other.
    #[error(
        "{0} has no address of the same kind, IPv4 or IPv6, as one of --local-address; add a local \
         address of its kind"
    )]
    NoSource(Place),
    /// An https origin or proxy without TLS settings.
    #[error("the target speaks https, but no TLS was set up")]
    NoTls,
    /// A host that cannot stand in a certificate.
    #[error("'{0}' is not a valid TLS server name")]
    ServerName(String),
}

impl Route {
    /// Looks up what `way` connects to first on its way to `origin`; `tls` is needed where either speaks
    /// it.
    pub async fn resolve(
        origin: &Origin,
        way: &Way,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, RouteError> {
        let destination = way.destination(origin);
        let hop = match &way.via {
            Via::Direct => look_up(&destination, way, "--host").await?,
            Via::UnixSocket(path) => Hop::Unix(path.as_path().into()),
            Via::Proxy(proxy) => look_up(&proxy.place, way, "--proxy").await?,
        };
        let proxy = match &way.via {
            Via::Direct | Via::UnixSocket(_) => None,
            Via::Proxy(proxy) => {
                let secure = proxy.kind == ProxyKind::Https;
                let tunnelled = way.forwarding_proxy(origin).is_none();
                Some(Arc::new(ProxyHop {
                    tls: secure.then(|| proxy_tls(&proxy.place.host, tls)).transpose()?,
                    tunnel: tunnelled.then(|| Tunnel::new(proxy, destination)),
                }))
            }
        };
        let tls = match origin.scheme {
            Scheme::Http => None,
            Scheme::Https => Some(TlsClient::new(tls.ok_or(RouteError::NoTls)?, &origin.host)?),
        };
        let keep_alive = way.keep_alive;
        let failed = Arc::from([]);
        let route = Self { hop, proxy, tls, failed, keep_alive, version: HttpVersion::Http1 };
        Ok(match way.http {
            HttpChoice::Exactly(HttpVersion::Http1) => route.speaking(HttpVersion::Http1),
            // A target that lacks HTTP/2 then says so by what it picks.
            HttpChoice::Exactly(HttpVersion::Http2) | HttpChoice::Auto => {
                route.offering(&[tls::HTTP2, tls::HTTP1])
            }
        })
    }

    /// The same way, for this version alone.
    #[must_use]
    pub fn speaking(self, version: HttpVersion) -> Self {
        let protocol = match version {
            HttpVersion::Http1 => tls::HTTP1,
            HttpVersion::Http2 => tls::HTTP2,
        };
        Self { version, ..self.offering(&[protocol]) }
    }

    fn offering(self, protocols: &[&[u8]]) -> Self {
        Self { tls: self.tls.map(|client| client.offering(protocols)), ..self }
    }

    /// The version of HTTP that is spoken, once it is settled.
    pub fn version(&self) -> HttpVersion {
        self.version
    }

    /// Every address that is connected to; for a Unix socket its path.
    pub fn addresses(&self) -> Vec<String> {
        match &self.hop {
            Hop::Tcp { addresses, .. } => addresses.iter().map(SocketAddr::to_string).collect(),
            Hop::Unix(path) => vec![path.display().to_string()],
        }
    }

    /// What an end without an answer most likely means on this way, where its kind does not say it.
    pub(super) fn silence(&self, fault: TransportError) -> Option<Reason> {
        let ended = matches!(fault, TransportError::ClosedEarly | TransportError::Reset);
        (ended && self.tls.is_none()).then(|| {
            let remedy = "if it is a TLS port, write https://; else look at the target's log";
            Reason::new("").with_remedy(remedy)
        })
    }

    /// How many requests a connection of this way carries.
    pub fn keep_alive(&self) -> KeepAlive {
        self.keep_alive
    }

    /// How many connections it takes until every address, with every source address, has had its turn.
    pub(super) fn round(&self) -> usize {
        let (addresses, sources) = self.tcp();
        addresses.len().max(1) * sources.len().max(1)
    }

    /// The addresses that are connected to, and the source addresses to use, if any; none of either for a
    /// Unix socket.
    pub fn tcp(&self) -> (&[SocketAddr], &[IpAddr]) {
        match &self.hop {
            Hop::Tcp { addresses, sources } => (addresses, sources),
            Hop::Unix(_) => (&[], &[]),
        }
    }

    /// The same way, of which these addresses failed when they were tried: the others go before them.
    #[must_use]
    pub fn after_failures(self, failed: &[Attempts]) -> Self {
        Self { failed: failed.into(), ..self }
    }

    /// Which addresses failed when they were tried before the load.
    pub fn failed(&self) -> &[Attempts] {
        &self.failed
    }

    /// The same way to these addresses alone.
    #[must_use]
    pub fn only(&self, addresses: &[SocketAddr]) -> Self {
        let hop = match &self.hop {
            Hop::Tcp { sources, .. } => {
                Hop::Tcp { addresses: addresses.into(), sources: Arc::clone(sources) }
            }
            Hop::Unix(path) => Hop::Unix(Arc::clone(path)),
        };
        Self { hop, ..self.clone() }
    }
}

async fn look_up(place: &Place, way: &Way, flag: &'static str) -> Result<Hop, RouteError> {
    let unresolved =
        |reason: String| RouteError::Resolve { host: place.host.clone(), reason, flag };
    let mut addresses: Vec<SocketAddr> = match way.addresses(place) {
        Some(given) => given.iter().map(|&address| (address, place.port).into()).collect(),
        None => tokio::net::lookup_host((place.host.as_str(), place.port))
            .await
            .map_err(|error| unresolved(error.to_string()))?
            .collect(),
    };
    if addresses.is_empty() {
        return Err(unresolved("no address".to_owned()));
    }
    let sources = way.local_addresses.as_slice();
    addresses.retain(|address| sources.is_empty() || of_kind(sources, address).next().is_some());
    if addresses.is_empty() {
        return Err(RouteError::NoSource(place.clone()));
    }
    Ok(Hop::Tcp { addresses: addresses.into(), sources: sources.into() })
}

/// The source addresses from which `address` can be reached: IPv4 does not lead to IPv6.
pub(super) fn of_kind(sources: &[IpAddr], address: &SocketAddr) -> impl Iterator<Item = IpAddr> {
    let v6 = address.is_ipv6();
    sources.iter().copied().filter(move |source| source.is_ipv6() == v6)
}

/// A proxy's TLS ends at the proxy: what is negotiated there is always HTTP/1.1.
fn proxy_tls(host: &str, tls: Option<&Arc<ClientConfig>>) -> Result<TlsClient, RouteError> {
    let mut config = (**tls.ok_or(RouteError::NoTls)?).clone();
    config.alpn_protocols = vec![tls::HTTP1.to_vec()];
    TlsClient::new(&Arc::new(config), host)
}
