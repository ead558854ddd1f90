//! Results go to stdout, and only results do.

use std::io::Write as _;

use crate::render::Style;

/// Prints results. A closed pipe ends quietly.
pub(super) fn print(text: &str) {
    let mut stdout = anstream::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Colour as the terminal and its environment want it.
pub(super) fn style() -> Style {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Colour,
    }
}
