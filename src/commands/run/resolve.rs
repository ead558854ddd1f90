//! From words to a [`Plan`]: flags go before the profile, the profile before the defaults. All mistakes
//! are told at once.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::header::HOST;

use crate::analysis::search::Settings;
use crate::commands::Failure;
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
    let (profile, mut requests, origin) = match subject {
        Subject::Url(request, origin) => {
            let profile = None;
            if args.host.is_some() {
                mistakes.push("--host: the URL already says where".to_owned());
            }
            (profile, vec![*request], Some(origin))
        }
        Subject::Profile(mut profile) | Subject::Demo(mut profile) => {
            if args.method.is_some() || args.data.is_some() || args.data_file.is_some() {
                mistakes.push("-X, --data and --data-file go with a plain URL; a profile's requests have their own".to_owned());
            }
            let requests = std::mem::take(&mut profile.requests);
            let origin = demo.or_else(|| host(args, &profile, &mut mistakes));
            (Some(*profile), requests, origin)
        }
    };
    let trace = replay::apply(args, profile.as_ref(), &mut requests, &mut mistakes);
    let way = way::resolve(args, origin.as_ref(), &mut mistakes);
    let flows = choose_entries(profile.as_ref(), &mut requests, args, &mut mistakes);
    let auth = auth(profile.as_ref(), &mut mistakes);
    let slo = objectives(args, profile.as_ref());
    if args.connect_timeout.is_zero() || args.timeout.is_zero() {
        mistakes.push("--timeout and --connect-timeout must be above 0".to_owned());
    }
    let stages = if trace.is_some() { None } else { stages(args, profile.as_ref(), &mut mistakes) };
    let (rate, duration) = match (&trace, &stages) {
        (Some(trace), _) => (replay::rate(trace, &mut mistakes), trace.length()),
        (None, Some(stages)) => (Some(stages.peak()), stages.length()),
        (None, None) => steady(args, profile.as_ref(), &mut mistakes),
    };
    let stages = stages.or_else(|| ramp(args, duration, &mut mistakes));
    let pin = processors::pinned(args.pin.as_ref(), machine)
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
            .arrivals
            .or_else(|| profile.as_ref().and_then(|profile| profile.arrivals))
            .unwrap_or_default(),
        seed: args.seed,
        warmup: args.warmup.or_else(|| profile.as_ref()?.warmup).unwrap_or_default(),
        duration,
        slots: args.requests,
        limits: limits(args),
        workers: 1,
        pin,
        receive_clock: args.clock,
        slo,
        tiers: profile.and_then(|profile| profile.tiers).unwrap_or_else(Tiers::standard),
    };
    let workers = processors::workers(args, plan.request_rate(), &plan.origin, machine);
    Ok(Plan { workers, ..plan })
}

/// --stages, else the profile's unless a flag asks for a single rate.
fn stages(args: &Args, profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Option<Stages> {
    let single = args.rate.is_some() || args.users.is_some() || args.find_max_rps;
    if args.stages.is_some() || single {
        return args.stages.clone();
    }
    let stages = profile?.stages.clone()?;
    if args.duration.is_some() || args.requests.is_some() {
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
    let stages = args.closed_loop()?.stages(duration);
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
    let rate = match (args.rate, args.closed_loop()) {
        (Some(rate), _) => Ok(rate),
        (None, Some(users)) => users.rate(),
        _ => match profile.and_then(|profile| profile.rate) {
            Some(rate) => Ok(rate),
            None if args.find_max_rps => {
                Rate::from_per_second(Settings::new(Slo::standard(), args.effort).start)
            }
            None => Rate::per_second(RATE_DEFAULT),
        },
    };
    rate.map_err(|error| mistakes.push(format!("--users: {error}"))).ok()
}

fn duration(args: &Args, profile: Option<&Profile>, mistakes: &mut Vec<String>) -> Duration {
    let in_profile = || profile.and_then(|profile| profile.duration);
    let duration = args.duration.or_else(in_profile).unwrap_or(DURATION_DEFAULT);
    if duration.is_zero() {
        mistakes.push("--duration: must be above 0".to_owned());
    }
    duration
}

fn host(args: &Args, profile: &Profile, mistakes: &mut Vec<String>) -> Option<Origin> {
    let Some(host) = args.host.as_deref().or(profile.host.as_deref()) else {
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
    choose(requests, args, mistakes);
    let mut flows = flows.reclaimed(requests);
    let sent = requests.iter_mut().chain(flows.steps_mut());
    add_headers(&mut sent.collect::<Vec<_>>(), &args.headers, mistakes);
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
    let base = args.slo.clone().or_else(|| profile.and_then(|profile| profile.slo.clone()));
    let mut slo = base.unwrap_or_else(Slo::standard);
    slo.objectives.extend(args.thresholds.iter().copied());
    slo
}

pub(super) fn limits(args: &Args) -> Limits {
    let in_flight = args.max_in_flight.unwrap_or(Limits::default().in_flight);
    Limits {
        connections: args.connections.unwrap_or(in_flight),
        // More than that in flight has no use for more connections.
        connections_by: match (args.connections, args.max_in_flight) {
            (Some(_), _) => ChosenBy::User,
            (None, Some(_)) => ChosenBy::Implied,
            (None, None) => ChosenBy::Program,
        },
        streams: args.streams,
        in_flight,
        flows: args.max_in_flight.unwrap_or(Limits::default().flows),
        timeout: args.timeout,
        deadline: args.deadline,
        connect_timeout: args.connect_timeout,
        idle_timeout: args.idle_timeout,
        drain: args.drain,
        late: args.late,
    }
}
