//! The capacity sheet in a few lines; the curve itself stands in the table of trials.

use std::time::Duration;

use crate::analysis::words::Percent;
use crate::load::rate::Figures;
use crate::render::table::{WIDTH_MAX, wrap};
use crate::report::capacity::{CapacityReport, ContributionReport};
use crate::time::Human;

/// Names that are listed at most.
const CONTRIBUTIONS_MAX: usize = 5;

/// The lines under the sheet's heading; empty if there is nothing to say.
pub(super) fn lines(sheet: &CapacityReport) -> Vec<String> {
    let sentences = [safe(sheet), knee(sheet), headroom(sheet), breach(sheet), queue(sheet)];
    sentences.into_iter().flatten().flat_map(|sentence| wrap(&sentence, WIDTH_MAX)).collect()
}

fn safe(sheet: &CapacityReport) -> Option<String> {
    let safe = sheet.safe?;
    let margin = Percent(safe.margin);
    let below = sheet.objective.as_ref().map_or_else(String::new, |objective| {
        format!(", and not above a rate that kept {margin} below {objective}")
    });
    Some(format!(
        "safe to plan with: {}/s ({margin} below the certain rate{below})",
        Figures(safe.rate)
    ))
}

fn knee(sheet: &CapacityReport) -> Option<String> {
    let knee = sheet.knee?;
    Some(format!(
        "knee: about {}/s; above it waiting grows faster than what is answered",
        Figures(knee)
    ))
}

fn headroom(sheet: &CapacityReport) -> Option<String> {
    let headroom = sheet.headroom?;
    let current = Figures(headroom.current_rate);
    Some(if headroom.share < 0.0 {
        format!(
            "headroom: none; the certain rate is {} below the current {current}/s",
            Percent(-headroom.share)
        )
    } else {
        format!("headroom: {} above the current {current}/s", Percent(headroom.share))
    })
}

fn breach(sheet: &CapacityReport) -> Option<String> {
    let names = sheet.contributions.iter().take(CONTRIBUTIONS_MAX).map(contribution);
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("broken above by: {}", names.join(", ")))
}

fn contribution(one: &ContributionReport) -> String {
    format!(
        "{} {} (of the load {})",
        one.request,
        Percent(one.breach_share),
        Percent(one.planned_share)
    )
}

fn queue(sheet: &CapacityReport) -> Option<String> {
    match (&sheet.queue, &sheet.no_queue) {
        (Some(queue), _) => Some(format!(
            "behaves like a queue that holds {}/s, with {} without waiting (to {})",
            Figures(queue.capacity),
            Human(Duration::from_nanos(queue.service_time)),
            Percent(queue.error)
        )),
        (None, Some(reason)) => Some(reason.clone()),
        (None, None) => None,
    }
}
