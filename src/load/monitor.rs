//! [`Monitor`]: something beside the answers that is looked at while the load goes on, and its text form
//! `KIND:WHAT`.
//!
//! Passwords, queries and a command's arguments are kept and never shown: neither `Display` nor `Debug`
//! nor an error holds them.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::load::endpoint::{Endpoint, EndpointError};
use crate::load::selector::Selector;

/// Where figures about the target come from.
#[derive(Clone, PartialEq, Eq)]
pub enum Monitor {
    /// A text endpoint in Prometheus' format.
    Prometheus {
        /// What is fetched.
        endpoint: Endpoint,
        /// What is taken of it; empty takes every counter and gauge.
        series: Vec<Selector>,
    },
    /// A process on this machine.
    Process(ProcessId),
    /// A shell command that prints `name value` lines.
    Command(String),
    /// A `PostgreSQL` server.
    Postgres(Database),
}

/// How a process is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessId {
    /// All processes that listen on this TCP port.
    Port(u16),
    /// The one with this number.
    Pid(u32),
}

/// A connection string in its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Database {
    /// A `postgresql://` URL without its password; empty leaves everything to libpq's environment.
    pub url: String,
    /// The password, if it stood there.
    pub password: Option<String>,
}

/// Why a text is no monitor. What may be secret is not quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MonitorError {
    /// Unknown kind, or none.
    #[error(
        "a monitor is KIND:WHAT: prometheus:URL?series=a,b, process:PORT, process:pid:NUMBER, \
         command:TEXT or postgres:URL"
    )]
    Kind,
    /// Not a URL that can be fetched.
    #[error(
        "prometheus: {0}; write for example prometheus:http://127.0.0.1:8001/api/metrics?series=queue_depth"
    )]
    Url(#[from] EndpointError),
    /// Not a choice of series.
    #[error(
        "prometheus: '{0}' is no series; write a name, a name{{label=\"value\"}} or sum(name), separated by \
         commas"
    )]
    Series(String),
    /// Neither a port nor a process.
    #[error(
        "process: write a listening port, such as process:8001, or a process, such as process:pid:4711"
    )]
    Process,
    /// No command.
    #[error("command: there is no command; write for example command:./queue-depth")]
    Command,
    /// Not a connection string that is understood.
    #[error(
        "postgres: the connection string cannot be read; write postgres:postgresql://USER@HOST/DATABASE"
    )]
    Postgres,
}

impl Monitor {
    /// The stable name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Prometheus { .. } => "prometheus",
            Self::Process(_) => "process",
            Self::Command(_) => "command",
            Self::Postgres(_) => "postgres",
        }
    }
}

impl FromStr for Monitor {
    type Err = MonitorError;

    fn from_str(text: &str) -> Result<Self, MonitorError> {
        let (kind, what) = text.trim().split_once(':').ok_or(MonitorError::Kind)?;
        match kind {
            "prometheus" => prometheus(what),
            "process" => process(what).map(Self::Process).ok_or(MonitorError::Process),
            "command" if what.trim().is_empty() => Err(MonitorError::Command),
            "command" => Ok(Self::Command(what.trim().to_owned())),
            // The URL of a database is a monitor as it stands.
            "postgres" | "postgresql" if what.starts_with("//") => database(text.trim()),
            "postgres" => database(what),
            _ => Err(MonitorError::Kind),
        }
    }
}

/// The choice of series stands last in the query and is not sent.
fn prometheus(what: &str) -> Result<Monitor, MonitorError> {
    let (url, series) = match what.find("?series=").or_else(|| what.find("&series=")) {
        None => (what, Vec::new()),
        Some(at) => {
            let chosen = &what[at + "?series=".len()..];
            (&what[..at], Selector::parse_list(chosen).map_err(MonitorError::Series)?)
        }
    };
    Ok(Monitor::Prometheus { endpoint: url.parse()?, series })
}

fn process(what: &str) -> Option<ProcessId> {
    match what.split_once(':') {
        Some(("pid", number)) => number.parse().ok().filter(|pid| *pid > 0).map(ProcessId::Pid),
        Some(("port", number)) => port(number),
        Some(_) => None,
        None => port(what),
    }
}

fn port(text: &str) -> Option<ProcessId> {
    text.parse().ok().filter(|port| *port > 0).map(ProcessId::Port)
}

/// Takes the password out of a URL's user information or query. `postgresql+driver://` is how some
/// libraries write it.
fn database(text: &str) -> Result<Monitor, MonitorError> {
    if text.is_empty() {
        return Ok(Monitor::Postgres(Database { url: String::new(), password: None }));
    }
    let (scheme, rest) = text.split_once("://").ok_or(MonitorError::Postgres)?;
    let scheme = scheme.split('+').next().unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql") || rest.contains(char::is_whitespace) {
        return Err(MonitorError::Postgres);
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, in_user) = match user.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (user, None),
    };
    let (secret, plain): (Vec<&str>, Vec<&str>) = query
        .split('&')
        .filter(|part| !part.is_empty())
        .partition(|part| part.starts_with("password="));
    let in_query = secret.first().and_then(|part| part.strip_prefix("password="));
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(std::borrow::Cow::into_owned).map_err(|_| MonitorError::Postgres)
    };
    let password = in_user.or(in_query).map(decode).transpose()?;
    let at = if user.is_empty() { "" } else { "@" };
    let mark = if plain.is_empty() { "" } else { "?" };
    let url = format!("postgresql://{user}{at}{host}{path}{mark}{}", plain.join("&"));
    Ok(Monitor::Postgres(Database { url, password }))
}

impl fmt::Display for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prometheus { endpoint, .. } => write!(f, "{endpoint}"),
            Self::Process(ProcessId::Port(port)) => write!(f, "process on port {port}"),
            Self::Process(ProcessId::Pid(pid)) => write!(f, "process {pid}"),
            Self::Command(text) => write!(f, "command {}", program(text)),
            Self::Postgres(database) => write!(f, "{database}"),
        }
    }
}

/// The program that a command line begins with; assignments before it and what follows may be secret.
fn program(text: &str) -> &str {
    text.split_whitespace().find(|word| !word.contains('=')).unwrap_or("…")
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split('?').next().unwrap_or_default();
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        match place {
            "" => f.write_str("postgres"),
            place => write!(f, "postgres {place}"),
        }
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Monitor({self})")
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_grammar() {
        let table = [
            ("prometheus:http://127.0.0.1:8001/api/metrics", "http://127.0.0.1:8001/api/metrics"),
            ("prometheus:http://h/m?a=b&series=x,y{z=\"1\"}", "http://h/m"),
            ("process:8001", "process on port 8001"),
            ("process:pid:4711", "process 4711"),
            ("command: ./queue-depth --token t0p", "command ./queue-depth"),
            ("command:TOKEN=t0p curl -s x", "command curl"),
            (
                "postgres:postgresql://eve:s3cret@db:5432/chat?sslmode=require",
                "postgres db:5432/chat",
            ),
            ("postgres://eve@db/chat", "postgres db/chat"),
            ("postgres:", "postgres"),
        ];
        for (text, shown) in table {
            let monitor: Monitor = text.parse().unwrap();
            assert_eq!(monitor.to_string(), shown, "{text}");
            assert!(text.starts_with(monitor.kind()), "{text}");
        }
    }

    #[test]
    fn the_choice_of_series_is_not_sent() {
        let Ok(Monitor::Prometheus { endpoint, series }) =
            "prometheus:http://h/m?a=b&series=x,sum(y{z=\"&series=\"})".parse()
        else {
            panic!("it is one")
        };
        assert_eq!(endpoint.path, "/m?a=b");
        assert_eq!(series[1].to_string(), "sum(y{z=\"&series=\"})");
    }

    #[test]
    fn a_password_is_kept_and_not_shown() {
        let table = [
            ("postgres:postgres://eve:p%40ss@db/chat", "postgresql://eve@db/chat", Some("p@ss")),
            (
                "postgres:postgresql+asyncpg://eve:a:b@db:5433/chat?password=x&sslmode=prefer",
                "postgresql://eve@db:5433/chat?sslmode=prefer",
                Some("a:b"),
            ),
            ("postgres:postgresql://db/chat?password=p%26w", "postgresql://db/chat", Some("p&w")),
            ("postgres:postgresql://db", "postgresql://db", None),
        ];
        for (text, url, password) in table {
            let Ok(Monitor::Postgres(database)) = text.parse() else { panic!("{text}") };
            assert_eq!((database.url.as_str(), database.password.as_deref()), (url, password));
            if let Some(password) = password {
                assert!(!format!("{database} {database:?}").contains(password));
            }
        }
    }

    #[test]
    fn mistakes_name_the_remedy_and_no_secret() {
        let table = [
            ("http://127.0.0.1:8001/metrics", MonitorError::Kind),
            ("cpu", MonitorError::Kind),
            ("process:0", MonitorError::Process),
            ("process:nginx", MonitorError::Process),
            ("process:pid:x", MonitorError::Process),
            ("command: ", MonitorError::Command),
            ("postgres:host=db password=s3cret", MonitorError::Postgres),
            ("postgres:mysql://eve:s3cret@db/x", MonitorError::Postgres),
            ("prometheus:http://eve:s3cret@h/m", MonitorError::Url(EndpointError::Credentials)),
            ("prometheus:http://h/m?series=a,1b", MonitorError::Series("1b".to_owned())),
        ];
        for (text, error) in table {
            let found = text.parse::<Monitor>().unwrap_err();
            assert!(!found.to_string().contains("s3cret"), "{found}");
            assert_eq!(found, error, "{text}");
        }
    }
}
