//! `steadfire target`: the demo backend on its own.
//!
//! Invariant: stdout carries the URL and nothing else, so a script can read it.

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;

use crate::demo::{
    Faults, Freezes, Mode, Overload, Seeding, ServiceTime, Settings, Stalls, TEST_EMAIL,
    TEST_PASSWORD, listen, serve,
};
use crate::exit::Exit;
use crate::time::parse_duration;

/// Run the demo backend: a chat-center API with a known capacity and faults to order
///
/// Prints its URL on stdout once it listens, and serves until SIGINT or SIGTERM.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8001")]
    listen: SocketAddr,
    /// Number of connections that the kernel queues until they are accepted
    #[arg(long, value_name = "N", default_value_t = 2_048)]
    accept_backlog: u32,
    /// Answer every request at once with a small JSON document; only stalls delay it
    #[arg(long)]
    instant: bool,

    #[command(flatten)]
    capacity: CapacityArgs,
    #[command(flatten)]
    stops: StopArgs,
    #[command(flatten)]
    faults: FaultArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

/// How much it can do.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Capacity")]
struct CapacityArgs {
    /// Number of requests served concurrently
    #[arg(long, value_name = "N", default_value_t = 4, conflicts_with = "instant")]
    workers: u32,
    /// Factor on all service times: 2 halves the capacity
    #[arg(long, value_name = "X", default_value_t = 1.0, conflicts_with = "instant")]
    service_scale: f64,
    /// How service times vary about their mean
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Variation::Lognormal, conflicts_with = "instant")]
    service: Variation,
    /// Seed of service times and faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of requests that may wait for a worker; the rest get 503
    #[arg(long, value_name = "N", default_value_t = 20_000, conflicts_with = "instant")]
    queue_limit: usize,
    /// Answer 429 to requests above this rate per second [default: no limit]
    #[arg(long, value_name = "RATE", conflicts_with = "instant")]
    reject_above: Option<f64>,
    /// Once requests wait more than 2 s, serve three times as slowly until the queue is empty [default: off]
    #[arg(long, conflicts_with = "instant")]
    collapse: bool,
    /// Start at five times the service times and fall to normal over this time [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "instant")]
    slow_start: Option<Duration>,
}

/// When it stands still.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Stalls")]
struct StopArgs {
    /// Stall once in each period of this length, at its end [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "stall_for")]
    stall_every: Option<Duration>,
    /// Duration of each stall [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "stall_every")]
    stall_for: Option<Duration>,
    /// Each log-in stalls the whole server, for 224ms if no time is specified [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, num_args = 0..=1, require_equals = true, default_missing_value = "224ms", conflicts_with = "instant")]
    login_freeze: Option<Duration>,
    /// Each ops-alerts and pilot-readiness request stalls the whole server, for 5.1s if no time is specified [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, num_args = 0..=1, require_equals = true, default_missing_value = "5.1s", conflicts_with = "instant")]
    freeze_endpoints: Option<Duration>,
}

/// How requests go wrong; sign-in, health and metrics are spared.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
#[command(next_help_heading = "Faults (shares from 0 to 1)")]
struct FaultArgs {
    /// Share of requests answered with status 500
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "instant")]
    error_share: f64,
    /// Share of requests whose connection is reset instead of answered
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "instant")]
    reset_share: f64,
    /// Share of requests whose connection closes in the middle of the body
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "instant")]
    truncate_share: f64,
    /// Share that receives the response head and a few bytes, then nothing
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, conflicts_with = "instant")]
    endless_share: f64,
}

/// What it offers.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Service")]
struct ServiceArgs {
    /// Lifetime of an access token
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "7d", conflicts_with = "instant")]
    token_lifetime: Duration,
    /// Close a connection that is idle for this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s", conflicts_with = "instant")]
    keep_alive_timeout: Duration,
    /// Start without data; POST /api/auth/seed-demo creates it
    #[arg(long, conflicts_with = "instant")]
    unseeded: bool,
    /// Start with 12 interactions and no chats, instead of 180 and 60
    #[arg(long, conflicts_with_all = ["unseeded", "instant"])]
    no_chats: bool,
}

/// The words of `--service`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Variation {
    /// Always the mean
    Fixed,
    /// Many short, few long
    Exponential,
    /// Moderate, coefficient of variation 0.5
    Lognormal,
}

impl Args {
    fn settings(&self) -> Settings {
        let Self { capacity, stops, faults, service, .. } = self;
        Settings {
            mode: if self.instant { Mode::Instant } else { Mode::Api },
            workers: capacity.workers,
            service_scale: capacity.service_scale,
            service: match capacity.service {
                Variation::Fixed => ServiceTime::Fixed,
                Variation::Exponential => ServiceTime::Exponential,
                Variation::Lognormal => ServiceTime::LogNormal,
            },
            seed: capacity.seed,
            stalls: stops
                .stall_every
                .zip(stops.stall_for)
                .map(|(every, hold)| Stalls { every, hold }),
            freezes: Freezes { login: stops.login_freeze, monitoring: stops.freeze_endpoints },
            slow_start: capacity.slow_start,
            overload: if capacity.collapse { Overload::Collapse } else { Overload::Steady },
            reject_above: capacity.reject_above,
            queue_limit: capacity.queue_limit,
            accept_backlog: self.accept_backlog,
            faults: Faults {
                error: faults.error_share,
                reset: faults.reset_share,
                truncate: faults.truncate_share,
                endless: faults.endless_share,
            },
            token_lifetime: service.token_lifetime,
            keep_alive: service.keep_alive_timeout,
            seeding: match (service.unseeded, service.no_chats) {
                (true, _) => Seeding::Empty,
                (false, true) => Seeding::Chatless,
                (false, false) => Seeding::Full,
            },
        }
    }
}

/// Serves until SIGINT or SIGTERM; settings that can't be end with [`Exit::Usage`].
pub fn exec(args: &Args) -> anyhow::Result<Exit> {
    let settings = args.settings();
    if let Err(fault) = settings.check() {
        note(&format!("error: {fault}"));
        return Ok(Exit::Usage);
    }
    let listener = listen(args.listen, settings.accept_backlog).with_context(|| {
        format!("can't listen on {}; choose another address with --listen", args.listen)
    })?;
    let addr = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the URL is out, so that whoever reads it may signal at once.
        let stop = interrupted()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // The reader of stdout may be gone already; that is no reason not to serve.
        let _ = writeln!(io::stdout().lock(), "http://{addr}");
        note(&description(&settings));
        serve(listener, settings, stop).await
    })?;
    Ok(Exit::Ok)
}

fn description(settings: &Settings) -> String {
    match settings.mode {
        Mode::Instant => "Answers any request at once; Ctrl-C stops it.".to_owned(),
        Mode::Api => format!(
            "Holds about {} requests/s of the chat-center mix; sign in as {TEST_EMAIL} with the password \
             {TEST_PASSWORD}; Ctrl-C stops it.",
            figures(settings.chat_center_capacity())
        ),
    }
}

/// Whole numbers from ten on, two decimals below.
fn figures(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.0}") }
}

fn note(text: &str) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Completes at the first SIGINT or SIGTERM from now on.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the system's own, which ends the process, stays in force.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn parse(flags: &str) -> Result<Settings, clap::Error> {
        let words = std::iter::once("target").chain(flags.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.args.settings())
    }

    #[test]
    fn flags_default_to_the_settings_of_a_built_in_run() {
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn flags_reach_their_settings() {
        let ms = Duration::from_millis;
        let base = Settings::default;
        let table = [
            (
                "--workers 2 --service fixed",
                Settings { workers: 2, service: ServiceTime::Fixed, ..base() },
            ),
            (
                "--instant --stall-every 2s --stall-for 500ms",
                Settings {
                    mode: Mode::Instant,
                    stalls: Some(Stalls { every: ms(2_000), hold: ms(500) }),
                    ..base()
                },
            ),
            (
                "--login-freeze --freeze-endpoints",
                Settings {
                    freezes: Freezes { login: Some(ms(224)), monitoring: Some(ms(5_100)) },
                    ..base()
                },
            ),
            (
                "--login-freeze=1s",
                Settings {
                    freezes: Freezes { login: Some(ms(1_000)), monitoring: None },
                    ..base()
                },
            ),
            (
                "--collapse --no-chats",
                Settings { overload: Overload::Collapse, seeding: Seeding::Chatless, ..base() },
            ),
            (
                "--reset-share 0.25 --unseeded",
                Settings {
                    faults: Faults { reset: 0.25, ..Faults::default() },
                    seeding: Seeding::Empty,
                    ..base()
                },
            ),
        ];
        for (flags, settings) in table {
            assert_eq!(parse(flags).unwrap(), settings, "{flags}");
        }
    }

    #[test]
    fn contradictory_flags_are_refused() {
        for flags in [
            "--stall-every 2s",
            "--stall-for 2s",
            "--instant --workers 3",
            "--instant --error-share 0.1",
            "--unseeded --no-chats",
            "--slow-start 10",
            "--listen nowhere",
        ] {
            assert!(parse(flags).is_err(), "{flags}");
        }
    }

    #[test]
    fn the_description_tells_the_capacity_and_how_to_sign_in() {
        let text = description(&Settings::default());
        assert!(text.contains("947 requests/s"), "{text}");
        assert!(text.contains(TEST_EMAIL) && text.contains(TEST_PASSWORD), "{text}");
    }
}
