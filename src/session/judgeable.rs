//! Before any load: whether what is going to be sent can tell if objectives hold.
//!
//! A limit on the whole run that cannot hold is refused. Limits of single requests that come up too rarely, or
//! not at all, are told: they will not be judged.

use crate::load::plan::Plan;
use crate::load::rate::Figures;
use crate::load::request::RequestTemplate;
use crate::load::slo::Objective;
use crate::time::Human;

/// Names that a note lists at most.
const NAMES_SHOWN_MAX: usize = 5;

/// Refuses a limit on the rate of good answers that is not below the rate asked for.
///
/// # Errors
/// There is one; the text says what to do.
pub fn allow(plan: &Plan) -> Result<(), String> {
    let asked = plan.rate_asked();
    let beyond = |objective: &&Objective| matches!(objective, Objective::Throughput { limit, .. } if *limit >= asked);
    plan.slo.objectives.iter().find(beyond).map_or(Ok(()), |objective| {
        Err(format!(
            "the objective '{objective}' cannot hold, since {}/s are asked for: raise --rate, or lower the \
             objective (--slo, --threshold, or slo in the profile)",
            Figures(asked)
        ))
    })
}

/// What will not be judged although `limited` names, requests of the profile, have limits of their own.
pub fn notes(plan: &Plan, limited: &[String]) -> Vec<String> {
    let (mut rare, mut slow) = (Vec::new(), Vec::new());
    for (request, due) in expected(plan) {
        let Some(limit) = &request.goals.limit else { continue };
        let each = due / plan.duration.as_secs_f64();
        if due < 1.0 {
            rare.push(request.name.clone());
        } else if let Some(beyond) = limit.objectives.iter().find(
            |objective| matches!(objective, Objective::Throughput { limit, .. } if *limit >= each),
        ) {
            slow.push(format!("{} ({beyond}, of {}/s)", request.name, Figures(each)));
        }
    }
    let sent = |name: &String| plan.rows().any(|row| row.name == *name);
    let unsent = limited.iter().filter(|name| !sent(name)).cloned().collect();
    let told = [
        (unsent, "are not sent"),
        (rare, "come up less than once in so short a load"),
        (slow, "come up too rarely for it"),
    ];
    let told = told.into_iter().filter(|(names, _): &(Vec<String>, _)| !names.is_empty());
    let told = told.map(|(names, why)| {
        let shown = names[..names.len().min(NAMES_SHOWN_MAX)].join(", ");
        let more = if names.len() > NAMES_SHOWN_MAX { ", …" } else { "" };
        format!("limits of requests that {why} are not judged: {shown}{more}")
    });
    told.chain(short_drain(plan)).collect()
}

/// What a drain that is shorter than the tightest limit does to the last requests.
fn short_drain(plan: &Plan) -> Option<String> {
    let (drain, limit) = (plan.limits.drain, plan.slo.tightest_time()?);
    (drain < limit).then(|| {
        format!(
            "--drain {} gives the last requests up before the limit of {} is over for them: they count as \
             failed, though the target may still have been in time",
            Human(drain),
            Human(limit)
        )
    })
}

/// How often each row of the ledger comes up in the measurement, on average.
fn expected(plan: &Plan) -> impl Iterator<Item = (&RequestTemplate, f64)> {
    let total: u64 = plan.weights().iter().map(|weight| u64::from(*weight)).sum();
    let slots = plan.slots_measured() as f64 / total.max(1) as f64;
    let single = plan.requests.iter().map(|request| (request, request.weight));
    let steps = plan
        .flows
        .list
        .iter()
        .flat_map(|flow| flow.steps.iter().map(|step| (&step.request, flow.weight)));
    single.chain(steps).map(move |(request, weight)| (request, f64::from(weight) * slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_rate_that_is_not_asked_for_is_refused() {
        let mut plan = example::plan();
        for (slo, refused) in [("rps>199", false), ("rps>200", true), ("p95<1s,rate>500", true)] {
            plan.slo = slo.parse().unwrap();
            assert_eq!(allow(&plan).is_err(), refused, "{slo}");
        }
        let told = allow(&plan).unwrap_err();
        assert!(told.contains("'rate > 500/s' cannot hold, since 200/s"), "{told}");
    }

    #[test]
    fn a_drain_that_ends_before_the_limit_is_told() {
        let mut plan = example::plan();
        assert_eq!(notes(&plan, &[]), Vec::<String>::new());
        plan.limits.drain = std::time::Duration::from_millis(100);
        let told = notes(&plan, &[]).remove(0);
        assert!(told.starts_with("--drain 100 ms gives the last requests up before"), "{told}");
    }

    #[test]
    fn limits_that_will_not_be_judged_are_told() {
        let mut plan = example::plan();
        let limits = ["p95<1s", "rps>70", "p95<1s,rps>5"];
        for (request, limit) in plan.requests.iter_mut().zip(limits) {
            request.goals.limit = Some(limit.parse().unwrap());
        }
        let limited = ["list interactions", "delete draft"].map(str::to_owned);
        assert_eq!(
            notes(&plan, &limited),
            [
                "limits of requests that are not sent are not judged: delete draft",
                "limits of requests that come up too rarely for it are not judged: interaction detail \
                 (rate > 70/s, of 70/s)"
            ]
        );
        plan.duration = std::time::Duration::from_millis(50);
        let told = notes(&plan, &[]).remove(0);
        assert!(told.contains("less than once in so short a load"), "{told}");
        assert!(told.ends_with(": create draft"), "ten slots, of which it has half a one: {told}");
    }
}
