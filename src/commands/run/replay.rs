//! `--replay`: the reads of an access log, sent again at its own pace or faster.

use std::sync::Arc;

use http::{HeaderName, Method};

use crate::analysis::words::counted;
use crate::commands::environment::read_bounded;
use crate::commands::run::{Args, Screen};
use crate::import::INPUT_BYTES_MAX;
use crate::import::access_log::replay::{Arrival, Recording, recording};
use crate::load::rate::Rate;
use crate::load::request::{Escape, Expect, OnEmpty, RequestTemplate, Segment, Template};
use crate::load::slo::Goals;
use crate::load::trace::Trace;
use crate::profile::Profile;
use crate::time::Human;

/// Replaces `requests` by those of the log, if one is given. They carry the headers that all requests of the
/// profile have in common, so that of the token too.
pub(super) fn apply(
    args: &Args,
    profile: Option<&Profile>,
    requests: &mut Vec<RequestTemplate>,
    mistakes: &mut Vec<String>,
) -> Option<Trace> {
    let path = args.load.replay.as_ref()?;
    let Some(profile) = profile else {
        mistakes.push("--replay: give a profile or --host instead of a URL".to_owned());
        return None;
    };
    let read = read_bounded(path, INPUT_BYTES_MAX as u64, "--replay").map_err(|e| e.to_string());
    let outcome = read.and_then(|bytes| {
        let place = path.display();
        let text =
            String::from_utf8(bytes).map_err(|_| format!("--replay {place}: not UTF-8 text"))?;
        let Recording { kinds, arrivals, notes } =
            recording(&text).map_err(|error| format!("--replay {place}: {error}"))?;
        let instants = arrivals.iter().map(|arrival| (arrival.at, arrival.kind)).collect();
        let log = path.file_name().unwrap_or_default().to_string_lossy();
        let trace = Trace::new(&log, instants, args.load.speed)
            .map_err(|error| format!("--replay {place}: {error}"))?;
        let headers = shared_headers(requests);
        let path = targets(arrivals);
        *requests = kinds
            .into_iter()
            .map(|kind| RequestTemplate {
                name: kind.name,
                weight: u32::try_from(kind.count).unwrap_or(u32::MAX),
                group: None,
                tags: Vec::new(),
                method: if kind.method == "HEAD" { Method::HEAD } else { Method::GET },
                path: path.clone(),
                headers: headers.clone(),
                body: None,
                expect: Expect::SUCCESS,
                on_empty: OnEmpty::Fail,
                goals: Goals::default(),
            })
            .collect();
        let screen = Screen::new(args.output.quiet, args.output.no_tui);
        for note in notes {
            screen.note(&note);
        }
        let (slots, length) = (counted(trace.slots(), "request"), Human(trace.length()));
        screen.note(&format!("{slots} of the log over {length}, for '{}'", profile.name));
        Ok(trace)
    });
    outcome.map_err(|mistake| mistakes.push(mistake)).ok()
}

fn shared_headers(requests: &[RequestTemplate]) -> Vec<(HeaderName, Template)> {
    let [first, others @ ..] = requests else { return Vec::new() };
    let everywhere = |header: &&(HeaderName, Template)| {
        header.0 != http::header::CONTENT_TYPE
            && others.iter().all(|request| request.headers.contains(header))
    };
    first.headers.iter().filter(everywhere).cloned().collect()
}

/// One path for all kinds: the slot decides what stands there.
fn targets(arrivals: Vec<Arrival>) -> Template {
    let texts: Arc<[Box<str>]> =
        arrivals.into_iter().map(|arrival| arrival.target.into_boxed_str()).collect();
    Template { segments: vec![Segment::Recorded(texts)], escape: Escape::None }
}

/// The mean rate of a recording.
pub(super) fn rate(trace: &Trace, mistakes: &mut Vec<String>) -> Option<Rate> {
    let mean = trace.slots() as f64 / trace.length().as_secs_f64();
    Rate::from_per_second(mean).map_err(|error| mistakes.push(format!("--replay: {error}"))).ok()
}
