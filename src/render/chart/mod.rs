//! [`Chart`]: lines, bands, dots and cells on two axes, as SVG. Colours are classes, so that the page or the
//! file around it decides about light and dark.
//!
//! Drawn here and not by a library in the browser: a picture that is part of the document prints, needs no
//! script, follows the theme by itself and can be held against the result in a test.

mod axis;
mod capacity;
mod heat;
mod over_time;
mod spectrum;
mod thin;
mod words;

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::Report;

use axis::{Axis, Scale};
pub(super) use capacity::verdict_name;
pub(super) use heat::heat;

/// Colours on light paper, as custom properties.
const LIGHT: &str = "--surface:#fff;--ink:#14181d;--soft:#565d66;--faint:#7d858e;--rule:#e4e7ea;--blue:#2a78d6;--pale:#93bdf0;--deep:#123f80;\
    --orange:#dd5f1f;--teal:#12906b;--red:#c8372d;--amber:#b77900;\
    --h0:#dceafb;--h1:#c0d9f7;--h2:#9cc2f0;--h3:#75a8e7;--h4:#4c8bdb;--h5:#2f70c4;--h6:#1c56a1;--h7:#0f3d7a";
/// The same on dark paper.
const DARK: &str = "--surface:#15181c;--ink:#eceff2;--soft:#b0b7bf;--faint:#868e97;--rule:#2b3036;--blue:#5b9fee;--pale:#2f65a8;--deep:#bcd9fb;\
    --orange:#f0834a;--teal:#35bd94;--red:#f0695f;--amber:#e0a63a;\
    --h0:#14263c;--h1:#193657;--h2:#1f4976;--h3:#265e99;--h4:#3578bd;--h5:#5495d8;--h6:#84b6ec;--h7:#c2defa";

/// Width of every chart in units of its own.
const WIDTH: f64 = 960.0;
/// Room for labels around the plot.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;
/// What a character of a label takes.
const CHARACTER: f64 = 6.7;

/// A chart.
#[derive(Debug)]
pub(super) struct Chart {
    /// Unique in a document.
    pub(super) id: &'static str,
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
}

/// Something drawn, in the units of the axes, under a class.
#[derive(Debug)]
pub(super) enum Mark {
    /// A line, broken where there is nothing.
    Line(&'static str, Vec<Vec<(f64, f64)>>),
    /// What lies between a line and the axis.
    Area(&'static str, Vec<Vec<(f64, f64)>>),
    /// A closed shape.
    Shape(&'static str, Vec<(f64, f64)>),
    /// Single points.
    Dots(&'static str, Vec<(f64, f64)>),
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
}

/// Every chart that the report has data for, but for the heat map, whose data are the journal's.
pub(super) fn all(report: &Report) -> Vec<Chart> {
    let over_time = || {
        let seconds = over_time::Seconds::new(&report.series);
        [
            seconds.response_time(report),
            seconds.rate(),
            seconds.failures(),
            seconds.in_flight(),
            seconds.send_lag(),
        ]
    };
    let search = report.search.as_ref().and_then(|search| capacity::capacity(report, search));
    let timed = if report.series.is_empty() { None } else { Some(over_time()) };
    search
        .into_iter()
        .chain(timed.into_iter().flatten())
        .chain(spectrum::spectrum(report))
        .collect()
}

impl Chart {
    /// The picture.
    pub(super) fn svg(&self) -> String {
        let mut svg = format!(
            r#"<svg class="chart" id="{}" viewBox="0 0 {WIDTH} {}" role="img" aria-label="{}">"#,
            self.id,
            self.height,
            escaped(&self.title)
        );
        svg += &self.content();
        svg += "</svg>";
        svg
    }

    /// The picture without the element around it.
    pub(super) fn content(&self) -> String {
        let mut svg = String::new();
        let (left, right, top, bottom) = (LEFT, WIDTH - RIGHT, TOP, self.bottom());
        for (value, label) in &self.y.ticks {
            let y = self.y_at(*value);
            let _ = write!(
                svg,
                r#"<path class="grid" d="M{left} {y:.1}H{right}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                left - 8.0,
                y + 4.0,
                escaped(label)
            );
        }
        for (value, label) in &self.x.ticks {
            let x = self.x_at(*value);
            let _ = write!(
                svg,
                r#"<path class="tickmark" d="M{x:.1} {bottom:.1}v5"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 18.0,
                escaped(label)
            );
        }
        let _ = write!(svg, r#"<path class="axis" d="M{left} {bottom:.1}H{right}"/>"#);
        let _ = write!(
            svg,
            r#"<text class="unit" x="{:.1}" y="{:.1}" text-anchor="start">{}</text><text class="unit" x="{right}" y="{:.1}" text-anchor="end">{}</text>"#,
            4.0,
            top - 14.0,
            escaped(&self.y.title),
            bottom + 34.0,
            escaped(&self.x.title)
        );
        let mut uprights = 0;
        for mark in &self.marks {
            self.draw(mark, &mut uprights, &mut svg);
        }
        self.draw_legend(&mut svg);
        svg
    }

    /// What the script tells at each place.
    pub(super) fn hover_data(&self) -> HoverData {
        let places = self.hover.places.iter();
        HoverData {
            places: places.map(|place| (self.x_at(*place) * 10.0).round() / 10.0).collect(),
            heads: self.hover.heads.clone(),
            rows: self.hover.rows.clone(),
            top: TOP,
            bottom: self.bottom(),
        }
    }

    fn bottom(&self) -> f64 {
        self.height - BOTTOM
    }

    /// Where a value of the x axis lies in the picture.
    pub(super) fn x_at(&self, value: f64) -> f64 {
        LEFT + (WIDTH - RIGHT - LEFT) * self.x.share(value)
    }

    /// Where a value of the y axis lies in the picture.
    pub(super) fn y_at(&self, value: f64) -> f64 {
        self.bottom() - (self.bottom() - TOP) * self.y.share(value)
    }

    fn draw(&self, mark: &Mark, uprights: &mut u32, svg: &mut String) {
        let (top, bottom) = (TOP, self.bottom());
        let _ = match mark {
            Mark::Line(class, runs) => {
                write!(svg, r#"<path class="line {class}" d="{}"/>"#, self.path(runs))
            }
            Mark::Area(class, runs) => {
                let d: String = runs.iter().map(|run| self.area(run)).collect();
                let line = self.path(runs);
                write!(
                    svg,
                    r#"<path class="area {class}" d="{d}"/><path class="line {class}" d="{line}"/>"#
                )
            }
            Mark::Shape(class, points) => {
                let d = self.path(std::slice::from_ref(points));
                write!(svg, r#"<path class="area {class}" d="{d}Z"/>"#)
            }
            Mark::Dots(class, points) => points.iter().try_for_each(|(x, y)| {
                let (x, y) = (self.x_at(*x), self.y_at(*y));
                write!(svg, r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="4.5"/>"#)
            }),
            Mark::Whisker(class, x, (low, high)) => {
                let (x, low, high) = (self.x_at(*x), self.y_at(*low), self.y_at(*high));
                let (left, right) = (x - 5.0, x + 5.0);
                write!(
                    svg,
                    r#"<path class="whisker {class}" d="M{left:.1} {low:.1}H{right:.1}M{x:.1} {low:.1}V{high:.1}M{left:.1} {high:.1}H{right:.1}"/>"#
                )
            }
            Mark::Level(class, y, label) => {
                let (y, right) = (self.y_at(*y), WIDTH - RIGHT);
                // Above the line, unless that is where the legend stands.
                let text = if y < TOP + 14.0 { y + 14.0 } else { y - 5.0 };
                write!(
                    svg,
                    r#"<path class="level {class}" d="M{LEFT} {y:.1}H{right}"/><text class="label {class}" x="{:.1}" y="{text:.1}" text-anchor="end">{}</text>"#,
                    right - 4.0,
                    escaped(label)
                )
            }
            Mark::Upright(class, x, label) => {
                let x = self.x_at(*x);
                let y = top + 12.0 + 15.0 * f64::from(*uprights);
                *uprights += 1;
                let (anchor, at) =
                    if x > WIDTH * 0.7 { ("end", x - 6.0) } else { ("start", x + 6.0) };
                write!(
                    svg,
                    r#"<path class="upright {class}" d="M{x:.1} {top}V{bottom:.1}"/><text class="label {class}" x="{at:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
                    escaped(label)
                )
            }
            Mark::Span(class, from, to) => {
                let (from, to) = (self.x_at(*from), self.x_at(*to));
                let (width, height) = ((to - from).max(1.0), bottom - top);
                write!(
                    svg,
                    r#"<rect class="span {class}" x="{from:.1}" y="{top}" width="{width:.1}" height="{height:.1}"/>"#
                )
            }
            Mark::Cells(class, cells) => {
                let d: String = cells.iter().map(|cell| self.cell(*cell)).collect();
                write!(svg, r#"<path class="cell {class}" d="{d}"/>"#)
            }
        };
    }

    fn path(&self, runs: &[Vec<(f64, f64)>]) -> String {
        let mut d = String::new();
        for run in runs {
            for (place, (x, y)) in run.iter().enumerate() {
                let command = if place == 0 { 'M' } else { 'L' };
                let _ = write!(d, "{command}{:.1} {:.1}", self.x_at(*x), self.y_at(*y));
            }
            // A single point would leave no trace.
            if run.len() == 1 {
                d += "h1.5";
            }
        }
        d
    }

    fn area(&self, run: &[(f64, f64)]) -> String {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return String::new() };
        let line = self.path(&[run.to_vec()]);
        let bottom = self.bottom();
        format!(
            "{line}L{:.1} {bottom:.1}L{:.1} {bottom:.1}Z",
            self.x_at(last.0),
            self.x_at(first.0)
        )
    }

    fn cell(&self, [left, right, low, high]: [f64; 4]) -> String {
        let (x, y) = (self.x_at(left), self.y_at(high));
        let (width, height) = (self.x_at(right) - x, self.y_at(low) - y);
        format!("M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z")
    }

    fn draw_legend(&self, svg: &mut String) {
        let width = |name: &str| name.chars().count() as f64 * CHARACTER + 38.0;
        let total: f64 = self.legend.iter().map(|(_, name)| width(name)).sum();
        let mut x = WIDTH - RIGHT - total + 14.0;
        for (class, name) in &self.legend {
            let _ = write!(
                svg,
                r#"<rect class="key {class}" x="{x:.1}" y="9" width="16" height="5" rx="2"/><text class="name" x="{:.1}" y="15.5">{}</text>"#,
                x + 21.0,
                escaped(name)
            );
            x += width(name);
        }
    }
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
