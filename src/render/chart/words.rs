//! How figures read in charts.

use std::time::Duration;

use crate::load::rate::Figures;
use crate::time::Human;

/// A time in ns.
pub(super) fn human(ns: f64) -> String {
    Human(Duration::from_secs_f64(ns.max(0.0) / 1e9)).to_string()
}

/// A time in ns that may be a lower bound.
pub(super) fn bounded(ns: u64, at_least: bool) -> String {
    let text = human(ns as f64);
    if at_least { format!("≥ {text}") } else { text }
}

/// An instant, to a tenth of a second.
pub(super) fn seconds_text(seconds: f64) -> String {
    human((seconds * 10.0).round() * 1e8)
}

/// A number per second.
pub(super) fn rate(value: f64) -> String {
    format!("{}/s", Figures(value))
}

/// A number.
pub(super) fn count(value: f64) -> String {
    Figures(value).to_string()
}
