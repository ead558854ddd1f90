//! Response times over time, by how many there were.

use crate::analysis::words::Count;
use crate::render::chart::timeline::until;
use crate::render::chart::words::{human, seconds_text};
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, Scale, events};
use crate::report::Report;
use crate::report::detail::{self, HeatColumn};

/// Shades of a heat map.
const SHADES: [&str; 8] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"];

/// Response times over time, by how many there were.
pub(in crate::render) fn heat(report: &Report, columns: &[HeatColumn]) -> Option<Chart> {
    let filled = |row: &usize| columns.iter().any(|column| column.answered[*row] > 0);
    let first = (0..detail::ROWS).find(filled)?;
    let last = (0..detail::ROWS).rev().find(filled)?;
    let given_up = columns.iter().any(|column| column.unanswered > 0);
    // Those never answered have a row of their own above all others.
    let above = detail::row_start(last + 2);
    let high = if given_up { detail::row_start(last + 4) } else { detail::row_start(last + 1) };
    let most = columns.iter().flat_map(|column| &column.answered).max().copied().unwrap_or(1);
    let mut by_shade: [Vec<[f64; 4]>; SHADES.len()] = std::array::from_fn(|_| Vec::new());
    let mut unanswered = Vec::new();
    for column in columns {
        let (from, to) = (column.from as f64 / 1e9, column.to as f64 / 1e9);
        for row in (first..=last).filter(|row| column.answered[*row] > 0) {
            let cell = [from, to, detail::row_start(row), detail::row_start(row + 1)];
            by_shade[shade(column.answered[row], most)].push(cell);
        }
        if column.unanswered > 0 {
            unanswered.push([from, to, above, high]);
        }
    }
    let mut marks: Vec<Mark> =
        SHADES.into_iter().zip(by_shade).map(|(class, cells)| Mark::Cells(class, cells)).collect();
    marks.push(Mark::Cells("lost", unanswered));
    marks.extend(events::all(report));
    let mut y = Axis::times("response time", Scale::Log, detail::row_start(first), high);
    y.ticks.retain(|(value, _)| *value <= detail::row_start(last + 1));
    let most_at = |column: &HeatColumn| {
        let row = (first..=last).max_by_key(|row| column.answered[*row]).unwrap_or(first);
        format!("{} – {}", human(detail::row_start(row)), human(detail::row_start(row + 1)))
    };
    let row = |class, name: &str, value: &dyn Fn(&HeatColumn) -> String| HoverRow {
        class,
        name: name.to_owned(),
        values: columns.iter().map(value).collect(),
    };
    let answered = |column: &HeatColumn| Count(column.answered.iter().sum()).to_string();
    let mut legend = vec![("h1", "few".to_owned()), ("h6", "many answers".to_owned())];
    if given_up {
        legend.push(("lost", "some never answered".to_owned()));
    }
    Some(Chart {
        id: "heat".to_owned(),
        title: "Response times over time, by their number".to_owned(),
        note: "Each column is a stretch of time, each row a range of response times. Two bands are two \
               kinds of answer; a column that reaches up alone is a stall."
            .to_owned(),
        height: 300.0,
        x: Axis::elapsed(0.0, until(report)),
        y,
        marks,
        legend,
        nothing: None,
        hover: Hover {
            places: columns.iter().map(|column| (column.from + column.to) as f64 / 2e9).collect(),
            heads: columns
                .iter()
                .map(|column| {
                    let at = |ns: u64| seconds_text(ns as f64 / 1e9);
                    format!("{} – {}", at(column.from), at(column.to))
                })
                .collect(),
            rows: vec![
                row("h6", "good answers", &answered),
                row("h6", "most of them within", &most_at),
                row("lost", "never answered", &|column| Count(column.unanswered).to_string()),
            ],
        },
    })
}

/// By ratio, since a heat map is about what is rare as well.
fn shade(count: u64, most: u64) -> usize {
    let share = (count as f64).ln() / (most as f64).ln().max(f64::MIN_POSITIVE);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
    let place = (share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64).round() as usize;
    place
}
