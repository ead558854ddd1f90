//! What a user sees on stderr while a run goes on: the live view or a bar on a terminal, a line per second
//! elsewhere.
//!
//! Nothing here can fail a run: a closed stderr is ignored.

use std::io::{IsTerminal as _, Write as _};

use crate::commands::interrupt::Interrupt;
use crate::commands::run::view::{OpenView, View};
use crate::live::{State, Subject};
use crate::measure::snapshot::Snapshot;
use crate::render::{Style, progress};
use crate::session::event::{IntervalEvent, Observer, RunEvent, Steered};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Silent,
    Lines,
    /// A bar, or the live view where one is open.
    Bar,
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

    /// Opens the live view where it can be seen, for as long as what comes back is kept.
    pub(super) fn watched(self, subject: Subject, interrupt: &Interrupt) -> Option<OpenView> {
        if self.mode != Mode::Bar {
            return None;
        }
        let plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = if plain { Style::Plain } else { Style::Colour };
        // Without it the bar does as well.
        View::open(subject, interrupt, style).ok()
    }

    fn view(self) -> Option<&'static View> {
        if self.mode == Mode::Bar { View::current() } else { None }
    }

    /// The next second of a load.
    fn progress(self, event: &IntervalEvent) {
        if let Some(view) = self.view() {
            view.tell(|state| state.push(&event.interval));
            return;
        }
        let snapshot = Snapshot::new(&event.interval, event.total, event.arrivals_end);
        let label = &event.label;
        let gap = if label.is_empty() { "" } else { "  " };
        match self.mode {
            Mode::Silent => {}
            Mode::Lines => write(&format!("{label}{gap}{}\n", progress::line(&snapshot))),
            Mode::Bar => {
                let bar = progress::bar(&snapshot, Style::Colour);
                write(&format!("\r\x1b[2K{label}{gap}{bar}"));
            }
        }
    }

    /// Tells the live view something, if there is one.
    fn tell(self, tell: impl FnOnce(&mut State)) {
        if let Some(view) = self.view() {
            view.tell(tell);
        }
    }

    /// One line that stays.
    pub(in crate::commands) fn note(self, text: &str) {
        if self.mode != Mode::Silent {
            self.keep(text);
        }
    }

    /// A warning: shown also when progress is not.
    pub(in crate::commands) fn warn(self, text: &str) {
        self.keep(&format!("warning: {text}"));
    }

    fn keep(self, text: &str) {
        match (self.view(), self.mode) {
            (Some(view), _) => view.note(text, format!("{text}\n")),
            (None, Mode::Bar) => write(&format!("\r\x1b[2K{text}\n")),
            (None, Mode::Silent | Mode::Lines) => write(&format!("{text}\n")),
        }
    }

    /// Takes the bar away before results are printed.
    pub(in crate::commands) fn clear(self) {
        if self.mode == Mode::Bar {
            write("\r\x1b[2K");
        }
    }
}

impl Observer for Screen {
    fn observe(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Note(text) => self.note(text),
            RunEvent::Warning(text) => self.warn(text),
            RunEvent::Interval(interval) => self.progress(interval),
            RunEvent::LoadBegan(outline) => self.tell(|state| state.begin(outline.clone())),
            RunEvent::Steered(Steered { rate, label }) => {
                self.tell(|state| state.turned(*rate, label));
            }
            RunEvent::SearchProgress(progress) => {
                self.tell(|state| state.search_went_on((**progress).clone()));
            }
            RunEvent::TrialEnded(_) | RunEvent::Provisional(_) => {}
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
