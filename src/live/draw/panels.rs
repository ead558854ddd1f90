//! The panels that every run has: load, response time, objectives, what became of slots, request names,
//! history.

use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, RenderDirection, Sparkline, Widget as _};

use crate::analysis::slo::{Holds, MeasuredValue, ObjectiveVerdict};
use crate::analysis::words::{Count, Percent, counted};
use crate::live::draw::theme::{ACCENT, BAD, DOUBT, FAINT, GOOD, PLAIN, STRONG, panel, time};
use crate::live::state::RECENT;
use crate::live::{Failed, Row, Scene, Times};
use crate::load::rate::Figures;
use crate::measure::histogram::Quantile;
use crate::render::table::{Table, abridged, shortened};
use crate::time::{Human, whole_nanos};

/// Below this the objectives stand without the ends of slots beside them.
const TWO_PANELS: u16 = 90;

/// Rates, levels and how punctual the generator is.
pub(super) fn load(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let title = if scene.label.is_empty() { "Load" } else { &scene.label };
    let lag = scene.send_lag[0];
    let lag_tone = if lag > scene.subject.lag_limit { BAD } else { PLAIN };
    let short = scene.achieved[0] < scene.asked * 0.99 && !scene.history.is_empty();
    let row = |name: &str, value: String, tone: Style, aside: String| {
        Line::from(vec![
            Span::styled(format!("{name:<13}"), FAINT),
            Span::styled(format!("{value:>10}"), tone),
            Span::styled(format!("  {aside}"), FAINT),
        ])
    };
    let rate = |rate: f64| format!("{}/s", Figures(rate));
    let waiting = match scene.gauges.waiting {
        0 => String::new(),
        waiting => format!("{} wait for a connection", Count(waiting)),
    };
    let whole = match scene.fates[1].planned() {
        0 => String::new(),
        _ => format!("whole {}", rate(scene.achieved[1])),
    };
    let lines = vec![
        row("asked", rate(scene.asked), STRONG, String::new()),
        row("achieved", rate(scene.achieved[0]), if short { DOUBT } else { STRONG }, whole),
        row("answered well", rate(scene.answered[0]), PLAIN, String::new()),
        row("in flight", Count(scene.gauges.in_flight).to_string(), PLAIN, waiting),
        row(
            "send lag p99",
            Human(lag).to_string(),
            lag_tone,
            format!("limit {}", Human(scene.subject.lag_limit)),
        ),
    ];
    let spark = Spark { label: "sent/s", values: rates(scene), tone: ACCENT };
    framed(title, lines, Some(spark), area, buffer);
}

/// Response times against their limits.
pub(super) fn times(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width.saturating_sub(14) / 3).clamp(7, 12);
    let cell = |quantile: Option<Quantile>, limit: Option<Duration>| {
        let tone = match (quantile, limit) {
            (Some(quantile), Some(limit)) if quantile.below(limit) => GOOD,
            (Some(_), Some(_)) => BAD,
            _ => PLAIN,
        };
        Span::styled(format!("{:>width$}", quantile.map_or_else(|| "-".to_owned(), time)), tone)
    };
    let row = |name: String, times: Times| {
        let mut spans = vec![Span::styled(format!("{name:<10}"), FAINT)];
        for (place, limit) in scene.limits.into_iter().enumerate() {
            spans.push(cell(times.quantiles.map(|quantiles| quantiles[place]), limit));
        }
        Line::from(spans)
    };
    let row_of = |name: &str, [p50, p95, p99]: [String; 3]| {
        format!("{name:<10}{p50:>width$}{p95:>width$}{p99:>width$}")
    };
    let limits = scene.limits.map(|limit| limit.map_or(String::new(), |l| Human(l).to_string()));
    let lines = vec![
        Line::styled(row_of("", ["p50", "p95", "p99"].map(str::to_owned)), STRONG),
        row(format!("last {RECENT} s"), scene.times[0]),
        row("whole".to_owned(), scene.times[1]),
        Line::styled(row_of("limit", limits), FAINT),
    ];
    let values = scene.history.iter().map(|point| whole_nanos(point.p95)).collect();
    let spark = Spark { label: "p95", values, tone: DOUBT };
    framed("Response time", lines, Some(spark), area, buffer);
}

/// Columns for what a row of bars is about.
const SPARK_LABEL: u16 = 10;

/// A row of bars, one for each second.
struct Spark {
    label: &'static str,
    values: Vec<u64>,
    tone: Style,
}

/// Lines in a frame, and what is left below them for a row of bars.
fn framed(
    title: &str,
    lines: Vec<Line<'_>>,
    spark: Option<Spark>,
    area: Rect,
    buffer: &mut Buffer,
) {
    let block = panel(title);
    let inner = block.inner(area);
    block.render(area, buffer);
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height);
    let [text, rest] =
        Layout::vertical([Constraint::Length(used), Constraint::Min(0)]).areas(inner);
    Paragraph::new(lines).render(text, buffer);
    if let Some(Spark { label, values, tone }) = spark {
        let [label_area, chart] =
            Layout::horizontal([Constraint::Length(SPARK_LABEL), Constraint::Min(0)]).areas(rest);
        Line::styled(label, FAINT).render(label_area, buffer);
        bars(&values, tone, chart, buffer);
    }
}

/// The latest values at the right edge.
fn bars(values: &[u64], tone: Style, area: Rect, buffer: &mut Buffer) {
    let data: Vec<u64> = values.iter().rev().take(usize::from(area.width)).copied().collect();
    Sparkline::default()
        .data(data)
        .direction(RenderDirection::RightToLeft)
        .style(tone)
        .render(area, buffer);
}

fn rates(scene: &Scene) -> Vec<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    scene.history.iter().map(|point| (point.achieved * 1e3) as u64).collect()
}

/// What [`goals`] would like to have.
pub(super) fn goals_height(scene: &Scene, width: u16) -> u16 {
    let failures = scene.failures.len();
    let lines = if width < TWO_PANELS {
        // One more tells of all failures.
        scene.objectives.len() + failures.min(1)
    } else {
        scene.objectives.len().max(failures + 2)
    };
    let lines = lines.min(7);
    u16::try_from(lines).unwrap_or(7) + 2
}

/// The objectives as they stand, and how slots ended: in a panel of its own where there is room for two, else
/// in a line.
pub(super) fn goals(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let begun = scene.fates[1].planned() > 0;
    let mut lines: Vec<Line<'_>> =
        scene.objectives.iter().map(|judged| objective(judged, begun)).collect();
    if area.width < TWO_PANELS {
        let width = usize::from(area.width.saturating_sub(4));
        lines.extend(failed(scene).map(|told| Line::styled(shortened(&told, width), BAD)));
        framed("Objectives so far", lines, None, area, buffer);
    } else {
        let halves = Layout::horizontal([Constraint::Length(44), Constraint::Min(0)]);
        let [left, right] = halves.areas(area);
        framed("Objectives so far", lines, None, left, buffer);
        ends(scene, right, buffer);
    }
}

/// Good answers and what else slots ended as, the most frequent first; what there is no room for as a number.
fn ends(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let recent = format!("last {RECENT} s");
    let mut table = Table::new(["", &recent, "whole", "share"]);
    let planned = scene.fates[1].planned().max(1);
    let mut row = |name: &str, [recent, whole]: [u64; 2]| {
        let share = Percent(whole as f64 / planned as f64).to_string();
        table.row([name.to_owned(), Count(recent).to_string(), Count(whole).to_string(), share]);
    };
    row("ok", scene.fates.map(|fates| fates.ok()));
    let rows = usize::from(area.height.saturating_sub(4));
    let shown = match scene.failures.len() {
        all if all > rows => rows.saturating_sub(1),
        all => all,
    };
    for Failed { kind, counts } in &scene.failures[..shown] {
        row(kind, *counts);
    }
    let mut lines = coloured(&table, [GOOD].into_iter().chain(std::iter::repeat(BAD)));
    let hidden = &scene.failures[shown..];
    if !hidden.is_empty() {
        let slots: u64 = hidden.iter().map(|failed| failed.counts[1]).sum();
        let kinds = counted(hidden.len() as u64, "more kind");
        lines.push(Line::styled(format!("… and {kinds}: {}", Count(slots)), BAD));
    }
    framed("How slots ended", lines, None, area, buffer);
}

/// What failed, in a line; `None` where nothing did.
pub(super) fn failed(scene: &Scene) -> Option<String> {
    let kind = |failed: &Failed| format!("{} {}", Count(failed.counts[1]), failed.kind);
    let kinds: Vec<String> = scene.failures.iter().map(kind).collect();
    let all = scene.fates[1].failed();
    (all > 0).then(|| format!("{} failed: {}", Count(all), kinds.join(", ")))
}

fn objective(judged: &ObjectiveVerdict, begun: bool) -> Line<'static> {
    let (sign, tone) = match judged.holds {
        _ if !begun || judged.measured == MeasuredValue::Nothing => ("…", FAINT),
        Holds::Yes => ("✓", GOOD),
        Holds::No => ("✗", BAD),
        Holds::NotJudged => ("–", FAINT),
    };
    let measured = match judged.measured {
        _ if !begun => "-".to_owned(),
        MeasuredValue::Time(quantile) => time(quantile),
        MeasuredValue::Share(share) => Percent(share).to_string(),
        MeasuredValue::PerSecond(rate) => format!("{}/s", Figures(rate)),
        MeasuredValue::Nothing => "-".to_owned(),
    };
    Line::from(vec![
        Span::styled(format!("{sign} "), tone),
        Span::raw(format!("{:<22}", shortened(&judged.objective.to_string(), 22))),
        Span::styled(format!("{measured:>13}"), tone),
    ])
}

/// A table's lines: a bold head, and rows in `tones`.
fn coloured(table: &Table, tones: impl Iterator<Item = Style>) -> Vec<Line<'static>> {
    let tones = std::iter::once(STRONG).chain(tones);
    table.lines().into_iter().zip(tones).map(|(line, tone)| Line::styled(line, tone)).collect()
}

/// One line per request name.
pub(super) fn requests(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let head = ["", "ended", "ok", "errors", "p50", "p95", "p99"].map(str::to_owned);
    let mut rows = vec![(head.to_vec(), STRONG)];
    for Row { name, fates, times } in &scene.requests {
        let cells = match times.quantiles {
            Some(quantiles) => quantiles.map(time),
            None => ["-", "-", "-"].map(str::to_owned),
        };
        let counts = [
            name.clone(),
            Count(fates.planned()).to_string(),
            Count(fates.ok()).to_string(),
            Percent(fates.error_rate()).to_string(),
        ];
        let tone = if fates.failed() > 0 { BAD } else { PLAIN };
        rows.push((counts.into_iter().chain(cells).collect(), tone));
    }
    let mut lines = spread(rows, usize::from(area.width.saturating_sub(4)));
    let room = usize::from(area.height.saturating_sub(2));
    if lines.len() > room && room > 1 {
        let hidden = lines.len() - room + 1;
        lines.truncate(room - 1);
        lines.push(Line::styled(format!("… and {hidden} more"), FAINT));
    }
    framed("Requests", lines, None, area, buffer);
}

/// Rows of seven cells over the whole width: a name and figures.
fn spread(rows: Vec<(Vec<String>, Style)>, width: usize) -> Vec<Line<'static>> {
    let longest = rows.iter().map(|(cells, _)| cells[0].chars().count()).max().unwrap_or(0);
    let name = longest.clamp(8, 30).min(width / 3);
    let figure = ((width - name) / 6).clamp(7, 14);
    let names =
        abridged(&rows.iter().map(|(cells, _)| cells[0].as_str()).collect::<Vec<_>>(), name);
    let lines = rows.into_iter().zip(names).map(|((cells, tone), own)| {
        let mut line = format!("{:<name$}", shortened(&own, name));
        for cell in &cells[1..] {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:>figure$}");
        }
        Line::styled(line, tone)
    });
    lines.collect()
}

/// The last minutes in three rows of bars.
pub(super) fn history(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let block = panel("The last minutes, a bar a second");
    let inner = block.inner(area);
    if inner.height == 0 {
        return;
    }
    block.render(area, buffer);
    let most = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
    let times: Vec<u64> = scene.history.iter().map(|point| whole_nanos(point.p95)).collect();
    let failed: Vec<u64> = scene.history.iter().map(|point| point.failed).collect();
    let in_flight: Vec<u64> = scene.history.iter().map(|point| point.in_flight).collect();
    let rows = [
        ("p95", Human(Duration::from_nanos(most(&times))).to_string(), times, DOUBT),
        ("failed", format!("{}/s", Count(most(&failed))), failed, BAD),
        ("in flight", Count(most(&in_flight)).to_string(), in_flight, ACCENT),
    ];
    let areas = Layout::vertical([Constraint::Fill(1); 3]).split(inner);
    for ((name, most, values, tone), area) in rows.into_iter().zip(areas.iter()) {
        let [label, chart] =
            Layout::horizontal([Constraint::Length(24), Constraint::Min(0)]).areas(*area);
        let label_line = Line::from(vec![
            Span::raw(format!("{name:<10}")),
            Span::styled(format!("up to {most}"), FAINT),
        ]);
        label_line.render(label, buffer);
        bars(&values, tone, chart, buffer);
    }
}
