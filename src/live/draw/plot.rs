//! A search on a plane of rate and response time: each trial a point, the bracket, and what is tried now.
//!
//! Both axes are logarithmic: the ramp doubles the rate, and past the capacity times grow by powers.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use crate::analysis::search::{SearchProgress, TrialPoint};
use crate::analysis::trial::TrialVerdict;
use crate::analysis::words::Percent;
use crate::live::Scene;
use crate::live::draw::theme::{ACCENT, BAD, DOUBT, FAINT, GOOD, PLAIN, STRONG, panel, time};
use crate::load::rate::Figures;
use crate::measure::histogram::Quantile;
use crate::time::Human;

/// Columns for the labels of the axis of times.
const LABEL: u16 = 9;
/// Columns for the list of trials, where there is room beside the plot.
const LIST: u16 = 48;
const PLOT_MIN: u16 = 50;
/// How far below the bracket trials are still shown.
const ZOOM: f64 = 3.0;

/// The search as it narrows.
pub(super) fn search(scene: &Scene, search: &SearchProgress, area: Rect, buffer: &mut Buffer) {
    if area.height < 4 {
        return;
    }
    let list = if area.width >= LIST + PLOT_MIN { LIST } else { 0 };
    let [left, right] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(list)]).areas(area);
    let block = panel(&answer(search));
    let inner = block.inner(left);
    block.render(left, buffer);
    plane(scene, search, inner, buffer);
    if list > 0 {
        trials(search, right, buffer);
    }
}

/// What is known in a line.
fn answer(search: &SearchProgress) -> String {
    let rate = |rate: f64| format!("{}/s", Figures(rate));
    let name = if search.quantile.is_empty() { "p95" } else { &search.quantile };
    match search.bracket {
        _ if search.points.is_empty() => format!("Rate and {name}: nothing is known yet"),
        _ if search.estimate <= 0.0 => format!("Rate and {name}: no rate has been held yet"),
        (_, None) => {
            format!("Rate and {name}: {} held, none failed yet", rate(search.estimate))
        }
        (low, Some(high)) => format!(
            "Rate and {name}: {}, between {} and {}",
            rate(search.estimate),
            rate(low),
            rate(high)
        ),
    }
}

const fn sign(dot: &TrialPoint) -> (&'static str, Style) {
    match dot.verdict {
        TrialVerdict::Pass => ("●", GOOD),
        TrialVerdict::Fail => ("✗", BAD),
        TrialVerdict::Undecided if dot.held => ("◐", DOUBT),
        TrialVerdict::Undecided => ("?", DOUBT),
        TrialVerdict::Invalid => ("○", FAINT),
    }
}

const LEGEND: &str = " ● pass ✗ fail ◐ likely ? undecided ○ invalid ";

/// A range on a logarithmic scale, spread over a number of cells.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    cells: u16,
}

impl Scale {
    /// Over all of `values` that are above 0, with some room around; `None` without any.
    fn over(values: impl Iterator<Item = f64>, cells: u16) -> Option<Self> {
        let (low, high) = values
            .filter(|value| *value > 0.0 && value.is_finite())
            .fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        (high > 0.0 && cells > 0).then_some(Self { low: low / 1.15, high: high * 1.15, cells })
    }

    /// The cell of `value`, the nearest one if it lies outside.
    fn cell(self, value: f64) -> u16 {
        let share = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        let last = f64::from(self.cells - 1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let cell = (share * last).round().clamp(0.0, last) as u16;
        cell
    }
}

fn plane(scene: &Scene, search: &SearchProgress, area: Rect, buffer: &mut Buffer) {
    if area.width <= LABEL + 10 || area.height < 3 {
        return;
    }
    let field =
        Rect { x: area.x + LABEL, width: area.width - LABEL, height: area.height - 1, ..area };
    let seconds = |time: Duration| time.as_secs_f64();
    let tightest = scene.subject.slo.tightest_time();
    let trying = Some(scene.asked).filter(|rate| *rate > 0.0);
    // Once both ends are known, what lies far below them is no longer of interest.
    let from = search.bracket.1.map_or(0.0, |_| search.bracket.0 / ZOOM);
    let points = || search.points.iter().filter(|dot| dot.rate >= from);
    let rates = points().map(|dot| dot.rate).chain(trying).chain(search.bracket.1);
    let times = points().map(|dot| seconds(dot.time)).chain(tightest.map(seconds));
    let (Some(x), Some(y)) = (Scale::over(rates, field.width), Scale::over(times, field.height))
    else {
        return;
    };
    let column = |rate: f64| field.x + x.cell(rate);
    let row = |time: Duration| field.bottom() - 1 - y.cell(seconds(time));

    axis(field, buffer);
    let mut labels = vec![y.low * 1.15, y.high / 1.15];
    labels.extend(tightest.map(seconds));
    for value in labels {
        let time = Duration::from_secs_f64(value);
        let label = format!("{:>8}", Human(time).to_string());
        buffer.set_stringn(area.x, row(time), label, usize::from(LABEL), FAINT);
    }
    if let Some(limit) = tightest {
        for at in field.left() + 1..field.right() {
            buffer.set_string(at, row(limit), "╌", BAD);
        }
    }
    let (low, high) = search.bracket;
    for bound in [Some(low).filter(|low| *low > 0.0), high].into_iter().flatten() {
        for at in field.top()..field.bottom() {
            buffer.set_string(column(bound), at, "┊", ACCENT);
        }
    }
    if let Some(rate) = trying {
        for at in field.top()..field.bottom() {
            buffer.set_string(column(rate), at, if at == field.top() { "▼" } else { "│" }, STRONG);
        }
    }
    for dot in points() {
        let (sign, tone) = sign(dot);
        buffer.set_string(column(dot.rate), row(dot.time), sign, tone);
    }
    let mut marks = vec![(x.low * 1.15, FAINT), (x.high / 1.15, FAINT)];
    marks.extend(high.map(|high| (high, ACCENT)));
    marks.extend(Some((low, ACCENT)).filter(|_| low > 0.0));
    marks.extend(trying.map(|rate| (rate, STRONG)));
    under(&marks, column, Rect { y: area.bottom() - 1, height: 1, ..area }, buffer);
}

fn axis(field: Rect, buffer: &mut Buffer) {
    for at in field.top()..field.bottom() {
        buffer.set_string(field.x - 1, at, "│", FAINT);
    }
}

/// Rates below the plot. One that stands later in the list is more important and overwrites others.
fn under(marks: &[(f64, Style)], column: impl Fn(f64) -> u16, line: Rect, buffer: &mut Buffer) {
    let mut taken: Vec<(u16, u16)> = Vec::new();
    for (rate, tone) in marks.iter().rev() {
        let text = format!("{}/s", Figures(*rate));
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        let room = line.right().saturating_sub(width);
        let begin = column(*rate).saturating_sub(width / 2).clamp(line.x, room.max(line.x));
        let end = begin + width;
        if taken.iter().any(|(from, to)| begin <= *to && *from <= end) {
            continue;
        }
        buffer.set_stringn(begin, line.y, &text, usize::from(line.width), *tone);
        taken.push((begin, end));
    }
}

/// The latest trials, the last at the bottom.
fn trials(search: &SearchProgress, area: Rect, buffer: &mut Buffer) {
    let block = panel("Trials").title_bottom(Line::styled(LEGEND, FAINT));
    let inner = block.inner(area);
    block.render(area, buffer);
    let room = usize::from(inner.height);
    let lines: Vec<Line<'_>> =
        search.points.iter().rev().take(room).rev().map(|dot| trial(search, *dot)).collect();
    Paragraph::new(lines).render(inner, buffer);
}

fn trial(search: &SearchProgress, dot: TrialPoint) -> Line<'static> {
    let (sign, tone) = sign(&dot);
    let quantile = Quantile { value: dot.time, at_least: dot.at_least };
    Line::from(vec![
        Span::styled(format!("{sign} "), tone),
        Span::styled(format!("{:>8}/s", Figures(dot.rate).to_string()), STRONG),
        Span::styled(format!(" {:<8}", dot.purpose.name()), FAINT),
        Span::styled(format!("{} {:<10}", search.quantile, time(quantile)), PLAIN),
        Span::styled(format!("{:>7}", Percent(dot.error_rate).to_string()), FAINT),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_spreads_what_it_covers_and_keeps_the_rest_at_its_ends() {
        let scale = Scale::over([10.0, 0.0, f64::INFINITY, 1000.0].into_iter(), 101).unwrap();
        assert_eq!(scale.cell(100.0), 50);
        assert!(scale.cell(10.0) <= 4 && scale.cell(1000.0) >= 96);
        assert_eq!((scale.cell(0.0), scale.cell(1e9)), (0, 100));
        assert!(Scale::over(std::iter::empty(), 10).is_none());
        assert_eq!(Scale::over([5.0].into_iter(), 1).unwrap().cell(5.0), 0);
    }
}
