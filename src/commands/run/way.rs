//! The flags that say how the target is reached: from words to a [`Way`].
//!
//! A rule that could never apply is a mistake, since the load would go elsewhere than meant. A proxy's user
//! name and password stand in no message.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;

use crate::commands::run::Args;
use crate::load::plan::Origin;
use crate::load::way::{
    ConnectTo, Credentials, HttpChoice, HttpVersion, KeepAlive, Place, Proxy, ProxyKind, Resolve,
    Via, Way,
};

/// Longest path that the address of a Unix socket can hold on Linux, in bytes.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Longest user name and password in SOCKS5 (RFC 1929).
const SOCKS_BYTES_MAX: usize = 255;

/// Reads the flags; what is wrong with them is added to `mistakes`. Without an origin, rules are not held
/// against it.
pub(super) fn resolve(args: &Args, origin: Option<&Origin>, mistakes: &mut Vec<String>) -> Way {
    conflicts(args, mistakes);
    let way = Way {
        via: via(args, mistakes),
        resolve: each(&args.connection.resolve, parse_resolve, mistakes),
        connect_to: each(&args.connection.connect_to, parse_connect_to, mistakes),
        local_addresses: each(&args.connection.local_addresses, parse_local, mistakes),
        keep_alive: if args.connection.disable_keepalive { KeepAlive::Off } else { KeepAlive::On },
        http: args.connection.http_version,
    };
    if let Some(origin) = origin {
        idle_rules(&way, origin, mistakes);
        forwarded_http2(&way, origin, mistakes);
    }
    way
}

fn each<T>(
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, String>,
    mistakes: &mut Vec<String>,
) -> Vec<T> {
    let parsed = texts.iter().map(|text| parse(text));
    parsed.filter_map(|one| one.map_err(|mistake| mistakes.push(mistake)).ok()).collect()
}

fn conflicts(args: &Args, mistakes: &mut Vec<String>) {
    let others = [
        ("--proxy", args.connection.proxy.is_some()),
        ("--resolve", !args.connection.resolve.is_empty()),
        ("--connect-to", !args.connection.connect_to.is_empty()),
        ("--local-address", !args.connection.local_addresses.is_empty()),
    ];
    if args.connection.unix_socket.is_some() {
        for (flag, _) in others.into_iter().filter(|(_, given)| *given) {
            mistakes.push(format!(
                "--unix-socket with {flag}: a Unix socket has no address and no proxy; leave one out"
            ));
        }
        if args.subject.is_none() && args.target.host.is_none() {
            mistakes.push(
                "--unix-socket: the demo backend listens on TCP; give the URL of your own target"
                    .to_owned(),
            );
        }
    }
    if args.connection.disable_keepalive && args.connection.http_version != HttpChoice::default() {
        mistakes.push(
            "--disable-keepalive goes with HTTP/1.1, where a connection carries one request at a time; \
             leave out --http-version"
                .to_owned(),
        );
    }
    if args.connection.proxy.is_some() && !args.connection.connect_to.is_empty() {
        mistakes.push(
            "--connect-to with --proxy: the proxy makes the connection; leave one out".to_owned(),
        );
    }
}

fn via(args: &Args, mistakes: &mut Vec<String>) -> Via {
    let parsed = match (&args.connection.unix_socket, &args.connection.proxy) {
        (Some(path), _) => parse_unix_socket(path),
        (None, Some(url)) => {
            parse_proxy(url).map(Via::Proxy).map_err(|reason| format!("--proxy: {reason}"))
        }
        (None, None) => Ok(Via::Direct),
    };
    parsed.map_err(|mistake| mistakes.push(mistake)).unwrap_or_default()
}

fn parse_unix_socket(path: &Path) -> Result<Via, String> {
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        return Err(format!(
            "--unix-socket: the path is longer than the {SOCKET_PATH_BYTES_MAX} bytes a socket's \
             address holds; give a shorter one, such as a relative one"
        ));
    }
    Ok(Via::UnixSocket(path.to_owned()))
}

/// `HOST:rest`, where an IPv6 address stands in brackets.
fn split_host(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once("]:"),
        None => text.split_once(':'),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn parse_resolve(text: &str) -> Result<Resolve, String> {
    let parse = || {
        let (host, rest) = split_host(text).filter(|(host, _)| !host.is_empty())?;
        let (port, addresses) = rest.split_once(':')?;
        let address = |text: &str| text.trim_matches(['[', ']']).parse().ok();
        Some(Resolve {
            host: (host != "*").then(|| host.to_owned()),
            port: parse_port(port)?,
            addresses: addresses.split(',').map(address).collect::<Option<Vec<IpAddr>>>()?,
        })
    };
    parse().ok_or_else(|| {
        format!(
            "--resolve '{text}': write HOST:PORT:ADDRESS[,ADDRESS], such as example.org:443:127.0.0.1"
        )
    })
}

fn parse_connect_to(text: &str) -> Result<ConnectTo, String> {
    let port = |text: &str| match text {
        "" => Some(None),
        digits => parse_port(digits).map(Some),
    };
    let host = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let parse = || {
        let (from_host, rest) = split_host(text)?;
        let (from_port, rest) = rest.split_once(':')?;
        let (to_host, to_port) = split_host(rest)?;
        Some(ConnectTo {
            from_host: host(from_host),
            from_port: port(from_port)?,
            host: host(to_host),
            port: port(to_port)?,
        })
    };
    parse().ok_or_else(|| {
        format!(
            "--connect-to '{text}': write HOST1:PORT1:HOST2:PORT2, where parts may be empty, such as \
             example.org:443:127.0.0.1:8443 or ::127.0.0.1:8443"
        )
    })
}

/// Binds once, without a packet: an address that is not this machine's would fail every connection.
fn parse_local(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.trim_matches(['[', ']']).parse().map_err(|_| {
        format!("--local-address '{text}': give an IP address of this machine, such as 127.0.0.2")
    })?;
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(address),
        Err(error) => Err(format!(
            "--local-address {address}: it cannot be used ({error}); give an address of this machine"
        )),
    }
}

/// `[SCHEME://][USER:PASSWORD@]HOST:PORT`; without a scheme an HTTP proxy is meant.
fn parse_proxy(url: &str) -> Result<Proxy, &'static str> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let kind = match scheme {
        "http" => ProxyKind::Http,
        "https" => ProxyKind::Https,
        "socks5" | "socks5h" => ProxyKind::Socks5,
        _ => return Err("it begins with http://, https:// or socks5://"),
    };
    let (user_info, place) = match rest.rsplit_once('@') {
        Some((user_info, place)) => (Some(user_info), place),
        None => (None, rest),
    };
    let place = place.strip_suffix('/').unwrap_or(place);
    let place = split_host(place)
        .filter(|(host, _)| !host.is_empty() && !host.contains('/'))
        .and_then(|(host, port)| Some(Place { host: host.to_owned(), port: parse_port(port)? }))
        .ok_or("give its host and port, such as http://127.0.0.1:3128")?;
    let credentials = user_info.map(parse_credentials).transpose()?;
    if kind == ProxyKind::Socks5 {
        let fits = |text: &str| (1..=SOCKS_BYTES_MAX).contains(&text.len());
        if credentials.as_ref().is_some_and(|pair| !fits(&pair.user) || !fits(&pair.password)) {
            return Err("SOCKS5 takes a user name and a password of 1 to 255 bytes each");
        }
    }
    Ok(Proxy { kind, place, credentials })
}

fn parse_credentials(user_info: &str) -> Result<Credentials, &'static str> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let decode = |text| {
        decode_percent(text)
            .ok_or("its user name or password has a '%' that begins no %XX; write %25")
    };
    let (user, password) = (decode(user)?, decode(password)?);
    if user.contains(':') {
        // What comes before the first colon is the user name to whoever reads it (RFC 7617).
        return Err("a user name cannot hold a colon");
    }
    Ok(Credentials { user, password })
}

/// Text with `%XX` in place of bytes that a URL cannot hold.
fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

/// Rules about another host or port than this run connects to.
fn idle_rules(way: &Way, origin: &Origin, mistakes: &mut Vec<String>) {
    let asked = Place { host: origin.host.clone(), port: origin.port };
    for rule in way.connect_to.iter().filter(|rule| !rule.applies_to(&asked)) {
        mistakes.push(format!(
            "--connect-to '{rule}': the URL leads to {asked}, so this would never apply; name that \
             host and port"
        ));
    }
    let hop = match &way.via {
        Via::Direct => way.destination(origin),
        Via::Proxy(proxy) => proxy.place.clone(),
        Via::UnixSocket(_) => return,
    };
    for entry in way.resolve.iter().filter(|entry| !entry.applies_to(&hop)) {
        mistakes.push(format!(
            "--resolve '{entry}': connections go to {hop}, so this would never apply; name that host \
             and port"
        ));
    }
}

/// A proxy that forwards requests speaks its own version of HTTP with the target.
fn forwarded_http2(way: &Way, origin: &Origin, mistakes: &mut Vec<String>) {
    let http2 = way.http == HttpChoice::Exactly(HttpVersion::Http2);
    if http2 && way.forwarding_proxy(origin).is_some() {
        mistakes.push(
            "--http-version 2 with --proxy: an HTTP proxy passes http:// requests on itself, over \
             HTTP/1.1; use https://, a socks5:// proxy, or leave one out"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests;
