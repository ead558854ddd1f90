//! The profile file: what is sent, in what proportion, and what it must meet.
//!
//! Pure: text and a look-up of environment variables come in, values of `load` come out. A profile either
//! loads whole or answers with all of its mistakes; values from the environment never reach a message.

use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;

use crate::load::auth::Auth;
use crate::load::feeder::Feeder;
use crate::load::flow::Flows;
use crate::load::monitor::Monitor;
use crate::load::plan::{PoolSource, SetupRequest};
use crate::load::rate::Rate;
use crate::load::request::RequestTemplate;
use crate::load::schedule::Arrivals;
use crate::load::slo::{Slo, Tiers};
use crate::load::stages::Stages;

mod arguments;
mod auth;
mod body;
mod compiler;
mod computed;
mod diagnostics;
mod exchange;
mod expectation;
mod feeders;
mod fields;
mod flows;
mod functions;
mod jwt;
mod monitors;
mod node;
mod oauth2;
mod quotes;
mod redistribute;
mod scan;
mod schema;
mod select;
mod setup;
mod template;
#[cfg(test)]
mod tests;
mod timing;
mod users;

pub use diagnostics::{Diagnostic, Diagnostics, SHOWN_MAX, Source, nearest};
pub use jwt::jwt_life;
pub use redistribute::{EmptyPool, Redistributed, empty_pools, redistribute};
pub use schema::json_schema;
pub use select::{SelectError, select};

/// Largest profile, in bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;
/// Largest body of a request before its holes are filled, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Most weighted requests, and most set-up requests.
pub const REQUESTS_MAX: usize = 10_000;
/// Largest file that is sent as a body or a part of one, in bytes.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// Most feeders.
pub const FEEDERS_MAX: usize = 100;
/// Most pools.
pub const POOLS_MAX: usize = 1_000;
/// Most monitors.
pub const MONITORS_MAX: usize = 8;
/// Largest weight.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// Looks up an environment variable; nothing when it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a profile names outside itself.
#[derive(Clone, Copy, Debug)]
pub enum Outside<'a> {
    /// A file, by its path relative to the profile.
    File(&'a str),
    /// The lines that a program prints.
    Process(&'a Process),
}

/// A program whose lines are rows; all are read before the load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Once there are so many, no more is read.
    pub rows: u64,
    /// The longest wait for the next line.
    pub wait: Duration,
}

/// Opens what a profile names; `Err` says why it cannot be read.
pub type Inputs<'a> = &'a dyn Fn(&Outside<'_>) -> Result<Box<dyn Read>, String>;

/// A profile that is ready to become a plan.
///
/// Its templates may hold passwords and keys from the environment, so `Debug` shows names and counts only.
#[derive(Clone)]
pub struct Profile {
    /// As the profile says, else the file's name without folder and ending.
    pub name: String,
    /// Address of the server, if the profile names one.
    pub host: Option<String>,
    /// SHA-256 of the text in hexadecimal.
    pub sha256: String,
    /// The mix; at least one has a weight above 0, and no two have the same name.
    pub requests: Vec<RequestTemplate>,
    /// Requests in order, beside the mix's single ones, and what answers leave for later requests.
    pub flows: Flows,
    /// Where the token comes from that requests carry.
    pub auth: Option<Auth>,
    /// Address of the server that issues tokens, if it is not the target.
    pub auth_host: Option<String>,
    /// Sent once each, in order, after log-in.
    pub setup: Vec<SetupRequest>,
    /// Pools, by [`crate::load::request::PoolId`].
    pub pools: Vec<PoolSource>,
    /// Feeders, by [`crate::load::feeder::FeederId`].
    pub feeders: Vec<Arc<Feeder>>,
    /// What the verdict is about.
    pub slo: Option<Slo>,
    /// Bars for the tier.
    pub tiers: Option<Tiers>,
    /// Mean arrival rate; absent where there are stages.
    pub rate: Option<Rate>,
    /// Length of the measurement, above zero; absent where there are stages.
    pub duration: Option<Duration>,
    /// Rates one after the other.
    pub stages: Option<Stages>,
    /// Load before the measurement.
    pub warmup: Option<Duration>,
    /// Spacing of arrivals.
    pub arrivals: Option<Arrivals>,
    /// What is looked at while the load goes on.
    pub monitors: Vec<Monitor>,
}

impl Profile {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: None,
            sha256: String::new(),
            requests: Vec::new(),
            flows: Flows::default(),
            auth: None,
            auth_host: None,
            setup: Vec::new(),
            pools: Vec::new(),
            feeders: Vec::new(),
            slo: None,
            tiers: None,
            rate: None,
            duration: None,
            stages: None,
            warmup: None,
            arrivals: None,
            monitors: Vec::new(),
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("sha256", &self.sha256)
            .field("requests", &self.requests.len())
            .field("setup", &self.setup.len())
            .field("pools", &self.pools.len())
            .field("feeders", &self.feeders.len())
            .finish_non_exhaustive()
    }
}

/// Reads a profile, YAML or JSON, that names no files, replacing `${VAR}` by what `environment` knows.
///
/// # Errors
/// All mistakes of the file.
pub fn load(source: Source<'_>, environment: Environment<'_>) -> Result<Profile, Diagnostics> {
    load_with(source, environment, &|_| Err("files cannot be read here".to_owned()))
}

/// Reads a profile whose files and feeders `inputs` opens.
///
/// # Errors
/// All mistakes of the file.
pub fn load_with(
    source: Source<'_>,
    environment: Environment<'_>,
    inputs: Inputs<'_>,
) -> Result<Profile, Diagnostics> {
    let mut compiler = compiler::Compiler::new(source, environment, inputs);
    let mut profile = compiler.profile();
    if !compiler.mistakes.is_empty() {
        return Err(compiler.mistakes.into_diagnostics());
    }
    profile.sha256 = hexadecimal(digest::digest(&digest::SHA256, source.text.as_bytes()).as_ref());
    Ok(profile)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// Profiles that come with the program: name and text.
pub const BUILTIN: [(&str, &str); 3] = [
    ("chat-center", include_str!("../../profiles/chat-center.yaml")),
    ("chat-center-read", include_str!("../../profiles/chat-center-read.yaml")),
    ("chat-center-analytics", include_str!("../../profiles/chat-center-analytics.yaml")),
];

/// The text of the profile of this name that comes with the program.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(builtin, _)| *builtin == name).map(|(_, text)| *text)
}
