//! [`paint`]: a scene on a terminal of any size.
//!
//! What does not fit is left out from the bottom of the list: first the history, then the request names,
//! then the objectives; on a few lines only how far the run is and how it fares.

mod panels;
mod plot;
mod theme;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph, Widget as _};

use crate::live::{Keyboard, Keys, Kind, Scene, Share, Stage};
use crate::load::rate::Figures;
use crate::render::Style;
use crate::render::table::shortened;
use crate::time::Human;
use panels::{goals, history, load, requests, times};
use theme::{ACCENT, BAD, DOUBT, FAINT, GOOD, PLAIN, STRONG, panel};

/// On less, only the essentials are told, line by line.
const WIDTH_MIN: u16 = 60;
const HEIGHT_MIN: u16 = 12;

const HELP: [(&str, &str); 6] = [
    ("q", "stop: no more arrivals, wait for the answers, report"),
    ("Ctrl-C", "the same; a later one ends the wait for answers"),
    ("p", "pause: no arrivals until p is pressed again"),
    ("+ -", "rate up or down by a tenth, from an exact slot on"),
    ("m", "mark: what comes after it is reported apart, under your text"),
    ("?", "this help"),
];

/// Paints `scene` on `area`, as `keyboard` stands.
pub fn paint(scene: &Scene, keyboard: &Keyboard, style: Style, area: Rect, buffer: &mut Buffer) {
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        essentials(scene, keyboard, area, buffer);
    } else {
        page(scene, keyboard, area, buffer);
    }
    if keyboard.help() {
        help(keyboard.keys(), area, buffer);
    }
    if style == Style::Plain {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = buffer.cell_mut((x, y)) {
                    cell.set_fg(Color::Reset).set_bg(Color::Reset);
                }
            }
        }
    }
}

fn page(scene: &Scene, keyboard: &Keyboard, area: Rect, buffer: &mut Buffer) {
    let rows =
        [Constraint::Length(1), Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [top, bar, body, bottom] = Layout::vertical(rows).areas(area);
    title(scene, top, buffer);
    progress(&scene.run, scene.stage, bar, buffer);
    footer(scene, keyboard, bottom, buffer);

    let told = notes(scene, body.height);
    let heights = heights(scene, body.height - told, body.width);
    let [first, second, middle, lower, _, last] = Layout::vertical([
        Constraint::Length(heights.load),
        Constraint::Length(heights.goals),
        Constraint::Length(heights.middle),
        Constraint::Length(heights.lower),
        Constraint::Min(0),
        Constraint::Length(told),
    ])
    .areas(body);
    let halves = Layout::horizontal([Constraint::Length(44), Constraint::Min(0)]);
    if area.width >= 100 {
        let [left, right] = halves.areas(first);
        load(scene, left, buffer);
        times(scene, right, buffer);
    } else {
        let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);
        let [left, right] = halves.areas(first);
        load(scene, left, buffer);
        times(scene, right, buffer);
    }
    goals(scene, second, buffer);
    if let Some(search) = &scene.search {
        plot::search(scene, search, middle, buffer);
        requests(scene, lower, buffer);
    } else {
        requests(scene, middle, buffer);
        history(scene, lower, buffer);
    }
    for (row, note) in last.rows().zip(scene.notes.iter().rev().take(usize::from(told)).rev()) {
        Line::styled(format!(" {note}"), FAINT).render(row, buffer);
    }
}

struct Heights {
    load: u16,
    goals: u16,
    middle: u16,
    lower: u16,
}

/// What each part of the page gets of `height`.
fn heights(scene: &Scene, height: u16, width: u16) -> Heights {
    let count = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    let load = height.min(8);
    let mut room = height - load;
    let mut take = |least: u16, wanted: u16| {
        let given = if room < least { 0 } else { room.min(wanted) };
        room -= given;
        given
    };
    let table = count(scene.requests.len()).saturating_add(3);
    let (goals, middle, lower);
    if scene.search.is_some() {
        // The plot is what a search is about.
        middle = take(8, 16);
        goals = take(5, panels::goals_height(scene, width));
        lower = take(4, table);
    } else {
        goals = take(4, panels::goals_height(scene, width));
        middle = take(4, table);
        lower = take(5, 11);
    }
    Heights { load, goals, middle, lower }
}

/// Lines for notes: the latest is always shown.
fn notes(scene: &Scene, height: u16) -> u16 {
    let wanted = if height > 24 { 3 } else { 1 };
    u16::try_from(scene.notes.len()).unwrap_or(wanted).min(wanted).min(height)
}

const fn word(stage: Stage) -> (&'static str, ratatui::style::Style) {
    match stage {
        Stage::Starting => ("STARTING", FAINT),
        Stage::Warming => ("WARMING UP", DOUBT),
        Stage::Running => ("RUNNING", GOOD),
        Stage::Paused => ("PAUSED", DOUBT),
        Stage::Draining => ("DRAINING", DOUBT),
        Stage::Stopping => ("STOPPING", BAD),
    }
}

fn title(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let (word, tone) = word(scene.stage);
    let kind = match scene.subject.kind {
        Kind::Run => "run",
        Kind::Search { .. } => "search for the highest rate",
    };
    let room = usize::from(area.width).saturating_sub(word.len() + kind.len() + 18);
    let about = format!("{} on {}", scene.subject.name, scene.subject.target);
    let line = Line::from(vec![
        Span::styled(" steadfire ", ACCENT),
        Span::styled(format!(" {kind}  "), FAINT),
        Span::styled(shortened(&about, room), STRONG),
    ]);
    line.render(area, buffer);
    Line::styled(format!("{word} "), tone).right_aligned().render(area, buffer);
}

fn time_told(share: &Share, stage: Stage) -> String {
    let over = Human(share.over);
    match (stage, share.left) {
        (Stage::Draining | Stage::Stopping, _) => format!("{over}, waiting for the last answers"),
        (_, Some(left)) => format!("{over} over, {} left", Human(left)),
        (_, None) => format!("{over} over"),
    }
}

fn progress(share: &Share, stage: Stage, area: Rect, buffer: &mut Buffer) {
    let told = time_told(share, stage);
    let room = usize::from(area.width).saturating_sub(told.chars().count() + 4);
    Line::from(vec![Span::raw(" "), filled(share.done, room), empty(share.done, room)])
        .render(area, buffer);
    Line::styled(format!("{told} "), PLAIN).right_aligned().render(area, buffer);
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a width")]
fn cells(done: f64, width: usize) -> usize {
    ((done.clamp(0.0, 1.0) * width as f64).round() as usize).min(width)
}

fn filled(done: f64, width: usize) -> Span<'static> {
    Span::styled("█".repeat(cells(done, width)), ACCENT)
}

fn empty(done: f64, width: usize) -> Span<'static> {
    Span::styled("░".repeat(width - cells(done, width)), FAINT)
}

fn footer(scene: &Scene, keyboard: &Keyboard, area: Rect, buffer: &mut Buffer) {
    if let Some(text) = keyboard.mark() {
        Line::from(vec![
            Span::styled(" mark: ", ACCENT),
            Span::styled(format!("{text}▏"), STRONG),
            Span::styled("   Enter sets it, Esc does not", FAINT),
        ])
        .render(area, buffer);
        return;
    }
    let mut keys = vec![("q", "stop")];
    if keyboard.keys() == Keys::Everything {
        let pause = if scene.stage == Stage::Paused { "resume" } else { "pause" };
        keys.extend([("p", pause), ("+", "faster"), ("-", "slower")]);
    }
    keys.extend([("m", "mark"), ("?", "help")]);
    let spans = keys.into_iter().flat_map(|(key, what)| {
        [Span::styled(format!(" {key} "), STRONG), Span::styled(format!("{what}  "), FAINT)]
    });
    Line::from(spans.collect::<Vec<_>>()).render(area, buffer);
}

fn help(keys: Keys, area: Rect, buffer: &mut Buffer) {
    let lines: Vec<Line<'_>> = HELP
        .iter()
        .filter(|(key, _)| keys == Keys::Everything || !matches!(*key, "p" | "+ -"))
        .map(|(key, what)| {
            Line::from(vec![Span::styled(format!(" {key:<7} "), STRONG), Span::raw(*what)])
        })
        .collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let place = area.centered(
        Constraint::Length(area.width.min(74)),
        Constraint::Length(area.height.min(height)),
    );
    Clear.render(place, buffer);
    Paragraph::new(lines).block(panel("Keys")).render(place, buffer);
}

/// How far and how well, in as few lines as there are.
fn essentials(scene: &Scene, keyboard: &Keyboard, area: Rect, buffer: &mut Buffer) {
    let (word, tone) = word(scene.stage);
    let [times, _] = scene.times;
    let p95 = times.quantiles.map_or_else(|| "-".to_owned(), |[_, p95, _]| theme::time(p95));
    let lines = [
        Line::from(vec![
            Span::styled(word, tone),
            Span::raw(format!(" {}", time_told(&scene.run, scene.stage))),
        ]),
        Line::raw(format!("{}/s of {}/s", Figures(scene.achieved[0]), Figures(scene.asked))),
        Line::raw(format!("p95 {p95}")),
        panels::failed(scene).map_or_else(
            || Line::styled("0 failed", FAINT),
            |told| Line::styled(shortened(&told, usize::from(area.width)), BAD),
        ),
        Line::raw(format!("{} in flight", scene.gauges.in_flight)),
    ];
    let rows = area.rows().take(usize::from(area.height.saturating_sub(1)).max(1));
    for (row, line) in rows.zip(lines) {
        line.render(row, buffer);
    }
    if area.height > 1 {
        let bottom = Rect { y: area.bottom() - 1, height: 1, ..area };
        footer(scene, keyboard, bottom, buffer);
    }
}
