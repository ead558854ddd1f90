//! Flags of variables and of outputs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::commands::formats::FormatArgs;
use crate::commands::run::samples::SampleArgs;

/// Variables of the profile.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfileArgs {
    /// Set a profile variable, ${NAME} (repeatable); takes precedence over the environment
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// File of NAME=VALUE lines for variables that the environment does not set [default: .env.loadtest beside
    /// the profile]
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// Where figures and results go.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Run folder to write [default: a new one in the user's state folder]
    #[arg(short, long, value_name = "DIR", value_parser = parse_out)]
    pub out: Option<PathBuf>,
    /// Formats to print and to write.
    #[command(flatten)]
    pub formats: FormatArgs,
    /// Serve live figures to Prometheus at http://ADDR:PORT/metrics during the run
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_listen)]
    pub prometheus: Option<SocketAddr>,
    /// Collector that receives live figures.
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "", help = "Send live figures to an OTLP collector during the run; the OTEL_* variables configure the rest [default: http://localhost:4318]")]
    pub otlp: Option<String>,
    /// Single requests in a file.
    #[command(flatten)]
    pub samples: SampleArgs,
    /// Print plain progress lines instead of the live view
    #[arg(long, visible_alias = "headless")]
    pub no_tui: bool,
    /// Print no progress
    #[arg(short, long)]
    pub quiet: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
