//! What the user typed after `run`, in groups; nothing is resolved here.

mod judgement;
mod limits;
mod load;
mod output;
mod target;

pub(super) use judgement::{MonitorArgs, VerdictArgs};
pub(super) use limits::{GeneratorArgs, LimitArgs};
pub(super) use load::{LoadArgs, SearchArgs, SelectionArgs};
pub(super) use output::{OutputArgs, ProfileArgs};
pub(super) use target::{ConnectionArgs, TargetArgs, TlsArgs};

use crate::session::{Mode, SearchOptions};

/// Run a load: a fixed rate, or a search for the highest rate that meets the objectives.
///
/// Without a profile, URL or --host, the built-in demo backend is started and measured.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Profile file, built-in profile (chat-center, chat-center-read, chat-center-analytics) or URL
    #[arg(value_name = "PROFILE|URL")]
    pub subject: Option<String>,
    /// What requests go to, and those of a plain URL.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How the target is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Certificates, as PEM files.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// Arrivals: at which rate, how long, how they are spaced.
    #[command(flatten)]
    pub load: LoadArgs,
    /// Which requests of a profile are sent, and how often.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// The search for the highest rate.
    #[command(flatten)]
    pub search: SearchArgs,
    /// What decides the verdict.
    #[command(flatten)]
    pub verdict: VerdictArgs,
    /// What the target says of itself.
    #[command(flatten)]
    pub monitors: MonitorArgs,
    /// Bounds on what is sent and waited for.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How the generator uses this machine.
    #[command(flatten)]
    pub generator: GeneratorArgs,
    /// Variables of the profile.
    #[command(flatten)]
    pub profile: ProfileArgs,
    /// Where figures and results go.
    #[command(flatten)]
    pub output: OutputArgs,
}

impl Args {
    /// What is to be offered: a search, or the plan's load `times` over.
    pub(in crate::commands) fn mode(&self, times: u64) -> Mode {
        let SearchArgs { effort, max_rate, search_time, current_rate, .. } = self.search;
        if self.search.find_max_rps {
            Mode::Search(SearchOptions { effort, max_rate, time: search_time, current_rate })
        } else {
            Mode::FixedRate { times, abort_on_fail: self.verdict.abort_on_fail }
        }
    }
}

/// A whole number above 0.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("it must be a whole number above 0".to_owned()),
        Ok(number) => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::resolve;
    use crate::load::plan::Limits;

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
}
