//! From words to a [`Plan`]: flags go before the profile, the profile before the defaults. All mistakes
//! are told at once.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::header::HOST;

use crate::analysis::search::Settings;
use crate::commands::Failure;
use crate::commands::run::args::TargetArgs;
use crate::commands::run::choose::choose;
use crate::commands::run::processors;
use crate::commands::run::subject::{Subject, parse_header, without_query};
use crate::commands::run::{Args, replay, way};
use crate::load::auth::Auth;
use crate::load::flow::Flows;
use crate::load::plan::{ChosenBy, Limits, Origin, Plan};
use crate::load::rate::Rate;
use crate::load::request::{RequestTemplate, add_header};
use crate::load::slo::{Slo, Tiers};
use crate::load::stages::Stages;
use crate::load::url::split_host;
use crate::machine::capacity::Capacity;
use crate::profile::Profile;

/// What vegeta's users expect where no rate is given, and gentle enough for any test server.
const RATE_DEFAULT: u64 = 50;
const DURATION_DEFAULT: Duration = Duration::from_secs(30);

/// Resolves everything; `demo` is where the demo backend listens, if it is the target. `mistakes` are those
/// found before, which are told with the rest.
pub(super) fn resolve(
    args: &Args,
    subject: Subject,
    demo: Option<Origin>,
    machine: &Capacity,
    mut mistakes: Vec<String>,
) -> Result<Plan, Failure> {
    let Addressed { profile, mut requests, origin } = addressed(args, subject, demo, &mut mistakes);
    let trace = replay::apply(args, profile.as_ref(), &mut requests, &mut mistakes);
    let way = way::resolve(args, origin.as_ref(), &mut mistakes);
    let flows = choose_entries(profile.as_ref(), &mut requests, args, &mut mistakes);
    let auth = auth(profile.as_ref(), &mut mistakes);
    let slo = objectives(args, profile.as_ref());
    if args.connection.connect_timeout.is_zero() || args.limits.timeout.is_zero() {
        mistakes.push("--timeout and --connect-timeout must be above 0".to_owned());
    }
    let stages = if trace.is_some() { None } else { stages(args, profile.as_ref(), &mut mistakes) };
    let (rate, duration) = match (&trace, &stages) {
        (Some(trace), _) => (replay::rate(trace, &mut mistakes), trace.length()),
        (None, Some(stages)) => (Some(stages.peak()), stages.length()),
        (None, None) => steady(args, profile.as_ref(), &mut mistakes),
    };
    let stages = stages.or_else(|| ramp(args, duration, &mut mistakes));
    let pin = processors::pinned(args.generator.pin.as_ref(), machine)
        .map_err(|mistake| mistakes.push(mistake))
        .unwrap_or_default();
    let (Some(origin), Some(rate), true) = (origin, rate, mistakes.is_empty()) else {
        return Err(Failure::usage(mistakes.join("\nerror: ")));
    };
    let name = args.subject.as_deref().map_or("demo", without_query);
    let plan = Plan {
        name: profile.as_ref().map_or(name, |profile| &profile.name).to_owned(),
        profile_sha256: profile.as_ref().map(|profile| profile.sha256.clone()),
        origin,
        way,
        requests,
        flows,
        auth,
        setup: profile.as_ref().map_or_else(Vec::new, |profile| profile.setup.clone()),
        pools: profile.as_ref().map_or_else(Vec::new, |profile| profile.pools.clone()),
        rate,
        feeders: profile.as_ref().map_or_else(Vec::new, |profile| profile.feeders.clone()),
        stages,
        trace,
        arrivals: args
            .load
            .arrivals
            .or_else(|| profile.as_ref().and_then(|profile| profile.arrivals))
            .unwrap_or_default(),
        seed: args.load.seed,
        warmup: args.load.warmup.or_else(|| profile.as_ref()?.warmup).unwrap_or_default(),
        duration,
        slots: args.load.requests,
        limits: limits(args),
        workers: 1,
        pin,
        receive_clock: args.generator.clock,
        slo,
        tiers: profile.and_then(|profile| profile.tiers).unwrap_or_else(Tiers::standard),
    };
    let workers = processors::workers(args, plan.request_rate(), &plan.origin, machine);
    Ok(Plan { workers, ..plan })
}

/// What is to be sent, and where.
struct Addressed {
    /// Without its requests.
    profile: Option<Profile>,
    requests: Vec<RequestTemplate>,
    /// Absent where a mistake was found.
    origin: Option<Origin>,
}

fn addressed(
    args: &Args,
    subject: Subject,
    demo: Option<Origin>,
    mistakes: &mut Vec<String>,
) -> Addressed {
    match subject {
        Subject::Url(request, origin) => {
            if args.target.host.is_some() {
                mistakes.push("--host: the URL already says where".to_owned());
            }
            Addressed { profile: None, requests: vec![*request], origin: Some(origin) }
        }
        Subject::Profile(mut profile) | Subject::Demo(mut profile) => {
            let TargetArgs { method, data, data_file, .. } = &args.target;
            if method.is_some() || data.is_some() || data_file.is_some() {
                mistakes.push("-X, --data and --data-file go with a plain URL; a profile's requests have their own".to_owned());
            }
            let requests = std::mem::take(&mut profile.requests);
            let origin = demo.or_else(|| host(args, &profile, mistakes));
            Addressed { profile: Some(*profile), requests, origin }
        }
    }
}

/// --stages, else the profile's unless a flag asks for a single rate.
fn stages(args: &Args, profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Option<Stages> {
    let single = args.load.rate.is_some() || args.load.users.is_some() || args.search.find_max_rps;
    if args.load.stages.is_some() || single {
        return args.load.stages.clone();
    }
    let stages = profile?.stages.clone()?;
    if args.load.duration.is_some() || args.load.requests.is_some() {
        mistakes.push(
            "the profile runs in stages, which have lengths of their own; for another length give \
             --rate as well, or --stages"
                .to_owned(),
        );
    }
    Some(stages)
}

/// The stages in which users come one after the other.
fn ramp(args: &Args, duration: Duration, mistakes: &mut Vec<String>) -> Option<Stages> {
    let stages = args.load.closed_loop()?.stages(duration);
    stages.map_err(|mistake| mistakes.push(mistake)).ok().flatten()
}

/// Rate and length of a run without stages.
fn steady(
    args: &Args,
    profile: Option<&Profile>,
    mistakes: &mut Vec<String>,
) -> (Option<Rate>, Duration) {
    (rate(args, profile, mistakes), duration(args, profile, mistakes))
}

fn rate(args: &Args, profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Option<Rate> {
    let rate = match (args.load.rate, args.load.closed_loop()) {
        (Some(rate), _) => Ok(rate),
        (None, Some(users)) => users.rate(),
        _ => match profile.and_then(|profile| profile.rate) {
            Some(rate) => Ok(rate),
            None if args.search.find_max_rps => {
                Rate::from_per_second(Settings::new(Slo::standard(), args.search.effort).start)
            }
            None => Rate::per_second(RATE_DEFAULT),
        },
    };
    rate.map_err(|error| mistakes.push(format!("--users: {error}"))).ok()
}

fn duration(args: &Args, profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Duration {
    let in_profile = || profile.and_then(|profile| profile.duration);
    let duration = args.load.duration.or_else(in_profile).unwrap_or(DURATION_DEFAULT);
    if duration.is_zero() {
        mistakes.push("--duration: must be above 0".to_owned());
    }
    duration
}

fn host(args: &Args, profile: &Profile, mistakes: &mut Vec<String>) -> Option<Origin> {
    let Some(host) = args.target.host.as_deref().or(profile.host.as_deref()) else {
        mistakes.push(format!(
            "the profile '{}' names no host; give --host http://127.0.0.1:8001",
            profile.name
        ));
        return None;
    };
    split_host(host).map_err(|reason| mistakes.push(format!("--host '{host}': {reason}"))).ok()
}

/// Where tokens come from, with the server that issues them.
fn auth(profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Option<Auth> {
    let profile = profile?;
    let mut auth = profile.auth.clone()?;
    if let (Auth::Issued(issuance), Some(host)) = (&mut auth, &profile.auth_host) {
        match split_host(host) {
            Ok(origin) => Arc::make_mut(issuance).origin = Some(origin),
            Err(reason) => mistakes.push(format!("auth.host '{host}': {reason}")),
        }
    }
    Some(auth)
}

/// What is sent of the profile's requests and flows, with the headers of -H.
fn choose_entries(
    profile: Option<&Profile>,
    requests: &mut Vec<RequestTemplate>,
    args: &Args,
    mistakes: &mut Vec<String>,
) -> Flows {
    let flows = profile.map(|profile| profile.flows.clone()).unwrap_or_default();
    requests.extend(flows.stand_ins());
    choose(requests, &args.selection, mistakes);
    let mut flows = flows.reclaimed(requests);
    let sent = requests.iter_mut().chain(flows.steps_mut());
    add_headers(&mut sent.collect::<Vec<_>>(), &args.target.headers, mistakes);
    flows
}

/// Puts the headers of -H in place of those of the same name.
fn add_headers(
    requests: &mut [&mut RequestTemplate],
    headers: &[String],
    mistakes: &mut Vec<String>,
) {
    let mut given = Vec::new();
    for text in headers {
        match parse_header(text) {
            Err(mistake) => mistakes.push(mistake),
            Ok((HOST, _)) if given.iter().any(|(name, _)| *name == HOST) => {
                mistakes.push("-H: a request has one Host; give it once".to_owned());
            }
            Ok((name, value)) => add_header(&mut given, name, value),
        }
    }
    for request in requests {
        let replaced = |name: &HeaderName| given.iter().any(|(given, _)| given == name);
        request.headers.retain(|(name, _)| !replaced(name));
        request.headers.extend(given.iter().cloned());
    }
}

/// --slo, else the profile's, else the standard one; --threshold adds to it.
fn objectives(args: &Args, profile: Option<&Profile>) -> Slo {
    let base = args.verdict.slo.clone().or_else(|| profile.and_then(|profile| profile.slo.clone()));
    let mut slo = base.unwrap_or_else(Slo::standard);
    slo.objectives.extend(args.verdict.thresholds.iter().copied());
    slo
}

pub(super) fn limits(args: &Args) -> Limits {
    let Args { connection, limits, .. } = args;
    let in_flight = limits.max_in_flight.unwrap_or(Limits::default().in_flight);
    Limits {
        connections: limits.connections.unwrap_or(in_flight),
        // More than that in flight has no use for more connections.
        connections_by: match (limits.connections, limits.max_in_flight) {
            (Some(_), _) => ChosenBy::User,
            (None, Some(_)) => ChosenBy::Implied,
            (None, None) => ChosenBy::Program,
        },
        streams: connection.streams,
        in_flight,
        flows: limits.max_in_flight.unwrap_or(Limits::default().flows),
        timeout: limits.timeout,
        deadline: limits.deadline,
        connect_timeout: connection.connect_timeout,
        idle_timeout: connection.idle_timeout,
        drain: limits.drain,
        late: limits.late,
    }
}
