//! [`Look`]: what a run would send, without the run: for `once` and `check --explain`.

use std::sync::Arc;

use crate::commands::Failure;
use crate::commands::environment::Environment;
use crate::commands::interrupt::Interrupt;
use crate::commands::run::subject::{self, Subject};
use crate::commands::run::{
    Args, Screen, give_terminal_back, loopback, resolve, start_demo, tls_files,
};
use crate::demo::DemoBackend;
use crate::engine::once::once;
use crate::engine::prepare::Surroundings;
use crate::engine::single::Single;
use crate::load::plan::{Origin, Plan, Scheme};
use crate::load::schedule::Schedule;
use crate::load::secrets::without;
use crate::machine::capacity::Capacity;
use crate::machine::wall_clock;
use crate::session::judgeable;
use crate::session::{tls_client, token_life};
use crate::transport::tls::TlsSettings;

/// A plan, and what is needed to send parts of it.
pub(in crate::commands) struct Look {
    pub(in crate::commands) plan: Plan,
    tls: TlsSettings,
    /// What variables of the environment put into the profile.
    secrets: Vec<String>,
    /// Lives as long as this, if it is the target.
    _demo: Option<DemoBackend>,
}

impl Look {
    /// Resolves what was typed, for sending; the demo backend is started if it is the target.
    pub(in crate::commands) fn to_send(args: &Args) -> Result<Self, Failure> {
        let subject = subject::read(args)?;
        let demo = start_demo(&subject, Screen::new(args.output.quiet, args.output.no_tui))?;
        let origin = demo.as_ref().map(|backend| loopback(backend.addr()));
        Self::resolved(args, subject, origin, demo)
    }

    /// Resolves what was typed, for looking at; a profile that names no host is fine too.
    pub(in crate::commands) fn to_explain(args: &Args) -> Result<Self, Failure> {
        let subject = subject::read(args)?;
        let hostless = match &subject {
            Subject::Url(..) => false,
            Subject::Demo(_) => true,
            Subject::Profile(profile) => args.target.host.is_none() && profile.host.is_none(),
        };
        let look = Self::resolved(args, subject, hostless.then(nowhere), None)?;
        if !args.search.find_max_rps {
            judgeable::allow(&look.plan).map_err(Failure::usage)?;
        }
        Ok(look)
    }

    fn resolved(
        args: &Args,
        subject: Subject,
        origin: Option<Origin>,
        demo: Option<DemoBackend>,
    ) -> Result<Self, Failure> {
        let mut mistakes = Vec::new();
        let tls = tls_files::read(&args.tls, &mut mistakes);
        let plan = resolve::resolve(args, subject, origin, &Capacity::inspect(), mistakes)?;
        let environment =
            Environment::read(&args.profile.variables, args.profile.env_file.as_deref())?;
        let secrets = subject::secrets(args.subject.as_deref().unwrap_or_default(), &environment);
        Ok(Self { plan, tls, secrets, _demo: demo })
    }

    /// The schedule of warm-up and measurement.
    pub(in crate::commands) fn schedule(&self) -> Schedule {
        self.plan.schedule()
    }

    /// `text` without the values of secret variables.
    pub(in crate::commands) fn without_secrets(&self, text: &str) -> String {
        without(text, &self.secrets)
    }

    /// Sends each request one time; a signal ends it at once.
    pub(in crate::commands) fn once(&self, show: &mut dyn FnMut(Single)) -> Result<(), Failure> {
        let interrupt = Interrupt::listen(give_terminal_back).map_err(Failure::unexpected)?;
        let tls: Option<Arc<_>> = tls_client(&self.plan, &self.tls)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::unexpected)?;
        let surroundings = Surroundings {
            tls: tls.as_ref(),
            own_life: token_life,
            filled: &mut |_| {},
            witness: None,
        };
        runtime.block_on(async {
            tokio::select! {
                done = once(&self.plan, surroundings, wall_clock::since_1970(), show) => done.map_err(Failure::unreachable),
                exit = interrupt.wait() => Err(Failure::interrupted(exit)),
            }
        })
    }
}

/// Stands for the address that is not known yet.
fn nowhere() -> Origin {
    Origin {
        scheme: Scheme::Http,
        host: "HOST".to_owned(),
        port: 80,
        authority: "HOST".to_owned(),
        base_path: String::new(),
    }
}
