use std::time::Duration;

use super::simulation::{Service, Simulation, Target};
use super::*;

fn search(target: Target, settings: &Settings, seed: u64) -> (Answer, f64) {
    let mut simulation = Simulation::new(target, settings.slo.clone(), seed);
    let mut search = Search::new(settings.clone());
    loop {
        match search.next() {
            Step::Trial(trial) => search.observe(simulation.run(&trial)),
            Step::Done(answer) => return (answer, simulation.now),
        }
    }
}

/// The SLO rate in theory.
fn truth(t: &Target) -> f64 {
    match t.service {
        Service::Fixed => t.capacity,
        _ => t.capacity - 1.5,
    }
}
fn line(name: &str, make: &dyn Fn(f64) -> Target, truth: &dyn Fn(&Target) -> f64, n: u64) {
    let settings = Settings::new(Slo::standard());
    let mut errs = Vec::new();
    let mut times = Vec::new();
    let mut widths = Vec::new();
    let (mut cover, mut unconf, mut late, mut tr) = (0, 0, 0, 0);
    for seed in 0..n {
        let t = make(0.7 + 0.7 * ((seed as f64 * 0.618034) % 1.0));
        let (a, s) = search(t, &settings, seed);
        let truth = truth(&t);
        errs.push((a.estimate / truth - 1.0) * 100.0);
        times.push(s);
        cover += u32::from(a.low <= truth && a.high.is_some_and(|h| h >= truth));
        widths.push(a.high.unwrap_or(a.low) / a.low - 1.0);
        unconf += u32::from(a.notes.contains(&Note::Unconfirmed));
        late += u32::from(a.notes.contains(&Note::OutOfTime));
        tr += a.trials.len();
    }
    for v in [&mut errs, &mut times, &mut widths] {
        v.sort_by(f64::total_cmp);
    }
    let k = errs.len();
    let q = |v: &[f64], q: f64| v[((k as f64 - 1.0) * q).round() as usize];
    let within = errs.iter().filter(|e| e.abs() <= 5.0).count() * 100 / k;
    let mean = errs.iter().sum::<f64>() / k as f64;
    eprintln!(
        "{name:24} mean {mean:+.1} med {:+.1} 5-95 [{:+.1} {:+.1}] all [{:+.1} {:+.1}] within5 {within}% cover {}% width {:.3} time {:.0} p95 {:.0} max {:.0} unconf {unconf} late {late} trials {:.1}",
        q(&errs, 0.5),
        q(&errs, 0.05),
        q(&errs, 0.95),
        errs[0],
        errs[k - 1],
        cover as usize * 100 / k,
        q(&widths, 0.5),
        q(&times, 0.5),
        q(&times, 0.95),
        times[k - 1],
        tr as f64 / k as f64
    );
}

#[test]
fn table() {
    for capacity in [50.0, 300.0, 900.0, 5000.0] {
        for servers in [1, 4] {
            for service in [Service::Fixed, Service::Exponential, Service::LogNormal] {
                if servers == 4 && service == Service::LogNormal && capacity > 1000.0 {
                    continue;
                }
                let n = if capacity > 1000.0 { 20 } else { 60 };
                line(
                    &format!("{capacity} c{servers} {service:?}"),
                    &|f| Target::new(capacity * f, servers, service),
                    &truth,
                    n,
                );
            }
        }
    }
    let e = Service::Exponential;
    line(
        "429 900",
        &|f| Target { limiter: Some(900.0 * f), ..Target::new(5000.0, 4, e) },
        &|t| t.limiter.unwrap() / 0.95,
        40,
    );
    line(
        "stalls 900",
        &|f| Target { stalls: Some((20.0, 1.0)), ..Target::new(900.0 * f, 4, e) },
        &|t| t.capacity * 0.95 - 1.5,
        40,
    );
    line(
        "collapse 900",
        &|f| Target { collapse: Some(0.5), ..Target::new(900.0 * f, 4, e) },
        &truth,
        40,
    );
    line(
        "collapse 300",
        &|f| Target { collapse: Some(0.5), ..Target::new(300.0 * f, 4, e) },
        &truth,
        40,
    );
    line("cold 15 s 900", &|f| Target { cold: 15.0, ..Target::new(900.0 * f, 4, e) }, &truth, 40);
    line("cold 40 s 900", &|f| Target { cold: 40.0, ..Target::new(900.0 * f, 4, e) }, &truth, 40);
}

fn trace(target: Target, seed: u64) {
    let settings = Settings::new(Slo::standard());
    let (a, t) = search(target, &settings, seed);
    eprintln!("--- {target:?} seed {seed}");
    for r in &a.trials {
        eprintln!(
            "{:?} {} len {:.1} took {:.1} {:?} {:?} slope {:.1} res {:.3} stop {:?}",
            r.trial.purpose,
            r.trial.rate,
            r.figures.length.as_secs_f64(),
            r.figures.took.as_secs_f64(),
            r.judgement.verdict,
            r.judgement.reasons.len(),
            r.judgement.backlog_slope,
            r.trial.resolution(),
            r.figures.stopped_early
        );
    }
    eprintln!("{} [{} {:?}] {:?} {:?} t {t}", a.estimate, a.low, a.high, a.bound, a.notes);
}
#[test]
fn traces() {
    for seed in 0..12 {
        let c = 0.7 + 0.7 * ((seed as f64 * 0.618034) % 1.0);
        trace(Target::new(900.0 * c, 1, Service::Exponential), seed);
    }
}
