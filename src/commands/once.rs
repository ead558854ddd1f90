//! The verb `once`: sends each request of the mix one time and shows the exchange, secrets hidden.

use crate::analysis::words::counted;
use crate::commands::run::{self, Look};
use crate::commands::{Failure, stdout, unused_flags};
use crate::engine::single::{Single, Stage};
use crate::exit::Exit;
use crate::load::request::push_percent;
use crate::load::secrets::without;
use crate::render::Tone;
use crate::render::exchange::{Bodies, answer, request};

/// Send each request of a profile one time and show the exchange.
///
/// Log-in and set-up requests come first. Values that are secrets by their name, their look or their
/// variable are hidden, and so is all that a log-in sends and gets.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(
    after_help = "Exit codes: 0 every response as expected, 99 at least one was not, 3 the target or the log-in failed."
)]
pub struct Args {
    #[command(flatten)]
    run: run::Args,
}

/// The verb's words: those of `run` that change what is sent once.
pub(super) fn words(command: clap::Command) -> clap::Command {
    let unused = ["Load", "Search", "Verdict", "Monitors", "Limits", "Output"];
    let used = ["tags", "exclude_tags", "weights", "only", "seed", "timeout", "quiet"];
    unused_flags::mark(command, &unused, &used)
}

/// Sends and shows.
///
/// # Errors
/// A mistake in flags or profile, or a target, log-in or set-up that fails.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let look = Look::to_send(&args.run)?;
    let (mut done, mut bad) = (0, 0);
    look.once(&mut |single| {
        done += 1;
        bad += usize::from(single.complaint.is_some());
        let token = [single.token.to_string(), percent_encoded(&single.token)];
        stdout::print(&without(&look.without_secrets(&shown(&single)), &token));
    })?;
    let word =
        if bad == 0 { "all as expected".to_owned() } else { format!("{bad} not as expected") };
    stdout::print(&format!("{}, {word}\n", counted(done, "exchange")));
    Ok(if bad == 0 { Exit::Ok } else { Exit::Threshold })
}

/// As it stands in a query.
fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    push_percent(text, &mut out);
    out
}

fn shown(single: &Single) -> String {
    let Single { name, stage, sent, outcome, complaint, .. } = single;
    let bodies = match stage {
        Stage::LogIn => Bodies::Structure,
        Stage::SetUp | Stage::Mix => Bodies::Shown,
    };
    let kind = match stage {
        Stage::LogIn => "log-in: ",
        Stage::SetUp => "set-up: ",
        Stage::Mix => "",
    };
    let style = stdout::style();
    let mut text = style.paint(Tone::Strong, &format!("{kind}{name}"));
    text.push('\n');
    text += &request((&sent.method, &sent.uri), &sent.headers, &sent.body, bodies);
    if let Ok(came) = outcome {
        text += &answer(came.status, &came.headers, &Single::body(came), bodies);
    }
    if let Some(complaint) = complaint {
        text += &style.paint(Tone::Bad, &format!("✗ {complaint}"));
        text.push('\n');
    }
    text.push('\n');
    text
}
