//! What a plan would send, as text: schedule, expected counts, the first requests.

use std::fmt::Write as _;

use http::{HeaderMap, Method, Uri};

use crate::analysis::words::{Count, counted};
use crate::load::auth::Auth;
use crate::load::mix::{Mix, cycle_length};
use crate::load::plan::{Plan, Scheme};
use crate::load::schedule::Schedule;
use crate::render::exchange::{Bodies, request};
use crate::render::table::Table;
use crate::time::{Human, Offset};

/// A slot and the request it would send.
pub struct PlannedRequest<'a> {
    /// When it is due.
    pub due: Offset,
    /// The request's name.
    pub name: &'a str,
    /// HTTP method.
    pub method: &'a Method,
    /// As it stands in the request.
    pub uri: &'a Uri,
    /// As they stand in the request.
    pub headers: &'a HeaderMap,
    /// Empty where there is none.
    pub body: &'a [u8],
}

/// The whole explanation; `first` are the slots with which it begins.
pub fn explain(plan: &Plan, schedule: &Schedule, first: &[PlannedRequest<'_>]) -> String {
    let mut text = format!("{} on {}\n\n", plan.name, origin(plan));
    for line in schedule_lines(plan, schedule) {
        push(&mut text, &line);
    }
    text.push('\n');
    let counts = expected_counts(plan, schedule);
    let total: u64 = counts.iter().sum();
    let mut table = Table::new(["Requests", "weight", "share", "expected"]);
    let singles = plan.requests.iter().map(|request| (request.name.clone(), request.weight));
    let flows = plan.flows.list.iter().map(|flow| {
        (format!("{} ({})", flow.name, counted(flow.steps.len() as u64, "step")), flow.weight)
    });
    for ((name, weight), count) in singles.chain(flows).zip(&counts) {
        let share = *count as f64 / total.max(1) as f64 * 100.0;
        table.row([name, weight.to_string(), format!("{share:.2} %"), thousands(*count)]);
    }
    table.row(["all".to_owned(), String::new(), String::new(), thousands(total)]);
    for line in table.lines() {
        push(&mut text, &line);
    }
    text.push_str(&objectives(plan));
    let log_ins = match &plan.auth {
        Some(Auth::Issued(issuance)) => issuance.pool,
        Some(Auth::Given(_)) | None => 0,
    };
    push(
        &mut text,
        &format!(
            "\nbefore the clock starts: {}, {}",
            counted(log_ins as u64, "log-in"),
            counted(plan.setup.len() as u64, "set-up request")
        ),
    );
    push(&mut text, "\nThe first requests, with the names of pools in place of their values:");
    for planned in first {
        push(&mut text, &format!("\n{:.6} s  {}", planned.due.as_secs_f64(), planned.name));
        let line = (planned.method, planned.uri);
        text += &request(line, planned.headers, planned.body, Bodies::Shown);
    }
    text
}

/// What the run must meet, and each request that must meet more.
fn objectives(plan: &Plan) -> String {
    let mut text = format!("\nobjectives: {}\n", plan.slo);
    for row in plan.rows() {
        if let Some(limit) = &row.goals.limit {
            push(&mut text, &format!("  {}: {limit}", row.name));
        }
    }
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

fn origin(plan: &Plan) -> String {
    let scheme = match plan.origin.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}{}", plan.origin.authority, plan.origin.base_path)
}

fn schedule_lines(plan: &Plan, schedule: &Schedule) -> Vec<String> {
    let arrivals = schedule.arrivals.name();
    let mut lines = Vec::new();
    if let Some(stages) = &plan.stages {
        lines.push(format!(
            "{}, {arrivals} arrivals, seed {}",
            counted(stages.as_slice().len() as u64, "stage"),
            plan.seed
        ));
        for (number, stage) in (1..).zip(stages.as_slice()) {
            lines.push(format!(
                "  {number}. {} for {}: {}",
                stage.rate,
                Human(stage.length),
                counted(stage.slots(), "request")
            ));
        }
    } else {
        let length = match plan.slots {
            Some(slots) => counted(slots, "request"),
            None => format!("for {}", Human(plan.duration)),
        };
        lines.push(format!("{} {length}, {arrivals} arrivals, seed {}", plan.rate, plan.seed));
    }
    if !plan.warmup.is_zero() {
        lines.push(format!(
            "before that {} of warm-up, {}, left out of every figure",
            Human(plan.warmup),
            counted(warm_up_slots(plan), "request")
        ));
    }
    lines
}

fn warm_up_slots(plan: &Plan) -> u64 {
    let first = plan.stages.as_ref().and_then(|stages| stages.as_slice().first());
    first.map_or(plan.rate, |stage| stage.rate).slots_within(plan.warmup)
}

/// How often each request is sent in the measurement: exact for evenly spaced arrivals, else the mean.
fn expected_counts(plan: &Plan, schedule: &Schedule) -> Vec<u64> {
    let weights = plan.weights();
    let (Ok(mix), Ok(cycle)) = (Mix::new(&weights, plan.seed), cycle_length(&weights)) else {
        return vec![0; weights.len()];
    };
    let from = warm_up_slots(plan);
    let slots = schedule.slots_expected().saturating_sub(from);
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let cycles = slots / cycle;
    let share = |weight: &u32| u64::from(*weight) * cycle / sum.max(1) * cycles;
    let mut counts: Vec<u64> = weights.iter().map(share).collect();
    for slot in from..from + slots % cycle {
        counts[mix.request(slot)] += 1;
    }
    counts
}

/// `1234567` → `1,234,567`.
fn thousands(number: u64) -> String {
    Count(number).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::schedule::{Arrivals, Horizon};

    #[test]
    fn counts_are_those_of_the_schedule() {
        let mut plan = crate::report::example::plan();
        plan.duration = Duration::from_secs(10);
        plan.warmup = Duration::from_secs(1);
        let schedule = Schedule {
            rate: plan.rate,
            stages: None,
            trace: None,
            arrivals: Arrivals::Constant,
            seed: 1,
            horizon: Horizon::after(Duration::from_secs(11)),
        };
        let weights: Vec<u32> = plan.requests.iter().map(|request| request.weight).collect();
        let mix = Mix::new(&weights, plan.seed).unwrap();
        let mut expected = vec![0_u64; weights.len()];
        for slot in schedule.stride(0, 1).skip(usize::try_from(warm_up_slots(&plan)).unwrap()) {
            expected[mix.request(slot.index)] += 1;
        }
        assert_eq!(expected_counts(&plan, &schedule), expected);
    }
}
