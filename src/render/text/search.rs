//! A search for people: its answer and its capacity sheet, in a few lines, and its trials.

use super::{Page, human};
use crate::analysis::words::{Percent, Signed};
use crate::load::rate::Figures;
use crate::render::table::{Table, WIDTH_MAX, shortened, wrap};
use crate::render::units::Unit;
use crate::render::{Tone, rates};
use crate::report::search::{Bound, SearchReport, TrialPurpose, TrialReport, TrialVerdict};
use crate::report::sheet::{CapacitySheet, ContributionReport};

/// Requests that are named at most; the result names all.
const CONTRIBUTIONS_MAX: usize = 5;

impl Page {
    pub(super) fn trials(&mut self, search: &SearchReport) {
        let trials = &search.trials;
        let typical = trials.iter().map(|trial| trial.p95).max();
        let unit = Unit::fitting(typical.unwrap_or(0).min(1_000_000_000));
        let head = format!("{} {}", search.quantile_name(), unit.symbol());
        let mut table = Table::new([
            "Trial",
            "rate/s",
            "verdict",
            &head,
            "errors",
            "sent/s",
            "good/s",
            "backlog/s",
            "length",
        ]);
        let told = |trial: &&TrialReport| trial.purpose != Some(TrialPurpose::Recovery);
        for (place, trial) in trials.iter().filter(told).enumerate() {
            table.row([
                (place + 1).to_string(),
                Figures(trial.rate).to_string(),
                trial_verdict(trial.verdict).to_owned(),
                unit.figure(trial.p95, trial.p95_at_least),
                Percent(trial.error_rate).to_string(),
                Figures(trial.achieved).to_string(),
                trial.served.map_or_else(|| "–".to_owned(), |served| Figures(served).to_string()),
                Signed(trial.backlog_slope).to_string(),
                human(trial.duration),
            ]);
        }
        self.table(&table);
    }

    pub(super) fn answer(&mut self, search: &SearchReport) {
        self.section("Highest rate");
        let answer = self.style.paint(Tone::Strong, &answer(search));
        self.line(&answer);
        if let Some(breach) = &search.breach {
            let text = format!("breach above, at {}/s: {}", Figures(breach.rate), breach.reason);
            for line in wrap(&text, WIDTH_MAX) {
                self.line(&line);
            }
        }
        self.line(&shortened(&format!("limits: {}", search.slo), WIDTH_MAX));
        for line in search.sheet.iter().flat_map(sheet) {
            for line in wrap(&line, WIDTH_MAX) {
                self.line(&line);
            }
        }
        if search.held > 0 {
            let held = human(search.held);
            self.line(&format!("held for {held}; faults that come more rarely were not seen"));
        }
        for note in &search.notes {
            for line in wrap(note, WIDTH_MAX) {
                self.line(&line);
            }
        }
    }
}

/// The capacity sheet in a few lines.
pub(in crate::render) fn sheet(sheet: &CapacitySheet) -> Vec<String> {
    let knee = sheet.knee_between.map(|ends| {
        let [low, high] = ends.map(rates::rough);
        format!("knee: between {low} and {high}/s the quantile doubles that of the idle target")
    });
    let safe = sheet.safe_rate.map(|safe| {
        let safe = rates::safe(safe);
        format!("safe: {safe}/s, the quantile within half its limit and a tenth below the interval")
    });
    let headroom = sheet.current_rate.zip(sheet.safe_rate).map(|(current, safe)| {
        let share = percent((safe / current - 1.0).abs());
        let rate = Figures(current);
        if safe >= current {
            format!("headroom: {share} more than {rate}/s is safe")
        } else {
            format!("headroom: none, {rate}/s is more than is safe")
        }
    });
    let fit = sheet.fit.map(|fit| {
        format!("the median follows a queue with one line, within {}", percent(fit.error))
    });
    [knee, safe, headroom, breach(sheet), fit].into_iter().flatten().collect()
}

/// Who broke the limits above, the worst few.
fn breach(sheet: &CapacitySheet) -> Option<String> {
    let part = |one: &ContributionReport| {
        let (broken, load) = (percent(one.broken_share), percent(one.planned_share));
        format!("{} {broken} (of the load {load})", one.request)
    };
    let beyond = sheet.contributions.iter().filter(|one| one.broken_share > one.planned_share);
    let parts: Vec<_> = beyond.take(CONTRIBUTIONS_MAX).map(part).collect();
    (!parts.is_empty()).then(|| format!("slow or failed at the breach: {}", parts.join(", ")))
}

/// To a tenth of a percent.
fn percent(share: f64) -> Percent {
    Percent((1000.0 * share).round() / 1000.0)
}

/// The highest rate with its interval, or what is known instead.
pub(in crate::render) fn answer(search: &SearchReport) -> String {
    let (max, rate) = (&search.max_rps, |rate| Figures(rate).to_string());
    match (search.bound, max.high) {
        (Bound::Breach, Some(high)) => {
            let sure = if max.confidence > 0.0 {
                format!("{} confidence", Percent(max.confidence))
            } else {
                "not confirmed".to_owned()
            };
            format!("{}/s ({} to {}/s, {sure})", rate(max.estimate), rate(max.low), rate(high))
        }
        (Bound::AtLeast, _) if max.estimate <= 0.0 => "not known: no rate was held yet".to_owned(),
        (Bound::Breach | Bound::AtLeast, _) => {
            let sure = if max.confidence > 0.0 { "" } else { " (not confirmed)" };
            format!("at least {}/s{sure}", rate(max.estimate))
        }
        (Bound::BelowMinimum, _) => nothing_held(search),
    }
}

/// That no rate is held, and how low that was tried.
pub(in crate::render) fn nothing_held(search: &SearchReport) -> String {
    let lowest = search.max_rps.high;
    let down_to = lowest.map_or_else(String::new, |rate| format!(" down to {}/s", Figures(rate)));
    format!("no rate{down_to} meets the limits")
}

const fn trial_verdict(verdict: TrialVerdict) -> &'static str {
    match verdict {
        TrialVerdict::Pass => "pass",
        TrialVerdict::Fail => "fail",
        TrialVerdict::Undecided => "undecided",
        TrialVerdict::Invalid => "invalid",
    }
}
