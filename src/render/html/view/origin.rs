//! What it takes to repeat a run: the command, the plan, the machine.

use crate::analysis::words::{Count, Percent, counted};
use crate::load::rate::Figures;
use crate::render::html::view::{Term, human};
use crate::report::{ClockSource, Kind, Report};

/// The command that asks for the same. A profile's path is not known, only its name.
pub(super) fn command(report: &Report) -> String {
    let plan = &report.plan;
    let url = plan.name.contains("://");
    let mut words = vec!["steadfire".to_owned()];
    match report.kind {
        Kind::Ab => words.push("ab".to_owned()),
        Kind::Run | Kind::FindMaxRps => {}
    }
    words.push(quoted(&plan.name));
    if !url {
        words.push(format!("--host {}", quoted(&plan.origin)));
    }
    match (report.kind, &plan.stages, &plan.replay) {
        (Kind::FindMaxRps, ..) => words.push("--find-max-rps".to_owned()),
        (_, _, Some(replay)) => {
            words.push(format!("--replay {} --speed {}", quoted(&replay.log), replay.speed));
        }
        (_, Some(stages), None) => words.push(format!("--stages {}", quoted(stages))),
        (_, None, None) => words.push(format!("--rate {}/s", Figures(plan.rate))),
    }
    if report.kind == Kind::Run && plan.stages.is_none() && plan.replay.is_none() {
        words.push(match plan.slots {
            Some(slots) => format!("--requests {slots}"),
            None => format!("--duration {}", length(plan.duration)),
        });
    }
    if report.kind == Kind::Run && plan.warmup > 0 {
        words.push(format!("--warmup {}", length(plan.warmup)));
    }
    if let Some(effort) =
        report.search.as_ref().map(|search| &search.effort).filter(|effort| !effort.is_empty())
    {
        words.push(format!("--effort {}", quoted(effort)));
    }
    words.push(format!("--arrivals {} --seed {}", quoted(&plan.arrivals), quoted(&plan.seed)));
    words.push(format!("--timeout {} --drain {}", length(plan.timeout), length(plan.drain)));
    words.push(format!("--http-version {}", quoted(&plan.way.http_version)));
    words.push(format!("--slo {}", quoted(&plan.slo)));
    words.join(" ")
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// As flags take it.
fn length(ns: u64) -> String {
    match ns {
        ns if ns.is_multiple_of(1_000_000_000) => format!("{}s", ns / 1_000_000_000),
        ns if ns.is_multiple_of(1_000_000) => format!("{}ms", ns / 1_000_000),
        ns => format!("{ns}ns"),
    }
}

pub(super) fn plan(report: &Report) -> Vec<Term> {
    let plan = &report.plan;
    let limit = |ns: Option<u64>| ns.map_or("none".to_owned(), human);
    let mut lines = vec![
        named("profile", plan.name.clone()),
        named("target", plan.origin.clone()),
        named("rate", plan.stages.clone().unwrap_or_else(|| format!("{}/s", Figures(plan.rate)))),
        named("length", human(plan.duration)),
        named("warm-up", human(plan.warmup)),
        named("arrivals", format!("{}, seed {}", plan.arrivals, plan.seed)),
        named("objectives", plan.slo.clone()),
        named("tier excellent", plan.tier_excellent.clone()),
        named("tier acceptable", plan.tier_acceptable.clone()),
        named("timeout", human(plan.timeout)),
        named("deadline", limit(plan.deadline)),
        named("drain", human(plan.drain)),
        named(
            "connections",
            format!("{} at most, HTTP/{}", Count(plan.connections), plan.way.http_version),
        ),
        named("in flight", format!("{} at most", Count(plan.max_in_flight))),
        named("late arrivals", plan.late.clone()),
    ];
    lines.extend(plan.replay.iter().map(|replay| named("replay", replay.to_string())));
    let way = &plan.way;
    lines.extend(way.proxy.iter().map(|proxy| named("proxy", proxy.clone())));
    lines.extend(way.unix_socket.iter().map(|path| named("Unix socket", path.clone())));
    if let Some(sum) = &plan.profile_sha256 {
        lines.push(named("profile's SHA-256", sum.clone()));
    }
    lines
}

pub(super) fn environment(report: &Report) -> Vec<Term> {
    let (host, generator) = (&report.environment, &report.generator);
    let mut lines = vec![
        named(
            "system",
            format!("{} {}, {}", host.os, host.kernel.as_deref().unwrap_or(""), host.arch),
        ),
        named("processors", Count(host.cpus).to_string()),
        named("workers", Count(report.plan.workers).to_string()),
        named("connected to", host.addresses.join(", ")),
        named("answers stamped by", clock(report.clock).to_owned()),
        named("requests stamped by", clock(report.send_clock).to_owned()),
    ];
    let busiest = generator.workers.iter().filter_map(|worker| worker.cpu_share).reduce(f64::max);
    let share = |name, share: Option<f64>| {
        share.map(|share| named(name, Percent((share * 1e3).round() / 1e3).to_string()))
    };
    lines.extend(report.addresses.iter().map(|one| {
        let times = &one.service_time;
        let time =
            |name, ns| if times.bounds(name) { format!("≥ {}", human(ns)) } else { human(ns) };
        let figures = format!(
            "{}: {}, {} answered, {} failed, p50 {}, p95 {}",
            one.address,
            counted(one.requests, "request"),
            Count(one.answered),
            Count(one.failed),
            time("p50", times.p50),
            time("p95", times.p95)
        );
        named("address", figures)
    }));
    lines.extend(share("busiest worker's CPU", busiest));
    lines.extend(share("CPU idle", generator.idle_share));
    lines.extend(share("CPU stolen", generator.steal_share));
    if let Some(throttled) = generator.throttled {
        lines.push(named("stopped by a quota", counted(throttled.periods, "time")));
    }
    if let Some(tcp) = generator.tcp {
        let text = format!("{} of {} segments", Count(tcp.retransmitted), Count(tcp.segments));
        lines.push(named("retransmitted", text));
    }
    lines
}

pub(super) const fn clock(clock: ClockSource) -> &'static str {
    match clock {
        ClockSource::Kernel => "kernel",
        ClockSource::User => "program",
    }
}

fn named(name: &'static str, value: String) -> Term {
    Term { name, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_command_asks_for_the_same() {
        let command = command(&example::report(example::GOOD));
        for part in [
            "steadfire chat-center --host http://127.0.0.1:8001/api --rate 200/s --duration 30s",
            "--warmup 2s --arrivals constant --seed 18446744073709551615",
            "--slo 'p95 < 1 s, errors < 5 %'",
        ] {
            assert!(command.contains(part), "{part}: {command}");
        }
        assert!(
            super::command(&example::search_report()).contains("--find-max-rps --effort normal")
        );
    }

    #[test]
    fn words_survive_a_shell() {
        for (text, word) in
            [("a-b/c", "a-b/c"), ("a b", "'a b'"), ("it's; rm", "'it'\\''s; rm'"), ("", "''")]
        {
            assert_eq!(quoted(text), word);
        }
    }
}
