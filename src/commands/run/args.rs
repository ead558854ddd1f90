//! What the user typed after `run`; nothing is resolved here.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::analysis::search::Effort;
use crate::commands::formats::FormatArgs;
use crate::commands::run::processors::{Pin, Threads, parse_pin, parse_threads};
use crate::commands::run::samples::SampleArgs;
use crate::engine::Pacing;
use crate::load::plan::{LatePolicy, ReceiveClock};
use crate::load::rate::Rate;
use crate::load::schedule::Arrivals;
use crate::load::slo::{Objective, Slo};
use crate::load::stages::Stages;
use crate::load::way::HttpChoice;
use crate::session::{Mode, SearchOptions};
use crate::time::parse_duration;

/// Run a load: a fixed rate, or a search for the highest rate that meets the objectives.
///
/// Without a profile, URL or --host, the built-in demo backend is started and measured.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// Profile file, built-in profile (chat-center, chat-center-read, chat-center-analytics) or URL
    #[arg(value_name = "PROFILE|URL")]
    pub subject: Option<String>,

    /// Base URL of the target.
    #[arg(
        long,
        visible_alias = "target",
        value_name = "URL",
        help_heading = "Target",
        help = "Base URL of the target, e.g. http://127.0.0.1:8001; overrides `host` in the profile"
    )]
    pub host: Option<String>,
    /// HTTP method; only with a plain URL
    #[arg(short = 'X', long, value_name = "METHOD", help_heading = "Target")]
    pub method: Option<String>,
    /// Header sent with every request (repeatable)
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", help_heading = "Target")]
    pub headers: Vec<String>,
    /// Request body, or @FILE to read it from a file; only with a plain URL; implies POST unless -X is specified
    #[arg(long, value_name = "TEXT|@FILE", conflicts_with = "data_file", help_heading = "Target")]
    pub data: Option<String>,
    /// File that contains the request body; only with a plain URL
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    pub data_file: Option<PathBuf>,

    /// Connect to this Unix socket; scheme, Host and path are still those of the URL
    #[arg(long, value_name = "PATH", help_heading = "Connection")]
    pub unix_socket: Option<PathBuf>,
    /// Use these addresses for a name instead of a DNS lookup; several are used in turn (repeatable)
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]", help_heading = "Connection")]
    pub resolve: Vec<String>,
    /// Connect to HOST2:PORT2 instead of HOST1:PORT1; an empty part means any host or port, or the same
    /// (repeatable)
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", help_heading = "Connection")]
    pub connect_to: Vec<String>,
    /// Local address to connect from; several are used in turn (repeatable)
    #[arg(long = "local-address", value_name = "ADDR", help_heading = "Connection")]
    pub local_addresses: Vec<String>,
    /// URL of a proxy to go through.
    #[arg(
        short = 'x',
        long,
        value_name = "URL",
        help_heading = "Connection",
        help = "Use a proxy: http://, https:// or socks5://[USER:PASSWORD@]HOST:PORT"
    )]
    pub proxy: Option<String>,
    /// HTTP version; over http://, 2 uses prior knowledge and auto means 1.1
    #[arg(long, value_name = "VERSION", value_parser = http_parser(), default_value = "1.1", help_heading = "Connection")]
    pub http_version: HttpChoice,
    /// Maximum concurrent requests per HTTP/2 connection; the target may allow fewer
    #[arg(long, value_name = "N", value_parser = positive, default_value_t = 100, help_heading = "Connection")]
    pub streams: usize,
    /// Open a new connection for each request; its set-up time is part of the response time
    #[arg(long, help_heading = "Connection")]
    pub disable_keepalive: bool,
    /// Time limit for establishing a connection, proxy and TLS included
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s", help_heading = "Connection")]
    pub connect_timeout: Duration,
    /// Maximum idle time after which a connection is still reused
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "4s", help_heading = "Connection")]
    pub idle_timeout: Duration,

    /// Trust these certificate authorities instead of the system's (PEM)
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub cacert: Option<PathBuf>,
    /// Client certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "TLS")]
    pub cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "TLS")]
    pub key: Option<PathBuf>,
    /// Accept any certificate (for test servers)
    #[arg(short = 'k', long, help_heading = "TLS")]
    pub insecure: bool,

    /// Arrival rate: 200, 200/s, 1.5k/s or 90/m; the starting point of a search [default: the profile's, or 50/s]
    #[arg(short, long, visible_aliases = ["rps", "qps"], value_name = "RATE", help_heading = "Load")]
    pub rate: Option<Rate>,
    /// Duration of the measurement: 30s, 5m, 1h30m [default: the profile's, or 30s]
    #[arg(short, long, visible_alias = "run-time", value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    pub duration: Option<Duration>,
    /// Number of requests, instead of a duration
    #[arg(short = 'n', long, value_name = "N", conflicts_with_all = ["duration", "find_max_rps"], value_parser = clap::value_parser!(u64).range(1..), help_heading = "Load")]
    pub requests: Option<u64>,
    /// Consecutive rates with their durations, instead of --rate and --duration: 100/s:30s,500/s:2m
    #[arg(long, value_name = "RATE:TIME,...", conflicts_with_all = ["rate", "duration", "requests", "users", "find_max_rps"], help_heading = "Load")]
    pub stages: Option<Stages>,
    /// Replay the reads of an access log at their original pace, instead of a rate and a mix; only log-in and headers come from the profile
    #[arg(long, value_name = "LOG", conflicts_with_all = ["rate", "duration", "requests", "stages", "users", "warmup", "tags", "exclude_tags", "weights", "find_max_rps"], help_heading = "Load")]
    pub replay: Option<PathBuf>,
    /// Replay speed as a multiple of the log's own pace
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = parse_speed, requires = "replay", help_heading = "Load")]
    pub speed: f64,
    /// Duration of load that precedes the measurement and is excluded from every figure [default: 0s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    pub warmup: Option<Duration>,
    /// Spacing of arrivals
    #[arg(long, value_name = "KIND", value_parser = arrivals_parser(), help_heading = "Load")]
    pub arrivals: Option<Arrivals>,
    /// Random seed; the same seed reproduces the run
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Load")]
    pub seed: u64,
    /// Number of users of a closed-loop tool, converted to a rate by Little's law
    #[arg(
        long,
        value_name = "N",
        conflicts_with_all = ["rate", "find_max_rps"],
        help_heading = "Load"
    )]
    pub users: Option<u32>,
    /// Think time of those users in seconds, 2 or 1..3 [default: 1..3]
    #[arg(long, value_name = "SECONDS", requires = "users", value_parser = parse_wait, help_heading = "Load")]
    pub wait: Option<f64>,
    /// Users started per second: the rate rises in steps until all have started (with --users)
    #[arg(long, value_name = "N", requires = "users", conflicts_with = "requests", value_parser = parse_spawn_rate, help_heading = "Load")]
    pub spawn_rate: Option<f64>,
    /// Send only requests with one of these tags
    #[arg(short = 'T', long, value_name = "TAG", value_delimiter = ',', help_heading = "Load")]
    pub tags: Vec<String>,
    /// Exclude requests with one of these tags
    #[arg(short = 'E', long, value_name = "TAG", value_delimiter = ',', help_heading = "Load")]
    pub exclude_tags: Vec<String>,
    /// Change a request's weight: --weight "list all=5" (repeatable)
    #[arg(long = "weight", value_name = "NAME=N", help_heading = "Load")]
    pub weights: Vec<String>,
    /// Send only the request with this name (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Load")]
    pub only: Vec<String>,

    /// Search for the highest rate that meets the objectives
    #[arg(long, help_heading = "Search")]
    pub find_max_rps: bool,
    /// Highest rate to try
    #[arg(long, value_name = "RATE", requires = "find_max_rps", help_heading = "Search")]
    pub max_rate: Option<Rate>,
    /// Duration and precision of the search: about one minute, two to three, or five to ten; up to twice that
    /// if the target stalls or scales up
    #[arg(long, value_name = "EFFORT", value_parser = effort_parser(), default_value = "normal", requires = "find_max_rps", help_heading = "Search")]
    pub effort: Effort,
    /// Time limit of the search, after which it reports its best answer [default: 150s, 6m or 12m, depending on
    /// --effort]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "find_max_rps", help_heading = "Search")]
    pub search_time: Option<Duration>,
    /// Resume the search in this run folder; all flags except --search-time must match
    #[arg(
        long,
        value_name = "DIR",
        requires = "find_max_rps",
        conflicts_with = "out",
        help_heading = "Search"
    )]
    pub resume: Option<PathBuf>,
    /// Today's load; the result reports the headroom above it
    #[arg(long, value_name = "RATE", requires = "find_max_rps", help_heading = "Search")]
    pub current_rate: Option<Rate>,

    /// Objectives that decide the verdict [default: p95<1000ms,errors<5%]
    #[arg(long, value_name = "OBJECTIVES", help_heading = "Verdict")]
    pub slo: Option<Slo>,
    /// Additional objective, also in k6's syntax: 'p(99)<250' (repeatable)
    #[arg(long = "threshold", value_name = "OBJECTIVE", help_heading = "Verdict")]
    pub thresholds: Vec<Objective>,
    /// End the run once an objective on a quantile or on errors has failed beyond doubt, but not before DELAY
    /// [default DELAY: 10s]
    #[arg(long, value_name = "DELAY", value_parser = parse_duration, num_args = 0..=1, require_equals = true, default_missing_value = "10s", conflicts_with = "find_max_rps", help_heading = "Verdict")]
    pub abort_on_fail: Option<Duration>,

    /// Collect target-side metrics: prometheus:URL?series=a,b, process:PORT, process:pid:N,
    /// command:TEXT or postgres:URL (repeatable)
    #[arg(long = "monitor", value_name = "KIND:WHAT", help_heading = "Monitors")]
    pub monitors: Vec<String>,
    /// Interval between two readings of a monitor
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s", help_heading = "Monitors")]
    pub monitor_interval: Duration,

    /// Maximum number of open connections [default: as many as needed, up to the in-flight cap]
    #[arg(short, long, value_name = "N", value_parser = positive, help_heading = "Limits")]
    pub connections: Option<usize>,
    /// Maximum number of unanswered requests, sent or waiting; arrivals beyond it are shed [default: 10000]
    #[arg(long, value_name = "N", value_parser = positive, help_heading = "Limits")]
    pub max_in_flight: Option<usize>,
    /// Time limit for the response, counted from the send
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s", help_heading = "Limits")]
    pub timeout: Duration,
    /// Time limit for the response, counted from the due instant
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Limits")]
    pub deadline: Option<Duration>,
    /// Time limit for outstanding responses after the last arrival
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s", help_heading = "Limits")]
    pub drain: Duration,
    /// Policy for requests that could not be sent on time: send, or shed-after:TIME
    #[arg(long, value_name = "POLICY", value_parser = parse_late, default_value = "send", help_heading = "Limits")]
    pub late: LatePolicy,
    /// Refuse a plan with more requests than this, warm-up included; a search ends before it would exceed it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Limits")]
    pub max_total_requests: Option<u64>,
    /// Do not ask for confirmation before the first load on a public host, nor if the paths of the requests
    /// repeat that of the host
    #[arg(long, help_heading = "Limits")]
    pub yes: bool,
    /// Number of worker threads; auto depends on the rate and the processors
    #[arg(long, value_name = "N", value_parser = parse_threads, default_value = "auto", help_heading = "Limits")]
    pub threads: Threads,
    /// Bind each worker to one processor: auto, or a list, e.g. 0,2-3
    #[arg(long, value_name = "CPUS", value_parser = parse_pin, help_heading = "Limits")]
    pub pin: Option<Pin>,
    /// How workers wait: precise wakes early and polls; relaxed lets several sends share a wake-up, for half the
    /// CPU time
    #[arg(long, value_name = "KIND", value_parser = pacing_parser(), default_value = "precise", help_heading = "Limits")]
    pub pacing: Pacing,
    /// Source of receive timestamps: the kernel, or this program after reading
    #[arg(long, value_name = "CLOCK", value_parser = clock_parser(), default_value = "kernel", help_heading = "Limits")]
    pub clock: ReceiveClock,

    /// Set a profile variable, ${NAME} (repeatable); takes precedence over the environment
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE", help_heading = "Profile")]
    pub variables: Vec<String>,
    /// File of NAME=VALUE lines for variables that the environment does not set [default: .env.loadtest beside
    /// the profile]
    #[arg(long, value_name = "FILE", help_heading = "Profile")]
    pub env_file: Option<PathBuf>,

    /// Run folder to write [default: a new one in the user's state folder]
    #[arg(short, long, value_name = "DIR", value_parser = parse_out, help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Formats to print and to write.
    #[command(flatten)]
    pub formats: FormatArgs,
    /// Serve live figures to Prometheus at http://ADDR:PORT/metrics during the run
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_listen, help_heading = "Output")]
    pub prometheus: Option<SocketAddr>,
    /// Collector that receives live figures.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Output", help = "Send live figures to an OTLP collector during the run; the OTEL_* variables configure the rest [default: http://localhost:4318]")]
    pub otlp: Option<String>,
    /// Single requests in a file.
    #[command(flatten)]
    pub samples: SampleArgs,
    /// Print plain progress lines instead of the live view
    #[arg(long, visible_alias = "headless", help_heading = "Output")]
    pub no_tui: bool,
    /// Print no progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

impl Args {
    /// What is to be offered: a search, or the plan's load `times` over.
    pub(in crate::commands) fn mode(&self, times: u64) -> Mode {
        if self.find_max_rps {
            Mode::Search(SearchOptions {
                effort: self.effort,
                max_rate: self.max_rate,
                time: self.search_time,
                current_rate: self.current_rate,
            })
        } else {
            Mode::FixedRate { times, abort_on_fail: self.abort_on_fail }
        }
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it must be a whole number above 0".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A folder. `json=FILE` and its like name an output in k6.
fn parse_out(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("json" | "csv", file)) => Err(format!(
            "it is the run's folder here; for single requests in a file write --samples {file}, for the \
             result --json={file} or --csv PREFIX"
        )),
        Some((
            "experimental-prometheus-rw" | "prometheus" | "influxdb" | "cloud" | "statsd",
            _,
        )) => {
            Err("it is the run's folder here; live figures are --prometheus and --otlp".to_owned())
        }
        _ => Ok(PathBuf::from(text)),
    }
}

/// `127.0.0.1:9464`; a port alone is one of 127.0.0.1.
fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .or_else(|_| text.parse())
        .map_err(|_| "write an address and a port, such as 127.0.0.1:9464".to_owned())
}

/// How much faster than it was recorded: above 0, and at most a million.
fn parse_speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed <= 1e6 => Ok(speed),
        _ => Err("write a number above 0, such as 2 or 0.5".to_owned()),
    }
}

fn parse_late(text: &str) -> Result<LatePolicy, String> {
    match text.split_once(':') {
        None if text == "send" => Ok(LatePolicy::Send),
        Some(("shed-after", limit)) => {
            parse_duration(limit).map(LatePolicy::ShedAfter).map_err(|error| error.to_string())
        }
        _ => Err("write send or shed-after:TIME, such as shed-after:2s".to_owned()),
    }
}

/// The mean of a think time in seconds, `2` or `1..3`.
fn parse_wait(text: &str) -> Result<f64, String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let seconds = |part: &str| part.trim_end_matches('s').parse::<f64>().ok();
    match (seconds(low), seconds(high)) {
        (Some(low), Some(high)) if 0.0 <= low && low <= high && high > 0.0 && high.is_finite() => {
            Ok(f64::midpoint(low, high))
        }
        _ => Err("write seconds, such as 2 or 1..3".to_owned()),
    }
}

fn parse_spawn_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("write users per second, such as 10".to_owned()),
    }
}

fn http_parser() -> impl clap::builder::TypedValueParser<Value = HttpChoice> {
    clap::builder::PossibleValuesParser::new(HttpChoice::ALL.map(HttpChoice::name)).map(|name| {
        HttpChoice::ALL.into_iter().find(|choice| choice.name() == name).unwrap_or_default()
    })
}

fn arrivals_parser() -> impl clap::builder::TypedValueParser<Value = Arrivals> {
    let all = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter];
    clap::builder::PossibleValuesParser::new(all.map(Arrivals::name))
        .map(move |name| all.into_iter().find(|kind| kind.name() == name).unwrap_or_default())
}

fn effort_parser() -> impl clap::builder::TypedValueParser<Value = Effort> {
    clap::builder::PossibleValuesParser::new(Effort::ALL.map(Effort::name))
        .map(|name| Effort::ALL.into_iter().find(|one| one.name() == name).unwrap_or_default())
}

fn clock_parser() -> impl clap::builder::TypedValueParser<Value = ReceiveClock> {
    clap::builder::PossibleValuesParser::new(["kernel", "user"]).map(|name| match name.as_str() {
        "user" => ReceiveClock::User,
        _ => ReceiveClock::Kernel,
    })
}

fn pacing_parser() -> impl clap::builder::TypedValueParser<Value = Pacing> {
    clap::builder::PossibleValuesParser::new(["precise", "relaxed"]).map(|name| {
        match name.as_str() {
            "relaxed" => Pacing::Relaxed,
            _ => Pacing::Precise,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::resolve;
    use crate::load::plan::Limits;

    #[test]
    fn think_times_become_their_mean() {
        assert_eq!(parse_wait("2"), Ok(2.0));
        assert_eq!(parse_wait("1..3"), Ok(2.0));
        assert_eq!(parse_wait("1s..3s"), Ok(2.0));
        for text in ["", "3..1", "-1", "0", "x..y"] {
            assert!(parse_wait(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_alone_is_local() {
        for text in ["9464", ":9464", "127.0.0.1:9464"] {
            assert_eq!(
                parse_listen(text).map(|addr| addr.to_string()),
                Ok("127.0.0.1:9464".into())
            );
        }
        assert!(parse_listen("[::1]:0").is_ok() && parse_listen("localhost:9464").is_err());
    }

    #[test]
    fn the_outputs_of_k6_are_no_folders() {
        for (text, flag) in [("json=a.json", "--samples a.json"), ("influxdb=http://h", "--otlp")] {
            assert!(parse_out(text).unwrap_err().contains(flag), "{text}");
        }
        assert_eq!(parse_out("runs/a=b"), Ok(PathBuf::from("runs/a=b")));
    }

    #[test]
    fn the_library_and_the_command_line_have_the_same_limits() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let Line { args } = clap::Parser::parse_from(["run"]);
        assert_eq!(resolve::limits(&args), Limits::default());
    }

    #[test]
    fn late_policies_parse() {
        assert_eq!(parse_late("send"), Ok(LatePolicy::Send));
        assert_eq!(parse_late("shed-after:2s"), Ok(LatePolicy::ShedAfter(Duration::from_secs(2))));
        assert!(parse_late("drop").is_err() && parse_late("shed-after:2").is_err());
    }
}
