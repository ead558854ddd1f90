//! Searches for the highest rate that a server in this process holds, and prints each trial.

#![expect(clippy::print_stdout, reason = "an example shows what it has found")]

use std::error::Error;
use std::time::Duration;

use steadfire::analysis::search::Effort;
use steadfire::demo::{DemoBackend, Endpoint, Settings};
use steadfire::load::plan::Plan;
use steadfire::load::rate::Rate;
use steadfire::load::request::RequestTemplate;
use steadfire::load::url::split_url;
use steadfire::machine::capacity::Capacity;
use steadfire::session::control::RunControl;
use steadfire::session::event::{Observer, RunEvent};
use steadfire::session::{CheckedPlan, EarlierSitting, Mode, RunOptions, SearchOptions, Session};

/// Prints what a search says of itself.
struct Progress;

impl Observer for Progress {
    fn observe(&mut self, event: &RunEvent) {
        if let RunEvent::TrialEnded(ended) = event {
            println!("{}", ended.summary);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // It serves 300 requests a second.
    let default = Settings::default();
    let service_scale = default.capacity(&[(Endpoint::Health, 1)]) / 300.0;
    let server = DemoBackend::start(Settings { service_scale, ..default })?;
    let (origin, _) = split_url(&format!("http://{}/", server.addr()))?;
    let requests = vec![RequestTemplate::get("/health")];
    let plan = Plan::new(origin, requests, Rate::per_second(40)?, Duration::from_secs(1));

    let search = SearchOptions {
        effort: Effort::Quick,
        time: Some(Duration::from_secs(20)),
        ..SearchOptions::default()
    };
    let options =
        RunOptions { mode: Mode::Search(search), own_target: true, ..RunOptions::default() };
    let checked = CheckedPlan::new(plan, options, &Capacity::inspect(), &[])?;
    let session = Session::begin(checked, RunControl::default(), &mut Progress)?;
    let report = session.search(EarlierSitting::default(), &mut Progress)?;
    if let Some(search) = report.search {
        println!("highest rate: {:.0}/s, {:?}", search.max_rps.estimate, search.bound);
    }
    Ok(())
}
