//! What a user sees on stderr while a run goes on: the live view or a bar on a terminal, a line per second
//! elsewhere.
//!
//! Nothing here can fail a run: a closed stderr is ignored.

use std::io::{IsTerminal as _, Write as _};

use crate::commands::interrupt::Interrupt;
use crate::commands::run::view::{View, Watching};
use crate::live::{Order, State, Subject};
use crate::measure::fate::FateCounts;
use crate::measure::snapshot::Snapshot;
use crate::measure::window::Interval;
use crate::render::{Style, progress};
use crate::time::Offset;

/// How progress is shown.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Silent,
    Lines,
    Bar,
    View(&'static View),
}

/// The user's stderr.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Screen {
    mode: Mode,
}

impl Screen {
    pub(in crate::commands) fn new(quiet: bool, plain: bool) -> Self {
        let plain =
            plain || variable("CI").is_some() || variable("TERM").is_some_and(|t| t == "dumb");
        let mode = if quiet {
            Mode::Silent
        } else if plain || !std::io::stderr().is_terminal() {
            Mode::Lines
        } else {
            Mode::Bar
        };
        Self { mode }
    }

    /// Opens the live view where it can be seen; it lasts as long as what comes back with the screen.
    pub(super) fn watched(
        self,
        subject: Subject,
        interrupt: &Interrupt,
    ) -> (Self, Option<Watching>) {
        if !matches!(self.mode, Mode::Bar) {
            return (self, None);
        }
        let plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = if plain { Style::Plain } else { Style::Colour };
        match View::open(subject, interrupt, style) {
            Ok((view, watching)) => (Self { mode: Mode::View(view) }, Some(watching)),
            // The bar does as well.
            Err(_) => (self, None),
        }
    }

    /// The next second of a load; `label` says which part of a search it is, `total` what has ended so far,
    /// `end` when arrivals end.
    pub(super) fn progress(self, label: &str, second: &Interval, total: FateCounts, end: Offset) {
        let snapshot = || Snapshot::new(second, total, end);
        let gap = if label.is_empty() { "" } else { "  " };
        match self.mode {
            Mode::Silent => {}
            Mode::Lines => write(&format!("{label}{gap}{}\n", progress::line(&snapshot()))),
            Mode::Bar => {
                let bar = progress::bar(&snapshot(), Style::Colour);
                write(&format!("\r\x1b[2K{label}{gap}{bar}"));
            }
            Mode::View(view) => view.tell(|state| state.push(second)),
        }
    }

    /// Tells the live view something, if there is one.
    pub(super) fn tell(self, tell: impl FnOnce(&mut State)) {
        if let Mode::View(view) = self.mode {
            view.tell(tell);
        }
    }

    /// What was ordered by a key and waits.
    pub(super) fn order(self) -> Option<Order> {
        match self.mode {
            Mode::View(view) => view.order(),
            Mode::Silent | Mode::Lines | Mode::Bar => None,
        }
    }

    /// One line that stays.
    pub(in crate::commands) fn note(self, text: &str) {
        match self.mode {
            Mode::Silent => {}
            Mode::View(view) if view.is_open() => view.note(text, format!("{text}\n")),
            Mode::Lines | Mode::View(_) => write(&format!("{text}\n")),
            Mode::Bar => write(&format!("\r\x1b[2K{text}\n")),
        }
    }

    /// A warning: shown also when progress is not.
    pub(in crate::commands) fn warn(self, text: &str) {
        let text = format!("warning: {text}");
        match self.mode {
            Mode::View(view) if view.is_open() => view.note(&text, format!("{text}\n")),
            Mode::Bar => write(&format!("\r\x1b[2K{text}\n")),
            Mode::Silent | Mode::Lines | Mode::View(_) => write(&format!("{text}\n")),
        }
    }

    /// Takes the bar away before results are printed.
    pub(in crate::commands) fn clear(self) {
        if matches!(self.mode, Mode::Bar) {
            write("\r\x1b[2K");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn write(text: &str) {
    let mut stderr = anstream::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
