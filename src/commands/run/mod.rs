//! The verb `run`: from words to a plan, and from a report to files and the screen. What lies between is a
//! [`Session`].

mod args;
mod begin;
mod choose;
mod consent;
mod files;
pub mod foreign;
mod look;
mod monitors;
mod output;
mod processors;
mod record;
mod replay;
mod resolve;
mod samples;
mod screen;
mod streaming;
mod subject;
mod tls_files;
mod users;
mod view;
mod watch;
mod way;

pub use args::Args;
pub(super) use begin::{Beginning, begin};
pub(super) use look::Look;
pub(super) use output::Output;
pub(super) use screen::Screen;
pub(super) use subject::load;
pub(super) use view::give_terminal_back;

use crate::commands::Failure;
use crate::commands::interrupt::Interrupt;
use crate::commands::run::record::Record;
use crate::commands::run::subject::Subject;
use crate::demo::{DemoBackend, Settings};
use crate::exit::Exit;
use crate::load::plan::{Origin, Scheme};
use crate::report::{Outcome, Report};
use crate::session::event::Observers;
use crate::session::{EarlierSitting, Mode, Session};

/// Runs the load and reports.
///
/// # Errors
/// A mistake in flags or profile, a target that cannot be used, or an unexpected failure.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen(give_terminal_back).map_err(Failure::unexpected)?;
    let screen = Screen::new(args.output.quiet, args.output.no_tui);
    Output::check(args)?;
    let subject = subject::read(args)?;
    let monitors = monitors::chosen(args, &subject)?;
    let demo = start_demo(&subject, screen)?;
    let origin = demo.as_ref().map(|backend| loopback(backend.addr()));
    let beginning = Beginning { subject, demo: origin, monitors, mode: args.mode(1) };
    let session = begin(args, beginning, &interrupt, screen)?;
    let streams = streaming::open(&args.output, &session, screen)?;
    // Only a run that can begin leaves a folder, and a full disk is better known before the load.
    let mut output = Output::open(args, session.plan(), screen)?;
    output.stream_to(streams);
    output.begin(&session.header());
    let report = watched(&session, args, &interrupt, &mut output)?;
    output.end_of_load();
    output.finish(&report)?;
    Ok(interrupt.requested().unwrap_or_else(|| exit(&report)))
}

/// Sends the load; whoever sits at a terminal sees it in the live view meanwhile.
fn watched(
    session: &Session,
    args: &Args,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Report, Failure> {
    let mut screen = output.screen();
    let mut earlier = EarlierSitting::default();
    if let Mode::Search(options) = &session.options().mode {
        let folder = output.folder();
        let record = if args.search.resume.is_some() {
            let (record, found) = Record::resume(session, options, folder, screen)?;
            earlier = found;
            record
        } else {
            Record::create(session, options, folder, screen)
        };
        output.record_to(record);
    }
    // It is gone before anything is printed.
    let _watching = screen.watched(watch::subject(session), interrupt);
    let mut observers = Observers::of([&mut screen, output]);
    let report = match session.options().mode {
        Mode::Search(_) => session.search(earlier, &mut observers),
        Mode::FixedRate { .. } => session.run(&mut observers),
    };
    Ok(report?)
}

/// The exit code of a report's verdict.
const fn exit(report: &Report) -> Exit {
    match report.verdict.outcome {
        Outcome::Pass => Exit::Ok,
        Outcome::Fail => Exit::Threshold,
        Outcome::Invalid => Exit::Invalid,
        Outcome::Incomplete => Exit::Incomplete,
    }
}

fn start_demo(subject: &Subject, screen: Screen) -> Result<Option<DemoBackend>, Failure> {
    let Subject::Demo(_) = subject else { return Ok(None) };
    let settings = Settings::default();
    let capacity = settings.chat_center_capacity();
    let backend = DemoBackend::start(settings).map_err(Failure::unexpected)?;
    screen.note(&format!(
        "demo backend on {}: {capacity:.0} requests/s of the chat-center mix by its settings",
        backend.addr()
    ));
    Ok(Some(backend))
}

fn loopback(address: std::net::SocketAddr) -> Origin {
    Origin {
        scheme: Scheme::Http,
        host: address.ip().to_string(),
        port: address.port(),
        authority: address.to_string(),
        base_path: String::new(),
    }
}
