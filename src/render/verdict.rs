//! What a result comes to in sentences: the verdict, whether it can be trusted, what failed, what to try next.

use std::time::Duration;

use crate::analysis::hints;
use crate::analysis::words::{Count, Percent};
use crate::load::rate::Figures;
use crate::render::csv::reasons;
use crate::render::text::{self, search};
use crate::render::{comparison, rates};
use crate::report::search::{Bound, SearchReport};
use crate::report::{
    FindingReport, Holds, Metric, ObjectiveReport, Outcome, Report, RequestReport, Severity,
};
use crate::time::Human;

/// Request names and remedies that are listed; the tables have them all.
const LISTED_MAX: usize = 3;

/// The verdict in one sentence.
pub(super) fn headline(report: &Report) -> String {
    if let Some(comparison) = &report.comparison {
        return comparison.verdict.sentence.clone();
    }
    match (report.verdict.outcome, &report.search) {
        (Outcome::Invalid, _) => {
            "This measurement says nothing of the target: the generator was the limit.".to_owned()
        }
        (_, Some(found)) => searched(report, found),
        (Outcome::Incomplete, None) if text::nothing_judged(report) => {
            format!("{} nothing came up that an objective is about.", at(report))
        }
        (Outcome::Incomplete, None) => format!(
            "The run was cut short after {}; this is what was measured until then.",
            human(report.duration)
        ),
        (Outcome::Pass, None) => {
            let met = list(report, |one| one.holds == Holds::Yes);
            let open = report.every_objective().filter_map(|(name, one)| {
                text::unjudged(one).map(|why| format!(" {name} is {why}."))
            });
            let open: String = open.collect();
            let every = if open.is_empty() { "every" } else { "every other" };
            format!("{} the target met {every} objective: {met}.{open}", at(report))
        }
        (Outcome::Fail, None) => format!(
            "{} the target missed its objectives: {}.",
            at(report),
            list(report, |one| one.holds == Holds::No)
        ),
    }
}

fn searched(report: &Report, found: &SearchReport) -> String {
    let answer = search::answer(found);
    let cut = match report.verdict.outcome {
        Outcome::Incomplete if text::is_unconfirmed(report) => {
            " No rate was held for as long as an answer must be."
        }
        Outcome::Incomplete => " The search was cut short.",
        _ => "",
    };
    match found.bound {
        Bound::BelowMinimum => {
            let down_to = found
                .max_rps
                .high
                .map_or_else(String::new, |rate| format!(" down to {}/s", Figures(rate)));
            format!("No rate{down_to} meets {}.{cut}", found.slo)
        }
        Bound::AtLeast => {
            format!("The target holds {answer}; no rate that was tried broke it.{cut}")
        }
        Bound::Breach => format!("The target holds {answer} with {}.{cut}", found.slo),
    }
}

fn at(report: &Report) -> String {
    let mean = if report.plan.stages.is_some() { " on average" } else { "" };
    format!("At {}/s{mean} for {},", Figures(report.rate.target), human(report.duration))
}

fn list(report: &Report, wanted: impl Fn(&ObjectiveReport) -> bool) -> String {
    let objectives = report.every_objective().filter(|(_, one)| wanted(one));
    let told: Vec<String> = objectives.map(|(name, one)| told(&name, one)).collect();
    if told.is_empty() { "there were none to miss".to_owned() } else { told.join(", ") }
}

fn told(name: &str, one: &ObjectiveReport) -> String {
    let (whose, subject, objective) = (whose(name, one), subject(one), &one.objective);
    if one.measured.is_none() {
        return format!(
            "{whose}there was no good answer to take {subject} from (objective {objective})"
        );
    }
    format!("{whose}{subject} was {} (objective {objective})", text::measured(one))
}

/// The request that an objective is about, with a colon; nothing for one of the run.
fn whose<'n>(name: &'n str, one: &ObjectiveReport) -> &'n str {
    name.strip_suffix(&one.objective).unwrap_or_default()
}

/// What stands behind the comparison: `1 s` of `p95 < 1 s`.
fn limit(one: &ObjectiveReport) -> &str {
    one.objective.split_once(['<', '>']).map_or(one.objective.as_str(), |(_, limit)| limit.trim())
}

fn subject(one: &ObjectiveReport) -> &str {
    match one.metric {
        Metric::ErrorRate => "the error rate",
        Metric::Throughput => "the rate of good answers",
        Metric::ResponseTime => one.objective.split(' ').next().unwrap_or("the response time"),
    }
}

/// Whether an objective holds, as a reader is to take it: what the generator made fail is not the target's.
pub(super) fn holds(report: &Report, one: &ObjectiveReport) -> Holds {
    match one.holds {
        Holds::No if report.verdict.outcome == Outcome::Invalid => Holds::NotJudged,
        holds => holds,
    }
}

/// How far a result can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// As it stands.
    Full,
    /// With what is said against it.
    Limited,
    /// Not at all.
    None,
}

/// Whether the result can be trusted, and why.
pub(super) fn trust(report: &Report) -> (Trust, String) {
    let findings = &report.verdict.findings;
    let grave = of(findings, Severity::Invalid);
    if report.verdict.outcome == Outcome::Invalid {
        let why: Vec<&str> = grave.iter().map(|finding| finding.message.as_str()).collect();
        return (Trust::None, format!("No: {}.", why.join("; ")));
    }
    let sent = Percent(report.rate.achieved / report.rate.target.max(f64::MIN_POSITIVE));
    let late = if report.dispatch_lag.count > 0 {
        format!("the generator was {} late", human(report.dispatch_lag.p99))
    } else {
        // What is left of a run that was killed does not tell whose lag it was.
        format!("requests left {} after they were due", human(report.send_lag.p99))
    };
    let punctual =
        format!("{sent} of the rate asked for was sent, and {late} at the 99th percentile");
    if report.verdict.outcome == Outcome::Incomplete {
        return (Trust::Limited, format!("In part: the run did not reach its end; {punctual}."));
    }
    match of(findings, Severity::Warning).len() {
        0 => (Trust::Full, format!("Yes: {punctual}.")),
        1 => (Trust::Limited, format!("With the warning below in mind: {punctual}.")),
        count => (Trust::Limited, format!("With the {count} warnings below in mind: {punctual}.")),
    }
}

fn of(findings: &[FindingReport], severity: Severity) -> Vec<&FindingReport> {
    findings.iter().filter(|finding| finding.severity == severity).collect()
}

/// What failed: requests with their reasons, the most failures first.
pub(super) fn failed(report: &Report) -> Vec<String> {
    if let Some(compared) = &report.comparison {
        return comparison::grounds(compared);
    }
    if let Some(breach) = report.search.as_ref().and_then(|search| search.breach.as_ref()) {
        let at = format!("At {}/s: {}.", Figures(breach.rate), breach.reason);
        let sheet = report.search.as_ref().and_then(|search| search.sheet.as_ref());
        let who = sheet.into_iter().flat_map(|sheet| &sheet.contributions);
        let who = who.filter(|one| one.broken_share > one.planned_share).take(LISTED_MAX);
        let who = who.map(|one| {
            let (broken, load) = (Percent(one.broken_share), Percent(one.planned_share));
            format!(
                "{}: {broken} of what was slow or failed there, {load} of the load.",
                one.request
            )
        });
        return [at].into_iter().chain(who).collect();
    }
    if report.verdict.outcome == Outcome::Invalid {
        return vec![
            "The generator. What the tables below say of failures and times is its doing as well, and not \
             to be held against the target."
                .to_owned(),
        ];
    }
    let mut slow = too_slow(report);
    let bad = |request: &&RequestReport| request.fates.planned > request.fates.ok;
    let mut requests: Vec<&RequestReport> = report.requests.iter().filter(bad).collect();
    requests.sort_by_key(|request| std::cmp::Reverse(request.fates.planned - request.fates.ok));
    let lines = requests.iter().take(LISTED_MAX).map(|request| {
        let failed = request.fates.planned - request.fates.ok;
        format!(
            "{}: {} of {} ({})",
            request.name,
            Count(failed),
            Count(request.fates.planned),
            why(request)
        )
    });
    let mut lines: Vec<String> = lines.collect();
    match (report.fates.planned - report.fates.ok, requests.len().saturating_sub(LISTED_MAX)) {
        (0, _) if !slow.is_empty() => {}
        (0, _) => lines.push("Nothing: every request got a good answer.".to_owned()),
        (_, 0) => {}
        (_, more) => lines.push(format!("and {more} more request names, in the table below")),
    }
    slow.append(&mut lines);
    slow
}

/// Objectives on response times that were missed, and the request names that were slowest.
fn too_slow(report: &Report) -> Vec<String> {
    let missed = |(_, one): &(String, &ObjectiveReport)| {
        one.metric == Metric::ResponseTime && one.holds == Holds::No && one.measured.is_some()
    };
    let missed = report.every_objective().filter(missed);
    let mut lines: Vec<String> = missed
        .map(|(name, one)| {
            format!(
                "Too slow: {}{} was {}, the limit is {}.",
                whose(&name, one),
                subject(one),
                text::measured(one),
                limit(one)
            )
        })
        .collect();
    let mut requests: Vec<&RequestReport> = report.requests.iter().collect();
    if lines.is_empty() || requests.len() < 2 {
        return lines;
    }
    requests.sort_by_key(|request| {
        let times = &request.response_time;
        std::cmp::Reverse((times.bounds("p95"), times.p95))
    });
    let slowest = requests.iter().take(LISTED_MAX).map(|request| {
        let times = &request.response_time;
        let bound = if times.bounds("p95") { "≥ " } else { "" };
        format!("{} (p95 {bound}{})", request.name, human(times.p95))
    });
    lines.push(format!("Slowest: {}.", slowest.collect::<Vec<_>>().join(", ")));
    lines
}

/// Why slots of a request failed.
pub(super) fn why(request: &RequestReport) -> String {
    let reasons = reasons(request);
    let parts: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{reason}: {}", Count(*count))).collect();
    parts.join(", ")
}

/// What to try next, the most useful first.
pub(super) fn next(report: &Report) -> Vec<String> {
    if let Some(compared) = &report.comparison {
        return comparison::advice(compared);
    }
    let findings = &report.verdict.findings;
    let remedies = |severity| {
        let found = of(findings, severity).into_iter();
        found.map(|finding| sentence(&finding.remedy)).take(LISTED_MAX).collect::<Vec<_>>()
    };
    if report.verdict.outcome == Outcome::Invalid {
        let mut steps = remedies(Severity::Invalid);
        steps
            .push("Then measure again: a result counts once the generator was in time.".to_owned());
        return steps;
    }
    if let Some(found) = &report.search {
        let mut steps = remedies(Severity::Warning);
        steps.extend(after_search(found));
        return steps;
    }
    match report.verdict.outcome {
        Outcome::Fail => after_failure(report, remedies(Severity::Warning)),
        Outcome::Pass => {
            let mut steps = remedies(Severity::Warning);
            steps.push(
                "Find how much more it holds: the same command with --find-max-rps.".to_owned(),
            );
            steps.push(
                "Keep this run as a baseline (steadfire runs tag latest baseline) and compare later ones \
                 with it (steadfire compare baseline latest)."
                    .to_owned(),
            );
            steps
        }
        _ => remedies(Severity::Warning),
    }
}

/// What the figures usually mean, then what the warnings advise, then where the time went.
fn after_failure(report: &Report, remedies: Vec<String>) -> Vec<String> {
    let hints = report.verdict.findings.iter().filter(|finding| hints::is_hint(&finding.id));
    let hints = hints.map(|hint| format!("{} {}", sentence(&hint.message), sentence(&hint.remedy)));
    let mut steps: Vec<String> = hints.take(LISTED_MAX).collect();
    let turned = report.onset.iter().flat_map(|onset| &onset.turned).next();
    // A rate that was raised is what the plan asked for.
    let turned = turned.filter(|first| first.source != "schedule");
    steps.extend(turned.map(|first| {
        format!("Look at {} first: it had turned when the response time did.", first.name)
    }));
    steps.extend(remedies);
    let missed = |metric| {
        report.every_objective().any(|(_, one)| one.metric == metric && one.holds == Holds::No)
    };
    if missed(Metric::ResponseTime) {
        steps.extend(slowest_part(report));
    }
    steps.push(
        "Find the rate at which the objectives do hold: the same command with --find-max-rps."
            .to_owned(),
    );
    steps
}

fn after_search(found: &SearchReport) -> Vec<String> {
    let safe = found.sheet.as_ref().and_then(|sheet| sheet.safe_rate);
    let safe = safe.map(|safe| {
        format!(
            "Plan for {}/s at most: there the quantile is within half its limit, a tenth below the interval.",
            rates::safe(safe)
        )
    });
    let soak = safe.is_some().then(|| {
        "Run that rate for an hour or more (-r and -d): leaks and rare faults take longer than a trial."
            .to_owned()
    });
    let more = (found.bound == Bound::AtLeast).then(|| {
        "Allow more (--max-rate, --search-time) or send from a stronger machine to find the limit.".to_owned()
    });
    [more, safe, soak].into_iter().flatten().collect()
}

/// The part of the response time that takes the most of it.
fn slowest_part(report: &Report) -> Option<String> {
    let phases = &report.phases;
    let parts = [
        (phases.client.mean, "the generator's own lag: look at the warnings"),
        (
            phases.wait.mean,
            "waiting for a free connection: the answers before were slow, or --connections is low",
        ),
        (phases.connect.mean, "connecting: keep connections alive, look at the accept queue"),
        (phases.tls.mean, "setting up TLS: keep connections alive or resume sessions"),
        (
            phases.first_byte.mean,
            "waiting for the first byte: the target's own work and its queues",
        ),
        (phases.body.mean, "receiving the body: its size, or the network"),
    ];
    let whole: u64 = parts.iter().map(|(mean, _)| mean).sum();
    let (most, name) = parts.into_iter().max_by_key(|(mean, _)| *mean)?;
    (most > 0).then(|| {
        let share = Percent((most as f64 / whole as f64 * 100.0).round() / 100.0);
        format!("Of the time of good answers, {share} went to {name}.")
    })
}

/// `text` as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

fn human(ns: u64) -> String {
    Human(Duration::from_nanos(ns)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;
    use crate::report::example;

    #[test]
    fn one_sentence_says_it() {
        let table = [
            (
                example::report(example::GOOD),
                "At 200/s for 30 s, the target met every objective: p95 was",
            ),
            (example::report(example::CENSORED), "the target missed its objectives: p95 was ≥ "),
            (example::report(example::LATE), "says nothing of the target"),
            (
                example::search_report(),
                "The target holds 342/s (331 to 352/s, 95 % confidence) with p95 < 1 s, errors < 5 %.",
            ),
        ];
        for (report, words) in table {
            let headline = headline(&report);
            assert!(headline.contains(words), "{headline}");
        }
    }

    #[test]
    fn what_is_not_judged_is_told_beside_what_was_met() {
        let mut report = example::report(example::GOOD);
        let errors = report.verdict.objectives[1].clone();
        for one in &mut report.verdict.objectives {
            (one.holds, one.measured) = (Holds::NotJudged, None);
            one.why = Some("none was due".to_owned());
        }
        report.verdict.outcome = Outcome::Incomplete;
        assert!(headline(&report).ends_with("nothing came up that an objective is about."));
        report.verdict.outcome = Outcome::Pass;
        report.verdict.objectives[1] = errors;
        let headline = headline(&report);
        assert!(headline.contains("met every other objective: the error rate was"), "{headline}");
        assert!(headline.ends_with(" p95 < 1 s is not judged: none was due."), "{headline}");
    }

    #[test]
    fn a_comparison_is_judged_by_its_own_word() {
        let compared = |ms| {
            let comparison = crate::report::comparison::tests::example(ms);
            Report { comparison: Some(Box::new(comparison)), ..example::report(example::GOOD) }
        };
        let worse = compared(15);
        assert!(
            failed(&worse).iter().any(|line| line.starts_with("p95: ")),
            "{:?}",
            failed(&worse)
        );
        assert!(next(&worse)[0].starts_with("Find the change"), "{:?}", next(&worse));
        assert!(failed(&compared(6))[0].starts_with("Nothing"), "{:?}", failed(&compared(6)));
    }

    #[test]
    fn trust_failures_and_next_steps_fit_the_outcome() {
        let levels = [example::GOOD, example::LATE].map(|course| trust(&example::report(course)).0);
        assert_eq!(levels, [Trust::Full, Trust::None]);
        let failing = example::report(example::FAILING);
        assert!(failed(&failing)[0].starts_with("list interactions: "), "{:?}", failed(&failing));
        assert!(failed(&failing)[0].contains("HTTP 503: "), "{:?}", failed(&failing));
        assert_eq!(failed(&example::report(example::GOOD)).len(), 1);
        let search = example::search_report();
        assert!(
            failed(&search)[1].starts_with("interaction detail: 82 %"),
            "{:?}",
            failed(&search)
        );
        assert!(next(&search)[0].contains("297/s"), "{:?}", next(&search));
        assert!(next(&failing).iter().any(|step| step.contains("--find-max-rps")));
        assert!(next(&failing)[0].starts_with("The server failed: "), "{:?}", next(&failing));
        assert!(!next(&failing).iter().any(|step| step.contains("Of the time")), "none was slow");
        let late = example::report(example::LATE);
        assert!(failed(&late)[0].starts_with("The generator."), "{:?}", failed(&late));
        assert!(!next(&late).iter().any(|step| step.contains("--find-max-rps")));
        let silent = example::Course { fate: |_| Fate::BadStatus, ..example::GOOD };
        let silent = headline(&example::report(silent));
        assert!(silent.contains("there was no good answer to take p95 from"), "{silent}");
        let censored = failed(&example::report(example::CENSORED));
        assert_eq!(censored[0], "Too slow: p95 was ≥ 5 s, the limit is 1 s.");
        assert!(censored[1].starts_with("Slowest: "), "{censored:?}");
        let mut slow = example::watched();
        slow.verdict.outcome = Outcome::Fail;
        let steps = next(&slow);
        assert!(steps.iter().any(|step| step.contains("Look at queue_depth first")), "{steps:?}");
    }
}
