//! A search for people: its answer and its capacity sheet, in a few lines.

use crate::analysis::words::Percent;
use crate::load::rate::Figures;
use crate::report::search::{Bound, SearchReport};
use crate::report::sheet::{CapacitySheet, ContributionReport};

/// Requests that are named at most; the result names all.
const CONTRIBUTIONS_MAX: usize = 5;

/// The capacity sheet in a few lines.
pub(in crate::render) fn sheet(sheet: &CapacitySheet) -> Vec<String> {
    let knee = sheet.knee.map(|knee| {
        format!(
            "knee: {}/s, where the quantile is twice that of the idle target",
            Figures(knee.round())
        )
    });
    let safe = sheet.safe_rate.map(|safe| {
        let safe = Figures(safe.floor());
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
    let parts: Vec<_> = sheet.contributions.iter().take(CONTRIBUTIONS_MAX).map(part).collect();
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
        (Bound::Breach | Bound::AtLeast, _) => format!("at least {}/s", rate(max.estimate)),
        (Bound::BelowMinimum, Some(high)) => {
            format!("below {}/s, the lowest rate tried", rate(high))
        }
        (Bound::BelowMinimum, None) => "below the lowest rate tried".to_owned(),
    }
}
