//! Flags that bound a load and the resources of its generator.

use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::commands::run::args::positive;
use crate::commands::run::processors::{Pin, Threads, parse_pin, parse_threads};
use crate::engine::Pacing;
use crate::load::plan::{LatePolicy, ReceiveClock};
use crate::time::parse_duration;

/// Bounds on what is sent and waited for.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Maximum number of open connections [default: as many as needed, up to the in-flight cap]
    #[arg(short, long, value_name = "N", value_parser = positive)]
    pub connections: Option<usize>,
    /// Maximum number of unanswered requests, sent or waiting; arrivals beyond it are shed [default: 10000]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub max_in_flight: Option<usize>,
    /// Time limit for the response, counted from the send
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub timeout: Duration,
    /// Time limit for the response, counted from the due instant
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
    /// Time limit for outstanding responses after the last arrival
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    pub drain: Duration,
    /// Policy for requests that could not be sent on time: send, or shed-after:TIME
    #[arg(long, value_name = "POLICY", value_parser = parse_late, default_value = "send")]
    pub late: LatePolicy,
    /// Refuse a plan with more requests than this, warm-up included; a search ends before it would exceed it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_total_requests: Option<u64>,
    /// Do not ask for confirmation before the first load on a public host, nor if the paths of the requests
    /// repeat that of the host
    #[arg(long)]
    pub yes: bool,
}

/// How the generator uses this machine.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct GeneratorArgs {
    /// Number of worker threads; auto depends on the rate and the processors
    #[arg(long, value_name = "N", value_parser = parse_threads, default_value = "auto")]
    pub threads: Threads,
    /// Bind each worker to one processor: auto, or a list, e.g. 0,2-3
    #[arg(long, value_name = "CPUS", value_parser = parse_pin)]
    pub pin: Option<Pin>,
    /// How workers wait: precise wakes early and polls; relaxed lets several sends share a wake-up, for half the
    /// CPU time
    #[arg(long, value_name = "KIND", value_parser = pacing_parser(), default_value = "precise")]
    pub pacing: Pacing,
    /// Source of receive timestamps: the kernel, or this program after reading
    #[arg(long, value_name = "CLOCK", value_parser = clock_parser(), default_value = "kernel")]
    pub clock: ReceiveClock,
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

    #[test]
    fn late_policies_parse() {
        assert_eq!(parse_late("send"), Ok(LatePolicy::Send));
        assert_eq!(parse_late("shed-after:2s"), Ok(LatePolicy::ShedAfter(Duration::from_secs(2))));
        assert!(parse_late("drop").is_err() && parse_late("shed-after:2").is_err());
    }
}
