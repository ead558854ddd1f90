//! Flags that say what is asked and how it is reached.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::commands::run::args::positive;
use crate::load::way::HttpChoice;
use crate::time::parse_duration;

/// What requests go to, and those of a plain URL.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// Base URL of the target.
    #[arg(
        long,
        visible_alias = "target",
        value_name = "URL",
        help = "Base URL of the target, e.g. http://127.0.0.1:8001; overrides `host` in the profile"
    )]
    pub host: Option<String>,
    /// HTTP method; only with a plain URL
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub method: Option<String>,
    /// Header sent with every request (repeatable)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Request body, or @FILE to read it from a file; only with a plain URL; implies POST unless -X is specified
    #[arg(long, value_name = "TEXT|@FILE", conflicts_with = "data_file")]
    pub data: Option<String>,
    /// File that contains the request body; only with a plain URL
    #[arg(long, value_name = "FILE")]
    pub data_file: Option<PathBuf>,
}

/// How the target is reached.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Connect to this Unix socket; scheme, Host and path are still those of the URL
    #[arg(long, value_name = "PATH")]
    pub unix_socket: Option<PathBuf>,
    /// Use these addresses for a name instead of a DNS lookup; several are used in turn (repeatable)
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]")]
    pub resolve: Vec<String>,
    /// Connect to HOST2:PORT2 instead of HOST1:PORT1; an empty part means any host or port, or the same
    /// (repeatable)
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2")]
    pub connect_to: Vec<String>,
    /// Local address to connect from; several are used in turn (repeatable)
    #[arg(long = "local-address", value_name = "ADDR")]
    pub local_addresses: Vec<String>,
    /// URL of a proxy to go through.
    #[arg(
        short = 'x',
        long,
        value_name = "URL",
        help = "Use a proxy: http://, https:// or socks5://[USER:PASSWORD@]HOST:PORT"
    )]
    pub proxy: Option<String>,
    /// HTTP version; over http://, 2 uses prior knowledge and auto means 1.1
    #[arg(long, value_name = "VERSION", value_parser = http_parser(), default_value = "1.1")]
    pub http_version: HttpChoice,
    /// Maximum concurrent requests per HTTP/2 connection; the target may allow fewer
    #[arg(long, value_name = "N", value_parser = positive, default_value_t = 100)]
    pub streams: usize,
    /// Open a new connection for each request; its set-up time is part of the response time
    #[arg(long)]
    pub disable_keepalive: bool,
    /// Time limit for establishing a connection, proxy and TLS included
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s")]
    pub connect_timeout: Duration,
    /// Maximum idle time after which a connection is still reused
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "4s")]
    pub idle_timeout: Duration,
}

/// Certificates, as PEM files.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Trust these certificate authorities instead of the system's (PEM)
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Client certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Accept any certificate (for test servers)
    #[arg(short = 'k', long)]
    pub insecure: bool,
}

fn http_parser() -> impl clap::builder::TypedValueParser<Value = HttpChoice> {
    clap::builder::PossibleValuesParser::new(HttpChoice::ALL.map(HttpChoice::name)).map(|name| {
        HttpChoice::ALL.into_iter().find(|choice| choice.name() == name).unwrap_or_default()
    })
}
