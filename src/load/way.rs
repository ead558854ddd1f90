//! [`Way`]: how the target is reached, where its URL alone does not say.
//!
//! Names and addresses only; nothing is looked up or opened here. A password never shows in `Debug` or
//! `Display`.

use core::net::IpAddr;
use std::fmt;
use std::path::PathBuf;

use crate::load::plan::{Origin, Scheme};

/// How the target is reached. The default goes straight to the address of the URL's host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// What stands between.
    pub via: Via,
    /// Addresses of names, which go before the resolver's; the first that matches holds.
    pub resolve: Vec<Resolve>,
    /// Other places to connect to; the first that matches holds.
    pub connect_to: Vec<ConnectTo>,
    /// Source addresses, taken in turn; empty leaves the choice to the operating system.
    pub local_addresses: Vec<IpAddr>,
    /// How many requests a connection carries.
    pub keep_alive: KeepAlive,
    /// Which version of HTTP is asked for.
    pub http: HttpChoice,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    Http1,
    /// HTTP/2: many at once.
    Http2,
}

/// Which version of HTTP is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpChoice {
    /// This one; a target that does not speak it is refused.
    Exactly(HttpVersion),
    /// What the target picks over TLS, and HTTP/1.1 without.
    Auto,
}

impl Default for HttpChoice {
    fn default() -> Self {
        Self::Exactly(HttpVersion::Http1)
    }
}

impl HttpChoice {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::Exactly(HttpVersion::Http1), Self::Exactly(HttpVersion::Http2), Self::Auto];

    /// The name used on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exactly(HttpVersion::Http1) => "1.1",
            Self::Exactly(HttpVersion::Http2) => "2",
            Self::Auto => "auto",
        }
    }
}

/// How many requests a connection carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepAlive {
    /// As many as the server lets it.
    #[default]
    On,
    /// One.
    Off,
}

/// What stands between this machine and the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Nothing.
    #[default]
    Direct,
    /// A Unix socket on which the target, or something before it, listens.
    UnixSocket(PathBuf),
    /// A proxy.
    Proxy(Proxy),
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Where it listens.
    pub place: Place,
    /// What it asks for, if anything.
    pub credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS5; it looks the target's name up itself.
    Socks5,
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl fmt::Display for Proxy {
    /// Its URL, without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.place)
    }
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name or address, without brackets.
    pub host: String,
    /// Port number.
    pub port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", Bracketed(&self.host), self.port)
    }
}

/// A host as it stands before a port: an IPv6 address needs brackets.
struct Bracketed<'a>(&'a str);

impl fmt::Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(self.0) }
    }
}

/// Addresses of a name at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The name; absent means any.
    pub host: Option<String>,
    /// The port.
    pub port: u16,
    /// Its addresses; at least one.
    pub addresses: Vec<IpAddr>,
}

impl Resolve {
    /// Whether it is about `place`.
    pub fn applies_to(&self, place: &Place) -> bool {
        self.port == place.port && names(self.host.as_deref(), &place.host)
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("*");
        let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
        write!(f, "{}:{}:{}", Bracketed(host), self.port, addresses.join(","))
    }
}

/// Another place to connect to; the URL still decides scheme, `Host` and certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTo {
    /// The URL's host; absent means any.
    pub from_host: Option<String>,
    /// The URL's port; absent means any.
    pub from_port: Option<u16>,
    /// The host to connect to; absent keeps the URL's.
    pub host: Option<String>,
    /// The port to connect to; absent keeps the URL's.
    pub port: Option<u16>,
}

impl ConnectTo {
    /// Whether it is about `place`.
    pub fn applies_to(&self, place: &Place) -> bool {
        self.from_port.is_none_or(|port| port == place.port)
            && names(self.from_host.as_deref(), &place.host)
    }
}

impl fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = |host: &Option<String>| host.clone().unwrap_or_default();
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let (from, to) = (host(&self.from_host), host(&self.host));
        let (from_port, to_port) = (port(self.from_port), port(self.port));
        write!(f, "{}:{from_port}:{}:{to_port}", Bracketed(&from), Bracketed(&to))
    }
}

/// Host names do not tell upper from lower case.
fn names(pattern: Option<&str>, host: &str) -> bool {
    pattern.is_none_or(|pattern| pattern.eq_ignore_ascii_case(host))
}

impl Way {
    /// Where requests to `origin` are to arrive.
    pub fn destination(&self, origin: &Origin) -> Place {
        let place = Place { host: origin.host.clone(), port: origin.port };
        match self.connect_to.iter().find(|rule| rule.applies_to(&place)) {
            None => place,
            Some(rule) => Place {
                host: rule.host.clone().unwrap_or(place.host),
                port: rule.port.unwrap_or(place.port),
            },
        }
    }

    /// The addresses of `place` that need no resolver.
    pub fn addresses(&self, place: &Place) -> Option<&[IpAddr]> {
        let entry = self.resolve.iter().find(|entry| entry.applies_to(place))?;
        Some(&entry.addresses)
    }

    /// The proxy that is sent the requests themselves and so must be told the whole URL; any other is
    /// asked once per connection.
    pub fn forwarding_proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match &self.via {
            Via::Proxy(proxy) => Some(proxy)
                .filter(|proxy| proxy.kind != ProxyKind::Socks5 && origin.scheme == Scheme::Http),
            Via::Direct | Via::UnixSocket(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(scheme: Scheme) -> Origin {
        Origin {
            scheme,
            host: "Example.org".into(),
            port: 443,
            authority: "Example.org".into(),
            base_path: String::new(),
        }
    }

    fn rule(from: (&str, u16), to: (&str, u16)) -> ConnectTo {
        let host = |host: &str| (!host.is_empty()).then(|| host.to_owned());
        let port = |port: u16| (port > 0).then_some(port);
        ConnectTo {
            from_host: host(from.0),
            from_port: port(from.1),
            host: host(to.0),
            port: port(to.1),
        }
    }

    #[test]
    fn the_first_rule_that_applies_decides_where_to_connect() {
        let other = rule(("example.com", 443), ("10.0.0.1", 1));
        let table = [
            (vec![], "Example.org:443"),
            (vec![other.clone()], "Example.org:443"),
            (vec![rule(("example.ORG", 443), ("::1", 8443))], "[::1]:8443"),
            (vec![rule(("", 0), ("", 80))], "Example.org:80"),
            (vec![rule(("", 443), ("b", 0))], "b:443"),
            (vec![other, rule(("", 0), ("b", 2)), rule(("", 0), ("c", 3))], "b:2"),
        ];
        for (connect_to, expected) in table {
            let way = Way { connect_to, ..Way::default() };
            assert_eq!(way.destination(&origin(Scheme::Https)).to_string(), expected);
        }
    }

    #[test]
    fn given_addresses_are_those_of_one_name_and_port() {
        let addresses = vec![IpAddr::from([127, 0, 0, 1])];
        let entry = |host: Option<&str>, port| Resolve {
            host: host.map(str::to_owned),
            port,
            addresses: addresses.clone(),
        };
        let place = Place { host: "a".into(), port: 1 };
        let known = |resolve| Way { resolve, ..Way::default() }.addresses(&place).is_some();
        assert!(known(vec![entry(Some("b"), 1), entry(Some("A"), 1)]));
        assert!(known(vec![entry(None, 1)]));
        assert!(!known(vec![entry(Some("a"), 2), entry(Some("b"), 1)]));
        assert_eq!(entry(None, 1).to_string(), "*:1:127.0.0.1");
    }

    #[test]
    fn only_a_proxy_of_plain_http_forwards() {
        let proxy = |kind| Proxy {
            kind,
            place: Place { host: "p".into(), port: 1 },
            credentials: Some(Credentials { user: "eve".into(), password: "s3cret".into() }),
        };
        let forwards = |kind, scheme| {
            let way = Way { via: Via::Proxy(proxy(kind)), ..Way::default() };
            way.forwarding_proxy(&origin(scheme)).is_some()
        };
        assert!(forwards(ProxyKind::Http, Scheme::Http));
        assert!(forwards(ProxyKind::Https, Scheme::Http));
        assert!(!forwards(ProxyKind::Http, Scheme::Https));
        assert!(!forwards(ProxyKind::Socks5, Scheme::Http));
        let shown = format!("{} {:?}", proxy(ProxyKind::Https), proxy(ProxyKind::Https));
        assert!(shown.starts_with("https://p:1 ") && !shown.contains("s3cret"), "{shown}");
    }
}
