//! The verb `run`: from words to a plan, to a load, to a verdict, to files and the screen.

mod args;
pub(super) mod block;
mod budget;
mod choose;
mod consent;
mod course;
mod find_max;
mod fixed;
pub mod foreign;
mod judgeable;
mod kept;
mod look;
mod monitors;
mod opening;
mod output;
mod preflight;
mod processors;
mod record;
mod replay;
mod resolve;
mod samples;
mod screen;
mod search_report;
mod streaming;
mod stretch;
mod subject;
mod tls_files;
mod trial_figures;
mod users;
mod verdict;
mod view;
mod watch;
mod way;

use std::sync::Arc;
use std::time::Duration;

pub use args::Args;
pub(super) use look::Look;
pub(super) use output::Output;
pub(super) use screen::Screen;
pub(super) use subject::{is_url, load, split_url};
pub(super) use view::give_terminal_back;

use rustls::ClientConfig;

use crate::commands::interrupt::Interrupt;
use crate::commands::run::budget::Budget;
use crate::commands::run::preflight::{Machine, Supplies};
use crate::commands::run::subject::Subject;
use crate::commands::{Failure, clock};
use crate::engine::Pacing;
use crate::engine::fleet::Fleet;
use crate::engine::prepare::{PrepareError, Ready, Surroundings, prepare};
use crate::engine::renewal::{AuthRecord, Renewal};
use crate::exit::Exit;
use crate::live::Keys;
use crate::load::auth::Auth;
use crate::load::plan::{Origin, Plan, Scheme};
use crate::load::way::{HttpChoice, Way};
use crate::load::way::{ProxyKind, Via};
use crate::measure::attempts::Attempts;
use crate::measure::sampling::Sampling;
use crate::monitor::Watch;
use crate::profile::{self, Redistributed};
use crate::report::{Kind, Report};
use crate::target::{DemoBackend, Settings};
use crate::transport::tls::{TlsSettings, client_config};

/// Lines that tell how a pool of tokens fills.
const PROGRESS_LINES: usize = 20;

/// What runs, searches and blocks have in common once everything is set up.
pub(super) struct Session {
    plan: Arc<Plan>,
    fleet: Fleet,
    pacing: Pacing,
    sampling: Sampling,
    supplies: Supplies,
    redistributed: Vec<Redistributed>,
    /// Whether the target is the demo backend in this process.
    own_target: bool,
    /// Where connections go.
    addresses: Vec<String>,
    /// Which of them failed before the load.
    probed: Vec<Attempts>,
    interrupt: Interrupt,
    screen: Screen,
    /// What may be done by hand.
    keys: Keys,
    started_at: jiff::Timestamp,
    /// What is looked at beside the answers.
    monitors: Option<Watch>,
    /// Tokens that are sent in turn.
    tokens: usize,
    /// Renews them as long as the session lives, where they can be.
    renewal: Option<Renewal>,
}

/// Runs the load and reports.
///
/// # Errors
/// A mistake in flags or profile, a target that cannot be used, or an unexpected failure.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen().map_err(Failure::unexpected)?;
    let screen = Screen::new(args.quiet, args.no_tui);
    let subject = subject::read(args)?;
    let monitors = monitors::chosen(args, &subject)?;
    let demo = start_demo(&subject, screen)?;
    let origin = demo.as_ref().map(|backend| loopback(backend.addr()));
    let mut session = Session::begin(args, (subject, origin), interrupt, screen, 1)?;
    session.monitors = monitors::start(args, monitors)?;
    let streams = streaming::open(args, &session)?;
    // Only a run that can begin leaves a folder, and a full disk is better known before the load.
    let mut output = Output::open(args, &session.plan, screen)?;
    output.stream_to(streams);
    let kind = if args.find_max_rps { Kind::FindMaxRps } else { Kind::Run };
    output.begin(&verdict::header(&session, kind), screen);
    let report = watched(&mut session, args, &mut output)?;
    output.close_streams(session.screen);
    output.close_samples(session.screen);
    output.finish(&report, session.screen)?;
    Ok(session.interrupt.requested().unwrap_or_else(|| verdict::exit(&report)))
}

/// Sends the load; whoever sits at a terminal sees it in the live view meanwhile.
fn watched(session: &mut Session, args: &Args, output: &mut Output) -> Result<Report, Failure> {
    let given = session.plan.stages.is_some() || session.plan.trace.is_some();
    // The keys would mean the pace of flows, the line below them that of requests.
    let given = given || !session.plan.flows.list.is_empty();
    session.keys = if args.find_max_rps || given { Keys::StopAndMark } else { Keys::Everything };
    let subject = watch::subject(session, args);
    let plain = session.screen;
    // It is gone before anything is printed.
    let (screen, _watching) = plain.watched(subject, &session.interrupt);
    session.screen = screen;
    let report = if args.find_max_rps {
        find_max::run(session, args, output)
    } else {
        fixed::run(session, args, output)
    };
    session.screen = plain;
    report
}

impl Session {
    /// Resolves what was typed, logs in, sets up and starts the workers. The demo backend's address stands
    /// beside the subject if it is the target. A fixed load is going to be sent `times` over.
    fn begin(
        args: &Args,
        (subject, demo): (Subject, Option<Origin>),
        interrupt: Interrupt,
        screen: Screen,
        times: u64,
    ) -> Result<Self, Failure> {
        let own_target = demo.is_some();
        let machine = Machine::inspect();
        let mut mistakes = Vec::new();
        let tls = tls_files::read(args, &mut mistakes);
        let limited = subject.limited();
        let mut plan = resolve::resolve(args, subject, demo, &machine, mistakes)?;
        let (supplies, notes) =
            preflight::fit(&mut plan, args, own_target, &machine).map_err(Failure::usage)?;
        for note in notes {
            screen.warn(&note);
        }
        if let Some(users) = args.closed_loop() {
            screen.note(&users.sentence(plan.rate));
        }
        if !args.find_max_rps {
            judgeable::allow(&plan).map_err(Failure::usage)?;
            for note in judgeable::notes(&plan, &limited) {
                screen.warn(&note);
            }
            Budget::of(args, &plan)?.allow(&fixed::schedule(&plan), times)?;
        }
        consent::obtain((&plan, times), args, &interrupt, screen)?;
        let ready = set_up(&plan, tls_client(&plan, &tls)?.as_ref(), &interrupt, screen)?;
        let version = ready.route.version();
        let way = Way { http: HttpChoice::Exactly(version), ..plan.way };
        let (requests, flows) = (ready.requests.to_vec(), (*ready.flows).clone());
        let plan = Arc::new(Plan { way, requests, flows, ..plan });
        let redistributed = ready.redistributed.clone();
        let (tokens, issuer) = (ready.tokens.clone(), ready.issuer.clone());
        let addresses = ready.route.addresses();
        let probed = ready.route.failed().to_vec();
        opening::warn(&ready, screen);
        let connections = opening::connections(&plan, &ready);
        let mut fleet = Fleet::launch(&plan, ready, connections).map_err(Failure::unexpected)?;
        let held = tokens.len();
        let renewal = issuer
            .zip(fleet.token_port())
            .map(|(issuer, port)| Renewal::start(issuer, tokens, port))
            .transpose()
            .map_err(Failure::unexpected)?;
        Ok(Self {
            plan,
            fleet,
            pacing: args.pacing,
            sampling: args.samples.sampling(),
            supplies,
            redistributed,
            own_target,
            addresses,
            probed,
            interrupt,
            screen,
            keys: Keys::StopAndMark,
            started_at: clock::now(),
            monitors: None,
            tokens: held,
            renewal,
        })
    }

    /// What it has taken to hold tokens so far; `None` where requests carry none.
    pub(super) fn auth(&self) -> Option<AuthRecord> {
        let given = || AuthRecord::given(self.tokens as u64);
        self.plan.auth.as_ref().map(|_| self.renewal.as_ref().map_or_else(given, Renewal::record))
    }
}

/// Log-in and set-up, which a signal ends at once.
fn set_up(
    plan: &Plan,
    tls: Option<&Arc<ClientConfig>>,
    interrupt: &Interrupt,
    screen: Screen,
) -> Result<Ready, Failure> {
    let of = plan.auth.as_ref().map_or(0, Auth::tokens);
    let mut filled = |done: usize| {
        if of > 1 && (done == of || done.is_multiple_of(of.div_ceil(PROGRESS_LINES))) {
            screen.note(&format!("logged in {done} of {of}"));
        }
    };
    let surroundings =
        Surroundings { tls, own_life: token_life, filled: &mut filled, witness: None };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unexpected)?;
    runtime.block_on(async {
        tokio::select! {
            ready = prepare(plan, surroundings) => ready.map_err(|error| match error {
                PrepareError::ConnectionHeader { .. } => Failure::usage(error),
                _ => Failure::unreachable(error),
            }),
            exit = interrupt.wait() => Err(Failure::interrupted(exit)),
        }
    })
}

/// The client's side of TLS, if the target or a proxy speaks it: reading the system's certificates takes
/// time.
fn tls_client(plan: &Plan, settings: &TlsSettings) -> Result<Option<Arc<ClientConfig>>, Failure> {
    let proxy = matches!(&plan.way.via, Via::Proxy(proxy) if proxy.kind == ProxyKind::Https);
    let issuer = plan.auth.as_ref().and_then(Auth::origin);
    let secure = |origin: &Origin| origin.scheme == Scheme::Https;
    if !secure(&plan.origin) && !issuer.is_some_and(secure) && !proxy {
        return Ok(None);
    }
    client_config(settings).map(Some).map_err(Failure::usage)
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

/// How long a token is still valid, if it says so.
fn token_life(token: &str) -> Option<Duration> {
    // To the fraction: a token of seconds is no longer valid when whole seconds say it is.
    profile::jwt_life(token, clock::now().as_duration().unsigned_abs())
}
