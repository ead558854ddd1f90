//! [`Chart`]: lines, bands, dots and cells on two axes, as SVG. Colours are classes, so that the page or the
//! file around it decides about light and dark.
//!
//! Drawn here and not by a library in the browser: a picture that is part of the document prints, needs no
//! script, follows the theme by itself and can be held against the result in a test.

mod axis;
mod capacity;
mod draw;
mod events;
mod heat;
mod monitored;
mod over_time;
mod response;
mod served;
mod spectrum;
mod thin;
mod timeline;
mod words;

use serde::Serialize;

use crate::report::Report;
use crate::report::detail::RequestHistory;

use axis::{Axis, Scale};
pub(super) use capacity::verdict_name;
pub(super) use events::turn as monitor_turn;
pub(super) use heat::heat;
pub(super) use monitored::{monitored, order as monitor_order};

/// Colours on light paper, as custom properties.
const LIGHT: &str = "--surface:#fff;--ink:#14181d;--soft:#565d66;--faint:#656d76;--rule:#e4e7ea;--blue:#1f6cc7;--pale:#4d87cf;--deep:#123f80;\
    --orange:#b84a10;--teal:#0b7a59;--red:#c22f26;--amber:#8a5a00;\
    --h0:#dceafb;--h1:#c0d9f7;--h2:#9cc2f0;--h3:#75a8e7;--h4:#4c8bdb;--h5:#2f70c4;--h6:#1c56a1;--h7:#0f3d7a";
/// The same on dark paper.
const DARK: &str = "--surface:#15181c;--ink:#eceff2;--soft:#b0b7bf;--faint:#868e97;--rule:#2b3036;--blue:#5b9fee;--pale:#4179bf;--deep:#bcd9fb;\
    --orange:#f0834a;--teal:#35bd94;--red:#f0695f;--amber:#e0a63a;\
    --h0:#14263c;--h1:#193657;--h2:#1f4976;--h3:#265e99;--h4:#3578bd;--h5:#5495d8;--h6:#84b6ec;--h7:#c2defa";

/// A chart.
#[derive(Debug)]
pub(super) struct Chart {
    /// Unique in a document.
    pub(super) id: String,
    /// What it shows.
    pub(super) title: String,
    /// How to read it, in a sentence.
    pub(super) note: String,
    pub(super) height: f64,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) marks: Vec<Mark>,
    /// Class and name of each series.
    pub(super) legend: Vec<(&'static str, String)>,
    pub(super) hover: Hover,
    /// What to say instead of the picture, where there is nothing to see in it.
    pub(super) nothing: Option<&'static str>,
}

/// The shape of a single point: colour alone would not tell everybody what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PointShape {
    Disc,
    Cross,
    Ring,
    Triangle,
}

/// Something drawn, in the units of the axes, under a class.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// A line, broken where there is nothing.
    Line(&'static str, Vec<Vec<(f64, f64)>>),
    /// What lies between a line and the axis.
    Area(&'static str, Vec<Vec<(f64, f64)>>),
    /// A closed shape.
    Shape(&'static str, Vec<(f64, f64)>),
    /// A single point, told apart by its shape as well.
    Point(&'static str, PointShape, (f64, f64)),
    /// From a low to a high at one place.
    Whisker(&'static str, f64, (f64, f64)),
    /// A level with its label.
    Level(&'static str, f64, String),
    /// A place with its label.
    Upright(&'static str, f64, String),
    /// All between two places.
    Span(&'static str, f64, f64),
    /// Rectangles: left, right, low, high.
    Cells(&'static str, Vec<[f64; 4]>),
}

/// What is told at a place of the x axis.
#[derive(Debug, Default)]
pub(super) struct Hover {
    /// Ascending.
    pub(super) places: Vec<f64>,
    /// One for each place.
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<HoverRow>,
}

/// One series of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct HoverRow {
    pub(super) class: &'static str,
    pub(super) name: String,
    /// One for each place.
    pub(super) values: Vec<String>,
}

/// [`Hover`] for the page's script; places are in the units of the picture.
#[derive(Debug, Serialize)]
pub(super) struct HoverData {
    places: Vec<f64>,
    heads: Vec<String>,
    rows: Vec<HoverRow>,
    top: f64,
    bottom: f64,
    /// Both ends of an axis of time, in seconds; such charts zoom together.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<[f64; 2]>,
}

/// Every chart that the report has data for, without those of its monitors. The journal's are [`heat`] and
/// [`by_request`].
pub(super) fn all(report: &Report) -> Vec<Chart> {
    let search = report.search.as_ref();
    let capacity = search.and_then(|search| capacity::capacity(report, search));
    let served = search.and_then(served::served);
    let timed = if report.series.is_empty() { None } else { Some(over_time::charts(report)) };
    capacity
        .into_iter()
        .chain(served)
        .chain(timed.into_iter().flatten())
        .chain(spectrum::spectrum(report))
        .collect()
}

/// Response times over time of each request name that the journal tells apart.
pub(super) fn by_request(report: &Report, requests: &[RequestHistory]) -> Vec<Chart> {
    let known = requests.iter().filter(|history| !history.points.is_empty());
    known.filter_map(|history| response::of_request(report, history)).collect()
}

/// Response times over time of two runs in one picture; nothing if neither has a series.
pub(super) fn both(a: &Report, b: &Report) -> Option<Chart> {
    let any = !a.series.is_empty() || !b.series.is_empty();
    any.then(|| response::of_both(a, b))
}

/// `style` with the colours in place of their names.
pub(super) fn coloured(style: &str) -> String {
    style.replace("/*light*/", LIGHT).replace("/*dark*/", DARK)
}

/// Text as the content of an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
