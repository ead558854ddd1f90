//! Colours and small forms that all panels share.

use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, BorderType, Padding};

use crate::measure::histogram::Quantile;
use crate::time::Human;

pub(super) const PLAIN: Style = Style::new();
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const FAINT: Style = Style::new().fg(Color::DarkGray);
pub(super) const ACCENT: Style = Style::new().fg(Color::Cyan);
pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const BAD: Style = Style::new().fg(Color::Red);
pub(super) const DOUBT: Style = Style::new().fg(Color::Yellow);

/// A frame with a title.
pub(super) fn panel(title: &str) -> Block<'static> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(FAINT)
        .padding(Padding::horizontal(1))
        .title(ratatui::text::Span::styled(format!(" {title} "), STRONG))
}

/// A time with its unit, `≥` in front if it is a lower bound.
pub(super) fn time(quantile: Quantile) -> String {
    let bound = if quantile.at_least { "≥ " } else { "" };
    format!("{bound}{}", Human(quantile.value))
}
