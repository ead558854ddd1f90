//! The verb `check`: validates a profile without sending anything.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::commands::environment::Environment;
use crate::commands::{Failure, run};
use crate::exit::Exit;
use crate::load::flow::Step;

/// Validate a profile without sending anything.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Profile file or built-in profile
    pub profile: String,
    /// Variable for the profile's ${VAR} (repeatable); goes before the environment
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// File of NAME=VALUE lines for variables the environment lacks
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<std::path::PathBuf>,
}

/// Tells what the profile holds, or all its mistakes.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let environment = Environment::read(&args.variables, args.env_file.as_deref())?;
    let profile = run::load(&args.profile, &environment)?;
    let entries: Vec<_> =
        profile.requests.iter().cloned().chain(profile.flows.stand_ins()).collect();
    let total: u64 = entries.iter().map(|entry| u64::from(entry.weight)).sum();
    let mut text = format!(
        "{}: {} requests, {} set-up calls, {} pools\n",
        profile.name,
        profile.requests.len(),
        profile.setup.len() + usize::from(profile.login.is_some()),
        profile.pools.len()
    );
    for request in &profile.requests {
        let share = f64::from(request.weight) / total as f64 * 100.0;
        let path = request.path.as_literal().unwrap_or("(varies)");
        writeln!(text, "{share:>6.2} %  {:<18} {} {path}", request.name, request.method)
            .expect("writing to a String cannot fail");
    }
    for flow in &profile.flows.list {
        let share = f64::from(flow.weight) / total as f64 * 100.0;
        writeln!(text, "{share:>6.2} %  {:<18} flow of {} steps", flow.name, flow.steps.len())
            .expect("writing to a String cannot fail");
        for Step { request, .. } in &flow.steps {
            let path = request.path.as_literal().unwrap_or("(varies)");
            writeln!(text, "          {} {} {path}", request.name, request.method)
                .expect("writing to a String cannot fail");
        }
    }
    // A closed pipe is no reason to complain.
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(Exit::Ok)
}
