//! The verb `check`: validates a profile without sending anything, and explains what it would send.

use std::fmt::Write as _;

use crate::analysis::words::counted;
use crate::commands::environment::Environment;
use crate::commands::run::{self, Look};
use crate::commands::{Failure, stdout, unused_flags};
use crate::engine::once::preview;
use crate::exit::Exit;
use crate::load::flow::Step;
use crate::load::mix::Mix;
use crate::load::request::RequestTemplate;
use crate::load::schedule::Slot;
use crate::load::url::is_url;
use crate::machine::wall_clock;
use crate::render::explanation::{self, PlannedRequest};

/// Slots whose requests are shown.
const SLOTS_SHOWN: usize = 10;

/// Validate a profile without sending anything.
///
/// Takes the flags of `run` to explain what they would run.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(after_help = "Examples:\n  \
                        steadfire check api.yaml\n  \
                        steadfire check api.yaml --explain -r 200/s -d 5m --host http://127.0.0.1:8000")]
pub struct Args {
    /// Show the schedule, the expected counts and the first requests exactly as they would be sent
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    run: run::Args,
}

/// The verb's words: those of `run` that change what is explained.
pub(super) fn words(command: clap::Command) -> clap::Command {
    let unused = ["Connection", "TLS", "Search", "Monitors", "Limits", "Output"];
    unused_flags::mark(command, &unused, &[])
        .mut_arg("abort_on_fail", |argument| argument.hide(true))
}

/// Tells what the profile holds, or all its mistakes.
///
/// # Errors
/// Mistakes in the profile or in flags.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let text = if args.explain { explain(&args.run)? } else { contents(&args.run)? };
    stdout::print(&text);
    Ok(Exit::Ok)
}

fn contents(args: &run::Args) -> Result<String, Failure> {
    let Some(name) = &args.subject else {
        return Err(Failure::usage("name the profile: steadfire check profiles/chat-center.yaml"));
    };
    if is_url(name) {
        return url(args);
    }
    let environment = Environment::read(&args.profile.variables, args.profile.env_file.as_deref())?;
    let profile = run::load(name, &environment)?;
    let entries: Vec<_> =
        profile.requests.iter().cloned().chain(profile.flows.stand_ins()).collect();
    let total: u64 = entries.iter().map(|entry| u64::from(entry.weight)).sum();
    let logs_in = profile.auth.as_ref().is_some_and(|auth| auth.exchanges().next().is_some());
    let mut text = format!(
        "{}: {}, {}, {}\n",
        profile.name,
        counted(profile.requests.len() as u64, "request"),
        counted((profile.setup.len() + usize::from(logs_in)) as u64, "set-up call"),
        counted(profile.pools.iter().filter(|pool| !pool.is_variable()).count() as u64, "pool")
    );
    for request in &profile.requests {
        let share = f64::from(request.weight) / total as f64 * 100.0;
        let path = request.path.as_literal().unwrap_or("(varies)");
        writeln!(text, "{share:>6.2} %  {:<18} {} {path}", request.name, request.method)
            .expect("writing to a String cannot fail");
    }
    for flow in &profile.flows.list {
        let share = f64::from(flow.weight) / total as f64 * 100.0;
        writeln!(
            text,
            "{share:>6.2} %  {:<18} flow of {}",
            flow.name,
            counted(flow.steps.len() as u64, "step")
        )
        .expect("writing to a String cannot fail");
        for Step { request, .. } in &flow.steps {
            let path = request.path.as_literal().unwrap_or("(varies)");
            writeln!(text, "          {} {} {path}", request.name, request.method)
                .expect("writing to a String cannot fail");
        }
    }
    Ok(text)
}

/// A plain URL with its flags: the one request.
fn url(args: &run::Args) -> Result<String, Failure> {
    let plan = Look::to_explain(args)?.plan;
    let lines = plan
        .requests
        .iter()
        .map(|request| format!("{} to {}\n", request.name, plan.origin.authority));
    Ok(lines.collect())
}

fn explain(args: &run::Args) -> Result<String, Failure> {
    let look = Look::to_explain(args)?;
    let plan = &look.plan;
    let schedule = look.schedule();
    let rows: Vec<&RequestTemplate> = plan.rows().collect();
    let mix = Mix::new(&plan.weights(), plan.seed).map_err(Failure::usage)?;
    let first: Vec<Slot> = schedule.stride(0, 1).take(SLOTS_SHOWN).collect();
    let slots: Vec<(u64, usize)> =
        first.iter().map(|slot| (slot.index, plan.first_row(mix.request(slot.index)))).collect();
    let sent = preview(plan, &slots, wall_clock::since_1970()).map_err(Failure::usage)?;
    let planned =
        first.iter().zip(&slots).zip(&sent).map(|((slot, (_, row)), sent)| PlannedRequest {
            due: slot.due,
            name: &rows[*row].name,
            method: &sent.method,
            uri: &sent.uri,
            headers: &sent.headers,
            body: &sent.body,
        });
    let text = explanation::explain(plan, &schedule, &planned.collect::<Vec<_>>());
    Ok(look.without_secrets(&text))
}
