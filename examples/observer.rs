//! Follows a load second by second with an observer of its own, and ends it once the p95 of a second is too
//! high.

#![expect(clippy::print_stdout, reason = "an example shows what it has found")]

use std::error::Error;
use std::time::Duration;

use steadfire::demo::{DemoBackend, Endpoint, Settings};
use steadfire::load::plan::Plan;
use steadfire::load::rate::Rate;
use steadfire::load::request::RequestTemplate;
use steadfire::load::url::split_url;
use steadfire::machine::capacity::Capacity;
use steadfire::session::control::RunControl;
use steadfire::session::event::{Observer, RunEvent};
use steadfire::session::{CheckedPlan, RunOptions, Session};

/// Prints each second, and stops the load at the first one that is too slow.
struct Watchdog {
    limit: Duration,
    control: RunControl,
}

impl Observer for Watchdog {
    fn observe(&mut self, event: &RunEvent) {
        let RunEvent::Interval(event) = event else { return };
        let window = &event.interval.window;
        let p95 = window.response_time.quantile(0.95).value;
        println!("{} planned, {} ok, p95 {p95:?}", window.planned, window.fates.ok());
        if p95 > self.limit {
            println!("too slow: no more arrivals");
            self.control.stop();
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // It serves 100 requests a second, and 200 are sent.
    let default = Settings::default();
    let service_scale = default.capacity(&[(Endpoint::Health, 1)]) / 100.0;
    let server = DemoBackend::start(Settings { service_scale, ..default })?;
    let (origin, _) = split_url(&format!("http://{}/", server.addr()))?;
    let requests = vec![RequestTemplate::get("/health")];
    let plan = Plan::new(origin, requests, Rate::per_second(200)?, Duration::from_secs(20));

    let options = RunOptions { own_target: true, ..RunOptions::default() };
    let checked = CheckedPlan::new(plan, options, &Capacity::inspect(), &[])?;
    let control = RunControl::default();
    let mut watchdog = Watchdog { limit: Duration::from_millis(500), control: control.clone() };
    let report = Session::begin(checked, control, &mut watchdog)?.run(&mut watchdog)?;
    println!("{} of {} answered well", report.fates.ok, report.fates.planned);
    Ok(())
}
