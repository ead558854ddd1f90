//! Before the first load on a host that is neither this machine nor on a private network, and before one
//! whose paths look mistaken, what is about to be sent is shown, and somebody has to want it: by an answer on
//! a terminal, or by --yes.
//!
//! Invariant: nothing but name look-ups has left this machine before.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use crate::analysis::words::counted;
use crate::commands::interrupt::Interrupt;
use crate::commands::run::Screen;
use crate::commands::{Failure, environment};
use crate::load::plan::Plan;
use crate::load::request::Template;
use crate::load::request_cost::RequestCost;
use crate::load::way::{Place, Via};
use crate::session::{CheckedPlan, Mode};
use crate::store::hosts::KnownHosts;
use crate::time::Human;
use crate::transport::route::RouteError;

/// How often it is looked whether a signal has come while an answer is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Makes sure that this load is meant for its host; `yes` says so beforehand.
///
/// # Errors
/// Nobody wants it, or nobody can be asked, or the host has no address.
pub(super) fn obtain(
    checked: &CheckedPlan,
    yes: bool,
    interrupt: &Interrupt,
    screen: Screen,
) -> Result<(), Failure> {
    let plan = checked.plan();
    if let Some(doubt) = repeated_path(plan) {
        agree(&doubt, yes, interrupt, screen)?;
    }
    let Some(place) = public(plan)? else { return Ok(()) };
    let host = place.to_string().to_lowercase();
    let known = KnownHosts::at(environment::state_folder().join("hosts"));
    if known.contains(&host) {
        return Ok(());
    }
    let load = format!(
        "first load on {host}, which is neither this machine nor on a private network: {}",
        expected(checked)
    );
    agree(&load, yes, interrupt, screen)?;
    if let Err(error) = known.add(&host) {
        screen.warn(&format!("{error}; it will be asked again"));
    }
    Ok(())
}

/// Gets a yes to `what`: from --yes, or from whoever sits at the terminal.
fn agree(what: &str, yes: bool, interrupt: &Interrupt, screen: Screen) -> Result<(), Failure> {
    if yes {
        screen.note(what);
        Ok(())
    } else if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        ask(what, interrupt)
    } else {
        Err(Failure::usage(format!(
            "{what}\n\nhint: give --yes if that is meant and you may; there is no terminal to ask on"
        )))
    }
}

/// What is wrong with a host whose path the requests' own paths repeat: `/api` before `/api/items`.
fn repeated_path(plan: &Plan) -> Option<String> {
    let base = plan.origin.base_path.as_str();
    let paths = plan.rows().map(|row| &row.path).chain(plan.setup.iter().map(|one| &one.path));
    let begins = |path: &&str| path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
    let path = paths.map(Template::beginning).find(begins).filter(|_| !base.is_empty())?;
    Some(format!(
        "the host's path {base} stands before every path, and the profile's begin with it too, so that \
         {base}{path} would be sent: leave {base} out of --host"
    ))
}

/// Where the load goes, unless that is near.
fn public(plan: &Plan) -> Result<Option<Place>, Failure> {
    let place = plan.way.destination(&plan.origin);
    let near = match &plan.way.via {
        Via::UnixSocket(_) => true,
        // Only the proxy knows what a name means to it.
        Via::Proxy(_) => by_name(&place.host).unwrap_or(false),
        Via::Direct => match plan.way.addresses(&place) {
            Some(given) => given.iter().all(|address| is_near(*address)),
            None => match by_name(&place.host) {
                Some(near) => near,
                None => by_look_up(&place)?,
            },
        },
    };
    Ok((!near).then_some(place))
}

/// Whether the host is near, if its name alone tells.
fn by_name(host: &str) -> Option<bool> {
    if let Ok(address) = host.parse() {
        return Some(is_near(address));
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    (name == "localhost" || name.ends_with(".localhost")).then_some(true)
}

fn by_look_up(place: &Place) -> Result<bool, Failure> {
    let addresses = (place.host.as_str(), place.port).to_socket_addrs();
    let mut addresses = addresses.map_err(|error| {
        Failure::unreachable(RouteError::Resolve {
            host: place.host.clone(),
            reason: error.to_string(),
            flag: "--host",
        })
    })?;
    Ok(addresses.all(|address| is_near(address.ip())))
}

/// Loopback, unspecified, RFC 1918, link-local, or unique local (RFC 4193).
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| is_near(v4.into()));
            let local = v6.is_unique_local() || v6.is_unicast_link_local();
            mapped || local || v6.is_loopback() || v6.is_unspecified()
        }
    }
}

/// What is about to be sent, in words.
fn expected(checked: &CheckedPlan) -> String {
    let (plan, options) = (checked.plan(), checked.options());
    let bound = |most| format!(", {} at most", counted(most, "request"));
    let times = match &options.mode {
        Mode::FixedRate { times, .. } => *times,
        Mode::Search(search) => {
            let rate = search.max_rate.map_or_else(
                || "to whatever rate it holds (--max-rate bounds it)".to_owned(),
                |rate| format!("to {rate} at most"),
            );
            let most = options.requests_max.map(bound).unwrap_or_default();
            let time = Human(search.settings(plan).search_time);
            return format!("a search for up to {time} {rate}{most}");
        }
    };
    let slots = plan.schedule().slots_expected();
    let requests = RequestCost::of(plan).map_or(slots, |cost| cost.requests(slots));
    let requests = requests.saturating_mul(times);
    let up_to = if plan.stages.is_some() { "up to " } else { "" };
    let length =
        (plan.warmup + plan.duration).saturating_mul(u32::try_from(times).unwrap_or(u32::MAX));
    let length = match plan.slots {
        None => format!(" for {}", Human(length)),
        Some(_) => String::new(),
    };
    format!("{}, {up_to}{}{length}", counted(requests, "request"), plan.rate)
}

/// Asks on the terminal, once; a signal is an answer as well.
fn ask(load: &str, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{load}\nSend it? [y/N] ").and_then(|()| stderr.flush());
    let (answered, answer) = channel();
    // A read cannot be broken off; the thread ends with the process.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        let _ = answered.send(line);
    });
    let line = loop {
        match (answer.recv_timeout(LOOK_EVERY), interrupt.requested()) {
            (_, Some(exit)) => return Err(Failure::interrupted(exit)),
            (Ok(line), None) => break line,
            (Err(RecvTimeoutError::Timeout), None) => {}
            (Err(RecvTimeoutError::Disconnected), None) => break String::new(),
        }
    };
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("nothing was sent, since the answer was not yes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::way::{ConnectTo, Resolve, Way};
    use crate::report::example;

    #[test]
    fn near_is_this_machine_and_private_networks() {
        let near = [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.3.4",
            "::1",
            "::",
            "fd00::1",
            "fc00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "localhost",
            "LOCALHOST.",
            "api.localhost",
        ];
        for host in near {
            assert_eq!(by_name(host), Some(true), "{host}");
        }
        let far = [
            "8.8.8.8",
            "172.32.0.1",
            "172.15.0.1",
            "192.169.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "fec0::1",
            "::ffff:8.8.8.8",
            "11.0.0.1",
        ];
        for host in far {
            assert_eq!(by_name(host), Some(false), "{host}");
        }
        for host in ["example.org", "localhost.example.org", "notlocalhost"] {
            assert_eq!(by_name(host), None, "{host}");
        }
    }

    fn plan(host: &str, way: Way) -> Plan {
        let mut plan = example::plan();
        host.clone_into(&mut plan.origin.host);
        plan.way = way;
        plan
    }

    #[test]
    fn a_path_that_would_be_sent_twice_is_noticed() {
        for (base, path, noticed) in [
            ("/api", "/api/items", true),
            ("/api", "/api2/items", false),
            ("/api", "/items", false),
            ("", "/api/items", false),
        ] {
            let mut plan = example::plan();
            base.clone_into(&mut plan.origin.base_path);
            for request in &mut plan.requests {
                request.path = Template::literal(path);
            }
            let doubt = repeated_path(&plan);
            assert_eq!(doubt.is_some(), noticed, "{base} {path}");
            let sent = format!("{base}{path} would be sent");
            assert!(doubt.is_none_or(|doubt| doubt.contains(&sent)));
        }
    }

    #[test]
    fn where_the_load_goes_counts_not_what_the_url_says() {
        let resolve = |address: &str| Way {
            resolve: vec![Resolve {
                host: Some("example.org".to_owned()),
                port: 8001,
                addresses: vec![address.parse().unwrap()],
            }],
            ..Way::default()
        };
        let connect = |host: &str| Way {
            connect_to: vec![ConnectTo {
                from_host: None,
                from_port: None,
                host: Some(host.to_owned()),
                port: None,
            }],
            ..Way::default()
        };
        let socket = Way { via: Via::UnixSocket("/run/app.sock".into()), ..Way::default() };
        let table = [
            ("203.0.113.9", Way::default(), false),
            ("10.1.1.1", Way::default(), true),
            ("example.org", resolve("127.0.0.1"), true),
            ("example.org", resolve("203.0.113.9"), false),
            ("203.0.113.9", connect("127.0.0.1"), true),
            ("127.0.0.1", connect("203.0.113.9"), false),
            ("example.org", socket, true),
        ];
        for (host, way, near) in table {
            let place = public(&plan(host, way.clone())).unwrap();
            assert_eq!(place.is_none(), near, "{host} {way:?}");
        }
    }
}
