//! From words to a session that stands: resolved, checked, agreed to, set up.

use crate::commands::Failure;
use crate::commands::interrupt::Interrupt;
use crate::commands::run::subject::Subject;
use crate::commands::run::{Args, Screen, consent, resolve, subject, tls_files};
use crate::exit::Exit;
use crate::load::monitor::Monitor;
use crate::load::plan::Origin;
use crate::machine::capacity::Capacity;
use crate::session::{CheckedPlan, Mode, RunOptions, Session, SessionError};

/// What a session begins with, beside the flags.
pub(in crate::commands) struct Beginning {
    pub(super) subject: Subject,
    /// Where the demo backend listens, if it is the target.
    pub(super) demo: Option<Origin>,
    pub(super) monitors: Vec<Monitor>,
    pub(super) mode: Mode,
}

impl Beginning {
    /// On what `args` name, without a demo backend of its own and without monitors.
    pub(in crate::commands) fn of(args: &Args, mode: Mode) -> Result<Self, Failure> {
        let subject = subject::read(args)?;
        Ok(Self { subject, demo: None, monitors: Vec::new(), mode })
    }
}

/// Resolves what was typed, makes sure that it is wanted, logs in, sets up and starts the workers.
pub(in crate::commands) fn begin(
    args: &Args,
    beginning: Beginning,
    interrupt: &Interrupt,
    screen: Screen,
) -> Result<Session, Failure> {
    let Beginning { subject, demo, monitors, mode } = beginning;
    let own_target = demo.is_some();
    let capacity = Capacity::inspect();
    let mut mistakes = Vec::new();
    let tls = tls_files::read(&args.tls, &mut mistakes);
    let limited = subject.limited();
    let plan = resolve::resolve(args, subject, demo, &capacity, mistakes)?;
    let options = RunOptions {
        mode,
        pacing: args.generator.pacing,
        sampling: args.output.samples.sampling(),
        tls,
        requests_max: args.limits.max_total_requests,
        own_target,
        monitors,
        monitor_interval: args.monitors.monitor_interval,
    };
    let checked = CheckedPlan::new(plan, options, &capacity, &limited)?;
    if let Some(users) = args.load.closed_loop() {
        screen.note(&users.sentence(checked.plan().rate));
    }
    for warning in checked.warnings() {
        screen.warn(warning);
    }
    consent::obtain(&checked, args.limits.yes, interrupt, screen)?;
    let control = interrupt.control().clone();
    Session::begin(checked, control, &mut { screen }).map_err(|error| match error {
        SessionError::Interrupted => {
            Failure::interrupted(interrupt.requested().unwrap_or(Exit::Interrupted))
        }
        error => error.into(),
    })
}
