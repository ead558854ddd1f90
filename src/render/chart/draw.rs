//! [`Chart`] as SVG.
//!
//! What lies along an axis of time stands in a picture within the picture, so that a script can show a part
//! of it by changing what that one shows; texts lie outside of it and keep their shape.

use std::fmt::Write as _;

use crate::render::chart::{Chart, HoverData, Mark, PointShape, escaped};

/// Width of every chart in units of its own.
pub(super) const WIDTH: f64 = 960.0;
/// Room for labels around the plot.
pub(super) const LEFT: f64 = 74.0;
pub(super) const RIGHT: f64 = 18.0;
pub(super) const TOP: f64 = 30.0;
const BOTTOM: f64 = 40.0;
/// What a character of a label takes.
const CHARACTER: f64 = 6.7;
/// The same in bold, as labels of lines are.
const BOLD: f64 = 7.3;
/// From one row of labels to the next.
const ROW: f64 = 15.0;
/// Beyond, labels would hide what they are about.
const ROWS_MAX: u32 = 4;
/// Length of what stands beside a name in the legend: one turn of the longest pattern.
const KEY: f64 = 22.0;
/// Between two labels.
const GAP: f64 = 8.0;
/// Half a line's width, which a plot that ends at its last value would cut off.
const MARGIN: f64 = 2.0;

/// Where labels stand already: left, right, top, bottom.
#[derive(Debug, Default)]
struct LabelPlaces(Vec<[f64; 4]>);

impl LabelPlaces {
    /// Takes the place of a label if nothing stands there.
    fn take(&mut self, place: [f64; 4]) -> bool {
        let [left, right, top, bottom] = place;
        let free = self
            .0
            .iter()
            .all(|[l, r, t, b]| right <= *l || *r <= left || bottom <= *t || *b <= top);
        if free {
            self.0.push(place);
        }
        free
    }
}

impl Chart {
    /// The picture.
    pub(in crate::render) fn svg(&self) -> String {
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
    pub(in crate::render) fn content(&self) -> String {
        let mut svg = String::new();
        self.draw_axes(&mut svg);
        let (top, height) = (TOP - MARGIN, self.bottom() - TOP + 2.0 * MARGIN);
        let timed = self.x.span().is_some();
        if timed {
            let width = WIDTH - RIGHT - LEFT;
            let _ = write!(
                svg,
                r#"<svg class="plot" x="{LEFT}" y="{top}" width="{width}" height="{height:.1}" viewBox="{LEFT} {top} {width} {height:.1}" preserveAspectRatio="none">"#
            );
        }
        for mark in &self.marks {
            self.draw(mark, &mut svg);
        }
        if timed {
            svg += "</svg>";
        }
        self.draw_labels(&mut svg);
        self.draw_legend(&mut svg);
        svg
    }

    /// What the script tells at each place.
    pub(in crate::render) fn hover_data(&self) -> HoverData {
        let places = self.hover.places.iter();
        HoverData {
            places: places.map(|place| (self.x_at(*place) * 10.0).round() / 10.0).collect(),
            heads: self.hover.heads.clone(),
            rows: self.hover.rows.clone(),
            top: TOP,
            bottom: self.bottom(),
            span: self.x.span(),
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

    fn draw_axes(&self, svg: &mut String) {
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, self.bottom());
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
        *svg += r#"<g class="xticks">"#;
        for (value, label) in &self.x.ticks {
            let x = self.x_at(*value);
            // The last label must not hang over the edge.
            let label_x = x.min(WIDTH - 2.0 - length(label) / 2.0);
            let _ = write!(
                svg,
                r#"<path class="tickmark" d="M{x:.1} {bottom:.1}v5"/><text class="tick" x="{label_x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 18.0,
                escaped(label)
            );
        }
        let _ = write!(
            svg,
            r#"</g><path class="axis" d="M{left} {bottom:.1}H{right}"/><text class="unit" x="4" y="{:.1}" text-anchor="start">{}</text><text class="unit" x="{right}" y="{:.1}" text-anchor="end">{}</text>"#,
            TOP - 14.0,
            escaped(&self.y.title),
            bottom + 34.0,
            escaped(&self.x.title)
        );
    }

    fn draw(&self, mark: &Mark, svg: &mut String) {
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
            Mark::Point(class, shape, (x, y)) => {
                svg.write_str(&shape.drawn(class, self.x_at(*x), self.y_at(*y)))
            }
            Mark::Whisker(class, x, (low, high)) => {
                let (x, low, high) = (self.x_at(*x), self.y_at(*low), self.y_at(*high));
                let (left, right) = (x - 5.0, x + 5.0);
                write!(
                    svg,
                    r#"<path class="whisker {class}" d="M{left:.1} {low:.1}H{right:.1}M{x:.1} {low:.1}V{high:.1}M{left:.1} {high:.1}H{right:.1}"/>"#
                )
            }
            Mark::Level(class, y, _) => {
                let (y, right) = (self.y_at(*y), WIDTH - RIGHT);
                write!(svg, r#"<path class="level {class}" d="M{LEFT} {y:.1}H{right}"/>"#)
            }
            Mark::Upright(class, x, _) => {
                let x = self.x_at(*x);
                write!(svg, r#"<path class="upright {class}" d="M{x:.1} {top}V{bottom:.1}"/>"#)
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

    /// Labels of levels, then those of uprights as far as there is room: each beside its line, in the first
    /// row that is free there.
    fn draw_labels(&self, svg: &mut String) {
        let mut taken = LabelPlaces::default();
        let right = WIDTH - RIGHT;
        for mark in &self.marks {
            let Mark::Level(class, value, label) = mark else { continue };
            let y = self.y_at(*value);
            // Above the line, unless that is where the legend stands.
            let y = if y < TOP + 14.0 { y + 14.0 } else { y - 5.0 };
            taken.take([right - 4.0 - length(label), right, y - 12.0, y + 3.0]);
            let _ = write!(
                svg,
                r#"<text class="label {class}" x="{:.1}" y="{y:.1}" text-anchor="end">{}</text>"#,
                right - 4.0,
                escaped(label)
            );
        }
        for mark in &self.marks {
            let Mark::Upright(class, value, label) = mark else { continue };
            let x = self.x_at(*value);
            let length = label.chars().count() as f64 * BOLD;
            let Some((at, y, anchor)) = self.room(&mut taken, x, length) else { continue };
            // What a script moves the label along with.
            let line = self.x.span().map(|_| format!(r#" data-x="{x:.1}""#)).unwrap_or_default();
            let _ = write!(
                svg,
                r#"<text class="label {class}"{line} x="{at:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
                escaped(label)
            );
        }
    }

    /// Where a label of a line at `x` can stand.
    fn room(
        &self,
        taken: &mut LabelPlaces,
        x: f64,
        length: f64,
    ) -> Option<(f64, f64, &'static str)> {
        let rows = (0..ROWS_MAX).map(|row| TOP + 12.0 + ROW * f64::from(row));
        let rows = rows.take_while(|y| *y < self.bottom() - 4.0);
        for y in rows {
            let place = |left: f64| [left, left + length + GAP, y - 11.0, y + 3.0];
            if x + 6.0 + length <= WIDTH - RIGHT && taken.take(place(x + 6.0)) {
                return Some((x + 6.0, y, "start"));
            }
            if x - 6.0 - length >= LEFT && taken.take(place(x - 6.0 - length)) {
                return Some((x - 6.0, y, "end"));
            }
        }
        None
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
        let width = |name: &str| length(name) + KEY + 22.0;
        let total: f64 = self.legend.iter().map(|(_, name)| width(name)).sum();
        let mut x = WIDTH - RIGHT - total + 14.0;
        *svg += r#"<g class="legend">"#;
        for (class, name) in &self.legend {
            let key = match self.shape_of(class) {
                Some(shape) => shape.drawn(class, x + 8.0, 11.5),
                // With its pattern, which tells lines apart without colour.
                None if self.has_line(class) => {
                    format!(r#"<path class="line {class}" d="M{x:.1} 11.5h{KEY}"/>"#)
                }
                None => format!(
                    r#"<rect class="key {class}" x="{x:.1}" y="9" width="{KEY}" height="5" rx="2"/>"#
                ),
            };
            *svg += &key;
            let (at, name_text) = (x + KEY + 5.0, escaped(name));
            let _ = write!(svg, r#"<text class="name" x="{at:.1}" y="15.5">{name_text}</text>"#);
            x += width(name);
        }
        *svg += "</g>";
    }

    /// Whether a class is that of a line.
    fn has_line(&self, class: &str) -> bool {
        self.marks.iter().any(|mark| matches!(mark, Mark::Line(of, _) if *of == class))
    }

    /// The shape of a class's points, if it has any.
    fn shape_of(&self, class: &str) -> Option<PointShape> {
        self.marks.iter().find_map(|mark| match mark {
            Mark::Point(of, shape, _) if *of == class => Some(*shape),
            _ => None,
        })
    }
}

impl PointShape {
    /// The element, about (x, y).
    fn drawn(self, class: &str, x: f64, y: f64) -> String {
        match self {
            Self::Disc => {
                format!(r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="4.5"/>"#)
            }
            Self::Ring => {
                format!(r#"<circle class="ring {class}" cx="{x:.1}" cy="{y:.1}" r="4"/>"#)
            }
            Self::Cross => {
                let (left, top) = (x - 4.0, y - 4.0);
                format!(r#"<path class="cross {class}" d="M{left:.1} {top:.1}l8 8m0-8l-8 8"/>"#)
            }
            Self::Triangle => {
                let (left, bottom) = (x - 5.0, y + 4.0);
                format!(r#"<path class="dot {class}" d="M{left:.1} {bottom:.1}h10l-5-9z"/>"#)
            }
        }
    }
}

/// What a text takes of a picture's width, about.
fn length(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_stands_on_another() {
        let mut taken = LabelPlaces::default();
        assert!(taken.take([0.0, 50.0, 0.0, 12.0]));
        assert!(!taken.take([40.0, 90.0, 5.0, 17.0]));
        assert!(taken.take([50.0, 90.0, 5.0, 17.0]) && taken.take([0.0, 50.0, 12.0, 24.0]));
    }
}
