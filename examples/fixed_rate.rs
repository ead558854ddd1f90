//! Sends 100 requests a second for two seconds to a server in this process, and prints the report.

#![expect(clippy::print_stdout, reason = "an example shows what it has found")]

use std::error::Error;
use std::time::Duration;

use steadfire::demo::{DemoBackend, Settings};
use steadfire::load::plan::Plan;
use steadfire::load::rate::Rate;
use steadfire::load::request::RequestTemplate;
use steadfire::load::url::split_url;
use steadfire::machine::capacity::Capacity;
use steadfire::render::clean::CleanReport;
use steadfire::render::{Style, text};
use steadfire::session::control::RunControl;
use steadfire::session::{CheckedPlan, RunOptions, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let server = DemoBackend::start(Settings::default())?;
    let (origin, path) = split_url(&format!("http://{}/health", server.addr()))?;
    let requests = vec![RequestTemplate::get(&path)];
    let plan = Plan::new(origin, requests, Rate::per_second(100)?, Duration::from_secs(2));

    let options = RunOptions { own_target: true, ..RunOptions::default() };
    let checked = CheckedPlan::new(plan, options, &Capacity::inspect(), &[])?;
    let session = Session::begin(checked, RunControl::default(), &mut ())?;
    let report = session.run(&mut ())?;
    let report = CleanReport::new(&report);
    println!("{}", text::render(&report, text::Form::Full, Style::Plain));
    Ok(())
}
